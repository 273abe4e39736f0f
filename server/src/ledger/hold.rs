//! What lets a call reach an upstream? A [`Hold`]: money set aside for it. It has two exits and a safety net.

use std::sync::Arc;
use std::time::Duration;

use domain::{Amount, MoneyError};
use sea_orm::DbErr;
use thiserror::Error;

use crate::calls::CallRecord;

use super::handle::Ledger;
use super::wallet::{Lease, Wallet};

/// Why no money could be set aside.
#[derive(Debug, Error)]
pub enum HoldError {
    /// The wallet cannot cover it; `available` is what it could still have covered at that moment.
    #[error("the wallet cannot cover the call")]
    Insufficient { available: Amount },
    #[error("another node holds the credit for a moment")]
    Elsewhere,
    #[error("the ledger cannot be reached")]
    Unavailable(#[source] Option<DbErr>),
}

/// Why a call could not be charged.
#[derive(Debug, Error)]
pub enum SettleError {
    /// Nothing was charged: the call must not be given its ending.
    #[error("the charge could not be committed in time")]
    NotCommitted,
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// How often, and after which pause, credit above a hold is asked for again when it cannot be had at once.
const COVER_TRIES: u32 = 10;
const COVER_WAIT: Duration = Duration::from_millis(200);

/// A call whose money is decided, to be committed.
pub(super) struct Settled {
    pub(super) record: CallRecord,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) charge: Amount,
    pub(super) unbilled: Amount,
}

/// Money set aside for one call.
///
/// [`Hold::settle`] charges and gives the rest back; [`Hold::release`] gives everything back, and so does dropping it.
#[must_use = "a hold that is dropped is released"]
pub struct Hold {
    ledger: Ledger,
    /// `None` for a call that costs nothing.
    place: Option<(Arc<Wallet>, Arc<Lease>)>,
    amount: Amount,
}

impl Hold {
    pub(super) fn new(
        ledger: Ledger,
        place: Option<(Arc<Wallet>, Arc<Lease>)>,
        amount: Amount,
    ) -> Self {
        Self {
            ledger,
            place,
            amount,
        }
    }

    #[must_use]
    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// Sets aside more, up to `total` in all; for a stream that goes on. Asks the database when the lease is spent.
    ///
    /// # Errors
    /// [`HoldError`] when the wallet has no more; what was held stays held.
    pub async fn grow_to(&mut self, total: Amount) -> Result<(), HoldError> {
        let more = total.minus_or_zero(self.amount);
        let Some((wallet, lease)) = &self.place else {
            return Ok(());
        };
        if more.is_zero() || lease.grow(more) {
            self.amount = self.amount.max(total);
            return Ok(());
        }
        self.ledger.enlarge(wallet, lease, more).await?;
        if lease.grow(more) {
            self.amount = total;
            return Ok(());
        }
        // Another call of the same wallet was quicker.
        Err(HoldError::Elsewhere)
    }

    /// Charges the call's cost and writes its row, in one commit; gives the rest of the hold back.
    ///
    /// When the cost is above the hold, more credit is asked for; what cannot be had is served at the operator's loss
    /// and stands on the row as unbilled.
    ///
    /// # Errors
    /// [`SettleError::NotCommitted`] when the commit did not happen in time.
    ///
    /// # Cancellation
    /// Once begun, the charge is committed whether or not anybody awaits it.
    pub async fn settle(mut self, record: CallRecord) -> Result<(), SettleError> {
        if record.cost > self.amount {
            self.cover(&record).await;
        }
        let lease = self.place.take().map(|(_, lease)| lease);
        let (charge, unbilled) = match &lease {
            Some(lease) => {
                let split = lease.settle(self.amount, record.cost);
                (split.charge, split.unbilled)
            }
            None => (Amount::ZERO, record.cost),
        };
        self.amount = Amount::ZERO;
        self.ledger
            .commit(Settled {
                record,
                lease,
                charge,
                unbilled,
            })
            .await
    }

    /// Asks for what the cost is above the hold. Only an empty wallet ends it early: trouble may pass.
    async fn cover(&mut self, record: &CallRecord) {
        for _ in 0..COVER_TRIES {
            match self.grow_to(record.cost).await {
                Ok(()) => return,
                Err(HoldError::Insufficient { .. }) => break,
                Err(_) => tokio::time::sleep(COVER_WAIT).await,
            }
        }
        tracing::warn!(call.id = %record.id, "The cost is above what the wallet can still cover");
    }

    /// Gives everything back: nothing was served.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some((_, lease)) = self.place.take() {
            lease.release(self.amount);
        }
    }
}
