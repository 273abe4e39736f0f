//! What does the database do, as far as the ledger sees? The same in memory: wallets, lots, leases, flushes, reversals.
//!
//! It follows `leases.rs`, `flush.rs`, `lots.rs` and `reversal.rs` sentence by sentence; [`super::conformance`] proves
//! that it does. After each change it checks what must always be true of a wallet.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::Amount;
use domain::ids::{CallId, LeaseId, WorkspaceId};
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::DbErr;
use uuid::Uuid;

use crate::ledger::flush::Flush;
use crate::ledger::leases::{FRESH, GRACE, TTL};
use crate::ledger::store::{Asked, Beat, Flushed, Held};

pub(super) type Shared = Arc<Mutex<World>>;

/// Mistakes to make on purpose: a simulator that does not notice them proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A flush that is sent again is charged again.
    RepeatedFlushCharges,
    /// Who asks for more than is there gets what other leases do not hold, without asking their nodes.
    TakesWithoutRecall,
    /// A call on a lease that is over is paid out of what the lease no longer has.
    LateFlushSpendsLease,
    /// Charges that should go back stay.
    ReversalForgotten,
    /// Leases are over long before their nodes think so.
    ReclaimsEarly,
    /// A reversal puts credit into the newest lot, whichever it came from.
    ReversalIntoAnyLot,
}

impl Flaw {
    pub(super) const ALL: [Self; 6] = [
        Self::RepeatedFlushCharges,
        Self::TakesWithoutRecall,
        Self::LateFlushSpendsLease,
        Self::ReversalForgotten,
        Self::ReclaimsEarly,
        Self::ReversalIntoAnyLot,
    ];
}

/// How often something happened that not every run shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// Flushes that were there already.
    pub(super) dup: u64,
    /// Flushes with charges whose lease was over: the wallet paid, as far as it could.
    pub(super) late: u64,
    /// Flushes whose lease had been taken back in part, and got more.
    pub(super) partly: u64,
    /// Calls that nobody could pay any more.
    pub(super) lost: u64,
    pub(super) reversed: u64,
    pub(super) shrunk: u64,
    /// Leases that went on with only what their calls hold.
    pub(super) drained: u64,
    pub(super) reclaimed: u64,
}

impl Events {
    pub(super) fn add(&mut self, other: Self) {
        self.dup += other.dup;
        self.late += other.late;
        self.partly += other.partly;
        self.lost += other.lost;
        self.reversed += other.reversed;
        self.shrunk += other.shrunk;
        self.drained += other.drained;
        self.reclaimed += other.reclaimed;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Draining,
    Closed,
    Reclaimed,
}

impl State {
    const fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::Draining)
    }

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Closed => "closed",
            Self::Reclaimed => "reclaimed",
        }
    }
}

pub(super) struct Lease {
    pub(super) book: usize,
    pub(super) node: String,
    pub(super) granted: i64,
    pub(super) spent: i64,
    pub(super) held: i64,
    pub(super) state: State,
    pub(super) expires_at: UnixMs,
    pub(super) reclaim_after: UnixMs,
    pub(super) last_flush: i64,
    pub(super) last_hash: Option<String>,
    pub(super) recall: bool,
}

impl Lease {
    const fn left(&self) -> i64 {
        self.granted - self.spent
    }
}

pub(super) struct Lot {
    pub(super) paid: bool,
    pub(super) expires_at: Option<UnixMs>,
    pub(super) original: i64,
    pub(super) remaining: i64,
}

pub(super) struct Book {
    pub(super) workspace: WorkspaceId,
    pub(super) posted: i64,
    pub(super) reserved: i64,
    /// In the order in which they came.
    pub(super) lots: Vec<Lot>,
}

impl Book {
    const fn free(&self) -> i64 {
        self.posted - self.reserved
    }

