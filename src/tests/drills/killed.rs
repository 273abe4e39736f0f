//! `kill -9` under load: what was answered is charged, once; what was not delivered is not; and no credit stays lost.

use std::time::Duration;

use serde_json::{Value, json};
use server::db::Db;

use super::callers::{
    Got, Load, call, change, charged_as_answered, eventually, number, posted_and_reserved, text,
};
use crate::binary::{Installation, Server, http, live_leases};
use crate::postgres::Scratch;
use crate::upstream::{FakeUpstream, refusal, usage};

const EMAIL: &str = "ada@example.com";
const FIFTY_USD: i64 = 50_000_000_000;
/// 100 tokens of prompt at 2.50, and 10 of answer at 10.00 dollars per million.
const A_CALL: i64 = 100 * 2_500 + 10 * 10_000;
const CALLERS: usize = 16;
/// Calls that the upstream refuses: they reach it, and deliver nothing.
const REFUSED: usize = 5;

async fn upstream() -> FakeUpstream {
    let fake = FakeUpstream::start().await;
    fake.answers_as_asked(&["forty", "-two"], &usage(100, 0, 10));
    for _ in 0..REFUSED {
        fake.then(refusal(400, "no"));
    }
    fake
}

/// An account with fifty dollars and a model; its key.
fn customer(farebox: &Installation, fake: &FakeUpstream) -> String {
    farebox.offer(&fake.base_url());
    let key = farebox.caller(EMAIL, "50");
    key["key"].as_str().unwrap().to_owned()
}

/// One call that must be served: this server works.
async fn serves(server: &Server, key: &str) -> String {
    match call(&http(), &server.url(""), key, json!({})).await {
        Got::Whole(id) => id,
        other => panic!("{other:?}: {}", server.log()),
    }
}

/// acknowledged ≤ charged ≤ delivered, each exactly once; the wallet lost what the charges say.
async fn the_books_agree(
    farebox: &Installation,
    db: &Db,
    answered: &[String],
    fake: &FakeUpstream,
) {
    let charged = charged_as_answered(db, answered, A_CALL).await;
    let delivered = fake.seen().len() - REFUSED;
    assert!(
        answered.len() <= charged && charged <= delivered,
        "{} ≤ {charged} ≤ {delivered}",
        answered.len()
    );
    let balance: Value = farebox.one(&["admin", "balance", "--email", EMAIL, "--json"], "");
    let posted = FIFTY_USD - i64::try_from(charged).unwrap() * A_CALL;
    assert_eq!(balance["posted_nusd"], posted.to_string());
    assert_eq!(balance["available_nusd"], balance["posted_nusd"]);
    let verified = farebox.run(&["ledger", "verify"], "");
    let said = String::from_utf8_lossy(&verified.stdout);
    assert_eq!(verified.status.code(), Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_embedded_server_has_all_its_credit_back_when_it_starts_again() {
    let fake = upstream().await;
    let farebox = Installation::sqlite();
    let key = customer(&farebox, &fake);
    let db = farebox.db().await;
    let mut answered = Vec::new();
    for moment in [20, 35, 50] {
        let server = farebox.serve(&[]);
        assert_eq!(posted_and_reserved(&db).await.1, 0, "all of it is free");
        let mut load = Load::start(&[server.url("")], &key, CALLERS);
        load.more(moment).await;
        // Dropping it is SIGKILL.
        drop(server);
        assert!(posted_and_reserved(&db).await.1 > 0, "it died with a lease");
        answered.extend(load.end().await);
    }
    let mut server = farebox.serve(&[]);
    assert_eq!(posted_and_reserved(&db).await.1, 0);
    answered.push(serves(&server, &key).await);
    server.terminate();
    assert!(server.ended(Duration::from_secs(20)).success());
    the_books_agree(&farebox, &db, &answered, &fake).await;
    assert_eq!(live_leases(&db).await, 0);
}

/// The other node goes on. What the dead one had leased and not held is free at its lease's end, what its calls held when
/// the last of them must be over. Time is told by the rows, which the database's clock is compared with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_one_is_killed_and_its_credit_comes_back() {
    let Some(scratch) = Scratch::create().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let fake = upstream().await;
    let farebox = Installation::postgres(scratch.url());
    assert!(farebox.run(&["migrate", "up"], "").status.success());
    let key = customer(&farebox, &fake);
    let db = farebox.db().await;

    let doomed = farebox.serve(&[]);
    // The refused ones first: nobody else is to be blamed for them.
    for _ in 0..REFUSED {
        let got = call(&http(), &doomed.url(""), &key, json!({})).await;
        assert_eq!(got, Got::Refused(400));
    }
    let mut answered = vec![serves(&doomed, &key).await];
    let node = text(&db, "SELECT max(node_id) AS t FROM lease").await;
    let of_dead = format!("state IN ('active', 'draining') AND node_id = '{node}'");
    let survivor = farebox.serve(&[]);
    let urls = [doomed.url(""), survivor.url("")];
    let mut load = Load::start(&urls, &key, CALLERS);
    load.more(60).await;
    drop(doomed);
    // However slow this machine is: its leases end when the test says so.
    let later = "expires_at = expires_at + 3600000, reclaim_after = reclaim_after + 3600000";
    change(&db, &format!("UPDATE lease SET {later} WHERE {of_dead}")).await;
    load.more(40).await;
    answered.extend(load.end().await);

    let others = "SELECT count(*) AS n FROM lease WHERE state IN ('active', 'draining')";
    let others = format!("{others} AND node_id <> '{node}'");
    eventually("the living node gives its idle credit back", async || {
        number(&db, &others).await == 0
    })
    .await;
    let held = "SELECT CAST(coalesce(sum(CASE WHEN held < granted - spent THEN held ELSE granted - spent END), 0)
            AS BIGINT) AS n FROM lease";
    let held = format!("{held} WHERE {of_dead}");
    let (_, reserved) = posted_and_reserved(&db).await;
    assert!(
        reserved > number(&db, &held).await,
        "it died with unused credit"
    );

    change(
        &db,
        &format!("UPDATE lease SET expires_at = 0 WHERE {of_dead}"),
    )
    .await;
    eventually("what the dead node did not hold is free", async || {
        posted_and_reserved(&db).await.1 == number(&db, &held).await
    })
    .await;
    change(
        &db,
        &format!("UPDATE lease SET reclaim_after = 0 WHERE {of_dead}"),
    )
    .await;
    eventually("what the dead node held is free", async || {
        posted_and_reserved(&db).await.1 == 0 && live_leases(&db).await == 0
    })
    .await;

    let successor = farebox.serve(&[]);
    for server in [&successor, &survivor] {
        answered.push(serves(server, &key).await);
    }
    for mut server in [successor, survivor] {
        server.terminate();
        assert!(server.ended(Duration::from_secs(20)).success());
    }
    the_books_agree(&farebox, &db, &answered, &fake).await;
}
