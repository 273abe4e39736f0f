//! How soon is credit back that somebody else wants? Production nodes and the simulated database, in simulated time.

use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::clock::{Clock, Moment, Ticks};
use crate::ledger::LedgerConfig;
use crate::ledger::hold::{Hold, HoldError};
use crate::ledger::node::Node;

use super::call::workspace;
use super::dice::Dice;
use super::faults::{Rates, Wire};
use super::store::SimStore;
use super::world::{Shared, World};

const WALLET: i64 = 1_000_000;
const HELD: i64 = 100;
/// What a node promises, and what its one statement takes beside it.
const PROMISE: Duration = Duration::from_millis(100);
const LATENCY: u64 = 2;
const STATEMENT: Duration = Duration::from_millis(2 * LATENCY);
/// So often a node looks out for wishes: they come at any moment between two looks.
const MOMENTS: std::ops::Range<u64> = 0..100;

/// Wallets in a database of several nodes.
struct Bank {
    begun: Instant,
    world: Shared,
}

impl Bank {
    fn open() -> Self {
        Self::with(1)
    }

    fn with(wallets: usize) -> Self {
        let begun = Instant::now();
        let mut world = World::new(true, None, move || {
            1_000_000 + i64::try_from(begun.elapsed().as_millis()).unwrap()
        });
        for wallet in 0..wallets {
            world.open_wallet(workspace(wallet));
            world.give(wallet, WALLET, true, None);
        }
        Self {
            begun,
            world: Arc::new(Mutex::new(world)),
        }
    }

    fn node(&self, name: &str) -> Node {
        let rates = Rates {
            latency: LATENCY,
            ..Rates::default()
        };
        let wire = Wire::new(
            self.world.clone(),
            Dice::new(self.begun.elapsed().as_secs()),
            rates,
        );
        let begun = self.begun;
        let ticks = Ticks::by(move || Moment::after(Duration::from_secs(1_000) + begun.elapsed()));
        let node = Node::new(
            Arc::new(SimStore::new(wire)),
            Clock::fixed(0),
            ticks,
            LedgerConfig::default(),
            name.to_owned(),
        );
        node.start();
        node
    }

    /// A node that has half of the wallet and uses next to nothing of it.
    async fn with_idle_credit(&self) -> (Node, Hold) {
        let node = self.node("idle");
        let held = hold(&node, HELD).await.unwrap();
        drop(hold(&node, WALLET / 2 - HELD).await.unwrap());
        (node, held)
    }

    /// What no lease has.
    fn free(&self, wallet: usize) -> i64 {
        self.world.lock().books[wallet].free()
    }

