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
    Gbp,
    Cny,
    Jpy,
    Inr,
    Brl,
    Try,
    Krw,
    Kwd,
}

impl Currency {
    /// Every currency a person can choose, in the order of the menu.
    pub const ALL: [Self; 11] = [
        Self::Usd,
        Self::Eur,
        Self::Rub,
        Self::Gbp,
        Self::Cny,
        Self::Jpy,
        Self::Inr,
        Self::Brl,
        Self::Try,
        Self::Krw,
        Self::Kwd,
    ];

    /// The ISO 4217 code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Rub => "RUB",
            Self::Gbp => "GBP",
            Self::Cny => "CNY",
            Self::Jpy => "JPY",
            Self::Inr => "INR",
            Self::Brl => "BRL",
            Self::Try => "TRY",
            Self::Krw => "KRW",
            Self::Kwd => "KWD",
        }
    }

    /// The sign shown beside amounts, the same in every language so that nobody mistakes one currency for another.
    /// One without a sign of its own shows its code.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Usd => "$",
            Self::Eur => "€",
            Self::Rub => "₽",
            Self::Gbp => "£",
            Self::Cny => "CN¥",
            Self::Jpy => "¥",
            Self::Inr => "₹",
            Self::Brl => "R$",
            Self::Try => "₺",
            Self::Krw => "₩",
            Self::Kwd => "KWD",
        }
    }

    /// Digits after the decimal point of the smallest coin (ISO 4217).
    #[must_use]
    pub const fn exponent(self) -> u8 {
        match self {
            Self::Jpy | Self::Krw => 0,
            Self::Usd
            | Self::Eur
            | Self::Rub
            | Self::Gbp
            | Self::Cny
            | Self::Inr
            | Self::Brl
            | Self::Try => 2,
            Self::Kwd => 3,
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
#[error("unknown currency: choose one of USD, EUR, RUB, GBP, CNY, JPY, INR, BRL, TRY, KRW, KWD")]
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_currency_has_its_code_its_place_and_a_sign_of_its_own() {
        let mut signs = std::collections::HashSet::new();
        for (place, currency) in Currency::ALL.into_iter().enumerate() {
            assert_eq!(currency as usize, place, "tables are indexed by it");
            assert_eq!(currency.code().parse(), Ok(currency));
            let json = serde_json::to_string(&currency).unwrap();
            assert_eq!(json, format!("\"{}\"", currency.code()));
            assert!(signs.insert(currency.sign()), "{currency} shares its sign");
            assert!(
                CurrencyError.to_string().contains(currency.code()),
                "the error names {currency}"
            );
        }
        assert!("XAU".parse::<Currency>().is_err());
    }

    #[test]
    fn the_smallest_coins_are_those_of_iso_4217() {
        for (code, exponent) in [("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TRY", 2)] {
            assert_eq!(
                code.parse::<Currency>().unwrap().exponent(),
                exponent,
                "{code}"
            );
        }
    }
}
