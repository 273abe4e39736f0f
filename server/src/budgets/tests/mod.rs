//! Facts about spend limits. A till: one key, a wallet that is never the reason to say no, and nodes that share them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod model;
mod nodes;
mod time;

use std::sync::Arc;
use std::time::Duration;

use domain::ids::{CallId, KeyId, PriceId, WorkspaceId};
use domain::period::Period;
use domain::{Amount, Ending, KeyLimits, PricePerMtok, Rule, Usage};

use super::*;
use crate::audit::{Audit, By};
use crate::calls::CallRecord;
use crate::catalog::{Catalog, NewModel, NewPrice};
use crate::db::{all, exec, one};
use crate::ids::NewId;
use crate::ledger::{Ledger, LedgerConfig, SettleError, open_wallet, verify};
use crate::testing::TestDb;

/// One nano-dollar per output token, so that amounts and tokens are the same number.
const NANO_A_TOKEN: i64 = 1_000;
const WALLET: i64 = 1_000_000_000;
/// A Saturday noon: 2026-11-21T12:00:00Z.
const NOON: UnixMs = 1_795_262_400_000;

struct Till {
    db: TestDb,
    clock: Clock,
    ledger: Ledger,
    price: PriceId,
    key: KeyId,
    workspace: WorkspaceId,
}

fn nanos(nanos: i64) -> Amount {
    Amount::from_nanos(nanos)
}

fn per(period: Period, nanos: i64) -> KeyLimits {
    let mut limits = KeyLimits::default();
    let limit = Some(Amount::from_nanos(nanos));
    match period {
        Period::Day => limits.day = limit,
        Period::Week => limits.week = limit,
        Period::Month => limits.month = limit,
        Period::Total => limits.total = limit,
    }
    limits
}

impl Till {
    async fn open() -> Self {
        let db = crate::testing::db().await;
        let clock = Clock::fixed(NOON);
        let (workspace, key) = (WorkspaceId::new(), KeyId::new());
        let sql = "INSERT INTO workspace (id, created_at) VALUES ($1, 0)";
        exec(db.write(), sql, [workspace.to_string().into()])
            .await
            .unwrap();
        open_wallet(db.write(), workspace, 0).await.unwrap();
        let sql = "INSERT INTO api_key (id, workspace_id, name, test, lookup, masked, created_at) VALUES ($1, $2, 'k', FALSE, $1, 'm', 0)";
        let values = [key.to_string().into(), workspace.to_string().into()];
        exec(db.write(), sql, values).await.unwrap();
        let sql = "INSERT INTO upstream (id, name, dialect, base_url, created_at) VALUES ('up_00000000000000000000000000000000', 'u', 'openai', 'sandbox:', 0)";
        exec(db.write(), sql, []).await.unwrap();
        let catalog = Catalog::new(db.db.clone(), clock.clone());
        let price = NewPrice {
            output: PricePerMtok::from_micro_usd(NANO_A_TOKEN).unwrap(),
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
        ledger
            .grant(workspace, nanos(WALLET), "a test", None)
            .await
            .unwrap();
        ledger.start();
        Self {
            db,
            clock,
            ledger,
            price,
            key,
            workspace,
        }
    }

    /// The only server of its database.
    fn alone(&self) -> Budgets {
        Budgets::among(
            self.db.db.clone(),
            self.clock.clone(),
            Ticks::system(),
            "alone",
            false,
        )
    }

    /// One of several servers.
    fn node(&self, name: &str) -> Budgets {
        Budgets::among(
            self.db.db.clone(),
            self.clock.clone(),
            Ticks::system(),
            name,
            true,
        )
    }

    /// Sets the key's limits, and answers the key as callers' records have it from then on.
    async fn limit(&self, limits: KeyLimits) -> KeyRecord {
        let sql = "UPDATE api_key SET day_nusd = $2, week_nusd = $3, month_nusd = $4, total_nusd = $5 WHERE id = $1";
        let column = |limit: Option<Amount>| limit.map(Amount::nanos).into();
        let values = [
            self.key.to_string().into(),
            column(limits.day),
            column(limits.week),
            column(limits.month),
            column(limits.total),
        ];
        exec(self.db.write(), sql, values).await.unwrap();
        KeyRecord {
            limits: Arc::new(limits),
            ..KeyRecord::for_tests(self.key, self.workspace)
        }
    }

    fn call(&self, cost: i64, created_at: UnixMs) -> CallRecord {
        let usage = Usage {
            output: u64::try_from(cost).unwrap(),
            ..Usage::default()
        };
        CallRecord {
            id: CallId::new(),
            workspace: self.workspace,
            key: self.key,
            model: "m".into(),
            price: self.price,
            ending: Ending::Finished,
            rule: Rule::Reported,
            status: 200,
            streamed: false,
            usage,
            cost: nanos(cost),
            first_byte_ms: None,
            duration_ms: 1,
            created_at,
            attempts: Vec::new(),
        }
    }

    /// A running call that holds so much of everything.
    async fn begin(
        &self,
        budgets: &Budgets,
        key: &KeyRecord,
        amount: i64,
    ) -> Result<Running<'_>, BudgetError> {
        let began = self.clock.now_ms();
        let of_key = budgets.hold(key, nanos(amount), began).await?;
        let hold = self.ledger.hold(self.workspace, nanos(amount)).await;
        Ok(Running {
            till: self,
            hold: hold.unwrap().within(of_key),
            began,
        })
    }

