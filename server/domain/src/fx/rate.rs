//! How much of one currency is one of another? Whole billionths, and ratios of two of them.

use std::fmt;

use thiserror::Error;

use crate::Amount;

/// Billionths in the whole.
pub const ONE_E9: i64 = 1_000_000_000;
/// Digits after the point that are read; what is beyond nine is rounded, half to even.
const DIGITS_READ: usize = 18;

/// A published rate: so many billionths of the quoted currency per unit of the base. From a billionth to a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

/// The text or number is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RateError {
    #[error("not a rate: digits, with at most one mark between whole and part")]
    Format,
    #[error("a rate is above zero and at most a million")]
    Range,
}

impl Rate {
    pub const ONE: Self = Self(ONE_E9);
    /// A million units for one. What is above is a mistake, and keeps products within 128 bits.
    pub const MAX_E9: i64 = 1_000_000 * ONE_E9;

    /// # Errors
    /// [`RateError::Range`] outside a billionth to a million.
    pub const fn from_e9(e9: i64) -> Result<Self, RateError> {
        if e9 < 1 || e9 > Self::MAX_E9 {
            return Err(RateError::Range);
        }
        Ok(Self(e9))
    }

    /// Whole billionths.
    #[must_use]
    pub const fn e9(self) -> i64 {
        self.0
    }

    /// Reads `1.0850`, or `1,0850` where `mark` is a comma. More than nine digits after it are rounded, half to even.
    ///
    /// # Errors
    /// [`RateError`] for signs, exponents, spaces, grouping, and what is out of range.
    pub fn parse(text: &str, mark: char) -> Result<Self, RateError> {
        let (whole, part) = match text.split_once(mark) {
            Some((_, "")) => return Err(RateError::Format),
            Some(parts) => parts,
            None => (text, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > DIGITS_READ {
            return Err(RateError::Format);
        }
        // Longer than any rate: said before 10^18 could leave 128 bits.
        if whole.len() > 12 {
            return Err(RateError::Range);
        }
        let padded: i128 = format!("{whole}{part:0<DIGITS_READ$}")
            .parse()
            .map_err(|_| RateError::Format)?;
        Self::fit(divide_half_even(padded, i128::from(ONE_E9)))
    }

    /// The rate of one, where this is the rate of `units` (the central bank of Russia quotes 100 yen), rounded half to
    /// even.
    ///
    /// # Errors
    /// [`RateError::Range`] when `units` is not above zero, or nothing is left of the rate.
    pub fn of_one(self, units: i64) -> Result<Self, RateError> {
        if units < 1 {
            return Err(RateError::Range);
        }
        Self::fit(divide_half_even(i128::from(self.0), i128::from(units)))
    }

    pub(super) fn fit(e9: i128) -> Result<Self, RateError> {
        i64::try_from(e9)
            .map_err(|_| RateError::Range)
            .and_then(Self::from_e9)
    }
}

/// With all its digits, at least one after the point: `1.085`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = format!("{:09}", self.0 % ONE_E9);
        let kept = part.trim_end_matches('0').len().max(1);
        write!(f, "{}.{}", self.0 / ONE_E9, &part[..kept])
    }
}

/// What one US dollar is in another currency, as a ratio of two published rates of one source and day: a cross through
/// the euro or the rouble is divided once, at the end, like a direct rate.
#[derive(Debug, Clone, Copy)]
pub struct PerUsd {
    units: Rate,
    dollars: Rate,
}

impl PerUsd {
    pub const ONE: Self = Self::direct(Rate::ONE);

    /// `units` of the currency for one dollar.
    #[must_use]
    pub const fn direct(units: Rate) -> Self {
        Self {
            units,
            dollars: Rate::ONE,
        }
    }

    /// `units` of the currency for as much as `dollars`: both per euro, or dollar and currency per rouble the other way
    /// round.
    #[must_use]
    pub const fn cross(units: Rate, dollars: Rate) -> Self {
        Self { units, dollars }
    }

    const fn parts(self) -> (i128, i128) {
        (self.units.0 as i128, self.dollars.0 as i128)
    }

    /// Billionths of the currency's unit per dollar, rounded half to even.
    #[must_use]
    pub const fn e9(self) -> i128 {
        let (units, dollars) = self.parts();
        divide_half_even(units * ONE_E9 as i128, dollars)
    }

    /// What a dollar amount is worth, in billionths of the currency's unit, rounded half to even.
    #[must_use]
    pub fn of_dollars(self, amount: Amount) -> i128 {
        let (units, dollars) = self.parts();
        // 2^63 × 10^15 fits in 128 bits.
        divide_half_even(i128::from(amount.nanos()) * units, dollars)
    }

    /// What billionths of the currency's unit are worth in nano-dollars, rounded half to even; `None` when 128 bits do
    /// not hold it.
    #[must_use]
    pub fn in_dollars(self, nanos: i128) -> Option<i128> {
        let (units, dollars) = self.parts();
        nanos
            .checked_mul(dollars)
            .map(|product| divide_half_even(product, units))
    }

    /// Billionths of a dollar per unit of the currency after `kept_bp` of 10 000 parts are left, rounded down.
    pub(super) fn dollars_per_unit(self, kept_bp: i128) -> Result<Rate, RateError> {
        let (units, dollars) = self.parts();
        Rate::fit(dollars * i128::from(ONE_E9) * kept_bp / (units * 10_000))
    }

