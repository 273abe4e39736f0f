//! Into which parts is a range cut? Days or hours as the reader's clocks have them, so that the database can count them.
//!
//! Parts of the same length lie in stretches: a year has one stretch, three around a day on which the clocks change.
//! One CASE with a line per stretch tells the part of a call, and the database sends a row per part instead of a row
//! per call.

use std::fmt::Write;

use domain::views::UnixMs;
use texts::format::Zone;

use super::query::Range;

/// The beginnings of the parts, oldest first, and where the last one ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) starts: Vec<UnixMs>,
    end: UnixMs,
}

impl Parts {
    pub(super) fn of(zone: Zone, range: Range) -> Self {
        let starts = if range.by_hours() {
            zone.hours(range.from, range.to)
        } else {
            zone.days(range.from, range.to)
        };
        Self {
            starts,
            end: range.to,
        }
    }

    /// Days, however short the range is.
    pub(crate) fn days(zone: Zone, range: Range) -> Self {
        Self {
            starts: zone.days(range.from, range.to),
            end: range.to,
        }
    }

    /// The number of a call's part, as SQL over `c.created_at`. What lies before the first counts as the first.
    pub(super) fn sql(&self) -> String {
        self.sql_of("c.created_at")
    }

    /// The same over another column.
    pub(crate) fn sql_of(&self, column: &str) -> String {
        let mut stretches: Vec<Stretch> = Vec::new();
        let ends = self.starts.iter().skip(1).copied().chain([self.end]);
        for (index, (start, end)) in self.starts.iter().copied().zip(ends).enumerate() {
            let length = (end - start).max(1);
            match stretches.last_mut() {
                Some(last) if last.length == length => last.end = end,
                _ => stretches.push(Stretch {
                    start,
                    end,
                    length,
                    index,
                }),
            }
        }
        let mut sql = String::from("CASE");
        for Stretch {
            start,
            end,
            length,
            index,
        } in &stretches
        {
            write!(
                sql,
                " WHEN {column} < {end} THEN {index} + ({column} - {start}) / {length}"
            )
            .expect("writing to a string cannot fail");
        }
        let last = self.starts.len().saturating_sub(1);
        write!(sql, " ELSE {last} END").expect("writing to a string cannot fail");
        sql
    }

    /// The place of a part that the database named.
    pub(crate) fn index(&self, part: i64) -> usize {
        let last = self.starts.len().saturating_sub(1);
        usize::try_from(part).unwrap_or(0).min(last)
    }
}

struct Stretch {
    start: UnixMs,
    end: UnixMs,
    length: i64,
    index: usize,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_year_without_a_change_is_one_line_and_with_two_it_is_five() {
        let of = |name: &str, first: &str, last: &str| {
            let zone = Zone::named(name).unwrap();
            let day = |text| zone.parse_day(text).unwrap();
            Parts::of(zone, Range::days(zone, day(first), day(last)).unwrap())
        };
        let year = of("Asia/Tokyo", "2026-01-01", "2026-12-31");
        assert_eq!(
            (year.starts.len(), year.sql().matches("WHEN").count()),
            (365, 1)
        );
        let year = of("Europe/Berlin", "2026-01-01", "2026-12-31");
        assert_eq!(
            (year.starts.len(), year.sql().matches("WHEN").count()),
            (365, 5)
        );
        let hours = of("Australia/Lord_Howe", "2026-10-04", "2026-10-04");
        assert_eq!(hours.starts.len(), 24);
    }
}
