//! Which receipt? A series and a number in it: `R-2026-000012`.

use std::fmt;
use std::str::FromStr;

use domain::views::UnixMs;
use thiserror::Error;

/// The number of a receipt or a credit note: the series is the prefix with the year (UTC), the number counts from one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReceiptNumber {
    pub series: String,
    /// From one.
    pub no: i64,
}

/// The text is no number of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the number of a receipt: it looks like R-2026-000012")]
pub struct ReceiptNumberError;

/// The series of a moment.
pub(super) fn series(prefix: &str, now: UnixMs) -> String {
    let day = texts::format::Zone::UTC.iso_day(now);
    let year = day.split('-').find(|part| !part.is_empty());
    format!("{prefix}{}", year.unwrap_or_default())
}

impl fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:06}", self.series, self.no)
    }
}

impl FromStr for ReceiptNumber {
    type Err = ReceiptNumberError;

    fn from_str(text: &str) -> Result<Self, ReceiptNumberError> {
        let (series, digits) = text.rsplit_once('-').ok_or(ReceiptNumberError)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        let no = digits.parse().map_err(|_| ReceiptNumberError)?;
        let number = Self {
            series: series.to_owned(),
            no,
        };
        // One address for each: `R-2026-12` is no other spelling of `R-2026-000012`.
        (plain && no > 0 && !series.is_empty() && number.to_string() == text)
            .then_some(number)
            .ok_or(ReceiptNumberError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written_and_in_no_other_way() {
        let number = ReceiptNumber {
            series: series("R-", 1_795_273_440_000),
            no: 12,
        };
        assert_eq!(number.to_string(), "R-2026-000012");
        assert_eq!("R-2026-000012".parse(), Ok(number));
        assert_eq!(
            "2026-1234567".parse(),
            Ok(ReceiptNumber {
                series: "2026".to_owned(),
                no: 1_234_567
            })
        );
        for wrong in [
            "",
            "R-2026",
            "R-2026-12",
            "R-2026-000000",
            "R-2026-+00012",
            "-000001",
            "000001",
        ] {
            assert!(wrong.parse::<ReceiptNumber>().is_err(), "{wrong}");
        }
    }
}
