//! By which rule was a call charged? The published table: was usage reported, were bytes delivered, who broke it.

use serde::{Deserialize, Serialize};

/// How a call came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The upstream gave a whole answer.
    Finished,
    /// The upstream refused, failed or broke off.
    UpstreamFailed,
    /// The caller left before the end.
    CallerGone,
    /// Farebox ended it: a time limit, or no more credit.
    Stopped,
}

/// The rule by which a call was charged; its id stands on the call and in the caller's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The upstream reported its usage: charged by the report.
    Reported,
    /// Nothing was reported, something was delivered: a tokenizer counted prompt and delivered answer.
    Estimated,
    /// Nothing was delivered: no charge, whatever was reported.
    NothingDelivered,
    /// A test key: no charge.
    TestKey,
}

impl Rule {
    pub const ALL: [Self; 4] = [
        Self::Reported,
        Self::Estimated,
        Self::NothingDelivered,
        Self::TestKey,
    ];

    /// The whole table in one function.
    ///
    /// `delivered` means that at least one piece of the answer was handed to the caller's connection, or is about
    /// to be, because a whole answer is released only after its charge is committed. A whole answer may be empty: one
    /// that only thought until its tokens were used up is charged by its report, and without a report not at all.
    #[must_use]
    pub const fn choose(ending: Ending, reported: bool, delivered: bool) -> Self {
        match (ending, reported, delivered) {
            (Ending::Finished, true, _) | (_, true, true) => Self::Reported,
            (_, false, true) => Self::Estimated,
            (_, _, false) => Self::NothingDelivered,
        }
    }

    /// Where the documentation says what this rule means, below the site's address.
    #[must_use]
    pub fn docs_path(self) -> String {
        format!("/docs/billing#rule-{}", self.id())
    }

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Estimated => "estimated",
            Self::NothingDelivered => "nothing_delivered",
            Self::TestKey => "test_key",
        }
    }

    /// The rule with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id() == id)
    }

    /// Does this rule take the tokens on the row at the price on the row?
    #[must_use]
    pub const fn charges(self) -> bool {
        matches!(self, Self::Reported | Self::Estimated)
    }
}

impl Ending {
    pub const ALL: [Self; 4] = [
        Self::Finished,
        Self::UpstreamFailed,
        Self::CallerGone,
        Self::Stopped,
    ];

    /// The ending with this id.
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ending| ending.id() == id)
    }

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::UpstreamFailed => "upstream_failed",
            Self::CallerGone => "caller_gone",
            Self::Stopped => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_table() {
        use Ending::{CallerGone, Finished, Stopped, UpstreamFailed};
        use Rule::{Estimated, NothingDelivered, Reported};
        for (ending, reported, delivered, rule) in [
            (Finished, true, true, Reported),
            (Finished, true, false, Reported),
            (Finished, false, true, Estimated),
            (Finished, false, false, NothingDelivered),
            (UpstreamFailed, true, true, Reported),
            (UpstreamFailed, true, false, NothingDelivered),
            (UpstreamFailed, false, true, Estimated),
            (UpstreamFailed, false, false, NothingDelivered),
            (CallerGone, true, true, Reported),
            (CallerGone, true, false, NothingDelivered),
            (CallerGone, false, true, Estimated),
            (CallerGone, false, false, NothingDelivered),
            (Stopped, true, true, Reported),
            (Stopped, true, false, NothingDelivered),
            (Stopped, false, true, Estimated),
            (Stopped, false, false, NothingDelivered),
        ] {
            assert_eq!(
                Rule::choose(ending, reported, delivered),
                rule,
                "{ending:?} reported={reported} delivered={delivered}"
            );
        }
    }

    #[test]
    fn ids_lead_back_to_their_rule() {
        for rule in Rule::ALL {
            assert_eq!(Rule::from_id(rule.id()), Some(rule));
        }
        for ending in Ending::ALL {
            assert_eq!(Ending::from_id(ending.id()), Some(ending));
        }
    }
}
