//! A writer over a database that behaves as a test says.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::Amount;
use domain::ids::{CallId, LeaseId, PriceId, WorkspaceId};
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::sleep;

use super::called;
use crate::budgets::KeyHold;
use crate::clock::{Clock, Moment, Ticks};
use crate::ids::NewId;
use crate::ledger::flush::Flush;
use crate::ledger::hold::SettleError;
use crate::ledger::item::{Item, Ticket};
use crate::ledger::store::{
    Answer, Asked, Asking, Beat, Failure, Flushed, Held, Patience, Store, Writing,
};
use crate::ledger::wallet::Lease;
use crate::ledger::writer::Writer;

pub(super) type Outcome = oneshot::Receiver<Result<(), SettleError>>;

/// A database that takes charges and losses at once, but for what its manner is.
#[derive(Clone, Default)]
pub(super) struct Fussy(Arc<Mutex<Manner>>);

#[derive(Default)]
pub(super) struct Manner {
    /// The answer to a loss is lost, so often.
    pub(super) loses_losses: usize,
    pub(super) loss_takes: Duration,
    /// A batch of charges does not arrive, and nobody says so; so often.
    pub(super) loses_charges: usize,
    /// Somebody has locked these wallets,
    pub(super) locked: HashSet<i64>,
    /// and keys of these.
    pub(super) locked_keys: HashSet<i64>,
    pub(super) charged: BTreeSet<CallId>,
    pub(super) losses: BTreeSet<CallId>,
    pub(super) reversed: BTreeSet<CallId>,
    /// The last flush of each lease.
    pub(super) flushes: HashMap<LeaseId, (i64, String)>,
}

impl Manner {
    fn has_locked(&self, flush: &Flush) -> bool {
        flush.book().is_some_and(|book| self.locked.contains(&book))
    }

    fn has_locked_a_key(&self, flush: &Flush) -> bool {
        let book = flush.book();
        book.is_some_and(|book| self.locked_keys.contains(&book))
    }

    /// As the real one: what has a number that is not new is there already.
    fn charge(&mut self, flush: &Flush) {
        let lease = flush.lease_id().unwrap();
        let sent = (flush.number, flush.hash.clone());
        if let Some(last) = self.flushes.get(&lease)
            && sent.0 <= last.0
        {
            assert!(sent == *last, "an older flush after a newer one");
            return;
        }
        self.flushes.insert(lease, sent);
        for item in &flush.items {
            assert!(self.charged.insert(item.record.id), "charged twice");
        }
    }
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

impl Fussy {
    pub(super) fn manner(&self) -> parking_lot::MutexGuard<'_, Manner> {
        self.0.lock()
    }

    async fn lose(&self, flush: &Flush) -> Result<(), Failure> {
        let takes = self.0.lock().loss_takes;
        sleep(takes).await;
        let mut manner = self.0.lock();
        if manner.loses_losses > 0 {
            manner.loses_losses -= 1;
            return Err(Failure::Unknown(DbErr::Custom("no answer".into())));
        }
        for item in &flush.items {
            assert!(manner.losses.insert(item.record.id), "written twice");
        }
        Ok(())
    }

    /// What the locks are that this batch waits for in vain, and how long.
    fn waits(&self, flushes: &[Flush], patience: Patience) -> Option<Duration> {
        let manner = self.0.lock();
        match patience {
            Patience::Usual => flushes
                .iter()
                .any(|flush| manner.has_locked(flush) || manner.has_locked_a_key(flush))
                .then_some(Duration::from_secs(2)),
            Patience::Short => flushes
                .iter()
                .any(|flush| !manner.has_locked(flush) && manner.has_locked_a_key(flush))
                .then_some(Duration::from_millis(100)),
        }
    }

