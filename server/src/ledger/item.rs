//! What is a settled call on its way to the database, and whose turn is it: its waiter's or the writer's?

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use domain::{Amount, Problem};
use tokio::sync::oneshot;

use crate::budgets::{KeyCharge, KeyHold};
use crate::calls::CallRecord;

use super::hold::SettleError;
use super::wallet::Lease;

/// A settled call on its way to the database.
pub(super) struct Item {
    pub(super) record: CallRecord,
    pub(super) lease: Option<Arc<Lease>>,
    pub(super) charge: Amount,
    pub(super) unbilled: Amount,
    pub(super) of_key: KeyCharge,
    pub(super) ticket: Ticket,
    pub(super) reply: oneshot::Sender<Result<(), SettleError>>,
}

impl Item {
    /// It is not charged after all: its money and its part of the key's limits are free again.
    pub(super) fn undo(&self) {
        if let Some(lease) = &self.lease {
            lease.unsettle(self.charge);
        }
        self.of_key.unsettle();
    }

    /// Money moves for it although no wallet pays.
    pub(super) fn is_loss(&self) -> bool {
        self.lease.is_none() && !self.unbilled.is_zero()
    }

    /// What is written of it when it is not charged: nobody waits, nobody pays. Nothing of a call that cost nothing.
    pub(super) fn into_loss(self) -> Option<Self> {
        if self.record.cost.is_zero() {
            return None;
        }
        let mut record = self.record;
        if !record.streamed {
            record.status = Problem::SettlementFailed.status();
        }
        Some(Self {
            unbilled: record.cost,
            record,
            lease: None,
            charge: Amount::ZERO,
            of_key: KeyHold::unlimited().settle(Amount::ZERO),
            ticket: Ticket::default(),
            reply: self.reply,
        })
    }
}

/// Whose turn it is: the waiter may withdraw a waiting call and abandon one that is on its way, the writer may send it
/// and say that it is done; never two of these.
#[derive(Clone, Default)]
pub(super) struct Ticket(Arc<AtomicU8>);

const WAITING: u8 = 0;
const SENDING: u8 = 1;
const WITHDRAWN: u8 = 2;
const ABANDONED: u8 = 3;
const DONE: u8 = 4;

impl Ticket {
    /// The waiter gives up. False when the call is already on its way: its outcome comes.
    pub(super) fn withdraw(&self) -> bool {
        self.turn(WAITING, WITHDRAWN)
    }

    /// The waiter gives up on a call whose outcome is not known. False when it just became known.
    pub(super) fn abandon(&self) -> bool {
        self.turn(SENDING, ABANDONED)
    }

    /// The writer sends it. False when it was withdrawn.
    pub(super) fn claim(&self) -> bool {
        self.turn(WAITING, SENDING)
    }

    /// The database certainly does not have it: it waits again.
    pub(super) fn put_back(&self) {
        if !self.turn(SENDING, WAITING) {
            self.turn(ABANDONED, WITHDRAWN);
        }
    }

    /// It is charged. False when its waiter had abandoned it.
    pub(super) fn done(&self) -> bool {
        self.turn(SENDING, DONE)
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        self.0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}
