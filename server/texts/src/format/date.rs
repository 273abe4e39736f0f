//! How are dates and times written? In the language's order, in the Gregorian calendar, in a time zone that is named.

use domain::views::UnixMs;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter as Formatter;
use icu_datetime::NoCalendarFormatter;
use icu_datetime::fieldsets::{MD, T, YMD};
use icu_datetime::input::{DateTime, Time};
use jiff::civil;

use super::zone::Zone;
use crate::Locale;
use crate::format::number::icu;

/// Every locale has these patterns: the compiled-in data falls back to the root's.
const PATTERNS: &str =
    "the compiled-in data has date patterns for every locale, at least the root's";

fn calendar_date(clock: civil::DateTime) -> Date<Gregorian> {
    let part = |number: i8| number.unsigned_abs();
    Date::try_new_gregorian(clock.year().into(), part(clock.month()), part(clock.day()))
        .expect("a zone's clock shows only days that exist")
}

fn calendar_time(clock: civil::DateTime) -> Time {
    let part = |number: i8| number.unsigned_abs();
    Time::try_new(
        part(clock.hour()),
        part(clock.minute()),
        part(clock.second()),
        0,
    )
    .expect("a zone's clock shows only times that exist")
}

/// A day: `Nov 21, 2026`, `21 нояб. 2026 г.`
#[must_use]
pub fn date(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = Formatter::try_new((&icu(locale)).into(), YMD::medium()).expect(PATTERNS);
    formatter.format(&calendar_date(zone.clock(at))).to_string()
}

/// A day of a year that is clear from the place, for charts: `Nov 21`, `21 нояб.`
#[must_use]
pub fn day(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = Formatter::try_new((&icu(locale)).into(), MD::medium()).expect(PATTERNS);
    formatter.format(&calendar_date(zone.clock(at))).to_string()
}

/// A day and a minute with the zone's distance from UTC: `Nov 21, 2026, 3:04 PM UTC`, `21 нояб. 2026 г., 16:04 UTC+1`.
#[must_use]
pub fn date_time(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let clock = zone.clock(at);
    let formatter =
        Formatter::try_new((&icu(locale)).into(), YMD::medium().with_time_hm()).expect(PATTERNS);
    let shown = formatter.format(&DateTime {
        date: calendar_date(clock),
        time: calendar_time(clock),
    });
    format!("{shown}\u{a0}{}", zone.offset_name(at))
}

/// A minute of a day that is clear from the place: `3:04 PM`, `15:04`.
#[must_use]
pub fn time(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = NoCalendarFormatter::try_new((&icu(locale)).into(), T::hm()).expect(PATTERNS);
    formatter.format(&calendar_time(zone.clock(at))).to_string()
}

/// A second of a day that is clear from the place: `3:04:05 PM`, `15:04:05`.
#[must_use]
pub fn time_seconds(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = NoCalendarFormatter::try_new((&icu(locale)).into(), T::hms()).expect(PATTERNS);
    formatter.format(&calendar_time(zone.clock(at))).to_string()
}

/// The moment for machines, as `<time datetime>` wants it: `2026-11-21T15:04:05Z`.
#[must_use]
pub fn iso(at: UnixMs) -> String {
    Zone::UTC.iso(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 15:04:05.678 UTC.
    const AT: UnixMs = 1_795_273_445_678;
    /// 2026-05-18 00:00 UTC.
    const MAY: UnixMs = 1_779_062_400_000;

    #[test]
    fn days_read_as_the_language_writes_them() {
        let table = [
            (
                "en",
                "May 18, 2026",
                "Nov 21",
                "Nov 21, 2026, 3:04\u{202f}PM\u{a0}UTC",
            ),
            (
                "ru",
                "18 мая 2026\u{202f}г.",
                "21 нояб.",
                "21 нояб. 2026\u{202f}г., 15:04\u{a0}UTC",
            ),
            ("de", "18.05.2026", "21. Nov.", "21.11.2026, 15:04\u{a0}UTC"),
            (
                "fr",
                "18 mai 2026",
                "21 nov.",
                "21 nov. 2026, 15:04\u{a0}UTC",
            ),
            (
                "fa",
                "18 مه 2026",
                "21 نوامبر",
                "21 نوامبر 2026، 15:04\u{a0}UTC",
            ),
        ];
        for (code, may, november, minute) in table {
            let locale = Locale::intern(code, code);
            assert_eq!(date(locale, MAY, Zone::UTC), may, "{code}");
            assert_eq!(day(locale, AT, Zone::UTC), november, "{code}");
            assert_eq!(date_time(locale, AT, Zone::UTC), minute, "{code}");
        }
        assert_eq!(iso(AT), "2026-11-21T15:04:05Z");
    }

    #[test]
    fn a_moment_is_another_day_elsewhere() {
        let table = [
            (
                "Pacific/Kiritimati",
                "Nov 22, 2026",
                "5:04\u{202f}AM",
                "UTC+14",
            ),
            (
                "Etc/GMT+12",
                "Nov 21, 2026",
                "3:04\u{202f}AM",
                "UTC\u{2212}12",
            ),
            (
                "Asia/Kathmandu",
                "Nov 21, 2026",
                "8:49\u{202f}PM",
                "UTC+5:45",
            ),
            (
                "America/St_Johns",
                "Nov 21, 2026",
                "11:34\u{202f}AM",
                "UTC\u{2212}3:30",
            ),
            ("Europe/London", "Nov 21, 2026", "3:04\u{202f}PM", "UTC"),
        ];
        for (name, day, clock, offset) in table {
            let zone = Zone::named(name).unwrap_or_default();
            assert_eq!(date(Locale::EN, AT, zone), day, "{name}");
            assert_eq!(time(Locale::EN, AT, zone), clock, "{name}");
            assert_eq!(
                date_time(Locale::EN, AT, zone),
                format!("{day}, {clock}\u{a0}{offset}"),
                "{name}"
            );
        }
        let ru = Locale::intern("ru", "ru");
        let berlin = Zone::named("Europe/Berlin").unwrap_or_default();
        assert_eq!(time_seconds(ru, AT, berlin), "16:04:05");
        assert_eq!(berlin.iso(AT), "2026-11-21T16:04:05+01:00");
    }

    #[test]
    fn days_before_1970_and_beyond_the_calendar_do_not_panic() {
        assert_eq!(date(Locale::EN, -1, Zone::UTC), "Dec 31, 1969");
        assert!(date(Locale::EN, i64::MAX, Zone::UTC).contains("9999"));
        assert!(date_time(Locale::EN, i64::MIN, Zone::UTC).contains("10000"));
    }
}
