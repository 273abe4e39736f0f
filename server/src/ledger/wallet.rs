//! What does this node have left to spend? A lease in memory: granted = free + held + pending + spent.
//!
//! One small lock per lease, held for a few additions and never across an await.

use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::ids::{LeaseId, WorkspaceId};
use parking_lot::Mutex;

use crate::clock::Moment;

/// How long after a recall a lease takes no more than its calls need.
const CONTESTED: Duration = Duration::from_secs(2);

/// A lease takes so many times what the call needs, so that most calls find their money in memory; and up to so many times
/// where it does not last for a while, twice as much each time.
const AHEAD: i64 = 64;
const AHEAD_MAX: i64 = 64 * AHEAD;
const A_WHILE: Duration = Duration::from_secs(1);

/// One workspace's credit on this node.
#[derive(Debug)]
pub(super) struct Wallet {
    pub(super) workspace: WorkspaceId,
    /// The lease that admits new holds, if any. Older ones live on in their holds.
    pub(super) current: Mutex<Option<Arc<Lease>>>,
    /// Only one call at a time asks the database for more; the others find it granted.
    pub(super) refill: tokio::sync::Mutex<()>,
    /// How many calls were asked for last, and when.
    asked: Mutex<Option<(i64, Moment)>>,
}

impl Wallet {
    pub(super) fn new(workspace: WorkspaceId) -> Self {
        Self {
            workspace,
            current: Mutex::new(None),
            refill: tokio::sync::Mutex::new(()),
            asked: Mutex::new(None),
        }
    }

