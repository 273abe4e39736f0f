//! How do many settled calls share one commit? One task gathers them for five milliseconds, or until there are 256.
//!
//! What was sent is frozen: a batch whose reply was lost is sent again unchanged, and the lease's flush number tells
//! the database whether it already has it. Calls whose waiters gave up before their batch was sent are withdrawn.

use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::ids::LeaseId;
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};

use crate::calls::CallRecord;
use crate::clock::Clock;
use crate::db::Db;

use super::flush::{self, Flush};
use super::hold::SettleError;
use super::wallet::Lease;

/// A settled call on its way to the database.
pub(super) struct Item {
    pub(super) record: CallRecord,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) charge: Amount,
    pub(super) unbilled: Amount,
    pub(super) reply: oneshot::Sender<Result<(), SettleError>>,
}

/// The first of a batch waits so long for company.
const GATHER: Duration = Duration::from_millis(5);
const BATCH_MAX: usize = 256;
/// The wait after a failed commit doubles up to this.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Runs until every sender is gone and everything sent has been committed.
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
        let flushes = freeze(batch.drain(..).filter_map(still_wanted));
        if !flushes.is_empty() {
            commit(&db, &clock, flushes).await;
        }
    }
}

fn still_wanted(item: Item) -> Option<Item> {
    if !item.reply.is_closed() {
        return Some(item);
    }
    if let Some(lease) = &item.lease {
        lease.unsettle(item.charge);
    }
    None
}

/// Groups by lease and numbers each group; from here on the content does not change.
fn freeze(items: impl Iterator<Item = Item>) -> Vec<Flush> {
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
    for flush in &mut flushes {
        flush.seal();
    }
    flushes
}

/// Sends the batch until the database has it.
async fn commit(db: &Db, clock: &Clock, flushes: Vec<Flush>) {
    let mut wait = Duration::from_millis(50);
    loop {
        match flush::apply(db, clock.now_ms(), &flushes).await {
            Ok(()) => {
                flushes.into_iter().for_each(Flush::succeeded);
                return;
            }
            Err(error) if is_refusal(&error) && flushes.len() > 1 => {
                // One of them is wrong; the others must not suffer for it.
                for flush in flushes {
                    Box::pin(commit(db, clock, vec![flush])).await;
                }
                return;
            }
            Err(error) if is_refusal(&error) => {
                tracing::error!(error = %error, "The database refused a flush: its calls are not charged, its lease is shut");
                flushes.into_iter().for_each(Flush::refused);
                return;
            }
            Err(error) => {
                tracing::warn!(error = %error, wait_ms = wait.as_millis(), "The ledger cannot be written; trying again");
                sleep(wait).await;
                wait = (wait * 2).min(BACKOFF_MAX);
            }
        }
    }
}

/// A rule of the schema or of the flush said no: trying again cannot help. Everything else may pass.
fn is_refusal(error: &DbErr) -> bool {
    use sea_orm::SqlxError::Database;
    match error {
        DbErr::Custom(_) | DbErr::RecordNotFound(_) | DbErr::RecordNotInserted | DbErr::Type(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source)) => match source.as_ref() {
            Database(database) => {
                database.is_check_violation() || database.is_unique_violation() || database.is_foreign_key_violation()
            }
            _ => false,
        },
        _ => false,
    }
}
