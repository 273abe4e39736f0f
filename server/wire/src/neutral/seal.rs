//! Whose is a seal? What a provider wants back to believe its own reasoning travels with a caller who speaks another
//! dialect, and may come back when another provider is asked, who would refuse it.
//!
//! So the reader of an upstream's answer marks each seal with the dialect that made it, and the reader of a request
//! finds out by the mark; a seal without one was made in the caller's own dialect, where the bytes go through.

use domain::Dialect;

const MARK: &str = "farebox.";

/// The seal as it travels.
#[must_use]
pub fn mark(made_in: Dialect, seal: &str) -> String {
    format!("{MARK}{}.{seal}", made_in.id())
}

/// The dialect that made a seal which came with a request in `own`, and the seal as its provider wants it.
#[must_use]
pub fn whose(seal: &str, own: Dialect) -> (Dialect, String) {
    let marked = seal
        .strip_prefix(MARK)
        .and_then(|rest| rest.split_once('.'));
    let found = marked.and_then(|(id, seal)| {
        let all = [
            Dialect::Chat,
            Dialect::Responses,
            Dialect::Messages,
            Dialect::Gemini,
        ];
        let made_in = all.into_iter().find(|dialect| dialect.id() == id)?;
        Some((made_in, seal.to_owned()))
    });
    found.unwrap_or_else(|| (own, seal.to_owned()))
}

/// Whether a seal was made in another dialect than the caller's, so that nobody who speaks the caller's believes it.
pub(crate) fn is_marked(seal: &str) -> bool {
    seal.starts_with(MARK)
}

/// Whether there may be such a seal in a body, or one of `others` is: told by looking at the bytes alone.
pub(crate) fn may_be_in(body: &[u8], others: &[&str]) -> bool {
    std::str::from_utf8(body)
        .is_ok_and(|text| text.contains(MARK) || others.iter().any(|other| text.contains(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_comes_home() {
        let marked = mark(Dialect::Messages, "a.b=");
        assert_eq!(
            whose(&marked, Dialect::Responses),
            (Dialect::Messages, "a.b=".to_owned())
        );
        for own in ["gAAAA.x", "farebox.", "farebox.nobody.x", ""] {
            assert_eq!(
                whose(own, Dialect::Responses),
                (Dialect::Responses, own.to_owned())
            );
        }
    }
}
