//! What may the rest of Farebox ask of the ledger? Hold, balance, grant; start and stop.

use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::BalanceView;
use sea_orm::{DbBackend, DbErr};
use serde_json::json;

use crate::audit::{Act, Audit, By};
use crate::clock::{Clock, Ticks};
use crate::db::Db;

use super::books;
use super::credit::{self, Adjustment, GrantError, Granted};
use super::expiry::{self, Expired};
use super::hold::{Hold, HoldError};
use super::leases;
use super::lines::{self, Line};
use super::node::Node;
use super::payments;
use super::store::DbStore;

/// Times and sizes of the ledger. The defaults are what production runs with.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// A lease that nothing runs on is given back after this.
    pub idle_return: Duration,
    /// How often leases are looked after.
    pub heartbeat: Duration,
    /// How long an ending waits for its commit before the caller gets an error instead.
    pub commit_wait: Duration,
    /// How much longer it waits for a commit that was sent and not answered. Then the caller gets the error all the same,
    /// and if the call turns out to be charged, the charge goes back.
    pub outcome_wait: Duration,
    /// How many batches may be written at the same time, each of other wallets. SQLite writes one.
    pub writers: usize,
    /// Leases told of by one statement: flushes of them wait meanwhile. On SQLite every flush waits, and each statement
    /// waits for the disk, so there are fewer of them.
    pub beats: usize,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            idle_return: Duration::from_secs(2),
            heartbeat: Duration::from_millis(500),
            commit_wait: Duration::from_secs(10),
            outcome_wait: Duration::from_secs(5),
            writers: 2,
            beats: 128,
        }
    }
}

/// How often, and after which pause, leases are asked for credit that an administrator takes back: three seconds in all.
const DRAINS: u32 = 30;
const DRAIN: Duration = Duration::from_millis(100);

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    node: Node,
}

impl Ledger {
    #[must_use]
    pub fn new(db: Db, clock: Clock, mut config: LedgerConfig) -> Self {
        if db.backend() == DbBackend::Sqlite {
            config.writers = 1;
            config.beats = 512;
        }
        let name = format!("node_{}", uuid::Uuid::now_v7().as_simple());
        let store = Arc::new(DbStore::new(db.clone()));
        let node = Node::new(store, clock.clone(), Ticks::system(), config, name);
        Self(Arc::new(Inner { db, clock, node }))
    }

    /// Starts the writer and the keepers of leases. Only a server does; commands need neither.
    pub fn start(&self) {
        self.0.node.start();
    }

    /// Flushes what is settled, gives every lease back, and stops. No call may be running.
    pub async fn shutdown(&self) {
        self.0.node.shutdown().await;
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
        self.0.node.is_healthy()
    }

    /// Sets `amount` aside for a call of this workspace.
    ///
    /// # Errors
    /// [`HoldError::Insufficient`] when the wallet cannot cover it, [`HoldError::Elsewhere`] when another node has the
    /// credit for a moment, [`HoldError::Unavailable`] when the database is needed and not there.
    pub async fn hold(&self, workspace: WorkspaceId, amount: Amount) -> Result<Hold, HoldError> {
        self.0.node.hold(workspace, amount).await
    }

    /// What this server is called among those of the same database.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.0.node.0.name
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
        let mut drains = 0;
        let (tx, granted) = loop {
            let tx = self.0.db.begin().await?;
            match credit::adjust(&tx, workspace, adjustment, self.0.clock.now_ms()).await {
                Ok(granted) => break (tx, granted),
                // What leases have and no call holds comes back when it is asked for.
                Err(GrantError::TooMuch { available }) => {
                    let asked = payments::recall(&tx, workspace, drains == 0).await?;
                    tx.commit().await?;
                    if !asked || drains == DRAINS {
                        return Err(GrantError::TooMuch { available });
                    }
                    drains += 1;
                    tokio::time::sleep(DRAIN).await;
                }
                Err(error) => return Err(error),
            }
        };
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
}
