//! How is an amount of money written? Never "0.00" for what is not zero; the same sign in every language.

use domain::fx::Coins;
use domain::{Amount, Currency};
use fixed_decimal::{Decimal, Sign};

use super::number::{HALF_EVEN, decimal};
use crate::Locale;

/// Nano-units in one unit of any currency.
const NANOS: u128 = 1_000_000_000;

/// Money to be shown, in any currency. Wallets and charges are [`Amount`]s; this is never added up or stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// Whole billionths of the currency's unit.
    pub nanos: i128,
    pub currency: Currency,
    /// Converted at a dated rate; shown with a leading `≈`.
    pub approx: bool,
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self {
            nanos: i128::from(amount.nanos()),
            currency: Currency::Usd,
            approx: false,
        }
    }
}

/// What somebody pays or gets back: exact.
impl From<Coins> for Money {
    fn from(coins: Coins) -> Self {
        Self {
            nanos: coins.nanos(),
            currency: coins.currency(),
            approx: false,
        }
    }
}

/// Where a language puts the currency's sign (CLDR's standard pattern).
#[derive(Clone, Copy)]
enum Place {
    Before,
    BeforeWithSpace,
    After,
    /// After, in a right-to-left language: a mark keeps sign and digits together.
    AfterRtl,
}

/// Reviewed by hand for each language that may come; what is not listed writes the sign after the number.
fn place(locale: Locale) -> Place {
    match locale.format_code() {
        "en" | "ja" | "ko" | "hi" | "th" | "tr" | "es-MX" => Place::Before,
        code if code.starts_with("en-") || code.starts_with("zh") => Place::Before,
        "pt" | "pt-BR" | "nl" | "id" => Place::BeforeWithSpace,
        _ if locale.dir() == "rtl" => Place::AfterRtl,
        _ => Place::After,
    }
}

/// Money as people read it: cents from one unit on, below that as many digits as tell something (`$0.000375`).
#[must_use]
pub fn money(locale: Locale, money: &Money) -> String {
    write(
        locale,
        money,
        shown_digits(money.nanos.unsigned_abs(), money.currency),
    )
}

/// Money with every digit it has, for tooltips and tables of charges.
#[must_use]
pub fn money_exact(locale: Locale, money: &Money) -> String {
    write(locale, money, 9)
}

/// The same without grouping and sign, for copying: `1234.567890123`. Not for reading.
#[must_use]
pub fn money_plain(money: &Money) -> String {
    number_of(money, 9).to_string()
}

/// Pico-dollars with every digit they have: the parts of a charge before it is rounded.
#[must_use]
pub fn money_picos(locale: Locale, picos: i128) -> String {
    let mut number = Decimal::from(picos);
    number.multiply_pow10(-12);
    number.trim_end();
    number.pad_end(-i16::from(Currency::Usd.exponent()));
    with_sign(locale, &number, Currency::Usd)
}

/// Digits after the point. From one unit on those of the coins, and as many more as it takes to tell three digits: a
/// cent is 1.55 yen, not two. Below one unit: six, but never so few that fewer than two telling digits are left.
fn shown_digits(nanos: u128, currency: Currency) -> i16 {
    let coins = i16::from(currency.exponent());
    if nanos == 0 {
        return coins;
    }
    let length = i16::try_from(nanos.ilog10() + 1).unwrap_or(i16::MAX);
    if nanos >= NANOS {
        return coins.max(3 - (length - 9));
    }
    (9 - length + 2).clamp(6, 9)
}

fn number_of(money: &Money, digits: i16) -> Decimal {
    let mut number = Decimal::from(money.nanos);
    number.multiply_pow10(-9);
    number.round_with_mode(-digits, HALF_EVEN);
    number.trim_end();
    number.pad_end(-i16::from(money.currency.exponent()));
    number
}

fn write(locale: Locale, money: &Money, digits: i16) -> String {
    let with_sign = with_sign(locale, &number_of(money, digits), money.currency);
    if money.approx {
        format!("≈\u{a0}{with_sign}")
    } else {
        with_sign
    }
}