    /// Is this more than `bp` of 10 000 parts away from `before`?
    #[must_use]
    pub const fn moved_more_than(self, bp: u32, before: Self) -> bool {
        let ((units, dollars), (units_before, dollars_before)) = (self.parts(), before.parts());
        let (now, then) = (units * dollars_before, units_before * dollars);
        (now - then).abs() * 10_000 > then * bp as i128
    }

    /// Is this more than `times` as much as `before`, or less than that part of it?
    #[must_use]
    pub const fn beyond_times(self, times: u32, before: Self) -> bool {
        let ((units, dollars), (units_before, dollars_before)) = (self.parts(), before.parts());
        let (now, then) = (units * dollars_before, units_before * dollars);
        now > then * times as i128 || then > now * times as i128
    }
}

/// Equal when they convert alike, whatever they were made from.
impl PartialEq for PerUsd {
    fn eq(&self, other: &Self) -> bool {
        let ((units, dollars), (units_there, dollars_there)) = (self.parts(), other.parts());
        units * dollars_there == units_there * dollars
    }
}

impl Eq for PerUsd {}

/// `a / b` to the nearest whole number, halves to the even one; `b` is above zero.
pub(super) const fn divide_half_even(a: i128, b: i128) -> i128 {
    let (down, rest) = (a.div_euclid(b), a.rem_euclid(b));
    // `rest * 2` could overflow only for divisors that no rate makes.
    let up = rest * 2 > b || (rest * 2 == b && down % 2 != 0);
    if up { down + 1 } else { down }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text, '.').unwrap()
    }

    #[test]
    fn rates_are_read_exactly_and_rounded_half_to_even_beyond_nine_digits() {
        for (text, mark, e9) in [
            ("1.0850", '.', 1_085_000_000),
            ("80,1500", ',', 80_150_000_000),
            ("1", '.', 1_000_000_000),
            ("0.000000001", '.', 1),
            ("0.0000000015", '.', 2),
            ("0.0000000025", '.', 2),
            ("1000000", '.', Rate::MAX_E9),
        ] {
            assert_eq!(Rate::parse(text, mark).unwrap().e9(), e9, "{text}");
        }
        assert_eq!(rate("21.5637").of_one(100).unwrap().e9(), 215_637_000);
        assert_eq!(rate("1.0850").to_string(), "1.085");
        assert_eq!(rate("3").to_string(), "3.0");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.0e-5",
            " 1",
            "1 000",
            "1,5",
            "1.2.3",
            "0",
            "0.0000000001",
            "1000000.1",
            "9999999999999999999",
            "NaN",
            "٣",
        ] {
            assert!(Rate::parse(text, '.').is_err(), "{text:?} was accepted");
        }
        assert!(Rate::parse("1.5", ',').is_err(), "the other mark");
        assert!(rate("1").of_one(0).is_err() && rate("1").of_one(-100).is_err());
    }

    #[test]
    fn a_cross_is_divided_once() {
        // 178.40 yen and 1.0850 dollars per euro: 164.42… yen per dollar.
        let yen = PerUsd::cross(rate("178.40"), rate("1.0850"));
        assert_eq!(yen.e9(), 164_423_963_134);
        // Ten cents are 16.4423… yen, whatever was cut off above.
        assert_eq!(
            yen.of_dollars(Amount::from_nanos(100_000_000)),
            16_442_396_313
        );
        assert_eq!(yen.of_dollars(Amount::from_nanos(-1)), -164);
        assert_eq!(
            PerUsd::direct(rate("2")),
            PerUsd::cross(rate("4"), rate("2"))
        );
    }

    #[test]
    fn a_move_is_measured_against_what_was_before() {
        let before = PerUsd::direct(rate("1.00"));
        for (now, moved) in [
            ("1.10", false),
            ("1.100000001", true),
            ("0.90", false),
            ("0.899", true),
        ] {
            assert_eq!(
                PerUsd::direct(rate(now)).moved_more_than(1_000, before),
                moved,
                "{now}"
            );
        }
        for (now, beyond) in [
            ("10", false),
            ("10.1", true),
            ("0.1", false),
            ("0.099", true),
        ] {
            assert_eq!(
                PerUsd::direct(rate(now)).beyond_times(10, before),
                beyond,
                "{now}"
            );
        }
    }

    proptest! {
        /// There and back through any cross, the difference is less than a smallest coin of either.
        #[test]
        fn a_cross_and_back_loses_less_than_a_coin(
            cents in -1_000_000_000_000_i64..1_000_000_000_000,
            units in 1_000_000_i64..10_000_000_000_000,
            dollars in 100_000_000_i64..10_000_000_000,
        ) {
            let rate = PerUsd::cross(Rate::from_e9(units).unwrap(), Rate::from_e9(dollars).unwrap());
            let amount = Amount::from_nanos(cents / 1_000 * 10_000_000);
            let back = rate.in_dollars(rate.of_dollars(amount)).unwrap();
            // Half a billionth of a unit, in dollars, and half a nano-dollar.
            let most = i128::from(dollars) / i128::from(units) + 1;
            prop_assert!((back - i128::from(amount.nanos())).abs() <= most);
            prop_assert!(most < 10_000_000, "below a cent");
        }

        #[test]
        fn what_is_written_is_read_again(e9 in 1..=Rate::MAX_E9) {
            let rate = Rate::from_e9(e9).unwrap();
            prop_assert_eq!(Rate::parse(&rate.to_string(), '.'), Ok(rate));
        }
    }
}
