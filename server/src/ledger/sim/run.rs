//! How does one run go? The production nodes against a simulated database, in simulated time, on one thread: what happens
//! next depends on the seed alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::clock::{Clock, Moment, Ticks};
use crate::ledger::node::Node;

use super::call::{Call, Told, workspace};
use super::faults::Wire;
use super::judge;
use super::plan::{Happens, Lot, Plan, Temper};
use super::store::SimStore;
use super::world::{Events, Flaw, Shared, World};

/// What a run showed.
pub(super) struct Outcome {
    /// The hash of everything that happened, in its order.
    pub(super) trace: u64,
    pub(super) events: Events,
    /// What must not be. Empty is well.
    pub(super) broken: Vec<String>,
}

/// Runs what the seed decides, to the end.
pub(super) fn run(seed: u64, flaw: Option<Flaw>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing");
    runtime.block_on(async move {
        let through = Run::begin(Plan::of(seed), flaw).through();
        timeout(Duration::from_secs(7_200), through)
            .await
            .expect("a run ends within two hours of its time")
    })
}

/// What is known of a run beside what the database has.
#[derive(Default)]
pub(super) struct Memo {
    /// What each call was told, and by which node.
    pub(super) told: BTreeMap<usize, (usize, Told)>,
    /// Nodes that died.
    pub(super) dead: BTreeSet<usize>,
    /// What each wallet was given, less what was taken back.
    pub(super) given: BTreeMap<usize, i64>,
    pub(super) broken: Vec<String>,
}

/// A node of the moment.
struct Slot {
    number: usize,
    node: Node,
    wire: Arc<Wire>,
    /// How far its clock is ahead, in milliseconds.
    jumped: Arc<AtomicU64>,
    calls: JoinSet<()>,
}

struct Run {
    plan: Plan,
    begun: Instant,
    world: Shared,
    /// How far the database's clock is ahead, in milliseconds.
    jumped: Arc<AtomicI64>,
    slots: Vec<Option<Slot>>,
    nodes: usize,
    memo: Arc<Mutex<Memo>>,
    takers: JoinSet<()>,
}

