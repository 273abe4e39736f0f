//! What is a wallet worth in another currency, about? A dated snapshot of rates, in whole billionths.
//!
//! Only for reading: money is held, charged and settled in US dollars. `rates.json` is a first value, in the
//! repository until the rates job exists; its date stands beside every amount it made.

use std::sync::{Arc, LazyLock};

use domain::views::UnixMs;
use domain::{Amount, Currency};
use serde::Deserialize;
use thiserror::Error;
use time::format_description::well_known::Iso8601;

use crate::format::Money;

/// Rates are whole billionths of the currency's unit per US dollar.
const ONE_PPB: i128 = 1_000_000_000;

/// A dated set of rates. Clones share it.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<Rates>);

#[derive(Debug)]
struct Rates {
    /// Midnight UTC of the day of the rates.
    at: UnixMs,
    source: String,
    eur_ppb: i64,
    rub_ppb: i64,
}

/// The snapshot cannot be used.
#[derive(Debug, Error)]
pub enum RatesError {
    #[error("the rates are not the JSON that is expected: {0}")]
    Format(#[from] serde_json::Error),
    #[error("the date of the rates is no day like 2026-11-20")]
    Date,
    #[error("the rates must be per US dollar, not per {0}")]
    Base(String),
    #[error("the rate of {0} must be above zero")]
    Rate(Currency),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    date: String,
    base: String,
    source: String,
    rates_ppb: FileRates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "UPPERCASE")]
struct FileRates {
    eur: i64,
    rub: i64,
}

impl Snapshot {
    /// The snapshot that is built into the binary.
    #[must_use]
    pub fn embedded() -> Self {
        static EMBEDDED: LazyLock<Snapshot> = LazyLock::new(|| {
            Snapshot::parse(include_str!("../rates.json"))
                .expect("a test reads the built-in rates.json")
        });
        EMBEDDED.clone()
    }

    /// Reads a snapshot in the form of `rates.json`.
    ///
    /// # Errors
    /// [`RatesError`] says what is wrong with it.
    pub fn parse(json: &str) -> Result<Self, RatesError> {
        let file: File = serde_json::from_str(json)?;
        if file.base != Currency::Usd.code() {
            return Err(RatesError::Base(file.base));
        }
        for (currency, ppb) in [
            (Currency::Eur, file.rates_ppb.eur),
            (Currency::Rub, file.rates_ppb.rub),
        ] {
            if ppb <= 0 {
                return Err(RatesError::Rate(currency));
            }
        }
        let day = time::Date::parse(&file.date, &Iso8601::DATE).map_err(|_| RatesError::Date)?;
        let at = day.midnight().assume_utc().unix_timestamp() * 1_000;
        Ok(Self(Arc::new(Rates {
            at,
            source: file.source,
            eur_ppb: file.rates_ppb.eur,
            rub_ppb: file.rates_ppb.rub,
        })))
    }

    /// Midnight UTC of the day of the rates, for [`crate::format::date`].
    #[must_use]
    pub fn date(&self) -> UnixMs {
        self.0.at
    }

    /// Where the rates come from, in words.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// An amount as shown in `currency`: exact in US dollars, else converted, rounded half to even, and marked so.
    #[must_use]
    pub fn show(&self, amount: Amount, currency: Currency) -> Money {
        let nanos = i128::from(amount.nanos());
        let ppb = match currency {
            Currency::Usd => return amount.into(),
            Currency::Eur => self.0.eur_ppb,
            Currency::Rub => self.0.rub_ppb,
        };
        // i64 × i64 fits in i128.
        let converted = divide_half_even(nanos * i128::from(ppb), ONE_PPB);
        // A trace of money stays a trace: what is not zero never reads as zero.
        let converted = if converted == 0 {
            nanos.signum()
        } else {
            converted
        };
        Money {
            nanos: converted,
            currency,
            approx: true,
        }
    }
}

/// `a / b` to the nearest whole number, halves to the even one; `b` is above zero.
const fn divide_half_even(a: i128, b: i128) -> i128 {
    let (down, rest) = (a.div_euclid(b), a.rem_euclid(b));
    let up = rest * 2 > b || (rest * 2 == b && down % 2 != 0);
    if up { down + 1 } else { down }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn snapshot(eur: i64, rub: i64) -> Snapshot {
        let json = format!(
            r#"{{"date":"2026-11-20","base":"USD","source":"test","rates_ppb":{{"EUR":{eur},"RUB":{rub}}}}}"#
        );
        Snapshot::parse(&json).unwrap()
    }

    #[test]
    fn the_built_in_snapshot_is_dated_and_plausible() {
        let rates = Snapshot::embedded();
        assert_eq!(crate::format::iso(rates.date()), "2026-11-20T00:00:00Z");
        let dollar = Amount::from_nanos(1_000_000_000);
        assert!((500_000_000..2_000_000_000).contains(&rates.show(dollar, Currency::Eur).nanos));
        assert!(
            (20_000_000_000..500_000_000_000).contains(&rates.show(dollar, Currency::Rub).nanos)
        );
    }

    #[test]
    fn dollars_stay_exact_and_others_are_marked() {
        let rates = snapshot(862_400_000, 80_150_000_000);
        let amount = Amount::from_nanos(18_420_000_000);
        assert_eq!(
            rates.show(amount, Currency::Usd),
            Money {
                nanos: 18_420_000_000,
                currency: Currency::Usd,
                approx: false
            }
        );
        assert_eq!(
            rates.show(amount, Currency::Eur),
            Money {
                nanos: 15_885_408_000,
                currency: Currency::Eur,
                approx: true
            }
        );
        assert_eq!(rates.show(amount, Currency::Rub).nanos, 1_476_363_000_000);
        assert_eq!(
            snapshot(400_000_000, 1)
                .show(Amount::from_nanos(1), Currency::Eur)
                .nanos,
            1
        );
        assert_eq!(
            snapshot(500_000_000, 1)
                .show(Amount::from_nanos(5), Currency::Eur)
                .nanos,
            2
        );
        assert_eq!(
            snapshot(500_000_000, 1)
                .show(Amount::from_nanos(-3), Currency::Eur)
                .nanos,
            -2
        );
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        let good = include_str!("../rates.json");
        for (from, to) in [
            ("USD", "EUR"),
            ("2026-11-20", "2026-13-01"),
            ("862400000", "0"),
            ("862400000", "0.8624"),
            ("RUB", "XYZ"),
        ] {
            assert!(
                Snapshot::parse(&good.replacen(from, to, 1)).is_err(),
                "{from} -> {to}"
            );
        }
    }

    proptest! {
        #[test]
        fn converting_keeps_sign_and_size(nanos in any::<i64>(), ppb in 1..1_000_000_000_000_i64) {
            let shown = snapshot(ppb, 1).show(Amount::from_nanos(nanos), Currency::Eur).nanos;
            let exact = i128::from(nanos) * i128::from(ppb);
            prop_assert_eq!(shown.signum(), i128::from(nanos).signum());
            prop_assert!((shown * ONE_PPB - exact).abs() <= ONE_PPB);
        }
    }
}
