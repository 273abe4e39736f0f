//! Does every language write money, numbers, days and times as its readers do? Literal strings, reviewed by hand against
//! CLDR 48. The spaces matter: U+00A0 and U+202F do not break a line, U+200E and U+200F keep Arabic in order.

use domain::Currency;

use super::ru;
use crate::format::{Money, Zone, date, date_time, day, money, money_exact, number, percent, time};
use crate::{Locale, Texts};

/// 2026-11-21 15:04:05 UTC.
const AT: i64 = 1_795_273_445_000;

const LOCALES: [&str; 8] = ["en", "ru", "de", "fr", "sv", "ar", "hi", "ja"];

/// All that differ, so that a review sees them together.
fn compare(rows: impl IntoIterator<Item = (String, String, String)>) {
    let wrong: Vec<String> = rows
        .into_iter()
        .filter(|(_, shown, wanted)| shown != wanted)
        .map(|(what, shown, wanted)| {
            format!(
                "{what}: {} instead of {}",
                shown.escape_unicode_spaces(),
                wanted.escape_unicode_spaces()
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Spaces and marks that the eye cannot tell apart, written out.
trait Told {
    fn escape_unicode_spaces(&self) -> String;
}

impl Told for str {
    fn escape_unicode_spaces(&self) -> String {
        self.chars()
            .map(|c| match c {
                '\u{a0}' | '\u{202f}' | '\u{200e}' | '\u{200f}' | '\u{2212}' | '\u{2009}' => {
                    c.escape_unicode().to_string()
                }
                plain => plain.to_string(),
            })
            .collect()
    }
}

fn in_each<'a>(
    what: &'a str,
    wanted: [&'a str; 8],
    write: impl Fn(Locale) -> String + 'a,
) -> impl Iterator<Item = (String, String, String)> + 'a {
    LOCALES.into_iter().zip(wanted).map(move |(code, wanted)| {
        let shown = write(Locale::intern(code, code));
        (format!("{what}, {code}"), shown, wanted.to_owned())
    })
}

/// The sign is the same in every language, and every currency has one of its own; the rest is CLDR's.
#[test]
fn money_of_every_currency_in_eight_languages() {
    #[rustfmt::skip]
    let table = [
        (Currency::Usd, ["-$1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}$", "-1.234.567,89\u{a0}$", "-1\u{202f}234\u{202f}567,89\u{a0}$", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}$", "\u{200f}\u{200e}-1,234,567.89\u{a0}$", "-$12,34,567.89", "-$1,234,567.89"]),
        (Currency::Eur, ["-€1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}€", "-1.234.567,89\u{a0}€", "-1\u{202f}234\u{202f}567,89\u{a0}€", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}€", "\u{200f}\u{200e}-1,234,567.89\u{a0}€", "-€12,34,567.89", "-€1,234,567.89"]),
        (Currency::Rub, ["-₽1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₽", "-1.234.567,89\u{a0}₽", "-1\u{202f}234\u{202f}567,89\u{a0}₽", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}₽", "\u{200f}\u{200e}-1,234,567.89\u{a0}₽", "-₽12,34,567.89", "-₽1,234,567.89"]),
        (Currency::Gbp, ["-£1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}£", "-1.234.567,89\u{a0}£", "-1\u{202f}234\u{202f}567,89\u{a0}£", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}£", "\u{200f}\u{200e}-1,234,567.89\u{a0}£", "-£12,34,567.89", "-£1,234,567.89"]),
        (Currency::Cny, ["-CN¥1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}CN¥", "-1.234.567,89\u{a0}CN¥", "-1\u{202f}234\u{202f}567,89\u{a0}CN¥", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}CN¥", "\u{200f}\u{200e}-1,234,567.89\u{a0}CN¥", "-CN¥12,34,567.89", "-CN¥1,234,567.89"]),
        (Currency::Jpy, ["-¥1,234,568", "-1\u{a0}234\u{a0}568\u{a0}¥", "-1.234.568\u{a0}¥", "-1\u{202f}234\u{202f}568\u{a0}¥", "\u{2212}1\u{a0}234\u{a0}568\u{a0}¥", "\u{200f}\u{200e}-1,234,568\u{a0}¥", "-¥12,34,568", "-¥1,234,568"]),
        (Currency::Inr, ["-₹1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₹", "-1.234.567,89\u{a0}₹", "-1\u{202f}234\u{202f}567,89\u{a0}₹", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}₹", "\u{200f}\u{200e}-1,234,567.89\u{a0}₹", "-₹12,34,567.89", "-₹1,234,567.89"]),
        (Currency::Brl, ["-R$1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}R$", "-1.234.567,89\u{a0}R$", "-1\u{202f}234\u{202f}567,89\u{a0}R$", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}R$", "\u{200f}\u{200e}-1,234,567.89\u{a0}R$", "-R$12,34,567.89", "-R$1,234,567.89"]),
        (Currency::Try, ["-₺1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₺", "-1.234.567,89\u{a0}₺", "-1\u{202f}234\u{202f}567,89\u{a0}₺", "\u{2212}1\u{a0}234\u{a0}567,89\u{a0}₺", "\u{200f}\u{200e}-1,234,567.89\u{a0}₺", "-₺12,34,567.89", "-₺1,234,567.89"]),
        (Currency::Krw, ["-₩1,234,568", "-1\u{a0}234\u{a0}568\u{a0}₩", "-1.234.568\u{a0}₩", "-1\u{202f}234\u{202f}568\u{a0}₩", "\u{2212}1\u{a0}234\u{a0}568\u{a0}₩", "\u{200f}\u{200e}-1,234,568\u{a0}₩", "-₩12,34,568", "-₩1,234,568"]),
        (Currency::Kwd, ["-KWD\u{a0}1,234,567.891", "-1\u{a0}234\u{a0}567,891\u{a0}KWD", "-1.234.567,891\u{a0}KWD", "-1\u{202f}234\u{202f}567,891\u{a0}KWD", "\u{2212}1\u{a0}234\u{a0}567,891\u{a0}KWD", "\u{200f}\u{200e}-1,234,567.891\u{a0}KWD", "-KWD\u{a0}12,34,567.891", "-KWD\u{a0}1,234,567.891"]),
    ];
    assert_eq!(table.map(|row| row.0), Currency::ALL);
    compare(table.into_iter().flat_map(|(currency, wanted)| {
        let shown = Money {
            nanos: -1_234_567_891_000_000,
            currency,
            approx: false,
        };
        in_each(currency.code(), wanted, move |locale| money(locale, &shown))
    }));
}

#[test]
fn converted_and_exact_amounts_in_eight_languages() {
    let of = |nanos, currency, approx| Money {
        nanos,
        currency,
        approx,
    };
    #[rustfmt::skip]
    let rows = [
        ("≈ ₽1,473.60", of(1_473_600_000_000, Currency::Rub, true), false,
            ["≈\u{a0}₽1,473.60", "≈\u{a0}1\u{a0}473,60\u{a0}₽", "≈\u{a0}1.473,60\u{a0}₽", "≈\u{a0}1\u{202f}473,60\u{a0}₽", "≈\u{a0}1\u{a0}473,60\u{a0}₽", "≈\u{a0}\u{200f}1,473.60\u{a0}₽", "≈\u{a0}₽1,473.60", "≈\u{a0}₽1,473.60"]),
        ("$0.0000042", of(4_200, Currency::Usd, false), false,
            ["$0.0000042", "0,0000042\u{a0}$", "0,0000042\u{a0}$", "0,0000042\u{a0}$", "0,0000042\u{a0}$", "\u{200f}0.0000042\u{a0}$", "$0.0000042", "$0.0000042"]),
        ("exact", of(1_234_567_890_123, Currency::Usd, false), true,
            ["$1,234.567890123", "1\u{a0}234,567890123\u{a0}$", "1.234,567890123\u{a0}$", "1\u{202f}234,567890123\u{a0}$", "1\u{a0}234,567890123\u{a0}$", "\u{200f}1,234.567890123\u{a0}$", "$1,234.567890123", "$1,234.567890123"]),
    ];
    compare(rows.into_iter().flat_map(|(what, shown, exact, wanted)| {
        in_each(what, wanted, move |locale| {
            if exact {
                money_exact(locale, &shown)
            } else {
                money(locale, &shown)
            }
        })
    }));
}

#[test]
fn numbers_and_per_cents_in_eight_languages() {
    #[rustfmt::skip]
    let counts = ["12,345,678", "12\u{a0}345\u{a0}678", "12.345.678", "12\u{202f}345\u{202f}678", "12\u{a0}345\u{a0}678", "12,345,678", "1,23,45,678", "12,345,678"];
    #[rustfmt::skip]
    let parts = ["-12.5%", "-12,5\u{a0}%", "-12,5\u{a0}%", "-12,5\u{a0}%", "\u{2212}12,5\u{a0}%", "\u{200e}-12.5\u{200e}%\u{200e}", "-12.5%", "-12.5%"];
    compare(in_each("a count", counts, |locale| {
        number(locale, 12_345_678)
    }));
    compare(in_each("per cent", parts, |locale| percent(locale, -1_250)));
    assert_eq!(percent(Locale::intern("tr", "tr"), 2_000), "%20");
    assert_eq!(percent(Locale::EN, 0), "0%");
    assert_eq!(percent(Locale::EN, 105), "1.05%");
}

#[test]
fn days_and_times_in_eight_languages() {
    #[rustfmt::skip]
    let days = ["Nov 21, 2026", "21 нояб. 2026\u{202f}г.", "21.11.2026", "21 nov. 2026", "21 nov. 2026", "21\u{200f}/11\u{200f}/2026", "21 नव॰ 2026", "2026/11/21"];
    #[rustfmt::skip]
    let short = ["Nov 21", "21 нояб.", "21. Nov.", "21 nov.", "21 nov.", "21 نوفمبر", "21 नव॰", "11月21日"];
    #[rustfmt::skip]
    let times = ["3:04\u{202f}PM", "15:04", "15:04", "15:04", "15:04", "3:04 م", "3:04 pm", "15:04"];
    compare(in_each("a day", days, |locale| date(locale, AT, Zone::UTC)));
    compare(in_each("a day of this year", short, |locale| {
        day(locale, AT, Zone::UTC)
    }));
    compare(in_each("a time", times, |locale| {
        time(locale, AT, Zone::UTC)
    }));
}

/// The same moment on clocks that are whole hours, halves and quarters away, also where summer has its own.
#[test]
fn moments_name_their_distance_from_utc() {
    let texts = Texts::embedded();
    let july = AT - 130 * 86_400_000;
    #[rustfmt::skip]
    let table = [
        ("UTC", AT, "Nov 21, 2026, 3:04\u{202f}PM\u{a0}UTC", "21 нояб. 2026\u{202f}г., 15:04\u{a0}UTC"),
        ("Europe/Berlin", AT, "Nov 21, 2026, 4:04\u{202f}PM\u{a0}UTC+1", "21 нояб. 2026\u{202f}г., 16:04\u{a0}UTC+1"),
        ("Europe/Berlin", july, "Jul 14, 2026, 5:04\u{202f}PM\u{a0}UTC+2", "14 июл. 2026\u{202f}г., 17:04\u{a0}UTC+2"),
        ("Asia/Kolkata", AT, "Nov 21, 2026, 8:34\u{202f}PM\u{a0}UTC+5:30", "21 нояб. 2026\u{202f}г., 20:34\u{a0}UTC+5:30"),
        ("Asia/Kathmandu", AT, "Nov 21, 2026, 8:49\u{202f}PM\u{a0}UTC+5:45", "21 нояб. 2026\u{202f}г., 20:49\u{a0}UTC+5:45"),
        ("America/St_Johns", AT, "Nov 21, 2026, 11:34\u{202f}AM\u{a0}UTC\u{2212}3:30", "21 нояб. 2026\u{202f}г., 11:34\u{a0}UTC\u{2212}3:30"),
        ("Pacific/Kiritimati", AT, "Nov 22, 2026, 5:04\u{202f}AM\u{a0}UTC+14", "22 нояб. 2026\u{202f}г., 05:04\u{a0}UTC+14"),
    ];
    compare(table.into_iter().flat_map(|(name, at, en, russian)| {
        let zone = Zone::named(name).unwrap();
        [(Locale::EN, en), (ru(&texts), russian)].map(|(locale, wanted)| {
            (
                format!("{name}, {locale}"),
                date_time(locale, at, zone),
                wanted.to_owned(),
            )
        })
    }));
}

#[test]
fn counts_are_said_and_shortened_in_both_languages() {
    let texts = Texts::embedded();
    let ru = ru(&texts);
    #[rustfmt::skip]
    let said = [
        (0, "0 results", "0 результатов"), (1, "1 result", "1 результат"), (3, "3 results", "3 результата"), (5, "5 results", "5 результатов"),
        (12, "12 results", "12 результатов"), (21, "21 results", "21 результат"), (104, "104 results", "104 результата"), (1_011, "1,011 results", "1\u{a0}011 результатов"),
    ];
    compare(said.into_iter().flat_map(|(count, en, russian)| {
        [(Locale::EN, en), (ru, russian)].map(|(locale, wanted)| {
            let shown = texts.n(locale, "palette.count", count, &[]);
            (count.to_string(), shown, wanted.to_owned())
        })
    }));
    #[rustfmt::skip]
    let short = [
        (999, "999", "999"), (1_000, "1K", "1\u{a0}тыс."), (12_449, "12.4K", "12,4\u{a0}тыс."), (999_950, "1M", "1\u{a0}млн"),
        (3_100_000, "3.1M", "3,1\u{a0}млн"), (7_000_000_000, "7B", "7\u{a0}млрд"), (1_234_567_000_000, "1,235B", "1\u{a0}235\u{a0}млрд"),
    ];
    compare(short.into_iter().flat_map(|(count, en, russian)| {
        [(Locale::EN, en), (ru, russian)].map(|(locale, wanted)| {
            (
                count.to_string(),
                texts.compact(locale, count),
                wanted.to_owned(),
            )
        })
    }));
}
