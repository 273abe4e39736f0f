//! Facts about reports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::ids::{CallId, KeyId, WorkspaceId};
use domain::views::{DaySpend, ModelSpend};
use domain::{Amount, Ending};
use texts::format::Zone;

use super::{Calls, Filter, Group, Range, UsageQuery};
use crate::clock::Clock;
use crate::db::{Db, exec};
use crate::ids::NewId;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
/// Noon of some day, UTC.
const NOW: i64 = 20_000 * DAY + DAY / 2;

async fn add(db: &Db, workspace: WorkspaceId, id: &str, model: &str, at: i64, nanos: i64) {
    let sql = "INSERT INTO call (id, workspace_id, key_id, model, price_id, ending, rule, http_status, streamed, input, cached_input,
        output, reasoning, charge_nusd, duration_ms, created_at)
        VALUES ($1, $2, 'k', $3, 'p', 'finished', 'reported', 200, 0, 3, 2, 1, 0, $4, 5, $5)";
    exec(
        db.write(),
        sql,
        [
            id.into(),
            workspace.to_string().into(),
            model.into(),
            nanos.into(),
            at.into(),
        ],
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn spend_is_counted_per_day_and_model_and_only_of_the_own_workspace() {
    let db = crate::testing::db().await;
    let (mine, other) = (WorkspaceId::new(), WorkspaceId::new());
    let midnight = NOW - DAY / 2;
    add(&db, mine, "a", "big", NOW, 500).await;
    add(&db, mine, "b", "small", midnight, 20).await;
    add(&db, mine, "c", "small", midnight - 1, 7).await;
    add(&db, mine, "d", "big", midnight - 6 * DAY, 3).await;
    add(&db, mine, "e", "big", midnight - 7 * DAY, 1_000).await;
    add(&db, mine, "f", "big", midnight - 30 * DAY, 9_999).await;
    add(&db, other, "g", "big", NOW, 77).await;
    let spend = Calls::new(db.db.clone(), Clock::fixed(NOW))
        .spend(mine, Zone::UTC)
        .await
        .unwrap();
    let nanos = |amount: Amount| amount.nanos();
    assert_eq!(
        (
            nanos(spend.today),
            nanos(spend.last_7_days),
            nanos(spend.last_30_days)
        ),
        (520, 530, 1_530)
    );
    assert_eq!((spend.calls_today, spend.tokens_today), (2, 12));
    assert_eq!(spend.days.len(), 30);
    assert_eq!(
        (spend.days[28].amount.nanos(), spend.days[28].calls),
        (7, 1)
    );
    assert_eq!(
        spend
            .models
            .iter()
            .map(|model| model.model.as_str())
            .collect::<Vec<_>>(),
        ["big", "small"]
    );
    assert_eq!(spend.models[0].by_day[29].nanos(), 500);
}

/// Days and models of the last 30 days, from one question over the whole range.
async fn at_one_go(
    calls: &Calls,
    workspace: WorkspaceId,
    zone: Zone,
    now: i64,
) -> (Vec<DaySpend>, Vec<ModelSpend>) {
    let query = UsageQuery {
        range: Range::last_days(zone, now, 30),
        group: Group::Model,
        zone,
        filter: Filter::default(),
    };
    let report = calls.usage(workspace, &query).await.unwrap();
    let days = report.parts.iter().map(|part| DaySpend {
        day_start: part.start,
        amount: part.tally.cost,
        calls: part.tally.calls,
        tokens: part.tally.tokens(),
    });
    let models = report.groups.iter().map(|group| ModelSpend {
        model: group.id.clone(),
        by_day: group.by_part.iter().map(|tally| tally.cost).collect(),
        amount: group.tally.cost,
    });
    (days.collect(), models.collect())
}

#[tokio::test]
async fn spend_is_that_of_one_question_however_often_it_is_asked() {
    let db = crate::testing::db().await;
    for zone in ["UTC", "Asia/Kathmandu", "Etc/GMT+12"].map(named) {
        let (mine, clock) = (WorkspaceId::new(), Clock::fixed(NOW));
        let calls = Calls::new(db.db.clone(), clock.clone());
        let day: i64 = 24 * 60;
        let minutes = [
            0,
            1,
            59,
            60,
            61,
            74,
            75,
            76,
            day / 2,
            day,
            7 * day,
            29 * day,
        ];
        for (at, ago) in minutes.into_iter().enumerate() {
            let (id, model) = (format!("{zone:?} {at}"), ["big", "small", "odd"][at % 3]);
            add(&db, mine, &id, model, NOW - ago * MINUTE, 1 << at).await;
        }
        // Within a quarter of an hour, at its end, by an hour, and past every zone's midnight.
        for (step, ahead) in [0, 14, 1, 60, 13 * 60, day].into_iter().enumerate() {
            clock.advance(ahead * MINUTE);
            let now = clock.now_ms();
            for added in [false, true] {
                if added {
                    let id = format!("{zone:?} added {step}");
                    add(&db, mine, &id, "small", now, 1 << (20 + step)).await;
                }
                let spend = calls.spend(mine, zone).await.unwrap();
                assert_eq!(
                    (spend.days, spend.models),
                    at_one_go(&calls, mine, zone, now).await,
                    "{zone:?} {step} {added}"
                );
            }
        }
    }
}

#[tokio::test]
async fn asking_again_reads_the_last_hour_only() {
    let db = crate::testing::db().await;
    let (mine, other, clock) = (WorkspaceId::new(), WorkspaceId::new(), Clock::fixed(NOW));
    let calls = Calls::new(db.db.clone(), clock.clone());
    let today = async |workspace: WorkspaceId| {
        let spend = calls.spend(workspace, Zone::UTC).await.unwrap();
        spend.today.nanos()
    };
    add(&db, mine, "old", "m", NOW - 120 * MINUTE, 1).await;
    assert_eq!((today(mine).await, today(other).await), (1, 0));
    // No call is written that late: it shows what is read.
    add(&db, mine, "late", "m", NOW - 120 * MINUTE, 20).await;
    add(&db, mine, "new", "m", NOW - 60 * MINUTE, 300).await;
    assert_eq!((today(mine).await, today(other).await), (301, 0));
    clock.advance(15 * MINUTE);
    assert_eq!(today(mine).await, 321, "the boundary moved");
}

#[tokio::test]
async fn the_newest_call_comes_first() {
    let db = crate::testing::db().await;
    let mine = WorkspaceId::new();
    add(&db, mine, "old", "m", NOW - 5, 1).await;
    add(&db, mine, "new", "m", NOW, 2).await;
    exec(
        db.write(),
        "INSERT INTO attempt VALUES ('new', 0, 'up_x', 'answered', 200, 4)",
        [],
    )
    .await
    .unwrap();
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let rows = calls.list(mine, 10).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["new", "old"]
    );
    assert_eq!(rows[0].attempts[0].upstream, "up_x");
    assert_eq!(calls.list(mine, 1).await.unwrap().len(), 1);
}

