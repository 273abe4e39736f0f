//! Facts about credit that is given and taken back.

use domain::Amount;
use domain::ids::{AccountId, WorkspaceId};
use proptest::prelude::*;

use super::Bank;
use crate::audit::{Actor, Audit, By};
use crate::db::{exec, one};
use crate::ids::NewId;
use crate::ledger::{GrantError, Granted, give_bonus, verify};

impl Bank {
    async fn bonus(&self, nanos: i64, txn: &str) -> Result<bool, sea_orm::DbErr> {
        let tx = self.db.begin().await?;
        let amount = Amount::from_nanos(nanos);
        let given = give_bonus(&tx, self.wallet, amount, txn, "a test", None, 1).await?;
        tx.commit().await?;
        Ok(given)
    }

    async fn adjust(&self, nanos: i64, id: Option<&str>) -> Result<Granted, GrantError> {
        let audit = Audit::new(self.db.db.clone(), self.clock.clone());
        let by = By {
            actor: Actor::Account(AccountId::new()),
            from: "203.0.113.9".parse().ok(),
        };
        let amount = Amount::from_nanos(nanos);
        self.ledger
            .grant_audited(self.wallet, amount, "a reason", id, by, &audit)
            .await
    }

    async fn acts(&self) -> i64 {
        self.number("SELECT count(*) AS n FROM audit WHERE action LIKE 'credit.%'")
            .await
    }
}

#[tokio::test]
async fn a_bonus_is_given_once_out_of_its_own_book() {
    let bank = Bank::open().await;
    assert!(bank.bonus(100, "welcome:x").await.unwrap());
    assert!(!bank.bonus(100, "welcome:x").await.unwrap());
    assert_eq!(bank.posted().await, 100);
    let given = "SELECT t.amount AS n FROM transfer t JOIN book b ON b.id = t.debit_id WHERE b.kind = 'bonus' AND t.code = 'bonus'";
    assert_eq!(bank.number(given).await, 100);
    assert!(bank.bonus(0, "nothing").await.is_err());
    assert!(bank.bonus(-5, "less").await.is_err());
    assert!(
        bank.bonus(i64::MAX, "more than a wallet holds")
            .await
            .is_err()
    );
    let tx = bank.db.begin().await.unwrap();
    let stranger = give_bonus(
        &tx,
        WorkspaceId::new(),
        Amount::from_nanos(1),
        "s",
        "",
        None,
        1,
    )
    .await;
    assert!(stranger.is_err());
    drop(tx);
    bank.proved().await;
}

#[tokio::test]
async fn one_persons_bonus_is_not_given_to_a_second_wallet() {
    let bank = Bank::open().await;
    assert!(bank.bonus(100, "welcome:x").await.unwrap());
    let second = WorkspaceId::new();
    crate::ledger::open_wallet(bank.db.write(), second, 0)
        .await
        .unwrap();
    let tx = bank.db.begin().await.unwrap();
    let again = give_bonus(
        &tx,
        second,
        Amount::from_nanos(100),
        "welcome:x",
        "",
        None,
        1,
    )
    .await;
    assert!(!again.unwrap());
    tx.commit().await.unwrap();
    let second = bank.ledger.balance(second).await.unwrap().unwrap();
    assert_eq!(second.posted, Amount::ZERO);
    bank.proved().await;
}

#[tokio::test]
async fn calls_spend_the_portion_that_ends_first() {
    let bank = Bank::with(1_000).await;
    let tx = bank.db.begin().await.unwrap();
    let amount = Amount::from_nanos(50);
    give_bonus(
        &tx,
        bank.wallet,
        amount,
        "b",
        "",
        Some(4_000_000_000_000),
        1,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(40))
        .await
        .unwrap();
    hold.settle(bank.call(40)).await.unwrap();
    let left = "SELECT remaining AS n FROM lot WHERE kind = 'bonus'";
    assert_eq!(bank.number(left).await, 10);
    assert_eq!(bank.close().await, 1_010);
}

