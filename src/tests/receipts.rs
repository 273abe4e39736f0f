//! Are receipts numbered without a gap, however many are written at once and however many fail?

use domain::fx::Coins;
use domain::{Amount, Currency};
use futures::future::join_all;
use server::ledger::verify;
use server::receipts::{Kind, NewReceipt, Receipt, issue};

use crate::app::{TestApp, on_both};

const AT_ONCE: usize = 50;

/// Writes a receipt for an order; every third caller changes their mind before the commit.
async fn write(app: &TestApp, caller: &crate::app::Caller, order: usize, attempt: usize) -> bool {
    let handles = &app.handles;
    let order_id = format!("order_{order}");
    let new = NewReceipt {
        kind: Kind::Receipt,
        order_id: &order_id,
        workspace_id: caller.account.workspace,
        provider: "manual",
        paid: Coins::new(Currency::Usd, 2_500).unwrap(),
        credited: Amount::parse_usd("25").unwrap(),
        bonus: Amount::ZERO,
        rate: None,
        locale: "ru",
        now: handles.clock.now_ms(),
    };
    let tx = handles.db.begin().await.unwrap();
    issue(&tx, &new, &handles.seller).await.unwrap();
    if attempt.is_multiple_of(3) {
        tx.rollback().await.unwrap();
        false
    } else {
        tx.commit().await.unwrap();
        true
    }
}

/// Stops. The ledger holds, but for the orders: here they are only names.
async fn finish(app: TestApp) {
    let db = app.handles.db.clone();
    let _postgres = app.stop().await;
    let report = verify(&db).await.unwrap();
    let broken: Vec<_> = report
        .checks
        .iter()
        .filter(|check| !check.holds)
        .map(|check| check.id)
        .collect();
    assert_eq!(broken, ["I10c"], "{report:#?}");
}

on_both! {
    async fn numbers_have_no_gap_when_many_are_written_and_some_are_taken_back(app) {
        let caller = app.caller("0").await;
        // Two callers for each order: the second one finds the receipt of the first.
        let written = join_all((0..AT_ONCE).map(|attempt| write(&app, &caller, attempt / 2, attempt))).await;
        let orders: std::collections::BTreeSet<usize> =
            written.iter().enumerate().filter(|(_, kept)| **kept).map(|(attempt, _)| attempt / 2).collect();
        let receipts: Vec<Receipt> = app.handles.receipts.list(caller.account.workspace, 100).await.unwrap();
        assert_eq!(receipts.len(), orders.len(), "one for each order");
        let mut numbers: Vec<i64> = receipts.iter().map(|receipt| receipt.number.no).collect();
        numbers.sort_unstable();
        let wanted: Vec<i64> = (1..=i64::try_from(orders.len()).unwrap()).collect();
        assert_eq!(numbers, wanted);
        let report = verify(&app.handles.db).await.unwrap();
        let about = |id: &str| report.checks.iter().find(|check| check.id == id).unwrap();
        assert!(about("I10").holds && about("I10b").holds, "{report:?}");
        finish(app).await;
    }

    async fn a_written_receipt_cannot_be_changed_or_removed(app) {
        use sea_orm::ConnectionTrait;
        let caller = app.caller("0").await;
        assert!(write(&app, &caller, 1, 1).await);
        for sql in ["UPDATE receipt SET paid_coins = 1", "DELETE FROM receipt"] {
            assert!(app.handles.db.write().execute_unprepared(sql).await.is_err(), "{sql}");
        }
        finish(app).await;
    }
}
