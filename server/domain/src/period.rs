//! Over which time is a spend limit counted? Days, ISO weeks and calendar months of UTC, or all time.
//!
//! UTC for everybody: a limit that two nodes or two people in two time zones compute differently is no limit.

use serde::{Deserialize, Serialize};

use crate::money::Amount;
use crate::views::UnixMs;

const DAY_MS: i64 = 86_400_000;
/// 1970-01-01 was a Thursday: the week around it began three days earlier.
const MONDAY_BEFORE_EPOCH: i64 = 3;

/// The period of a spend limit, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    Day,
    /// From Monday: the ISO week.
    Week,
    /// The calendar month.
    Month,
    /// All time.
    Total,
}

/// One day, week or month: from `start` until just before `end`. All time begins at 0 and has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub period: Period,
    pub start: UnixMs,
    pub end: Option<UnixMs>,
}

/// What a key has spent in the periods that run now. Calls that run are not in it yet: they count when they end, in the
/// period in which they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySpend {
    pub day: Amount,
    pub week: Amount,
    pub month: Amount,
    pub total: Amount,
    /// When the day's sum begins at zero again, in milliseconds since 1970 UTC.
    pub day_resets_at: UnixMs,
    pub week_resets_at: UnixMs,
    pub month_resets_at: UnixMs,
}

impl Period {
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Total];

    /// The word that rows and programs use.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }

    /// The day, week or month that this moment is in.
    #[must_use]
    pub const fn span(self, at: UnixMs) -> Span {
        let day = at.div_euclid(DAY_MS);
        let (first, after) = match self {
            Self::Day => (day, day + 1),
            Self::Week => {
                let monday = day - (day + MONDAY_BEFORE_EPOCH).rem_euclid(7);
                (monday, monday + 7)
            }
            Self::Month => month_around(day),
            Self::Total => {
                return Span {
                    period: self,
                    start: 0,
                    end: None,
                };
            }
        };
        Span {
            period: self,
            start: first * DAY_MS,
            end: Some(after * DAY_MS),
        }
    }
}

impl KeySpend {
    /// So much in each of the periods around `now`.
    #[must_use]
    pub const fn at(now: UnixMs, day: Amount, week: Amount, month: Amount, total: Amount) -> Self {
        Self {
            day,
            week,
            month,
            total,
            day_resets_at: end_of(Period::Day, now),
            week_resets_at: end_of(Period::Week, now),
            month_resets_at: end_of(Period::Month, now),
        }
    }

    #[must_use]
    pub const fn spent(&self, period: Period) -> Amount {
        match period {
            Period::Day => self.day,
            Period::Week => self.week,
            Period::Month => self.month,
            Period::Total => self.total,
        }
    }

    /// When this period's sum begins at zero again; all time never does.
    #[must_use]
    pub const fn resets_at(&self, period: Period) -> Option<UnixMs> {
        match period {
            Period::Day => Some(self.day_resets_at),
            Period::Week => Some(self.week_resets_at),
            Period::Month => Some(self.month_resets_at),
            Period::Total => None,
        }
    }
}

const fn end_of(period: Period, now: UnixMs) -> UnixMs {
    match period.span(now).end {
        Some(end) => end,
        None => UnixMs::MAX,
    }
}

