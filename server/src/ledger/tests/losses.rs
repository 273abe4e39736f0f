//! Facts about what was served and nobody pays: it is booked, and nobody who pays waits for that.

use std::time::Duration;

use domain::Amount;
use tokio::time::{Instant, sleep, timeout};

use super::Bank;
use super::desk::{Desk, Manner};
use crate::db::{all, for_update};
use crate::ledger::hold::SettleError;
use crate::ledger::item::Ticket;
use crate::ledger::{Ledger, LedgerConfig};

#[tokio::test(start_paused = true)]
async fn no_charge_waits_for_losses_that_cannot_be_written() {
    let desk = Desk::open(Manner {
        loses_losses: usize::MAX,
        ..Manner::default()
    });
    desk.loses(20).await;
    // Nothing was held for this one, nobody pays it, and somebody waits.
    let unpaid = desk.settles(0, Ticket::default()).await;
    for _ in 0..300 {
        let charged = desk.settles(10, Ticket::default()).await;
        let charged = timeout(Duration::from_millis(100), charged).await;
        charged.unwrap().unwrap().unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    assert!(desk.fussy.manner().losses.is_empty());
    desk.fussy.manner().loses_losses = 0;
    unpaid.await.unwrap().unwrap();
    let manner = desk.close().await;
    assert_eq!((manner.charged.len(), manner.losses.len()), (300, 21));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_row_does_not_stand_behind_those_for_whom_nobody_waits() {
    let desk = Desk::open(Manner {
        loses_losses: usize::MAX,
        loss_takes: Duration::from_millis(20),
        ..Manner::default()
    });
    desk.loses(300).await;
    sleep(Duration::from_secs(1)).await;
    desk.fussy.manner().loses_losses = 1;
    let unpaid = desk.settles(0, Ticket::default()).await;
    let written = timeout(Duration::from_secs(3), unpaid).await;
    written.unwrap().unwrap().unwrap();
    assert!(desk.fussy.manner().losses.len() < 150);
    assert_eq!(desk.close().await.losses.len(), 301);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_losses_are_tried_for_as_long_as_some_are_written() {
    let slow = Desk::open(Manner {
        loss_takes: Duration::from_secs(2),
        ..Manner::default()
    });
    slow.loses(100).await;
    assert_eq!(slow.close().await.losses.len(), 100);

    let away = Desk::open(Manner {
        loses_losses: usize::MAX,
        ..Manner::default()
    });
    away.loses(100).await;
    let begun = Instant::now();
    assert!(away.close().await.losses.is_empty());
    let tried = begun.elapsed().as_secs();
    assert!((30..33).contains(&tried), "tried for {tried} s");
}

#[tokio::test]
async fn a_node_that_is_stuck_with_the_book_of_losses_holds_up_no_charge() {
    let Some(db) = crate::testing::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let mut bank = Bank::over(db).await;
    bank.grant(1_000, None).await;
    // Less than the database waits for any other lock.
    let impatient = LedgerConfig {
        commit_wait: Duration::from_secs(1),
        writers: 1,
        ..LedgerConfig::default()
    };
    bank.ledger = Ledger::new(bank.db.db.clone(), bank.clock.clone(), impatient);
    bank.ledger.start();
    let stuck = bank.db.begin().await.unwrap();
    let book = format!(
        "SELECT id FROM book WHERE kind = 'operator_loss'{}",
        for_update(&stuck)
    );
    assert_eq!(all(&stuck, &book, []).await.unwrap().len(), 1);
    let whole = bank.ledger.hold(bank.wallet, Amount::from_nanos(1_000));
    let whole = whole.await.unwrap();
    let free = bank.ledger.hold(bank.wallet, Amount::ZERO).await.unwrap();
    // The wallet is in use to the last: nobody pays this one.
    let lost = free.settle(bank.call(30)).await;
    assert!(matches!(lost, Err(SettleError::NotCommitted)));
    whole.release();
    for _ in 0..20 {
        let hold = bank.ledger.hold(bank.wallet, Amount::from_nanos(10));
        hold.await.unwrap().settle(bank.call(10)).await.unwrap();
    }
    stuck.rollback().await.unwrap();
    bank.ledger.shutdown().await;
    assert_eq!(bank.losses().await, (30, 30));
    assert_eq!(bank.close().await, 800);
}
