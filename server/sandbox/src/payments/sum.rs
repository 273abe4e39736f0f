//! How much is it? A sum of money as it travels: digits, perhaps a point, digits. No rounding, no floats.

use std::fmt;

/// A sum in smallest units, never below zero. It is written with as many digits as it was first read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    units: u64,
    digits: u8,
}

impl Sum {
    /// Reads `25`, `25.00` or `1.500`: at most three digits after the point, and fifteen in all.
    pub fn read(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let pointless = text.ends_with('.');
        if whole.is_empty() || pointless || part.len() > 3 || !plain(whole) || !plain(part) {
            return None;
        }
        if whole.len() + part.len() > 15 {
            return None;
        }
        Some(Self {
            units: format!("{whole}{part}").parse().ok()?,
            digits: u8::try_from(part.len()).ok()?,
        })
    }

    /// The same with another sum's number of digits; nothing when digits would be lost.
    pub fn like(self, other: Self) -> Option<Self> {
        let units = if self.digits <= other.digits {
            self.units * 10_u64.pow(u32::from(other.digits - self.digits))
        } else {
            let step = 10_u64.pow(u32::from(self.digits - other.digits));
            (self.units.is_multiple_of(step)).then_some(self.units / step)?
        };
        Some(Self {
            units,
            digits: other.digits,
        })
    }

    /// Nothing, with this sum's number of digits.
    pub const fn none(self) -> Self {
        Self { units: 0, ..self }
    }

    pub const fn is_none(self) -> bool {
        self.units == 0
    }

    /// Half of it, rounded down: what the fault "wrong amount" says.
    pub const fn half(self) -> Self {
        Self {
            units: self.units / 2,
            ..self
        }
    }

    /// The sum of both, when it is at most `limit`. All three have the same number of digits.
    pub fn plus_within(self, more: Self, limit: Self) -> Option<Self> {
        let units = self.units.checked_add(more.units)?;
        (units <= limit.units).then_some(Self { units, ..self })
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.digits);
        if digits == 0 {
            return write!(f, "{}", self.units);
        }
        let one = 10_u64.pow(u32::from(self.digits));
        let (whole, part) = (self.units / one, self.units % one);
        write!(f, "{whole}.{part:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn sums_are_written_as_they_were_read() {
        for text in ["25.00", "0.05", "1500", "1.500", "0"] {
            assert_eq!(Sum::read(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            ".5",
            "5.",
            "-1",
            "+1",
            "1,5",
            "1.2345",
            "1 000",
            "1e3",
            "1234567890123456",
        ] {
            assert_eq!(Sum::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn sums_take_the_digits_of_another_when_nothing_is_lost() {
        let euro = Sum::read("25.00").unwrap();
        assert_eq!(
            Sum::read("5").unwrap().like(euro).unwrap().to_string(),
            "5.00"
        );
        assert_eq!(
            Sum::read("5.000").unwrap().like(euro).unwrap().to_string(),
            "5.00"
        );
        assert_eq!(Sum::read("5.001").unwrap().like(euro), None);
    }
}