/// The first day of the month that `day` is in, and of the next one. Days are counted from 1970-01-01.
///
/// Years begin in March here, so that the leap day is the last of its year, and 400 of them are one era of 146,097 days.
const fn month_around(day: i64) -> (i64, i64) {
    let from_march = day + 719_468; // days since 0000-03-01
    let era = from_march.div_euclid(146_097);
    let of_era = from_march.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Months of 31, 30, 31, 30, 31 days: five of them have 153.
    let month = (5 * of_year + 2) / 153;
    let first = day - (of_year - (153 * month + 2) / 5);
    let after = if month < 11 {
        day - of_year + (153 * (month + 1) + 2) / 5
    } else {
        // The month after February begins the next such year.
        let next = year + 1;
        era * 146_097 + 365 * next + next / 4 - next / 100 + next / 400 - 719_468
    };
    (first, after)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;
    use time::{Date, Duration, Month, OffsetDateTime, Weekday};

    use super::*;

    fn at(text: &str) -> UnixMs {
        let format = &time::format_description::well_known::Rfc3339;
        let nanos = OffsetDateTime::parse(text, format)
            .unwrap()
            .unix_timestamp_nanos();
        i64::try_from(nanos / 1_000_000).unwrap()
    }

    #[test]
    fn periods_begin_and_end_in_utc() {
        for (period, moment, start, end) in [
            (
                Period::Day,
                "2026-11-21T23:59:59.999Z",
                "2026-11-21",
                "2026-11-22",
            ),
            (
                Period::Day,
                "2026-11-22T00:00:00Z",
                "2026-11-22",
                "2026-11-23",
            ),
            // Sunday night is still the week that began on Monday; Monday begins the next.
            (
                Period::Week,
                "2026-11-22T23:59:59.999Z",
                "2026-11-16",
                "2026-11-23",
            ),
            (
                Period::Week,
                "2026-11-23T00:00:00Z",
                "2026-11-23",
                "2026-11-30",
            ),
            // The first ISO week of 2027 begins on 4 January; the days before are in week 53 of 2026.
            (
                Period::Week,
                "2027-01-01T12:00:00Z",
                "2026-12-28",
                "2027-01-04",
            ),
            (
                Period::Month,
                "2026-12-31T23:59:59.999Z",
                "2026-12-01",
                "2027-01-01",
            ),
            (
                Period::Month,
                "2027-01-01T00:00:00Z",
                "2027-01-01",
                "2027-02-01",
            ),
            (
                Period::Month,
                "2027-02-10T00:00:00Z",
                "2027-02-01",
                "2027-03-01",
            ),
            (
                Period::Month,
                "2028-02-29T23:00:00Z",
                "2028-02-01",
                "2028-03-01",
            ),
            // Divisible by 100 is no leap year, by 400 is one.
            (
                Period::Month,
                "2100-02-28T23:59:59Z",
                "2100-02-01",
                "2100-03-01",
            ),
            (
                Period::Month,
                "2000-02-29T00:00:00Z",
                "2000-02-01",
                "2000-03-01",
            ),
            (
                Period::Month,
                "1969-12-31T23:59:59Z",
                "1969-12-01",
                "1970-01-01",
            ),
        ] {
            let midnight = |day: &str| at(&format!("{day}T00:00:00Z"));
            let span = period.span(at(moment));
            assert_eq!(
                (span.start, span.end),
                (midnight(start), Some(midnight(end))),
                "{period:?} around {moment}"
            );
        }
        let ever = Period::Total.span(at("2026-11-21T23:59:59Z"));
        assert_eq!((ever.start, ever.end), (0, None));
    }

    /// The same questions to the `time` crate.
    fn by_calendar(period: Period, date: Date) -> (Date, Date) {
        match period {
            Period::Day => (date, date + Duration::days(1)),
            Period::Week => {
                let monday = if date.weekday() == Weekday::Monday {
                    date
                } else {
                    date.prev_occurrence(Weekday::Monday)
                };
                (monday, monday + Duration::days(7))
            }
            _ => {
                let first = date.replace_day(1).unwrap();
                let next = first + Duration::days(32);
                (first, next.replace_day(1).unwrap())
            }
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_where_a_calendar_says(at in -50_000_000_000_000_i64..200_000_000_000_000) {
            let epoch = Date::from_calendar_date(1970, Month::January, 1).unwrap();
            let date = epoch + Duration::days(at.div_euclid(DAY_MS));
            for period in [Period::Day, Period::Week, Period::Month] {
                let span = period.span(at);
                let ms = |date: Date| (date - epoch).whole_days() * DAY_MS;
                let (first, after) = by_calendar(period, date);
                prop_assert_eq!((span.start, span.end), (ms(first), Some(ms(after))), "{:?}", period);
                // Every moment is in exactly one: the first and the last one agree, the next begins the next.
                let last = ms(after) - 1;
                prop_assert_eq!(period.span(span.start), span);
                prop_assert_eq!(period.span(last), span);
                prop_assert_eq!(period.span(last + 1).start, ms(after));
            }
        }
    }
}
