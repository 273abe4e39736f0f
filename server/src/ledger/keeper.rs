//! Who looks after leases? Three tasks: one tells the database that the node lives, and nothing keeps it from that; one
//! gives back what is idle and takes back what dead nodes left, however much it is; one answers within a tenth of a
//! second when somebody wants credit back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use sea_orm::DbErr;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use crate::db::is_away;

use super::node::Node;
use super::store::Held;
use super::wallet::{Lease, Wallet};

/// A lease is renewed when its last heartbeat is older than this: a fifth of its life. What its calls hold is told
/// whenever it changed.
const RENEW_AFTER: Duration = Duration::from_secs(3);
/// How long somebody waits for credit that this node does not use.
const RECALL_POLL: Duration = Duration::from_millis(100);
/// After the database was away, or this machine asleep, nobody could renew: so many looks later, everybody who lives has.
const OTHERS_FIRST: u32 = 4;
/// Looks that are so much farther apart than they should be were none.
const GAP: Duration = Duration::from_secs(5);
/// So many recalls are answered at the same time.
const AT_ONCE: usize = 8;
/// So often a recall waits for the next look, because a call of the same wallet is asking for credit.
const PUT_OFF_MAX: u32 = 3;

impl Node {
    pub(super) async fn keep_leases(self) {
        let mut tick = interval(self.0.config.heartbeat);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (mut healthy_looks, mut last) = (0_u32, self.now());
        loop {
            tick.tick().await;
            let now = self.now();
            if last.plus(self.0.config.heartbeat + GAP) < now {
                healthy_looks = 0;
            }
            last = now;
            // While a renewal is under way nobody knows whether others can renew.
            self.0.may_reclaim.store(false, Ordering::Relaxed);
            healthy_looks = if self.look_after_leases().await {
                healthy_looks.saturating_add(1)
            } else {
                0
            };
            let may = healthy_looks > OTHERS_FIRST;
            self.0.may_reclaim.store(may, Ordering::Relaxed);
        }
    }

