//! Which part of the usage does this address show? The address is the whole state: it can be kept, sent and gone back to.

use std::fmt::Write;

use domain::Ending;
use domain::ids::{CallId, KeyId};
use domain::views::UnixMs;
use serde::Deserialize;
use server::calls::{Filter, Group, Range, UsageQuery};
use texts::format::Zone;

use crate::pages::query_of;

/// How long ago the range begins, or which days it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Span {
    Hours24,
    #[default]
    Days7,
    Days30,
    Days90,
    /// The first and the last day: moments at which they begin.
    Between(UnixMs, UnixMs),
}

impl Span {
    pub const PRESETS: [Self; 4] = [Self::Hours24, Self::Days7, Self::Days30, Self::Days90];

    /// As the address has it.
    pub fn id(self, zone: Zone) -> String {
        match self {
            Self::Hours24 => "24h".to_owned(),
            Self::Days7 => "7d".to_owned(),
            Self::Days30 => "30d".to_owned(),
            Self::Days90 => "90d".to_owned(),
            Self::Between(first, last) => {
                format!("{}..{}", zone.iso_day(first), zone.iso_day(last))
            }
        }
    }

    fn parse(text: &str, zone: Zone) -> Option<Self> {
        let preset = Self::PRESETS.into_iter().find(|span| span.id(zone) == text);
        preset.or_else(|| {
            let (first, last) = text.split_once("..")?;
            Self::between(first, last, zone)
        })
    }

    fn between(first: &str, last: &str, zone: Zone) -> Option<Self> {
        let (first, last) = (zone.parse_day(first)?, zone.parse_day(last)?);
        Range::days(zone, first, last).map(|_| Self::Between(first, last))
    }
}

/// What the reader looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub zone: Zone,
    pub span: Span,
    pub range: Range,
    pub group: Group,
    pub model: Option<String>,
    pub key: Option<KeyId>,
    pub ending: Option<Ending>,
    pub before: Option<CallId>,
    /// Dates were given that are no range.
    pub wrong_dates: bool,
}

/// What an address led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    Shown(Box<Query>),
    /// A form sent its dates: the same view at its own address.
    Elsewhere(Box<Query>),
    /// A key or call that cannot be one.
    Nothing,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    range: String,
    from: String,
    to: String,
    group: String,
    model: String,
    key: String,
    status: String,
    before: String,
}

impl Query {
    /// Reads `asked`, an address with its query.
    pub fn read(asked: &str, zone: Zone, now: UnixMs) -> Asked {
        let raw: Raw = query_of(asked);
        let (Ok(key), Ok(before), Ok(ending)) = (
            optional(&raw.key, |text| text.parse().ok()),
            optional(&raw.before, |text| text.parse().ok()),
            optional(&raw.status, Ending::from_id),
        ) else {
            return Asked::Nothing;
        };
        let dates = !raw.from.is_empty() || !raw.to.is_empty();
        let span = if dates {
            // One date alone is that day.
            let first = if raw.from.is_empty() {
                &raw.to
            } else {
                &raw.from
            };
            let last = if raw.to.is_empty() {
                &raw.from
            } else {
                &raw.to
            };
            Span::between(first, last, zone)
        } else if raw.range.is_empty() {
            Some(Span::default())
        } else {
            Span::parse(&raw.range, zone)
        };
        let query = Self {
            zone,
            span: Span::default(),
            range: range(Span::default(), zone, now),
            group: Group::from_id(&raw.group).unwrap_or_default(),
            model: Some(raw.model).filter(|model| !model.is_empty()),
            key,
            ending,
            before,
            wrong_dates: span.is_none(),
        };
        match span {
            Some(span) if dates => Asked::Elsewhere(Box::new(query.over(span, now))),
            // Another range begins with its newest call; the one that was asked for stays where it was asked.
            Some(span) => Asked::Shown(Box::new(Self {
                before,
                ..query.over(span, now)
            })),
            None => Asked::Shown(Box::new(query)),
        }
    }

    /// The same over another range.
    pub fn over(&self, span: Span, now: UnixMs) -> Self {
        Self {
            span,
            range: range(span, self.zone, now),
            before: None,
            wrong_dates: false,
            ..self.clone()
        }
    }

    /// One day of it.
    pub fn day(&self, at: UnixMs) -> Self {
        let day = self.zone.day_start(at);
        self.over(Span::Between(day, day), day)
    }

    pub fn is_filtered(&self) -> bool {
        self.model.is_some() || self.key.is_some() || self.ending.is_some()
    }

    pub fn without_filters(&self) -> Self {
        Self {
            model: None,
            key: None,
            ending: None,
            before: None,
            ..self.clone()
        }
    }

    /// Only one group of it: a model, key or status.
    pub fn only(&self, id: &str) -> Self {
        let mut query = self.clone();
        match self.group {
            Group::Model => query.model = Some(id.to_owned()),
            Group::Key => query.key = id.parse().ok(),
            Group::Status => query.ending = Ending::from_id(id),
            Group::Day => {}
        }
        query
    }

    pub fn filter(&self) -> Filter {
        Filter {
            range: Some(self.range),
            model: self.model.clone(),
            key: self.key,
            ending: self.ending,
            test: None,
        }
    }

