//! How did it do, hour by hour and day by day? Read once a minute, shown to everybody.

use std::collections::{BTreeMap, HashMap};

use domain::views::UnixMs;
use sea_orm::DbErr;

use super::store::Bits;
use super::{Bars, DAY_MS, HOUR_MS, MINUTE_MS, Part, State, family};
use crate::db::{Db, all, one};

/// Bars that are shown.
pub const HOURS: u32 = 24;
pub const DAYS: u32 = 90;
/// The times until the first byte that the middle one is taken of, at most: the last ones of a day.
const TIMES_MAX: i64 = 5_000;

/// How much went well and how much did not: minutes, or calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    pub good: u64,
    pub bad: u64,
}

impl Share {
    #[must_use]
    pub const fn total(self) -> u64 {
        self.good + self.bad
    }

    /// Hundredths of a per cent that went well, rounded down so that a failure never reads as 100 %; nothing when there
    /// was nothing.
    #[must_use]
    pub fn basis_points(self) -> Option<i64> {
        let points = (self.good * 10_000).checked_div(self.total())?;
        i64::try_from(points).ok()
    }

    /// One in twenty may fail before we call it trouble.
    #[must_use]
    pub const fn state(self) -> State {
        if self.total() == 0 {
            State::Quiet
        } else if self.bad * 20 <= self.total() {
            State::Works
        } else if self.good == 0 {
            State::Fails
        } else {
            State::Partly
        }
    }

    pub(super) fn sum(shares: &[Self]) -> Self {
        shares.iter().fold(Self::default(), |sum, share| Self {
            good: sum.good + share.good,
            bad: sum.bad + share.bad,
        })
    }
}

/// Everything the rows say.
#[derive(Debug, Default)]
pub struct History {
    pub since: Option<UnixMs>,
    minutes: HashMap<(Part, UnixMs), Bits>,
    /// Per family: calls by hour for the last day, by day before.
    hours: BTreeMap<(String, UnixMs), Share>,
    days: BTreeMap<(String, UnixMs), Share>,
    first_bytes: BTreeMap<String, u64>,
}

/// When the hour of a moment began.
pub fn hour_of(at: UnixMs) -> UnixMs {
    at - at.rem_euclid(HOUR_MS)
}

fn day_of(at: UnixMs) -> UnixMs {
    at - at.rem_euclid(DAY_MS)
}

impl History {
    pub async fn read(db: &Db, now: UnixMs) -> Result<Self, DbErr> {
        let mut history = Self::default();
        let oldest = first_day(now);
        let row = one(
            db.read(),
            "SELECT MIN(hour) AS hour FROM status_minutes",
            [],
        )
        .await?;
        history.since = row
            .map(|row| row.try_get::<Option<i64>>("", "hour"))
            .transpose()?
            .flatten();
        let sql = "SELECT part, hour, up, down FROM status_minutes WHERE hour >= $1";
        for row in all(db.read(), sql, [oldest.into()]).await? {
            let part: String = row.try_get("", "part")?;
            let Some(part) = Part::from_id(&part) else {
                continue;
            };
            let bits = Bits {
                up: row.try_get("", "up")?,
                down: row.try_get("", "down")?,
            };
            history
                .minutes
                .insert((part, row.try_get("", "hour")?), bits);
        }
        let sql = "SELECT family, hour AS at, answered, failed FROM status_calls WHERE hour >= $1";
        history.hours = calls(db, sql, first_hour(now)).await?;
        let sql = "SELECT family, (hour / 86400000) * 86400000 AS at, CAST(SUM(answered) AS BIGINT) AS answered,
                       CAST(SUM(failed) AS BIGINT) AS failed
                   FROM status_calls WHERE hour >= $1 GROUP BY family, (hour / 86400000) * 86400000";
        history.days = calls(db, sql, oldest).await?;
        history.first_bytes = first_bytes(db, now).await?;
        Ok(history)
    }

