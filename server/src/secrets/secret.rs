//! How does a secret travel through the program? In a box that prints `***` and is wiped when dropped.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use super::base62;

/// The operating system gave no random bytes; nothing secret can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomnessFailed;

/// A password, a key or a token. Neither `Debug` nor `Display` shows it, it has no `Serialize`,
/// and its memory is wiped when it goes.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Each use of this is a place where a secret could leak.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// 256 random bits as 43 letters and digits.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random_token() -> Result<Self, RandomnessFailed> {
        Self::random_after("", 43, 0)
    }

    /// `prefix` followed by `length` random letters and digits, with room for `spare` more bytes: text that grows
    /// later would move in memory and leave a copy behind.
    pub(crate) fn random_after(
        prefix: &str,
        length: usize,
        spare: usize,
    ) -> Result<Self, RandomnessFailed> {
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + length + spare));
        text.push_str(prefix);
        base62::push_random(&mut text, length)?;
        Ok(Self(text))
    }

    /// Appends within the room that [`Secret::random_after`] left.
    pub(crate) fn append(&mut self, text: &str) {
        debug_assert!(
            self.0.capacity() >= self.0.len() + text.len(),
            "appending would move the secret"
        );
        self.0.push_str(text);
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
