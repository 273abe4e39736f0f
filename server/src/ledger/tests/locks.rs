//! Facts about rows that somebody has locked for long: the calls of those wallets wait, and no others.

use std::time::Duration;

use domain::Amount;
use tokio::time::{sleep, timeout};

use super::desk::{Desk, Manner, Outcome, lease_of};
use super::{Bank, called};
use crate::db::{all, for_update};
use crate::ids::NewId;
use crate::ledger::item::Ticket;
use crate::ledger::leases;
use crate::ledger::store::{Asked, Asking, Attempt, Beat, Held};
use crate::ledger::{Ledger, LedgerConfig, open_wallet};
use domain::ids::WorkspaceId;

/// What the database waits for a lock before anybody knows of it, once.
const USUAL: Duration = Duration::from_secs(2);
/// What a call waits at most beside locked ones: a row that cannot be skipped, and the next turn.
const MOMENT: Duration = Duration::from_millis(250);

impl Desk {
    /// One call of each wallet that is locked.
    async fn with_locked(wallets: i64, keys: i64) -> (Self, Vec<Outcome>) {
        let desk = Self::open(Manner {
            locked: (0..wallets).collect(),
            locked_keys: (wallets..wallets + keys).collect(),
            ..Manner::default()
        });
        let mut waiting = Vec::new();
        for book in 0..wallets + keys {
            waiting.push(desk.pays(&lease_of(book), Ticket::default()).await.1);
        }
        // Until all of them are known to be locked.
        sleep(2 * USUAL).await;
        (desk, waiting)
    }