fn with_sign(locale: Locale, number: &Decimal, currency: Currency) -> String {
    let absolute = decimal(locale, &Decimal::new(Sign::None, number.absolute.clone()));
    let signed = decimal(locale, number);
    let sign = currency.sign();
    // A code is kept apart from the digits, whatever the language does with signs.
    let code = sign.chars().all(char::is_alphabetic);
    match place(locale) {
        Place::Before if !code => signed.replacen(&absolute, &format!("{sign}{absolute}"), 1),
        Place::Before | Place::BeforeWithSpace => {
            signed.replacen(&absolute, &format!("{sign}\u{a0}{absolute}"), 1)
        }
        Place::After => format!("{signed}\u{a0}{sign}"),
        Place::AfterRtl => format!("\u{200f}{signed}\u{a0}{sign}"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    const RU: &str = "ru";

    fn locale(code: &str) -> Locale {
        Locale::intern(code, code)
    }

    fn usd(nanos: i64) -> Money {
        Amount::from_nanos(nanos).into()
    }

    #[test]
    fn wallets_read_as_the_language_writes_them() {
        let rub = Money {
            nanos: 1_473_600_000_000,
            currency: Currency::Rub,
            approx: true,
        };
        let table = [
            ("en", "-$1,234,567.50", "≈\u{a0}₽1,473.60"),
            (
                "ru",
                "-1\u{a0}234\u{a0}567,50\u{a0}$",
                "≈\u{a0}1\u{a0}473,60\u{a0}₽",
            ),
            ("de", "-1.234.567,50\u{a0}$", "≈\u{a0}1.473,60\u{a0}₽"),
            (
                "fr",
                "-1\u{202f}234\u{202f}567,50\u{a0}$",
                "≈\u{a0}1\u{202f}473,60\u{a0}₽",
            ),
            ("es", "-1.234.567,50\u{a0}$", "≈\u{a0}1473,60\u{a0}₽"),
            ("pt-BR", "-$\u{a0}1.234.567,50", "≈\u{a0}₽\u{a0}1.473,60"),
            ("zh-CN", "-$1,234,567.50", "≈\u{a0}₽1,473.60"),
            (
                "ar",
                "\u{200f}\u{200e}-1,234,567.50\u{a0}$",
                "≈\u{a0}\u{200f}1,473.60\u{a0}₽",
            ),
        ];
        for (code, dollars, roubles) in table {
            assert_eq!(
                money(locale(code), &usd(-1_234_567_500_000_000)),
                dollars,
                "{code}"
            );
            assert_eq!(money(locale(code), &rub), roubles, "{code}");
        }
    }

    /// Reviewed by hand against CLDR 48, with two wishes of ours: the sign is the same in every language, and every
    /// currency has one of its own (the yuan is no yen).
    #[test]
    fn every_currency_reads_as_its_readers_write_it() {
        #[rustfmt::skip]
        let table = [
            (Currency::Usd, "-$1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}$", "$0.50", "0,50\u{a0}$"),
            (Currency::Eur, "-€1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}€", "€0.50", "0,50\u{a0}€"),
            (Currency::Rub, "-₽1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₽", "₽0.50", "0,50\u{a0}₽"),
            (Currency::Gbp, "-£1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}£", "£0.50", "0,50\u{a0}£"),
            (Currency::Cny, "-CN¥1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}CN¥", "CN¥0.50", "0,50\u{a0}CN¥"),
            (Currency::Jpy, "-¥1,234,568", "-1\u{a0}234\u{a0}568\u{a0}¥", "¥0.5", "0,5\u{a0}¥"),
            (Currency::Inr, "-₹1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₹", "₹0.50", "0,50\u{a0}₹"),
            (Currency::Brl, "-R$1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}R$", "R$0.50", "0,50\u{a0}R$"),
            (Currency::Try, "-₺1,234,567.89", "-1\u{a0}234\u{a0}567,89\u{a0}₺", "₺0.50", "0,50\u{a0}₺"),
            (Currency::Krw, "-₩1,234,568", "-1\u{a0}234\u{a0}568\u{a0}₩", "₩0.5", "0,5\u{a0}₩"),
            (Currency::Kwd, "-KWD\u{a0}1,234,567.891", "-1\u{a0}234\u{a0}567,891\u{a0}KWD", "KWD\u{a0}0.500", "0,500\u{a0}KWD"),
        ];
        assert_eq!(table.map(|row| row.0), Currency::ALL);
        for (currency, en, ru, en_half, ru_half) in table {
            let write = |locale, nanos| {
                let shown = Money {
                    nanos,
                    currency,
                    approx: false,
                };
                money(locale, &shown)
            };
            assert_eq!(write(Locale::EN, -1_234_567_891_000_000), en);
            assert_eq!(write(locale(RU), -1_234_567_891_000_000), ru);
            assert_eq!(write(Locale::EN, 500_000_000), en_half);
            assert_eq!(write(locale(RU), 500_000_000), ru_half);
        }
    }

    #[test]
    fn coins_are_whole_and_converted_amounts_tell_three_digits() {
        let paid = |currency, minor| {
            let coins = Coins::new(currency, minor).unwrap();
            money(Locale::EN, &coins.into())
        };
        assert_eq!(paid(Currency::Jpy, 1_500), "¥1,500");
        assert_eq!(paid(Currency::Eur, 2_500), "€25.00");
        assert_eq!(paid(Currency::Kwd, 2_500), "KWD\u{a0}2.500");
        for (nanos, shown) in [
            (1_554_321_000, "≈\u{a0}¥1.55"),
            (15_543_210_000, "≈\u{a0}¥15.5"),
            (155_432_100_000, "≈\u{a0}¥155"),
            (10_000_000_000, "≈\u{a0}¥10"),
        ] {
            let yen = Money {
                nanos,
                currency: Currency::Jpy,
                approx: true,
            };
            assert_eq!(money(Locale::EN, &yen), shown);
        }
    }

    #[test]
    fn small_amounts_keep_the_digits_that_tell() {
        let table = [
            (0, "$0.00", "0,00\u{a0}$"),
            (18_420_000_000, "$18.42", "18,42\u{a0}$"),
            (1_000_000_000, "$1.00", "1,00\u{a0}$"),
            (1_005_000_000, "$1.00", "1,00\u{a0}$"),
            (1_015_000_000, "$1.02", "1,02\u{a0}$"),
            (500_000_000, "$0.50", "0,50\u{a0}$"),
            (375_000, "$0.000375", "0,000375\u{a0}$"),
            (123_456_789, "$0.123457", "0,123457\u{a0}$"),
            (12_345, "$0.000012", "0,000012\u{a0}$"),
            (1_500, "$0.0000015", "0,0000015\u{a0}$"),
            (1, "$0.000000001", "0,000000001\u{a0}$"),
            (999_999_999, "$1.00", "1,00\u{a0}$"),
            (-375_000, "-$0.000375", "-0,000375\u{a0}$"),
        ];
        for (nanos, en, ru) in table {
            assert_eq!(money(Locale::EN, &usd(nanos)), en);
            assert_eq!(money(locale(RU), &usd(nanos)), ru);
        }
    }

    #[test]
    fn the_exact_form_loses_nothing() {
        assert_eq!(
            money_exact(Locale::EN, &usd(1_234_567_890_123)),
            "$1,234.567890123"
        );
        assert_eq!(money_exact(locale(RU), &usd(4_183_000)), "0,004183\u{a0}$");
        assert_eq!(money_exact(Locale::EN, &usd(5_000_000_000)), "$5.00");
        assert_eq!(money_plain(&usd(1_234_567_890_123)), "1234.567890123");
        assert_eq!(money_plain(&usd(-1)), "-0.000000001");
        assert_eq!(money_picos(Locale::EN, 2_500), "$0.0000000025");
        assert_eq!(money_picos(locale(RU), 1_500_000_000_000), "1,50\u{a0}$");
    }

    #[test]
    fn the_largest_numbers_are_written() {
        let huge = Money {
            nanos: i128::MIN,
            currency: Currency::Eur,
            approx: false,
        };
        assert!(money(Locale::EN, &huge).starts_with("-€170,141,183,460,469,231"));
    }

    proptest! {
        #[test]
        fn what_is_not_zero_never_reads_as_zero(nanos in 1..i64::MAX) {
            for shown in [money(Locale::EN, &usd(nanos)), money(locale(RU), &usd(-nanos))] {
                prop_assert!(shown.chars().any(|c| ('1'..='9').contains(&c)), "{}", shown);
            }
        }

        #[test]
        fn the_plain_form_is_the_amount(nanos in 0..i64::MAX) {
            prop_assert_eq!(Amount::parse_usd(&money_plain(&usd(nanos))).map(Amount::nanos), Ok(nanos));
        }

        #[test]
        fn display_rounds_by_less_than_a_cent_or_a_fiftieth(nanos in 1..i64::MAX) {
            let digits = shown_digits(u128::from(nanos.unsigned_abs()), Currency::Usd);
            let shown = number_of(&usd(nanos), digits).absolute.clone().multiplied_pow10(9).trimmed_start().to_string();
            let shown: i128 = shown.split('.').next().unwrap_or_default().parse().unwrap_or(-1);
            let off = (shown - i128::from(nanos)).abs();
            prop_assert!(off <= 5_000_000 && (i128::from(nanos) >= 1_000_000_000 || off * 20 <= i128::from(nanos)));
        }
    }
}