/// A call of a model and key with an ending, at a moment written as text.
struct One<'a> {
    id: CallId,
    model: &'a str,
    key: KeyId,
    ending: &'a str,
    at: &'a str,
    nanos: i64,
}

async fn add_one(db: &Db, workspace: WorkspaceId, one: &One<'_>) {
    let sql = "INSERT INTO call (id, workspace_id, key_id, model, price_id, ending, rule, http_status, streamed, input, cached_input,
        output, reasoning, charge_nusd, duration_ms, created_at)
        VALUES ($1, $2, $3, $4, 'p', $5, 'reported', 200, 0, 3, 2, 1, 0, $6, 5, $7)";
    let at: jiff::Timestamp = one.at.parse().unwrap();
    exec(
        db.write(),
        sql,
        [
            one.id.to_string().into(),
            workspace.to_string().into(),
            one.key.to_string().into(),
            one.model.into(),
            one.ending.into(),
            one.nanos.into(),
            at.as_millisecond().into(),
        ],
    )
    .await
    .unwrap();
}

fn named(zone: &str) -> Zone {
    Zone::named(zone).unwrap()
}

fn between(zone: Zone, first: &str, last: &str) -> Range {
    let day = |text| zone.parse_day(text).unwrap();
    Range::days(zone, day(first), day(last)).unwrap()
}