    /// Strangers, one after the other for as long as their calls wait for a lock.
    async fn charges_strangers(&self, calls: usize) {
        for _ in 0..calls {
            let charged = self.settles(10, Ticket::default()).await;
            timeout(MOMENT, charged).await.unwrap().unwrap().unwrap();
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn unlock(&self) {
        let mut manner = self.fussy.manner();
        manner.locked.clear();
        manner.locked_keys.clear();
    }
}

#[tokio::test(start_paused = true)]
async fn locked_wallets_hold_up_their_own_calls_alone() {
    let (desk, waiting) = Desk::with_locked(300, 0).await;
    desk.charges_strangers(300).await;
    desk.unlock();
    for outcome in waiting {
        outcome.await.unwrap().unwrap();
    }
    assert_eq!(desk.close().await.charged.len(), 600);
}

#[tokio::test(start_paused = true)]
async fn locked_keys_hold_up_their_own_calls_alone() {
    let (desk, waiting) = Desk::with_locked(2, 1).await;
    desk.charges_strangers(300).await;
    desk.unlock();
    for outcome in waiting {
        outcome.await.unwrap().unwrap();
    }
    assert_eq!(desk.close().await.charged.len(), 303);
}

#[tokio::test(start_paused = true)]
async fn who_meets_a_locked_wallet_waits_for_two_seconds_at_most() {
    let desk = Desk::open(Manner {
        locked: [0].into(),
        ..Manner::default()
    });
    let waiting = desk.pays(&lease_of(0), Ticket::default()).await.1;
    let stranger = desk.settles(10, Ticket::default()).await;
    let charged = timeout(USUAL + MOMENT, stranger).await;
    charged.unwrap().unwrap().unwrap();
    desk.unlock();
    waiting.await.unwrap().unwrap();
    desk.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_written_goes_before_what_came_later_of_its_lease() {
    let desk = Desk::open(Manner {
        loses_charges: 1,
        ..Manner::default()
    });
    let (lease, ticket) = (lease_of(0), Ticket::default());
    let (abandoned, _) = desk.pays(&lease, ticket.clone()).await;
    sleep(Duration::from_millis(20)).await;
    desk.fussy.manner().locked.insert(0);
    // Sent, not answered, and locked now: its outcome is not known.
    sleep(2 * USUAL).await;
    assert!(!ticket.withdraw() && ticket.abandon());
    let mut later = Vec::new();
    for _ in 0..5 {
        later.push(desk.pays(&lease, Ticket::default()).await.1);
        sleep(MOMENT).await;
    }
    desk.charges_strangers(20).await;
    desk.unlock();
    for outcome in later {
        outcome.await.unwrap().unwrap();
    }
    let manner = desk.close().await;
    assert_eq!(manner.charged.len(), 26);
    assert!(manner.reversed.contains(&abandoned) && manner.reversed.len() == 1);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_on_a_locked_wallet_is_not_charged_when_it_is_free() {
    let desk = Desk::open(Manner {
        locked: [0].into(),
        ..Manner::default()
    });
    let (lease, ticket) = (lease_of(0), Ticket::default());
    let (lost, _) = desk.pays(&lease, ticket.clone()).await;
    sleep(2 * USUAL).await;
    assert!(ticket.withdraw());
    let (charged, waiting) = desk.pays(&lease, Ticket::default()).await;
    desk.unlock();
    waiting.await.unwrap().unwrap();
    let manner = desk.close().await;
    assert_eq!(manner.charged, [charged].into());
    assert_eq!(manner.losses, [lost].into());
}

#[tokio::test(start_paused = true)]
async fn charges_go_back_when_their_wallets_are_free() {
    let desk = Desk::open(Manner {
        loses_charges: 4,
        ..Manner::default()
    });
    let mut abandoned = Vec::new();
    for book in 0..40 {
        let ticket = Ticket::default();
        let (call, _) = desk.pays(&lease_of(book), ticket.clone()).await;
        abandoned.push((call, ticket));
    }
    sleep(Duration::from_millis(100)).await;
    for (_, ticket) in &abandoned {
        assert!(ticket.abandon());
    }
    // Of somebody whom no call is charged to, so that it is the way back that is locked.
    desk.fussy.manner().locked.insert(-1);
    sleep(USUAL).await;
    desk.charges_strangers(20).await;
    assert!(desk.fussy.manner().reversed.is_empty());
    desk.unlock();
    let manner = desk.close().await;
    assert_eq!(manner.charged.len(), 60);
    assert_eq!(
        manner.reversed,
        abandoned.into_iter().map(|(call, _)| call).collect()
    );
}

impl Bank {
    /// Another wallet, with credit.
    async fn stranger(&self, nanos: i64) -> WorkspaceId {
        let stranger = WorkspaceId::new();
        open_wallet(self.db.write(), stranger, 0).await.unwrap();
        let credit = Amount::from_nanos(nanos);
        let given = self.ledger.grant(stranger, credit, "a test", None).await;
        assert!(given.unwrap().credited);
        stranger
    }
}

#[tokio::test]
async fn a_lease_that_somebody_has_locked_keeps_no_other_from_its_heartbeat() {
    let Some(db) = crate::testing::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let bank = Bank::over(db).await;
    bank.grant(1_000, None).await;
    let (ten, mut held) = (Amount::from_nanos(10), Vec::new());
    for workspace in [bank.wallet, bank.stranger(1_000).await] {
        let asking = Asking {
            node: "a node",
            workspace,
            existing: None,
            need: ten,
            want: ten,
            attempt: Attempt::First,
        };
        let asked = leases::ask(&bank.db, asking).await.unwrap();
        let Asked::Granted { lease, book, .. } = asked else {
            panic!("{asked:?}")
        };
        held.push(Held {
            lease,
            book,
            amount: ten,
        });
    }
    let alive = Some(Beat {
        alive: true,
        recall: false,
    });
    let told = "SELECT CAST(sum(held) AS BIGINT) AS n FROM lease";

    let stuck = bank.db.begin().await.unwrap();
    let first = format!("SELECT id FROM lease WHERE id = $1{}", for_update(&stuck));
    let rows = all(&stuck, &first, [held[0].lease.to_string().into()]).await;
    assert_eq!(rows.unwrap().len(), 1);
    // Not even that it is lost: nothing is known of it.
    let beats = leases::beat(&bank.db, &held).await.unwrap();
    assert_eq!(beats, [None, alive]);
    assert_eq!(bank.number(told).await, 10);
    stuck.rollback().await.unwrap();
    let beats = leases::beat(&bank.db, &held).await.unwrap();
    assert_eq!(beats, [alive, alive]);
    assert_eq!(bank.number(told).await, 20);
    for held in held {
        leases::close(&bank.db, held.lease, held.book)
            .await
            .unwrap();
    }
    bank.proved().await;
}

/// As above, with PostgreSQL's own locks.
#[tokio::test]
async fn a_node_that_is_stuck_with_a_wallet_holds_up_that_wallet_alone() {
    let Some(db) = crate::testing::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let mut bank = Bank::over(db).await;
    bank.grant(1_000, None).await;
    let stranger = bank.stranger(1_000).await;
    let patient = LedgerConfig {
        commit_wait: Duration::from_secs(5),
        writers: 1,
        ..LedgerConfig::default()
    };
    bank.ledger = Ledger::new(bank.db.db.clone(), bank.clock.clone(), patient);
    bank.ledger.start();
    let ten = Amount::from_nanos(10);
    let mut holds = Vec::new();
    for _ in 0..2 {
        holds.push(bank.ledger.hold(bank.wallet, ten).await.unwrap());
    }
    let (waits, gives_up) = (holds.pop().unwrap(), holds.pop().unwrap());
    let first = bank.ledger.hold(stranger, ten).await.unwrap();

    let stuck = bank.db.begin().await.unwrap();
    let wallet = format!(
        "SELECT id FROM book WHERE workspace_id = $1{}",
        for_update(&stuck)
    );
    let rows = all(&stuck, &wallet, [bank.wallet.to_string().into()]).await;
    assert_eq!(rows.unwrap().len(), 1);
    let gives_up = tokio::spawn(gives_up.settle(bank.call(10)));
    let call = || called(stranger, bank.price, 10, bank.clock.now_ms());
    first.settle(call()).await.unwrap();
    for _ in 0..20 {
        let hold = bank.ledger.hold(stranger, ten).await.unwrap();
        hold.settle(call()).await.unwrap();
    }
    gives_up.await.unwrap().unwrap_err();
    let waits = tokio::spawn(waits.settle(bank.call(10)));
    sleep(Duration::from_millis(500)).await;
    stuck.rollback().await.unwrap();
    waits.await.unwrap().unwrap();
    bank.ledger.shutdown().await;
    let left = bank.ledger.balance(stranger).await.unwrap().unwrap();
    assert_eq!(left.posted.nanos(), 1_000 - 210);
    assert_eq!(bank.losses().await, (10, 10));
    assert_eq!(bank.close().await, 990);
}
