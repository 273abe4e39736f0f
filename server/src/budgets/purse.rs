//! What may this node still spend of a key's limits? Grants in memory: granted = free + held + pending + spent.
//!
//! One small lock per key, held for a few additions and never across an await: a call that is limited per day and per
//! month holds in both or in neither.

use domain::Amount;
use domain::ids::{GrantId, KeyId, WorkspaceId};
use domain::period::Span;
use domain::views::UnixMs;
use parking_lot::Mutex;

use crate::clock::{Moment, Ticks};

/// One limited key on this node.
#[derive(Debug)]
pub(super) struct Purse {
    pub(super) key: KeyId,
    pub(super) workspace: WorkspaceId,
    ticks: Ticks,
    state: Mutex<State>,
    /// Only one call at a time asks the database for more; the others find it granted.
    pub(super) refill: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    grants: Vec<Grant>,
    /// What the key had spent at least, when the database was last asked: it never becomes less.
    known: Vec<(Span, Amount)>,
    last_used: Moment,
}

/// A part of one limit in one day, week, month, or of all time.
#[derive(Debug)]
struct Grant {
    id: GrantId,
    span: Span,
    /// The limit as it was when the database granted.
    limit: Amount,
    /// Neither held, nor charged, nor given back.
    free: Amount,
    /// Held by running calls.
    held: Amount,
    /// Charged by settled calls whose flush is not committed.
    pending: Amount,
    /// No new hold after this moment, on a clock that goes on while the machine sleeps, unless the database was asked again.
    valid_until: Moment,
    beaten_at: Moment,
    /// What the database believes to be held; zero until another node asked.
    reported: Amount,
    /// False when it is no longer this node's.
    open: bool,
}

/// One limit that a call has to fit into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) span: Span,
    pub(super) limit: Amount,
}

/// What the database is asked for, of one limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) span: Span,
    /// The grant to enlarge, if this node has one.
    pub(super) grant: Option<GrantId>,
    /// Taken out of the grant because the limit was lowered.
    pub(super) give_back: Amount,
    /// What a call wants to hold, and how much of it the grant has free.
    pub(super) amount: Amount,
    pub(super) free: Amount,
}

/// What the database gave, of one limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) span: Span,
    pub(super) grant: GrantId,
    pub(super) amount: Amount,
    pub(super) limit: Amount,
}

/// What a grant has free and in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) free: Amount,
    pub(super) held: Amount,
}

impl Purse {
    pub(super) fn new(key: KeyId, workspace: WorkspaceId, ticks: Ticks) -> Self {
        let state = State {
            grants: Vec::new(),
            known: Vec::new(),
            last_used: ticks.now(),
        };
        Self {
            key,
            workspace,
            ticks,
            state: Mutex::new(state),
            refill: tokio::sync::Mutex::default(),
        }
    }

    /// Holds `amount` in every limit, or in none.
    pub(super) fn hold(&self, wants: &[Want], amount: Amount) -> Option<Vec<GrantId>> {
        self.state.lock().hold(wants, amount, self.ticks.now())
    }

    /// A running call holds more. Allowed on a grant that needs a heartbeat: its calls may finish.
    pub(super) fn grow(&self, grants: &[GrantId], more: Amount) -> bool {
        self.state.lock().grow(grants, more, self.ticks.now())
    }

    pub(super) fn release(&self, grants: &[GrantId], amount: Amount) {
        let mut state = self.state.lock();
        state.last_used = self.ticks.now();
        for grant in state.named(grants) {
            grant.held = grant.held.minus_or_zero(amount);
            grant.free = grant.free.plus(amount).unwrap_or(grant.free);
        }
    }

    /// Turns a hold into a charge and answers how much the limits let the key pay: the hold, and above it what is free
    /// in all of them.
    pub(super) fn settle(&self, grants: &[GrantId], held: Amount, cost: Amount) -> Amount {
        let mut state = self.state.lock();
        state.last_used = self.ticks.now();
        let free = state.named(grants).map(|grant| grant.free).min();
        let extra = cost
            .minus_or_zero(held)
            .min(free.unwrap_or(Amount::ZERO))
            .max(Amount::ZERO);
        let charge = cost.min(held).plus(extra).unwrap_or(cost);
        let back = held.minus_or_zero(cost);
        for grant in state.named(grants) {
            grant.held = grant.held.minus_or_zero(held);
            let free = grant.free.plus(back).unwrap_or(grant.free);
            grant.free = free.minus_or_zero(extra);
            grant.pending = grant.pending.plus(charge).unwrap_or(grant.pending);
        }
        charge
    }

    /// A charge, or a part of it, does not come: it was withdrawn before it was sent, or the wallet cannot pay it.
    pub(super) fn unsettle(&self, grants: &[GrantId], charge: Amount) {
        for grant in self.state.lock().named(grants) {
            grant.pending = grant.pending.minus_or_zero(charge);
            grant.free = grant.free.plus(charge).unwrap_or(grant.free);
        }
    }

