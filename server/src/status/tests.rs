//! Is the history what was seen, whoever wrote it, and does a database that is away neither stop nor falsify it?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::db::{all, exec};
use crate::ledger::LedgerConfig;
use crate::testing::{TestDb, db};

/// 2026-11-21 15:04 UTC.
const NOW: i64 = 1_795_273_440_000;

fn status(db: &Db, clock: &Clock) -> Status {
    let ledger = Ledger::new(db.clone(), clock.clone(), LedgerConfig::default());
    let catalog = Catalog::new(db.clone(), clock.clone());
    Status::new(db.clone(), clock.clone(), ledger, catalog)
}

async fn call(db: &TestDb, at: i64, model: &str, ending: &str, http: i64, first: Option<i64>) {
    let count = all(db.read(), "SELECT id FROM call", [])
        .await
        .unwrap()
        .len();
    let sql = "INSERT INTO call (id, workspace_id, key_id, model, price_id, ending, rule, http_status, streamed, input,
                   cached_input, output, reasoning, charge_nusd, duration_ms, first_byte_ms, created_at)
               VALUES ($1, 'w', 'k', $2, 'p', $3, 'reported', $4, 0, 0, 0, 0, 0, 0, 1, $5, $6)";
    let values = [
        format!("call_{count}").into(),
        model.into(),
        ending.into(),
        http.into(),
        first.into(),
        at.into(),
    ];
    exec(db.write(), sql, values).await.unwrap();
}

fn part(status: &Status, part: Part) -> PartPicture {
    let parts = status.picture().parts;
    parts.into_iter().find(|found| found.part == part).unwrap()
}

#[tokio::test]
async fn minutes_of_all_nodes_come_together_and_silence_is_down() {
    let db = db().await;
    let clock = Clock::fixed(NOW);
    let (one, two) = (status(&db, &clock), status(&db, &clock));
    assert_eq!(
        part(&one, Part::Database).now,
        State::Quiet,
        "not looked yet"
    );
    for _ in 0..3 {
        one.look().await.unwrap();
        two.look().await.unwrap();
        clock.advance(MINUTE_MS);
    }
    // Ten minutes in which nobody ran.
    clock.advance(10 * MINUTE_MS);
    one.look().await.unwrap();
    let database = part(&one, Part::Database);
    assert_eq!(database.now, State::Works);
    let expected = Share { good: 4, bad: 10 };
    assert_eq!(*database.history.hours.last().unwrap(), expected);
    assert_eq!(*database.history.days.last().unwrap(), expected);
    assert_eq!(database.history.days.len(), 90);
    assert_eq!(
        database.history.days[88],
        Share::default(),
        "before there were figures"
    );
    // Nobody ran for a day: the bars say so, and nothing older is invented.
    clock.advance(DAY_MS);
    one.look().await.unwrap();
    let hours = part(&one, Part::Api).history.hours;
    assert_eq!(hours[22], Share { good: 0, bad: 60 });
    assert_eq!(one.picture().since, Some(hour_of(NOW)));
}

#[tokio::test]
async fn a_database_that_is_away_is_shown_and_written_down_afterwards() {
    let db = db().await;
    let clock = Clock::fixed(NOW);
    let node = status(&db, &clock);
    node.look().await.unwrap();
    clock.advance(MINUTE_MS);
    // What a node sees while the database does not answer.
    let look = Look {
        at: clock.now_ms(),
        api: true,
        database: false,
    };
    *node.0.last.lock() = look;
    node.note(look);
    assert_eq!(part(&node, Part::Database).now, State::Fails);
    assert_eq!(part(&node, Part::Api).now, State::Fails);
    assert_eq!(part(&node, Part::Pages).now, State::Works);
    clock.advance(MINUTE_MS);
    node.look().await.unwrap();
    assert_eq!(part(&node, Part::Database).now, State::Works);
    let hour = |name| *part(&node, name).history.hours.last().unwrap();
    assert_eq!(hour(Part::Database), Share { good: 2, bad: 1 });
    assert_eq!(hour(Part::Pages), Share { good: 3, bad: 0 });
    assert!(node.0.pending.lock().is_empty());
    // A look that is old says nothing about now.
    clock.advance(FRESH_MS);
    assert_eq!(part(&node, Part::Database).now, State::Quiet);
}

#[tokio::test]
async fn calls_are_counted_once_by_family_and_fairly() {
    let db = db().await;
    let clock = Clock::fixed(NOW);
    let (one, two) = (status(&db, &clock), status(&db, &clock));
    call(&db, NOW - 1_000, "gpt-5", "finished", 200, Some(300)).await;
    call(
        &db,
        NOW - 2_000,
        "openai/gpt-4o",
        "finished",
        200,
        Some(100),
    )
    .await;
    call(&db, NOW - 3_000, "gpt-5", "upstream_failed", 502, Some(200)).await;
    call(&db, NOW - 4_000, "gpt-5", "upstream_failed", 429, None).await;
    // Not the service's failures: a wrong request, a caller who left.
    call(&db, NOW - 5_000, "gpt-5", "upstream_failed", 400, None).await;
    call(&db, NOW - 6_000, "gpt-5", "caller_gone", 499, None).await;
    call(
        &db,
        NOW - 2 * HOUR_MS,
        "gpt-5",
        "finished",
        200,
        Some(9_000),
    )
    .await;
    one.look().await.unwrap();
    two.look().await.unwrap();
    let history = two.0.history.load_full();
    let bars = history.family("gpt", NOW);
    assert_eq!(bars.hours[23], Share { good: 2, bad: 2 });
    assert_eq!(bars.hours[21], Share { good: 1, bad: 0 });
    assert_eq!(bars.last_day(), bars.all());
    assert_eq!(
        history.first_byte("gpt"),
        Some(300),
        "of 100, 200, 300, 9000"
    );
    // Until the next turn nothing is counted; then late calls of the hour before are.
    call(&db, NOW - 500, "gpt-5", "finished", 200, None).await;
    one.look().await.unwrap();
    assert_eq!(one.0.history.load().family("gpt", NOW).hours[23].good, 2);
    clock.advance(6 * MINUTE_MS);
    one.look().await.unwrap();
    assert_eq!(one.0.history.load().family("gpt", NOW).hours[23].good, 3);
}

#[test]
fn shares_never_flatter() {
    let share = |good, bad| Share { good, bad };
    for (given, state, points) in [
        (share(0, 0), State::Quiet, None),
        (share(19, 1), State::Works, Some(9_500)),
        (share(18, 1), State::Partly, Some(9_473)),
        (share(0, 3), State::Fails, Some(0)),
        (share(99_999, 1), State::Works, Some(9_999)),
        (share(7, 0), State::Works, Some(10_000)),
    ] {
        assert_eq!(
            (given.state(), given.basis_points()),
            (state, points),
            "{given:?}"
        );
    }
    for (model, wanted) in [
        ("gpt-5", "gpt"),
        ("openai/gpt-5-mini", "gpt"),
        ("o3", "o3"),
        ("llama3.1:8b", "llama3"),
        ("-x", "-x"),
    ] {
        assert_eq!(family(model), wanted);
    }
}
