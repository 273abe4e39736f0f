//! How does one server spend wallets in memory? It leases credit, holds parts of it for calls, and hands what is settled
//! to its writer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::Amount;
use domain::ids::WorkspaceId;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{MutexGuard, Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::clock::{Clock, Moment, Ticks};

use super::handle::LedgerConfig;
use super::hold::{Hold, HoldError, SettleError, Settled};
use super::item::{Item, Ticket};
use super::leases;
use super::losses;
use super::store::{Asked, Asking, Attempt, Store};
use super::wallet::{Lease, Wallet};
use super::writer::Writer;

/// The node stops using a lease so much before the database would: what clocks and replies may differ by.
const MARGIN: Duration = Duration::from_secs(5);
/// How long, and after which pauses, credit that other leases hold unused is asked for again.
const PATIENCE_ELSEWHERE: Duration = Duration::from_millis(300);
const WAIT_ELSEWHERE: Duration = Duration::from_millis(100);
/// How long a call waits for another call of its wallet that asks the database.
const TURN_MAX: Duration = Duration::from_secs(2);
/// Settled calls that wait for the writer. Beyond it, each waits in a task of its own.
const QUEUE: usize = 4096;

/// One server among those of its database. Cheap to clone.
#[derive(Clone)]
pub(super) struct Node(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    pub(super) ticks: Ticks,
    pub(super) config: LedgerConfig,
    pub(super) name: String,
    /// In the order of their ids, so that a simulated run is the same each time.
    pub(super) wallets: Mutex<BTreeMap<WorkspaceId, Arc<Wallet>>>,
    /// Leases on their way back: shut, waiting for their last calls.
    pub(super) closing: Mutex<Vec<Arc<Lease>>>,
    /// Told when somebody wants credit back.
    pub(super) recalls: Arc<Notify>,
    pub(super) healthy: AtomicBool,
    /// The database answered for so long that whoever lives has renewed.
    pub(super) may_reclaim: AtomicBool,
    clock: Clock,
    /// One for each writer; none before the start and after the end.
    queues: Mutex<Vec<mpsc::Sender<Item>>>,
    writers: Mutex<Vec<JoinHandle<()>>>,
    keepers: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    pub(super) fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        ticks: Ticks,
        config: LedgerConfig,
        name: String,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            ticks,
            config,
            name,
            wallets: Mutex::default(),
            closing: Mutex::default(),
            recalls: Arc::default(),
            healthy: AtomicBool::new(true),
            may_reclaim: AtomicBool::new(false),
            clock,
            queues: Mutex::default(),
            writers: Mutex::default(),
            keepers: Mutex::default(),
        }))
    }

    /// Starts the writers and the keepers of leases. Only a server does; commands need neither.
    pub(super) fn start(&self) {
        for _ in 0..self.0.config.writers.max(1) {
            let (sender, receiver) = mpsc::channel(QUEUE);
            self.0.queues.lock().push(sender);
            let writer = Writer {
                store: self.0.store.clone(),
                clock: self.0.clock.clone(),
                ticks: self.0.ticks.clone(),
                recalls: self.0.recalls.clone(),
            };
            let task = tokio::spawn(writer.run(receiver));
            self.0.writers.lock().push(task);
        }
        let keepers = [
            tokio::spawn(self.clone().keep_leases()),
            tokio::spawn(self.clone().keep_promises()),
            tokio::spawn(self.clone().keep_house()),
        ];
        self.0.keepers.lock().extend(keepers);
    }

    /// Flushes what is settled, gives every lease back, and stops. No call may be running.
    pub(super) async fn shutdown(&self) {
        for keeper in self.0.keepers.lock().drain(..) {
            keeper.abort();
        }
        // Without senders the writers end after their last commits.
        self.0.queues.lock().clear();
        let writers: Vec<_> = self.0.writers.lock().drain(..).collect();
        for writer in writers {
            if let Err(error) = writer.await {
                tracing::error!(error = %error, "A writer of the ledger did not end well");
            }
        }
        self.close_all().await;
    }

    /// Dies, as far as memory goes: the writers and the keepers stop where they are.
    #[cfg(test)]
    pub(super) fn abort(&self) {
        let keepers = self.0.keepers.lock().drain(..).collect::<Vec<_>>();
        let writers = self.0.writers.lock().drain(..).collect::<Vec<_>>();
        for task in keepers.into_iter().chain(writers) {
            task.abort();
        }
        self.0.queues.lock().clear();
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.0.healthy.load(Ordering::Relaxed)
    }

    /// How long an ending waits at most for what the database must do first.
    pub(super) fn commit_wait(&self) -> Duration {
        self.0.config.commit_wait
    }

    pub(super) fn now(&self) -> Moment {
        self.0.ticks.now()
    }

    /// Until when a lease may be used that the database confirmed after this moment.
    pub(super) fn valid_until(asked_at: Moment) -> Moment {
        asked_at.plus(leases::TTL).minus(MARGIN)
    }

    /// Sets `amount` aside for a call of this workspace.
    ///
    /// # Errors
    /// As [`super::Ledger::hold`].
    pub(super) async fn hold(
        &self,
        workspace: WorkspaceId,
        amount: Amount,
    ) -> Result<Hold, HoldError> {
        if amount < Amount::ZERO {
            return Err(HoldError::Negative);
        }
        if amount.is_zero() {
            return Ok(Hold::new(self.clone(), workspace, None, amount));
        }
        let wallet = self.wallet(workspace);
        if let Some(lease) = wallet.lease()
            && lease.hold(amount, self.now())
        {
            let place = Some((wallet, lease));
            return Ok(Hold::new(self.clone(), workspace, place, amount));
        }
        // In a task of its own: a caller who leaves while the lease is being committed would leave it to nobody. The
        // hold that nobody takes is dropped, which releases it.
        let node = self.clone();
        let refilled = tokio::spawn(async move {
            let lease = node.refill(&wallet, amount).await?;
            let place = Some((wallet, lease));
            Ok(Hold::new(node, workspace, place, amount))
        });
        refilled.await.map_err(|_| HoldError::Unavailable(None))?
    }

    /// Gets credit for a hold that the lease in memory could not cover; holds it before others can.
    async fn refill(&self, wallet: &Arc<Wallet>, amount: Amount) -> Result<Arc<Lease>, HoldError> {
        patiently(|attempt| Box::pin(self.refill_once(wallet, amount, attempt))).await
    }

    async fn refill_once(
        &self,
        wallet: &Arc<Wallet>,
        amount: Amount,
        attempt: Attempt,
    ) -> Result<Arc<Lease>, HoldError> {
        let _only_one = self.turn(wallet).await?;
        let current = wallet.lease().filter(|lease| lease.is_open());
        match current {
            Some(lease) if lease.hold(amount, self.now()) => Ok(lease),
            Some(lease) => self.enlarge_for(wallet, &lease, amount, attempt).await,
            None => self.fresh(wallet, amount, attempt).await,
        }
    }

    /// One call at a time asks the database for a wallet's credit. When it is slow, the others are told so instead of
    /// standing in line.
    async fn turn<'a>(&self, wallet: &'a Wallet) -> Result<MutexGuard<'a, ()>, HoldError> {
        tokio::time::timeout(TURN_MAX, wallet.refill.lock())
            .await
            .map_err(|_| HoldError::Unavailable(None))
    }

    /// More credit on the current lease; a new lease where that one is no longer good.
    async fn enlarge_for(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
        attempt: Attempt,
    ) -> Result<Arc<Lease>, HoldError> {
        // Calls that find credit in memory do not wait for us and may take what we just fetched: then we fetch again.
        for _ in 0..3 {
            if !lease.is_usable(self.now()) {
                break;
            }
            self.enlarge_locked(wallet, lease, amount, attempt).await?;
            if lease.hold(amount, self.now()) {
                return Ok(lease.clone());
            }
        }
        self.fresh(wallet, amount, attempt).await
    }

    /// A new lease, which becomes the wallet's current one. An older one is shut and given back when its calls are done.
    async fn fresh(
        &self,
        wallet: &Arc<Wallet>,
        amount: Amount,
        attempt: Attempt,
    ) -> Result<Arc<Lease>, HoldError> {
        let asked_at = self.now();
        match self.ask(wallet, None, amount, amount, attempt).await? {
            Asked::Granted {
                lease,
                book,
                amount: granted,
            } => {
                let until = Self::valid_until(asked_at);
                let lease = Arc::new(Lease::new(lease, book, granted, until, asked_at));
                let held = lease.hold(amount, self.now());
                if let Some(old) = wallet.current.lock().replace(lease.clone()) {
                    old.shut();
                    self.0.closing.lock().push(old);
                }
                if held {
                    Ok(lease)
                } else {
                    Err(HoldError::Elsewhere)
                }
            }
            Asked::Elsewhere | Asked::LeaseLost => Err(HoldError::Elsewhere),
            Asked::Insufficient { available } => Err(HoldError::Insufficient { available }),
        }
    }

    /// More credit on a lease that running calls hold.
    pub(super) async fn enlarge(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
    ) -> Result<(), HoldError> {
        patiently(|attempt| Box::pin(self.enlarge_once(wallet, lease, amount, attempt))).await
    }

    async fn enlarge_once(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
        attempt: Attempt,
    ) -> Result<(), HoldError> {
        let _only_one = self.turn(wallet).await?;
        self.enlarge_locked(wallet, lease, amount, attempt).await
    }

    async fn enlarge_locked(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
        attempt: Attempt,
    ) -> Result<(), HoldError> {
        let missing = amount.minus_or_zero(lease.free());
        if missing.is_zero() {
            return Ok(());
        }
        match self
            .ask(wallet, Some(lease), amount, missing, attempt)
            .await?
        {
            Asked::Granted { amount, .. } => {
                lease.enlarged(amount);
                Ok(())
            }
            Asked::Insufficient { available } => Err(HoldError::Insufficient {
                available: available.plus(lease.free()).unwrap_or(available),
            }),
            Asked::Elsewhere => Err(HoldError::Elsewhere),
            Asked::LeaseLost => {
                lease.lost();
                Ok(())
            }
        }
    }

    /// `need` is what a call that wants `call` lacks.
    async fn ask(
        &self,
        wallet: &Wallet,
        lease: Option<&Arc<Lease>>,
        call: Amount,
        need: Amount,
        attempt: Attempt,
    ) -> Result<Asked, HoldError> {
        let now = self.now();
        let contested = wallet.lease().is_some_and(|lease| lease.is_contested(now));
        let ahead = wallet.ahead(now, contested);
        let asking = Asking {
            node: &self.0.name,
            workspace: wallet.workspace,
            existing: lease.map(|lease| lease.id),
            need,
            want: Amount::from_nanos(need.nanos().max(call.nanos().saturating_mul(ahead))),
            attempt,
        };
        let mut unanswered = Unanswered(lease.map(Arc::as_ref));
        let asked = self.0.store.ask(asking).await;
        if asked.is_ok() {
            unanswered.0 = None;
        }
        asked.map_err(|error: DbErr| HoldError::Unavailable(Some(error)))
    }

    fn wallet(&self, workspace: WorkspaceId) -> Arc<Wallet> {
        self.0
            .wallets
            .lock()
            .entry(workspace)
            .or_insert_with(|| Arc::new(Wallet::new(workspace)))
            .clone()
    }

    /// Hands a settled call to its writer and waits for its commit, until then and for an outcome that is near.
    pub(super) async fn commit(&self, settled: Settled, until: Instant) -> Result<(), SettleError> {
        let (reply, mut committed) = oneshot::channel();
        let (ticket, id, cost) = (Ticket::default(), settled.record.id, settled.record.cost);
        let item = Item {
            record: settled.record,
            lease: settled.lease,
            charge: settled.charge,
            unbilled: settled.unbilled,
            of_key: settled.of_key,
            ticket: ticket.clone(),
            reply,
        };
        self.enqueue(item)?;
        if let Ok(outcome) = tokio::time::timeout_at(until, &mut committed).await {
            return outcome.unwrap_or(Err(SettleError::NotCommitted));
        }
        // If it is on its way to the database at this moment, the outcome is near: each try is bounded.
        let until = Instant::now() + self.0.config.outcome_wait;
        loop {
            if ticket.withdraw() {
                losses::announce(id, cost);
                return Err(SettleError::NotCommitted);
            }
            if Instant::now() >= until && ticket.abandon() {
                // The list of such calls is in memory only: should this process end before, this line is what is left.
                tracing::error!(call.id = %id, cost_nusd = cost.nanos(), "A caller is told that nothing is charged while its commit has no answer; if it is there, the charge goes back");
                return Err(SettleError::NotCommitted);
            }
            if let Ok(outcome) = tokio::time::timeout(POLL, &mut committed).await {
                return outcome.unwrap_or(Err(SettleError::NotCommitted));
            }
        }
    }

    /// All calls of a wallet go the same way: flushes of a lease are committed in the order of their numbers.
    fn queue_of(&self, item: &Item) -> Option<mpsc::Sender<Item>> {
        let queues = self.0.queues.lock();
        let book = item.lease.as_ref().map_or(0, |lease| lease.book);
        let count = i64::try_from(queues.len())
            .ok()
            .filter(|count| *count > 0)?;
        queues
            .get(usize::try_from(book.rem_euclid(count)).ok()?)
            .cloned()
    }

    /// Never waits: a caller who leaves, or whose time is over, must not take the item with them.
    fn enqueue(&self, item: Item) -> Result<(), SettleError> {
        let sender = self.queue_of(&item);
        let refused = match sender {
            Some(sender) => match sender.try_send(item) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(item)) => {
                    // Its waiter can withdraw it here as well as in the queue.
                    tokio::spawn(async move {
                        if let Err(refused) = sender.send(item).await {
                            came_too_late(&refused.0);
                        }
                    });
                    return Ok(());
                }
                Err(TrySendError::Closed(item)) => item,
            },
            None => item,
        };
        came_too_late(&refused);
        Err(SettleError::NotCommitted)
    }
}

