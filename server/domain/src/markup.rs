//! How much more than its cost does a model sell for? A mark-up in basis points, applied when a price is published.
//!
//! Applying it then and not at each call means that the page shows exactly what is charged.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::money::{MoneyError, parse_decimal};
use crate::price::{Price, PricePerMtok};

/// Basis points on top of the cost: 2 000 is 20 %. Below zero the model sells under its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Markup(i32);

/// Basis points in the whole.
const WHOLE: i128 = 10_000;

impl Markup {
    /// A hundred times the cost on top: what is above is a typing mistake.
    pub const BP_MAX: i32 = 1_000_000;
    /// Nothing is left of the cost.
    pub const BP_MIN: i32 = -10_000;

    /// # Errors
    /// [`MoneyError::Overflow`] outside [`Self::BP_MIN`] to [`Self::BP_MAX`].
    pub fn from_bp(bp: i64) -> Result<Self, MoneyError> {
        i32::try_from(bp)
            .ok()
            .filter(|bp| (Self::BP_MIN..=Self::BP_MAX).contains(bp))
            .map(Self)
            .ok_or(MoneyError::Overflow)
    }

    #[must_use]
    pub const fn bp(self) -> i32 {
        self.0
    }

    /// Reads per cent with at most two digits after the point: `20`, `12.5`, `-10`.
    ///
    /// # Errors
    /// [`MoneyError`] when the text is no such number or the mark-up is out of range.
    pub fn parse_percent(text: &str) -> Result<Self, MoneyError> {
        let (below, digits) = match text.strip_prefix(['-', '\u{2212}']) {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let bp = parse_decimal(digits, 2)?;
        Self::from_bp(if below { -bp } else { bp })
    }

    /// What something of this cost sells for, rounded up to a whole micro-dollar per million tokens.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the price is beyond [`PricePerMtok::MICRO_USD_MAX`].
    pub fn on(self, cost: PricePerMtok) -> Result<PricePerMtok, MoneyError> {
        let scaled = i128::from(cost.micro_usd()) * (WHOLE + i128::from(self.0));
        // Neither factor is below zero, so dividing upwards is adding the divisor less one.
        i64::try_from((scaled + WHOLE - 1) / WHOLE)
            .map_err(|_| MoneyError::Overflow)
            .and_then(PricePerMtok::from_micro_usd)
    }

    /// [`Self::on`] for every bucket.
    ///
    /// # Errors
    /// As [`Self::on`].
    pub fn on_price(self, cost: &Price) -> Result<Price, MoneyError> {
        cost.map(|_, cost| self.on(cost))
    }
}

/// Per cent without needless zeros: `20`, `12.5`.
impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let bp = self.0.unsigned_abs();
        let (whole, rest) = (bp / 100, bp % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{sign}{whole}"),
            (_, 0) => write!(f, "{sign}{whole}.{}", rest / 10),
            _ => write!(f, "{sign}{whole}.{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_golden_examples_hold() {
        // (cost in micro-dollars, per cent, price in micro-dollars)
        for (cost, percent, price) in [
            (2_500_000, "20", 3_000_000),
            (2_500_000, "12.5", 2_812_500),
            (1, "0.01", 2), // a ten-thousandth of a micro-dollar more is a whole one more
            (0, "50", 0),   // what costs nothing sells for nothing
            (1_000_000, "0", 1_000_000),
            (1_000_000, "-10", 900_000),
            (3, "-100", 0),
        ] {
            let cost = PricePerMtok::from_micro_usd(cost).unwrap();
            let markup = Markup::parse_percent(percent).unwrap();
            assert_eq!(markup.on(cost).unwrap().micro_usd(), price, "{percent} %");
            assert_eq!(markup.to_string(), percent);
        }
    }

    #[test]
    fn what_is_no_mark_up_is_refused() {
        for text in ["", "x", "20.001", "10000.01", "-100.01", "20%", "1e3"] {
            assert!(Markup::parse_percent(text).is_err(), "{text} was taken");
        }
        let dear = PricePerMtok::from_micro_usd(PricePerMtok::MICRO_USD_MAX).unwrap();
        assert!(Markup::parse_percent("0.01").unwrap().on(dear).is_err());
    }

    proptest! {
        #[test]
        fn a_price_is_the_smallest_that_the_mark_up_allows(cost in 0..=1_000_000_000_000_i64, bp in Markup::BP_MIN..=Markup::BP_MAX) {
            let price = Markup(bp).on(PricePerMtok::from_micro_usd(cost).unwrap()).unwrap().micro_usd();
            let wanted = i128::from(cost) * (10_000 + i128::from(bp));
            prop_assert!(i128::from(price) * 10_000 >= wanted);
            prop_assert!((i128::from(price) - 1) * 10_000 < wanted);
        }

        #[test]
        fn a_mark_up_survives_its_text(bp in Markup::BP_MIN..=Markup::BP_MAX) {
            prop_assert_eq!(Markup::parse_percent(&Markup(bp).to_string()).unwrap(), Markup(bp));
        }
    }
}