    /// The lots in the published order.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lots.len()).collect();
        order.sort_by_key(|at| {
            let lot = &self.lots[*at];
            (lot.expires_at.unwrap_or(UnixMs::MAX), lot.paid, *at)
        });
        order
    }

    /// Takes `amount` out of the lots; answers what from which.
    fn consume(&mut self, mut amount: i64) -> Vec<(usize, i64)> {
        let mut parts = Vec::new();
        for at in self.order() {
            let part = amount.min(self.lots[at].remaining);
            if part > 0 {
                self.lots[at].remaining -= part;
                amount -= part;
                parts.push((at, part));
            }
        }
        parts
    }
}

/// A call as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) book: Option<usize>,
    pub(super) charge: i64,
    pub(super) unbilled: i64,
    pub(super) reversed: i64,
    pub(super) on_lease: bool,
    pub(super) txn: Option<String>,
}

/// A flush as it goes over the wire.
pub(super) struct Sent {
    lease: Option<LeaseId>,
    number: i64,
    hash: String,
    items: Vec<SentCall>,
}

struct SentCall {
    call: CallId,
    charge: i64,
    unbilled: i64,
    cost: i64,
}

impl Sent {
    pub(super) fn of(flush: &Flush) -> Self {
        let items = flush.items.iter().map(|item| SentCall {
            call: item.record.id,
            charge: item.charge.nanos(),
            unbilled: item.unbilled.nanos(),
            cost: item.record.cost.nanos(),
        });
        Self {
            lease: flush.lease_id(),
            number: flush.number,
            hash: flush.hash.clone(),
            items: items.collect(),
        }
    }
}

pub(super) struct World {
    /// PostgreSQL, where several nodes share the wallets; SQLite otherwise.
    pub(super) many_nodes: bool,
    flaw: Option<Flaw>,
    clock: Box<dyn Fn() -> UnixMs + Send>,
    pub(super) books: Vec<Book>,
    pub(super) leases: Vec<Lease>,
    pub(super) calls: BTreeMap<CallId, Call>,
    /// What each usage movement took from which lot, less what went back.
    parts: HashMap<String, Vec<(usize, i64)>>,
    pub(super) events: Events,
    /// What must never be, and was.
    pub(super) broken: Vec<String>,
    log: DefaultHasher,
    /// `FAREBOX_SIM_LOG` is set: everything that happens is printed.
    shown: bool,
}

