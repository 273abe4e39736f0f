//! Which rate holds now, what does it show, and may somebody be charged by it?

use super::rate::PerUsd;
use super::source::Source;
use crate::views::UnixMs;
use crate::{Amount, Currency};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
/// So many days ahead a rate may be dated: the central bank of Russia publishes for the next working day. One that is
/// further ahead says that a clock is wrong, ours or theirs.
const AHEAD_DAYS: i64 = 4;

/// The first moment, in UTC, of the day of `at`: how days of rates are written.
#[must_use]
pub const fn day_of(at: UnixMs) -> UnixMs {
    at - at.rem_euclid(DAY_MS)
}

/// A rate that somebody published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub rate: PerUsd,
    pub source: Source,
    /// The first moment, in UTC, of the day that the source says it is for.
    pub date: UnixMs,
    /// Its row; zero for what is built in.
    pub row: i64,
}

/// May somebody pay in this currency?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charging {
    Chargeable,
    /// The newest rate is of the day of `since`, too long ago (or impossibly far ahead). It is shown, with its date.
    TooOld {
        since: UnixMs,
    },
}

impl Known {
    /// The dollar in dollars.
    const DOLLAR: Self = Self {
        rate: PerUsd::ONE,
        source: Source::First,
        date: 0,
        row: 0,
    };

    /// Whole days from its day to that of `now`; below zero for a day to come.
    #[must_use]
    pub const fn age_days(&self, now: UnixMs) -> i64 {
        (day_of(now) - day_of(self.date)) / DAY_MS
    }

    /// Judged by the source's day, not by when we fetched it: a document that is served for weeks grows old.
    #[must_use]
    pub const fn charging(&self, now: UnixMs) -> Charging {
        let age = self.age_days(now);
        if age > self.source.max_age_days() || self.too_far_ahead(now) {
            Charging::TooOld { since: self.date }
        } else {
            Charging::Chargeable
        }
    }

    /// Is it for a day that nobody can know yet?
    #[must_use]
    pub const fn too_far_ahead(&self, now: UnixMs) -> bool {
        self.age_days(now) < -AHEAD_DAYS
    }

    /// What is chargeable comes before what is not, what is in force before what is for tomorrow; then whom we ask
    /// first, then the newer. Of what is too old, the newest.
    fn rank(&self, currency: Currency, now: UnixMs) -> (u8, u8, i64, u8) {
        let class = match self.charging(now) {
            Charging::Chargeable if self.age_days(now) >= 0 => 0,
            Charging::Chargeable => 1,
            Charging::TooOld { .. } => 2,
        };
        let place = self.source.place(currency);
        let first = if class == 2 { 0 } else { place };
        (class, first, -self.date, place)
    }
}

/// A rate for every currency. What a page shows comes from one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table([Known; Currency::ALL.len()]);

impl Table {
    /// One rate each.
    #[must_use]
    pub fn new(known: impl Fn(Currency) -> Known) -> Self {
        Self(Currency::ALL.map(|currency| match currency {
            Currency::Usd => Known::DOLLAR,
            other => known(other),
        }))
    }

    /// The best of all that was published, and of this table where nothing was.
    #[must_use]
    pub fn with(&self, published: &[(Currency, Known)], now: UnixMs) -> Self {
        Self::new(|currency| {
            published
                .iter()
                .filter(|(of, _)| *of == currency)
                .map(|(_, known)| *known)
                .chain([self.known(currency)])
                .min_by_key(|known| known.rank(currency, now))
                .expect("the chain has at least the rate of this table")
        })
    }

    /// The rate that holds for a currency.
    #[must_use]
    pub const fn known(&self, currency: Currency) -> Known {
        // `ALL` is in the order of the variants; a test compares them.
        self.0[currency as usize]
    }

    /// May somebody pay in it? Dollars always.
    #[must_use]
    pub fn charging(&self, currency: Currency, now: UnixMs) -> Charging {
        match currency {
            Currency::Usd => Charging::Chargeable,
            other => self.known(other).charging(now),
        }
    }

