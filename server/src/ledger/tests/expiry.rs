//! Facts about credit that ends.

use std::time::Duration;

use domain::Amount;
use domain::ids::WorkspaceId;

use super::Bank;
use crate::clock::Clock;
use crate::db::{exec, one};
use crate::ids::NewId;
use crate::ledger::{Expired, Ledger, LedgerConfig, give_bonus, open_wallet, verify};

/// When the tests begin.
pub(super) const NOW: i64 = 1_000_000;

impl Bank {
    /// With a clock that stands still; nothing runs yet.
    pub(super) async fn still() -> Self {
        let mut bank = Self::open().await;
        bank.clock = Clock::fixed(NOW);
        let quick = LedgerConfig {
            heartbeat: Duration::from_millis(20),
            idle_return: Duration::from_millis(20),
            ..LedgerConfig::default()
        };
        bank.ledger = Ledger::new(bank.db.db.clone(), bank.clock.clone(), quick);
        bank
    }

    pub(super) async fn bonus_until(&self, nanos: i64, txn: &str, ends: Option<i64>) {
        let tx = self.db.begin().await.unwrap();
        let amount = Amount::from_nanos(nanos);
        let given = give_bonus(&tx, self.wallet, amount, txn, "", ends, NOW).await;
        assert!(given.unwrap());
        tx.commit().await.unwrap();
    }

    /// Its wallet's row.
    async fn book(&self) -> i64 {
        let sql = "SELECT id FROM book WHERE kind = 'wallet'";
        let row = one(self.db.read(), sql, []).await.unwrap().unwrap();
        row.try_get("", "id").unwrap()
    }

    /// Lots taken from, how much, lots left.
    async fn expired(&self) -> (u64, i64, u64) {
        let Expired { lots, amount, left } = self.ledger.expire_lots().await.unwrap();
        (lots, amount.nanos(), left)
    }
}

#[tokio::test]
async fn credit_ends_at_its_moment_and_not_before() {
    let bank = Bank::still().await;
    bank.bonus_until(100, "first", Some(NOW + 10)).await;
    bank.bonus_until(30, "second", Some(NOW + 20)).await;
    bank.bonus_until(7, "never", None).await;
    for (later, taken, posted) in [
        (9, (0, 0, 0), 137),
        (1, (1, 100, 0), 37),
        (0, (0, 0, 0), 37),
        (10, (1, 30, 0), 7),
        (1_000_000, (0, 0, 0), 7),
    ] {
        bank.clock.advance(later);
        assert_eq!(bank.expired().await, taken);
        assert_eq!(bank.posted().await, posted);
        bank.proved().await;
    }
    let lines = bank.ledger.lines(bank.wallet, None, 2).await.unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.amount.nanos(), line.code.as_str()))
        .collect();
    assert_eq!(told, [(-30, "expiry"), (-100, "expiry")]);
    let given = "SELECT CAST(sum(CASE WHEN t.debit_id = b.id THEN t.amount ELSE -t.amount END) AS BIGINT) AS n
                 FROM transfer t JOIN book b ON b.kind = 'bonus' AND b.id IN (t.debit_id, t.credit_id)";
    assert_eq!(bank.number(given).await, 7, "what ended was not given away");
}

#[tokio::test]
async fn what_was_spent_cannot_end() {
    let bank = Bank::still().await;
    bank.bonus_until(100, "b", Some(NOW + 10)).await;
    bank.ledger.start();
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(60))
        .await
        .unwrap();
    hold.settle(bank.call(60)).await.unwrap();
    bank.ledger.shutdown().await;
    bank.clock.advance(10);
    assert_eq!(bank.expired().await, (1, 40, 0));
    assert_eq!(bank.posted().await, 0);
    bank.proved().await;
}

#[tokio::test]
async fn what_a_call_holds_waits_for_its_end() {
    let bank = Bank::still().await;
    bank.bonus_until(100, "b", Some(NOW + 10)).await;
    bank.grant(20, None).await;
    bank.ledger.start();
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(90))
        .await
        .unwrap();
    bank.clock.advance(10);
    // The lease has all of it.
    assert_eq!(bank.expired().await, (0, 0, 1));
    // The call spends what it held, and ended credit first.
    hold.settle(bank.call(70)).await.unwrap();
    bank.ledger.shutdown().await;
    assert_eq!(bank.expired().await, (1, 30, 0));
    assert_eq!(bank.posted().await, 20);
    bank.proved().await;
}

