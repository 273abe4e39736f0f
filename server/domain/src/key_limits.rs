//! How far does a key reach? What it may spend, how fast, on what, from where and until when.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::money::Amount;
use crate::period::Period;
use crate::scope::Scopes;
use crate::views::UnixMs;

/// The most models, and the most address ranges, that one key may name.
pub const MOST_LISTED: usize = 100;
/// The longest name of a model in the list, in bytes.
const LONGEST_MODEL: usize = 200;
/// The last moment of the year 9999: beyond it no calendar writes a date.
const LAST_DATE: UnixMs = 253_402_300_799_999;

/// The limits of a key. `Default` limits nothing and has every scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyLimits {
    /// The most that may be spent in a UTC day.
    pub day: Option<Amount>,
    /// In an ISO week, from Monday 00:00 UTC.
    pub week: Option<Amount>,
    /// In a calendar month, UTC.
    pub month: Option<Amount>,
    /// In all, ever.
    pub total: Option<Amount>,
    pub requests_per_minute: Option<u32>,
    /// Prompt and answer together.
    pub tokens_per_minute: Option<u32>,
    /// Calls that run at the same time.
    pub concurrency: Option<u32>,
    /// The models that may be called; empty means all.
    pub models: Vec<String>,
    /// Networks that calls may come from, as canonical CIDR once stored (`192.0.2.0/24`); empty means anywhere.
    pub ip_ranges: Vec<String>,
    /// From this time on calls are refused.
    pub expires_at: Option<UnixMs>,
    pub scopes: Scopes,
}

/// A limit that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LimitFault {
    #[error("a spend limit is zero or more")]
    NegativeBudget,
    #[error(
        "requests, tokens and calls at the same time are limited to one or more; leave the limit out for none"
    )]
    ZeroRate,
    #[error("a key names at most {MOST_LISTED} models")]
    TooManyModels,
    #[error("{0:?} cannot be the name of a model")]
    Model(String),
    #[error("a key names at most {MOST_LISTED} address ranges")]
    TooManyRanges,
    /// Found where the ranges are read, not by [`KeyLimits::check`].
    #[error("{0:?} is no address range: write 192.0.2.0/24, 2001:db8::/32 or a single address")]
    Range(String),
    /// Found by whoever has a clock, not by [`KeyLimits::check`].
    #[error("the end date has to be in the future")]
    Past,
    #[error("the end date is beyond the year 9999")]
    BeyondCalendars,
    #[error("a key needs at least one scope")]
    NoScope,
}

impl KeyLimits {
    /// Checks what can be checked without a clock and without reading addresses; whoever stores the limits does both.
    ///
    /// # Errors
    /// The first fault found.
    pub fn check(&self) -> Result<(), LimitFault> {
        if self.budgets().any(|(_, budget)| budget < Amount::ZERO) {
            return Err(LimitFault::NegativeBudget);
        }
        let rates = [
            self.requests_per_minute,
            self.tokens_per_minute,
            self.concurrency,
        ];
        if rates.contains(&Some(0)) {
            return Err(LimitFault::ZeroRate);
        }
        if self.models.len() > MOST_LISTED {
            return Err(LimitFault::TooManyModels);
        }
        if let Some(bad) = self.models.iter().find(|model| !is_model(model)) {
            return Err(LimitFault::Model(bad.chars().take(LONGEST_MODEL).collect()));
        }
        if self.ip_ranges.len() > MOST_LISTED {
            return Err(LimitFault::TooManyRanges);
        }
        if self.expires_at.is_some_and(|end| end > LAST_DATE) {
            return Err(LimitFault::BeyondCalendars);
        }
        if self.scopes.is_empty() {
            return Err(LimitFault::NoScope);
        }
        Ok(())
    }

    /// The spend limits that are set, shortest period first.
    pub fn budgets(&self) -> impl Iterator<Item = (Period, Amount)> {
        [
            (Period::Day, self.day),
            (Period::Week, self.week),
            (Period::Month, self.month),
            (Period::Total, self.total),
        ]
        .into_iter()
        .filter_map(|(period, budget)| Some((period, budget?)))
    }

    /// Whether this model may be called.
    #[must_use]
    pub fn allows_model(&self, model: &str) -> bool {
        self.models.is_empty() || self.models.iter().any(|allowed| allowed == model)
    }
}

fn is_model(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_MODEL
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faulty(change: impl FnOnce(&mut KeyLimits)) -> Option<LimitFault> {
        let mut limits = KeyLimits::default();
        change(&mut limits);
        limits.check().err()
    }

    #[test]
    fn every_limit_has_its_bounds() {
        let many = |count| vec!["m".to_owned(); count];
        assert_eq!(faulty(|_| {}), None);
        assert_eq!(
            faulty(|l| l.total = Some(Amount::ZERO)),
            None,
            "a key that spends nothing"
        );
        for set in [
            |l: &mut KeyLimits, a| l.day = a,
            |l: &mut KeyLimits, a| l.week = a,
            |l: &mut KeyLimits, a| l.month = a,
            |l: &mut KeyLimits, a| l.total = a,
        ] {
            let negative = Some(Amount::from_nanos(-1));
            assert_eq!(
                faulty(|l| set(l, negative)),
                Some(LimitFault::NegativeBudget)
            );
        }
        assert_eq!(
            faulty(|l| l.requests_per_minute = Some(0)),
            Some(LimitFault::ZeroRate)
        );
        assert_eq!(
            faulty(|l| l.tokens_per_minute = Some(0)),
            Some(LimitFault::ZeroRate)
        );
        assert_eq!(
            faulty(|l| l.concurrency = Some(0)),
            Some(LimitFault::ZeroRate)
        );
        assert_eq!(faulty(|l| l.models = many(100)), None);
        assert_eq!(
            faulty(|l| l.models = many(101)),
            Some(LimitFault::TooManyModels)
        );
        assert_eq!(
            faulty(|l| l.models = vec!["a b".to_owned()]),
            Some(LimitFault::Model("a b".to_owned()))
        );
        assert_eq!(
            faulty(|l| l.models = vec![String::new()]),
            Some(LimitFault::Model(String::new()))
        );
        assert_eq!(
            faulty(|l| l.ip_ranges = many(101)),
            Some(LimitFault::TooManyRanges)
        );
        assert_eq!(
            faulty(|l| l.expires_at = Some(LAST_DATE + 1)),
            Some(LimitFault::BeyondCalendars)
        );
        assert_eq!(
            faulty(|l| l.scopes = Scopes::none()),
            Some(LimitFault::NoScope)
        );
    }

    #[test]
    fn an_empty_list_allows_every_model_and_another_only_its_own() {
        let mut limits = KeyLimits::default();
        assert!(limits.allows_model("gpt"));
        limits.models = vec!["gpt".to_owned()];
        assert!(
            limits.allows_model("gpt")
                && !limits.allows_model("gpt-4")
                && !limits.allows_model("GPT")
        );
    }
}