/// The writers have ended, or never began.
fn came_too_late(item: &Item) {
    item.undo();
    if !item.record.cost.is_zero() {
        tracing::error!(call.id = %item.record.id, cost_nusd = item.record.cost.nanos(),
            "A call settled when the ledger had ended: it is neither charged nor booked");
    }
}

/// Asks again where the credit lies elsewhere: who does not use it was asked to give it back, and does within a tenth of a
/// second. What the questions themselves take is a part of the caller's patience.
async fn patiently<'a, T>(
    ask: impl Fn(Attempt) -> BoxFuture<'a, Result<T, HoldError>>,
) -> Result<T, HoldError> {
    let until = Instant::now() + PATIENCE_ELSEWHERE;
    let mut answer = ask(Attempt::First).await;
    while matches!(answer, Err(HoldError::Elsewhere)) && Instant::now() < until {
        sleep_until(until.min(Instant::now() + WAIT_ELSEWHERE)).await;
        // Whether there is time for another.
        let last = Instant::now() + WAIT_ELSEWHERE >= until;
        answer = ask(if last { Attempt::Last } else { Attempt::Again }).await;
    }
    answer
}

/// Nobody heard what became of asking for more on a lease: the answer was lost, or who asked is gone. It may have been
/// granted all the same, and only closing the lease gives that back.
struct Unanswered<'a>(Option<&'a Lease>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.0 {
            lease.doubt();
        }
    }
}

/// How often a waiter that would rather give up looks whether it may.
const POLL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_credit_elsewhere_waits_300_milliseconds() {
        // What a question takes, and how many are asked in that time.
        for (takes, asked) in [(0, 4), (40, 3), (100, 2), (250, 2), (301, 1)] {
            let takes = Duration::from_millis(takes);
            let (begun, count) = (Instant::now(), std::cell::Cell::new(0));
            let ask = |attempt: Attempt| -> BoxFuture<'_, Result<(), HoldError>> {
                assert_eq!(attempt == Attempt::First, count.get() == 0);
                count.set(count.get() + 1);
                Box::pin(async move {
                    tokio::time::sleep(takes).await;
                    Err(HoldError::Elsewhere)
                })
            };
            assert!(matches!(patiently(ask).await, Err(HoldError::Elsewhere)));
            assert_eq!(count.get(), asked, "each takes {takes:?}");
            assert!(begun.elapsed() <= PATIENCE_ELSEWHERE + takes);
        }
    }
}
