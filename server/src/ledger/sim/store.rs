//! How does a production node reach the simulated world? Through the trait by which it reaches a database.

use std::sync::Arc;

use domain::Amount;
use domain::ids::{CallId, LeaseId};
use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::ledger::flush::Flush;
use crate::ledger::store::{
    Answer, Asked, Asking, Beat, Failure, Flushed, Held, Patience, Store, Writing,
};

use super::faults::{Trouble, Wire};
use super::flushes::Sent;

/// The world at the other end of a wire.
#[derive(Clone)]
pub(super) struct SimStore {
    wire: Arc<Wire>,
}

impl SimStore {
    pub(super) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }
}

impl Store for SimStore {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> Answer<'a, Asked> {
        let node = asking.node.to_owned();
        let (workspace, existing) = (asking.workspace, asking.existing);
        let (need, want, attempt) = (asking.need.nanos(), asking.want.nanos(), asking.attempt);
        Box::pin(self.wire.request(true, move |world| {
            world.ask(&node, workspace, existing, need, want, attempt)
        }))
    }

    fn beat<'a>(&'a self, held: &'a [Held]) -> Answer<'a, Vec<Option<Beat>>> {
        let held = held.to_vec();
        Box::pin(async move {
            if held.is_empty() {
                return Ok(Vec::new());
            }
            let beats = self
                .wire
                .request(true, move |world| world.beat(&held))
                .await?;
            Ok(beats.into_iter().map(Some).collect())
        })
    }

    fn recalled<'a>(&'a self, node: &'a str) -> Answer<'a, Vec<LeaseId>> {
        let node = node.to_owned();
        Box::pin(self.wire.request(true, move |world| world.recalled(&node)))
    }

    fn shrink(&self, held: Held, free: Amount) -> Answer<'_, bool> {
        Box::pin(
            self.wire
                .request(false, move |world| world.shrink(held, free.nanos())),
        )
    }

    fn close(&self, lease: LeaseId, _book: i64) -> Answer<'_, ()> {
        Box::pin(self.wire.request(true, move |world| world.close(lease)))
    }

    fn reclaim(&self, all_are_dead: bool) -> Answer<'_, u64> {
        Box::pin(
            self.wire
                .request(true, move |world| world.reclaim(all_are_dead)),
        )
    }

    fn begin(&self) -> Answer<'_, Box<dyn Writing>> {
        Box::pin(async move {
            // A connection is had or not: nothing happens in the world.
            self.wire.request(true, |_| ()).await?;
            let writing: Box<dyn Writing> = Box::new(SimWriting(self.wire.clone()));
            Ok(writing)
        })
    }
}

struct SimWriting(Arc<Wire>);

impl Writing for SimWriting {
    fn flush<'a>(
        self: Box<Self>,
        _now: UnixMs,
        flushes: &'a [Flush],
        patience: Patience,
    ) -> Answer<'a, Vec<Option<Flushed>>, Failure> {
        let is_locked = |flush: &Flush| flush.lease.is_some() && self.0.is_locked();
        let locked: Vec<bool> = flushes.iter().map(is_locked).collect();
        // Not every lock is a wallet's: those are waited for in vain.
        let all_wait = patience == Patience::Usual || self.0.is_locked();
        let free = flushes.iter().zip(&locked).filter(|(_, locked)| !**locked);
        let sent: Vec<Sent> = free.map(|(flush, _)| Sent::of(flush)).collect();
        Box::pin(async move {
            if all_wait && locked.contains(&true) {
                return Err(Failure::Locked(DbErr::Custom("simulated: locked".into())));
            }
            let written = self.0.send(true, move |world| world.flush(&sent));
            let written = written.await.map_err(Trouble::failure)?;
            let mut written = written.map_err(Failure::NotCommitted)?.into_iter();
            let answers = locked
                .iter()
                .map(|locked| if *locked { None } else { written.next() });
            Ok(answers.collect())
        })
    }

    fn reverse<'a>(self: Box<Self>, _now: UnixMs, calls: &'a [CallId]) -> Answer<'a, (), Failure> {
        let calls = calls.to_vec();
        Box::pin(async move {
            if self.0.is_locked() {
                return Err(Failure::Locked(DbErr::Custom("simulated: locked".into())));
            }
            self.0
                .send(true, move |world| world.reverse(&calls))
                .await
                .map_err(Trouble::failure)
        })
    }
}