impl World {
    /// Judges leases by `clock`, as the database does by its own.
    pub(super) fn new(
        many_nodes: bool,
        flaw: Option<Flaw>,
        clock: impl Fn() -> UnixMs + Send + 'static,
    ) -> Self {
        Self {
            many_nodes,
            flaw,
            clock: Box::new(clock),
            books: Vec::new(),
            leases: Vec::new(),
            calls: BTreeMap::new(),
            parts: HashMap::new(),
            events: Events::default(),
            broken: Vec::new(),
            // Its keys are always the same.
            log: DefaultHasher::new(),
            shown: std::env::var_os("FAREBOX_SIM_LOG").is_some(),
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub(super) fn open_wallet(&mut self, workspace: WorkspaceId) -> usize {
        self.books.push(Book {
            workspace,
            posted: 0,
            reserved: 0,
            lots: Vec::new(),
        });
        self.books.len() - 1
    }

    /// Gives credit, as a lot of its own.
    pub(super) fn give(
        &mut self,
        book: usize,
        amount: i64,
        paid: bool,
        expires_at: Option<UnixMs>,
    ) {
        let book = &mut self.books[book];
        book.posted += amount;
        book.lots.push(Lot {
            paid,
            expires_at,
            original: amount,
            remaining: amount,
        });
        self.note("give", &amount);
    }

    /// An administrator takes back what no lease has; where that is too little, leases are asked. Says whether it was
    /// taken.
    pub(super) fn take(&mut self, book: usize, amount: i64) -> bool {
        let taken = amount <= self.books[book].free();
        if taken {
            self.books[book].posted -= amount;
            self.books[book].consume(amount);
        } else {
            self.recall(book, None);
        }
        self.note("take", &taken);
        taken
    }

    pub(super) fn ask(
        &mut self,
        node: &str,
        workspace: WorkspaceId,
        existing: Option<LeaseId>,
        need: i64,
        want: i64,
    ) -> Asked {
        let asked = self.asked(node, workspace, existing, need, want);
        self.note("ask", &asked);
        asked
    }

    fn asked(
        &mut self,
        node: &str,
        workspace: WorkspaceId,
        existing: Option<LeaseId>,
        need: i64,
        want: i64,
    ) -> Asked {
        let Some(at) = (self.books.iter()).position(|book| book.workspace == workspace) else {
            return Asked::Insufficient {
                unleased: Amount::ZERO,
            };
        };
        if self.has(Flaw::TakesWithoutRecall) {
            self.take_from_others(at, existing, need);
        }
        let free = self.books[at].free();
        let most = if self.many_nodes {
            need.max(free / 2)
        } else {
            free
        };
        let grant = want.min(most).min(free);
        if grant < need || grant <= 0 {
            let too_little = Asked::Insufficient {
                unleased: Amount::from_nanos(free),
            };
            if self.books[at].posted < need || self.books[at].reserved == 0 {
                return too_little;
            }
            return if self.recall(at, existing) {
                Asked::Elsewhere
            } else {
                too_little
            };
        }
        let lease = match existing {
            Some(id) => match self.lease(id) {
                Some(lease) if lease.state == State::Active => {
                    lease.granted += grant;
                    id
                }
                _ => return Asked::LeaseLost,
            },
            None => self.open(node, at, grant),
        };
        self.books[at].reserved += grant;
        Asked::Granted {
            lease,
            book: book_id(at),
            amount: Amount::from_nanos(grant),
        }
    }

    fn open(&mut self, node: &str, book: usize, granted: i64) -> LeaseId {
        let now = (self.clock)();
        self.leases.push(Lease {
            book,
            node: node.to_owned(),
            granted,
            spent: 0,
            held: 0,
            state: State::Active,
            expires_at: now + ttl(),
            reclaim_after: now + ttl() + grace(),
            last_flush: 0,
            last_hash: None,
            recall: false,
        });
        lease_id(self.leases.len() - 1)
    }

    pub(super) fn lease(&mut self, id: LeaseId) -> Option<&mut Lease> {
        place(id).and_then(|at| self.leases.get_mut(at))
    }

    fn recall(&mut self, book: usize, but: Option<LeaseId>) -> bool {
        let own = but.and_then(place);
        let told_after = (self.clock)() + ttl() - millis(FRESH);
        let mut asked = false;
        for (at, lease) in self.leases.iter_mut().enumerate() {
            if lease.book == book
                && lease.state == State::Active
                && Some(at) != own
                && lease.spent < lease.granted
                && (lease.held < lease.left() || lease.expires_at < told_after)
            {
                lease.recall = true;
                asked = true;
            }
        }
        asked
    }

    fn take_from_others(&mut self, book: usize, but: Option<LeaseId>, need: i64) {
        let own = but.and_then(place);
        for (at, lease) in self.leases.iter_mut().enumerate() {
            let missing = need - self.books[book].free();
            let unheld = (lease.left() - lease.held).min(missing);
            let other = lease.book == book && lease.state == State::Active && Some(at) != own;
            if other && unheld > 0 && lease.granted > unheld {
                lease.granted -= unheld;
                self.books[book].reserved -= unheld;
            }
        }
    }

    pub(super) fn beat(&mut self, held: &[Held]) -> Vec<Beat> {
        let now = (self.clock)();
        let beats: Vec<Beat> = held
            .iter()
            .map(|told| match self.lease(told.lease) {
                Some(lease) if lease.state == State::Active => {
                    lease.held = told.amount.nanos();
                    lease.expires_at = now + ttl();
                    lease.reclaim_after = now + ttl() + grace();
                    Beat {
                        alive: true,
                        recall: lease.recall,
                    }
                }
                _ => Beat {
                    alive: false,
                    recall: false,
                },
            })
            .collect();
        self.note("beat", &beats);
        beats
    }

    pub(super) fn recalled(&self, node: &str) -> Vec<LeaseId> {
        let wanted = self
            .leases
            .iter()
            .enumerate()
            .filter(|(_, lease)| lease.recall && lease.state.is_live() && lease.node == node);
        wanted.map(|(at, _)| lease_id(at)).collect()
    }

    pub(super) fn shrink(&mut self, held: Held, free: i64) -> bool {
        let now = (self.clock)();
        let mut back = 0;
        let mut told = false;
        if let Some(lease) = self.lease(held.lease)
            && lease.state == State::Active
        {
            if lease.left() >= free && lease.granted > free {
                lease.granted -= free;
                back = free;
            }
            lease.recall = false;
            lease.held = held.amount.nanos();
            lease.expires_at = now + ttl();
            lease.reclaim_after = now + ttl() + grace();
            told = true;
        }
        if back > 0 {
            self.events.shrunk += 1;
            self.books[book_place(held.book)].reserved -= back;
        }
        self.note("shrink", &(back, told));
        told
    }

    pub(super) fn close(&mut self, lease: LeaseId) {
        if let Some(at) = place(lease).filter(|at| *at < self.leases.len()) {
            self.end(at, State::Closed);
        }
        self.note("close", &lease);
    }

    fn end(&mut self, at: usize, state: State) {
        let lease = &mut self.leases[at];
        if lease.state.is_live() {
            lease.state = state;
            lease.held = 0;
            lease.recall = false;
            let (book, left) = (lease.book, lease.left());
            self.books[book].reserved -= left;
        }
    }

    pub(super) fn reclaim(&mut self, all_are_dead: bool) -> u64 {
        let now = (self.clock)();
        let early = if self.has(Flaw::ReclaimsEarly) {
            ttl() - 1_000
        } else {
            0
        };
        let mut count = 0;
        for at in 0..self.leases.len() {
            let lease = &self.leases[at];
            let due = match lease.state {
                State::Active => all_are_dead || lease.expires_at - early < now,
                State::Draining => all_are_dead || lease.reclaim_after < now,
                State::Closed | State::Reclaimed => false,
            };
            if !due {
                continue;
            }
            count += 1;
            let held = if lease.reclaim_after < now {
                0
            } else {
                lease.held.min(lease.left())
            };
            if all_are_dead || held == 0 {
                self.events.reclaimed += 1;
                self.end(at, State::Reclaimed);
            } else {
                self.events.drained += 1;
                let lease = &mut self.leases[at];
                let unheld = lease.left() - held;
                lease.state = State::Draining;
                lease.granted -= unheld;
                let book = lease.book;
                self.books[book].reserved -= unheld;
            }
        }
        if count > 0 {
            self.note("reclaim", &count);
        }
        count
    }

    pub(super) fn flush(&mut self, sent: &[Sent]) -> Result<Vec<Flushed>, DbErr> {
        let flushed = self.flushed(sent);
        self.note("flush", &flushed);
        flushed
    }

    fn flushed(&mut self, sent: &[Sent]) -> Result<Vec<Flushed>, DbErr> {
        // As the database has it before: what a plan decides is not seen by the next, but for what it reserves.
        let mut free: Vec<i64> = self.books.iter().map(Book::free).collect();
        let mut plans = Vec::new();
        for flush in sent {
            plans.extend(self.plan(flush, &mut free)?);
        }
        let answers = sent.iter().map(|flush| Flushed {
            recall: (flush.lease.and_then(place))
                .is_some_and(|at| self.leases.get(at).is_some_and(|lease| lease.recall)),
        });
        let answers = answers.collect();
        for plan in plans {
            self.write(plan);
        }
        Ok(answers)
    }

    fn plan<'a>(&mut self, flush: &'a Sent, free: &mut [i64]) -> Result<Option<Plan<'a>>, DbErr> {
        let settled = flush.items.iter().map(|item| (item.charge, item.unbilled));
        let Some(id) = flush.lease else {
            return Ok(Some(Plan {
                flush,
                lease: None,
                txn: None,
                on_lease: false,
                more: 0,
                due: settled.collect(),
            }));
        };
        let at = place(id)
            .filter(|at| *at < self.leases.len())
            .ok_or_else(|| DbErr::RecordNotFound(format!("lease {id}")))?;
        let lease = &self.leases[at];
        if flush.number <= lease.last_flush && !self.has(Flaw::RepeatedFlushCharges) {
            if flush.number == lease.last_flush && lease.last_hash.as_ref() != Some(&flush.hash) {
                return Err(DbErr::Custom(format!(
                    "flush {} was sent again with another content",
                    flush.number
                )));
            }
            self.events.dup += 1;
            return Ok(None);
        }
        let live = lease.state.is_live() || self.has(Flaw::LateFlushSpendsLease);
        let left = if live { lease.left() } else { 0 };
        let mut money = left + free[lease.book];
        let mut due: Vec<(i64, i64)> = settled.collect();
        for (item, due) in flush.items.iter().zip(&mut due) {
            if item.charge <= money {
                money -= item.charge;
            } else {
                *due = (0, item.cost);
                self.events.lost += 1;
            }
        }
        let charges: i64 = due.iter().map(|(charge, _)| charge).sum();
        let more = (charges - left).max(0);
        free[lease.book] -= more;
        self.events.partly += u64::from(live && more > 0);
        self.events.late += u64::from(!live && charges > 0);
        let txn = format!("flush:{id}:{}", flush.number);
        Ok(Some(Plan {
            flush,
            lease: Some(at),
            txn: Some(if live { txn } else { format!("late:{txn}") }),
            on_lease: live,
            more: if live { more } else { 0 },
            due,
        }))
    }

