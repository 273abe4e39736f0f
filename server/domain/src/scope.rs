//! What may a key be used for? A handful of words, kept as a set.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Chat completions.
    #[serde(rename = "chat:write")]
    ChatWrite,
    /// Responses.
    #[serde(rename = "responses:write")]
    ResponsesWrite,
    /// The list of models.
    #[serde(rename = "models:read")]
    ModelsRead,
    /// What the key has spent, and its calls.
    #[serde(rename = "billing:read")]
    BillingRead,
}

impl Scope {
    pub const ALL: [Self; 4] = [
        Self::ChatWrite,
        Self::ResponsesWrite,
        Self::ModelsRead,
        Self::BillingRead,
    ];

    /// The word that programs, forms and rows use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::ChatWrite => "chat:write",
            Self::ResponsesWrite => "responses:write",
            Self::ModelsRead => "models:read",
            Self::BillingRead => "billing:read",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The word names no scope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no scope {0:?}: the scopes are chat:write, responses:write, models:read and billing:read"
)]
pub struct NoSuchScope(pub String);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Scope {
    type Err = NoSuchScope;

    fn from_str(text: &str) -> Result<Self, NoSuchScope> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.id() == text)
            .ok_or_else(|| NoSuchScope(text.to_owned()))
    }
}

/// A set of scopes. As text: the words with spaces between. `Default` is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Vec<Scope>", from = "Vec<Scope>")]
pub struct Scopes(u8);

impl Scopes {
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl Default for Scopes {
    fn default() -> Self {
        Self::all()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | scope.bit()))
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.iter().collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.id())?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = NoSuchScope;

    fn from_str(text: &str) -> Result<Self, NoSuchScope> {
        text.split_whitespace().map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_set_survives_its_text_and_json() {
        for set in (0..16).map(Scopes) {
            assert_eq!(set.to_string().parse::<Scopes>().unwrap(), set);
            let json = serde_json::to_string(&set).unwrap();
            assert_eq!(serde_json::from_str::<Scopes>(&json).unwrap(), set);
        }
        assert_eq!(
            Scopes::all().to_string(),
            "chat:write responses:write models:read billing:read"
        );
        assert_eq!(
            serde_json::to_string(&Scopes::from_iter([Scope::ModelsRead])).unwrap(),
            r#"["models:read"]"#
        );
        assert!("chat:write keys:write".parse::<Scopes>().is_err());
    }

    #[test]
    fn a_set_has_what_was_put_in() {
        let set = Scopes::from_iter([Scope::ChatWrite, Scope::BillingRead]);
        assert!(set.has(Scope::ChatWrite) && set.has(Scope::BillingRead));
        assert!(!set.has(Scope::ModelsRead) && !set.has(Scope::ResponsesWrite));
        assert!(Scopes::none().is_empty() && !set.is_empty());
    }
}