    /// A dollar amount for reading, in billionths of the currency's unit, rounded half to even. A trace of money stays a
    /// trace: what is not zero never becomes zero.
    #[must_use]
    pub fn show(&self, amount: Amount, currency: Currency) -> i128 {
        match self.known(currency).rate.of_dollars(amount) {
            0 => i128::from(amount.nanos().signum()),
            nanos => nanos,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::rate::Rate;
    use super::*;
    use proptest::prelude::*;

    /// Friday, 20 November 2026.
    const FRIDAY: UnixMs = 1_795_132_800_000;
    const NOON: i64 = DAY_MS / 2;

    fn known(source: Source, days: i64, e9: i64) -> Known {
        Known {
            rate: PerUsd::direct(Rate::from_e9(e9).unwrap()),
            source,
            date: FRIDAY + days * DAY_MS,
            row: 0,
        }
    }

    fn first() -> Table {
        Table::new(|_| known(Source::First, -100, 7))
    }

    #[test]
    fn a_rate_is_charged_by_for_as_many_days_as_its_source_is_believed() {
        use Charging::{Chargeable, TooOld};
        for (source, days) in [
            (Source::Ecb, 4),
            (Source::Cbr, 11),
            (Source::OpenExchangeRates, 4),
            (Source::Manual, 31),
        ] {
            let known = known(source, 0, 1);
            let last = FRIDAY + days * DAY_MS + DAY_MS - 1;
            assert_eq!(known.charging(last), Chargeable, "{source}");
            assert_eq!(
                known.charging(last + 1),
                TooOld { since: FRIDAY },
                "{source}"
            );
        }
        let snapshot = known(Source::First, 0, 1).charging(FRIDAY);
        assert_eq!(snapshot, TooOld { since: FRIDAY }, "typed in by hand");
        // Tomorrow's rate is fine; a clock that stands in the past makes every rate one of the far future.
        assert_eq!(known(Source::Cbr, 1, 1).charging(FRIDAY), Chargeable);
        let stale_clock = FRIDAY - 5 * DAY_MS;
        assert_eq!(
            known(Source::Cbr, 0, 1).charging(stale_clock),
            TooOld { since: FRIDAY }
        );
        assert_eq!(first().charging(Currency::Usd, FRIDAY), Chargeable);
        assert!(matches!(
            first().charging(Currency::Eur, FRIDAY),
            TooOld { .. }
        ));
    }

    #[test]
    fn the_best_rate_is_chosen() {
        let now = FRIDAY + NOON;
        let (rub, eur) = (Currency::Rub, Currency::Eur);
        let chosen = |currency, published: &[Known]| {
            let published: Vec<_> = published.iter().map(|known| (currency, *known)).collect();
            let known = first().with(&published, now).known(currency);
            (known.source, known.age_days(now))
        };
        let of = |source, days| known(source, days, 5);
        // (published, chosen source, its age)
        for (currency, published, source, age) in [
            (eur, vec![], Source::First, 100),
            (
                eur,
                vec![of(Source::Cbr, 0), of(Source::Ecb, -1)],
                Source::Ecb,
                1,
            ),
            (
                rub,
                vec![of(Source::Cbr, -3), of(Source::OpenExchangeRates, 0)],
                Source::Cbr,
                3,
            ),
            (
                rub,
                vec![of(Source::Cbr, 1), of(Source::Cbr, 0)],
                Source::Cbr,
                0,
            ),
            (rub, vec![of(Source::Cbr, 1)], Source::Cbr, -1),
            (
                eur,
                vec![of(Source::Ecb, -5), of(Source::Cbr, -2)],
                Source::Cbr,
                2,
            ),
            (
                eur,
                vec![of(Source::Ecb, -9), of(Source::Cbr, -12)],
                Source::Ecb,
                9,
            ),
            (
                eur,
                vec![of(Source::Manual, -30), of(Source::Ecb, 0)],
                Source::Manual,
                30,
            ),
            (
                eur,
                vec![of(Source::Manual, -32), of(Source::Ecb, 0)],
                Source::Ecb,
                0,
            ),
        ] {
            assert_eq!(chosen(currency, &published), (source, age), "{published:?}");
        }
        let dollars = first().with(&[(Currency::Usd, of(Source::Manual, 0))], now);
        assert_eq!(
            dollars.known(Currency::Usd).rate,
            PerUsd::ONE,
            "nobody moves the dollar"
        );
    }

    #[test]
    fn amounts_are_shown_rounded_half_to_even_and_a_trace_stays_a_trace() {
        let table = |e9| Table::new(|_| known(Source::First, 0, e9));
        let show = |e9, nanos| table(e9).show(Amount::from_nanos(nanos), Currency::Eur);
        assert_eq!(show(862_400_000, 18_420_000_000), 15_885_408_000);
        assert_eq!(show(500_000_000, 5), 2);
        assert_eq!(show(500_000_000, -3), -2);
        assert_eq!(show(400_000_000, 1), 1);
        assert_eq!(show(400_000_000, -1), -1);
        assert_eq!(show(400_000_000, 0), 0);
        assert_eq!(table(5).show(Amount::from_nanos(3), Currency::Usd), 3);
    }

    proptest! {
        #[test]
        fn showing_keeps_sign_and_size(nanos in any::<i64>(), e9 in 1..1_000_000_000_000_i64) {
            let table = Table::new(|_| known(Source::First, 0, e9));
            let shown = table.show(Amount::from_nanos(nanos), Currency::Eur);
            let exact = i128::from(nanos) * i128::from(e9);
            prop_assert_eq!(shown.signum(), i128::from(nanos).signum());
            prop_assert!((shown * 1_000_000_000 - exact).abs() <= 1_000_000_000);
        }
    }
}
