//! How much may a key still spend? Limits per UTC day, ISO week, calendar month and in all, exact on any number of nodes.
//!
//! As with the wallet, a node takes a part of a limit from the database (a *grant*, `grants`), and calls hold and spend
//! it in memory (`purse`): most calls of a limited key ask nobody, and a key without limits does no work at all. A call
//! holds as much of each limit as of the wallet ([`KeyHold`]), and its charge is counted in the commit that writes its row
//! (`settle`), in the periods in which the call *began*, whenever it ends.
//!
//! What is promised: the calls of a key that began in a period are never charged more than its limit, to the nano-dollar,
//! on one node and on many. A limit is as new as the key's record in memory, so setting or lowering one takes hold of calls
//! that begin five seconds later; calls that were running then are counted, but not stopped. What a call costs above what
//! its limits cover is the operator's loss, as with the wallet.

mod grants;
mod hold;
mod purse;
mod settle;
mod spend;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::ids::{GrantId, KeyId, WorkspaceId};
use domain::period::{KeySpend, Span};
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::{DbBackend, DbErr};
use tokio::sync::MutexGuard;
use tokio::task::JoinHandle;

use crate::clock::{Clock, Moment, Ticks};
use crate::db::{Db, bounded, is_away};
use crate::keys::KeyRecord;

use grants::{Answer, Asker, Outcome};
use hold::{Limits, Place};
use purse::{Ask, Purse, Want};

pub(crate) use hold::KeyCharge;
pub use hold::{BudgetError, KeyHold};
pub(crate) use settle::{Counted, book};

/// How often grants are looked after.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// A grant is renewed when its last heartbeat is older than this: a third of its life.
const RENEW_AFTER: Duration = Duration::from_secs(20);
/// The node stops using a grant so much before the database would: what clocks and replies may differ by.
const MARGIN: Duration = Duration::from_secs(5);
/// A grant that nothing runs on is given back after this; soon where others may need it.
const IDLE_AMONG_OTHERS: Duration = Duration::from_secs(2);
const IDLE_ALONE: Duration = Duration::from_secs(60);
/// How often, and after which pause, room that other nodes hold unused is asked for again: longer than a heartbeat.
const TRIES_ELSEWHERE: u32 = 6;
const WAIT_ELSEWHERE: Duration = Duration::from_millis(100);
/// How long a call waits for another call of its key that asks the database.
const TURN_MAX: Duration = Duration::from_secs(2);

