//! What lets a call reach an upstream? A [`Hold`]: money set aside for it. It has two exits and a safety net.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::WorkspaceId;
use domain::period::Period;
use domain::views::UnixMs;
use domain::{Amount, MoneyError};
use sea_orm::DbErr;
use thiserror::Error;
use tokio::time::{Instant, timeout};

use crate::budgets::{BudgetError, KeyCharge, KeyHold};
use crate::calls::CallRecord;

use super::node::Node;
use super::wallet::{Lease, Wallet};

/// Why no money could be set aside.
#[derive(Debug, Error)]
pub enum HoldError {
    /// No call costs less than nothing.
    #[error("a hold cannot be negative")]
    Negative,
    /// The wallet cannot cover it; `available` is what it could still have covered at that moment.
    #[error("the wallet cannot cover the call")]
    Insufficient { available: Amount },
    /// A spend limit of the key cannot cover it; the wallet could.
    #[error("the key has reached its limit per {}", period.id())]
    KeyLimit {
        period: Period,
        resets_at: Option<UnixMs>,
        available: Amount,
    },
    #[error("another node holds the credit for a moment")]
    Elsewhere,
    #[error("the ledger cannot be reached")]
    Unavailable(#[source] Option<DbErr>),
}

impl From<BudgetError> for HoldError {
    fn from(error: BudgetError) -> Self {
        match error {
            BudgetError::Reached {
                period,
                resets_at,
                available,
            } => Self::KeyLimit {
                period,
                resets_at,
                available,
            },
            BudgetError::Elsewhere => Self::Elsewhere,
            BudgetError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

/// Why a call could not be charged.
#[derive(Debug, Error)]
pub enum SettleError {
    #[error("a call cannot cost less than nothing")]
    Negative,
    /// Nothing was charged: the call must not be given its ending.
    #[error("the charge could not be committed in time")]
    NotCommitted,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// How often, and after which pause, credit above a hold is asked for again when it cannot be had at once.
const COVER_TRIES: u32 = 4;
const COVER_WAIT: Duration = Duration::from_millis(200);

/// A call whose money is decided, to be committed.
pub(super) struct Settled {
    pub(super) record: CallRecord,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) charge: Amount,
    pub(super) unbilled: Amount,
    /// Of the key's limits, as much as of the wallet.
    pub(super) of_key: KeyCharge,
}

/// Money set aside for one call, and as much of each spend limit of its key.
///
/// [`Hold::settle`] charges and gives the rest back; [`Hold::release`] gives everything back, and so does dropping it.
#[must_use = "a hold that is dropped is released"]
pub struct Hold {
    node: Node,
    workspace: WorkspaceId,
    /// `None` while nothing is held: the call seems to cost nothing.
    place: Option<(Arc<Wallet>, Arc<Lease>)>,
    amount: Amount,
    of_key: KeyHold,
}

impl Hold {
    pub(super) fn new(
        node: Node,
        workspace: WorkspaceId,
        place: Option<(Arc<Wallet>, Arc<Lease>)>,
        amount: Amount,
    ) -> Self {
        Self {
            node,
            workspace,
            place,
            amount,
            of_key: KeyHold::unlimited(),
        }
    }

    /// Keeps the call within its key's limits too: what it holds of them grows and ends with this hold.
    pub fn within(mut self, mut of_key: KeyHold) -> Self {
        of_key.shrink_to(self.amount);
        self.of_key = of_key;
        self
    }

    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// Where it is held, for the simulator to ask the database about.
    #[cfg(test)]
    pub(super) fn lease(&self) -> Option<domain::ids::LeaseId> {
        self.place.as_ref().map(|(_, lease)| lease.id)
    }

    /// Sets aside more, up to `total` in all; for a stream that goes on. Asks the database when the lease is spent.
    ///
    /// # Errors
    /// [`HoldError`] when the wallet or a limit of the key has no more; what was held stays held.
    pub async fn grow_to(&mut self, total: Amount) -> Result<(), HoldError> {
        if total < Amount::ZERO {
            return Err(HoldError::Negative);
        }
        if total <= self.amount {
            return Ok(());
        }
        self.of_key.grow_to(total).await?;
        let grown = match self.place.clone() {
            Some((wallet, lease)) => self.grow_on(&wallet, &lease, total).await,
            None => self.move_to_another_lease(total).await,
        };
        match grown {
            Ok(()) => self.amount = total,
            Err(_) => self.of_key.shrink_to(self.amount),
        }
        grown
    }

    async fn grow_on(
        &mut self,
        wallet: &Arc<Wallet>,
        lease: &Arc<Lease>,
        total: Amount,
    ) -> Result<(), HoldError> {
        let more = total.minus_or_zero(self.amount);
        if lease.grow(more) {
            return Ok(());
        }
        self.node.enlarge(wallet, lease, more).await?;
        if lease.grow(more) {
            Ok(())
        } else if lease.is_lost() {
            self.move_to_another_lease(total).await
        } else {
            // Another call of the same wallet was quicker.
            Err(HoldError::Elsewhere)
        }
    }

    /// The call held nothing so far. Or the database was away for longer than the lease lived: what the call holds may
    /// still be there, but no more comes from it; all of it is held once more elsewhere, and then given back there.
    async fn move_to_another_lease(&mut self, total: Amount) -> Result<(), HoldError> {
        let mut other = self.node.hold(self.workspace, total).await?;
        std::mem::swap(&mut self.place, &mut other.place);
        std::mem::swap(&mut self.amount, &mut other.amount);
        other.release();
        Ok(())
    }

    /// Charges the call's cost and writes its row, in one commit; gives the rest of the hold back. Answers what was
    /// charged.
    ///
    /// When the cost is above the hold, more credit is asked for; what cannot be had, or is above a limit of the key, is
    /// served at the operator's loss and stands on the row as unbilled.
    ///
    /// # Errors
    /// [`SettleError::NotCommitted`] when the call had been settled before, or the commit did not happen in time: then the
    /// whole cost is the operator's loss, and booked as that as soon as the database takes it.
    ///
    /// # Cancellation
    /// Once begun, the charge is committed whether or not anybody awaits it.
    pub async fn settle(mut self, record: CallRecord) -> Result<Amount, SettleError> {
        if record.cost < Amount::ZERO {
            return Err(SettleError::Negative);
        }
        let (begun, wait) = (Instant::now(), self.node.commit_wait());
        if record.cost > self.amount {
            // What cannot be had in that time is served at the operator's loss. The commit needs its part of the wait.
            let _ = timeout(wait / 2, self.cover(&record)).await;
        }
        let lease = self.place.take().map(|(_, lease)| lease);
        // First what the key may pay, then what the wallet can: the smaller one is charged to both.
        let mut of_key = std::mem::take(&mut self.of_key).settle(record.cost);
        let charge = lease.as_ref().map_or(Amount::ZERO, |lease| {
            lease.settle(self.amount, of_key.amount(), self.node.now())
        });
        of_key.reduce_to(charge);
        let unbilled = record.cost.minus_or_zero(charge);
        self.amount = Amount::ZERO;
        let settled = Settled {
            record,
            lease,
            charge,
            unbilled,
            of_key,
        };
        self.node.commit(settled, begun + wait).await?;
        Ok(charge)
    }

    /// Asks for what the cost is above the hold. Only an empty wallet or a reached limit ends it early: trouble may pass.
    async fn cover(&mut self, record: &CallRecord) {
        let (mut total, mut tries) = (record.cost, 0);
        while tries < COVER_TRIES {
            match self.grow_to(total).await {
                Ok(()) if total == record.cost => return,
                Ok(()) => break,
                // What is there of it is better than nothing; it may be more than the other of the two has.
                Err(
                    HoldError::Insufficient { available } | HoldError::KeyLimit { available, .. },
                ) => match self.amount.plus(available) {
                    Ok(rest) if rest > self.amount => {
                        // There is more than a moment ago: the same once more.
                        tries += u32::from(rest >= total);
                        total = total.min(rest);
                    }
                    _ => break,
                },
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(COVER_WAIT).await;
                }
            }
        }
        tracing::warn!(call.id = %record.id, "The cost is above what the wallet or the key's limits can still cover");
    }

    /// Gives everything back: nothing was served.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some((_, lease)) = self.place.take() {
            lease.release(self.amount, self.node.now());
        }
    }
}
