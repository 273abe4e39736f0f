//! What may the rest of Farebox ask of the ledger? Hold, balance, grant; start and stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::BalanceView;
use parking_lot::Mutex;
use sea_orm::DbErr;
use serde_json::json;
use tokio::sync::{MutexGuard, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::audit::{Act, Audit, By};
use crate::clock::Clock;
use crate::db::Db;

use super::books;
use super::credit::{self, Adjustment, GrantError, Granted};
use super::expiry::{self, Expired};
use super::hold::{Hold, HoldError, SettleError, Settled};
use super::leases::{self, Asked};
use super::lines::{self, Line};
use super::wallet::{Lease, Wallet};
use super::writer::{self, Item, Ticket};

/// Times and sizes of the ledger. The defaults are what production runs with.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// A lease that nothing runs on is given back after this.
    pub idle_return: Duration,
    /// How often leases are looked after.
    pub heartbeat: Duration,
    /// How long an ending waits for its commit before the caller gets an error instead.
    pub commit_wait: Duration,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            idle_return: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
            commit_wait: Duration::from_secs(10),
        }
    }
}

/// A lease is renewed when its last heartbeat is older than this: a third of its life.
const RENEW_AFTER: Duration = Duration::from_secs(20);
/// The node stops using a lease so much before the database would: what clocks and replies may differ by.
const MARGIN: Duration = Duration::from_secs(5);
/// A lease takes so many times what the call needs, so that most calls find their money in memory.
const AHEAD: i64 = 64;
/// How often, and after which pause, credit that other leases hold unused is asked for again: 300 ms in all.
const TRIES_ELSEWHERE: u32 = 3;
const WAIT_ELSEWHERE: Duration = Duration::from_millis(100);
/// How long a call waits for another call of its wallet that asks the database.
const TURN_MAX: Duration = Duration::from_secs(2);
/// How long an ending waits for a commit that was sent and not answered. Each statement takes five seconds at most.
const OUTCOME_WAIT: Duration = Duration::from_secs(30);
/// Settled calls that wait for the writer. Beyond it, settling waits.
const QUEUE: usize = 4096;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    config: LedgerConfig,
    node: String,
    wallets: Mutex<HashMap<WorkspaceId, Arc<Wallet>>>,
    /// Leases on their way back: shut, waiting for their last calls.
    closing: Mutex<Vec<Arc<Lease>>>,
    queue: Mutex<Option<mpsc::Sender<Item>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    healthy: AtomicBool,
}