/// The spend limits of keys. Cheap to clone.
#[derive(Clone)]
pub struct Budgets(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ticks: Ticks,
    node: String,
    /// Does this database admit several servers?
    several: bool,
    purses: Mutex<HashMap<KeyId, Arc<Purse>>>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

impl Budgets {
    /// `node` names this server among those of the same database, as the ledger does.
    #[must_use]
    pub fn new(db: Db, clock: Clock, node: &str) -> Self {
        let several = db.backend() == DbBackend::Postgres;
        Self::among(db, clock, Ticks::system(), node, several)
    }

    fn among(db: Db, clock: Clock, ticks: Ticks, node: &str, several: bool) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            ticks,
            node: node.to_owned(),
            several,
            purses: Mutex::default(),
            keeper: Mutex::default(),
        }))
    }

    /// Starts the keeper of grants. Only a server does.
    pub fn start(&self) {
        let budgets = self.clone();
        let keeper = tokio::spawn(async move {
            let mut tick = tokio::time::interval(HEARTBEAT);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                tick.tick().await;
                budgets.look_after_grants().await;
            }
        });
        *self.0.keeper.lock() = Some(keeper);
    }

    /// Gives every grant back, and stops. After the ledger has stopped: no call may be running or be committed.
    pub async fn shutdown(&self) {
        let keeper = self.0.keeper.lock().take();
        if let Some(keeper) = keeper {
            keeper.abort();
        }
        let purses: Vec<_> = self.0.purses.lock().drain().collect();
        for (_, purse) in purses {
            let unused = purse.take_unused(self.0.ticks.now(), UnixMs::MAX);
            if !self.close(unused).await {
                return;
            }
        }
    }

    /// Takes back what a predecessor had, at once. Only where a lock proves that no other server lives.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn reclaim_predecessors(&self) -> Result<u64, DbErr> {
        grants::reclaim(&self.0.db, true).await
    }

    /// Sets `amount` of each of the key's spend limits aside, for a call that began at `began`.
    ///
    /// # Errors
    /// [`BudgetError::Reached`] when a limit cannot cover it, [`BudgetError::Elsewhere`] when another node has the room
    /// for a moment, [`BudgetError::Unavailable`] when the database is needed and not there.
    pub async fn hold(
        &self,
        key: &KeyRecord,
        amount: Amount,
        began: UnixMs,
    ) -> Result<KeyHold, BudgetError> {
        // Test keys cost nothing.
        if key.test {
            return Ok(KeyHold::unlimited());
        }
        let wants: Vec<Want> = key
            .limits
            .budgets()
            .map(|(period, limit)| Want {
                span: period.span(began),
                limit,
            })
            .collect();
        if wants.is_empty() {
            return Ok(KeyHold::unlimited());
        }
        if amount.is_zero() {
            return Ok(KeyHold::nothing_of(Limits {
                budgets: self.clone(),
                key: key.id,
                workspace: key.workspace,
                wants,
            }));
        }
        self.hold_within(key.id, key.workspace, wants, amount).await
    }

    async fn hold_within(
        &self,
        key: KeyId,
        workspace: WorkspaceId,
        wants: Vec<Want>,
        amount: Amount,
    ) -> Result<KeyHold, BudgetError> {
        let purse = self.purse(key, workspace);
        if let Some(grants) = purse.hold(&wants, amount) {
            return Ok(KeyHold::new(self.place(purse, &wants, grants), amount));
        }
        // In a task of its own: a caller who leaves while grants are being committed would leave them to nobody. The
        // hold that nobody takes is dropped, which releases it.
        let budgets = self.clone();
        let refilled = tokio::spawn(async move {
            let grants = budgets.refill(&purse, &wants, amount).await?;
            Ok(KeyHold::new(budgets.place(purse, &wants, grants), amount))
        });
        refilled.await.map_err(|_| BudgetError::Unavailable(None))?
    }

    fn place(&self, purse: Arc<Purse>, wants: &[Want], grants: Vec<GrantId>) -> Place {
        Place {
            budgets: self.clone(),
            purse,
            grants,
            spans: wants.iter().map(|want| want.span).collect(),
        }
    }

    /// What a key of this workspace has spent in the periods that run now; nothing when it is another one's. Running
    /// calls are not in it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn spent(&self, workspace: WorkspaceId, key: KeyId) -> Result<KeySpend, DbErr> {
        let now = self.0.clock.now_ms();
        spend::spent(self.0.db.read(), workspace, key, now).await
    }

    fn purse(&self, key: KeyId, workspace: WorkspaceId) -> Arc<Purse> {
        self.0
            .purses
            .lock()
            .entry(key)
            .or_insert_with(|| Arc::new(Purse::new(key, workspace, self.0.ticks.clone())))
            .clone()
    }

    /// Gets grants for a hold that those in memory could not cover; holds before others can.
    async fn refill(
        &self,
        purse: &Purse,
        wants: &[Want],
        amount: Amount,
    ) -> Result<Vec<GrantId>, BudgetError> {
        for _ in 0..TRIES_ELSEWHERE {
            match self.refill_once(purse, wants, amount).await {
                // Other nodes were asked to give back; most do within a heartbeat.
                Err(BudgetError::Elsewhere) => tokio::time::sleep(WAIT_ELSEWHERE).await,
                other => return other,
            }
        }
        self.refill_once(purse, wants, amount).await
    }

    async fn refill_once(
        &self,
        purse: &Purse,
        wants: &[Want],
        amount: Amount,
    ) -> Result<Vec<GrantId>, BudgetError> {
        let _only_one = turn(purse).await?;
        if let Some(grants) = purse.hold(wants, amount) {
            return Ok(grants);
        }
        if let Some((span, available)) = purse.certainly_reached(wants, amount) {
            return Err(reached(span, available));
        }
        let asks = purse.asks_for(wants, amount);
        let asked_at = self.0.ticks.now();
        match self.ask(purse, &asks).await? {
            Outcome::Granted(parts) => purse
                .granted_and_held(&parts, valid_until(asked_at), wants, amount)
                // A call that was quicker took what this one had counted on.
                .ok_or(BudgetError::Elsewhere),
            Outcome::Reached { span, available } => Err(reached(span, available)),
            Outcome::Elsewhere => Err(BudgetError::Elsewhere),
        }
    }

    /// More room for a running call, if it is not there by now.
    async fn refill_to_grow(&self, place: &Place, more: Amount) -> Result<(), BudgetError> {
        let (budgets, place) = (self.clone(), place.clone());
        let refilled = tokio::spawn(async move {
            let _only_one = turn(&place.purse).await?;
            let asks = place
                .purse
                .asks_to_grow(&place.grants, more)
                .ok_or(BudgetError::Elsewhere)?;
            if asks.iter().all(|ask| ask.free >= more) {
                return Ok(());
            }
            let asked_at = budgets.0.ticks.now();
            match budgets.ask(&place.purse, &asks).await? {
                Outcome::Granted(parts) => {
                    place.purse.granted(&parts, valid_until(asked_at));
                    Ok(())
                }
                Outcome::Reached { span, available } => Err(reached(span, available)),
                Outcome::Elsewhere => Err(BudgetError::Elsewhere),
            }
        });
        refilled.await.map_err(|_| BudgetError::Unavailable(None))?
    }

    async fn ask(&self, purse: &Purse, asks: &[Ask]) -> Result<Outcome, BudgetError> {
        let asker = Asker {
            node: &self.0.node,
            several: self.0.several,
            key: purse.key,
            workspace: purse.workspace,
        };
        let Answer {
            outcome,
            spent,
            lost,
        } = bounded(grants::ask(&self.0.db, asker, &purse.ids(), asks))
            .await
            .map_err(|error| BudgetError::Unavailable(Some(error)))?;
        purse.learn(&spent);
        lost.into_iter().for_each(|grant| purse.lost(grant));
        Ok(outcome)
    }

    async fn look_after_grants(&self) {
        self.look_after(RENEW_AFTER).await;
    }

    /// Gives back what nobody uses, and renews what was not renewed for so long.
    async fn look_after(&self, renew_after: Duration) {
        let purses: Vec<Arc<Purse>> = self.0.purses.lock().values().cloned().collect();
        if purses.is_empty() {
            return;
        }
        let now = self.0.ticks.now();
        let before = |age: Duration| now.minus(age);
        let idle = if self.0.several {
            IDLE_AMONG_OTHERS
        } else {
            IDLE_ALONE
        };
        for purse in &purses {
            // While a call asks for more, its grants stay.
            if let Ok(_only_one) = purse.refill.try_lock() {
                self.close(purse.take_unused(before(idle), self.0.clock.now_ms()))
                    .await;
            }
            for (grant, held) in purse.news(before(renew_after)) {
                let asked_at = self.0.ticks.now();
                match bounded(grants::beat(&self.0.db, grant, held)).await {
                    Ok(true) => purse.told(grant, held, asked_at, valid_until(asked_at)),
                    Ok(false) => purse.lost(grant),
                    Err(error) => {
                        tracing::warn!(error = %error, "A grant of a key's limit could not be renewed");
                    }
                }
            }
        }
        drop(purses);
        if self.0.several
            && let Err(error) = self.give_back_recalled().await
        {
            tracing::warn!(error = %error, "Room in keys' limits could not be given back to another node");
        }
        self.0
            .purses
            .lock()
            .retain(|_, purse| Arc::strong_count(purse) > 1 || !purse.is_empty());
    }

    /// Gives other nodes what they ask for, and clears away what dead ones left.
    async fn give_back_recalled(&self) -> Result<(), DbErr> {
        for (key, grant) in bounded(grants::recalled(&self.0.db, &self.0.node)).await? {
            let purse = self.0.purses.lock().get(&key).cloned();
            // If the answer is lost, the free part may be gone already: closing the grant finds out what is left.
            if let Some(used) = purse.and_then(|purse| purse.take_free(grant)) {
                bounded(grants::give_back(&self.0.db, grant, used)).await?;
            }
        }
        grants::reclaim(&self.0.db, false).await.map(|_| ())
    }

    /// False when the database is away.
    async fn close(&self, unused: Vec<GrantId>) -> bool {
        for grant in unused {
            // What stays behind is cleared away when the key is next used, or when it expires.
            if let Err(error) = bounded(grants::close(&self.0.db, grant)).await {
                tracing::warn!(error = %error, grant.id = %grant, "A grant of a key's limit could not be given back");
                // Each of the others would wait for it.
                if is_away(&error) {
                    return false;
                }
            }
        }
        true
    }
}

/// One call at a time asks the database about a key. When it is slow, the others are told so instead of standing in
/// line.
async fn turn(purse: &Purse) -> Result<MutexGuard<'_, ()>, BudgetError> {
    tokio::time::timeout(TURN_MAX, purse.refill.lock())
        .await
        .map_err(|_| BudgetError::Unavailable(None))
}

fn reached(span: Span, available: Amount) -> BudgetError {
    BudgetError::Reached {
        period: span.period,
        resets_at: span.end,
        available,
    }
}

fn valid_until(asked_at: Moment) -> Moment {
    asked_at.plus(grants::TTL).minus(MARGIN)
}
