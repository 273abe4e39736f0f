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

/// One wallet, in a database of several nodes.
struct Bank {
    begun: Instant,
    world: Shared,
}

impl Bank {
    fn open() -> Self {
        let begun = Instant::now();
        let mut world = World::new(true, None, move || {
            1_000_000 + i64::try_from(begun.elapsed().as_millis()).unwrap()
        });
        let wallet = world.open_wallet(workspace(0));
        world.give(wallet, WALLET, true, None);
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
    fn free(&self) -> i64 {
        self.world.lock().books[0].free()
    }

    /// Until all is back but what calls hold.
    async fn back_but(&self, held: i64) {
        while self.free() < WALLET - held {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn hold(node: &Node, nanos: i64) -> Result<Hold, HoldError> {
    node.hold(workspace(0), Amount::from_nanos(nanos)).await
}

#[tokio::test(start_paused = true)]
async fn credit_that_no_call_holds_is_back_within_a_tenth_of_a_second() {
    for moment in MOMENTS {
        let bank = Bank::open();
        let (node, held) = bank.with_idle_credit().await;
        assert!(bank.free() <= WALLET / 2);
        sleep(Duration::from_millis(800 + moment)).await;
        bank.world.lock().recall(0, None, true);
        let asked = Instant::now();
        let back = timeout(Duration::from_secs(10), bank.back_but(HELD)).await;
        assert!(back.is_ok(), "only {} came back", bank.free());
        let took = asked.elapsed();
        assert!(took <= PROMISE + 2 * STATEMENT, "{took:?} at {moment}");
        // What a call holds stays with it.
        assert_eq!(bank.free(), WALLET - HELD);
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
        let asked = Instant::now();
        let back = timeout(Duration::from_secs(10), bank.back_but(HELD)).await;
        assert!(back.is_ok(), "only {} came back", bank.free());
        let took = asked.elapsed();
        assert!(took <= 4 * (PROMISE + STATEMENT), "{took:?} at {moment}");
        drop((asking, held));
        node.shutdown().await;
    }
}
