//! What does somebody pay, at what rate, and what arrives? Shown before paying, pinned on the order, never worse in
//! silence.
//!
//! `credited = floor(coins × 10^(9 − digits) × rate ÷ 10^9)` nano-dollars: one rounding, down, of less than a
//! nano-dollar.

use std::fmt;

use thiserror::Error;

use super::coins::{Coins, nanos_per_coin};
use super::rate::{ONE_E9, Rate};
use super::source::Source;
use super::table::{Charging, Table};
use crate::money::parse_decimal;
use crate::views::UnixMs;
use crate::{Amount, Currency, MoneyError};

/// So long after its end a quote still counts for who paid late, if it is the better one: a day.
pub const AFTER_MS: i64 = 86_400_000;

/// What the operator keeps of the middle rate, in basis points: 100 are one per cent. At most twenty per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spread(u16);

impl Spread {
    pub const MAX_BP: u16 = 2_000;

    /// # Errors
    /// [`MoneyError::Overflow`] above [`Self::MAX_BP`].
    pub const fn from_bp(bp: u16) -> Result<Self, MoneyError> {
        if bp > Self::MAX_BP {
            return Err(MoneyError::Overflow);
        }
        Ok(Self(bp))
    }

    /// Reads per cent with at most two digits after the point: `1`, `2.5`.
    ///
    /// # Errors
    /// [`MoneyError`] for what is no such number, or above twenty.
    pub fn parse_percent(text: &str) -> Result<Self, MoneyError> {
        u16::try_from(parse_decimal(text, 2)?)
            .map_err(|_| MoneyError::Overflow)
            .and_then(Self::from_bp)
    }

    #[must_use]
    pub const fn bp(self) -> u16 {
        self.0
    }
}

/// Per cent: `2.50`.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// An offer: these coins for that credit, until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    pub paid: Coins,
    /// What arrives.
    pub credited: Amount,
    /// Billionths of a US dollar per unit of the paid currency, the spread taken off, rounded down.
    pub rate: Rate,
    pub spread: Spread,
    pub source: Source,
    /// The day of the rate: its first moment in UTC. Dollars have none.
    pub date: Option<UnixMs>,
    /// The row of the rate; zero for dollars.
    pub row: i64,
    pub made_at: UnixMs,
    pub valid_until: UnixMs,
}

/// Why nobody can pay that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuoteError {
    /// The day of the newest rate.
    #[error("the newest rate of this currency is too old to charge by")]
    TooOld { since: UnixMs },
    #[error("nothing would arrive for this amount")]
    Nothing,
    #[error("the amount is too large")]
    TooLarge,
}

/// Who makes quotes: the rates and what the operator keeps.
#[derive(Debug, Clone, Copy)]
struct Terms {
    rate: Rate,
    spread: Spread,
    source: Source,
    date: Option<UnixMs>,
    row: i64,
}

impl Terms {
    fn of(
        currency: Currency,
        table: &Table,
        spread: Spread,
        now: UnixMs,
    ) -> Result<Self, QuoteError> {
        if let Charging::TooOld { since } = table.charging(currency, now) {
            return Err(QuoteError::TooOld { since });
        }
        let known = table.known(currency);
        let dollars = currency == Currency::Usd;
        // Nothing is exchanged when dollars are paid, so nothing is kept.
        let spread = if dollars { Spread::default() } else { spread };
        Ok(Self {
            rate: known
                .rate
                .dollars_per_unit(10_000 - i128::from(spread.0))
                .map_err(|_| QuoteError::Nothing)?,
            spread,
            source: known.source,
            date: (!dollars).then_some(known.date),
            row: known.row,
        })
    }

    fn quote(self, paid: Coins, now: UnixMs, valid_ms: i64) -> Result<Quote, QuoteError> {
        let credited = credited(paid, self.rate)?;
        if credited.is_zero() {
            return Err(QuoteError::Nothing);
        }
        Ok(Quote {
            paid,
            credited,
            rate: self.rate,
            spread: self.spread,
            source: self.source,
            date: self.date,
            row: self.row,
            made_at: now,
            valid_until: now.saturating_add(valid_ms),
        })
    }
}

impl Quote {
    /// What arrives for `paid`, valid for `valid_ms`.
    ///
    /// # Errors
    /// [`QuoteError`]: the rate is too old, or the amount too small or too large.
    pub fn for_coins(
        paid: Coins,
        table: &Table,
        spread: Spread,
        now: UnixMs,
        valid_ms: i64,
    ) -> Result<Self, QuoteError> {
        Terms::of(paid.currency(), table, spread, now)?.quote(paid, now, valid_ms)
    }

