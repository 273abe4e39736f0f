//! How do many settled calls share one commit? One task gathers them for five milliseconds, or until there are 256.
//!
//! A call's waiter may give up while its batch is not on its way: then the call is withdrawn and not charged. What may
//! have reached the database is frozen: it is sent again unchanged until the outcome is known, and the lease's flush
//! number tells the database whether it already has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use domain::Amount;
use domain::ids::LeaseId;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use crate::budgets::KeyCharge;
use crate::calls::CallRecord;
use crate::clock::Clock;
use crate::db::Db;

use super::flush::{self, Failure, Flush};
use super::hold::SettleError;
use super::wallet::Lease;

/// A settled call on its way to the database.
pub(super) struct Item {
    pub(super) record: CallRecord,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) charge: Amount,
    pub(super) unbilled: Amount,
    pub(super) of_key: KeyCharge,
    pub(super) ticket: Ticket,
    pub(super) reply: oneshot::Sender<Result<(), SettleError>>,
}

impl Item {
    /// It is not charged after all: its money and its part of the key's limits are free again.
    pub(super) fn undo(&self) {
        if let Some(lease) = &self.lease {
            lease.unsettle(self.charge);
        }
        self.of_key.unsettle();
    }
}

/// Whose turn it is: the waiter may withdraw a waiting call, the writer may send it, never both.
#[derive(Clone, Default)]
pub(super) struct Ticket(Arc<AtomicU8>);

const WAITING: u8 = 0;
const SENDING: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Ticket {
    /// The waiter gives up. False when the call is already on its way: its outcome comes.
    pub(super) fn withdraw(&self) -> bool {
        self.turn(WAITING, WITHDRAWN)
    }

    /// The writer sends it. False when it was withdrawn.
    pub(super) fn claim(&self) -> bool {
        self.turn(WAITING, SENDING)
    }

    /// The database certainly does not have it: it waits again.
    pub(super) fn put_back(&self) {
        self.turn(SENDING, WAITING);
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// The first of a batch waits so long for company.
const GATHER: Duration = Duration::from_millis(5);
const BATCH_MAX: usize = 256;
/// The wait after a failed commit doubles up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Runs until every sender is gone and everything sent has been committed or withdrawn.
pub(super) async fn run(db: Db, clock: Clock, mut queue: mpsc::Receiver<Item>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while let Some(first) = queue.recv().await {
        batch.push(first);
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH_MAX {
            match timeout_at(until, queue.recv()).await {
                Ok(Some(item)) => batch.push(item),
                Ok(None) | Err(_) => break,
            }
        }
        commit(&db, &clock, by_lease(batch.drain(..))).await;
    }
}

fn by_lease(items: impl Iterator<Item = Item>) -> Vec<Flush> {
    let mut flushes: Vec<Flush> = Vec::new();
    for item in items {
        let lease: Option<LeaseId> = item.lease.as_ref().map(|lease| lease.id);
        match flushes.iter_mut().find(|flush| flush.lease_id() == lease) {
            Some(flush) => flush.items.push(item),
            None => flushes.push(Flush::new(item)),
        }
    }
    // Locked in the same order by every node, so that two batches cannot wait for each other.
    flushes.sort_by_key(|flush| flush.lease.as_ref().map(|lease| lease.book));
    flushes
}

/// Sends the batch until the database has it, or nobody waits for it any more.
async fn commit(db: &Db, clock: &Clock, mut flushes: Vec<Flush>) {
    let mut wait = Duration::from_millis(50);
    let mut frozen = false;
    loop {
        // Waiting for a connection or for the write lock is not sending: meanwhile waiters may still give up.
        let begun = db.begin().await;
        if !frozen {
            flushes.iter_mut().for_each(Flush::claim);
            flushes.retain(|flush| !flush.items.is_empty());
        }
        if flushes.is_empty() {
            return;
        }
        let outcome = match begun {
            Ok(tx) => flush::apply(tx, clock.now_ms(), &flushes).await,
            Err(error) => Err(Failure::NotCommitted(error)),
        };
        let error = match outcome {
            Ok(()) => {
                flushes.into_iter().for_each(Flush::succeeded);
                return;
            }
            Err(Failure::NotCommitted(error)) if !frozen && is_refusal(&error) => {
                if flushes.len() == 1 {
                    tracing::error!(error = %error, "The database refused a flush: its calls are not charged, its lease is shut");
                    flushes.into_iter().for_each(Flush::refused);
                    return;
                }
                // One of them is wrong; the others must not suffer for it.
                flushes.iter().for_each(Flush::put_back);
                for flush in flushes {
                    Box::pin(commit(db, clock, vec![flush])).await;
                }
                return;
            }
            Err(Failure::NotCommitted(error)) => {
                if !frozen {
                    flushes.iter().for_each(Flush::put_back);
                }
                error
            }
            Err(Failure::Unknown(error)) => {
                frozen = true;
                error
            }
        };
        tracing::warn!(error = %error, wait_ms = wait.as_millis(), "The ledger cannot be written; trying again");
        sleep(wait).await;
        wait = (wait * 2).min(BACKOFF_MAX);
    }
}

/// A rule of the schema or of the flush said no: trying again cannot help. Everything else may pass.
fn is_refusal(error: &DbErr) -> bool {
    use sea_orm::SqlxError::Database;
    match error {
        DbErr::Custom(_) | DbErr::RecordNotFound(_) | DbErr::RecordNotInserted | DbErr::Type(_) => {
            true
        }
        DbErr::Exec(RuntimeErr::SqlxError(source))
        | DbErr::Query(RuntimeErr::SqlxError(source)) => match source.as_ref() {
            Database(database) => {
                database.is_check_violation()
                    || database.is_unique_violation()
                    || database.is_foreign_key_violation()
            }
            _ => false,
        },
        _ => false,
    }
}
