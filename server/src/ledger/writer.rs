//! How do many settled calls share one commit? One task gathers them while they come, for five milliseconds at most, or
//! until there are 256; those that settle during a commit are the next batch.
//!
//! A call's waiter may give up while its batch is not on its way: then the call is withdrawn and not charged. What may
//! have reached the database is frozen: it is sent again unchanged until the outcome is known, and the lease's flush
//! number tells the database whether it already has it. A waiter that cannot wait for that outcome abandons the call:
//! if it turns out to be charged, the charge goes back. What was served and is not charged is the operator's loss, which
//! is written beside the charges ([`Losses`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use domain::ids::{CallId, LeaseId};
use domain::{Amount, Problem};
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::budgets::{KeyCharge, KeyHold};
use crate::calls::CallRecord;
use crate::clock::{Clock, Moment, Ticks};

use super::flush::Flush;
use super::hold::SettleError;
use super::losses::Losses;
use super::node::Node;
use super::store::{Failure, Flushed, Store};
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

    /// Money moves for it although no wallet pays.
    pub(super) fn is_loss(&self) -> bool {
        self.lease.is_none() && !self.unbilled.is_zero()
    }

    /// What is written of it when it is not charged: nobody waits, nobody pays. Nothing of a call that cost nothing.
    pub(super) fn into_loss(self) -> Option<Self> {
        if self.record.cost.is_zero() {
            return None;
        }
        let mut record = self.record;
        if !record.streamed {
            record.status = Problem::SettlementFailed.status();
        }
        Some(Self {
            unbilled: record.cost,
            record,
            lease: None,
            charge: Amount::ZERO,
            of_key: KeyHold::unlimited().settle(Amount::ZERO),
            ticket: Ticket::default(),
            reply: self.reply,
        })
    }
}

/// Whose turn it is: the waiter may withdraw a waiting call and abandon one that is on its way, the writer may send it
/// and say that it is done; never two of these.
#[derive(Clone, Default)]
pub(super) struct Ticket(Arc<AtomicU8>);

const WAITING: u8 = 0;
const SENDING: u8 = 1;
const WITHDRAWN: u8 = 2;
const ABANDONED: u8 = 3;
const DONE: u8 = 4;

impl Ticket {
    /// The waiter gives up. False when the call is already on its way: its outcome comes.
    pub(super) fn withdraw(&self) -> bool {
        self.turn(WAITING, WITHDRAWN)
    }

    /// The waiter gives up on a call whose outcome is not known. False when it just became known.
    pub(super) fn abandon(&self) -> bool {
        self.turn(SENDING, ABANDONED)
    }

    /// The writer sends it. False when it was withdrawn.
    pub(super) fn claim(&self) -> bool {
        self.turn(WAITING, SENDING)
    }

    /// The database certainly does not have it: it waits again.
    pub(super) fn put_back(&self) {
        if !self.turn(SENDING, WAITING) {
            self.turn(ABANDONED, WITHDRAWN);
        }
    }

    /// It is charged. False when its waiter had abandoned it.
    pub(super) fn done(&self) -> bool {
        self.turn(SENDING, DONE)
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

/// The first of a batch waits at most so long for company, and no longer than nobody comes for a moment.
const GATHER: Duration = Duration::from_millis(5);
const LULL: Duration = Duration::from_millis(1);
const BATCH_MAX: usize = 256;
/// Charges that go back in one transaction.
const REVERSED_MAX: usize = 16;
/// The wait after a failed commit doubles up to this.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(1);
pub(super) const BACKOFF_MIN: Duration = Duration::from_millis(50);

/// What the writer needs.
pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) ticks: Ticks,
    /// Told when a flush learns that a lease is wanted elsewhere.
    pub(super) recalls: Arc<Notify>,
}

