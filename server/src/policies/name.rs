//! Which policies are there? A closed list; the names are addresses (`/policies/terms`) and files (`terms.md`).

/// A policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    Terms,
    Privacy,
    AcceptableUse,
    Refunds,
    Cookies,
}

impl Name {
    /// In the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Terms,
        Self::Privacy,
        Self::AcceptableUse,
        Self::Refunds,
        Self::Cookies,
    ];

    /// As addresses and files name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::AcceptableUse => "acceptable-use",
            Self::Refunds => "refunds",
            Self::Cookies => "cookies",
        }
    }

    /// The policy with this name.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.code() == code)
    }
}
