//! Who says what a currency is worth, for how long is it believed, and who is asked first?

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Currency;

/// Where a rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The dated snapshot in the repository: shown until something better is there.
    First,
    /// The European Central Bank: everything per euro.
    Ecb,
    /// The central bank of Russia: roubles per everything.
    Cbr,
    /// openexchangerates.org, with a key: everything per dollar.
    OpenExchangeRates,
    /// Set by an administrator: per dollar.
    Manual,
}

/// The text names no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown source of rates: it is one of first, ecb, cbr, openexchangerates, manual")]
pub struct SourceError;

impl Source {
    pub const ALL: [Self; 5] = [
        Self::First,
        Self::Ecb,
        Self::Cbr,
        Self::OpenExchangeRates,
        Self::Manual,
    ];

    /// Its name in the database, in commands and in the log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Ecb => "ecb",
            Self::Cbr => "cbr",
            Self::OpenExchangeRates => "openexchangerates",
            Self::Manual => "manual",
        }
    }

    /// After so many days a rate is only shown, not charged by. Four cover Easter, when the ECB is silent from Friday to
    /// Monday; eleven the first days of January in Russia; whoever sets a rate by hand looks after it once a month.
    /// Nobody is ever charged by the snapshot.
    #[must_use]
    pub const fn max_age_days(self) -> i64 {
        match self {
            Self::First => i64::MIN,
            Self::Ecb | Self::OpenExchangeRates => 4,
            Self::Cbr => 11,
            Self::Manual => 31,
        }
    }

    /// The smaller, the rather: what was set by hand, then who quotes the pair directly, then crosses.
    #[must_use]
    pub const fn place(self, currency: Currency) -> u8 {
        match (self, currency) {
            (Self::Manual, _) => 0,
            (Self::Cbr, Currency::Rub) => 1,
            (Self::OpenExchangeRates, _) => 2,
            (Self::Ecb, _) => 3,
            (Self::Cbr, _) => 4,
            (Self::First, _) => 5,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        Self::ALL
            .into_iter()
            .find(|source| source.code() == text)
            .ok_or(SourceError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_by_its_name() {
        for source in Source::ALL {
            assert_eq!(source.code().parse(), Ok(source));
            assert!(SourceError.to_string().contains(source.code()));
        }
        assert!("ECB".parse::<Source>().is_err());
    }
}