    /// How long it takes until all of these wallets is back but what calls hold.
    async fn back_but(&self, held: i64, wallets: std::ops::Range<usize>) -> Duration {
        let asked = Instant::now();
        let back = async {
            while !wallets
                .clone()
                .all(|wallet| self.free(wallet) >= WALLET - held)
            {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let in_time = timeout(Duration::from_secs(60), back).await;
        assert!(in_time.is_ok(), "not all came back");
        asked.elapsed()
    }
}

async fn hold(node: &Node, nanos: i64) -> Result<Hold, HoldError> {
    hold_of(node, 0, nanos).await
}

async fn hold_of(node: &Node, wallet: usize, nanos: i64) -> Result<Hold, HoldError> {
    node.hold(workspace(wallet), Amount::from_nanos(nanos))
        .await
}

#[tokio::test(start_paused = true)]
async fn credit_that_no_call_holds_is_back_within_a_tenth_of_a_second() {
    for moment in MOMENTS {
        let bank = Bank::open();
        let (node, held) = bank.with_idle_credit().await;
        assert!(bank.free(0) <= WALLET / 2);
        sleep(Duration::from_millis(800 + moment)).await;
        bank.world.lock().recall(0, None, true);
        let took = bank.back_but(HELD, 0..1).await;
        assert!(took <= PROMISE + 2 * STATEMENT, "{took:?} at {moment}");
        // What a call holds stays with it.
        assert_eq!(bank.free(0), WALLET - HELD);
        drop(held);
        node.shutdown().await;
        assert!(bank.world.lock().broken.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn who_needs_credit_that_another_node_does_not_use_gets_it_within_300_milliseconds() {
    for moment in MOMENTS.step_by(3) {
        let bank = Bank::open();
        let (idle, held) = bank.with_idle_credit().await;
        sleep(Duration::from_millis(800 + moment)).await;
        let needy = bank.node("needy");
        let asked = Instant::now();
        let all = hold(&needy, WALLET - HELD).await;
        let took = asked.elapsed();
        assert!(all.is_ok(), "{:?} after {took:?}", all.err());
        assert!(
            took <= Duration::from_millis(300) + STATEMENT,
            "{took:?} at {moment}"
        );
        // What is held there is no question of waiting: nothing of it can be had.
        let refused = hold(&needy, 1).await;
        assert!(
            matches!(refused, Err(HoldError::Insufficient { .. })),
            "{:?}",
            refused.err()
        );
        drop((all, held));
        needy.shutdown().await;
        idle.shutdown().await;
        assert!(bank.world.lock().broken.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_asking_for_credit_puts_a_wish_off_for_three_looks_and_no_longer() {
    for moment in MOMENTS.step_by(9) {
        let bank = Bank::open();
        let (node, held) = bank.with_idle_credit().await;
        sleep(Duration::from_millis(800 + moment)).await;
        let wallet = node.0.wallets.lock().values().next().cloned().unwrap();
        let asking = wallet.refill.lock().await;
        bank.world.lock().recall(0, None, true);
        let took = bank.back_but(HELD, 0..1).await;
        assert!(took <= 4 * (PROMISE + STATEMENT), "{took:?} at {moment}");
        drop((asking, held));
        node.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_node_held_a_moment_ago_counts_for_a_shorter_answer() {
    for moment in MOMENTS.step_by(3) {
        let bank = Bank::open();
        let one = bank.node("one");
        let held = hold(&one, WALLET / 10 * 9).await.unwrap();
        // Until the database was told that it is held; then it is not any more.
        sleep(Duration::from_millis(1_300 + moment)).await;
        drop(held);
        let other = bank.node("other");
        let asked = Instant::now();
        let refused = hold(&other, WALLET + 1).await;
        let took = asked.elapsed();
        let Err(HoldError::Insufficient { available }) = refused else {
            panic!("{:?}", refused.err());
        };
        assert_eq!(available.nanos(), WALLET, "after {took:?}, at {moment}");
        assert!(took <= Duration::from_millis(300) + STATEMENT, "{took:?}");
        assert!(hold(&other, WALLET).await.is_ok());
        other.shutdown().await;
        one.shutdown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wish_for_one_idle_lease_does_not_wait_for_five_hundred_others() {
    const WALLETS: usize = 500;
    let bank = Bank::with(WALLETS);
    let node = bank.node("idle");
    for wallet in 0..WALLETS {
        drop(hold_of(&node, wallet, HELD).await.unwrap());
    }
    // Until the first of them is on its way back, and all others with it.
    while bank.free(0) < WALLET {
        sleep(Duration::from_millis(1)).await;
    }
    bank.world.lock().recall(WALLETS - 1, None, true);
    let took = bank.back_but(0, WALLETS - 1..WALLETS).await;
    assert!(took <= PROMISE + 3 * STATEMENT, "{took:?}");
    let others = bank.back_but(0, 0..WALLETS).await;
    assert!(
        others > PROMISE * 5,
        "they were back in {others:?}: nothing was in the way"
    );
    node.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn wishes_for_many_wallets_are_answered_together() {
    const WALLETS: usize = 64;
    let bank = Bank::with(WALLETS);
    let node = bank.node("idle");
    let mut running = Vec::new();
    for wallet in 0..WALLETS {
        running.push(hold_of(&node, wallet, HELD).await.unwrap());
    }
    sleep(Duration::from_millis(830)).await;
    for wallet in 0..WALLETS {
        bank.world.lock().recall(wallet, None, true);
    }
    let took = bank.back_but(HELD, 0..WALLETS).await;
    assert!(took <= PROMISE + 10 * STATEMENT, "{took:?}");
    drop(running);
    node.shutdown().await;
}
