//! What does this node have left to spend? A lease in memory: granted = free + held + pending + spent.
//!
//! One small lock per lease, held for a few additions and never across an await.

use std::sync::Arc;
use std::time::Instant;

use domain::Amount;
use domain::ids::{LeaseId, WorkspaceId};
use parking_lot::Mutex;

/// One workspace's credit on this node.
#[derive(Debug)]
pub(super) struct Wallet {
    pub(super) workspace: WorkspaceId,
    /// The lease that admits new holds, if any. Older ones live on in their holds.
    pub(super) current: Mutex<Option<Arc<Lease>>>,
    /// Only one call at a time asks the database for more; the others find it granted.
    pub(super) refill: tokio::sync::Mutex<()>,
}

impl Wallet {
    pub(super) fn new(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            current: Mutex::new(None),
            refill: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn lease(&self) -> Option<Arc<Lease>> {
        self.current.lock().clone()
    }
}

/// A lease's counters.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) id: LeaseId,
    pub(super) book: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Neither held, nor charged, nor given back.
    free: Amount,
    /// Held by running calls.
    held: Amount,
    /// Charged by settled calls whose flush is not committed.
    pending: Amount,
    /// No new hold after this moment.
    valid_until: Instant,
    last_used: Instant,
    /// False when the lease is being given back or was lost.
    open: bool,
    /// What the database was last told.
    reported: Option<(Amount, Instant)>,
    last_flush: i64,
}

impl Lease {
    pub(super) fn new(id: LeaseId, book: i64, granted: Amount, valid_until: Instant) -> Self {
        let state = State {
            free: granted,
            held: Amount::ZERO,
            pending: Amount::ZERO,
            valid_until,
            last_used: Instant::now(),
            open: true,
            reported: None,
            last_flush: 0,
        };
        Self {
            id,
            book,
            state: Mutex::new(state),
        }
    }

    /// Holds `amount` if that much is free and the lease is valid.
    pub(super) fn hold(&self, amount: Amount) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        if !state.open || now >= state.valid_until || state.free < amount {
            return false;
        }
        state.last_used = now;
        state.move_free_to_held(amount)
    }

    /// A running call holds more. Allowed on an expired lease: its calls may finish.
    pub(super) fn grow(&self, amount: Amount) -> bool {
        let mut state = self.state.lock();
        state.free >= amount && state.move_free_to_held(amount)
    }

    pub(super) fn release(&self, amount: Amount) {
        let mut state = self.state.lock();
        state.held = state.held.minus_or_zero(amount);
        state.free = state.free.plus(amount).unwrap_or(state.free);
        state.last_used = Instant::now();
    }

    /// Turns a hold into a charge and answers it. What the hold does not cover is taken from the free part; what that
    /// does not cover is not charged.
    pub(super) fn settle(&self, held: Amount, cost: Amount) -> Amount {
        let mut state = self.state.lock();
        let extra = cost.minus_or_zero(held).min(state.free);
        let charge = cost.min(held).plus(extra).unwrap_or(cost);
        state.held = state.held.minus_or_zero(held);
        let back = held.minus_or_zero(cost);
        state.free = state
            .free
            .plus(back)
            .unwrap_or(state.free)
            .minus_or_zero(extra);
        state.pending = state.pending.plus(charge).unwrap_or(state.pending);
        state.last_used = Instant::now();
        charge
    }

    /// The charge was withdrawn before it was sent.
    pub(super) fn unsettle(&self, charge: Amount) {
        let mut state = self.state.lock();
        state.pending = state.pending.minus_or_zero(charge);
        state.free = state.free.plus(charge).unwrap_or(state.free);
    }

    /// The charges are committed.
    pub(super) fn committed(&self, charges: Amount) {
        let mut state = self.state.lock();
        state.pending = state.pending.minus_or_zero(charges);
    }

    /// What a hold could take now.
    pub(super) fn free(&self) -> Amount {
        self.state.lock().free
    }

    pub(super) fn enlarged(&self, by: Amount) {
        let mut state = self.state.lock();
        state.free = state.free.plus(by).unwrap_or(state.free);
    }

    /// The number of the next flush; each is used once, whatever becomes of it.
    pub(super) fn next_flush(&self) -> i64 {
        let mut state = self.state.lock();
        state.last_flush += 1;
        state.last_flush
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.lock().open
    }

    /// Would it admit a hold, if it had the credit?
    pub(super) fn is_usable(&self) -> bool {
        let state = self.state.lock();
        state.open && Instant::now() < state.valid_until
    }

    /// Admits no new hold from now on.
    pub(super) fn shut(&self) {
        self.state.lock().open = false;
    }

    /// Shuts the lease if nothing runs on it and nothing has for `idle_since`.
    pub(super) fn shut_if_idle(&self, idle_since: Instant) -> bool {
        let mut state = self.state.lock();
        let idle = state.is_quiet() && state.last_used <= idle_since;
        if idle {
            state.open = false;
        }
        idle
    }

    /// Nothing held and nothing uncommitted: the rest can be given back.
    pub(super) fn is_quiet(&self) -> bool {
        self.state.lock().is_quiet()
    }

    /// What to tell the database, if it is time: when the held part changed or the last word is older than `stale`.
    pub(super) fn news(&self, stale: Instant) -> Option<Amount> {
        let state = self.state.lock();
        match state.reported {
            Some((held, at)) if held == state.held && at > stale => None,
            _ => Some(state.held),
        }
    }

    pub(super) fn told(&self, held: Amount, valid_until: Instant) {
        let mut state = self.state.lock();
        state.reported = Some((held, Instant::now()));
        state.valid_until = valid_until;
    }

    /// Takes out the free part, to be given back on another node's wish.
    pub(super) fn take_free(&self) -> Amount {
        std::mem::take(&mut self.state.lock().free)
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        self.held.is_zero() && self.pending.is_zero()
    }

    fn move_free_to_held(&mut self, amount: Amount) -> bool {
        match (self.free.minus(amount), self.held.plus(amount)) {
            (Ok(free), Ok(held)) => {
                self.free = free;
                self.held = held;
                true
            }
            _ => false,
        }
    }
}