    /// The charge is committed.
    pub(super) fn committed(&self, grants: &[GrantId], charge: Amount) {
        for grant in self.state.lock().named(grants) {
            grant.pending = grant.pending.minus_or_zero(charge);
        }
    }

    /// The first limit, the longest one if there are several, that certainly has no room for `amount`, and the room that
    /// all of them may have left: known without asking the database, because a key never spends less than it has.
    pub(super) fn certainly_reached(
        &self,
        wants: &[Want],
        amount: Amount,
    ) -> Option<(Span, Amount)> {
        let state = self.state.lock();
        let rooms = wants.iter().filter_map(|want| {
            let (_, spent) = state.known.iter().find(|(span, _)| *span == want.span)?;
            Some((want.span, want.limit.minus_or_zero(*spent)))
        });
        narrowest(rooms, amount)
    }

    /// What to ask the database for, so that `amount` can be held in every limit. The free part of a grant above a
    /// lowered limit is taken out: it goes back with the question.
    pub(super) fn asks_for(&self, wants: &[Want], amount: Amount) -> Vec<Ask> {
        let mut state = self.state.lock();
        let ask = |want: &Want| {
            let mut ask = Ask {
                span: want.span,
                grant: None,
                give_back: Amount::ZERO,
                amount,
                free: Amount::ZERO,
            };
            let open = |grant: &&mut Grant| grant.open && grant.span == want.span;
            if let Some(grant) = state.grants.iter_mut().find(open) {
                if grant.limit > want.limit {
                    ask.give_back = std::mem::take(&mut grant.free);
                }
                ask.grant = Some(grant.id);
                ask.free = grant.free;
            }
            ask
        };
        wants.iter().map(ask).collect()
    }

    /// What to ask the database for, so that a running call can hold `more`. `None` when a grant is lost.
    pub(super) fn asks_to_grow(&self, grants: &[GrantId], more: Amount) -> Option<Vec<Ask>> {
        let mut state = self.state.lock();
        let asks: Vec<Ask> = state
            .named(grants)
            .filter(|grant| grant.open)
            .map(|grant| Ask {
                span: grant.span,
                grant: Some(grant.id),
                give_back: Amount::ZERO,
                amount: more,
                free: grant.free,
            })
            .collect();
        (asks.len() == grants.len()).then_some(asks)
    }

    /// Takes in what the database gave. A part of a grant that is not here begins one.
    pub(super) fn granted(&self, parts: &[Part], valid_until: Moment) {
        self.state
            .lock()
            .take_in(parts, valid_until, self.ticks.now());
    }

    /// As [`Purse::granted`], and holds before anybody else can.
    pub(super) fn granted_and_held(
        &self,
        parts: &[Part],
        valid_until: Moment,
        wants: &[Want],
        amount: Amount,
    ) -> Option<Vec<GrantId>> {
        let mut state = self.state.lock();
        let now = self.ticks.now();
        state.take_in(parts, valid_until, now);
        // The database's limit is newer than the caller's: what it granted is good.
        let fresh: Vec<Want> = wants
            .iter()
            .map(|want| Want {
                span: want.span,
                limit: Amount::MAX,
            })
            .collect();
        state.hold(&fresh, amount, now)
    }

    /// The sums that the database has of the key's calls.
    pub(super) fn learn(&self, spent: &[(Span, Amount)]) {
        let mut state = self.state.lock();
        for (span, amount) in spent {
            match state.known.iter_mut().find(|(known, _)| known == span) {
                Some((_, known)) => *known = (*known).max(*amount),
                None => state.known.push((*span, *amount)),
            }
        }
    }

    /// Every grant that this node knows it has.
    pub(super) fn ids(&self) -> Vec<GrantId> {
        let state = self.state.lock();
        state.grants.iter().map(|grant| grant.id).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.lock().grants.is_empty()
    }

    /// Takes out the grants on which nothing runs and that nobody will use: their period is over, nobody called since
    /// `idle_since`, or they are lost. Answers those that still have to be given back.
    pub(super) fn take_unused(&self, idle_since: Moment, now: UnixMs) -> Vec<GrantId> {
        let mut state = self.state.lock();
        let idle = state.last_used <= idle_since;
        let mut given_back = Vec::new();
        state.grants.retain(|grant| {
            let over = grant.span.end.is_some_and(|end| end <= now);
            let unused = grant.is_quiet() && (idle || over || !grant.open);
            if unused && grant.open {
                given_back.push(grant.id);
            }
            !unused
        });
        state
            .known
            .retain(|(span, _)| span.end.is_none_or(|end| end > now));
        given_back
    }

