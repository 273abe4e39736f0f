//! Facts about money, as tables that an accountant can read.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod credit;
mod desk;
mod expiry;
mod locks;
mod losses;
mod model;
mod tables;

use std::time::Duration;

use domain::ids::{CallId, KeyId, PriceId, UpstreamId, WorkspaceId};
use domain::price::More;
use domain::views::UnixMs;
use domain::{Amount, Ending, Price, PricePerMtok, Rule, Usage};

use crate::calls::{Attempt, CallRecord};
use crate::catalog::{Catalog, NewModel, NewPrice};
use crate::clock::Clock;
use crate::db::{exec, one};
use crate::ids::NewId;
use crate::ledger::{
    GrantError, HoldError, Ledger, LedgerConfig, SettleError, open_wallet, verify,
};
use crate::testing::TestDb;

/// One nano-dollar per output token, so that amounts and tokens are the same number.
const NANO_A_TOKEN: i64 = 1_000;

struct Bank {
    db: TestDb,
    ledger: Ledger,
    wallet: WorkspaceId,
    price: PriceId,
    clock: Clock,
}

impl Bank {
    async fn open() -> Self {
        Self::over(crate::testing::db().await).await
    }

    async fn over(db: TestDb) -> Self {
        let clock = Clock::system();
        let wallet = WorkspaceId::new();
        open_wallet(db.write(), wallet, clock.now_ms())
            .await
            .unwrap();
        let sql = "INSERT INTO upstream (id, name, dialect, base_url, created_at) VALUES ('up_00000000000000000000000000000000', 'u', 'openai', 'sandbox:', 0)";
        exec(db.write(), sql, []).await.unwrap();
        let catalog = Catalog::new(db.db.clone(), clock.clone());
        let nano = PricePerMtok::from_micro_usd(NANO_A_TOKEN).unwrap();
        let price = NewPrice {
            output: nano,
            more: More {
                cache_write_1h: Some(nano),
                audio_input: Some(nano),
                tool_calls: Some(nano),
                units: Some(nano),
                ..More::default()
            },
            ..NewPrice::default()
        };
        let model = NewModel {
            id: "m".into(),
            upstream: "u".into(),
            upstream_model: None,
            price,
            context: 1_000,
        };
        let price = catalog.create_model(model).await.unwrap().price_version;
        let quick = LedgerConfig {
            heartbeat: Duration::from_millis(20),
            ..LedgerConfig::default()
        };
        let ledger = Ledger::new(db.db.clone(), clock.clone(), quick);
        Self {
            db,
            ledger,
            wallet,
            price,
            clock,
        }
    }

    async fn with(nanos: i64) -> Self {
        let bank = Self::open().await;
        bank.grant(nanos, None).await;
        bank.ledger.start();
        bank
    }

    async fn grant(&self, nanos: i64, id: Option<&str>) -> bool {
        self.ledger
            .grant(self.wallet, Amount::from_nanos(nanos), "a test", id)
            .await
            .unwrap()
            .credited
    }

    fn call(&self, cost: i64) -> CallRecord {
        called(self.wallet, self.price, cost, self.clock.now_ms())
    }

    async fn posted(&self) -> i64 {
        self.ledger
            .balance(self.wallet)
            .await
            .unwrap()
            .unwrap()
            .posted
            .nanos()
    }

    async fn number(&self, sql: &str) -> i64 {
        one(self.db.read(), sql, [])
            .await
            .unwrap()
            .unwrap()
            .try_get("", "n")
            .unwrap()
    }

    /// What was served and not charged: on the calls, and in the books.
    async fn losses(&self) -> (i64, i64) {
        let calls = "SELECT CAST(coalesce(sum(unbilled_nusd), 0) AS BIGINT) AS n FROM call";
        let booked = "SELECT CAST(coalesce(sum(amount), 0) AS BIGINT) AS n FROM transfer WHERE code = 'unbilled'";
        (self.number(calls).await, self.number(booked).await)
    }

    async fn proved(&self) {
        let report = verify(&self.db).await.unwrap();
        assert!(
            report.holds(),
            "{:#?}",
            report
                .checks
                .iter()
                .filter(|check| !check.holds)
                .collect::<Vec<_>>()
        );
    }

