//! Facts about what was served and nobody pays: it is booked, and nobody who pays waits for that.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::ids::{CallId, LeaseId, PriceId, WorkspaceId};
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::{Bank, called};
use crate::budgets::KeyHold;
use crate::clock::{Clock, Moment, Ticks};
use crate::db::{all, for_update};
use crate::ids::NewId;
use crate::ledger::flush::Flush;
use crate::ledger::hold::SettleError;
use crate::ledger::store::{Answer, Asked, Asking, Beat, Failure, Flushed, Held, Store, Writing};
use crate::ledger::wallet::Lease;
use crate::ledger::writer::{Item, Ticket, Writer};
use crate::ledger::{Ledger, LedgerConfig};

/// A database that takes charges at once; losses as a test says.
#[derive(Clone, Default)]
struct Fussy(Arc<Mutex<Manner>>);

#[derive(Default)]
struct Manner {
    /// The answer to a loss is lost, so often.
    loses_losses: usize,
    loss_takes: Duration,
    charged: usize,
    losses: BTreeSet<CallId>,
}

impl Store for Fussy {
    fn ask<'a>(&'a self, _: Asking<'a>) -> Answer<'a, Asked> {
        panic!("a writer asks for no credit")
    }

    fn beat<'a>(&'a self, _: &'a [Held]) -> Answer<'a, Vec<Option<Beat>>> {
        panic!("a writer keeps no leases")
    }

    fn recalled<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<LeaseId>> {
        panic!("a writer keeps no leases")
    }

    fn shrink(&self, _: Held, _: Amount) -> Answer<'_, bool> {
        panic!("a writer keeps no leases")
    }

    fn close(&self, _: LeaseId, _: i64) -> Answer<'_, ()> {
        panic!("a writer keeps no leases")
    }

    fn reclaim(&self, _: bool) -> Answer<'_, u64> {
        panic!("a writer keeps no leases")
    }

    fn begin(&self) -> Answer<'_, Box<dyn Writing>> {
        let writing: Box<dyn Writing> = Box::new(self.clone());
        Box::pin(async { Ok(writing) })
    }
}

impl Writing for Fussy {
    fn flush<'a>(
        self: Box<Self>,
        _: UnixMs,
        flushes: &'a [Flush],
    ) -> Answer<'a, Vec<Flushed>, Failure> {
        Box::pin(async move {
            let is_loss = flushes.iter().any(|flush| flush.lease.is_none());
            if is_loss {
                assert_eq!(flushes.len(), 1, "a loss comes alone");
                let takes = self.0.lock().loss_takes;
                sleep(takes).await;
            }
            let mut manner = self.0.lock();
            if is_loss && manner.loses_losses > 0 {
                manner.loses_losses -= 1;
                return Err(Failure::Unknown(DbErr::Custom("no answer".into())));
            }
            let items = flushes.iter().flat_map(|flush| &flush.items);
            for item in items {
                if is_loss {
                    assert!(manner.losses.insert(item.record.id), "written twice");
                } else {
                    manner.charged += 1;
                }
            }
            let flushed = flushes.iter().map(|_| Flushed {
                recall: false,
                renewed: true,
            });
            Ok(flushed.collect())
        })
    }

    fn reverse<'a>(self: Box<Self>, _: UnixMs, _: &'a [CallId]) -> Answer<'a, (), Failure> {
        Box::pin(async { Ok(()) })
    }
}

/// A writer over it.
struct Desk {
    fussy: Fussy,
    queue: mpsc::Sender<Item>,
    writer: tokio::task::JoinHandle<()>,
}

impl Desk {
    fn open(manner: Manner) -> Self {
        let fussy = Fussy(Arc::new(Mutex::new(manner)));
        let (queue, receiver) = mpsc::channel(1_000);
        let writer = Writer {
            store: Arc::new(fussy.clone()),
            clock: Clock::fixed(0),
            ticks: Ticks::system(),
            recalls: Arc::new(Notify::new()),
        };
        Self {
            fussy,
            queue,
            writer: tokio::spawn(writer.run(receiver)),
        }
    }

    /// A settled call that costs ten, each on a lease of its own; `charge` of it is paid.
    async fn settles(
        &self,
        charge: i64,
        ticket: Ticket,
    ) -> oneshot::Receiver<Result<(), SettleError>> {
        let record = called(WorkspaceId::new(), PriceId::new(), 10, 0);
        let start = Moment::after(Duration::ZERO);
        let lease = Lease::new(LeaseId::new(), 1, Amount::ZERO, start, start);
        let (reply, outcome) = oneshot::channel();
        let charge = Amount::from_nanos(charge);
        let item = Item {
            unbilled: record.cost.minus_or_zero(charge),
            record,
            lease: (!charge.is_zero()).then(|| Arc::new(lease)),
            charge,
            of_key: KeyHold::unlimited().settle(charge),
            ticket,
            reply,
        };
        self.queue.send(item).await.unwrap();
        outcome
    }

    /// Calls whose callers gave up: each is a loss of its own.
    async fn loses(&self, calls: usize) {
        for _ in 0..calls {
            let ticket = Ticket::default();
            assert!(ticket.withdraw());
            drop(self.settles(10, ticket).await);
        }
    }

    async fn close(self) -> Manner {
        drop(self.queue);
        self.writer.await.unwrap();
        std::mem::take(&mut *self.fussy.0.lock())
    }
}

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
    assert!(desk.fussy.0.lock().losses.is_empty());
    desk.fussy.0.lock().loses_losses = 0;
    unpaid.await.unwrap().unwrap();
    let manner = desk.close().await;
    assert_eq!((manner.charged, manner.losses.len()), (300, 21));
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
    desk.fussy.0.lock().loses_losses = 1;
    let unpaid = desk.settles(0, Ticket::default()).await;
    let written = timeout(Duration::from_secs(3), unpaid).await;
    written.unwrap().unwrap().unwrap();
    assert!(desk.fussy.0.lock().losses.len() < 150);
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