    /// A call that costs what it holds.
    async fn pay(&self, budgets: &Budgets, key: &KeyRecord, cost: i64) -> Result<(), BudgetError> {
        let call = self.begin(budgets, key, cost).await?;
        call.end(cost).await.unwrap();
        Ok(())
    }

    /// Another call has all of the wallet but so much.
    async fn leave(&self, left: i64) -> crate::ledger::Hold {
        let all_but = nanos(WALLET - left);
        self.ledger.hold(self.workspace, all_but).await.unwrap()
    }

    async fn number(&self, sql: &str) -> i64 {
        one(self.db.read(), sql, [])
            .await
            .unwrap()
            .unwrap()
            .try_get("", "n")
            .unwrap()
    }

    async fn charged(&self) -> i64 {
        self.number("SELECT CAST(coalesce(sum(charge_nusd), 0) AS BIGINT) AS n FROM call")
            .await
    }

    async fn unbilled(&self) -> i64 {
        self.number("SELECT CAST(coalesce(sum(unbilled_nusd), 0) AS BIGINT) AS n FROM call")
            .await
    }

    async fn grants(&self) -> i64 {
        self.number("SELECT count(*) AS n FROM key_grant").await
    }

    async fn proved(&self) {
        let report = verify(&self.db).await.unwrap();
        let broken: Vec<_> = report.checks.iter().filter(|check| !check.holds).collect();
        assert!(report.holds(), "{broken:#?}");
    }
}

struct Running<'a> {
    till: &'a Till,
    hold: crate::ledger::Hold,
    began: UnixMs,
}

impl Running<'_> {
    async fn end(self, cost: i64) -> Result<(), SettleError> {
        self.hold
            .settle(self.till.call(cost, self.began))
            .await
            .map(|_| ())
    }
}

fn room(refused: Result<Running<'_>, BudgetError>) -> (Period, i64) {
    match refused.err() {
        Some(BudgetError::Reached {
            period, available, ..
        }) => (period, available.nanos()),
        other => panic!("the limit let it through, or said {other:?}"),
    }
}

#[tokio::test]
async fn a_key_without_limits_leaves_no_trace_and_asks_nobody() {
    let till = Till::open().await;
    let key = till.limit(KeyLimits::default()).await;
    let test = KeyRecord {
        test: true,
        ..till.limit(per(Period::Day, 0)).await
    };
    let alone = till.alone();
    // Somebody else has the write lock: whoever asks the database waits here for seconds.
    let lock = till.db.begin().await.unwrap();
    let asked = async {
        let _free = alone.hold(&key, nanos(5), NOON).await.unwrap();
        let _test = alone.hold(&test, nanos(5), NOON).await.unwrap();
        let _nothing = alone.hold(&key, Amount::ZERO, NOON).await.unwrap();
    };
    tokio::time::timeout(Duration::from_millis(200), asked)
        .await
        .unwrap();
    lock.rollback().await.unwrap();
    till.pay(&alone, &key, 7).await.unwrap();
    let rows = "SELECT (SELECT count(*) FROM key_grant) + (SELECT count(*) FROM key_spend) AS n";
    assert_eq!(till.number(rows).await, 0);
    till.proved().await;
}

#[tokio::test]
async fn what_is_held_counts_as_spent_and_what_is_not_used_comes_back() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 100)).await;
    let alone = till.alone();
    let running = till.begin(&alone, &key, 70).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 31).await), (Period::Day, 30));
    running.end(20).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 81).await), (Period::Day, 80));
    drop(till.begin(&alone, &key, 80).await.unwrap());
    till.pay(&alone, &key, 80).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Day, 0));
    assert_eq!(till.charged().await, 100);
    till.proved().await;
}

