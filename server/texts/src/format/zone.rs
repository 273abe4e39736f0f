//! Where on the clock is the reader? A time zone by its name, and the days and hours that it has.
//!
//! Days begin at the zone's midnight and have 23 or 25 hours where the clocks change. A zone is a pointer: zones are
//! read once from the database that is compiled in, and never let go (there are some hundreds).

use std::collections::HashMap;
use std::fmt;

use domain::views::UnixMs;
use jiff::civil::{self, DateTime};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp, Zoned};
use parking_lot::Mutex;

/// A time zone, in which moments are shown and days are counted.
#[derive(Clone, Copy)]
pub struct Zone(&'static Known);

struct Known {
    name: &'static str,
    rules: TimeZone,
}

static UTC: Known = Known {
    name: "UTC",
    rules: TimeZone::UTC,
};

/// The longest name that is looked up.
const NAME_MAX: usize = 64;

/// More parts than anybody wants to see of one range.
const PARTS_MAX: usize = 10_000;

impl Zone {
    pub const UTC: Self = Self(&UTC);

    /// The zone with this name of the time zone database (`Europe/Berlin`), whatever its letters' case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        static KNOWN: Mutex<Option<HashMap<String, Zone>>> = Mutex::new(None);
        if name.eq_ignore_ascii_case("utc") {
            return Some(Self::UTC);
        }
        if name.len() > NAME_MAX {
            return None;
        }
        let rules = TimeZone::get(name).ok()?;
        // The database's spelling, so that there are no more entries than zones. "Etc/Unknown" is not a place.
        let name = rules
            .iana_name()
            .filter(|name| *name != "Etc/Unknown")?
            .to_owned();
        let mut known = KNOWN.lock();
        let zone = known
            .get_or_insert_default()
            .entry(name)
            .or_insert_with_key(|name| {
                let name: &'static str = Box::leak(name.clone().into_boxed_str());
                Self(Box::leak(Box::new(Known { name, rules })))
            });
        Some(*zone)
    }

    /// The names to choose from: places, and UTC first.
    #[must_use]
    pub fn names() -> Vec<String> {
        let places = jiff::tz::db().available().map(|name| name.to_string());
        let mut names: Vec<String> = places
            .filter(|name| {
                name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("posix/")
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names.insert(0, Self::UTC.name().to_owned());
        names
    }

    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What clocks there show at this moment; what lies beyond the years ±9999 is their border.
    #[must_use]
    pub(super) fn clock(self, at: UnixMs) -> DateTime {
        self.zoned(at).datetime()
    }

    /// How far those clocks are from UTC, in seconds; eastward is more.
    #[must_use]
    pub fn offset(self, at: UnixMs) -> i32 {
        self.zoned(at).offset().seconds()
    }

    /// The moment at which the day of `at` begins there. Where clocks skip midnight, the first moment after it.
    #[must_use]
    pub fn day_start(self, at: UnixMs) -> UnixMs {
        self.zoned(at)
            .start_of_day()
            .map_or(at, |start| start.timestamp().as_millisecond())
    }

    /// The moment at which the next day begins there.
    #[must_use]
    pub fn next_day(self, at: UnixMs) -> UnixMs {
        self.plus_days(at, 1)
    }

    /// The beginning of the day that lies so many days after the day of `at`.
    #[must_use]
    pub fn plus_days(self, at: UnixMs, days: i32) -> UnixMs {
        let start = self.clock(at).date().checked_add(Span::new().days(days));
        start
            .and_then(|day| day.to_zoned(self.0.rules.clone()))
            .and_then(|midnight| midnight.start_of_day())
            .map_or(at, |start| start.timestamp().as_millisecond())
    }

    /// The beginnings of the days from the one of `from` on, as long as they are before `to`.
    #[must_use]
    pub fn days(self, from: UnixMs, to: UnixMs) -> Vec<UnixMs> {
        parts(self.day_start(from), to, |at| self.next_day(at))
    }

    /// The moment at which the clock's hour of `at` began there.
    #[must_use]
    pub fn hour_start(self, at: UnixMs) -> UnixMs {
        at.saturating_sub(self.into_hour(at))
    }

    /// The moment at which the clock's next hour begins there.
    #[must_use]
    pub fn next_hour(self, at: UnixMs) -> UnixMs {
        at.saturating_add(HOUR - self.into_hour(at))
    }

    fn into_hour(self, at: UnixMs) -> i64 {
        at.saturating_add(i64::from(self.offset(at)) * 1_000)
            .rem_euclid(HOUR)
    }

    /// The beginnings of the clock's hours from the one of `from` on, as long as they are before `to`. An hour in
    /// which the clocks change may be half as long as others, or come twice.
    #[must_use]
    pub fn hours(self, from: UnixMs, to: UnixMs) -> Vec<UnixMs> {
        parts(self.hour_start(from), to, |at| self.next_hour(at))
    }

    /// The beginning of a day written as forms and addresses have it: `2026-11-21`.
    #[must_use]
    pub fn parse_day(self, text: &str) -> Option<UnixMs> {
        // jiff also reads times behind the day.
        let day: civil::Date = (text.len() == 10).then(|| text.parse().ok())??;
        let midnight = day.to_zoned(self.0.rules.clone()).ok()?;
        Some(midnight.start_of_day().ok()?.timestamp().as_millisecond())
    }

    /// The day of a moment, as forms and addresses have it: `2026-11-21`.
    #[must_use]
    pub fn iso_day(self, at: UnixMs) -> String {
        self.clock(at).date().to_string()
    }

    /// The name that stands behind a time: `UTC`, `UTC+1`, `UTC−3:30`. Abbreviations such as CST mean several places.
    #[must_use]
    pub fn offset_name(self, at: UnixMs) -> String {
        let minutes = self.offset(at) / 60;
        let sign = if minutes < 0 { '\u{2212}' } else { '+' };
        match (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
        }
    }

    fn zoned(self, at: UnixMs) -> Zoned {
        let border = if at < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Timestamp::from_millisecond(at)
            .unwrap_or(border)
            .to_zoned(self.0.rules.clone())
    }

    /// The moment for machines with the zone's offset: `2026-11-21T16:04:05+01:00`.
    #[must_use]
    pub fn iso(self, at: UnixMs) -> String {
        let zoned = self.zoned(at);
        let clock = zoned.datetime();
        let offset = if zoned.offset() == Offset::UTC {
            "Z".to_owned()
        } else {
            let minutes = zoned.offset().seconds() / 60;
            let sign = if minutes < 0 { '-' } else { '+' };
            let minutes = minutes.unsigned_abs();
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{offset}",
            clock.year(),
            clock.month(),
            clock.day(),
            clock.hour(),
            clock.minute(),
            clock.second()
        )
    }
}

const HOUR: i64 = 3_600_000;

fn parts(first: UnixMs, to: UnixMs, next: impl Fn(UnixMs) -> UnixMs) -> Vec<UnixMs> {
    let mut starts = Vec::new();
    let mut at = first;
    while at < to && starts.len() < PARTS_MAX {
        starts.push(at);
        let then = next(at);
        // The calendar's border: there is no next one.
        if then <= at {
            break;
        }
        at = then;
    }
    starts
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::named(name).unwrap()
    }

    #[test]
    fn zones_are_known_by_name_and_nothing_else_is() {
        assert_eq!(zone("europe/berlin").name(), "Europe/Berlin");
        assert_eq!(zone("utc"), Zone::UTC);
        assert_eq!(zone("Etc/GMT+12").name(), "Etc/GMT+12");
        for none in [
            "",
            "Mars/Olympus",
            "Etc/Unknown",
            "../../etc/passwd",
            "+02:00",
            "Europe/Berlin ",
        ] {
            assert!(Zone::named(none).is_none(), "{none}");
        }
        assert!(Zone::named(&"x".repeat(10_000)).is_none());
        let names = Zone::names();
        assert_eq!(names[0], "UTC");
        assert!(names.iter().any(|name| name == "Pacific/Kiritimati"));
        assert!(names.iter().all(|name| Zone::named(name).is_some()));
    }

    /// Day, zone, when it begins in UTC, how many quarters of an hour it has, into how many hours it is cut.
    #[test]
    fn days_have_the_hours_that_their_clocks_show() {
        for (name, day, begins, quarters, hours) in [
            ("UTC", "2026-10-25", "2026-10-25T00:00:00Z", 96, 24),
            (
                "Europe/Berlin",
                "2026-10-25",
                "2026-10-24T22:00:00Z",
                100,
                25,
            ),
            (
                "Europe/Berlin",
                "2026-03-29",
                "2026-03-28T23:00:00Z",
                92,
                23,
            ),
            (
                "America/New_York",
                "2026-11-01",
                "2026-11-01T04:00:00Z",
                100,
                25,
            ),
            (
                "America/New_York",
                "2026-03-08",
                "2026-03-08T05:00:00Z",
                92,
                23,
            ),
            (
                "Australia/Lord_Howe",
                "2026-10-04",
                "2026-10-03T13:30:00Z",
                94,
                24,
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-05",
                "2026-04-04T13:00:00Z",
                98,
                25,
            ),
            (
                "Pacific/Kiritimati",
                "2026-11-21",
                "2026-11-20T10:00:00Z",
                96,
                24,
            ),
            ("Etc/GMT+12", "2026-11-21", "2026-11-21T12:00:00Z", 96, 24),
            (
                "Asia/Kathmandu",
                "2026-11-21",
                "2026-11-20T18:15:00Z",
                96,
                24,
            ),
            // Midnight does not happen on this day.
            ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", 92, 23),
        ] {
            let zone = zone(name);
            let start = zone.parse_day(day).unwrap();
            let end = zone.next_day(start);
            assert_eq!(Zone::UTC.iso(start), begins, "{name} {day}");
            assert_eq!((end - start) / 900_000, quarters, "{name} {day}");
            assert_eq!(zone.hours(start, end).len(), hours, "{name} {day}");
            assert_eq!(zone.iso_day(start), day, "{name}");
            assert_eq!(zone.iso_day(end - 1), day, "{name}");
            assert_eq!(zone.day_start(end - 1), start, "{name}");
            assert_eq!(zone.plus_days(end, -1), start, "{name}");
            assert_eq!(zone.days(start, end), [start], "{name}");
            assert_eq!(zone.days(start + 1, end + 1), [start, end], "{name}");
        }
    }

    #[test]
    fn hours_begin_when_the_clock_shows_a_whole_one_or_jumps() {
        let zone = zone("Australia/Lord_Howe");
        let start = zone.parse_day("2026-10-04").unwrap();
        let shown: Vec<String> = zone.hours(start, zone.next_day(start))[..4]
            .iter()
            .map(|at| zone.iso(*at))
            .collect();
        assert_eq!(
            shown,
            [
                "2026-10-04T00:00:00+10:30",
                "2026-10-04T01:00:00+10:30",
                "2026-10-04T02:30:00+11:00",
                "2026-10-04T03:00:00+11:00"
            ]
        );
    }

    #[test]
    fn every_zone_is_a_whole_number_of_quarters_from_utc() {
        // What reports count on when they let the database add up quarters of an hour.
        for name in Zone::names() {
            let zone = zone(&name);
            for month in 0..48 {
                let at = 1_767_225_600_000 + month * 2_629_746_000; // from 2026 on
                assert_eq!(zone.offset(at) % 900, 0, "{name}");
                assert_eq!(zone.day_start(at) % 900_000, 0, "{name}");
            }
        }
    }

    #[test]
    fn days_of_forms_are_days_and_nothing_else() {
        for wrong in [
            "",
            "2026-02-30",
            "2026-11-21T10:00",
            "21.11.2026",
            "-2026-11-2",
            "2026-1-21",
            "99999-01-01",
        ] {
            assert_eq!(Zone::UTC.parse_day(wrong), None, "{wrong}");
        }
        assert_eq!(Zone::UTC.parse_day("1970-01-02"), Some(86_400_000));
    }

    #[test]
    fn the_calendars_border_is_no_trap() {
        for name in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
            let zone = zone(name);
            for at in [i64::MIN, i64::MAX] {
                let _ = (zone.day_start(at), zone.next_day(at), zone.iso(at));
                assert!(zone.days(at, i64::MAX).len() <= PARTS_MAX);
                assert!(zone.hours(at, i64::MAX).len() <= PARTS_MAX);
            }
        }
    }
}