impl Ledger {
    #[must_use]
    pub fn new(db: Db, clock: Clock, config: LedgerConfig) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            config,
            node: format!("node_{}", uuid::Uuid::now_v7().as_simple()),
            wallets: Mutex::default(),
            closing: Mutex::default(),
            queue: Mutex::default(),
            tasks: Mutex::default(),
            healthy: AtomicBool::new(true),
        }))
    }

    /// Starts the writer and the keeper of leases. Only a server does; commands need neither.
    pub fn start(&self) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        *self.0.queue.lock() = Some(sender);
        let writer = tokio::spawn(writer::run(
            self.0.db.clone(),
            self.0.clock.clone(),
            receiver,
        ));
        let keeper = {
            let ledger = self.clone();
            tokio::spawn(async move {
                let mut tick = tokio::time::interval(ledger.0.config.heartbeat);
                tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                loop {
                    tick.tick().await;
                    ledger.look_after_leases().await;
                }
            })
        };
        self.0.tasks.lock().extend([writer, keeper]);
    }

    /// Flushes what is settled, gives every lease back, and stops. No call may be running.
    pub async fn shutdown(&self) {
        let (writer, keeper) = {
            let mut tasks = self.0.tasks.lock();
            (
                if tasks.is_empty() {
                    None
                } else {
                    Some(tasks.remove(0))
                },
                tasks.pop(),
            )
        };
        if let Some(keeper) = keeper {
            keeper.abort();
        }
        // Without senders the writer ends after its last commit.
        self.0.queue.lock().take();
        if let Some(writer) = writer
            && let Err(error) = writer.await
        {
            tracing::error!(error = %error, "The ledger's writer did not end well");
        }
        let wallets: Vec<_> = self
            .0
            .wallets
            .lock()
            .drain()
            .map(|(_, wallet)| wallet)
            .collect();
        for lease in wallets
            .iter()
            .filter_map(|wallet| wallet.current.lock().take())
        {
            lease.shut();
            self.0.closing.lock().push(lease);
        }
        self.close_leases().await;
    }

    /// Takes back what a predecessor left leased, at once. Only where a lock proves that no other server lives.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reclaim_predecessors(&self) -> Result<u64, DbErr> {
        let mut reclaimed = 0;
        loop {
            let some = leases::reclaim(&self.0.db, true).await?;
            reclaimed += some;
            if some < leases::RECLAIM_MAX {
                return Ok(reclaimed);
            }
        }
    }

    /// Can leases be renewed and charges be written, as far as is known?
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.0.healthy.load(Ordering::Relaxed)
    }

    /// Sets `amount` aside for a call of this workspace.
    ///
    /// # Errors
    /// [`HoldError::Insufficient`] when the wallet cannot cover it, [`HoldError::Elsewhere`] when another node has the
    /// credit for a moment, [`HoldError::Unavailable`] when the database is needed and not there.
    pub async fn hold(&self, workspace: WorkspaceId, amount: Amount) -> Result<Hold, HoldError> {
        if amount.is_zero() {
            return Ok(Hold::new(self.clone(), None, amount));
        }
        let wallet = self.wallet(workspace);
        if let Some(lease) = wallet.lease()
            && lease.hold(amount)
        {
            return Ok(Hold::new(self.clone(), Some((wallet, lease)), amount));
        }
        // In a task of its own: a caller who leaves while the lease is being committed would leave it to nobody. The
        // hold that nobody takes is dropped, which releases it.
        let ledger = self.clone();
        let refilled = tokio::spawn(async move {
            let lease = ledger.refill(&wallet, amount).await?;
            let place = Some((wallet, lease));
            Ok(Hold::new(ledger, place, amount))
        });
        refilled.await.map_err(|_| HoldError::Unavailable(None))?
    }

    /// What this server is called among those of the same database.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// What the wallet holds; `None` when the workspace has none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn balance(&self, workspace: WorkspaceId) -> Result<Option<BalanceView>, DbErr> {
        books::balance(self.0.db.read(), workspace).await
    }

    /// What happened to a wallet, newest first: movements before the one with id `before`, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lines(
        &self,
        workspace: WorkspaceId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Line>, DbErr> {
        lines::lines(&self.0.db, workspace, before, limit).await
    }

    /// Takes credit past its end out of every wallet, as far as no lease has it. Harmless to repeat, on any node.
    ///
    /// # Errors
    /// When a wallet could not be looked at; the others were.
    pub async fn expire_lots(&self) -> Result<Expired, DbErr> {
        expiry::expire(&self.0.db, self.0.clock.now_ms()).await
    }

    /// Gives adjustment credit. The same `id` twice credits once.
    ///
    /// # Errors
    /// See [`GrantError`].
    pub async fn grant(
        &self,
        workspace: WorkspaceId,
        amount: Amount,
        reason: &str,
        id: Option<&str>,
    ) -> Result<Granted, GrantError> {
        if amount <= Amount::ZERO {
            return Err(GrantError::NotPositive);
        }
        let adjustment = Adjustment { amount, reason, id };
        let tx = self.0.db.begin().await?;
        let granted = credit::adjust(&tx, workspace, adjustment, self.0.clock.now_ms()).await?;
        tx.commit().await?;
        Ok(granted)
    }

    /// An administrator's credit: gives it when `amount` is above zero, takes it back when below, and writes down who
    /// did, in one transaction. The same `id` twice moves money, and is written down, once.
    ///
    /// # Errors
    /// See [`GrantError`]; what running calls have reserved is never taken back.
    pub async fn grant_audited(
        &self,
        workspace: WorkspaceId,
        amount: Amount,
        reason: &str,
        id: Option<&str>,
        by: By,
        audit: &Audit,
    ) -> Result<Granted, GrantError> {
        let adjustment = Adjustment { amount, reason, id };
        let tx = self.0.db.begin().await?;
        let granted = credit::adjust(&tx, workspace, adjustment, self.0.clock.now_ms()).await?;
        if granted.credited {
            let act = Act {
                actor: by.actor,
                action: if amount > Amount::ZERO {
                    "credit.grant"
                } else {
                    "credit.take"
                },
                subject: credit::owner(&tx, workspace).await?,
                target: Some(workspace.to_string()),
                detail: json!({"amount_nusd": amount, "reason": reason, "id": id}),
                from: by.from,
            };
            audit.note(&tx, &act).await?;
        }
        tx.commit().await?;
        Ok(granted)
    }

    /// Gets credit for a hold that the lease in memory could not cover; holds it before others can.
    async fn refill(&self, wallet: &Arc<Wallet>, amount: Amount) -> Result<Arc<Lease>, HoldError> {
        for _ in 0..TRIES_ELSEWHERE {
            match self.refill_once(wallet, amount).await {
                // Other leases were asked to give back; most do within a heartbeat.
                Err(HoldError::Elsewhere) => tokio::time::sleep(WAIT_ELSEWHERE).await,
                other => return other,
            }
        }
        self.refill_once(wallet, amount).await
    }

    async fn refill_once(
        &self,
        wallet: &Arc<Wallet>,
        amount: Amount,
    ) -> Result<Arc<Lease>, HoldError> {
        let _only_one = self.turn(wallet).await?;
        let current = wallet.lease().filter(|lease| lease.is_open());
        match current {
            Some(lease) if lease.hold(amount) => Ok(lease),
            Some(lease) => self.enlarge_for(wallet, &lease, amount).await,
            None => self.fresh(wallet, amount).await,
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
    ) -> Result<Arc<Lease>, HoldError> {
        // Calls that find credit in memory do not wait for us and may take what we just fetched: then we fetch again.
        for _ in 0..3 {
            self.enlarge_locked(wallet, lease, amount).await?;
            if lease.hold(amount) {
                return Ok(lease.clone());
            }
            if !lease.is_usable() {
                break;
            }
        }
        self.fresh(wallet, amount).await
    }

    /// A new lease, which becomes the wallet's current one. An older one is shut and given back when its calls are done.
    async fn fresh(&self, wallet: &Arc<Wallet>, amount: Amount) -> Result<Arc<Lease>, HoldError> {
        let asked_at = Instant::now();
        match self.ask(wallet, None, amount).await? {
            Asked::Granted {
                lease,
                book,
                amount: granted,
            } => {
                let lease = Arc::new(Lease::new(lease, book, granted, valid_until(asked_at)));
                let held = lease.hold(amount);
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
            Asked::Elsewhere => Err(HoldError::Elsewhere),
            Asked::Insufficient { unleased } => Err(HoldError::Insufficient {
                available: unleased,
            }),
            Asked::LeaseLost => Err(HoldError::Elsewhere),
        }
    }

    /// More credit on a lease that running calls hold.
    pub(super) async fn enlarge(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
    ) -> Result<(), HoldError> {
        let _only_one = self.turn(wallet).await?;
        self.enlarge_locked(wallet, lease, amount).await
    }

    async fn enlarge_locked(
        &self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        amount: Amount,
    ) -> Result<(), HoldError> {
        let missing = amount.minus_or_zero(lease.free());
        if missing.is_zero() {
            return Ok(());
        }
        match self.ask(wallet, Some(lease), missing).await? {
            Asked::Granted { amount, .. } => {
                lease.enlarged(amount);
                Ok(())
            }
            Asked::Insufficient { unleased } => Err(HoldError::Insufficient {
                available: unleased.plus(lease.free()).unwrap_or(unleased),
            }),
            Asked::Elsewhere => Err(HoldError::Elsewhere),
            Asked::LeaseLost => {
                lease.shut();
                Ok(())
            }
        }
    }

    async fn ask(
        &self,
        wallet: &Wallet,
        lease: Option<&Arc<Lease>>,
        need: Amount,
    ) -> Result<Asked, HoldError> {
        let want = Amount::from_nanos(need.nanos().saturating_mul(AHEAD));
        leases::ask(
            &self.0.db,
            &self.0.node,
            wallet.workspace,
            lease.map(|lease| lease.id),
            need,
            want,
        )
        .await
        .map_err(|error| HoldError::Unavailable(Some(error)))
    }

    fn wallet(&self, workspace: WorkspaceId) -> Arc<Wallet> {
        self.0
            .wallets
            .lock()
            .entry(workspace)
            .or_insert_with(|| Arc::new(Wallet::new(workspace)))
            .clone()
    }

    /// Hands a settled call to the writer and waits for its commit.
    pub(super) async fn commit(&self, settled: Settled) -> Result<(), SettleError> {
        let (reply, mut committed) = oneshot::channel();
        let ticket = Ticket::default();
        let undo = (
            settled.lease.clone(),
            settled.charge,
            settled.of_key.clone(),
        );
        let item = Item {
            record: settled.record,
            lease: settled.lease,
            charge: settled.charge,
            unbilled: settled.unbilled,
            of_key: settled.of_key,
            ticket: ticket.clone(),
            reply,
        };
        let sender = self.0.queue.lock().clone();
        let sent = match sender {
            Some(sender) => sender.send(item).await.is_ok(),
            None => false,
        };
        if !sent {
            let (lease, charge, of_key) = undo;
            if let Some(lease) = lease {
                lease.unsettle(charge);
            }
            of_key.unsettle();
            return Err(SettleError::NotCommitted);
        }
        let wait = self.0.config.commit_wait;
        match tokio::time::timeout(wait, &mut committed).await {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(_)) => return Err(SettleError::NotCommitted),
            Err(_) if ticket.withdraw() => return Err(SettleError::NotCommitted),
            // It is on its way to the database at this moment: each try is bounded, so the outcome is near.
            Err(_) => {}
        }
        // After a failed try it waits again and can be withdrawn.
        let until = tokio::time::Instant::now() + OUTCOME_WAIT;
        loop {
            match tokio::time::timeout(Duration::from_millis(100), &mut committed).await {
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(_)) => return Err(SettleError::NotCommitted),
                Err(_) if ticket.withdraw() || tokio::time::Instant::now() >= until => {
                    return Err(SettleError::NotCommitted);
                }
                Err(_) => {}
            }
        }
    }

    async fn look_after_leases(&self) {
        let wallets: Vec<Arc<Wallet>> = self.0.wallets.lock().values().cloned().collect();
        let now = Instant::now();
        let idle_since = now.checked_sub(self.0.config.idle_return).unwrap_or(now);
        // With other nodes about, each look also asks whether they want credit back.
        let renew_after = if leases::many_nodes(&self.0.db) {
            Duration::ZERO
        } else {
            RENEW_AFTER
        };
        let stale = now.checked_sub(renew_after).unwrap_or(now);
        let mut healthy = true;
        for wallet in wallets {
            let Some(lease) = wallet.lease() else {
                continue;
            };
            if !lease.is_open() || lease.shut_if_idle(idle_since) {
                wallet
                    .current
                    .lock()
                    .take_if(|current| Arc::ptr_eq(current, &lease));
                self.0.closing.lock().push(lease);
                continue;
            }
            let Some(held) = lease.news(stale) else {
                continue;
            };
            let asked_at = Instant::now();
            match leases::beat(&self.0.db, lease.id, held).await {
                Ok(beat) if beat.alive => {
                    lease.told(held, valid_until(asked_at));
                    if beat.recall {
                        self.give_back_free(&lease).await;
                    }
                }
                Ok(_) => lease.shut(),
                Err(error) => {
                    healthy = false;
                    tracing::warn!(error = %error, "A lease could not be renewed");
                }
            }
        }
        self.0
            .wallets
            .lock()
            .retain(|_, wallet| Arc::strong_count(wallet) > 1 || wallet.current.lock().is_some());
        healthy &= self.close_leases().await;
        if leases::many_nodes(&self.0.db)
            && let Err(error) = leases::reclaim(&self.0.db, false).await
        {
            healthy = false;
            tracing::warn!(error = %error, "Leases of dead nodes could not be taken back");
        }
        self.0.healthy.store(healthy, Ordering::Relaxed);
    }

    async fn give_back_free(&self, lease: &Lease) {
        // Nothing runs on it: all of it goes back, at the next look.
        if lease.shut_if_idle(Instant::now()) {
            return;
        }
        let free = lease.take_free();
        if free.is_zero() {
            return;
        }
        // If the answer is lost, the free part may be gone already: closing the lease finds out what is left.
        if let Err(error) = leases::shrink(&self.0.db, lease.id, lease.book, free).await {
            tracing::warn!(error = %error, "Credit could not be given back to another node");
        }
    }

    /// Gives back the shut leases on which nothing runs any more. False when the database refused one.
    async fn close_leases(&self) -> bool {
        let due: Vec<Arc<Lease>> = {
            let mut closing = self.0.closing.lock();
            let (due, later) = closing.drain(..).partition(|lease| lease.is_quiet());
            *closing = later;
            due
        };
        let mut closed_all = true;
        for lease in due {
            if let Err(error) = leases::close(&self.0.db, lease.id, lease.book).await {
                closed_all = false;
                tracing::warn!(error = %error, lease.id = %lease.id, "A lease could not be given back; trying again");
                self.0.closing.lock().push(lease);
            }
        }
        closed_all
    }
}

fn valid_until(asked_at: Instant) -> Instant {
    asked_at + leases::TTL - MARGIN
}
