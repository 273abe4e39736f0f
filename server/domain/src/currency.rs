//! Which currency, and how many digits has its smallest coin?

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A currency in which money can be shown. Wallets are always held in US dollars.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    #[default]
    Usd,
    Eur,
    Rub,
}

impl Currency {
    /// Every currency a person can choose, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Usd, Self::Eur, Self::Rub];

    /// The ISO 4217 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Rub => "RUB",
        }
    }

    /// The sign shown beside amounts, the same in every language so that nobody mistakes one currency for another.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Usd => "$",
            Self::Eur => "€",
            Self::Rub => "₽",
        }
    }

    /// Digits after the decimal point of the smallest coin (ISO 4217).
    #[must_use]
    pub const fn exponent(self) -> u8 {
        match self {
            Self::Usd | Self::Eur | Self::Rub => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no currency that Farebox shows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown currency: choose one of USD, EUR, RUB")]
pub struct CurrencyError;

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code().eq_ignore_ascii_case(text))
            .ok_or(CurrencyError)
    }
}