impl Writer {
    /// Runs until every sender is gone and everything sent has been committed, or was withdrawn and is booked as lost.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Item>) {
        let (mut losses, mut wait) = (Losses::new(), BACKOFF_MIN);
        while let Some(batch) = gather(&mut queue, losses.next()).await {
            let nobody_waits = batch.is_empty();
            let (unpaid, paid) = batch.into_iter().partition(Item::is_loss);
            losses.add_waited_for(by_lease(unpaid));
            let left = self.commit(by_lease(paid), &mut wait).await;
            losses.add(left.losses);
            self.reverse(left.to_reverse).await;
            // When the database takes what somebody waits for.
            if nobody_waits || wait == BACKOFF_MIN {
                losses.write_one(self.store.as_ref(), &self.clock).await;
            }
            if nobody_waits && queue.is_closed() && losses.are_given_up() {
                return;
            }
        }
    }

    /// Sends the batch until the database has it, or nobody waits for it any more: those calls leave it as losses.
    async fn commit(&self, mut flushes: Vec<Flush>, wait: &mut Duration) -> Left {
        let (mut left, mut frozen) = (Left::default(), false);
        if flushes.is_empty() {
            return left;
        }
        loop {
            // Waiting for a connection or for the write lock is not sending: meanwhile waiters may still give up.
            let begun = self.store.begin().await;
            if !frozen {
                let losses = flushes.iter_mut().filter_map(Flush::claim);
                left.losses.extend(losses);
                flushes.retain(|flush| !flush.items.is_empty());
            }
            if flushes.is_empty() {
                return left;
            }
            let sent_at = self.ticks.now();
            let outcome = match begun {
                Ok(writing) => writing.flush(self.clock.now_ms(), &flushes).await,
                Err(error) => Err(Failure::NotCommitted(error)),
            };
            let error = match outcome {
                Ok(flushed) => {
                    *wait = BACKOFF_MIN;
                    left.to_reverse = self.committed(sent_at, flushes, &flushed);
                    return left;
                }
                // Also when it was sent before: the refusal came after that attempt's locks were gone, and what it had
                // committed would have been found.
                Err(Failure::NotCommitted(error)) if is_refusal(&error) => {
                    left.and(self.refused(flushes, &error, wait).await);
                    return left;
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
            pause(&error, wait).await;
        }
    }

    fn committed(&self, sent_at: Moment, flushes: Vec<Flush>, flushed: &[Flushed]) -> Vec<CallId> {
        for (flush, flushed) in flushes.iter().zip(flushed) {
            if let Some(lease) = flush.lease.as_ref().filter(|_| flushed.renewed) {
                lease.renewed(sent_at, Node::valid_until(sent_at));
            }
        }
        if flushed.iter().any(|flushed| flushed.recall) {
            self.recalls.notify_one();
        }
        flushes.into_iter().flat_map(Flush::succeeded).collect()
    }

    /// One of them is wrong; the others must not suffer for it.
    async fn refused(&self, mut flushes: Vec<Flush>, error: &DbErr, wait: &mut Duration) -> Left {
        if flushes.len() == 1 {
            tracing::error!(error = %error, "The database refused a flush: its calls are not charged, its lease is shut");
            return Left {
                to_reverse: Vec::new(),
                losses: flushes.drain(..).flat_map(Flush::refused).collect(),
            };
        }
        flushes.iter().for_each(Flush::put_back);
        let mut all = Left::default();
        for flush in flushes {
            all.and(Box::pin(self.commit(vec![flush], wait)).await);
        }
        all
    }

    /// A few at a time: each takes some statements, and all of one transaction must be done before it is given up.
    async fn reverse(&self, calls: Vec<CallId>) {
        for some in calls.chunks(REVERSED_MAX) {
            self.reverse_some(some).await;
        }
    }

    async fn reverse_some(&self, calls: &[CallId]) {
        let mut wait = BACKOFF_MIN;
        loop {
            let outcome = match self.store.begin().await {
                Ok(writing) => writing.reverse(self.clock.now_ms(), calls).await,
                Err(error) => Err(Failure::NotCommitted(error)),
            };
            match outcome {
                Ok(()) => return,
                // One of them is wrong; the others must not suffer for it.
                Err(Failure::NotCommitted(error)) if is_refusal(&error) && calls.len() > 1 => {
                    for call in calls {
                        Box::pin(self.reverse_some(std::slice::from_ref(call))).await;
                    }
                    return;
                }
                Err(Failure::NotCommitted(error)) if is_refusal(&error) => {
                    tracing::error!(error = %error, calls = ?calls, "Charges could not be given back that nobody was told of: correct these wallets by hand");
                    return;
                }
                Err(Failure::NotCommitted(error) | Failure::Unknown(error)) => {
                    pause(&error, &mut wait).await;
                }
            }
        }
    }
}

/// What a batch leaves to be done.
#[derive(Default)]
struct Left {
    /// Charged although their callers had been told otherwise.
    to_reverse: Vec<CallId>,
    /// Served, charged to nobody, and not written.
    losses: Vec<Flush>,
}

impl Left {
    fn and(&mut self, other: Self) {
        self.to_reverse.extend(other.to_reverse);
        self.losses.extend(other.losses);
    }
}

/// What settles at the same time. `None` when nothing comes any more; nothing at all when it is time for something else.
async fn gather(queue: &mut mpsc::Receiver<Item>, other: Option<Instant>) -> Option<Vec<Item>> {
    let first = match other {
        None => queue.recv().await?,
        Some(time) => match timeout_at(time, queue.recv()).await {
            Ok(Some(item)) => item,
            Ok(None) => {
                sleep_until(time).await;
                return Some(Vec::new());
            }
            Err(_) => return Some(Vec::new()),
        },
    };
    let mut batch = Vec::with_capacity(BATCH_MAX);
    batch.push(first);
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH_MAX {
        // Whoever settles at the same time does so now; nobody waits for those who do not come.
        let lull = until.min(Instant::now() + LULL);
        match timeout_at(lull, queue.recv()).await {
            Ok(Some(item)) => batch.push(item),
            Ok(None) | Err(_) => break,
        }
    }
    Some(batch)
}

async fn pause(error: &DbErr, wait: &mut Duration) {
    tracing::warn!(error = %error, wait_ms = wait.as_millis(), "The ledger cannot be written; trying again");
    sleep(*wait).await;
    *wait = (*wait * 2).min(BACKOFF_MAX);
}

fn by_lease(items: Vec<Item>) -> Vec<Flush> {
    let mut flushes: Vec<Flush> = Vec::new();
    let mut places: std::collections::HashMap<Option<LeaseId>, usize> =
        std::collections::HashMap::new();
    for item in items {
        let lease: Option<LeaseId> = item.lease.as_ref().map(|lease| lease.id);
        match places.get(&lease) {
            Some(place) => flushes[*place].items.push(item),
            None => {
                places.insert(lease, flushes.len());
                flushes.push(Flush::new(item));
            }
        }
    }
    flushes
}

/// A rule of the schema or of the flush said no: trying again cannot help. Everything else may pass.
pub(super) fn is_refusal(error: &DbErr) -> bool {
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
                    // SQLite's, where a trigger says no.
                    || database.code().as_deref() == Some("1811")
            }
            _ => false,
        },
        _ => false,
    }
}
