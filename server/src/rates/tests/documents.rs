//! Is every document read as it is meant, with the traps that its source is known for?

use domain::Currency;
use domain::fx::{DAY_MS, Source};

use super::super::document::{DocumentError, per_usd, sha256};
use super::super::{cbr, ecb, openexchange};
use super::*;

#[test]
fn the_ecb_is_read() {
    let document = ecb::parse(ECB_FRIDAY).unwrap();
    assert_eq!((document.source, document.date), (Source::Ecb, FRIDAY));
    // Eight of the twenty-nine are ours; roubles and dinars it does not have.
    assert_eq!(document.rates.len(), 8);
    assert_eq!(rate_of(&document, Currency::Usd), Some(1_159_600_000));
    assert_eq!(rate_of(&document, Currency::Krw), Some(1_701_600_000_000));
    assert_eq!(rate_of(&document, Currency::Rub), None);
    assert_eq!(document.raw_sha256, sha256(ECB_FRIDAY));
    assert_eq!(document.raw_sha256.len(), 64);
    let with_mark = ecb::parse(ECB_BOM).unwrap();
    assert_eq!(
        with_mark.rates, document.rates,
        "a byte order mark is no text"
    );
}

#[test]
fn the_history_of_the_ecb_begins_with_the_newest_day() {
    let text = String::from_utf8(ECB_FRIDAY.to_vec()).unwrap();
    let day = "<Cube time='2026-11-19'><Cube currency='USD' rate='9'/></Cube>";
    let (head, tail) = text.rsplit_once("</Cube>").unwrap();
    let history = format!("{head}{day}</Cube>{tail}");
    let document = ecb::parse(history.as_bytes()).unwrap();
    assert_eq!(document.date, FRIDAY);
    assert_eq!(rate_of(&document, Currency::Usd), Some(1_159_600_000));
}

#[test]
fn the_central_bank_of_russia_is_read_in_its_encoding_with_commas_and_nominals() {
    assert!(
        String::from_utf8(CBR_SATURDAY.to_vec()).is_err(),
        "the record is windows-1251"
    );
    let document = cbr::parse(CBR_SATURDAY).unwrap();
    // Published on Friday for Saturday, and served until Tuesday's comes.
    assert_eq!(
        (document.source, document.date),
        (Source::Cbr, FRIDAY + DAY_MS)
    );
    assert_eq!(rate_of(&document, Currency::Usd), Some(80_150_000_000));
    assert_eq!(
        rate_of(&document, Currency::Jpy),
        Some(512_500_000),
        "of one, not of a hundred"
    );
    assert_eq!(rate_of(&document, Currency::Krw), Some(54_620_000));
    let usd = document
        .rates
        .iter()
        .find(|rate| rate.base == Currency::Usd);
    assert_eq!(usd.unwrap().quote, Currency::Rub);
    let old = cbr::parse(CBR_OLD).unwrap();
    assert_eq!(
        old.rates, document.rates,
        "without VunitRate, divided by Nominal"
    );
}

#[test]
fn openexchangerates_is_read_without_a_float() {
    let document = openexchange::parse(OPENEXCHANGERATES).unwrap();
    assert_eq!(document.date, FRIDAY);
    assert_eq!(document.rates.len(), 10);
    assert_eq!(rate_of(&document, Currency::Kwd), Some(306_810_000));
    assert_eq!(rate_of(&document, Currency::Eur), Some(862_401_000));
    // A binary float does not have this number.
    let long = with(OPENEXCHANGERATES, "0.862401", "0.123456789012345678");
    let long = openexchange::parse(&long).unwrap();
    assert_eq!(rate_of(&long, Currency::Eur), Some(123_456_789));
}