#[tokio::test]
async fn credit_is_taken_back_up_to_what_no_call_reserves_and_never_below_zero() {
    let bank = Bank::with(1_000).await;
    let hold = bank
        .ledger
        .hold(bank.wallet, Amount::from_nanos(900))
        .await
        .unwrap();
    // What the lease has and the call does not hold comes back for the asking, and no more.
    let left = Amount::from_nanos(100);
    let too_much = bank.adjust(-101, None).await;
    assert!(matches!(too_much, Err(GrantError::TooMuch { available }) if available == left));
    assert!(bank.adjust(-60, None).await.unwrap().credited);
    hold.settle(bank.call(900)).await.unwrap();
    bank.ledger.shutdown().await;
    assert!(bank.adjust(-40, None).await.unwrap().credited);
    assert!(matches!(
        bank.adjust(-1, None).await,
        Err(GrantError::TooMuch { .. })
    ));
    assert!(matches!(bank.adjust(0, None).await, Err(GrantError::Zero)));
    assert_eq!(bank.posted().await, 0);
    assert_eq!(bank.acts().await, 2, "only what happened is written down");
    bank.proved().await;
}

#[tokio::test]
async fn an_adjustment_and_its_audit_row_happen_together_and_once() {
    let bank = Bank::open().await;
    assert!(bank.adjust(500, Some("ticket 7")).await.unwrap().credited);
    assert!(!bank.adjust(500, Some("ticket 7")).await.unwrap().credited);
    assert!(matches!(
        bank.adjust(-500, Some("ticket 7")).await,
        Err(GrantError::IdReused { .. })
    ));
    assert!(bank.adjust(-200, Some("ticket 8")).await.unwrap().credited);
    assert!(!bank.adjust(-200, Some("ticket 8")).await.unwrap().credited);
    assert_eq!((bank.posted().await, bank.acts().await), (300, 2));
    let row = one(
        bank.db.read(),
        "SELECT action, detail, network FROM audit WHERE action LIKE 'credit.%' ORDER BY id",
        [],
    )
    .await
    .unwrap()
    .unwrap();
    assert_eq!(row.try_get::<String>("", "action").unwrap(), "credit.grant");
    assert_eq!(
        row.try_get::<String>("", "network").unwrap(),
        "203.0.113.0/24"
    );
    let detail: serde_json::Value =
        serde_json::from_str(&row.try_get::<String>("", "detail").unwrap()).unwrap();
    assert_eq!(
        detail,
        serde_json::json!({"amount_nusd": "500", "reason": "a reason", "id": "ticket 7"})
    );
    let lines = bank.ledger.lines(bank.wallet, None, 10).await.unwrap();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line.amount.nanos(), line.code.as_str()))
        .collect();
    assert_eq!(told, [(-200, "adjustment"), (500, "adjustment")]);
    let older = bank
        .ledger
        .lines(bank.wallet, Some(lines[0].id), 10)
        .await
        .unwrap();
    assert_eq!(older, lines[1..]);
    // Where the act cannot be written down, no money moves either.
    exec(bank.db.write(), "ALTER TABLE audit RENAME TO gone", [])
        .await
        .unwrap();
    assert!(bank.adjust(1, None).await.is_err());
    assert_eq!(bank.posted().await, 300);
    exec(bank.db.write(), "ALTER TABLE gone RENAME TO audit", [])
        .await
        .unwrap();
    bank.proved().await;
}

#[tokio::test]
async fn verify_finds_a_portion_that_no_transfer_brought() {
    for breakage in [
        "UPDATE lot SET txn_id = 'elsewhere'",
        "UPDATE lot SET kind = 'adjustment'",
    ] {
        let bank = Bank::open().await;
        bank.bonus(100, "b").await.unwrap();
        exec(bank.db.write(), breakage, []).await.unwrap();
        let report = verify(&bank.db).await.unwrap();
        let found = report
            .checks
            .iter()
            .find(|check| check.id == "I5b")
            .unwrap();
        assert!(!found.holds, "{breakage} was not found");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_is_given_and_taken_the_wallet_is_their_sum_and_never_below_zero(
        steps in prop::collection::vec((-400_i64..400, any::<bool>()), 1..14)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bank = Bank::open().await;
            let mut holds = 0_i64;
            for (n, (nanos, bonus)) in steps.into_iter().enumerate() {
                let done = if bonus && nanos > 0 {
                    bank.bonus(nanos, &format!("b{n}")).await.unwrap()
                } else {
                    bank.adjust(nanos, None).await.is_ok_and(|granted| granted.credited)
                };
                assert_eq!(done, nanos != 0 && holds + nanos >= 0);
                holds += if done { nanos } else { 0 };
            }
            assert_eq!(bank.posted().await, holds);
            bank.proved().await;
        });
    }
}
