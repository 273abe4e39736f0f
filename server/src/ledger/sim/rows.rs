//! What is written in the simulated database? Wallets with their lots, leases, calls.

use std::time::Duration;

use domain::ids::WorkspaceId;
use domain::views::UnixMs;

use crate::ledger::leases::{GRACE, TTL};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Draining,
    Closed,
    Reclaimed,
}

impl State {
    pub(super) const fn is_live(self) -> bool {
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
    /// It was heard of.
    pub(super) fn renew(&mut self, now: UnixMs) {
        [self.expires_at, self.reclaim_after] = ends(now);
    }

    pub(super) const fn left(&self) -> i64 {
        self.granted - self.spent
    }
}

/// `expires_at` and `reclaim_after` of a lease that is heard of now.
pub(super) fn ends(now: UnixMs) -> [UnixMs; 2] {
    [TTL, TTL + GRACE].map(|life| now + millis(life))
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
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
    pub(super) const fn free(&self) -> i64 {
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
    pub(super) fn consume(&mut self, mut amount: i64) -> Vec<(usize, i64)> {
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