    /// The fewest coins of `currency` that bring at least `credit`.
    ///
    /// # Errors
    /// As [`Self::for_coins`].
    pub fn for_credit(
        credit: Amount,
        currency: Currency,
        table: &Table,
        spread: Spread,
        now: UnixMs,
        valid_ms: i64,
    ) -> Result<Self, QuoteError> {
        if credit <= Amount::ZERO {
            return Err(QuoteError::Nothing);
        }
        let terms = Terms::of(currency, table, spread, now)?;
        let coin = nanos_per_coin(currency) * i128::from(terms.rate.e9());
        let wanted = i128::from(credit.nanos()) * i128::from(ONE_E9);
        // Both above zero, so dividing upwards is adding the divisor less one.
        let minor = (wanted + coin - 1) / coin;
        let paid = i64::try_from(minor)
            .ok()
            .and_then(|minor| Coins::new(currency, minor).ok())
            .ok_or(QuoteError::TooLarge)?;
        terms.quote(paid, now, valid_ms)
    }

    /// What arrives when other coins of the same currency were paid than was offered, at this rate.
    ///
    /// # Errors
    /// [`QuoteError::TooLarge`] beyond the range of [`Amount`]; [`QuoteError::Nothing`] for another currency.
    pub fn credited_for(&self, paid: Coins) -> Result<Amount, QuoteError> {
        if paid.currency() != self.paid.currency() {
            return Err(QuoteError::Nothing);
        }
        credited(paid, self.rate)
    }

    /// Does it hold at this moment? Its last millisecond counts.
    #[must_use]
    pub const fn holds(&self, at: UnixMs) -> bool {
        at <= self.valid_until
    }

    /// By which quote is a payment of `paid_at` credited? By this one while it holds; for a day after that by whichever
    /// is better for the customer; then by `current`, one for the same currency made now. `None` when there is none to go
    /// by: the rate of now is too old, and somebody has to look at it.
    #[must_use]
    pub fn at_payment<'a>(
        &'a self,
        paid_at: UnixMs,
        current: Option<&'a Self>,
    ) -> Option<&'a Self> {
        if self.holds(paid_at) {
            return Some(self);
        }
        if paid_at <= self.valid_until.saturating_add(AFTER_MS) {
            return match current {
                Some(current) if current.rate > self.rate => Some(current),
                _ => Some(self),
            };
        }
        current
    }
}

