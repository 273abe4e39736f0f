//! How much does somebody pay or get back? Whole smallest coins of a currency: cents, kopecks, yen, fils.

use std::fmt;

use thiserror::Error;

use crate::Currency;
use crate::money::parse_decimal;

/// An amount of a currency in whole smallest coins, never below zero. Receipts and providers speak of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Coins {
    currency: Currency,
    minor: i64,
}

/// The text or number is no amount of this currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an amount of {currency}: digits with at most {digits} after the point", digits = .currency.exponent())]
pub struct CoinsError {
    pub currency: Currency,
}

impl Coins {
    /// `minor` smallest coins: 2 500 are 25.00 USD, 2 500 JPY, or 2.500 KWD.
    ///
    /// # Errors
    /// [`CoinsError`] below zero.
    pub const fn new(currency: Currency, minor: i64) -> Result<Self, CoinsError> {
        if minor < 0 {
            return Err(CoinsError { currency });
        }
        Ok(Self { currency, minor })
    }

    /// Reads `25`, `25.5` or `25.50`, as machines write it.
    ///
    /// # Errors
    /// [`CoinsError`] for anything else, and for more digits than the currency has.
    pub fn parse(currency: Currency, text: &str) -> Result<Self, CoinsError> {
        parse_decimal(text, currency.exponent())
            .map_err(|_| CoinsError { currency })
            .and_then(|minor| Self::new(currency, minor))
    }

    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whole smallest coins.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The same in billionths of the currency's unit.
    #[must_use]
    pub fn nanos(self) -> i128 {
        i128::from(self.minor) * nanos_per_coin(self.currency)
    }
}

/// Billionths of the unit in one smallest coin: 10 000 000 for cents.
pub(super) const fn nanos_per_coin(currency: Currency) -> i128 {
    10_i128.pow(9 - currency.exponent() as u32)
}

/// As machines read it: `25.00 EUR`.
impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.currency.exponent());
        if digits == 0 {
            return write!(f, "{} {}", self.minor, self.currency);
        }
        let one = 10_i64.pow(u32::from(self.currency.exponent()));
        let (whole, part) = (self.minor / one, self.minor % one);
        write!(f, "{whole}.{part:0digits$} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn coins_are_read_and_written_with_the_digits_of_their_currency() {
        for (currency, text, minor, shown) in [
            (Currency::Usd, "25", 2_500, "25.00 USD"),
            (Currency::Eur, "0.05", 5, "0.05 EUR"),
            (Currency::Jpy, "1500", 1_500, "1500 JPY"),
            (Currency::Kwd, "1.5", 1_500, "1.500 KWD"),
        ] {
            let coins = Coins::parse(currency, text).unwrap();
            assert_eq!(
                (coins.minor(), coins.to_string()),
                (minor, shown.to_owned())
            );
        }
        for (currency, text) in [
            (Currency::Usd, "1.005"),
            (Currency::Jpy, "1.5"),
            (Currency::Kwd, "-1"),
            (Currency::Eur, "1,5"),
        ] {
            assert!(Coins::parse(currency, text).is_err(), "{text} {currency}");
        }
        assert!(Coins::new(Currency::Usd, -1).is_err());
        assert_eq!(
            Coins::parse(Currency::Kwd, "0.001").unwrap().nanos(),
            1_000_000
        );
        assert_eq!(
            Coins::parse(Currency::Krw, "1").unwrap().nanos(),
            1_000_000_000
        );
    }
}
