//! What is shown before any source has answered? The dated snapshot in this repository.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::Currency;
use domain::fx::{Known, PerUsd, Rate, Source, Table};
use serde::Deserialize;

use super::document::day;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Like 2026-11-20.
    date: String,
    /// For whoever reads the file.
    #[serde(rename = "source")]
    _source: String,
    /// Decimal strings: so many units for one dollar.
    per_usd: BTreeMap<Currency, String>,
}

/// The snapshot that is built into the binary.
pub(super) fn table() -> Table {
    static FIRST: LazyLock<Table> = LazyLock::new(|| {
        parse(include_str!("first.json")).expect("a test reads the built-in first.json")
    });
    FIRST.clone()
}

/// `None` when a rate is missing or anything is not as in `first.json`.
fn parse(json: &str) -> Option<Table> {
    let file: File = serde_json::from_str(json).ok()?;
    let date = day(&file.date, '-')?;
    let rates: BTreeMap<Currency, Rate> = file
        .per_usd
        .iter()
        .filter_map(|(currency, text)| Some((*currency, Rate::parse(text, '.').ok()?)))
        .collect();
    let complete = Currency::ALL
        .into_iter()
        .all(|currency| currency == Currency::Usd || rates.contains_key(&currency));
    complete.then(|| {
        Table::new(|currency| Known {
            rate: PerUsd::direct(rates[&currency]),
            source: Source::First,
            date,
            row: 0,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rates_are_dated_complete_and_plausible() {
        let table = table();
        let dollar = domain::Amount::from_nanos(domain::money::NANOS_PER_USD);
        // (from, to) units per dollar: what a misplaced point would leave.
        for (currency, from, to) in [
            (Currency::Eur, 0, 2),
            (Currency::Rub, 20, 500),
            (Currency::Gbp, 0, 2),
            (Currency::Cny, 2, 20),
            (Currency::Jpy, 50, 500),
            (Currency::Inr, 30, 300),
            (Currency::Brl, 1, 20),
            (Currency::Try, 10, 400),
            (Currency::Krw, 500, 5_000),
            (Currency::Kwd, 0, 1),
        ] {
            let known = table.known(currency);
            assert_eq!(known.date, 1_795_132_800_000, "2026-11-20");
            let units = table.show(dollar, currency);
            let plausible = from * 1_000_000_000..to * 1_000_000_000;
            assert!(
                plausible.contains(&units) && units > 200_000_000,
                "{currency}: {units}"
            );
        }
        assert_eq!(table.known(Currency::Usd).rate, PerUsd::ONE);
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let good = include_str!("first.json");
        for (from, to) in [
            ("\"EUR\"", "\"XYZ\""),
            ("2026-11-20", "2026-13-01"),
            ("\"0.8624\"", "\"0\""),
            ("\"0.8624\"", "0.8624"),
            ("\"GBP\": \"0.7621\",", ""),
        ] {
            assert!(
                good.contains(from) && parse(&good.replacen(from, to, 1)).is_none(),
                "{from}"
            );
        }
    }
}
