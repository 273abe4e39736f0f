//! Which days does this statement cover? The address is the whole state: it can be kept, sent and gone back to.

use domain::views::UnixMs;
use serde::Deserialize;
use server::calls::Range;
use server::statement::Place;
use texts::format::Zone;

use crate::pages::query_of;

/// Which days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Period {
    #[default]
    ThisMonth,
    LastMonth,
    Days30,
    Year,
    /// The first and the last day: moments at which they begin.
    Between(UnixMs, UnixMs),
}

impl Period {
    pub const PRESETS: [Self; 4] = [Self::ThisMonth, Self::LastMonth, Self::Days30, Self::Year];

    /// As the address has it; other days are there by their dates.
    const fn id(self) -> &'static str {
        match self {
            Self::ThisMonth | Self::Between(..) => "this-month",
            Self::LastMonth => "last-month",
            Self::Days30 => "30d",
            Self::Year => "year",
        }
    }

    /// Whole days as the reader's clocks have them.
    pub fn range(self, zone: Zone, now: UnixMs) -> Range {
        let month = month_start(zone, now);
        let (from, to) = match self {
            Self::ThisMonth => (month, month_start(zone, zone.plus_days(month, 31))),
            Self::LastMonth => (month_start(zone, zone.plus_days(month, -1)), month),
            Self::Days30 => (zone.plus_days(now, -29), zone.next_day(now)),
            Self::Year => {
                let first = year_start(zone, now);
                (first, year_start(zone, zone.plus_days(first, 366)))
            }
            Self::Between(first, last) => (first, zone.next_day(last)),
        };
        Range { from, to }
    }
}

/// The beginning of the month of a moment.
pub fn month_start(zone: Zone, at: UnixMs) -> UnixMs {
    let day = zone.iso_day(at);
    let first = day.rsplit_once('-').map(|(month, _)| format!("{month}-01"));
    first
        .and_then(|first| zone.parse_day(&first))
        .unwrap_or_else(|| zone.day_start(at))
}

fn year_start(zone: Zone, at: UnixMs) -> UnixMs {
    let day = zone.iso_day(at);
    let first = day.split_once('-').map(|(year, _)| format!("{year}-01-01"));
    first
        .and_then(|first| zone.parse_day(&first))
        .unwrap_or_else(|| zone.day_start(at))
}

/// What the reader looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    pub zone: Zone,
    pub period: Period,
    pub range: Range,
    /// The lines behind this one.
    pub after: Option<Place>,
    /// Every call of the period is wanted as well; only files have them.
    pub calls: bool,
    /// Dates were given that are no period.
    pub wrong_dates: bool,
    /// A PDF was asked for that would have too many pages.
    pub too_long: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    period: String,
    from: String,
    to: String,
    after: String,
    detail: String,
    too_long: String,
}

impl Query {
    /// Reads `asked`, an address with its query; `None` when it names a line that cannot be one.
    pub fn read(asked: &str, zone: Zone, now: UnixMs) -> Option<Self> {
        let raw: Raw = query_of(asked);
        let after = match raw.after.as_str() {
            "" => None,
            place => Some(Place::parse(place)?),
        };
        let dates = !raw.from.is_empty() || !raw.to.is_empty();
        let period = if dates {
            between(&raw.from, &raw.to, zone)
        } else if raw.period.is_empty() {
            Some(Period::default())
        } else {
            let mut presets = Period::PRESETS.into_iter();
            presets.find(|period| period.id() == raw.period)
        };
        let shown = period.unwrap_or_default();
        Some(Self {
            zone,
            period: shown,
            range: shown.range(zone, now),
            after: after.filter(|_| period.is_some()),
            calls: raw.detail == "calls",
            wrong_dates: period.is_none(),
            too_long: !raw.too_long.is_empty(),
        })
    }

    /// The first and the last day: `2026-11-01`, `2026-11-30`.
    pub fn days(&self) -> (String, String) {
        (
            self.zone.iso_day(self.range.from),
            self.zone.iso_day(self.range.to - 1),
        )
    }

    /// The address of a period.
    pub fn preset(period: Period) -> String {
        match period {
            Period::ThisMonth => super::PATH.to_owned(),
            other => format!("{}?period={}", super::PATH, other.id()),
        }
    }

    /// The address of these days behind a line.
    pub fn behind(&self, place: Place) -> String {
        format!("{}&after={place}", self.dated(super::PATH))
    }

    /// The address of these days at a path: the same whenever it is opened.
    pub fn dated(&self, path: &str) -> String {
        let (from, to) = self.days();
        format!("{path}?from={from}&to={to}")
    }
}

/// Days of a form; one date alone is that day.
fn between(from: &str, to: &str, zone: Zone) -> Option<Period> {
    let first = if from.is_empty() { to } else { from };
    let last = if to.is_empty() { from } else { to };
    let (first, last) = (zone.parse_day(first)?, zone.parse_day(last)?);
    Range::days(zone, first, last).map(|_| Period::Between(first, last))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// 2026-11-21 15:04 UTC.
    const NOW: UnixMs = 1_795_273_440_000;

    fn read(query: &str, zone: &str) -> Query {
        let asked = format!("/wallet/statement{query}");
        Query::read(&asked, Zone::named(zone).unwrap(), NOW).unwrap()
    }

    #[test]
    fn periods_are_days_of_the_readers_clocks() {
        #[rustfmt::skip]
        let table = [
            ("", "UTC", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("?period=this-month", "Europe/Berlin", "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
            // With the day on which the clocks are set back.
            ("?period=last-month", "Europe/Berlin", "2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
            ("?period=30d", "UTC", "2026-10-23T00:00:00Z", "2026-11-22T00:00:00Z"),
            ("?period=year", "Pacific/Kiritimati", "2025-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
            ("?from=2026-02-01&to=2026-02-28", "America/New_York", "2026-02-01T05:00:00Z", "2026-03-01T05:00:00Z"),
            ("?from=2026-03-29&to=", "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ];
        for (query, zone, from, to) in table {
            let range = read(query, zone).range;
            let shown = (Zone::UTC.iso(range.from), Zone::UTC.iso(range.to));
            assert_eq!(shown, (from.to_owned(), to.to_owned()), "{query} {zone}");
        }
    }

    #[test]
    fn dated_addresses_are_read_as_they_are_written() {
        let query = read("?period=last-month&detail=calls", "Asia/Tokyo");
        assert!(query.calls);
        let again = read(query.dated("").as_str(), "Asia/Tokyo");
        assert_eq!(again.range, query.range);
        let place = Place::parse("1795273440000.17").unwrap();
        let behind = query.behind(place);
        let behind = behind.strip_prefix("/wallet/statement").unwrap();
        assert_eq!(read(behind, "Asia/Tokyo").after, Some(place));
    }

    #[test]
    fn nonsense_is_this_month_and_says_so_and_no_line_is_nothing() {
        for wrong in [
            "?period=x",
            "?from=2026-11-21&to=2026-11-01",
            "?from=2020-01-01&to=2026-01-01",
            "?from=2026-02-30",
            "?to=1",
        ] {
            let query = read(wrong, "UTC");
            assert!(query.wrong_dates, "{wrong}");
            assert_eq!(query.period, Period::ThisMonth, "{wrong}");
        }
        let asked = "/wallet/statement?after=x";
        assert_eq!(Query::read(asked, Zone::UTC, NOW), None);
    }
}