/// Nano-dollars for coins, rounded down.
fn credited(paid: Coins, rate: Rate) -> Result<Amount, QuoteError> {
    let nanos = paid
        .nanos()
        .checked_mul(i128::from(rate.e9()))
        .ok_or(QuoteError::TooLarge)?
        / i128::from(ONE_E9);
    i64::try_from(nanos)
        .map(Amount::from_nanos)
        .map_err(|_| QuoteError::TooLarge)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::rate::PerUsd;
    use super::super::table::{DAY_MS, Known};
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMs = 1_795_132_800_000;
    const HALF_HOUR: i64 = 30 * 60_000;

    fn table(rate: PerUsd) -> Table {
        Table::new(|_| Known {
            rate,
            source: Source::Ecb,
            date: NOW,
            row: 7,
        })
    }

    fn per_usd(e9: i64) -> PerUsd {
        PerUsd::direct(Rate::from_e9(e9).unwrap())
    }

    /// The euro at 1.0850 dollars, as the ECB says it.
    fn euro() -> PerUsd {
        PerUsd::cross(Rate::ONE, Rate::parse("1.0850", '.').unwrap())
    }

    fn quote(currency: Currency, text: &str, rate: PerUsd, bp: u16) -> Result<Quote, QuoteError> {
        let paid = Coins::parse(currency, text).unwrap();
        let spread = Spread::from_bp(bp).unwrap();
        Quote::for_coins(paid, &table(rate), spread, NOW, HALF_HOUR)
    }

    #[test]
    fn the_golden_examples_hold() {
        for (currency, paid, rate, bp, rate_e9, credited) in [
            (Currency::Eur, "25.00", euro(), 0, 1_085_000_000, "27.125"),
            (
                Currency::Eur,
                "25.00",
                euro(),
                100,
                1_074_150_000,
                "26.85375",
            ),
            (Currency::Eur, "0.01", euro(), 0, 1_085_000_000, "0.01085"),
            // 1 ÷ 80.15 is 0.012476606986…: down.
            (
                Currency::Rub,
                "100.00",
                per_usd(80_150_000_000),
                0,
                12_476_606,
                "1.2476606",
            ),
            (
                Currency::Jpy,
                "1",
                per_usd(155_000_000_000),
                0,
                6_451_612,
                "0.006451612",
            ),
            (
                Currency::Kwd,
                "0.001",
                per_usd(307_000_000),
                0,
                3_257_328_990,
                "0.003257328",
            ),
            (
                Currency::Usd,
                "25.00",
                PerUsd::ONE,
                250,
                1_000_000_000,
                "25.00",
            ),
        ] {
            let quote = quote(currency, paid, rate, bp).unwrap();
            assert_eq!(quote.rate.e9(), rate_e9, "{paid} {currency}");
            assert_eq!(
                quote.credited,
                Amount::parse_usd(credited).unwrap(),
                "{paid} {currency}"
            );
            assert_eq!(quote.valid_until, NOW + HALF_HOUR);
        }
        let dollars = quote(Currency::Usd, "1", PerUsd::ONE, 250).unwrap();
        assert_eq!(
            (dollars.spread.bp(), dollars.date),
            (0, None),
            "nothing is exchanged"
        );
        let euros = quote(Currency::Eur, "1", euro(), 250).unwrap();
        assert_eq!(
            (euros.source, euros.date, euros.row),
            (Source::Ecb, Some(NOW), 7)
        );
    }

    #[test]
    fn what_cannot_be_quoted_says_why() {
        let late = NOW + 5 * DAY_MS;
        let paid = Coins::parse(Currency::Eur, "25").unwrap();
        let old = Quote::for_coins(paid, &table(euro()), Spread::default(), late, HALF_HOUR);
        assert_eq!(old, Err(QuoteError::TooOld { since: NOW }));
        let dollars = Coins::parse(Currency::Usd, "25").unwrap();
        assert!(Quote::for_coins(dollars, &table(euro()), Spread::default(), late, 1).is_ok());
        assert_eq!(
            quote(Currency::Eur, "0", euro(), 0),
            Err(QuoteError::Nothing)
        );
        let huge = quote(Currency::Eur, "92233720368547758", euro(), 0);
        assert_eq!(huge, Err(QuoteError::TooLarge));
        let rub = Coins::parse(Currency::Rub, "25").unwrap();
        let euros = quote(Currency::Eur, "1", euro(), 0).unwrap();
        assert_eq!(
            euros.credited_for(rub),
            Err(QuoteError::Nothing),
            "other coins"
        );
        assert!(Spread::parse_percent("20.01").is_err() && Spread::parse_percent("-1").is_err());
        assert_eq!(Spread::parse_percent("2.5").unwrap().to_string(), "2.50");
    }

    #[test]
    fn a_late_payment_never_gets_a_silent_worse_rate() {
        let mine = quote(Currency::Eur, "25", euro(), 0).unwrap();
        let better = quote(Currency::Eur, "25", per_usd(900_000_000), 0).unwrap();
        let worse = quote(Currency::Eur, "25", per_usd(950_000_000), 0).unwrap();
        let end = mine.valid_until;
        for (paid_at, current, by) in [
            (NOW, Some(&better), Some(&mine)),
            (end, Some(&better), Some(&mine)),
            (end + 1, Some(&better), Some(&better)),
            (end + 1, Some(&worse), Some(&mine)),
            (end + 1, None, Some(&mine)),
            (end + AFTER_MS, Some(&worse), Some(&mine)),
            (end + AFTER_MS + 1, Some(&worse), Some(&worse)),
            (end + AFTER_MS + 1, None, None),
        ] {
            assert_eq!(mine.at_payment(paid_at, current), by, "{}", paid_at - end);
        }
    }

    proptest! {
        /// What arrives is worth at most what was paid, and short of it by less than the two roundings down.
        #[test]
        fn credit_is_rounded_down_and_only_once(
            minor in 1..1_000_000_000_i64,
            e9 in 100_000_000..10_000_000_000_000_i64,
            bp in 0..=Spread::MAX_BP,
        ) {
            let paid = Coins::new(Currency::Eur, minor).unwrap();
            let spread = Spread::from_bp(bp).unwrap();
            // In these bounds even a cent brings something.
            let quote = Quote::for_coins(paid, &table(per_usd(e9)), spread, NOW, 1).unwrap();
            // Everything times e9 × 10 000, to stay whole.
            let exact = paid.nanos() * i128::from(ONE_E9) * (10_000 - i128::from(bp));
            let got = i128::from(quote.credited.nanos()) * i128::from(e9) * 10_000;
            let scale = i128::from(e9) * 10_000;
            let rate_rounding = paid.nanos() * scale / i128::from(ONE_E9);
            prop_assert!(got <= exact);
            prop_assert!(exact - got < rate_rounding + 2 * scale);
        }

        /// Asking for a credit costs the fewest coins that bring it.
        #[test]
        fn a_wanted_credit_costs_the_fewest_coins(nanos in 1..100_000_000_000_000_i64, e9 in 100_000_000..2_000_000_000_000_i64) {
            let (table, spread) = (table(per_usd(e9)), Spread::from_bp(150).unwrap());
            for currency in Currency::ALL {
                let credit = Amount::from_nanos(nanos);
                let quote = Quote::for_credit(credit, currency, &table, spread, NOW, 1).unwrap();
                prop_assert!(quote.credited >= credit);
                let less = Coins::new(currency, quote.paid.minor() - 1).unwrap();
                prop_assert!(quote.credited_for(less).unwrap() < credit);
            }
        }
    }
}
