//! Which number did somebody type? Half of the world writes the decimal mark as a comma, the other half puts commas
//! between thousands; what both could have meant is refused.

/// What people put between thousands: a space, and the narrow ones that do not break a line.
const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// The number as programs write it: a point as decimal mark, nothing between thousands. Whether it is a number, and has
/// no more decimals than fit, is for the one who reads it.
///
/// `None` for thousands that are none, and for `1,000`: that is one in one country and a thousand in the next.
/// `1.000` is one, as everywhere in computing and in what our own forms show.
pub fn typed_amount(text: &str) -> Option<String> {
    let text = text.trim();
    let Some(at) = text.rfind([',', '.']) else {
        return without(&SPACES, text);
    };
    let (whole, rest) = text.split_at(at);
    let comma = rest.starts_with(',');
    // Both marks are a single byte.
    let decimals = rest.get(1..)?;
    let (mark, other) = if comma { (',', '.') } else { ('.', ',') };
    if whole.contains(mark) || (comma && ambiguous(whole, decimals)) {
        return None;
    }
    let plain = if whole.contains(other) {
        without(&[other], whole)
    } else {
        without(&SPACES, whole)
    };
    plain.map(|whole| format!("{whole}.{decimals}"))
}

/// Whether a single comma could stand between thousands. Not when anything else does, and not after a lone zero: no
/// thousands begin with it.
fn ambiguous(whole: &str, decimals: &str) -> bool {
    let single = !whole.contains('.') && !whole.contains(SPACES);
    single && whole != "0" && three_digits(decimals)
}

/// The whole number without what stands between its thousands; `None` when it stands anywhere else.
fn without(between: &[char], whole: &str) -> Option<String> {
    let groups: Vec<&str> = whole.split(between).collect();
    let (first, rest) = groups.split_first()?;
    let grouped = (1..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_digit())
        && rest.iter().all(|group| three_digits(group));
    (rest.is_empty() || grouped).then(|| groups.concat())
}

fn three_digits(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use domain::{Amount, Markup, PricePerMtok};

    use super::*;

    fn dollars(text: &str) -> Option<String> {
        let read = typed_amount(text).and_then(|plain| Amount::parse_usd(&plain).ok());
        read.map(Amount::to_usd_string)
    }

    #[test]
    fn a_point_and_a_comma_are_decimal_marks() {
        for (typed, read) in [
            ("25", "25.00"),
            (" 2.50 ", "2.50"),
            ("2,50", "2.50"),
            ("2,5", "2.50"),
            ("0,000000001", "0.000000001"),
            ("1,0000", "1.00"),
            ("1.000", "1.00"),
            ("12.345", "12.345"),
            ("0,125", "0.125"),
        ] {
            assert_eq!(dollars(typed).as_deref(), Some(read), "{typed}");
        }
    }

    #[test]
    fn thousands_are_read_where_they_are_clear() {
        for (typed, read) in [
            ("1 000", "1000.00"),
            ("1\u{a0}234\u{a0}567", "1234567.00"),
            ("1\u{202f}234,5", "1234.50"),
            ("12\u{2009}345.67", "12345.67"),
            ("1 234,567", "1234.567"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1,234.567", "1234.567"),
            ("1.234.567,8", "1234567.80"),
            ("1,234,567.8", "1234567.80"),
        ] {
            assert_eq!(dollars(typed).as_deref(), Some(read), "{typed}");
        }
    }

    #[test]
    fn what_could_be_two_numbers_or_none_is_refused() {
        for typed in [
            "1,000",
            "12,345",
            "123,456",
            "1,000,000",
            "1.000.000",
            "1234,567",
            "00,125",
            ",500",
            "1,23.45",
            "1234,567.8",
            "1.23,4",
            "1,234.5.6",
            "1 00",
            "1  000",
            "1234 567",
            "1 000,234.5",
            "1 ,5",
            "1, 5",
            "1,",
            ".5",
            ".",
            "",
            "-1",
            "- 1 000",
            "lots",
            "1\u{a0}000 lots",
            "1,5 €",
        ] {
            assert_eq!(dollars(typed), None, "{typed}");
        }
    }

    #[test]
    fn prices_and_per_cent_keep_their_own_number_of_decimals() {
        let price =
            |text| typed_amount(text).and_then(|plain| PricePerMtok::parse_usd(&plain).ok());
        let micros = |text| price(text).map(PricePerMtok::micro_usd);
        assert_eq!(micros("0,125"), Some(125_000));
        assert_eq!(micros("2,50"), Some(2_500_000));
        assert_eq!(micros("1.125"), Some(1_125_000), "as the form shows it");
        assert_eq!((micros("1,125"), micros("0.0000001")), (None, None));
        let markup = |text| typed_amount(text).and_then(|plain| Markup::parse_percent(&plain).ok());
        for (typed, read) in [("12,5", "12.5"), ("-10", "-10"), ("\u{2212}2,5", "-2.5")] {
            let shown = markup(typed).map(|markup| markup.to_string());
            assert_eq!(shown.as_deref(), Some(read), "{typed}");
        }
        assert!(markup("1,000").is_none() && markup("1.000").is_none());
    }
}