    /// Closes leases that came to rest, and takes back those of dead nodes.
    pub(super) async fn keep_house(self) {
        let period = self.0.config.heartbeat;
        // In the middle between two renewals.
        let mut tick = interval_at(Instant::now() + period / 2, period);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tick.tick().await;
            self.close_leases(|_| true).await;
            // Not when our own leases could not be renewed just now: others may not have been able to either. A lone
            // server has leases to take back too: those whose granting was never answered.
            if self.0.may_reclaim.load(Ordering::Relaxed)
                && let Err(error) = self.0.store.reclaim(false).await
            {
                tracing::warn!(error = %error, "Leases of dead nodes could not be taken back");
            }
        }
    }

    pub(super) async fn keep_promises(self) {
        let mut tick = interval(RECALL_POLL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                () = self.0.recalls.notified() => {}
                _ = tick.tick() => {}
            }
            if let Err(error) = self.answer_recalls().await {
                tracing::warn!(error = %error, "Credit could not be given back to others");
            }
        }
    }

    /// False when the database did not answer everything.
    async fn look_after_leases(&self) -> bool {
        self.shut_idle();
        let answered = self.beat().await;
        self.0
            .wallets
            .lock()
            .retain(|_, wallet| Arc::strong_count(wallet) > 1 || wallet.current.lock().is_some());
        if let Err(error) = &answered {
            tracing::warn!(error = %error, "Leases could not be renewed");
        }
        self.0.healthy.store(answered.is_ok(), Ordering::Relaxed);
        answered.is_ok()
    }

    /// Leases that nothing has run on for a while, and those that are no longer good, are on their way back.
    fn shut_idle(&self) {
        let idle_since = self.now().minus(self.0.config.idle_return);
        for wallet in self.0.wallets.lock().values() {
            if let Some(lease) = wallet.lease() {
                lease.shut_if_idle(idle_since);
            }
            self.retire_shut(wallet);
        }
    }

    /// A lease that is shut is no wallet's current one any more, and closed when its last call is done.
    fn retire_shut(&self, wallet: &Wallet) {
        let shut = wallet.current.lock().take_if(|lease| !lease.is_open());
        self.0.closing.lock().extend(shut);
    }

    /// Tells the database which leases live and what is held of them, where it does not know. It is asked even when there
    /// is nothing to tell, to know whether it is there.
    async fn beat(&self) -> Result<(), DbErr> {
        let stale = self.now().minus(RENEW_AFTER);
        let leases = self.leases();
        let news: Vec<(&Arc<Lease>, Held)> = leases
            .iter()
            .filter_map(|lease| Some((lease, held(lease, lease.news(stale)?))))
            .collect();
        if news.is_empty() {
            return self.0.store.recalled(&self.0.name).await.map(|_| ());
        }
        let (mut wanted, mut failed) = (false, None);
        for some in news.chunks(self.0.config.beats.max(1)) {
            let asked_at = self.now();
            let told: Vec<Held> = some.iter().map(|(_, held)| *held).collect();
            // Trouble with some of them is no reason to be silent about the others.
            let beats = match self.0.store.beat(&told).await {
                Ok(beats) => beats,
                Err(error) if is_away(&error) => return Err(error),
                Err(error) => {
                    failed = Some(error);
                    continue;
                }
            };
            for ((lease, held), beat) in some.iter().zip(beats) {
                let Some(beat) = beat else {
                    continue;
                };
                if beat.alive {
                    lease.told(held.amount, asked_at, Self::valid_until(asked_at));
                } else {
                    lease.lost();
                }
                wanted |= beat.recall;
            }
        }
        if wanted {
            self.0.recalls.notify_one();
        }
        failed.map_or(Ok(()), Err)
    }

    /// Every lease of this node, those on their way back too: their calls may run on for minutes.
    fn leases(&self) -> Vec<Arc<Lease>> {
        let mut leases: Vec<Arc<Lease>> = self
            .0
            .wallets
            .lock()
            .values()
            .filter_map(|wallet| wallet.lease())
            .collect();
        leases.extend(self.0.closing.lock().iter().cloned());
        leases
    }

    /// Gives back what is wanted elsewhere and not held here.
    async fn answer_recalls(&self) -> Result<(), DbErr> {
        if self.0.wallets.lock().is_empty() && self.0.closing.lock().is_empty() {
            return Ok(());
        }
        let wanted = self.0.store.recalled(&self.0.name).await?;
        if wanted.is_empty() {
            return Ok(());
        }
        let current: Vec<(Arc<Wallet>, Arc<Lease>)> = {
            let wallets = self.0.wallets.lock();
            let current = wallets.values().filter_map(|wallet| {
                let lease = wallet.lease().filter(|lease| wanted.contains(&lease.id))?;
                Some((wallet.clone(), lease))
            });
            current.collect()
        };
        let closing = self.0.closing.lock().clone().into_iter();
        let closing: Vec<_> = closing.filter(|lease| wanted.contains(&lease.id)).collect();
        // Several at a time, and none waits for another: somebody waits for each.
        stream::iter(current)
            .for_each_concurrent(AT_ONCE, async |(wallet, lease)| {
                self.answer_for_wallet(&wallet, &lease).await;
            })
            .await;
        stream::iter(closing)
            .for_each_concurrent(AT_ONCE, async |lease| self.answer_recall(&lease).await)
            .await;
        self.close_leases(|lease| wanted.contains(&lease.id)).await;
        Ok(())
    }

    async fn answer_for_wallet(&self, wallet: &Wallet, lease: &Arc<Lease>) {
        // A call of this wallet that is asking for credit just now should not find it gone for nothing: next time
        // then. But where somebody always asks, others must not wait for ever.
        let turn = wallet.refill.try_lock();
        if turn.is_err() && lease.put_off() < PUT_OFF_MAX {
            return;
        }
        self.answer_recall(lease).await;
        self.retire_shut(wallet);
    }

    async fn answer_recall(&self, lease: &Arc<Lease>) {
        let now = self.now();
        // Where nothing runs on it, closing it gives all of it back.
        let Some((free, amount)) = lease.take_free(now) else {
            return;
        };
        match self.0.store.shrink(held(lease, amount), free).await {
            Ok(true) => lease.told(amount, now, Self::valid_until(now)),
            // It was over before: what was not held is the wallet's again, and no new call may run on the rest.
            Ok(false) => lease.lost(),
            Err(error) => {
                // The free part may have gone back or not: closing the lease finds out what is left.
                lease.doubt();
                tracing::warn!(error = %error, lease.id = %lease.id, "Credit could not be given back to others");
            }
        }
    }

    /// Gives back every lease, at the end.
    pub(super) async fn close_all(&self) {
        for wallet in std::mem::take(&mut *self.0.wallets.lock()).into_values() {
            if let Some(lease) = wallet.current.lock().take() {
                lease.shut();
                self.0.closing.lock().push(lease);
            }
        }
        self.close_leases(|_| true).await;
    }

    /// Gives back those of the shut leases on which nothing runs any more. One that the database refuses is tried again;
    /// none is tried while the database is away, because each would wait for it.
    async fn close_leases(&self, which: impl Fn(&Lease) -> bool) {
        // They stay in the list until they are closed: whoever is stopped in between forgets none.
        let due: Vec<Arc<Lease>> = {
            let closing = self.0.closing.lock();
            closing
                .iter()
                .filter(|lease| lease.is_quiet() && which(lease))
                .cloned()
                .collect()
        };
        for lease in due {
            match self.0.store.close(lease.id, lease.book).await {
                Ok(()) => self.0.closing.lock().retain(|other| other.id != lease.id),
                Err(error) if is_away(&error) => {
                    tracing::warn!(error = %error, "Leases could not be given back: the database is away");
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = %error, lease.id = %lease.id, "A lease could not be given back; trying again");
                }
            }
        }
    }
}

fn held(lease: &Lease, amount: domain::Amount) -> Held {
    Held {
        lease: lease.id,
        book: lease.book,
        amount,
    }
}
