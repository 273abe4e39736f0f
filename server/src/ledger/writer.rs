//! How do many settled calls share one commit? One task gathers them while they come, for five milliseconds at most, or
//! until there are 256; those that settle during a commit are the next batch.
//!
//! A call's waiter may give up while its batch is not on its way: then the call is withdrawn and not charged. What may
//! have reached the database is frozen: it is sent again unchanged until the outcome is known, and the lease's flush
//! number tells the database whether it already has it. A waiter that cannot wait for that outcome abandons the call:
//! if it turns out to be charged, the charge goes back. What was served and is not charged is the operator's loss, which
//! is written beside the charges ([`Losses`]); so is what waits for somebody else's locks ([`Locked`]).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{CallId, LeaseId};
use sea_orm::{DbErr, RuntimeErr};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::clock::{Clock, Moment, Ticks};

use super::flush::Flush;
use super::item::Item;
use super::locked::Locked;
use super::losses::Losses;
use super::node::Node;
use super::store::{Failure, Flushed, Patience, Store};

/// The first of a batch waits at most so long for company, and no longer than nobody comes for a moment.
const GATHER: Duration = Duration::from_millis(5);
const LULL: Duration = Duration::from_millis(1);
pub(super) const BATCH_MAX: usize = 256;
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
        let (mut locked, mut losses) = (Locked::new(), Losses::new());
        let mut wait = BACKOFF_MIN;
        while let Some(batch) = gather(&mut queue, soonest(locked.next(), losses.next())).await {
            let nobody_waits = batch.is_empty();
            let (unpaid, paid) = batch.into_iter().partition(Item::is_loss);
            losses.add_waited_for(by_lease(unpaid));
            let paid = locked.join(by_lease(paid));
            let left = self.commit(paid, locked.patience(), &mut wait).await;
            losses.add(self.take_up(left, &mut locked).await);
            if locked.is_due() {
                losses.add(self.try_locked(&mut locked, &mut wait).await);
            }
            // When the database takes what somebody waits for.
            if nobody_waits || wait == BACKOFF_MIN {
                losses.write_one(self.store.as_ref(), &self.clock).await;
            }
            let idle = nobody_waits && queue.is_closed() && locked.is_empty();
            if idle && losses.are_given_up() {
                return;
            }
        }
    }

    /// Sends the batch until the database has it, or nobody waits for it any more: those calls leave it as losses. So do
    /// calls whose rows somebody has locked: they are for another time.
    async fn commit(
        &self,
        mut flushes: Vec<Flush>,
        mut patience: Patience,
        wait: &mut Duration,
    ) -> Left {
        let mut left = Left::default();
        if flushes.is_empty() {
            return left;
        }
        loop {
            // Waiting for a connection or for the write lock is not sending: meanwhile waiters may still give up.
            let begun = self.store.begin().await;
            let losses = flushes.iter_mut().filter_map(Flush::claim);
            left.losses.extend(losses);
            flushes.retain(|flush| !flush.items.is_empty());
            if flushes.is_empty() {
                return left;
            }
            let sent_at = self.ticks.now();
            let outcome = match begun {
                Ok(writing) => {
                    let now = self.clock.now_ms();
                    writing.flush(now, &flushes, patience).await
                }
                Err(error) => Err(Failure::NotCommitted(error)),
            };
            let error = match outcome {
                Ok(flushed) => {
                    *wait = BACKOFF_MIN;
                    left.and(self.committed(sent_at, flushes, flushed));
                    return left;
                }
                Err(Failure::Locked(error)) => {
                    flushes.iter().for_each(Flush::put_back);
                    if patience == Patience::Usual {
                        tracing::warn!(error = %error, "Somebody has locked rows for long: their calls are charged when they are free, the others now");
                        patience = Patience::Short;
                        continue;
                    }
                    if flushes.len() == 1 {
                        left.locked = flushes;
                    } else {
                        left.and(self.one_by_one(flushes, patience, wait).await);
                    }
                    return left;
                }
                Err(Failure::NotCommitted(error)) if is_refusal(&error) => {
                    left.and(self.refused(flushes, &error, patience, wait).await);
                    return left;
                }
                Err(Failure::NotCommitted(error)) => {
                    flushes.iter().for_each(Flush::put_back);
                    error
                }
                Err(Failure::Unknown(error)) => {
                    flushes.iter_mut().for_each(Flush::freeze);
                    error
                }
            };
            pause(&error, wait).await;
        }
    }

    fn committed(
        &self,
        sent_at: Moment,
        flushes: Vec<Flush>,
        flushed: Vec<Option<Flushed>>,
    ) -> Left {
        let mut left = Left::default();
        for (flush, flushed) in flushes.into_iter().zip(flushed) {
            let Some(flushed) = flushed else {
                flush.put_back();
                left.locked.push(flush);
                continue;
            };
            if let Some(lease) = flush.lease.as_ref().filter(|_| flushed.renewed) {
                lease.renewed(sent_at, Node::valid_until(sent_at));
            }
            if flushed.recall {
                self.recalls.notify_one();
            }
            left.to_reverse.extend(flush.succeeded());
        }
        left
    }

    /// One of them is wrong; the others must not suffer for it. Also when it was sent before: the refusal came after that
    /// attempt's locks were gone, and what it had committed would have been found.
    async fn refused(
        &self,
        mut flushes: Vec<Flush>,
        error: &DbErr,
        patience: Patience,
        wait: &mut Duration,
    ) -> Left {
        if flushes.len() > 1 {
            flushes.iter().for_each(Flush::put_back);
            return self.one_by_one(flushes, patience, wait).await;
        }
        tracing::error!(error = %error, "The database refused a flush: its calls are not charged, its lease is shut");
        Left {
            losses: flushes.drain(..).flat_map(Flush::refused).collect(),
            ..Left::default()
        }
    }

    async fn one_by_one(
        &self,
        flushes: Vec<Flush>,
        patience: Patience,
        wait: &mut Duration,
    ) -> Left {
        let mut all = Left::default();
        for flush in flushes {
            all.and(Box::pin(self.commit(vec![flush], patience, wait)).await);
        }
        all
    }

    /// What is locked waits for its next turn, what was charged against its word goes back. Answers what is lost.
    async fn take_up(&self, left: Left, locked: &mut Locked) -> Vec<Flush> {
        locked.add(left.locked);
        // A few at a time: each takes some statements, and all of one transaction must be done before it is given up.
        for some in left.to_reverse.chunks(REVERSED_MAX) {
            locked.add_reversals(self.reverse(some).await);
        }
        left.losses
    }

    /// Tries once more what somebody had locked. Answers what is lost.
    async fn try_locked(&self, locked: &mut Locked, wait: &mut Duration) -> Vec<Flush> {
        let flushes = locked.take();
        let (sent, reversal) = (flushes.len(), locked.take_reversal());
        let left = self.commit(flushes, Patience::Short, wait).await;
        let still = self.reverse(reversal.as_slice()).await;
        let some_written = left.locked.len() < sent || (reversal.is_some() && still.is_empty());
        locked.tried(some_written);
        locked.add_reversals(still);
        self.take_up(left, locked).await
    }

    /// Gives charges back, unless somebody has locked a wallet of theirs: those are the answer.
    async fn reverse(&self, calls: &[CallId]) -> Vec<CallId> {
        let mut wait = BACKOFF_MIN;
        loop {
            if calls.is_empty() {
                return Vec::new();
            }
            let outcome = match self.store.begin().await {
                Ok(writing) => writing.reverse(self.clock.now_ms(), calls).await,
                Err(error) => Err(Failure::NotCommitted(error)),
            };
            match outcome {
                Ok(()) => return Vec::new(),
                Err(Failure::Locked(_)) => return calls.to_vec(),
                // One of them is wrong; the others must not suffer for it.
                Err(Failure::NotCommitted(error)) if is_refusal(&error) && calls.len() > 1 => {
                    let mut locked = Vec::new();
                    for call in calls {
                        let call = Box::pin(self.reverse(std::slice::from_ref(call)));
                        locked.extend(call.await);
                    }
                    return locked;
                }
                Err(Failure::NotCommitted(error)) if is_refusal(&error) => {
                    tracing::error!(error = %error, calls = ?calls, "Charges could not be given back that nobody was told of: correct these wallets by hand");
                    return Vec::new();
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
    /// Somebody has locked their wallets, or their keys.
    locked: Vec<Flush>,
}

impl Left {
    fn and(&mut self, other: Self) {
        self.to_reverse.extend(other.to_reverse);
        self.losses.extend(other.losses);
        self.locked.extend(other.locked);
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

fn soonest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

async fn pause(error: &DbErr, wait: &mut Duration) {
    tracing::warn!(error = %error, wait_ms = wait.as_millis(), "The ledger cannot be written; trying again");
    sleep(*wait).await;
    *wait = (*wait * 2).min(BACKOFF_MAX);
}

fn by_lease(items: Vec<Item>) -> Vec<Flush> {
    let mut flushes: Vec<Flush> = Vec::new();
    let mut places: HashMap<Option<LeaseId>, usize> = HashMap::new();
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
