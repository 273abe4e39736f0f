//! What does the database do, as far as the ledger sees? The same in memory: wallets, lots, leases, flushes, reversals.
//!
//! [`super::lending`] and [`super::flushes`] are its verbs; [`super::conformance`] proves that they are those of SQLite and
//! PostgreSQL. After each it checks what must always be true of a wallet.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use domain::ids::{CallId, WorkspaceId};
use domain::views::UnixMs;
use parking_lot::Mutex;

use super::rows::{Book, Call, Lease, Lot};

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
    /// What was served and is not charged is written nowhere.
    LossForgotten,
}

impl Flaw {
    pub(super) const ALL: [Self; 7] = [
        Self::RepeatedFlushCharges,
        Self::TakesWithoutRecall,
        Self::LateFlushSpendsLease,
        Self::ReversalForgotten,
        Self::ReclaimsEarly,
        Self::ReversalIntoAnyLot,
        Self::LossForgotten,
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

pub(super) struct World {
    /// PostgreSQL, where several nodes share the wallets; SQLite otherwise.
    pub(super) many_nodes: bool,
    pub(super) flaw: Option<Flaw>,
    pub(super) clock: Box<dyn Fn() -> UnixMs + Send>,
    pub(super) books: Vec<Book>,
    pub(super) leases: Vec<Lease>,
    pub(super) calls: BTreeMap<CallId, Call>,
    /// What each usage movement took from which lot, less what went back.
    pub(super) parts: HashMap<String, Vec<(usize, i64)>>,
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

    pub(super) fn has(&self, flaw: Flaw) -> bool {
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
    pub(super) fn take(&mut self, book: usize, amount: i64, first: bool) -> bool {
        let taken = amount <= self.books[book].free();
        if taken {
            self.books[book].posted -= amount;
            self.books[book].consume(amount);
        } else {
            self.recall(book, None, first);
        }
        self.note("take", &taken);
        taken
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
