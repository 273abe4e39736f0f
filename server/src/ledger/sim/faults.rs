//! What goes wrong between a node and the database? Requests come late, twice or not at all; answers come late or not
//! at all; a node is cut off for a while, or dies with requests on their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sea_orm::{DbErr, RuntimeErr};
use tokio::time::{Instant, sleep};

use crate::ledger::store::Failure;

use super::dice::Dice;
use super::world::{Shared, World};

/// How often things go wrong, in a thousand requests.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rates {
    /// An error before anything happened.
    pub(super) refused: u64,
    /// It happened, but the answer is lost.
    pub(super) lost: u64,
    /// It did not happen, and nobody says so.
    pub(super) vanished: u64,
    /// It happened twice.
    pub(super) twice: u64,
    /// It takes seconds.
    pub(super) slow: u64,
    /// Somebody has locked the wallet that a flush is about, or another row of it.
    pub(super) locked: u64,
    /// What a request and an answer take at most, in milliseconds.
    pub(super) latency: u64,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Certainly nothing happened.
    Refused,
    Unknown,
}

impl Trouble {
    fn error(self) -> DbErr {
        DbErr::Conn(RuntimeErr::Internal(format!("simulated: {self:?}")))
    }

    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Refused => Failure::NotCommitted(self.error()),
            Self::Unknown => Failure::Unknown(self.error()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    Refused,
    Lost,
    Vanishes,
    Twice,
}

/// One node's line to the database.
pub(super) struct Wire {
    world: Shared,
    dice: Mutex<Dice>,
    rates: Mutex<Rates>,
    cut_until: Mutex<Option<Instant>>,
    dead: AtomicBool,
}

impl Wire {
    pub(super) fn new(world: Shared, dice: Dice, rates: Rates) -> Arc<Self> {
        Arc::new(Self {
            world,
            dice: Mutex::new(dice),
            rates: Mutex::new(rates),
            cut_until: Mutex::new(None),
            dead: AtomicBool::new(false),
        })
    }

    /// Nothing goes through for so long, in neither direction.
    pub(super) fn cut(&self, time: Duration) {
        *self.cut_until.lock() = Some(Instant::now() + time);
    }

    /// Nothing goes wrong any more, and nothing takes long.
    pub(super) fn mend(&self) {
        *self.cut_until.lock() = None;
        *self.rates.lock() = Rates {
            latency: 2,
            ..Rates::default()
        };
    }

    /// Its node died: nothing is sent any more. What is on its way still arrives, if the database is another process.
    pub(super) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub(super) fn many_nodes(&self) -> bool {
        self.world.lock().many_nodes
    }

    pub(super) fn is_locked(&self) -> bool {
        let locked = self.rates.lock().locked;
        self.dice.lock().chance(locked)
    }

    fn is_cut(&self) -> bool {
        self.cut_until
            .lock()
            .is_some_and(|until| Instant::now() < until)
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Trouble seldom comes alone: after a lost answer there may be none for a while.
    fn stumble(&self) {
        let mut dice = self.dice.lock();
        if dice.chance(300) {
            let until = Instant::now() + dice.millis(100, 6_000);
            let mut cut = self.cut_until.lock();
            *cut = (*cut).max(Some(until));
        }
    }

    /// What becomes of the next request, and what it and its answer take.
    fn fate(&self, repeatable: bool) -> (Fate, Duration, Duration) {
        let rates = *self.rates.lock();
        let mut dice = self.dice.lock();
        let mut pause = || {
            if dice.chance(rates.slow) {
                dice.millis(100, 3_000)
            } else {
                dice.millis(0, rates.latency)
            }
        };
        let (before, after) = (pause(), pause());
        let fate = if dice.chance(rates.refused) {
            Fate::Refused
        } else if dice.chance(rates.lost) {
            Fate::Lost
        } else if dice.chance(rates.vanished) {
            Fate::Vanishes
        } else if repeatable && dice.chance(rates.twice) {
            Fate::Twice
        } else {
            Fate::Arrives
        };
        (fate, before, after)
    }

    pub(super) async fn send<T: Send + 'static>(
        self: &Arc<Self>,
        repeatable: bool,
        apply: impl Fn(&mut World) -> T + Send + 'static,
    ) -> Result<T, Trouble> {
        if self.is_dead() {
            // A task that nobody could stop, of a node that is gone.
            return std::future::pending().await;
        }
        let (fate, before, after) = self.fate(repeatable);
        if self.is_cut() {
            // Somewhere below, somebody gives up at last.
            sleep(before + Duration::from_millis(50)).await;
            return Err(Trouble::Refused);
        }
        let wire = self.clone();
        // In a task of its own: its sender may die meanwhile.
        let arrives = tokio::spawn(async move {
            pause(before).await;
            let died_with_node = wire.is_dead() && !wire.many_nodes();
            match fate {
                _ if died_with_node => Err(Trouble::Refused),
                _ if wire.is_cut() => Err(Trouble::Unknown),
                Fate::Refused => Err(Trouble::Refused),
                Fate::Vanishes => {
                    wire.stumble();
                    Err(Trouble::Unknown)
                }
                Fate::Arrives => Ok(apply(&mut wire.world.lock())),
                Fate::Lost => {
                    wire.stumble();
                    apply(&mut wire.world.lock());
                    Err(Trouble::Unknown)
                }
                Fate::Twice => {
                    apply(&mut wire.world.lock());
                    sleep(Duration::from_millis(1)).await;
                    Ok(apply(&mut wire.world.lock()))
                }
            }
        });
        let answer = arrives.await.unwrap_or(Err(Trouble::Unknown));
        pause(after).await;
        if answer.is_ok() && self.is_cut() {
            return Err(Trouble::Unknown);
        }
        answer
    }

    /// For what has only one kind of error.
    pub(super) async fn request<T: Send + 'static>(
        self: &Arc<Self>,
        repeatable: bool,
        apply: impl Fn(&mut World) -> T + Send + 'static,
    ) -> Result<T, DbErr> {
        self.send(repeatable, apply).await.map_err(Trouble::error)
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}
