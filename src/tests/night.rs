//! Are the books checked once a day, by one node, and does somebody hear of it when they do not hold?

use domain::fx::day_of;
use futures::future::join_all;
use sea_orm::{ConnectionTrait, Statement};
use server::accounts::Email;
use server::clock::Clock;
use server::db::Db;
use server::figures::Figures;
use server::night::{Night, Parts, Run, TimeOfDay};

use crate::app::{TestApp, on_both};
use crate::payments::NOW;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn parts(app: &TestApp) -> Parts {
    Parts {
        ledger: app.handles.ledger.clone(),
        orders: app.front.orders.clone(),
        mail: app.front.mail.clone(),
    }
}

fn night(app: &TestApp, clock: &Clock, node: &str) -> Night {
    Night::new(app.handles.db.clone(), clock.clone(), node)
}

async fn texts(db: &Db, sql: &str) -> Vec<String> {
    let asked = Statement::from_string(db.backend(), sql);
    let rows = db.read().query_all_raw(asked).await.unwrap();
    rows.iter()
        .map(|row| row.try_get("", "text").unwrap())
        .collect()
}

async fn run(db: &Db, sql: &str) {
    db.write().execute_unprepared(sql).await.unwrap();
}

fn at(text: &str) -> TimeOfDay {
    text.parse().unwrap()
}

on_both! {
    async fn one_node_checks_each_day_when_its_time_has_come(app) {
        let (clock, parts) = (Clock::fixed(NOW), parts(&app));
        let nobody: Vec<bool> = Vec::new();
        let nodes: Vec<Night> = (0..5).map(|n| night(&app, &clock, &format!("node_{n}"))).collect();
        let all = || async {
            let looks = nodes.iter().map(|node| node.check_if_due(&parts, at("12:01")));
            let done: Vec<bool> = join_all(looks).await.into_iter().filter_map(Result::unwrap).collect();
            done
        };
        assert_eq!(all().await, nobody, "it is noon");
        clock.advance(MINUTE_MS);
        assert_eq!(all().await, [true], "one of them, and the books hold");
        assert_eq!(all().await, nobody);
        clock.advance(DAY_MS - MINUTE_MS);
        assert_eq!(all().await, nobody, "noon again");
        clock.advance(5 * MINUTE_MS);
        assert_eq!(all().await, [true]);
        let node = &nodes[0];
        assert_eq!(node.seen().run, None, "nothing was read yet");
        node.look().await.unwrap();
        let newest = Run { ended_at: NOW + DAY_MS + 5 * MINUTE_MS, holds: true };
        assert_eq!(node.seen().run, Some(newest));
        let told = texts(&app.handles.db, "SELECT address AS text FROM mail WHERE kind = 'ledger_violated'").await;
        assert_eq!(told, Vec::<String>::new());
        app.finish().await;
    }

    async fn administrators_hear_once_a_day_that_the_books_do_not_hold(app) {
        let (clock, parts) = (Clock::fixed(NOW), parts(&app));
        app.caller("5").await;
        for admin in ["ada@example.com", "grace@example.com"] {
            let email = Email::parse(admin).unwrap();
            app.handles.accounts.create(&email, None, true).await.unwrap();
        }
        let (db, node) = (&app.handles.db, night(&app, &clock, "node_1"));
        run(db, "UPDATE book SET posted = posted + 1 WHERE kind = 'wallet' AND posted > 0").await;
        let told = "SELECT address AS text FROM mail WHERE kind = 'ledger_violated' ORDER BY address";
        for day in 1..=2_usize {
            assert_eq!(node.check_if_due(&parts, at("00:00")).await.unwrap(), Some(false));
            assert_eq!(node.check_if_due(&parts, at("00:00")).await.unwrap(), None);
            let mails = texts(db, told).await;
            assert_eq!(mails.len(), 2 * day, "{mails:?}");
            assert!(mails.iter().all(|address| !address.starts_with("caller")), "{mails:?}");
            clock.advance(DAY_MS);
        }
        let found = texts(db, "SELECT found AS text FROM verify_run ORDER BY day LIMIT 1").await;
        assert!(found[0].contains("\"I3\"") && found[0].contains("wallet of ws_"), "{found:?}");

        // What the pages and the metrics say of it.
        let sums = Figures::new(db.clone(), clock.clone()).sums().await.unwrap();
        assert_eq!(sums.checked.map(|run| run.holds), Some(false));
        node.look().await.unwrap();
        app.metrics.set_night(node.seen());
        let text = app.metrics.text();
        let said = |name: &str| text.lines().find(|line| line.starts_with(name)).map(|line| line.rsplit(' ').next().unwrap().to_owned());
        assert_eq!(said("farebox_ledger_verify_ok").as_deref(), Some("0"), "{text}");
        let ended = (NOW + DAY_MS) / 1_000;
        assert_eq!(said("farebox_ledger_verify_timestamp_seconds"), Some(ended.to_string()), "{text}");
        run(db, "UPDATE book SET posted = posted - 1 WHERE kind = 'wallet' AND posted > 0").await;
        app.finish().await;
    }

    async fn a_check_that_was_broken_off_is_taken_up_again(app) {
        let (clock, parts) = (Clock::fixed(NOW), parts(&app));
        let node = night(&app, &clock, "node_2");
        let day = day_of(NOW);
        run(&app.handles.db, &format!("INSERT INTO verify_run (day, node, began_at) VALUES ({day}, 'node_1', {NOW})")).await;
        assert_eq!(node.check_if_due(&parts, at("00:00")).await.unwrap(), None, "node_1 may still be at it");
        clock.advance(61 * MINUTE_MS);
        assert_eq!(node.check_if_due(&parts, at("00:00")).await.unwrap(), Some(true));
        app.finish().await;
    }

    /// What is not charged is the operator's, counted for the pages and for `/metrics`.
    async fn losses_are_counted(app) {
        let (clock, db) = (Clock::fixed(NOW), &app.handles.db);
        let lost = |txn: &str, amount: i64, at: i64| format!(
            "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, created_at)
             SELECT '{txn}', 0, l.id, r.id, 'USD', {amount}, 'loss', {at} FROM book l, book r WHERE l.kind = 'operator_loss' AND r.kind = 'revenue'"
        );
        run(db, &lost("today", 5, NOW)).await;
        run(db, &lost("yesterday", 70, NOW - DAY_MS)).await;
        run(db, &lost("long ago", 900, NOW - 30 * DAY_MS)).await;
        let sums = Figures::new(db.clone(), clock.clone()).sums().await.unwrap();
        assert_eq!((sums.loss_today.nanos(), sums.loss_30_days.nanos(), sums.operator_loss.nanos()), (5, 75, 975));
        let node = night(&app, &clock, "node_1");
        let before = app.metrics.text();
        assert!(!before.contains("farebox_ledger_verify_ok{"), "unknown is not zero: {before}");
        node.look().await.unwrap();
        app.metrics.set_night(node.seen());
        assert!(app.metrics.text().contains("farebox_operator_loss_nusd_total 975"), "{}", app.metrics.text());
        app.finish().await;
    }
}