#[tokio::test]
async fn every_limit_must_have_room_and_the_longest_short_one_is_named() {
    let till = Till::open().await;
    let limits = KeyLimits {
        day: Some(nanos(50)),
        week: Some(nanos(40)),
        month: Some(nanos(30)),
        total: Some(nanos(60)),
        ..KeyLimits::default()
    };
    let key = till.limit(limits).await;
    let alone = till.alone();
    assert_eq!(
        room(till.begin(&alone, &key, 45).await),
        (Period::Month, 30)
    );
    till.pay(&alone, &key, 30).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Month, 0));
    let spend = till_spend(&till, &alone).await;
    assert_eq!(spend, [30, 30, 30, 30]);
    till.proved().await;
}

async fn till_spend(till: &Till, budgets: &Budgets) -> [i64; 4] {
    let spend = budgets.spent(till.workspace, till.key).await.unwrap();
    Period::ALL.map(|period| spend.spent(period).nanos())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_limit_for_fifty_admits_exactly_fifty_of_two_hundred() {
    let till = Arc::new(Till::open().await);
    let limits = KeyLimits {
        total: Some(nanos(10_000)),
        ..per(Period::Day, 50 * 7 + 6)
    };
    let key = till.limit(limits).await;
    let alone = till.alone();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (till, key, alone) = (till.clone(), key.clone(), alone.clone());
        callers.spawn(async move { till.pay(&alone, &key, 7).await.is_ok() });
    }
    let served = callers
        .join_all()
        .await
        .into_iter()
        .filter(|ok| *ok)
        .count();
    assert_eq!(served, 50);
    assert_eq!(till.charged().await, 50 * 7);
    assert_eq!(till_spend(&till, &alone).await, [350; 4]);
    till.proved().await;
}

#[tokio::test]
async fn a_running_call_grows_to_the_limit_and_no_further() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Month, 1_000)).await;
    let alone = till.alone();
    // The first grant is 64 times 1: what is above it asks the database again.
    let mut running = till.begin(&alone, &key, 1).await.unwrap();
    running.hold.grow_to(nanos(900)).await.unwrap();
    let refused = running.hold.grow_to(nanos(1_001)).await;
    assert!(
        matches!(
            refused,
            Err(crate::ledger::HoldError::KeyLimit {
                period: Period::Month,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(
        running.hold.amount(),
        nanos(900),
        "what was held stays held"
    );
    running.hold.grow_to(nanos(1_000)).await.unwrap();
    running.end(1_000).await.unwrap();
    assert_eq!((till.charged().await, till.unbilled().await), (1_000, 0));
    till.proved().await;
}

#[tokio::test]
async fn a_cost_above_the_limit_is_the_operators_loss_to_the_nano_dollar() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Week, 100)).await;
    let alone = till.alone();
    let running = till.begin(&alone, &key, 10).await.unwrap();
    running.end(140).await.unwrap();
    assert_eq!((till.charged().await, till.unbilled().await), (100, 40));
    assert_eq!(room(till.begin(&alone, &key, 1).await), (Period::Week, 0));
    till.proved().await;
}

#[tokio::test]
async fn a_call_that_seemed_free_is_within_the_limit_too() {
    let till = Till::open().await;
    let budgets = till.alone();
    let key = till.limit(per(Period::Day, 10)).await;
    // What it costs, and what of it is paid.
    for (cost, charged) in [(0, 0), (7, 7), (7, 10), (7, 10)] {
        let call = till.begin(&budgets, &key, 0).await.unwrap();
        call.end(cost).await.unwrap();
        assert_eq!(till.charged().await, charged);
    }
    assert_eq!(till.unbilled().await, 4 + 7);
    assert!(till.begin(&budgets, &key, 1).await.is_err());
    till.proved().await;
    budgets.shutdown().await;
    assert_eq!(till.grants().await, 0);
}

#[tokio::test]
async fn a_call_that_seemed_free_pays_what_both_its_limit_and_the_wallet_have() {
    // The limit, the wallet, the cost, and what of it is paid.
    for (limit, wallet, cost, paid) in [(20, 10, 30, 10), (10, 20, 30, 10), (20, 20, 30, 20)] {
        let till = Till::open().await;
        let other = till.leave(wallet).await;
        let budgets = till.alone();
        let key = till.limit(per(Period::Day, limit)).await;
        let call = till.begin(&budgets, &key, 0).await.unwrap();
        call.end(cost).await.unwrap();
        assert_eq!(till.charged().await, paid, "limit {limit}, wallet {wallet}");
        assert_eq!(till.unbilled().await, cost - paid);
        other.release();
        till.proved().await;
    }
}

#[tokio::test]
async fn what_a_seemingly_free_call_held_for_a_moment_may_go_and_come_again() {
    let till = Till::open().await;
    let budgets = till.alone();
    let key = till.limit(per(Period::Day, 10)).await;
    let mut held = budgets.hold(&key, nanos(0), NOON).await.unwrap();
    held.grow_to(nanos(4)).await.unwrap();
    held.shrink_to(nanos(0));
    budgets.shutdown().await;
    assert_eq!(till.grants().await, 0);
    held.grow_to(nanos(5)).await.unwrap();
    assert_eq!(held.settle(nanos(7)).amount(), nanos(7));
}