    /// The grants that the database should hear of, with what they hold: those it last heard of before `stale`, and
    /// those that hold less than it believes.
    pub(super) fn news(&self, stale: Moment) -> Vec<(GrantId, Amount)> {
        let state = self.state.lock();
        state
            .grants
            .iter()
            .filter(|grant| {
                grant.open && (grant.beaten_at <= stale || grant.used() < grant.reported)
            })
            .map(|grant| (grant.id, grant.used()))
            .collect()
    }

    /// The database heard of it.
    pub(super) fn told(&self, id: GrantId, held: Amount, at: Moment, valid_until: Moment) {
        for grant in self.state.lock().named(&[id]) {
            (grant.reported, grant.beaten_at, grant.valid_until) = (held, at, valid_until);
        }
    }

    /// It is no longer this node's: no new hold. Its calls may settle; the flush finds out how.
    pub(super) fn lost(&self, id: GrantId) {
        for grant in self.state.lock().named(&[id]) {
            (grant.open, grant.free) = (false, Amount::ZERO);
        }
    }

    /// Takes out the free part of a grant, to be given back on another node's wish. `None` for a grant that is not here.
    pub(super) fn take_free(&self, id: GrantId) -> Option<Use> {
        let mut state = self.state.lock();
        let grant = state.named(&[id]).find(|grant| grant.open)?;
        let taken = Use {
            free: std::mem::take(&mut grant.free),
            held: grant.used(),
        };
        grant.reported = taken.held;
        Some(taken)
    }
}

/// Of the limits whose room is below `amount` the longest, and the least room of all.
pub(super) fn narrowest(
    rooms: impl Iterator<Item = (Span, Amount)>,
    amount: Amount,
) -> Option<(Span, Amount)> {
    let (mut short, mut least) = (None, Amount::MAX);
    for (span, room) in rooms {
        least = least.min(room);
        let longer = short.is_none_or(|known: Span| span.period > known.period);
        if room < amount && longer {
            short = Some(span);
        }
    }
    short.map(|span| (span, least))
}

impl State {
    fn named<'a, 'b>(
        &'a mut self,
        ids: &'b [GrantId],
    ) -> impl Iterator<Item = &'a mut Grant> + use<'a, 'b> {
        self.grants
            .iter_mut()
            .filter(|grant| ids.contains(&grant.id))
    }

    fn hold(&mut self, wants: &[Want], amount: Amount, now: Moment) -> Option<Vec<GrantId>> {
        let found: Option<Vec<GrantId>> = wants
            .iter()
            .map(|want| {
                let admits = |grant: &&Grant| {
                    grant.open
                        && grant.span == want.span
                        && grant.limit <= want.limit
                        && now < grant.valid_until
                };
                self.grants.iter().find(admits).map(|grant| grant.id)
            })
            .collect();
        found.filter(|grants| self.grow(grants, amount, now))
    }

    /// Moves `more` from free to held in all of them, or in none.
    fn grow(&mut self, grants: &[GrantId], more: Amount, now: Moment) -> bool {
        self.last_used = now;
        let moved: Option<Vec<(Amount, Amount)>> = self
            .named(grants)
            .map(|grant| {
                let enough = grant.open && grant.free >= more;
                let moved = (grant.free.minus(more).ok()?, grant.held.plus(more).ok()?);
                enough.then_some(moved)
            })
            .collect();
        let Some(moved) = moved.filter(|moved| moved.len() == grants.len()) else {
            return false;
        };
        for (grant, (free, held)) in self.named(grants).zip(moved) {
            (grant.free, grant.held) = (free, held);
        }
        true
    }

    fn take_in(&mut self, parts: &[Part], valid_until: Moment, now: Moment) {
        for part in parts {
            match self.grants.iter_mut().find(|grant| grant.id == part.grant) {
                Some(grant) => {
                    grant.free = grant.free.plus(part.amount).unwrap_or(grant.free);
                    (grant.limit, grant.valid_until, grant.beaten_at) =
                        (part.limit, valid_until, now);
                }
                None => {
                    // One of this span that is still here was lost: it lives on for its calls alone.
                    for old in self
                        .grants
                        .iter_mut()
                        .filter(|grant| grant.span == part.span)
                    {
                        (old.open, old.free) = (false, Amount::ZERO);
                    }
                    self.grants.push(Grant {
                        id: part.grant,
                        span: part.span,
                        limit: part.limit,
                        free: part.amount,
                        held: Amount::ZERO,
                        pending: Amount::ZERO,
                        valid_until,
                        beaten_at: now,
                        reported: Amount::ZERO,
                        open: true,
                    });
                }
            }
        }
    }
}

impl Grant {
    /// Held or charged and not committed: what no other node may have.
    fn used(&self) -> Amount {
        self.held.plus(self.pending).unwrap_or(self.held)
    }

    fn is_quiet(&self) -> bool {
        self.held.is_zero() && self.pending.is_zero()
    }
}