    /// Stops, and proves that nothing is left leased.
    async fn close(self) -> i64 {
        self.ledger.shutdown().await;
        self.proved().await;
        assert_eq!(
            self.number("SELECT count(*) AS n FROM lease WHERE state IN ('active', 'draining')")
                .await,
            0
        );
        assert_eq!(
            self.number("SELECT reserved AS n FROM book WHERE kind = 'wallet'")
                .await,
            0
        );
        self.posted().await
    }
}

#[tokio::test]
async fn a_grant_with_the_same_id_credits_once() {
    let bank = Bank::open().await;
    assert!(bank.grant(100, Some("x")).await);
    assert!(!bank.grant(100, Some("x")).await);
    assert_eq!(bank.posted().await, 100);
    let other = bank
        .ledger
        .grant(bank.wallet, Amount::from_nanos(5), "r", Some("x"))
        .await;
    assert!(matches!(other, Err(GrantError::IdReused { .. })));
    let nothing = bank
        .ledger
        .grant(bank.wallet, Amount::ZERO, "r", None)
        .await;
    assert!(matches!(nothing, Err(GrantError::NotPositive)));
    let stranger = bank
        .ledger
        .grant(WorkspaceId::new(), Amount::from_nanos(1), "r", None)
        .await;
    assert!(matches!(stranger, Err(GrantError::NoWallet)));
    bank.proved().await;
}

#[tokio::test]
async fn a_settled_call_pays_its_cost_and_gets_the_rest_back() {
    let bank = Bank::with(1_000).await;
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(300))
        .await
        .unwrap();
    hold.settle(bank.call(120)).await.unwrap();
    assert_eq!(bank.posted().await, 880);
    assert_eq!(bank.close().await, 880);
}

#[tokio::test]
async fn a_hold_grows_on_another_lease_when_its_own_was_taken_back() {
    let bank = Bank::with(1_000).await;
    let ten = Amount::from_nanos(10);
    let mut hold = bank.ledger.hold(bank.wallet, ten).await.unwrap();
    // Another call holds the rest of the lease, so that growing asks the database.
    let rest = Amount::from_nanos(990);
    let other = bank.ledger.hold(bank.wallet, rest).await.unwrap();
    // As after an outage that was longer than the lease's life.
    assert_eq!(bank.ledger.reclaim_predecessors().await.unwrap(), 1);
    hold.grow_to(Amount::from_nanos(300)).await.unwrap();
    other.release();
    let too_much = hold.grow_to(Amount::from_nanos(1_001)).await;
    assert!(matches!(too_much, Err(HoldError::Insufficient { .. })));
    hold.settle(bank.call(250)).await.unwrap();
    assert_eq!(bank.number("SELECT count(*) AS n FROM lease").await, 2);
    let late = "SELECT count(*) AS n FROM transfer WHERE txn_id LIKE 'late:%'";
    assert_eq!(bank.number(late).await, 0, "a live lease paid");
    assert_eq!(bank.close().await, 750);
}

#[tokio::test]
async fn a_released_or_forgotten_hold_costs_nothing() {
    let bank = Bank::with(1_000).await;
    bank.ledger
        .hold(bank.wallet, Amount::from_nanos(1_000))
        .await
        .unwrap()
        .release();
    drop(
        bank.ledger
            .hold(bank.wallet, Amount::from_nanos(1_000))
            .await
            .unwrap(),
    );
    assert!(
        bank.ledger
            .hold(bank.wallet, Amount::from_nanos(1_000))
            .await
            .is_ok()
    );
    assert_eq!(bank.close().await, 1_000);
}