#[tokio::test]
async fn a_reached_limit_says_so_without_asking_the_database() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Total, 10)).await;
    let alone = till.alone();
    till.pay(&alone, &key, 10).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 1).await).1, 0);
    let lock = till.db.begin().await.unwrap();
    let asked = alone.hold(&key, nanos(1), NOON);
    let refused = tokio::time::timeout(Duration::from_millis(200), asked)
        .await
        .unwrap();
    assert!(matches!(refused, Err(BudgetError::Reached { .. })));
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn most_calls_find_their_room_in_memory() {
    let till = Till::open().await;
    let key = till.limit(per(Period::Day, 1_000_000)).await;
    let alone = till.alone();
    drop(alone.hold(&key, nanos(10), NOON).await.unwrap());
    let lock = till.db.begin().await.unwrap();
    let holds = async {
        let mut holds = Vec::new();
        for _ in 0..64 {
            holds.push(alone.hold(&key, nanos(10), NOON).await.unwrap());
        }
    };
    tokio::time::timeout(Duration::from_millis(500), holds)
        .await
        .unwrap();
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn a_charge_that_is_not_committed_takes_nothing_from_the_limit() {
    let mut till = Till::open().await;
    let impatient = LedgerConfig {
        commit_wait: Duration::from_millis(200),
        heartbeat: Duration::from_secs(60),
        ..LedgerConfig::default()
    };
    till.ledger = Ledger::new(till.db.db.clone(), till.clock.clone(), impatient);
    till.ledger.start();
    let key = till.limit(per(Period::Day, 100)).await;
    let alone = till.alone();
    let running = till.begin(&alone, &key, 100).await.unwrap();
    let lock = till.db.begin().await.unwrap();
    assert!(running.end(100).await.is_err());
    lock.rollback().await.unwrap();
    // The writer finds out that nobody waits for the charge any more as soon as it can write again.
    let mut tries = 0;
    while till.pay(&alone, &key, 100).await.is_err() {
        tries += 1;
        assert!(tries < 100, "the charge was not withdrawn");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(till.charged().await, 100);
    till.proved().await;
}

#[tokio::test]
async fn calls_before_a_limit_was_set_count_and_another_workspace_sees_nothing() {
    let till = Till::open().await;
    let free = till.limit(KeyLimits::default()).await;
    let alone = till.alone();
    till.pay(&alone, &free, 60).await.unwrap();
    assert_eq!(till_spend(&till, &alone).await, [60; 4]);
    let early = till.begin(&alone, &free, 30).await.unwrap();
    let key = till.limit(per(Period::Month, 100)).await;
    assert_eq!(room(till.begin(&alone, &key, 41).await).1, 40);
    // It runs on, uncounted until it ends: it began before there was a limit.
    early.end(30).await.unwrap();
    assert_eq!(room(till.begin(&alone, &key, 11).await).1, 10);
    till.pay(&alone, &key, 10).await.unwrap();
    assert_eq!(till_spend(&till, &alone).await, [100; 4]);
    let stranger = alone.spent(WorkspaceId::new(), till.key).await.unwrap();
    assert!(stranger.total.is_zero() && stranger.day.is_zero());
    till.proved().await;
}

#[tokio::test]
async fn a_keys_calls_are_added_up_from_an_index_alone() {
    let till = Till::open().await;
    let sql = format!("EXPLAIN QUERY PLAN {}", spend::COUNT);
    let values = ["k".into(), "day".into(), 0.into(), 1.into()];
    let plan = all(till.db.write(), &sql, values).await.unwrap();
    let plan: Vec<String> = plan
        .iter()
        .map(|row| row.try_get("", "detail").unwrap())
        .collect();
    assert!(
        plan.iter()
            .any(|step| step.contains("COVERING INDEX call_of_key")),
        "{plan:?}"
    );
}

#[tokio::test]
async fn verify_finds_a_sum_that_is_wrong() {
    for breakage in [
        "UPDATE key_spend SET spent = spent + 1",
        "UPDATE key_spend SET spent = 0 WHERE period = 'day'",
        "UPDATE key_grant SET spent = granted",
    ] {
        let till = Till::open().await;
        let key = till.limit(per(Period::Day, 1_000)).await;
        till.pay(&till.alone(), &key, 10).await.unwrap();
        till.proved().await;
        exec(till.db.write(), breakage, []).await.unwrap();
        let report = verify(&till.db).await.unwrap();
        let found = report.checks.iter().find(|check| check.id == "K1").unwrap();
        assert!(!found.holds, "{breakage} was not found");
    }
}
