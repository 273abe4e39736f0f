//! How does credit change hands in the simulated database? As `leases.rs` says, sentence by sentence.

use domain::Amount;
use domain::ids::{LeaseId, WorkspaceId};
use uuid::Uuid;

use crate::ledger::leases::TTL;
use crate::ledger::store::{Asked, Attempt, Beat, Held};

use super::rows::{Lease, State, ends, millis};
use super::world::{Flaw, World};

impl World {
    pub(super) fn ask(
        &mut self,
        node: &str,
        workspace: WorkspaceId,
        existing: Option<LeaseId>,
        need: i64,
        want: i64,
        attempt: Attempt,
    ) -> Asked {
        let asked = self.asked(node, workspace, existing, need, want, attempt);
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
        attempt: Attempt,
    ) -> Asked {
        let Some(at) = (self.books.iter()).position(|book| book.workspace == workspace) else {
            return Asked::Insufficient {
                available: Amount::ZERO,
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
            let wallet = &self.books[at];
            let may_wait = wallet.posted >= need || attempt != Attempt::Last;
            let elsewhere = may_wait && wallet.reserved > 0;
            if elsewhere && self.recall(at, existing, attempt == Attempt::First) {
                return Asked::Elsewhere;
            }
            let available = free + self.unheld(at, existing);
            return Asked::Insufficient {
                available: Amount::from_nanos(available),
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
        let ends = ends((self.clock)());
        self.leases.push(Lease {
            book,
            node: node.to_owned(),
            granted,
            spent: 0,
            held: 0,
            state: State::Active,
            expires_at: ends[0],
            reclaim_after: ends[1],
            last_flush: 0,
            last_hash: None,
            recall: false,
        });
        lease_id(self.leases.len() - 1)
    }

    pub(super) fn lease(&mut self, id: LeaseId) -> Option<&mut Lease> {
        place(id).and_then(|at| self.leases.get_mut(at))
    }

    /// What other leases of the wallet have and do not hold, as they last said.
    fn unheld(&self, book: usize, but: Option<LeaseId>) -> i64 {
        let own = but.and_then(place);
        let others = self.leases.iter().enumerate().filter(|(at, lease)| {
            lease.book == book && lease.state == State::Active && Some(*at) != own
        });
        others
            .map(|(_, lease)| (lease.left() - lease.held).max(0))
            .sum()
    }

    pub(super) fn recall(&mut self, book: usize, but: Option<LeaseId>, first: bool) -> bool {
        let own = but.and_then(place);
        let mut asked = false;
        for (at, lease) in self.leases.iter_mut().enumerate() {
            if lease.book == book
                && lease.state == State::Active
                && Some(at) != own
                && lease.spent < lease.granted
                && (first || lease.held < lease.left() || lease.recall)
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
                    lease.renew(now);
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
            lease.renew(now);
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
            millis(TTL) - 1_000
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
}

/// Leases are numbered from one in the order in which they were opened.
pub(super) fn lease_id(at: usize) -> LeaseId {
    LeaseId::from_uuid(Uuid::from_u128(at as u128 + 1))
}

pub(super) fn place(lease: LeaseId) -> Option<usize> {
    let number = usize::try_from(lease.as_uuid().as_u128()).ok()?;
    number.checked_sub(1)
}

fn book_id(at: usize) -> i64 {
    i64::try_from(at).map_or(0, |at| at + 1)
}

fn book_place(id: i64) -> usize {
    usize::try_from(id - 1).unwrap_or(usize::MAX)
}