impl Run {
    fn begin(plan: Plan, flaw: Option<Flaw>) -> Self {
        let begun = Instant::now();
        let jumped = Arc::new(AtomicI64::new(0));
        let ahead = jumped.clone();
        let mut world = World::new(plan.many_nodes, flaw, move || {
            let passed = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX / 2);
            1_000_000 + passed + ahead.load(Ordering::Relaxed)
        });
        for wallet in 0..plan.wallets {
            world.open_wallet(workspace(wallet));
        }
        let slots = plan.slots;
        let mut run = Self {
            plan,
            begun,
            world: Arc::new(Mutex::new(world)),
            jumped,
            slots: (0..slots).map(|_| None).collect(),
            nodes: 0,
            memo: Arc::default(),
            takers: JoinSet::new(),
        };
        (0..slots).for_each(|slot| run.start(slot));
        run
    }

    async fn through(mut self) -> Outcome {
        for (at, happens) in std::mem::take(&mut self.plan.agenda) {
            sleep_until(self.begun + Duration::from_millis(at)).await;
            self.happen(happens);
        }
        self.quiesce().await;
        let mut world = self.world.lock();
        let mut broken = std::mem::take(&mut world.broken);
        let mut memo = self.memo.lock();
        broken.append(&mut memo.broken);
        broken.extend(judge::judge(&self.plan, &world, &memo));
        Outcome {
            trace: world.trace(),
            events: world.events,
            broken,
        }
    }

    fn happen(&mut self, happens: Happens) {
        match happens {
            Happens::Call(number) => self.call(number),
            Happens::Crash(slot) => self.crash(slot),
            Happens::Start(slot) => self.start(slot),
            Happens::Cut(slot, time) => {
                if let Some(slot) = &self.slots[slot] {
                    slot.wire.cut(time);
                }
            }
            Happens::NodeJumps(slot, time) => {
                if let Some(slot) = &self.slots[slot] {
                    let time = u64::try_from(time.as_millis()).unwrap_or(0);
                    slot.jumped.fetch_add(time, Ordering::Relaxed);
                }
            }
            Happens::DatabaseJumps(time) => self.database_jumps(time),
            Happens::Gives(wallet, amount, lot) => {
                let (paid, expires_at) = match lot {
                    Lot::Adjustment => (false, None),
                    Lot::Bonus => (false, Some(9_000_000)),
                    Lot::Paid => (true, None),
                };
                (self.world.lock()).give(wallet, amount, paid, expires_at);
                *self.memo.lock().given.entry(wallet).or_default() += amount;
            }
            Happens::Takes(wallet, amount) => {
                let (world, memo) = (self.world.clone(), self.memo.clone());
                self.takers.spawn(take(world, memo, wallet, amount));
            }
        }
    }

    fn start(&mut self, at: usize) {
        if self.slots[at].is_some() {
            return;
        }
        if !self.plan.many_nodes {
            // The lock on the file proves that no other server lives.
            self.world.lock().reclaim(true);
        }
        let wire = Wire::new(self.world.clone(), self.plan.dice.split(), self.plan.rates);
        let jumped = Arc::new(AtomicU64::new(0));
        let (begun, ahead) = (self.begun, jumped.clone());
        let ticks = Ticks::by(move || {
            let ahead = Duration::from_millis(ahead.load(Ordering::Relaxed));
            // Not at the very beginning: what was long ago must be sayable.
            Moment::after(Duration::from_secs(1_000) + begun.elapsed() + ahead)
        });
        let number = self.nodes;
        self.nodes += 1;
        let node = Node::new(
            Arc::new(SimStore::new(wire.clone())),
            Clock::fixed(0),
            ticks,
            self.plan.config.clone(),
            format!("node-{number}"),
        );
        node.start();
        self.slots[at] = Some(Slot {
            number,
            node,
            wire,
            jumped,
            calls: JoinSet::new(),
        });
    }

    /// All its memory is gone: tasks, holds, what was settled and not sent.
    fn crash(&mut self, at: usize) {
        if let Some(mut slot) = self.slots[at].take() {
            slot.wire.kill();
            slot.node.abort();
            slot.calls.abort_all();
            self.memo.lock().dead.insert(slot.number);
            self.world.lock().note("crash", &slot.number);
        }
    }

    fn database_jumps(&self, time: Duration) {
        let time = i64::try_from(time.as_millis()).unwrap_or(0);
        self.jumped.fetch_add(time, Ordering::Relaxed);
    }

    fn call(&mut self, number: usize) {
        let plan = self.plan.calls[number];
        let Some(slot) = &mut self.slots[plan.slot] else {
            return;
        };
        let call = Call {
            number,
            plan,
            rich: self.plan.temper == Temper::Rich,
            steady: self.plan.steady,
            by: slot.number,
            node: slot.node.clone(),
            world: self.world.clone(),
            memo: self.memo.clone(),
        };
        slot.calls.spawn(call.through());
    }

    /// Nothing goes wrong any more: calls end, leases go back, and what dead nodes have is taken back.
    async fn quiesce(&mut self) {
        for slot in self.slots.iter().flatten() {
            slot.wire.mend();
        }
        let mut panicked = Vec::new();
        while let Some(ended) = self.takers.join_next().await {
            panicked.extend(ended.err());
        }
        for slot in self.slots.iter_mut().flatten() {
            while let Some(ended) = slot.calls.join_next().await {
                panicked.extend(ended.err());
            }
        }
        let broken = panicked.into_iter().map(|error| error.to_string());
        self.memo.lock().broken.extend(broken);
        // Longer than a lease lives without its node.
        sleep(Duration::from_secs(30)).await;
        let alive = self.slots.iter().any(Option::is_some);
        if alive {
            let stuck = judge::active(&self.world.lock());
            self.memo.lock().broken.extend(stuck);
        }
        for slot in &mut self.slots {
            if let Some(slot) = slot.take() {
                slot.node.shutdown().await;
            }
        }
        // Past the end of every call.
        self.database_jumps(Duration::from_secs(700));
        let mut world = self.world.lock();
        let all_are_dead = !world.many_nodes;
        world.reclaim(all_are_dead);
    }
}

/// As an administrator's debit does: what leases have is asked for, for three seconds.
async fn take(world: Shared, memo: Arc<Mutex<Memo>>, wallet: usize, amount: i64) {
    for attempt in 0..30 {
        if world.lock().take(wallet, amount, attempt == 0) {
            *memo.lock().given.entry(wallet).or_default() -= amount;
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
}
