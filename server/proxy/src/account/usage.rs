//! `GET /v1/usage/summary`: what did the workspace use in a range of days, and by what?

use axum::Json;
use axum::extract::{Query, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::{Problem, Scope};
use serde::{Deserialize, Serialize};
use server::calls::{Filter, Group, Range, Tally, UsageQuery, UsageReport};
use texts::format::Zone;

use super::{Money, malformed, unreadable};
use crate::state::ProxyState;
use crate::{admit, refuse};

/// Days of the range when none is named.
const DAYS: i32 = 30;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
    group_by: Option<String>,
    time_zone: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    object: &'static str,
    time_zone: &'static str,
    from: String,
    /// The moment after the last.
    to: String,
    group_by: &'static str,
    total: Used,
    data: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    /// The model's name, the key's id, the day or the status.
    id: String,
    /// What people call the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    used: Used,
}

#[derive(Serialize)]
struct Used {
    calls: u64,
    failed_calls: u64,
    tokens: Tokens,
    cost: Money,
}

#[derive(Serialize)]
struct Tokens {
    input: u64,
    cached_input: u64,
    output: u64,
}

impl From<Tally> for Used {
    fn from(tally: Tally) -> Self {
        Self {
            calls: tally.calls,
            failed_calls: tally.errors,
            tokens: Tokens {
                input: tally.input,
                cached_input: tally.cached_input,
                output: tally.output,
            },
            cost: tally.cost.into(),
        }
    }
}

pub(crate) async fn summary(State(state): State<ProxyState>, parts: Parts) -> Response {
    match answer(&state, &parts).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(state: &ProxyState, parts: &Parts) -> Result<Answer, Problem> {
    let (key, _reading) = admit::reading(state, parts, Scope::BillingRead).await?;
    let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri)
        .map_err(|_| malformed("the query is not well formed", "query"))?;
    let query = read(&asked, key.test, state.clock.now_ms())?;
    let report = state.calls.usage(key.workspace, &query).await;
    let report = report.map_err(|error| unreadable(&error))?;
    let names = match query.group {
        Group::Key => state.calls.key_names(key.workspace).await,
        _ => Ok(std::collections::BTreeMap::new()),
    };
    let names = names.map_err(|error| unreadable(&error))?;
    let data = entries(&query, &report)
        .map(|(id, tally)| Entry {
            name: names.get(&id).map(|key| key.name.clone()),
            id,
            used: tally.into(),
        })
        .collect();
    Ok(Answer {
        object: "usage_summary",
        time_zone: query.zone.name(),
        from: query.zone.iso(report.range.from),
        to: query.zone.iso(report.range.to),
        group_by: query.group.id(),
        total: report.total.into(),
        data,
    })
}

/// Days are told even when nothing was used, oldest first; everything else dearest first.
fn entries<'a>(
    query: &'a UsageQuery,
    report: &'a UsageReport,
) -> Box<dyn Iterator<Item = (String, Tally)> + Send + 'a> {
    if query.group == Group::Day {
        let name = |at| {
            if report.hours {
                query.zone.iso(at)
            } else {
                query.zone.iso_day(at)
            }
        };
        let parts = report.parts.iter();
        return Box::new(parts.map(move |part| (name(part.start), part.tally)));
    }
    let groups = report.groups.iter();
    Box::new(groups.map(|group| (group.id.clone(), group.tally)))
}

fn read(asked: &Asked, test: bool, now: i64) -> Result<UsageQuery, Problem> {
    let zone = match asked.time_zone.as_deref() {
        None => Zone::UTC,
        Some(name) => Zone::named(name).ok_or_else(|| {
            malformed(
                "time_zone must be a name like Europe/Berlin or UTC",
                "time_zone",
            )
        })?,
    };
    let group = match asked.group_by.as_deref() {
        None => Group::default(),
        Some(id) => Group::from_id(id)
            .ok_or_else(|| malformed("group_by must be model, key, day or status", "group_by"))?,
    };
    let day = |text: &Option<String>, param: &'static str| {
        let read = text.as_deref().map(|text| {
            zone.parse_day(text)
                .ok_or_else(|| malformed("from and to must be days like 2026-11-21", param))
        });
        read.transpose()
    };
    let (from, to) = (day(&asked.from, "from")?, day(&asked.to, "to")?);
    let last = to.unwrap_or_else(|| zone.day_start(now).max(from.unwrap_or(i64::MIN)));
    let first = from.unwrap_or_else(|| zone.plus_days(last, 1 - DAYS));
    let range = Range::days(zone, first, last).ok_or_else(|| {
        malformed(
            "from must not lie after to, and a range has at most 366 days",
            "from",
        )
    })?;
    Ok(UsageQuery {
        range,
        group,
        zone,
        filter: Filter {
            test: Some(test),
            ..Filter::default()
        },
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// 2026-11-21 15:04 UTC.
    const NOW: i64 = 1_795_273_440_000;

    fn asked(from: &str, to: &str, zone: &str, group: &str) -> Asked {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Asked {
            from: given(from),
            to: given(to),
            group_by: given(group),
            time_zone: given(zone),
        }
    }

    #[test]
    fn ranges_are_whole_days_of_the_zone() {
        for (from, to, zone, begins, ends) in [
            ("", "", "", "2026-10-23T00:00:00Z", "2026-11-22T00:00:00Z"),
            (
                "",
                "",
                "Pacific/Kiritimati",
                "2026-10-24T00:00:00+14:00",
                "2026-11-23T00:00:00+14:00",
            ),
            (
                "2026-10-25",
                "2026-10-25",
                "Europe/Berlin",
                "2026-10-25T00:00:00+02:00",
                "2026-10-26T00:00:00+01:00",
            ),
            (
                "2026-11-20",
                "",
                "Etc/GMT+12",
                "2026-11-20T00:00:00-12:00",
                "2026-11-22T00:00:00-12:00",
            ),
            (
                "",
                "2026-01-30",
                "",
                "2026-01-01T00:00:00Z",
                "2026-01-31T00:00:00Z",
            ),
        ] {
            let query = read(&asked(from, to, zone, ""), false, NOW).unwrap();
            let shown = (
                query.zone.iso(query.range.from),
                query.zone.iso(query.range.to),
            );
            assert_eq!(
                shown,
                (begins.to_owned(), ends.to_owned()),
                "{from} {to} {zone}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (wrong, param) in [
            (asked("x", "", "", ""), "from"),
            (asked("", "2026-13-01", "", ""), "to"),
            (asked("2026-11-21", "2026-11-20", "", ""), "from"),
            (asked("2020-01-01", "2026-01-01", "", ""), "from"),
            (asked("", "", "Mars/Olympus", ""), "time_zone"),
            (asked("", "", "", "colour"), "group_by"),
        ] {
            match read(&wrong, false, NOW) {
                Err(Problem::InvalidBody { param: named, .. }) => assert_eq!(named, Some(param)),
                other => unreachable!("{other:?}"),
            }
        }
    }
}