    fn write(&mut self, plan: Plan<'_>) {
        let charges: i64 = plan.due.iter().map(|(charge, _)| charge).sum();
        let book = plan.lease.map(|at| self.leases[at].book);
        if let (Some(at), Some(book)) = (plan.lease, book) {
            let lease = &mut self.leases[at];
            lease.last_flush = plan.flush.number;
            lease.last_hash = Some(plan.flush.hash.clone());
            let wallet = &mut self.books[book];
            if plan.on_lease {
                lease.spent += charges;
                lease.granted += plan.more;
                wallet.reserved -= charges - plan.more;
            }
            wallet.posted -= charges;
            let parts = wallet.consume(charges);
            if let Some(txn) = plan.txn.clone().filter(|_| charges > 0) {
                self.parts.insert(txn, parts);
            }
        }
        for (item, (charge, unbilled)) in plan.flush.items.iter().zip(&plan.due) {
            let call = Call {
                book,
                charge: *charge,
                unbilled: *unbilled,
                reversed: 0,
                on_lease: plan.on_lease,
                txn: plan.txn.clone(),
            };
            // A call that is there stays. On a lease that is no repetition: those were found before.
            match self.calls.entry(item.call) {
                Entry::Vacant(place) => {
                    place.insert(call);
                }
                Entry::Occupied(_) if book.is_none() => {}
                Entry::Occupied(_) => self.broken.push(format!("{} was charged twice", item.call)),
            }
        }
    }

