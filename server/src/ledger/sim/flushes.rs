//! How are charges written, and given back, in the simulated database? As `flush.rs`, `lots.rs` and `reversal.rs` say.

use std::collections::btree_map::Entry;

use domain::ids::{CallId, LeaseId};
use sea_orm::DbErr;

use crate::ledger::flush::Flush;
use crate::ledger::store::Flushed;

use super::lending::place;
use super::rows::{Book, Call, State};
use super::world::{Flaw, World};

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

impl World {
    pub(super) fn flush(&mut self, sent: &[Sent]) -> Result<Vec<Flushed>, DbErr> {
        let flushed = self.flushed(sent);
        self.note("flush", &flushed);
        flushed
    }

    fn flushed(&mut self, sent: &[Sent]) -> Result<Vec<Flushed>, DbErr> {
        // As the database has it before: what a plan decides is not seen by the next, but for what it reserves.
        let mut free: Vec<i64> = self.books.iter().map(Book::free).collect();
        let (mut plans, mut answers) = (Vec::new(), Vec::new());
        for flush in sent {
            let plan = self.plan(flush, &mut free)?;
            let lease = flush.lease.and_then(place);
            let lease = lease.and_then(|at| self.leases.get(at));
            answers.push(Flushed {
                recall: lease.is_some_and(|lease| lease.recall),
                renewed: plan.is_some() && lease.is_some_and(|lease| lease.state == State::Active),
            });
            plans.extend(plan);
        }
        let repeated = plans.iter().filter(|plan| plan.txn.is_some()).any(|plan| {
            let mut calls = plan.flush.items.iter().map(|item| item.call);
            calls.any(|call| self.calls.contains_key(&call))
        });
        if repeated && !self.has(Flaw::RepeatedFlushCharges) {
            return Err(DbErr::RecordNotInserted);
        }
        for plan in plans {
            self.write(plan);
        }
        Ok(answers)
    }

    fn plan<'a>(&mut self, flush: &'a Sent, free: &mut [i64]) -> Result<Option<Plan<'a>>, DbErr> {
        let settled = flush.items.iter().map(|item| (item.charge, item.unbilled));
        let Some(id) = flush.lease else {
            let first = flush.items.first();
            let first = first.filter(|_| flush.items.iter().any(|item| item.unbilled > 0));
            let txn = first.map(|first| format!("flush:{}", first.call));
            let is_there = |item: &SentCall| self.calls.contains_key(&item.call);
            let written = || flush.items.iter().all(is_there);
            if txn.is_some() && (written() || self.has(Flaw::LossForgotten)) {
                return Ok(None);
            }
            return Ok(Some(Plan {
                flush,
                lease: None,
                txn,
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
        let Some(first) = flush.items.first() else {
            return Ok(None);
        };
        let txn = format!("flush:{}", first.call);
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
        let now = (self.clock)();
        if let (Some(at), Some(book)) = (plan.lease, book) {
            let lease = &mut self.leases[at];
            lease.last_flush = plan.flush.number;
            lease.last_hash = Some(plan.flush.hash.clone());
            if lease.state == State::Active {
                lease.renew(now);
            }
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