#[tokio::test]
async fn what_is_held_cannot_be_held_again() {
    let bank = Bank::with(1_000).await;
    let _first = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(700))
        .await
        .unwrap();
    let second = bank.ledger.hold(bank.wallet, Amount::from_nanos(400)).await;
    let Err(HoldError::Insufficient { available }) = second else {
        panic!("an overdraft was allowed")
    };
    assert_eq!(available.nanos(), 300);
    assert!(
        bank.ledger
            .hold(bank.wallet, Amount::from_nanos(300))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_cost_above_the_hold_is_taken_from_the_wallet_and_the_rest_is_the_operators_loss() {
    let bank = Bank::with(1_000).await;
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(10))
        .await
        .unwrap();
    hold.settle(bank.call(400)).await.unwrap();
    assert_eq!(bank.posted().await, 600);
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(600))
        .await
        .unwrap();
    hold.settle(bank.call(900)).await.unwrap();
    assert_eq!(bank.posted().await, 0);
    assert_eq!(bank.losses().await, (300, 300));
    assert_eq!(bank.close().await, 0);
}

#[tokio::test]
async fn a_call_that_seemed_free_is_charged_as_far_as_there_is_money() {
    let bank = Bank::with(30).await;
    let free = || bank.ledger.hold(bank.wallet, Amount::ZERO);
    let nanos = Amount::from_nanos;
    // What is held for while it runs, what it costs, and what of it is paid.
    for (grows_to, cost, paid) in [(0, 0, 0), (0, 10, 10), (5, 12, 12), (9, 9, 8), (0, 7, 0)] {
        let mut hold = free().await.unwrap();
        let grown = hold.grow_to(nanos(grows_to)).await;
        assert_eq!(grown.is_ok(), grows_to <= paid, "to {grows_to}");
        let charged = hold.settle(bank.call(cost)).await.unwrap();
        assert_eq!(charged, nanos(paid), "it costs {cost}");
    }
    assert_eq!(bank.losses().await, (8, 8));
    assert_eq!(bank.close().await, 0);
}

#[tokio::test]
async fn a_call_that_is_refused_with_another_one_is_the_operators_loss() {
    let bank = Bank::with(1_000).await;
    let ten = Amount::from_nanos(10);
    let hold = async || bank.ledger.hold(bank.wallet, ten).await.unwrap();
    let first = bank.call(10);
    let again = CallRecord {
        id: first.id,
        ..bank.call(10)
    };
    hold().await.settle(first).await.unwrap();
    let (twice, beside) = (hold().await, hold().await);
    let (twice, beside) = tokio::join!(twice.settle(again), beside.settle(bank.call(7)));
    assert!(matches!(twice, Err(SettleError::NotCommitted)));
    assert!(matches!(beside, Err(SettleError::NotCommitted)));
    bank.ledger.shutdown().await;
    // Only of the one that was not there.
    assert_eq!(bank.losses().await, (7, 7));
    assert_eq!(bank.close().await, 990);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn money_for_fifty_pays_exactly_fifty_of_two_hundred() {
    let bank = std::sync::Arc::new(Bank::with(50 * 7).await);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let bank = bank.clone();
        callers.spawn(async move {
            let hold = bank
                .ledger
                .hold(bank.wallet, Amount::from_nanos(7))
                .await
                .ok()?;
            hold.settle(bank.call(7)).await.ok()
        });
    }
    let served = callers.join_all().await.into_iter().flatten().count();
    assert_eq!(served, 50);
    assert_eq!(bank.number("SELECT count(*) AS n FROM call").await, 50);
    assert_eq!(bank.posted().await, 0);
    bank.proved().await;
}

#[tokio::test]
async fn many_calls_share_a_commit() {
    let bank = Bank::with(1_000_000).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let hold = bank
            .ledger
            .hold(bank.wallet, Amount::from_nanos(10))
            .await
            .unwrap();
        calls.spawn(hold.settle(bank.call(10)));
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert!(
        bank.number("SELECT count(*) AS n FROM transfer WHERE code = 'usage'")
            .await
            < 20
    );
    assert_eq!(bank.close().await, 999_000);
}

#[tokio::test]
async fn an_idle_lease_goes_back_by_itself() {
    let bank = Bank::with(1_000).await;
    bank.ledger
        .hold(bank.wallet, Amount::from_nanos(5))
        .await
        .unwrap()
        .release();
    assert_eq!(
        bank.number("SELECT count(*) AS n FROM lease WHERE state = 'active'")
            .await,
        1
    );
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if bank
            .number("SELECT count(*) AS n FROM lease WHERE state = 'active'")
            .await
            == 0
        {
            return bank.proved().await;
        }
    }
    panic!("the lease was still out after five seconds");
}

