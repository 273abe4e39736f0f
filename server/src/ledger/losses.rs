//! What becomes of calls that were served and that nobody pays? They are booked, one flush at a time and apart from the
//! charges: no charge waits because a loss cannot be written, and none shares its transaction.

use std::collections::VecDeque;
use std::slice::from_ref;
use std::time::Duration;

use domain::Amount;
use domain::ids::CallId;
use sea_orm::DbErr;
use tokio::time::Instant;

use super::flush::Flush;
use super::store::{Failure, Patience, Store};
use super::writer::{BACKOFF_MAX, BACKOFF_MIN, is_refusal};
use crate::clock::Clock;

/// How long losses are tried to be written, with none written, when nothing else is left to do.
const LAST_LOSSES: Duration = Duration::from_secs(30);

/// Flushes without a lease that move money.
pub(super) struct Losses {
    /// Somebody waits for these. They and the others take turns.
    waited_for: VecDeque<Flush>,
    others: VecDeque<Flush>,
    others_turn: bool,
    /// After a failure; it doubles.
    wait: Duration,
    /// None is tried before.
    next: Instant,
    /// At the end: when to give up.
    until: Option<Instant>,
}

impl Losses {
    pub(super) fn new() -> Self {
        Self {
            waited_for: VecDeque::new(),
            others: VecDeque::new(),
            others_turn: false,
            wait: BACKOFF_MIN,
            next: Instant::now(),
            until: None,
        }
    }

    /// When there is something to try.
    pub(super) fn next(&self) -> Option<Instant> {
        (self.count() > 0).then_some(self.next)
    }

    fn count(&self) -> usize {
        self.waited_for.len() + self.others.len()
    }

    pub(super) fn add(&mut self, flushes: impl IntoIterator<Item = Flush>) {
        self.others.extend(flushes);
    }

    /// Somebody waits for these.
    pub(super) fn add_waited_for(&mut self, flushes: Vec<Flush>) {
        self.waited_for.extend(flushes);
    }

    /// The next one, and whether somebody waits for it.
    fn take(&mut self) -> Option<(Flush, bool)> {
        let waited_for = if self.others_turn {
            self.others.is_empty()
        } else {
            !self.waited_for.is_empty()
        };
        self.others_turn = waited_for;
        let flush = self.queue(waited_for).pop_front()?;
        Some((flush, waited_for))
    }

    fn queue(&mut self, waited_for: bool) -> &mut VecDeque<Flush> {
        if waited_for {
            &mut self.waited_for
        } else {
            &mut self.others
        }
    }

    /// Tries to write the next one, once. What is written already is not written again, so nothing is frozen: what fails
    /// is tried again behind its like, whatever became of it.
    pub(super) async fn write_one(&mut self, store: &dyn Store, clock: &Clock) {
        if Instant::now() < self.next {
            return;
        }
        let Some((mut flush, waited_for)) = self.take() else {
            return;
        };
        let begun = store.begin().await;
        self.others.extend(flush.claim());
        if flush.items.is_empty() {
            return;
        }
        let outcome = match begun {
            // Whoever holds the book of losses for longer than a moment is stuck, and the next charges wait for us.
            Ok(writing) => {
                let flush = from_ref(&flush);
                writing.flush(clock.now_ms(), flush, Patience::Short).await
            }
            Err(error) => Err(Failure::NotCommitted(error)),
        };
        match outcome {
            Ok(_) => {
                (self.wait, self.until) = (BACKOFF_MIN, None);
                // Nobody was charged: there is nothing to give back.
                flush.succeeded();
            }
            Err(Failure::NotCommitted(error)) if is_refusal(&error) => {
                tracing::error!(error = %error, "The database refused a loss: its calls are written one by one");
                self.queue(waited_for).extend(flush.refused());
            }
            Err(
                Failure::NotCommitted(error) | Failure::Locked(error) | Failure::Unknown(error),
            ) => {
                flush.put_back();
                self.queue(waited_for).push_back(flush);
                self.put_off(&error);
            }
        }
    }

    fn put_off(&mut self, error: &DbErr) {
        tracing::warn!(error = %error, wait_ms = self.wait.as_millis(), "A loss cannot be written; trying again");
        self.next = Instant::now() + self.wait;
        self.wait = (self.wait * 2).min(BACKOFF_MAX);
    }

    /// Nothing else is left to do. True when losses could not be written for so long that the process ends without them.
    pub(super) fn are_given_up(&mut self) -> bool {
        let until = *self
            .until
            .get_or_insert_with(|| Instant::now() + LAST_LOSSES);
        let flushes = self.count();
        let given_up = flushes > 0 && Instant::now() >= until;
        if given_up {
            tracing::error!(
                flushes,
                "The ledger ends without the losses that are named above"
            );
        }
        given_up
    }
}

/// Says so at once: should the process end before the loss is booked, this line is what is left. Nothing of a call that
/// cost nothing: while the database is away there may be any number of those.
pub(super) fn announce(call: CallId, cost: Amount) {
    if !cost.is_zero() {
        tracing::error!(call.id = %call, cost_nusd = cost.nanos(),
            "A call was served and is not charged: it is booked as operator's loss when the database takes it");
    }
}