#[tokio::test]
async fn a_call_counts_in_the_day_and_hour_that_the_readers_clock_showed() {
    let db = crate::testing::db().await;
    let (mine, key) = (WorkspaceId::new(), KeyId::new());
    // (the moment of a call, the zone, the day it belongs to, its hour there)
    let table = [
        (
            "2026-11-21T15:04:05Z",
            "UTC",
            "2026-11-21",
            "2026-11-21T15:00:00Z",
        ),
        (
            "2026-11-21T15:04:05Z",
            "Pacific/Kiritimati",
            "2026-11-22",
            "2026-11-22T05:00:00+14:00",
        ),
        (
            "2026-11-21T11:59:59Z",
            "Etc/GMT+12",
            "2026-11-20",
            "2026-11-20T23:00:00-12:00",
        ),
        (
            "2026-11-21T12:00:00Z",
            "Etc/GMT+12",
            "2026-11-21",
            "2026-11-21T00:00:00-12:00",
        ),
        // The clocks of Berlin show two o'clock twice, and on another day not at all.
        (
            "2026-10-25T00:30:00Z",
            "Europe/Berlin",
            "2026-10-25",
            "2026-10-25T02:00:00+02:00",
        ),
        (
            "2026-10-25T01:30:00Z",
            "Europe/Berlin",
            "2026-10-25",
            "2026-10-25T02:00:00+01:00",
        ),
        (
            "2026-10-25T22:59:59Z",
            "Europe/Berlin",
            "2026-10-25",
            "2026-10-25T23:00:00+01:00",
        ),
        (
            "2026-10-25T23:00:00Z",
            "Europe/Berlin",
            "2026-10-26",
            "2026-10-26T00:00:00+01:00",
        ),
        (
            "2026-03-29T01:00:00Z",
            "Europe/Berlin",
            "2026-03-29",
            "2026-03-29T03:00:00+02:00",
        ),
        (
            "2026-11-01T05:30:00Z",
            "America/New_York",
            "2026-11-01",
            "2026-11-01T01:00:00-04:00",
        ),
        (
            "2026-11-01T06:30:00Z",
            "America/New_York",
            "2026-11-01",
            "2026-11-01T01:00:00-05:00",
        ),
        // Half an hour of change.
        (
            "2026-10-03T15:45:00Z",
            "Australia/Lord_Howe",
            "2026-10-04",
            "2026-10-04T02:30:00+11:00",
        ),
        (
            "2026-04-04T15:15:00Z",
            "Australia/Lord_Howe",
            "2026-04-05",
            "2026-04-05T01:30:00+10:30",
        ),
    ];
    for (at, zone, day, hour) in table {
        let (workspace, zone) = (WorkspaceId::new(), named(zone));
        let one = One {
            id: CallId::new(),
            model: "m",
            key,
            ending: "finished",
            at,
            nanos: 5,
        };
        add_one(&db, workspace, &one).await;
        let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
        let used = async |first: &str, last: &str| {
            let query = UsageQuery {
                range: between(zone, first, last),
                group: Group::Day,
                zone,
                filter: Filter::default(),
            };
            let report = calls.usage(workspace, &query).await.unwrap();
            let used = report.parts.iter().filter(|part| part.tally.calls > 0);
            (
                report.hours,
                used.map(|part| part.start).collect::<Vec<_>>(),
            )
        };
        let (hours, starts) = used("2026-01-01", "2026-12-31").await;
        let days: Vec<String> = starts.iter().map(|start| zone.iso_day(*start)).collect();
        assert_eq!(
            (hours, days),
            (false, vec![day.to_owned()]),
            "{at} {zone:?}"
        );
        let (hours, starts) = used(day, day).await;
        let shown: Vec<String> = starts.iter().map(|start| zone.iso(*start)).collect();
        assert_eq!(
            (hours, shown),
            (true, vec![hour.to_owned()]),
            "{at} {zone:?}"
        );
    }
    // The overview's today is the reader's.
    let noon = "2026-11-21T15:04:05Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_millisecond();
    for (at, nanos) in [("2026-11-21T09:59:59Z", 1), ("2026-11-21T10:00:00Z", 20)] {
        let one = One {
            id: CallId::new(),
            model: "m",
            key,
            ending: "finished",
            at,
            nanos,
        };
        add_one(&db, mine, &one).await;
    }
    let calls = Calls::new(db.db.clone(), Clock::fixed(noon));
    for (zone, today) in [("UTC", 21), ("Pacific/Kiritimati", 20), ("Etc/GMT+12", 0)] {
        let spend = calls.spend(mine, named(zone)).await.unwrap();
        assert_eq!(
            (spend.today.nanos(), spend.last_7_days.nanos()),
            (today, 21),
            "{zone}"
        );
        assert_eq!(spend.days.len(), 30);
    }
}