    pub fn report(&self) -> UsageQuery {
        UsageQuery {
            range: self.range,
            group: self.group,
            zone: self.zone,
            filter: self.filter(),
        }
    }

    /// The address of this view at a path. What is as usual is left out.
    pub fn at(&self, path: &str) -> String {
        let mut parts = Vec::new();
        let mut add = |name: &str, value: &str| parts.push(format!("{name}={}", encoded(value)));
        if self.span != Span::default() {
            add("range", &self.span.id(self.zone));
        }
        if self.group != Group::default() {
            add("group", self.group.id());
        }
        if let Some(model) = &self.model {
            add("model", model);
        }
        if let Some(key) = self.key {
            add("key", &key.to_string());
        }
        if let Some(ending) = self.ending {
            add("status", ending.id());
        }
        if let Some(before) = self.before {
            add("before", &before.to_string());
        }
        if parts.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", parts.join("&"))
        }
    }
}

fn range(span: Span, zone: Zone, now: UnixMs) -> Range {
    match span {
        Span::Hours24 => Range::last_24_hours(zone, now),
        Span::Days7 => Range::last_days(zone, now, 7),
        Span::Days30 => Range::last_days(zone, now, 30),
        Span::Days90 => Range::last_days(zone, now, 90),
        Span::Between(first, last) => Range {
            from: first,
            to: zone.next_day(last),
        },
    }
}

/// Nothing for an empty text, an error for one that is no such thing.
fn optional<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ()> {
    if text.is_empty() {
        Ok(None)
    } else {
        read(text).map(Some).ok_or(())
    }
}

/// A value within a query.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// 2026-11-21 15:04 UTC.
    const NOW: UnixMs = 1_795_273_440_000;
    const KEY: &str = "key_0193f0c2000070008000000000000001";

    fn shown(asked: &str, zone: &str) -> Query {
        match Query::read(asked, Zone::named(zone).unwrap(), NOW) {
            Asked::Shown(query) | Asked::Elsewhere(query) => *query,
            Asked::Nothing => unreachable!("{asked}"),
        }
    }

    #[test]
    fn an_address_survives_being_read() {
        for address in [
            "/usage",
            "/usage?range=24h",
            "/usage?range=2026-11-01..2026-11-21&group=key&model=a%26b/c&status=stopped",
            &format!("/usage?range=90d&group=status&key={KEY}&status=finished"),
        ] {
            assert_eq!(shown(address, "Europe/Berlin").at("/usage"), address);
        }
    }

    #[test]
    fn ranges_are_days_of_the_readers_clocks() {
        for (asked, zone, from, to) in [
            (
                "/usage",
                "UTC",
                "2026-11-15T00:00:00Z",
                "2026-11-22T00:00:00Z",
            ),
            (
                "/usage",
                "Pacific/Kiritimati",
                "2026-11-15T10:00:00Z",
                "2026-11-22T10:00:00Z",
            ),
            (
                "/usage",
                "Etc/GMT+12",
                "2026-11-15T12:00:00Z",
                "2026-11-22T12:00:00Z",
            ),
            (
                "/usage?range=24h",
                "Asia/Kathmandu",
                "2026-11-20T15:15:00Z",
                "2026-11-21T15:15:00Z",
            ),
            (
                "/usage?range=30d",
                "Europe/Berlin",
                "2026-10-22T22:00:00Z",
                "2026-11-21T23:00:00Z",
            ),
            (
                "/usage?range=2026-10-25..2026-10-25",
                "Europe/Berlin",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            (
                "/usage?from=2026-03-29&to=",
                "Europe/Berlin",
                "2026-03-28T23:00:00Z",
                "2026-03-29T22:00:00Z",
            ),
        ] {
            let query = shown(asked, zone);
            let shown = (
                Zone::UTC.iso(query.range.from),
                Zone::UTC.iso(query.range.to),
            );
            assert_eq!(
                (shown.0.as_str(), shown.1.as_str()),
                (from, to),
                "{asked} {zone}"
            );
            assert!(!query.wrong_dates);
        }
    }

    #[test]
    fn dates_of_a_form_lead_to_an_address_of_their_own() {
        let asked = Query::read(
            "/usage?range=7d&from=2026-11-01&to=2026-11-03&model=&key=",
            Zone::UTC,
            NOW,
        );
        match asked {
            Asked::Elsewhere(query) => {
                assert_eq!(query.at("/usage"), "/usage?range=2026-11-01..2026-11-03");
            }
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn nonsense_is_a_week_that_says_so_and_foreign_ids_are_nothing() {
        for wrong in [
            "x",
            "2026-11-21..2026-11-01",
            "2020-01-01..2026-01-01",
            "2026-02-30..2026-03-01",
            "-1d",
        ] {
            let query = shown(&format!("/usage?range={wrong}"), "UTC");
            assert!(query.wrong_dates, "{wrong}");
            assert_eq!(query.span, Span::Days7);
        }
        for wrong in [
            "key=1",
            "key=call_0193f0c2000070008000000000000001",
            "before=x",
            "status=200",
        ] {
            let asked = Query::read(&format!("/usage?{wrong}"), Zone::UTC, NOW);
            assert_eq!(asked, Asked::Nothing, "{wrong}");
        }
    }
}
