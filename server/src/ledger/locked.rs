//! What becomes of charges whose rows somebody has locked? They are tried again beside the others, which wait for none of
//! them: a node that froze inside a transaction holds up the calls of its wallets, until PostgreSQL ends it, and nobody
//! else's.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use domain::ids::CallId;
use tokio::time::Instant;

use super::flush::Flush;
use super::store::Patience;
use super::writer::{BACKOFF_MAX, BACKOFF_MIN, BATCH_MAX};

/// Flushes and reversals of wallets, or of keys, that somebody has locked.
pub(super) struct Locked {
    /// Those of one lease in the order in which they go: a flush that is frozen has its number already.
    flushes: VecDeque<Flush>,
    reversals: VecDeque<CallId>,
    /// After a failure; it doubles.
    wait: Duration,
    /// None is tried before.
    next: Instant,
}

impl Locked {
    pub(super) fn new() -> Self {
        Self {
            flushes: VecDeque::new(),
            reversals: VecDeque::new(),
            wait: BACKOFF_MIN,
            next: Instant::now(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flushes.is_empty() && self.reversals.is_empty()
    }

    /// When there is something to try.
    pub(super) fn next(&self) -> Option<Instant> {
        (!self.is_empty()).then_some(self.next)
    }

    pub(super) fn is_due(&self) -> bool {
        !self.is_empty() && Instant::now() >= self.next
    }

    /// Where one is locked, others may be: nobody waits for long to find out.
    pub(super) fn patience(&self) -> Patience {
        if self.is_empty() {
            Patience::Usual
        } else {
            Patience::Short
        }
    }

    /// Answers those that need not wait. The others wait behind what waits of their wallet already.
    pub(super) fn join(&mut self, flushes: Vec<Flush>) -> Vec<Flush> {
        if self.flushes.is_empty() {
            return flushes;
        }
        let books: HashSet<i64> = self.flushes.iter().filter_map(Flush::book).collect();
        let waits = |flush: &Flush| flush.book().is_some_and(|book| books.contains(&book));
        let (waiting, free): (Vec<Flush>, Vec<Flush>) = flushes.into_iter().partition(waits);
        waiting.into_iter().for_each(|flush| self.append(flush));
        free
    }

    fn append(&mut self, flush: Flush) {
        let of_lease = |other: &&mut Flush| other.lease_id() == flush.lease_id();
        match self.flushes.iter_mut().rev().find(of_lease) {
            Some(last) if last.takes(&flush, BATCH_MAX) => last.items.extend(flush.items),
            _ => self.flushes.push_back(flush),
        }
    }

    /// What was found locked, before all that came later.
    pub(super) fn add(&mut self, flushes: Vec<Flush>) {
        for flush in flushes.into_iter().rev() {
            self.flushes.push_front(flush);
        }
    }

    pub(super) fn add_reversals(&mut self, calls: impl IntoIterator<Item = CallId>) {
        self.reversals.extend(calls);
    }

    /// What may go at once: the first flush of each lease.
    pub(super) fn take(&mut self) -> Vec<Flush> {
        let mut leases = HashSet::new();
        let (first, later): (VecDeque<Flush>, VecDeque<Flush>) = self
            .flushes
            .drain(..)
            .partition(|flush| leases.insert(flush.lease_id()) && leases.len() <= BATCH_MAX);
        self.flushes = later;
        first.into()
    }

    /// One of them: each is waited for by itself.
    pub(super) fn take_reversal(&mut self) -> Option<CallId> {
        self.reversals.pop_front()
    }

    /// Whether anything of what was tried could be written. Then the rest is tried at once.
    pub(super) fn tried(&mut self, some_written: bool) {
        self.next = Instant::now();
        if some_written {
            self.wait = BACKOFF_MIN;
        } else {
            self.next += self.wait;
            self.wait = (self.wait * 2).min(BACKOFF_MAX);
        }
    }
}
