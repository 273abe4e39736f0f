//! The disk is full (SQLite): a call that cannot be written down costs nothing and has no ending, one at a time and many
//! at once; and when there is room again, everything goes on by itself.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use serde_json::json;
use server::db::Db;
use server::ledger::LedgerConfig;

use super::callers::{
    Got, Load, all_served_is_booked, call, charged_as_answered, eventually, posted_and_reserved,
};
use crate::app::TestApp;
use crate::binary::http;
use crate::upstream::{FakeUpstream, usage};

const FIFTY_USD: i64 = 50_000_000_000;
/// 100 tokens of prompt at 2.50, and 10 of answer at 10.00 dollars per million.
const A_CALL: i64 = 100 * 2_500 + 10 * 10_000;
/// The last pages are full after so many calls at most: fewer than twenty rows fit on one.
const CALLS_MAX: usize = 200;
/// Calls that meet the full disk one after the other.
const MET_ALONE: usize = 3;
/// Calls that meet it together, or fill it.
const CROWD: usize = 100;

/// No page more than there is, or as many as SQLite allows; also for connections that are made later: one that met the
/// full disk is thrown away.
async fn room(db: &Db, pages: u32) {
    let pool = db.write().get_sqlite_connection_pool();
    let options = pool.connect_options().as_ref().clone();
    pool.set_connect_options(options.pragma("max_page_count", pages.to_string()));
    let pragma = format!("PRAGMA max_page_count = {pages}");
    db.write().execute_unprepared(&pragma).await.unwrap();
}

/// A limit below what is there is what is there.
const NO_MORE: u32 = 1;
const PLENTY: u32 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_costs_nothing_and_then_everything_goes_on() {
    let impatient = LedgerConfig {
        commit_wait: Duration::from_secs(1),
        ..LedgerConfig::default()
    };
    let app = TestApp::with_ledger(impatient).await;
    let fake = FakeUpstream::start().await;
    fake.answers_as_asked(&["forty", "-two"], &usage(100, 0, 10));
    app.offer("gpt", &fake).await;
    let caller = app.caller("50").await;
    let (http, db) = (http(), app.handles.db.clone());
    let ask = async |streamed: bool| {
        let more = json!({"stream": streamed});
        call(&http, &app.url(""), &caller.key, more).await
    };

    // Pages that migrations left empty would be room too.
    db.write().execute_unprepared("VACUUM").await.unwrap();
    room(&db, NO_MORE).await;
    let mut answered = Vec::new();
    let refused = loop {
        match ask(false).await {
            Got::Whole(id) => answered.push(id),
            refused => break refused,
        }
        assert!(answered.len() < CALLS_MAX, "the disk is never full");
    };
    assert_eq!(refused, Got::NotNow("settlement_failed".to_owned()));
    // It is no refusal of one call: the next ones meet the same trouble, and are told the same.
    let broken_off = Got::BrokenOff("settlement_failed".to_owned());
    for (streamed, expected) in [(true, broken_off), (false, refused)] {
        assert_eq!(ask(streamed).await, expected);
    }
    let spent = |calls: usize| FIFTY_USD - i64::try_from(calls).unwrap() * A_CALL;
    assert_eq!(posted_and_reserved(&db).await.0, spent(answered.len()));

    // Many at once, while there is room and while there is none.
    let mut load = Load::start(&[app.url("")], &caller.key, 8);
    room(&db, PLENTY).await;
    load.more(20).await;
    room(&db, NO_MORE).await;
    let enough = fake.seen().len() + CROWD;
    eventually(
        "the upstream is called by all who have the money",
        async || fake.seen().len() >= enough,
    )
    .await;
    room(&db, PLENTY).await;
    load.more(20).await;
    let of_load = load.end().await;
    assert!(
        fake.seen().len() > answered.len() + MET_ALONE + of_load.len(),
        "none of them met the full disk"
    );
    answered.extend(of_load);
    app.quiet().await;
    let charged = charged_as_answered(&db, &answered, A_CALL).await;
    assert_eq!(charged, answered.len());
    assert_eq!(posted_and_reserved(&db).await.0, spent(charged));
    all_served_is_booked(&db, fake.seen().len(), charged, A_CALL).await;
    app.finish().await;
}
