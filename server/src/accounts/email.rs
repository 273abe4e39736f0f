//! Is this an e-mail address? One simple rule; whether mail arrives is for a mail to find out.

use thiserror::Error;

/// The longest address, in bytes (RFC 5321 leaves no room for more).
pub const LONGEST: usize = 254;

/// An address as typed, and the form in which two spellings of one address are equal.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: String,
}

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "an e-mail address looks like name@example.com, without spaces, at most {LONGEST} characters"
)]
pub struct EmailError;

impl Email {
    /// What the account of the first look is called until somebody claims it. Nobody receives mail there.
    pub const PLACEHOLDER: &'static str = "owner@localhost";

    /// Trims, then wants something on both sides of exactly one `@`, and neither spaces nor control characters.
    ///
    /// # Errors
    /// When the text is not an address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let typed = text.trim();
        let (name, domain) = typed.split_once('@').ok_or(EmailError)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || invisible(c);
        if typed.len() > LONGEST
            || name.is_empty()
            || domain.is_empty()
            || domain.contains('@')
            || typed.chars().any(odd)
        {
            return Err(EmailError);
        }
        Ok(Self {
            typed: typed.to_owned(),
            key: typed.to_lowercase(),
        })
    }

    /// As typed, for display and for sending mail.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Lower case: unique per account.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Characters that change how text looks without showing: an address with one could pass for another.
pub(super) const fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Logs must not hold addresses.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(***)")
    }
}
