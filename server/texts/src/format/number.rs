//! How are plain numbers written? Grouping and digits as the language has them, always with Latin digits.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use fixed_decimal::{Decimal, SignedRoundingMode, UnsignedRoundingMode};
use icu_decimal::DecimalFormatter;

use crate::Locale;

/// Half to even: the rounding for display, which leans neither way. Charges are never rounded here.
pub const HALF_EVEN: SignedRoundingMode =
    SignedRoundingMode::Unsigned(UnsignedRoundingMode::HalfEven);

thread_local! {
    /// Formatters are a few microseconds to build, and a page needs dozens of the same one.
    static FORMATTERS: RefCell<HashMap<&'static str, Rc<DecimalFormatter>>> = RefCell::default();
}

/// The language as ICU knows it, with Latin digits: people paste what they read into programs.
pub fn icu(locale: Locale) -> icu_locale_core::Locale {
    let with_digits = format!("{}-u-nu-latn", locale.format_code());
    with_digits
        .parse()
        .unwrap_or(icu_locale_core::Locale::UNKNOWN)
}

/// A decimal number as the language writes it.
pub fn decimal(locale: Locale, value: &Decimal) -> String {
    let formatter = FORMATTERS.with_borrow_mut(|known| {
        let make = || {
            let made = DecimalFormatter::try_new(
                (&icu(locale)).into(),
                icu_decimal::options::DecimalFormatterOptions::default(),
            );
            Rc::new(made.expect(
                "the compiled-in data has decimal symbols for every locale, at least the root's",
            ))
        };
        Rc::clone(known.entry(locale.format_code()).or_insert_with(make))
    });
    formatter.format(value).to_string()
}

/// A whole number: `1,204`, `1 204`.
#[must_use]
pub fn number(locale: Locale, value: u64) -> String {
    decimal(locale, &Decimal::from(value))
}

/// A number of hundredths, without the zeros that say nothing: `2.5`, `2,5`, `20`.
#[must_use]
pub fn hundredths(locale: Locale, value: i64) -> String {
    let mut number = Decimal::from(value);
    number.multiply_pow10(-2);
    number.trim_end();
    decimal(locale, &number)
}

/// Hundredths of a per cent, as many digits as they have: `12.5%`, `12,5 %`. ICU4X has no stable form for it, so the
/// sign's place is CLDR's, reviewed for each language that may come; what is not listed writes it close behind.
#[must_use]
pub fn percent(locale: Locale, basis_points: i64) -> String {
    let number = hundredths(locale, basis_points);
    match locale.format_code().split('-').next().unwrap_or_default() {
        "cs" | "da" | "de" | "es" | "fi" | "fr" | "nb" | "ro" | "ru" | "sk" | "sl" | "sv" => {
            format!("{number}\u{a0}%")
        }
        "tr" => format!("%{number}"),
        "ar" => format!("{number}\u{200e}%\u{200e}"),
        _ => format!("{number}%"),
    }
}

/// The unit of a number written short; its text is in `locales/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compact {
    Thousand,
    Million,
    Billion,
}

impl Compact {
    /// The key of the text, with the placeholder `%{n}`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Thousand => "format.compact_thousand",
            Self::Million => "format.compact_million",
            Self::Billion => "format.compact_billion",
        }
    }

    const fn zeros(self) -> i16 {
        match self {
            Self::Thousand => 3,
            Self::Million => 6,
            Self::Billion => 9,
        }
    }
}

/// Three digits at most and the unit: 950 stays, 12 400 is 12.4 thousand, 999 950 rounds to 1 million.
pub fn compact(locale: Locale, value: u64) -> (String, Option<Compact>) {
    if value < 1_000 {
        return (number(locale, value), None);
    }
    let fits = |unit: &Compact| shorten(value, *unit).nonzero_magnitude_start() < 3;
    let unit = [Compact::Thousand, Compact::Million]
        .into_iter()
        .find(fits)
        .unwrap_or(Compact::Billion);
    (decimal(locale, &shorten(value, unit)), Some(unit))
}

/// `value` in `unit`s: one digit after the point below 100, none above.
fn shorten(value: u64, unit: Compact) -> Decimal {
    let mut short = Decimal::from(value);
    short.multiply_pow10(-unit.zeros());
    let places = if short.nonzero_magnitude_start() >= 2 {
        0
    } else {
        -1
    };
    short.round_with_mode(places, HALF_EVEN);
    short.trim_end();
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_group_as_the_language_does() {
        let table = [
            ("en", "1,234,567"),
            ("ru", "1\u{a0}234\u{a0}567"),
            ("de", "1.234.567"),
            ("fr", "1\u{202f}234\u{202f}567"),
            ("ar", "1,234,567"),
            ("hi", "12,34,567"),
            ("qps-ploc", "1,234,567"),
        ];
        for (code, wanted) in table {
            assert_eq!(
                number(Locale::intern(code, code), 1_234_567),
                wanted,
                "{code}"
            );
        }
        assert_eq!(number(Locale::intern("es", "es"), 1_234), "1234");
        assert_eq!(number(Locale::EN, u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn large_counts_are_written_short() {
        use Compact::{Billion, Million, Thousand};
        let table = [
            (0, "0", None),
            (999, "999", None),
            (1_000, "1", Some(Thousand)),
            (1_204, "1.2", Some(Thousand)),
            (12_449, "12.4", Some(Thousand)),
            (99_960, "100", Some(Thousand)),
            (123_456, "123", Some(Thousand)),
            (999_499, "999", Some(Thousand)),
            (999_950, "1", Some(Million)),
            (3_100_000, "3.1", Some(Million)),
            (7_000_000_000, "7", Some(Billion)),
            (1_234_567_000_000, "1,235", Some(Billion)),
        ];
        for (value, digits, unit) in table {
            assert_eq!(
                compact(Locale::EN, value),
                (digits.to_owned(), unit),
                "{value}"
            );
        }
    }
}