    async fn charge(
        &self,
        flushes: &[Flush],
        patience: Patience,
    ) -> Result<Vec<Option<Flushed>>, Failure> {
        if let Some(time) = self.waits(flushes, patience) {
            sleep(time).await;
            return Err(Failure::Locked(DbErr::Custom("locked".into())));
        }
        let mut manner = self.0.lock();
        if manner.loses_charges > 0 {
            manner.loses_charges -= 1;
            return Err(Failure::Unknown(DbErr::Custom("no answer".into())));
        }
        let written = flushes.iter().map(|flush| {
            if manner.has_locked(flush) {
                return None;
            }
            manner.charge(flush);
            Some(Flushed {
                recall: false,
                renewed: true,
            })
        });
        Ok(written.collect())
    }
}

impl Writing for Fussy {
    fn flush<'a>(
        self: Box<Self>,
        _: UnixMs,
        flushes: &'a [Flush],
        patience: Patience,
    ) -> Answer<'a, Vec<Option<Flushed>>, Failure> {
        Box::pin(async move {
            if flushes.iter().all(|flush| flush.lease.is_some()) {
                return self.charge(flushes, patience).await;
            }
            assert_eq!(flushes.len(), 1, "a loss comes alone");
            self.lose(&flushes[0]).await?;
            let flushed = Flushed {
                recall: false,
                renewed: false,
            };
            Ok(vec![Some(flushed)])
        })
    }

    fn reverse<'a>(self: Box<Self>, _: UnixMs, calls: &'a [CallId]) -> Answer<'a, (), Failure> {
        Box::pin(async move {
            let mut manner = self.0.lock();
            if !manner.locked.is_empty() {
                return Err(Failure::Locked(DbErr::Custom("locked".into())));
            }
            manner.reversed.extend(calls);
            Ok(())
        })
    }
}

/// A writer over it.
pub(super) struct Desk {
    pub(super) fussy: Fussy,
    queue: mpsc::Sender<Item>,
    writer: tokio::task::JoinHandle<()>,
    books: AtomicI64,
}

impl Desk {
    pub(super) fn open(manner: Manner) -> Self {
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
            books: AtomicI64::new(1_000_000),
        }
    }

    /// A settled call that costs ten, each of a wallet of its own; `charge` of it is paid.
    pub(super) async fn settles(&self, charge: i64, ticket: Ticket) -> Outcome {
        let lease = lease_of(self.books.fetch_add(1, Ordering::Relaxed));
        self.send((charge > 0).then_some(&lease), charge, ticket)
            .await
            .1
    }

    /// A call that costs ten and is paid.
    pub(super) async fn pays(&self, lease: &Arc<Lease>, ticket: Ticket) -> (CallId, Outcome) {
        self.send(Some(lease), 10, ticket).await
    }

    async fn send(
        &self,
        lease: Option<&Arc<Lease>>,
        charge: i64,
        ticket: Ticket,
    ) -> (CallId, Outcome) {
        let record = called(WorkspaceId::new(), PriceId::new(), 10, 0);
        let (reply, outcome) = oneshot::channel();
        let (call, charge) = (record.id, Amount::from_nanos(charge));
        let item = Item {
            unbilled: record.cost.minus_or_zero(charge),
            record,
            lease: lease.cloned(),
            charge,
            of_key: KeyHold::unlimited().settle(charge),
            ticket,
            reply,
        };
        self.queue.send(item).await.unwrap();
        (call, outcome)
    }

    /// Calls whose callers gave up: each is a loss of its own.
    pub(super) async fn loses(&self, calls: usize) {
        for _ in 0..calls {
            let ticket = Ticket::default();
            assert!(ticket.withdraw());
            drop(self.settles(10, ticket).await);
        }
    }

    pub(super) async fn close(self) -> Manner {
        drop(self.queue);
        self.writer.await.unwrap();
        std::mem::take(&mut *self.fussy.0.lock())
    }
}

pub(super) fn lease_of(book: i64) -> Arc<Lease> {
    let start = Moment::after(Duration::ZERO);
    Arc::new(Lease::new(LeaseId::new(), book, Amount::ZERO, start, start))
}