    /// Minutes up and down. Minutes that nobody wrote down are down, from the first that somebody did.
    pub fn part(&self, part: Part, now: UnixMs) -> Bars {
        let share = |hour: UnixMs| -> Share {
            let Some(since) = self.since.filter(|since| *since <= hour) else {
                return Share::default();
            };
            let bits = self.minutes.get(&(part, hour)).copied().unwrap_or_default();
            let up = bits.up.unsigned_abs();
            // The minute that is running is only counted when it was seen.
            let over = (now - hour).div_euclid(MINUTE_MS).clamp(0, 60);
            let mut expected = ones(over);
            if hour == since {
                // The first hour begins with the first minute somebody wrote.
                let seen = up | bits.down.unsigned_abs();
                expected &= !ones(i64::from(seen.trailing_zeros().min(60)));
            }
            let asked = expected | up | bits.down.unsigned_abs();
            Share {
                good: u64::from(up.count_ones()),
                bad: u64::from((asked & !up).count_ones()),
            }
        };
        bars(now, share, |day| {
            let hours: Vec<_> = (0..24).map(|n| share(day + n * HOUR_MS)).collect();
            Share::sum(&hours)
        })
    }

    /// Calls answered and failed.
    pub fn family(&self, family: &str, now: UnixMs) -> Bars {
        let of = |sums: &BTreeMap<(String, UnixMs), Share>, at| {
            sums.get(&(family.to_owned(), at))
                .copied()
                .unwrap_or_default()
        };
        bars(now, |hour| of(&self.hours, hour), |day| of(&self.days, day))
    }

    pub fn first_byte(&self, family: &str) -> Option<u64> {
        self.first_bytes.get(family).copied()
    }
}

fn first_hour(now: UnixMs) -> UnixMs {
    hour_of(now) - i64::from(HOURS - 1) * HOUR_MS
}

fn first_day(now: UnixMs) -> UnixMs {
    day_of(now) - i64::from(DAYS - 1) * DAY_MS
}

/// So many ones, from the lowest bit.
fn ones(count: i64) -> u64 {
    (1_u64 << count) - 1
}

fn bars(now: UnixMs, hour: impl Fn(UnixMs) -> Share, day: impl Fn(UnixMs) -> Share) -> Bars {
    let hours = (0..i64::from(HOURS)).map(|n| hour(first_hour(now) + n * HOUR_MS));
    let days = (0..i64::from(DAYS)).map(|n| day(first_day(now) + n * DAY_MS));
    Bars {
        hours: hours.collect(),
        days: days.collect(),
    }
}

async fn calls(
    db: &Db,
    sql: &str,
    from: UnixMs,
) -> Result<BTreeMap<(String, UnixMs), Share>, DbErr> {
    let mut sums = BTreeMap::new();
    for row in all(db.read(), sql, [from.into()]).await? {
        let count = |name: &str| -> Result<u64, DbErr> {
            Ok(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
        };
        let share = Share {
            good: count("answered")?,
            bad: count("failed")?,
        };
        sums.insert((row.try_get("", "family")?, row.try_get("", "at")?), share);
    }
    Ok(sums)
}

/// The middle time of each family, of the last calls of a day.
async fn first_bytes(db: &Db, now: UnixMs) -> Result<BTreeMap<String, u64>, DbErr> {
    let sql = "SELECT model, first_byte_ms FROM call
               WHERE created_at >= $1 AND first_byte_ms IS NOT NULL AND rule <> 'test_key'
               ORDER BY created_at DESC LIMIT $2";
    let mut times: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in all(db.read(), sql, [(now - DAY_MS).into(), TIMES_MAX.into()]).await? {
        let model: Option<String> = row.try_get("", "model")?;
        let Some(model) = model else { continue };
        let time = u64::try_from(row.try_get::<i64>("", "first_byte_ms")?).unwrap_or(0);
        times
            .entry(family(&model).to_owned())
            .or_default()
            .push(time);
    }
    let middle = |mut times: Vec<u64>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    Ok(times
        .into_iter()
        .filter_map(|(family, times)| Some((family, middle(times)?)))
        .collect())
}
