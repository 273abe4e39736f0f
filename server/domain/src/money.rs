//! How much money? Whole nano-dollars, checked, never a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Nano-dollars in one US dollar.
pub const NANOS_PER_USD: i64 = 1_000_000_000;

/// An amount of US dollars in whole nano-dollars (1e-9 USD); the range is about ±9.2 billion dollars.
///
/// Arithmetic is checked: there is no operator that could wrap or saturate. In JSON it is a string, because
/// nine million dollars already exceed what JavaScript's numbers hold exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(i64);

/// The result leaves the range of [`Amount`], or the text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    #[error("the amount leaves the range of about nine billion dollars")]
    Overflow,
    #[error(
        "not an amount of money: write it like 25.00, with at most {max_digits} digits after the point"
    )]
    Format { max_digits: u8 },
}

impl Amount {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// # Errors
    /// [`MoneyError::Overflow`] when the sum leaves the range.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// # Errors
    /// [`MoneyError::Overflow`] when the difference leaves the range.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0
            .checked_sub(other.0)
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// The same so many times.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the product leaves the range.
    pub fn times(self, count: u64) -> Result<Self, MoneyError> {
        i64::try_from(count)
            .ok()
            .and_then(|count| self.0.checked_mul(count))
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    /// `self - other`, or zero when `other` is the larger one: what is left of a portion, never a debt.
    #[must_use]
    pub fn minus_or_zero(self, other: Self) -> Self {
        self.0
            .checked_sub(other.0)
            .filter(|left| *left > 0)
            .map_or(Self::ZERO, Self)
    }

    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The sum of many.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the sum leaves the range.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// Reads US dollars as people write them: `25`, `25.00`, `0.000000001`.
    ///
    /// # Errors
    /// [`MoneyError::Format`] for anything but digits with at most nine after the point.
    pub fn parse_usd(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, 9).map(Self)
    }

    /// US dollars with all nine digits, without trailing zeros beyond the cents: `25.00`, `0.004183`.
    #[must_use]
    pub fn to_usd_string(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let (whole, part) = (
            nanos / NANOS_PER_USD.unsigned_abs(),
            nanos % NANOS_PER_USD.unsigned_abs(),
        );
        let digits = format!("{part:09}");
        let kept = digits.trim_end_matches('0').len().max(2);
        format!("{sign}{whole}.{}", &digits[..kept])
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} USD", self.to_usd_string())
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        i64::from_str(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// Reads an unsigned decimal number as a whole number of its `digits`-th decimal place.
///
/// # Errors
/// [`MoneyError::Format`] for signs, exponents, spaces, or more digits after the point than `digits`;
/// [`MoneyError::Overflow`] when the number does not fit.
pub fn parse_decimal(text: &str, digits: u8) -> Result<i64, MoneyError> {
    let wrong = MoneyError::Format { max_digits: digits };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let dot_without_digits = text.contains('.') && part.is_empty();
    if whole.is_empty()
        || dot_without_digits
        || !all_digits(whole)
        || !all_digits(part)
        || part.len() > usize::from(digits)
    {
        return Err(wrong);
    }
    let padded = format!("{whole}{part:0<width$}", width = usize::from(digits));
    padded.parse().map_err(|_| MoneyError::Overflow)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dollars_are_read_exactly() {
        assert_eq!(Amount::parse_usd("25.00").unwrap().nanos(), 25_000_000_000);
        assert_eq!(Amount::parse_usd("0.000000001").unwrap().nanos(), 1);
        assert_eq!(Amount::parse_usd("7").unwrap().to_usd_string(), "7.00");
        assert_eq!(
            Amount::parse_usd("0.004183").unwrap().to_usd_string(),
            "0.004183"
        );
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "0.0000000001",
            "٣",
            "99999999999",
        ] {
            assert!(Amount::parse_usd(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn json_carries_nanos_as_a_string() {
        assert_eq!(
            serde_json::to_string(&Amount::from_nanos(-5)).unwrap(),
            "\"-5\""
        );
        assert_eq!(
            serde_json::from_str::<Amount>("\"12\"").unwrap(),
            Amount::from_nanos(12)
        );
        assert!(serde_json::from_str::<Amount>("12").is_err());
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(nanos in 0..i64::MAX) {
            let amount = Amount::from_nanos(nanos);
            prop_assert_eq!(Amount::parse_usd(&amount.to_usd_string()).unwrap(), amount);
        }

        #[test]
        fn sums_never_wrap(a in any::<i64>(), b in any::<i64>()) {
            let exact = i128::from(a) + i128::from(b);
            let sum = Amount::from_nanos(a).plus(Amount::from_nanos(b));
            prop_assert_eq!(sum.ok().map(|s| i128::from(s.nanos())), i64::try_from(exact).ok().map(i128::from));
        }
    }
}