#[test]
fn crosses_go_through_the_anchor_of_one_document() {
    let read = |document: &Document, currency| {
        let ratios = per_usd(document.source, &document.rates);
        let found = ratios.iter().find(|(of, ..)| *of == currency);
        found.map(|(_, rate, _)| rate.e9())
    };
    let ecb = ecb::parse(ECB_FRIDAY).unwrap();
    assert_eq!(read(&ecb, Currency::Eur), Some(862_366_333), "1 ÷ 1.1596");
    assert_eq!(
        read(&ecb, Currency::Jpy),
        Some(156_390_134_529),
        "181.35 ÷ 1.1596"
    );
    let cbr = cbr::parse(CBR_SATURDAY).unwrap();
    assert_eq!(read(&cbr, Currency::Rub), Some(80_150_000_000));
    assert_eq!(
        read(&cbr, Currency::Eur),
        Some(862_384_334),
        "80.15 ÷ 92.94"
    );
    let direct = openexchange::parse(OPENEXCHANGERATES).unwrap();
    assert_eq!(read(&direct, Currency::Kwd), Some(306_810_000));
    assert_eq!(read(&direct, Currency::Usd), None);
}

#[test]
fn what_is_wrong_with_a_document_is_said() {
    use DocumentError as E;
    let wrong = |raw: &[u8]| ecb::parse(raw).unwrap_err();
    assert_eq!(wrong(ECB_BOMB), E::Declarations);
    let edited = |from, to| wrong(&with(ECB_FRIDAY, from, to));
    assert_eq!(edited("'USD'", "'XXX'"), E::NoDollar);
    assert_eq!(edited("'1.1596'", "'-1.1596'"), E::Rate(Currency::Usd));
    assert_eq!(edited("'1.1596'", "'0'"), E::Rate(Currency::Usd));
    assert_eq!(edited("rate='1.1596'", ""), E::Rate(Currency::Usd));
    assert_eq!(edited("'1.1596'", "'&usd;'"), E::Rate(Currency::Usd));
    assert_eq!(edited("'2026-11-20'", "'2026-02-30'"), E::NoDay);
    assert_eq!(edited(" time='2026-11-20'", ""), E::NoDay);
    assert_eq!(edited("'CZK'", "'JPY'"), E::Twice(Currency::Jpy));
    assert_eq!(edited("Reference rates", "&lt;"), E::Declarations);
    assert!(
        matches!(edited("</gesmes:Envelope>", ""), E::Syntax(_)),
        "cut off"
    );
    assert!(matches!(
        edited("<Cube time", "<Cube a='1' a='2' time"),
        E::Syntax(_)
    ));

    let wrong = |from, to| cbr::parse(&with(CBR_SATURDAY, from, to)).unwrap_err();
    assert_eq!(
        wrong("80,1500", "80.1500"),
        E::Rate(Currency::Usd),
        "a point is no comma"
    );
    assert_eq!(
        wrong("<Nominal>1000<", "<Nominal>100<"),
        E::Units(Currency::Krw)
    );
    assert_eq!(
        wrong("<Nominal>1000<", "<Nominal>0<"),
        E::Rate(Currency::Krw)
    );
    assert_eq!(wrong("21.11.2026", "2026-11-21"), E::NoDay);
    assert_eq!(wrong("windows-1251", "utf-8"), E::Encoding);

    let wrong = |from, to| openexchange::parse(&with(OPENEXCHANGERATES, from, to)).unwrap_err();
    assert_eq!(
        wrong("\"base\": \"USD\"", "\"base\": \"EUR\""),
        E::Anchor(Currency::Usd)
    );
    assert_eq!(wrong("0.862401", "8.62401e-1"), E::Rate(Currency::Eur));
    assert_eq!(wrong("0.862401", "\"0.862401\""), E::Rate(Currency::Eur));
    assert_eq!(wrong("1795190400", "-1"), E::NoDay);
    assert!(matches!(wrong("\"rates\"", "\"rate\""), E::Syntax(_)));
}

#[test]
fn a_deep_document_is_no_deep_recursion() {
    let deep = format!("<Cube time='2026-11-20'>{}", "<a>".repeat(300_000));
    assert!(ecb::parse(deep.as_bytes()).is_err());
}
