//! How does a block that is nothing but a seal differ from a signature? By a word before it, while it travels.

/// No signature begins so: they are base64.
const REDACTED: &str = "redacted_thinking.";

/// The seal of a block whose thoughts the provider keeps to itself: its `data`.
pub(super) fn redacted(data: &str) -> String {
    format!("{REDACTED}{data}")
}

/// What stood in `redacted_thinking`, if it is that.
pub(super) fn as_redacted(seal: &str) -> Option<&str> {
    seal.strip_prefix(REDACTED)
}