    pub(super) fn reverse(&mut self, calls: &[CallId]) {
        for call in calls {
            if !self.has(Flaw::ReversalForgotten) {
                self.reverse_one(*call);
            }
        }
        self.note("reverse", &calls);
    }

    fn reverse_one(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.charge > 0) else {
            return;
        };
        let (Some(book), Some(txn)) = (call.book, &call.txn) else {
            return;
        };
        self.events.reversed += 1;
        let wallet = &mut self.books[book];
        let mut left = call.charge;
        wallet.posted += left;
        // What was taken last goes back first.
        if let Some(parts) = self.parts.get_mut(txn) {
            for (lot, taken) in parts.iter_mut().rev() {
                let back = left.min(*taken);
                *taken -= back;
                left -= back;
                let any = self.flaw == Some(Flaw::ReversalIntoAnyLot);
                let into = if any { wallet.lots.len() - 1 } else { *lot };
                wallet.lots[into].remaining += back;
            }
        }
        if left != 0 {
            self.broken
                .push(format!("the lots that paid {id} are {left} short"));
        }
        call.reversed = call.charge;
        call.charge = 0;
    }

    /// Writes a line of the run's log, of which only the hash is kept, and looks whether all is well.
    pub(super) fn note(&mut self, verb: &str, what: &dyn Debug) {
        let line = format!("{} {verb} {what:?}", (self.clock)());
        line.hash(&mut self.log);
        if self.shown {
            eprintln!("{line}");
        }
        if let Some(fault) = self.fault()
            && self.broken.len() < 10
        {
            self.broken.push(format!("{fault}, after {line}"));
        }
    }

    /// Of everything that happened so far.
    pub(super) fn trace(&self) -> u64 {
        self.log.finish()
    }

    fn fault(&self) -> Option<String> {
        let mut leased = vec![0; self.books.len()];
        for (at, lease) in self.leases.iter().enumerate() {
            if lease.spent < 0 || lease.spent > lease.granted || lease.granted <= 0 {
                return Some(format!(
                    "lease {at} spent {} of {}",
                    lease.spent, lease.granted
                ));
            }
            if lease.state.is_live() {
                leased[lease.book] += lease.left();
            }
        }
        for (at, book) in self.books.iter().enumerate() {
            let lots: i64 = book.lots.iter().map(|lot| lot.remaining).sum();
            let (posted, reserved) = (book.posted, book.reserved);
            if posted < 0 || reserved < 0 || posted < reserved {
                return Some(format!(
                    "wallet {at} has {posted} and reserves {reserved} of it"
                ));
            }
            if reserved != leased[at] {
                return Some(format!(
                    "wallet {at} reserves {reserved}, its leases have {}",
                    leased[at]
                ));
            }
            if posted != lots {
                return Some(format!("wallet {at} has {posted}, its lots {lots}"));
            }
            if (book.lots.iter()).any(|lot| lot.remaining < 0 || lot.remaining > lot.original) {
                return Some(format!(
                    "a lot of wallet {at} has more than there ever was, or less than nothing"
                ));
            }
        }
        None
    }
}

struct Plan<'a> {
    flush: &'a Sent,
    lease: Option<usize>,
    txn: Option<String>,
    on_lease: bool,
    more: i64,
    /// What each call is charged, and what of it is not.
    due: Vec<(i64, i64)>,
}

/// Leases are numbered from one in the order in which they were opened.
pub(super) fn lease_id(at: usize) -> LeaseId {
    LeaseId::from_uuid(Uuid::from_u128(at as u128 + 1))
}

fn place(lease: LeaseId) -> Option<usize> {
    let number = usize::try_from(lease.as_uuid().as_u128()).ok()?;
    number.checked_sub(1)
}

fn book_id(at: usize) -> i64 {
    i64::try_from(at).map_or(0, |at| at + 1)
}

fn book_place(id: i64) -> usize {
    usize::try_from(id - 1).unwrap_or(usize::MAX)
}

fn ttl() -> i64 {
    millis(TTL)
}

fn grace() -> i64 {
    millis(GRACE)
}

fn millis(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