#[tokio::test]
async fn groups_parts_and_total_are_the_same_calls() {
    let db = crate::testing::db().await;
    let (mine, other) = (WorkspaceId::new(), WorkspaceId::new());
    let keys = [KeyId::new(), KeyId::new()];
    let endings = ["finished", "upstream_failed", "caller_gone", "stopped"];
    let models: Vec<String> = (0..7).map(|at| format!("m{at}")).collect();
    for at in 0..28_usize {
        let one = One {
            id: CallId::new(),
            model: &models[at % 7],
            key: keys[at % 2],
            ending: endings[at % 4],
            at: &format!("2026-11-{:02}T12:00:00Z", at + 1),
            nanos: 1 << (at % 7),
        };
        add_one(&db, if at == 27 { other } else { mine }, &one).await;
    }
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let query = |group| UsageQuery {
        range: between(Zone::UTC, "2026-11-01", "2026-11-30"),
        group,
        zone: Zone::UTC,
        filter: Filter::default(),
    };
    for group in Group::ALL {
        let report = calls.usage(mine, &query(group)).await.unwrap();
        assert_eq!(
            (report.total.calls, report.total.errors),
            (27, 13),
            "{group:?}"
        );
        assert_eq!(report.total.tokens(), 27 * 6);
        let of_parts = Amount::sum(report.parts.iter().map(|part| part.tally.cost)).unwrap();
        assert_eq!(of_parts, report.total.cost);
        let series = report.series().unwrap();
        let of_series = series
            .iter()
            .flat_map(|one| &one.by_part)
            .map(|tally| tally.cost);
        assert_eq!(
            Amount::sum(of_series).unwrap(),
            report.total.cost,
            "{group:?}"
        );
        if group != Group::Day {
            let of_groups = Amount::sum(report.groups.iter().map(|one| one.tally.cost)).unwrap();
            assert_eq!(of_groups, report.total.cost);
            assert!(
                report
                    .groups
                    .windows(2)
                    .all(|two| two[0].tally.cost >= two[1].tally.cost)
            );
        }
        assert_eq!(
            series.len(),
            match group {
                Group::Model => 6,
                Group::Key => 2,
                Group::Day => 1,
                Group::Status => 4,
            }
        );
    }
    let only = |filter: Filter| UsageQuery {
        filter,
        ..query(Group::Model)
    };
    for (filter, wanted) in [
        (
            Filter {
                model: Some("m0".to_owned()),
                ..Filter::default()
            },
            4,
        ),
        (
            Filter {
                key: Some(keys[0]),
                ..Filter::default()
            },
            14,
        ),
        (
            Filter {
                ending: Some(Ending::Stopped),
                ..Filter::default()
            },
            6,
        ),
        (
            Filter {
                key: Some(keys[0]),
                ending: Some(Ending::Stopped),
                ..Filter::default()
            },
            0,
        ),
    ] {
        let report = calls.usage(mine, &only(filter.clone())).await.unwrap();
        assert_eq!(report.total.calls, wanted, "{filter:?}");
        let rows = calls.page(mine, &filter, None, 100).await.unwrap();
        assert_eq!(rows.len() as u64, wanted, "{filter:?}");
    }
}

