//! What is believed of a document that can be read?

use domain::fx::{DAY_MS, Known, PerUsd, Source, Table};

use super::super::document::known;
use super::super::sane::{Insane, Judged, judge};
use super::super::{ecb, first};
use super::*;

/// Noon of the Monday.
const NOW: UnixMs = FRIDAY + 3 * DAY_MS + DAY_MS / 2;

fn published(document: &Document) -> Vec<(Currency, Known)> {
    known(document.source, document.date, &document.rates, &[])
}

fn monday(from: &str, to: &str) -> Document {
    ecb::parse(&with(ECB_MONDAY, from, to)).unwrap()
}

fn judged(document: &Document, published: &[(Currency, Known)]) -> Result<Judged, Insane> {
    judge(document, published, &first::table(), NOW)
}

#[test]
fn a_move_of_more_than_a_tenth_keeps_the_old_rate_of_that_currency_alone() {
    let friday = published(&ecb::parse(ECB_FRIDAY).unwrap());
    // The record has the lira 13 % weaker.
    let document = ecb::parse(ECB_MONDAY).unwrap();
    let result = judged(&document, &friday).unwrap();
    assert_eq!(result.moved, [Currency::Try]);
    assert_eq!(result.rates.len(), document.rates.len() - 1);
    assert!(result.rates.iter().all(|rate| rate.quote != Currency::Try));

    // A tenth in either direction is the line: 49.2250 ÷ 1.1596 per dollar before, 1.1623 dollars per euro now.
    for (lira, moved) in [
        ("44.50", false),
        ("44.30", true),
        ("54.20", false),
        ("54.40", true),
    ] {
        let result = judged(&monday("55.9000", lira), &friday).unwrap();
        assert_eq!(!result.moved.is_empty(), moved, "{lira}");
    }
}

#[test]
fn an_administrator_near_the_new_level_confirms_it() {
    let mut known = published(&ecb::parse(ECB_FRIDAY).unwrap());
    let set = |text, days| Known {
        rate: PerUsd::direct(Rate::parse(text, '.').unwrap()),
        source: Source::Manual,
        date: FRIDAY + days * DAY_MS,
        row: 9,
    };
    let document = ecb::parse(ECB_MONDAY).unwrap();
    for (text, days, moved) in [("48.00", 3, 0), ("42.45", 3, 1), ("48.00", -40, 1)] {
        known.push((Currency::Try, set(text, days)));
        let result = judged(&document, &known).unwrap();
        assert_eq!(result.moved.len(), moved, "{text} {days}");
        known.pop();
    }
}

#[test]
fn what_everything_hangs_on_must_not_jump() {
    let friday = published(&ecb::parse(ECB_FRIDAY).unwrap());
    let document = monday("1.1623", "1.3900");
    assert_eq!(
        judged(&document, &friday),
        Err(Insane::Anchor(Currency::Eur))
    );
}

#[test]
fn old_and_first_rates_only_catch_mistaken_units() {
    let first = |document: &Document| judged(document, &[]).unwrap().moved;
    assert_eq!(first(&ecb::parse(ECB_MONDAY).unwrap()), []);
    assert_eq!(first(&monday("55.9000", "300.0000")), []);
    assert_eq!(first(&monday("181.90", "18190.0")), [Currency::Jpy]);
    // The same against a rate of our own that is a month old.
    let mut old = ecb::parse(ECB_FRIDAY).unwrap();
    old.date -= 30 * DAY_MS;
    let result = judged(&ecb::parse(ECB_MONDAY).unwrap(), &published(&old)).unwrap();
    assert_eq!(result.moved, []);
}

#[test]
fn a_stale_clock_is_noticed() {
    let document = ecb::parse(ECB_MONDAY).unwrap();
    let at = |now| judge(&document, &[], &first::table(), now).map(|judged| judged.moved);
    assert_eq!(
        at(NOW - 4 * DAY_MS),
        Ok(Vec::new()),
        "the rate of four days ahead"
    );
    assert_eq!(at(NOW - 5 * DAY_MS), Err(Insane::Ahead));
    // The clock runs ahead: the rates are stored, and nobody is charged by them.
    let table = Table::with(&first::table(), &published(&document), NOW + 5 * DAY_MS);
    let charging = table.charging(Currency::Eur, NOW + 5 * DAY_MS);
    let since = FRIDAY + 3 * DAY_MS;
    assert_eq!(charging, domain::fx::Charging::TooOld { since });
}