#[tokio::test]
async fn a_dead_servers_leases_are_taken_back_by_the_next() {
    let bank = Bank::with(1_000).await;
    // A server that dies leaves its lease behind; what it had flushed stays charged.
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    hold.settle(bank.call(60)).await.unwrap();
    std::mem::forget(
        bank.ledger
            .hold(bank.wallet, Amount::from_nanos(100))
            .await
            .unwrap(),
    );
    let next = Ledger::new(
        bank.db.db.clone(),
        bank.clock.clone(),
        LedgerConfig::default(),
    );
    assert_eq!(next.reclaim_predecessors().await.unwrap(), 1);
    assert_eq!(
        bank.number("SELECT reserved AS n FROM book WHERE kind = 'wallet'")
            .await,
        0
    );
    assert_eq!(bank.posted().await, 940);
    bank.proved().await;
}

#[tokio::test]
async fn a_flush_that_comes_after_its_lease_was_taken_back_never_overdraws() {
    let bank = Bank::with(100).await;
    let first = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(60))
        .await
        .unwrap();
    Ledger::new(
        bank.db.db.clone(),
        bank.clock.clone(),
        LedgerConfig::default(),
    )
    .reclaim_predecessors()
    .await
    .unwrap();
    // The wallet has the money again: the late call is charged to it directly.
    first.settle(bank.call(60)).await.unwrap();
    assert_eq!(bank.posted().await, 40);
    bank.proved().await;
    assert_eq!(
        bank.number("SELECT count(*) AS n FROM transfer WHERE txn_id LIKE 'late:%'")
            .await,
        1
    );
}

#[tokio::test]
async fn without_a_running_writer_nothing_is_charged_and_nothing_is_lost() {
    let bank = Bank::open().await;
    bank.grant(100, None).await;
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(50))
        .await
        .unwrap();
    assert!(hold.settle(bank.call(50)).await.is_err());
    assert_eq!(bank.number("SELECT count(*) AS n FROM call").await, 0);
    assert!(
        bank.ledger
            .hold(bank.wallet, Amount::from_nanos(100))
            .await
            .is_ok(),
        "the charge was not withdrawn"
    );
}

#[tokio::test]
async fn while_the_database_is_busy_nobody_is_charged_for_an_ending_they_did_not_get() {
    let mut bank = Bank::open().await;
    bank.grant(1_000, None).await;
    let impatient = LedgerConfig {
        commit_wait: Duration::from_secs(1),
        heartbeat: Duration::from_secs(60),
        ..LedgerConfig::default()
    };
    bank.ledger = Ledger::new(bank.db.db.clone(), bank.clock.clone(), impatient);
    bank.ledger.start();
    let before = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    let during = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    before.settle(bank.call(10)).await.unwrap();
    // Somebody else holds the write lock for longer than an ending waits.
    let lock = bank.db.begin().await.unwrap();
    assert!(during.settle(bank.call(20)).await.is_err());
    lock.rollback().await.unwrap();
    let after = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    after.settle(bank.call(40)).await.unwrap();
    bank.ledger.shutdown().await;
    assert_eq!(bank.losses().await, (20, 20));
    assert_eq!(bank.close().await, 950);
}