#[tokio::test]
async fn pages_show_every_call_once_however_many_share_a_moment() {
    let db = crate::testing::db().await;
    let (mine, other, key) = (WorkspaceId::new(), WorkspaceId::new(), KeyId::new());
    let foreign = CallId::new();
    for at in 0..23 {
        let at = format!("2026-11-21T15:00:0{}Z", at / 5);
        let one = One {
            id: CallId::new(),
            model: "m",
            key,
            ending: "finished",
            at: &at,
            nanos: 1,
        };
        add_one(&db, mine, &one).await;
    }
    let one = One {
        id: foreign,
        model: "m",
        key,
        ending: "finished",
        at: "2026-11-21T15:00:03Z",
        nanos: 1,
    };
    add_one(&db, other, &one).await;
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = calls
            .page(mine, &Filter::default(), before, 4)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id.parse().unwrap());
        seen.extend(page.into_iter().map(|row| (row.created_at, row.id)));
    }
    assert_eq!(seen.len(), 23);
    assert!(
        seen.windows(2).all(|two| two[0] > two[1]),
        "newest first, each once"
    );
    let after_foreign = calls
        .page(mine, &Filter::default(), Some(foreign), 4)
        .await
        .unwrap();
    assert!(
        after_foreign.is_empty(),
        "another workspace's call is no place to go on from"
    );
    assert_eq!(calls.one(mine, foreign).await.unwrap(), None);
    assert!(calls.one(other, foreign).await.unwrap().is_some());
}

#[tokio::test]
async fn models_are_those_of_the_range() {
    let db = crate::testing::db().await;
    let (mine, other) = (WorkspaceId::new(), WorkspaceId::new());
    add(&db, mine, "a", "small", NOW - DAY, 1).await;
    add(&db, mine, "b", "big", NOW - 1, 1).await;
    add(&db, mine, "c", "big", NOW - DAY, 1).await;
    add(&db, mine, "d", "before", NOW - DAY - 1, 1).await;
    add(&db, mine, "e", "after", NOW, 1).await;
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let range = Range {
        from: NOW - DAY,
        to: NOW,
    };
    assert_eq!(calls.models(mine, range).await.unwrap(), ["big", "small"]);
    assert!(calls.models(other, range).await.unwrap().is_empty());
    assert!(calls.any(mine).await.unwrap() && !calls.any(other).await.unwrap());
}

#[tokio::test]
async fn refused_calls_are_counted_per_key_and_reason_within_a_range() {
    let db = crate::testing::db().await;
    let (mine, other, key) = (WorkspaceId::new(), WorkspaceId::new(), KeyId::new());
    for (workspace, hour, code, count) in [
        (mine, 10, "rate_limit_exceeded", 5),
        (mine, 11, "rate_limit_exceeded", 7),
        (mine, 11, "insufficient_quota", 1),
        (mine, 50, "insufficient_quota", 100),
        (other, 11, "insufficient_quota", 9),
    ] {
        let sql = "INSERT INTO refused_call (workspace_id, key_id, hour, code, count, last_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let hour: i64 = hour * 60 * MINUTE;
        let values = [
            workspace.to_string().into(),
            key.to_string().into(),
            hour.into(),
            code.into(),
            count.into(),
            (hour + MINUTE).into(),
        ];
        exec(db.write(), sql, values).await.unwrap();
    }
    let calls = Calls::new(db.db.clone(), Clock::fixed(NOW));
    let day = Range { from: 0, to: DAY };
    let rows = calls.refused(mine, day, Some(key)).await.unwrap();
    let counted: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (row.code.as_str(), row.count))
        .collect();
    assert_eq!(
        counted,
        [("insufficient_quota", 1), ("rate_limit_exceeded", 12)]
    );
    assert!(
        calls
            .refused(mine, day, Some(KeyId::new()))
            .await
            .unwrap()
            .is_empty()
    );
    // The last one of the tenth hour was in its second minute.
    let ten = 10 * 60 * MINUTE;
    for (from, counted) in [(ten + MINUTE, 13), (ten + MINUTE + 1, 8)] {
        let rest = Range { from, to: DAY };
        let rows = calls.refused(mine, rest, None).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), counted);
    }
}
