//! How are dates and times written? In the language's order, in the Gregorian calendar, in a time zone that is named.

use domain::views::UnixMs;
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter as Formatter;
use icu_datetime::fieldsets::{MD, YMD};
use icu_datetime::input::{DateTime, Time};
use time::OffsetDateTime;

use crate::Locale;
use crate::format::number::icu;

/// The time zone in which a moment is shown. Accounts choose theirs in a later issue; until then days are UTC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Zone {
    #[default]
    Utc,
}

/// Every locale has these patterns: the compiled-in data falls back to the root's.
const PATTERNS: &str =
    "the compiled-in data has date patterns for every locale, at least the root's";

/// The calendar's view of a moment; what lies beyond the years ±9999 is shown as their border.
fn moment(at: UnixMs, zone: Zone) -> OffsetDateTime {
    let Zone::Utc = zone;
    let border = if at < 0 {
        time::PrimitiveDateTime::MIN
    } else {
        time::PrimitiveDateTime::MAX
    };
    OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000)).unwrap_or(border.assume_utc())
}

fn calendar_date(moment: OffsetDateTime) -> Date<Gregorian> {
    Date::try_new_gregorian(moment.year(), moment.month().into(), moment.day())
        .expect("the time crate gives only days that exist")
}

/// A day: `Nov 21, 2026`, `21 нояб. 2026 г.`
#[must_use]
pub fn date(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = Formatter::try_new((&icu(locale)).into(), YMD::medium()).expect(PATTERNS);
    formatter
        .format(&calendar_date(moment(at, zone)))
        .to_string()
}

/// A day of a year that is clear from the place, for charts: `Nov 21`, `21 нояб.`
#[must_use]
pub fn day(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let formatter = Formatter::try_new((&icu(locale)).into(), MD::medium()).expect(PATTERNS);
    formatter
        .format(&calendar_date(moment(at, zone)))
        .to_string()
}

/// A day and a minute with the name of the zone: `Nov 21, 2026, 3:04 PM UTC`.
#[must_use]
pub fn date_time(locale: Locale, at: UnixMs, zone: Zone) -> String {
    let moment = moment(at, zone);
    let formatter =
        Formatter::try_new((&icu(locale)).into(), YMD::medium().with_time_hm()).expect(PATTERNS);
    let time = Time::try_new(moment.hour(), moment.minute(), moment.second(), 0)
        .expect("the time crate gives only times that exist");
    format!(
        "{}\u{a0}UTC",
        formatter.format(&DateTime {
            date: calendar_date(moment),
            time
        })
    )
}

/// The moment for machines, as `<time datetime>` wants it: `2026-11-21T15:04:05Z`.
#[must_use]
pub fn iso(at: UnixMs) -> String {
    let m = moment(at, Zone::Utc);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        m.year(),
        u8::from(m.month()),
        m.day(),
        m.hour(),
        m.minute(),
        m.second()
    )
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
            assert_eq!(date(locale, MAY, Zone::Utc), may, "{code}");
            assert_eq!(day(locale, AT, Zone::Utc), november, "{code}");
            assert_eq!(date_time(locale, AT, Zone::Utc), minute, "{code}");
        }
        assert_eq!(iso(AT), "2026-11-21T15:04:05Z");
    }

    #[test]
    fn days_before_1970_and_beyond_the_calendar_do_not_panic() {
        assert_eq!(date(Locale::EN, -1, Zone::Utc), "Dec 31, 1969");
        assert!(date(Locale::EN, i64::MAX, Zone::Utc).contains("9999"));
        assert!(date_time(Locale::EN, i64::MIN, Zone::Utc).contains("10000"));
    }
}