#[tokio::test]
async fn a_full_disk_charges_nobody_and_is_over_when_there_is_room() {
    let mut bank = Bank::open().await;
    bank.grant(1_000, None).await;
    let impatient = LedgerConfig {
        commit_wait: Duration::from_secs(2),
        ..LedgerConfig::default()
    };
    bank.ledger = Ledger::new(bank.db.db.clone(), bank.clock.clone(), impatient);
    bank.ledger.start();
    let large = || {
        let mut call = bank.call(60);
        call.attempts = vec![Attempt::cancelled(UpstreamId::new(), 1); 4_000];
        call
    };
    let before = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    let limit = |pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        let db = &bank.db;
        async move { exec(db.write(), &sql, []).await.unwrap() }
    };
    limit(1).await;
    assert!(before.settle(large()).await.is_err());
    limit(1_000_000).await;
    let after = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(100))
        .await
        .unwrap();
    after.settle(large()).await.unwrap();
    bank.ledger.shutdown().await;
    // Another connection sees both: the commits were some.
    let attempts = bank.number("SELECT count(*) AS n FROM attempt").await;
    assert_eq!(attempts, 8_000);
    assert_eq!(bank.losses().await, (60, 60));
    assert_eq!(bank.close().await, 940);
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_history_or_to_overdraw() {
    let bank = Bank::with(100).await;
    for sql in [
        "UPDATE transfer SET amount = amount + 1",
        "DELETE FROM transfer",
        "UPDATE price SET output = 0",
        "UPDATE book SET posted = -1 WHERE kind = 'wallet'",
        "UPDATE book SET reserved = posted + 1 WHERE kind = 'wallet'",
        "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, created_at)
            SELECT 'x', 0, w.id, r.id, 'USD', 101, 'usage', 0 FROM book w, book r WHERE w.kind = 'wallet' AND r.kind = 'revenue'",
        "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, created_at)
            SELECT 'x', 0, w.id, r.id, 'EUR', 1, 'usage', 0 FROM book w, book r WHERE w.kind = 'wallet' AND r.kind = 'revenue'",
    ] {
        assert!(exec(bank.db.write(), sql, []).await.is_err(), "allowed: {sql}");
    }
    assert_eq!(bank.close().await, 100);
}

#[tokio::test]
async fn verify_finds_what_is_wrong() {
    for (breakage, check) in [
        (
            "UPDATE book SET posted = posted + 1 WHERE kind = 'wallet'",
            "I3",
        ),
        ("UPDATE book SET reserved = 1 WHERE kind = 'wallet'", "I4"),
        ("UPDATE lot SET remaining = remaining - 1", "I5"),
        ("UPDATE call SET charge_nusd = charge_nusd + 1", "I6"),
        ("UPDATE call SET unbilled_nusd = 3", "I6b"),
        ("UPDATE call SET output = output + 5", "I14"),
        // Tokens of a wrong bucket are another charge, whatever their sum.
        ("UPDATE call SET input = output, output = 0", "I14"),
        ("UPDATE call SET cache_write_1h = 5", "I14"),
        ("UPDATE call SET audio_input = 5", "I14"),
        ("UPDATE call SET image_output = 5", "I14"),
        ("UPDATE call SET tool_calls = 1", "I14"),
        ("UPDATE call SET units = 5", "I14"),
    ] {
        let bank = Bank::with(1_000).await;
        let hold = bank
            .ledger
            .hold(bank.wallet, Amount::from_nanos(50))
            .await
            .unwrap();
        hold.settle(bank.call(40)).await.unwrap();
        bank.ledger.shutdown().await;
        bank.proved().await;
        exec(bank.db.write(), breakage, []).await.unwrap();
        let report = verify(&bank.db).await.unwrap();
        let found = report
            .checks
            .iter()
            .find(|found| found.id == check)
            .unwrap();
        assert!(
            !found.holds && !found.offenders.is_empty(),
            "{breakage} was not found by {check}"
        );
    }
}

fn called(workspace: WorkspaceId, price: PriceId, cost: i64, created_at: UnixMs) -> CallRecord {
    CallRecord {
        id: CallId::new(),
        workspace,
        key: KeyId::new(),
        model: "m".into(),
        price,
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage: Usage {
            output: u64::try_from(cost).unwrap(),
            ..Usage::default()
        },
        cost: Amount::from_nanos(cost),
        first_byte_ms: None,
        duration_ms: 1,
        created_at,
        attempts: Vec::new(),
    }
}

#[test]
fn the_tests_price_is_one_nano_a_token() {
    let price = Price {
        output: PricePerMtok::from_micro_usd(NANO_A_TOKEN).unwrap(),
        ..Price::default()
    };
    assert_eq!(
        price
            .charge(&Usage {
                output: 7,
                ..Usage::default()
            })
            .unwrap()
            .nanos(),
        7
    );
}