#[tokio::test]
async fn what_is_free_goes_at_once_and_the_rest_by_another_movement() {
    let bank = Bank::still().await;
    bank.bonus_until(100, "b", Some(NOW + 10)).await;
    // As if a node had leased sixty of it, and its calls held fifty.
    let lease = "INSERT INTO lease (id, book_id, node_id, granted, held, state, expires_at, reclaim_after, created_at)
                 SELECT 'lease_1', id, 'node_1', 60, 50, 'active', 0, 0, 0 FROM book WHERE kind = 'wallet'";
    exec(bank.db.write(), lease, []).await.unwrap();
    let reserve = "UPDATE book SET reserved = 60 WHERE kind = 'wallet'";
    exec(bank.db.write(), reserve, []).await.unwrap();
    bank.clock.advance(10);
    assert_eq!(bank.expired().await, (1, 40, 1));
    let asked = "SELECT recall AS n FROM lease";
    assert_eq!(bank.number(asked).await, 1, "the node is asked for the ten");
    bank.proved().await;
    assert_eq!(bank.ledger.reclaim_predecessors().await.unwrap(), 1);
    assert_eq!(bank.expired().await, (1, 60, 0));
    assert_eq!(bank.posted().await, 0);
    let tries =
        "SELECT count(*) AS n FROM transfer WHERE code = 'expiry' AND txn_id LIKE 'expiry:%'";
    assert_eq!(bank.number(tries).await, 2);
    bank.proved().await;
}

#[tokio::test]
async fn verify_finds_credit_that_should_have_ended_and_movements_that_should_not_be() {
    for (breakage, check) in [
        ("UPDATE lot SET expires_at = 1", "I11"),
        (
            "INSERT INTO transfer (txn_id, seq, debit_id, credit_id, currency, amount, code, created_at)
             SELECT 'expiry:1', 0, w.id, b.id, 'USD', 1, 'expiry', 0 FROM book w, book b WHERE w.kind = 'wallet' AND b.kind = 'bonus'",
            "I11b",
        ),
    ] {
        let bank = Bank::still().await;
        bank.bonus_until(100, "b", Some(NOW + 10)).await;
        assert_eq!(bank.expired().await, (0, 0, 0));
        bank.proved().await;
        exec(bank.db.write(), breakage, []).await.unwrap();
        let report = verify(&bank.db).await.unwrap();
        let found = report.checks.iter().find(|found| found.id == check);
        assert!(!found.unwrap().holds, "{breakage} was not found by {check}");
    }
}

#[tokio::test]
async fn wallets_that_cannot_be_looked_at_keep_no_other_one_waiting() {
    let bank = Bank::still().await;
    let first = bank.book().await;
    let mut last = bank.wallet;
    let mut wallets = vec![bank.wallet];
    for _ in 0..4 {
        last = WorkspaceId::new();
        open_wallet(bank.db.write(), last, NOW).await.unwrap();
        wallets.push(last);
    }
    for wallet in &wallets {
        let tx = bank.db.begin().await.unwrap();
        let (amount, txn) = (Amount::from_nanos(100), format!("bonus:{wallet}"));
        let given = give_bonus(&tx, *wallet, amount, &txn, "", Some(NOW + 10), NOW).await;
        assert!(given.unwrap());
        tx.commit().await.unwrap();
    }
    // The database says no to every wallet but the last one.
    let stuck = format!(
        "CREATE TRIGGER stuck BEFORE INSERT ON transfer WHEN NEW.debit_id BETWEEN {first} AND {} BEGIN
            SELECT RAISE(ABORT, 'stuck'); END",
        first + 3
    );
    exec(bank.db.write(), &stuck, []).await.unwrap();
    bank.clock.advance(10);
    assert!(bank.ledger.expire_lots().await.is_err(), "it is told");
    let left = bank.ledger.balance(last).await.unwrap().unwrap();
    assert_eq!(left.posted, Amount::ZERO, "the last one's turn came");
    exec(bank.db.write(), "DROP TRIGGER stuck", [])
        .await
        .unwrap();
    assert_eq!(bank.expired().await, (4, 400, 0));
    bank.proved().await;
}
