//! Which credit is spent first, and what becomes of it when it ends? Through real calls and orders, on both databases.

use std::time::{Duration, Instant};

use domain::Amount;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use server::audit::By;
use server::clock::Clock;
use server::db::Db;
use server::ledger::{Bonus, Expired};

use crate::app::{Caller, TestApp, on_both};
use crate::payments::{Fake, NOW, Node, node};
use crate::upstream::{FakeUpstream, answer, usage};

/// A dollar per thousand tokens of an answer.
const PRICE: (&str, &str, &str) = ("0", "0", "1000");
const PATIENCE: Duration = Duration::from_secs(20);

fn usd(text: &str) -> Amount {
    Amount::parse_usd(text).unwrap()
}

async fn run(db: &Db, sql: &str) {
    db.write().execute_unprepared(sql).await.unwrap();
}

async fn number(db: &Db, sql: &str) -> i64 {
    let asked = Statement::from_string(db.backend(), sql);
    let row = db.read().query_one_raw(asked).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

/// What was taken out of each lot, in dollars, by what brought the lot.
async fn gone(db: &Db) -> Vec<(String, i64)> {
    let sql = "SELECT txn_id, original - remaining AS gone FROM lot WHERE original > remaining ORDER BY id";
    let asked = Statement::from_string(db.backend(), sql);
    let rows = db.read().query_all_raw(asked).await.unwrap();
    rows.iter()
        .map(|row| {
            let txn: String = row.try_get("", "txn_id").unwrap();
            let nanos: i64 = row.try_get("", "gone").unwrap();
            (txn, nanos / 1_000_000_000)
        })
        .collect()
}

async fn give(app: &TestApp, caller: &Caller, amount: &str, id: &str) {
    let granted =
        app.handles
            .ledger
            .grant(caller.account.workspace, usd(amount), "a test", Some(id));
    assert!(granted.await.unwrap().credited);
}

/// A hundred dollars that were paid, and ten of bonus.
async fn pay(node: &Node, fake: &Fake, caller: &Caller) -> String {
    let order = node.begun(caller, "100.00 USD").await;
    node.paid(fake, &order).await;
    format!("order:{}", order.id)
}

on_both! {
    async fn credit_is_spent_in_the_published_order(app) {
        let (fake, clock) = (Fake::start().await, Clock::fixed(NOW));
        let caller = app.caller("0").await;
        let paid = pay(&node(&app, &fake, &clock).await, &fake, &caller).await;
        let bonus = format!("{paid}:bonus");
        for id in ["plain", "late", "soon", "first"] {
            give(&app, &caller, "1", id).await;
        }
        let db = &app.handles.db;
        // Far in the future: nothing of it ends here.
        run(db, "UPDATE lot SET expires_at = 5000000000000 WHERE txn_id = 'grant:late'").await;
        run(db, "UPDATE lot SET expires_at = 4000000000000 WHERE txn_id = 'grant:soon'").await;
        run(db, "UPDATE lot SET priority = 10 WHERE txn_id = 'grant:first'").await;

        let upstream = FakeUpstream::start().await;
        app.offer_at("gpt", &upstream, PRICE).await;
        let mut spent: Vec<(String, i64)> = Vec::new();
        for (dollars, out_of) in [
            // The priority before everything, then the earlier end.
            (1, vec![("grant:first", 1)]),
            (1, vec![("grant:soon", 1)]),
            (1, vec![("grant:late", 1)]),
            // Bonus and credit from the operator are alike: the older one first.
            (2, vec![(bonus.as_str(), 2)]),
            // A call may need several; what was paid comes last.
            (10, vec![(bonus.as_str(), 8), ("grant:plain", 1), (paid.as_str(), 1)]),
        ] {
            let tokens = dollars * 1_000;
            upstream.always(answer("done", Some(usage(0, 0, tokens))));
            let response = app.chat(&caller.key, "gpt", serde_json::json!({"max_tokens": tokens})).await;
            assert_eq!(response.status().as_u16(), 200);
            app.quiet().await;
            for (lot, taken) in out_of {
                match spent.iter_mut().find(|(known, _)| known == lot) {
                    Some((_, sum)) => *sum += taken,
                    None => spent.push((lot.to_owned(), taken)),
                }
            }
            spent.sort();
            let mut found = gone(db).await;
            found.sort();
            assert_eq!(found, spent, "after a call of {dollars} dollars");
        }
        assert_eq!(app.posted(&caller).await, usd("99").nanos());
        app.finish().await;
    }

    /// Each kind goes where it came from; looks at the same moment take each lot once.
    async fn credit_that_has_ended_goes_back_where_it_came_from(app) {
        let (fake, clock) = (Fake::start().await, Clock::fixed(NOW));
        let caller = app.caller("5").await;
        let node = node(&app, &fake, &clock).await;
        pay(&node, &fake, &caller).await;
        pay(&node, &fake, &caller).await;
        give(&app, &caller, "2", "ends").await;
        let db = &app.handles.db;
        // Of what was paid, the second order's.
        run(db, "UPDATE lot SET expires_at = 1 WHERE kind = 'bonus' OR txn_id = 'grant:ends'
                 OR id = (SELECT max(id) FROM lot WHERE kind = 'paid')").await;
        let looks = join_all((0..8).map(|_| app.handles.ledger.expire_lots())).await;
        let sum = looks.into_iter().map(Result::unwrap).fold(Expired::default(), |sum, one| Expired {
            lots: sum.lots + one.lots,
            amount: sum.amount.plus(one.amount).unwrap(),
            left: sum.left + one.left,
        });
        assert_eq!(sum, Expired { lots: 4, amount: usd("122"), left: 0 });
        assert_eq!(app.posted(&caller).await, usd("105").nanos());
        for (book, dollars) in [("bonus", 20), ("adjustment", 2), ("breakage", 100)] {
            let sql = format!(
                "SELECT CAST(coalesce(sum(t.amount), 0) AS BIGINT) AS n FROM transfer t JOIN book b ON b.id = t.credit_id
                 WHERE t.code = 'expiry' AND b.kind = '{book}'"
            );
            assert_eq!(number(db, &sql).await, dollars * 1_000_000_000, "{book}");
        }
        app.finish().await;
    }

    async fn a_bonus_with_an_end_is_given_once_and_ends(app) {
        let caller = app.caller("1").await;
        let (db, audit) = (&app.handles.db, &app.handles.audit);
        let now = app.handles.clock.now_ms();
        let bonus = Bonus {
            workspace: caller.account.workspace,
            amount: usd("3"),
            reason: "sorry for yesterday",
            id: Some("ticket 7"),
            ends_at: Some(now + 60_000),
        };
        for (bonus, wanted) in [
            (bonus, Ok(true)),
            (bonus, Ok(false)),
            (Bonus { amount: usd("4"), ..bonus }, Err("used before")),
            (Bonus { reason: "another", ..bonus }, Err("used before")),
            (Bonus { ends_at: None, ..bonus }, Err("used before")),
            (Bonus { ends_at: Some(now + 60_001), ..bonus }, Err("used before")),
            (Bonus { amount: Amount::ZERO, id: None, ..bonus }, Err("more than zero")),
            (Bonus { amount: Amount::from_nanos(-1), id: None, ..bonus }, Err("more than zero")),
            (Bonus { amount: Amount::from_nanos(i64::MAX), id: None, ..bonus }, Err("cannot hold")),
            (Bonus { ends_at: Some(now), id: None, ..bonus }, Err("over already")),
        ] {
            match (bonus.give(db, now, By::OPERATOR, audit).await, wanted) {
                (Ok(granted), Ok(credited)) => assert_eq!(granted.credited, credited),
                (Err(error), Err(why)) => assert!(error.to_string().contains(why), "{error}"),
                (done, _) => panic!("{bonus:?}: {done:?}, not {wanted:?}"),
            }
        }
        assert_eq!(app.posted(&caller).await, usd("4").nanos());
        assert_eq!(number(db, "SELECT count(*) AS n FROM audit WHERE action = 'credit.bonus'").await, 1);
        let ledger = &app.handles.ledger;
        assert_eq!(ledger.expire_lots().await.unwrap(), Expired::default(), "a minute is left");
        run(db, "UPDATE lot SET expires_at = 1 WHERE kind = 'bonus'").await;
        assert_eq!(ledger.expire_lots().await.unwrap().amount, usd("3"));
        assert_eq!(app.posted(&caller).await, usd("1").nanos());
        app.finish().await;
    }

    /// What a running call holds stays; what its node leased beside it is asked back, and the rest follows.
    async fn credit_that_is_held_ends_when_it_is_free(app) {
        let (fake, clock) = (Fake::start().await, Clock::fixed(NOW));
        let caller = app.caller("5").await;
        let paid = pay(&node(&app, &fake, &clock).await, &fake, &caller).await;
        let (db, ledger) = (&app.handles.db, &app.handles.ledger);
        let workspace = caller.account.workspace;
        // Of 115 dollars a lone server's lease takes all, so that calls to come find their money in memory; one of many
        // takes what the call needs.
        let hold = ledger.hold(workspace, usd("110")).await.unwrap();
        run(db, &format!("UPDATE lot SET expires_at = 1 WHERE txn_id = '{paid}:bonus'")).await;
        let mut expired = ledger.expire_lots().await.unwrap();
        assert!(expired.left == 1 && expired.amount <= usd("5"), "{expired:?}");

        // A node hears of the wish when it tells what its calls hold, which changes here again and again.
        let begun = Instant::now();
        let mut small = None;
        while expired.lots == 0 {
            small = match small {
                None => ledger.hold(workspace, Amount::from_nanos(1)).await.ok(),
                Some(_) => None,
            };
            expired = ledger.expire_lots().await.unwrap();
            assert_eq!(expired.left, 1, "never all of it while the call runs");
            assert!(begun.elapsed() < PATIENCE, "the node gives nothing back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        drop(small);
        let posted = app.posted(&caller).await;
        assert!((usd("110").nanos()..usd("115").nanos()).contains(&posted), "{posted}");

        hold.release();
        let begun = Instant::now();
        while ledger.expire_lots().await.unwrap().left > 0 {
            assert!(begun.elapsed() < PATIENCE, "the lease is not given back");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(app.posted(&caller).await, usd("105").nanos());
        assert!(number(db, "SELECT count(*) AS n FROM transfer WHERE code = 'expiry'").await > 1);
        app.finish().await;
    }
}
