//! What keeps a call within its key's limits? A [`KeyHold`] beside the money's hold, and as large.

use std::sync::Arc;

use domain::Amount;
use domain::ids::{GrantId, KeyId, WorkspaceId};
use domain::period::{Period, Span};
use domain::views::UnixMs;
use sea_orm::DbErr;
use thiserror::Error;

use super::Budgets;
use super::purse::{Purse, Want};

/// Why a key may not spend more.
#[derive(Debug, Error)]
pub enum BudgetError {
    /// The limit of this period cannot cover it, with what running calls hold counted as spent; `available` is what all
    /// the key's limits could still have covered at that moment.
    #[error("the key's limit per {} cannot cover the call", period.id())]
    Reached {
        period: Period,
        /// When the period ends, in milliseconds since 1970 UTC; all time has no end.
        resets_at: Option<UnixMs>,
        available: Amount,
    },
    #[error("another node holds the rest of the key's limit for a moment")]
    Elsewhere,
    #[error("the key's limits cannot be looked at")]
    Unavailable(#[source] Option<DbErr>),
}

/// How often a running call fetches room that others are quicker to use.
const FETCHES_MAX: u32 = 4;

/// Where a call of a limited key is held.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) budgets: Budgets,
    pub(super) purse: Arc<Purse>,
    pub(super) grants: Vec<GrantId>,
    /// The span of each grant.
    pub(super) spans: Vec<Span>,
}

/// Whose limits they are, and which.
pub(super) struct Limits {
    pub(super) budgets: Budgets,
    pub(super) key: KeyId,
    pub(super) workspace: WorkspaceId,
    pub(super) wants: Vec<Want>,
}

impl Limits {
    /// As [`Budgets::hold`].
    pub(super) async fn hold(&self, amount: Amount) -> Result<KeyHold, BudgetError> {
        let wants = self.wants.clone();
        let budgets = &self.budgets;
        budgets
            .hold_within(self.key, self.workspace, wants, amount)
            .await
    }
}

/// A part of each limit of a key, set aside for one call. Dropping it gives everything back.
///
/// A key without limits has an empty one, which costs nothing.
#[derive(Default)]
#[must_use = "a hold that is dropped is released"]
pub struct KeyHold {
    place: Option<Place>,
    /// Of a limited key whose call seemed to cost nothing: what it costs after all must be within them. As long as nothing
    /// is held, grants may come and go.
    limits: Option<Limits>,
    amount: Amount,
}

impl KeyHold {
    pub(super) fn new(place: Place, amount: Amount) -> Self {
        Self {
            place: Some(place),
            limits: None,
            amount,
        }
    }

    /// Nothing of limits that are there.
    pub(super) fn nothing_of(limits: Limits) -> Self {
        Self {
            place: None,
            limits: Some(limits),
            amount: Amount::ZERO,
        }
    }

    /// Of a key that spends without limits, or not at all.
    pub fn unlimited() -> Self {
        Self::default()
    }

    /// Sets aside more, up to `total` in all; for a stream that goes on.
    ///
    /// # Errors
    /// [`BudgetError`] when a limit has no more; what was held stays held.
    pub async fn grow_to(&mut self, total: Amount) -> Result<(), BudgetError> {
        let more = total.minus_or_zero(self.amount);
        if more.is_zero() {
            return Ok(());
        }
        if let Some(limits) = self.limits.as_ref().filter(|_| self.amount.is_zero()) {
            let mut held = limits.hold(total).await?;
            held.limits = self.limits.take();
            *self = held;
            return Ok(());
        }
        let Some(place) = &self.place else {
            return Ok(());
        };
        // Calls that find room in memory do not wait for us and may take what we just fetched: then we fetch again.
        for _ in 0..FETCHES_MAX {
            if place.purse.grow(&place.grants, more) {
                self.amount = total;
                return Ok(());
            }
            place.budgets.refill_to_grow(place, more).await?;
        }
        Err(BudgetError::Elsewhere)
    }

    /// Gives back what is above `total`.
    pub fn shrink_to(&mut self, total: Amount) {
        let back = self.amount.minus_or_zero(total);
        if let Some(place) = &self.place
            && !back.is_zero()
        {
            place.purse.release(&place.grants, back);
            self.amount = total;
        }
    }

    /// Turns the hold into a charge of `cost`, or of as much of it as the limits let the key pay.
    pub(crate) fn settle(mut self, cost: Amount) -> KeyCharge {
        let place = self.place.take();
        let amount = match &place {
            Some(place) => place.purse.settle(&place.grants, self.amount, cost),
            None if self.limits.is_some() => Amount::ZERO,
            None => cost,
        };
        KeyCharge { place, amount }
    }
}

impl Drop for KeyHold {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            place.purse.release(&place.grants, self.amount);
        }
    }
}

/// What a settled call takes from its key's limits, on its way to the database.
#[derive(Clone)]
pub(crate) struct KeyCharge {
    pub(super) place: Option<Place>,
    pub(super) amount: Amount,
}

impl KeyCharge {
    /// How much of the cost the limits let the key pay.
    pub(crate) fn amount(&self) -> Amount {
        self.amount
    }

    /// The wallet can pay only so much of it.
    pub(crate) fn reduce_to(&mut self, charge: Amount) {
        let back = self.amount.minus_or_zero(charge);
        if let Some(place) = &self.place
            && !back.is_zero()
        {
            place.purse.unsettle(&place.grants, back);
        }
        self.amount = self.amount.min(charge);
    }

    /// It was withdrawn before it was sent.
    pub(crate) fn unsettle(&self) {
        if let Some(place) = &self.place {
            place.purse.unsettle(&place.grants, self.amount);
        }
    }

    pub(crate) fn committed(&self) {
        if let Some(place) = &self.place {
            place.purse.committed(&place.grants, self.amount);
        }
    }
}