    /// For how many calls like this one to ask. Asking waits for the wallet's row, which flushes lock: where calls come
    /// quickly it must be seldom. Where others want some of the credit, only for this one.
    pub(super) fn ahead(&self, now: Moment, contested: bool) -> i64 {
        let mut asked = self.asked.lock();
        let times = match *asked {
            _ if contested => 1,
            Some((times, at)) if now < at.plus(A_WHILE) => {
                times.saturating_mul(2).clamp(AHEAD, AHEAD_MAX)
            }
            _ => AHEAD,
        };
        *asked = Some((times, now));
        times
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
    valid_until: Moment,
    last_used: Moment,
    /// Recalls that waited for the next look, one after the other.
    put_off: u32,
    /// Others wanted some of it until then: no more is asked for than is needed.
    contested_until: Option<Moment>,
    /// False when the lease is being given back or was lost.
    open: bool,
    /// The database has taken it back.
    lost: bool,
    /// An answer about it was lost: the database may have granted or taken back what is not in these counters.
    doubtful: bool,
    /// What the database was last told.
    reported: Option<(Amount, Moment)>,
    last_flush: i64,
}

impl Lease {
    pub(super) fn new(
        id: LeaseId,
        book: i64,
        granted: Amount,
        valid_until: Moment,
        now: Moment,
    ) -> Self {
        let state = State {
            free: granted,
            held: Amount::ZERO,
            pending: Amount::ZERO,
            valid_until,
            last_used: now,
            put_off: 0,
            contested_until: None,
            open: true,
            lost: false,
            doubtful: false,
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
    pub(super) fn hold(&self, amount: Amount, now: Moment) -> bool {
        let mut state = self.state.lock();
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

    pub(super) fn release(&self, amount: Amount, now: Moment) {
        let mut state = self.state.lock();
        state.held = state.held.minus_or_zero(amount);
        state.free = state.free.plus(amount).unwrap_or(state.free);
        state.last_used = now;
    }

    /// Turns a hold into a charge and answers it. What the hold does not cover is taken from the free part; what that
    /// does not cover is not charged.
    pub(super) fn settle(&self, held: Amount, cost: Amount, now: Moment) -> Amount {
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
        state.last_used = now;
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
    pub(super) fn is_usable(&self, now: Moment) -> bool {
        let state = self.state.lock();
        state.open && now < state.valid_until
    }

    /// Admits no new hold from now on.
    pub(super) fn shut(&self) {
        self.state.lock().open = false;
    }

    /// Shuts the lease if nothing runs on it and nothing has for `idle_since`.
    pub(super) fn shut_if_idle(&self, idle_since: Moment) -> bool {
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

    /// What to tell the database, if it is time: when the part that calls hold changed or the last word is older than
    /// `stale`. What they are charged and no flush has committed is among it: it must not be given to others.
    /// What is told counts as not told until its answer is there: the database may have heard it or not, and it must hear
    /// the next word even when that is the same as the last but one.
    pub(super) fn news(&self, stale: Moment) -> Option<Amount> {
        let mut state = self.state.lock();
        let held = state.of_calls();
        match state.reported {
            Some((told, at)) if told == held && at > stale => None,
            _ => {
                state.reported = None;
                Some(held)
            }
        }
    }

    pub(super) fn told(&self, held: Amount, at: Moment, valid_until: Moment) {
        let mut state = self.state.lock();
        state.reported = Some((held, at));
        state.valid_until = state.valid_until.max(valid_until);
        state.open &= !state.doubtful;
    }

    /// A flush that was sent at this moment said that the node lives: as good as a heartbeat, but what calls hold was not told.
    pub(super) fn renewed(&self, at: Moment, valid_until: Moment) {
        let mut state = self.state.lock();
        if let Some((_, told_at)) = &mut state.reported {
            *told_at = (*told_at).max(at);
        }
        state.valid_until = state.valid_until.max(valid_until);
        state.open &= !state.doubtful;
    }

    /// Remembers that an answer was lost. What is in memory may be used until the database answers again; then the lease
    /// is shut, because only its end gives back what nobody knows of.
    pub(super) fn doubt(&self) {
        self.state.lock().doubtful = true;
    }

    /// The database has taken it back: what is free is the wallet's again, and what calls hold they may still settle.
    pub(super) fn lost(&self) {
        let mut state = self.state.lock();
        state.open = false;
        state.lost = true;
        state.free = Amount::ZERO;
    }

    /// Its calls may settle on it, and no more than they hold.
    pub(super) fn is_lost(&self) -> bool {
        self.state.lock().lost
    }

    /// Takes out the free part, to be given back on another's wish, and answers it with what stays with calls. For a while the
    /// lease does not grow beyond what its calls need. `None` when nothing runs on it: it is shut, and all of it goes back.
    pub(super) fn take_free(&self, now: Moment) -> Option<(Amount, Amount)> {
        let mut state = self.state.lock();
        state.put_off = 0;
        if state.is_quiet() {
            state.open = false;
            return None;
        }
        state.contested_until = Some(now.plus(CONTESTED));
        Some((std::mem::take(&mut state.free), state.of_calls()))
    }

    /// A recall waits for the next look; answers how many have before.
    pub(super) fn put_off(&self) -> u32 {
        let mut state = self.state.lock();
        state.put_off = state.put_off.saturating_add(1);
        state.put_off.saturating_sub(1)
    }

    /// Did others want some of it a moment ago?
    pub(super) fn is_contested(&self, now: Moment) -> bool {
        let until = self.state.lock().contested_until;
        until.is_some_and(|until| now < until)
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        self.held.is_zero() && self.pending.is_zero()
    }

    fn of_calls(&self) -> Amount {
        self.held.plus(self.pending).unwrap_or(self.held)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::NewId;

    #[test]
    fn a_flush_renews_a_lease_and_says_nothing_of_what_is_held() {
        let at = |seconds| Moment::after(Duration::from_secs(seconds));
        let some = Amount::from_nanos(10);
        let lease = Lease::new(LeaseId::new(), 1, some, at(10), at(0));
        // Nothing was ever told: the first heartbeat is due all the same.
        lease.renewed(at(1), at(11));
        assert_eq!(lease.news(at(0)), Some(Amount::ZERO));
        // Nor is what was told once, and not answered.
        lease.renewed(at(1), at(11));
        assert_eq!(lease.news(at(0)), Some(Amount::ZERO));
        lease.told(Amount::ZERO, at(1), at(11));
        lease.renewed(at(5), at(15));
        assert_eq!(lease.news(at(4)), None);
        assert!(lease.is_usable(at(14)) && !lease.is_usable(at(15)));
        // An answer that is older than the last changes nothing.
        lease.renewed(at(2), at(12));
        assert_eq!(lease.news(at(4)), None);
        assert!(lease.hold(some, at(14)));
        assert_eq!(lease.news(at(4)), Some(some));
        // Something was asked for whose answer was lost: the database is there, so it is shut.
        lease.doubt();
        lease.renewed(at(6), at(16));
        assert!(!lease.is_open());
    }

    #[test]
    fn a_wallet_that_is_asked_for_often_is_asked_for_more() {
        let wallet = Wallet::new(WorkspaceId::new());
        // Milliseconds, whether others want some, and for how many calls is asked.
        for (at, contested, calls) in [
            (0, false, 64),
            (999, false, 128),
            (1_000, false, 256),
            (2_000, false, 64),
            (2_001, false, 128),
            (2_002, true, 1),
            (2_003, false, 64),
            (2_004, false, 128),
        ] {
            let now = Moment::after(Duration::from_millis(at));
            assert_eq!(wallet.ahead(now, contested), calls, "at {at}");
        }
        let now = Moment::after(Duration::from_millis(2_005));
        let most = (0..20).map(|_| wallet.ahead(now, false)).max();
        assert_eq!(most, Some(AHEAD_MAX));
    }
}
