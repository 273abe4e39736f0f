//! What happens in one run? Everything is decided by its seed before it begins: calls, crashes, cuts, jumps of clocks.

use std::time::Duration;

use crate::ledger::handle::LedgerConfig;

use super::dice::Dice;
use super::faults::Rates;

/// How a run is meant to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Temper {
    /// Nothing goes wrong, and there is money for four times all calls: every one is served.
    Rich,
    /// Nothing goes wrong, but there is too little money.
    Tight,
    /// As tight, and the database is away for all nodes together, once or twice.
    Outage,
    Stormy,
}

impl Temper {
    /// May credit be missing that a node had counted on? Not as long as all nodes and clocks go on.
    pub(super) const fn may_lose(self) -> bool {
        matches!(self, Self::Stormy)
    }

    /// May charges fail?
    pub(super) const fn may_fail(self) -> bool {
        matches!(self, Self::Outage | Self::Stormy)
    }
}

/// How a call ends that got its money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Settles,
    Releases,
    /// The caller is gone: the hold is dropped with everything else.
    Drops,
    /// Whoever awaits the ending is gone after so long.
    LeavesWhileSettling(Duration),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CallPlan {
    pub(super) slot: usize,
    pub(super) wallet: usize,
    pub(super) hold: i64,
    /// How long the caller waits for the hold.
    pub(super) patience: Duration,
    /// Wants so much in all, halfway.
    pub(super) grows_to: Option<i64>,
    pub(super) cost: i64,
    pub(super) lasts: Duration,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Happens {
    Call(usize),
    /// The node of this slot dies.
    Crash(usize),
    /// Another takes its place.
    Start(usize),
    Cut(usize, Duration),
    /// The node's clock goes on while the node does not: it was suspended.
    NodeJumps(usize, Duration),
    DatabaseJumps(Duration),
    Gives(usize, i64, Lot),
    Takes(usize, i64),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Lot {
    Adjustment,
    /// Expires, though nobody looks: it is spent first.
    Bonus,
    Paid,
}

pub(super) struct Plan {
    pub(super) temper: Temper,
    pub(super) many_nodes: bool,
    pub(super) slots: usize,
    pub(super) wallets: usize,
    pub(super) config: LedgerConfig,
    pub(super) rates: Rates,
    pub(super) calls: Vec<CallPlan>,
    /// In the order of time, which is milliseconds after the beginning.
    pub(super) agenda: Vec<(u64, Happens)>,
    /// The database's clock never jumps.
    pub(super) steady: bool,
    /// For what is thrown while it runs.
    pub(super) dice: Dice,
}

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let temper = match dice.below(8) {
            0 => Temper::Rich,
            1 => Temper::Tight,
            2 => Temper::Outage,
            _ => Temper::Stormy,
        };
        let slots = dice.index(5) + 1;
        let span = dice.between(3_000, 20_000);
        let mut plan = Self {
            temper,
            many_nodes: slots > 1 || dice.chance(300),
            slots,
            wallets: dice.index(4) + 1,
            config: config(&mut dice, temper),
            rates: rates(&mut dice, temper),
            calls: Vec::new(),
            agenda: Vec::new(),
            steady: true,
            dice: dice.split(),
        };
        // As on SQLite, as on PostgreSQL, and one more.
        plan.config.writers = 1 + usize::try_from(seed % 3).unwrap_or(0);
        plan.add_calls(&mut dice.split(), span);
        plan.add_money(&mut dice.split(), span);
        match temper {
            Temper::Stormy => plan.add_troubles(&mut dice.split(), span),
            Temper::Outage => plan.add_outages(&mut dice.split(), span),
            Temper::Rich | Temper::Tight => {}
        }
        plan.agenda.sort_by_key(|(at, _)| *at);
        plan
    }

    fn add_calls(&mut self, dice: &mut Dice, span: u64) {
        // Now and then all come at once.
        let rush = dice.chance(200);
        for number in 0..dice.index(200) + 40 {
            // Some seem to cost nothing.
            let hold = if dice.chance(60) {
                0
            } else {
                dice.nanos(1, 1_000)
            };
            let most = if hold == 0 { 300 } else { hold + hold / 8 };
            let lasts = match dice.below(40) {
                0 => dice.millis(1_000, 20_000),
                1..=9 => dice.millis(100, 1_000),
                _ => dice.millis(0, 100),
            };
            let end = match dice.below(10) {
                0 => End::Releases,
                1 => End::Drops,
                2 => End::LeavesWhileSettling(dice.millis(0, 20)),
                _ => End::Settles,
            };
            self.calls.push(CallPlan {
                slot: dice.index(self.slots),
                wallet: dice.index(self.wallets),
                hold,
                patience: if dice.chance(50) {
                    dice.millis(0, 10)
                } else {
                    Duration::from_secs(30)
                },
                grows_to: dice.chance(150).then(|| hold + dice.nanos(1, 500)),
                // Sometimes nothing, sometimes more than was held.
                cost: if dice.chance(50) {
                    0
                } else {
                    dice.nanos(1, most)
                },
                lasts,
                end,
            });
            let at = if rush {
                dice.below(50)
            } else {
                dice.below(span)
            };
            self.agenda.push((at, Happens::Call(number)));
        }
    }

    fn add_money(&mut self, dice: &mut Dice, span: u64) {
        for wallet in 0..self.wallets {
            let calls = self.calls.iter().filter(|call| call.wallet == wallet);
            let needed: i64 = calls
                .map(|call| call.cost.max(call.hold).max(call.grows_to.unwrap_or(0)))
                .sum();
            let all = match self.temper {
                Temper::Rich => needed * 4 + 3,
                Temper::Tight | Temper::Outage | Temper::Stormy => {
                    needed * dice.nanos(5, 120) / 100 + 3
                }
            };
            // In three lots, the first before anybody calls.
            for (part, lot) in [
                (all / 3, Lot::Paid),
                (all / 3, Lot::Bonus),
                (all, Lot::Adjustment),
            ] {
                let late = self.temper != Temper::Rich && dice.chance(300);
                let at = if late { dice.below(span) } else { 0 };
                self.agenda
                    .push((at, Happens::Gives(wallet, part.max(1), lot)));
            }
            for _ in 0..dice.below(3) {
                let most = (all / 3).max(1);
                self.agenda.push((
                    dice.below(span),
                    Happens::Takes(wallet, dice.nanos(1, most)),
                ));
            }
        }
        // What happens at the same moment happens in the order of the agenda: money first.
        self.agenda
            .sort_by_key(|(_, happens)| !matches!(happens, Happens::Gives(..)));
    }

    fn add_outages(&mut self, dice: &mut Dice, span: u64) {
        for _ in 0..dice.between(1, 2) {
            let (at, time) = (dice.below(span), dice.millis(500, 40_000));
            for slot in 0..self.slots {
                self.agenda.push((at, Happens::Cut(slot, time)));
            }
        }
    }

    fn add_troubles(&mut self, dice: &mut Dice, span: u64) {
        for _ in 0..dice.below(4) {
            let (at, slot) = (dice.below(span), dice.index(self.slots));
            self.agenda.push((at, Happens::Crash(slot)));
            let again = at + dice.between(1, 20_000);
            self.agenda.push((again, Happens::Start(slot)));
        }
        for _ in 0..dice.below(6) {
            let time = match dice.below(10) {
                0 => dice.millis(10_000, 40_000),
                1..=4 => dice.millis(1_000, 10_000),
                _ => dice.millis(50, 1_000),
            };
            let slot = dice.index(self.slots);
            self.agenda
                .push((dice.below(span), Happens::Cut(slot, time)));
        }
        for _ in 0..dice.below(3) {
            let (slot, time) = (dice.index(self.slots), dice.millis(500, 60_000));
            self.agenda
                .push((dice.below(span), Happens::NodeJumps(slot, time)));
        }
        if dice.chance(300) {
            let time = if dice.chance(500) {
                dice.millis(1_000, 30_000)
            } else {
                // Past the end of every call.
                Duration::from_secs(700)
            };
            self.steady = false;
            self.agenda
                .push((dice.below(span), Happens::DatabaseJumps(time)));
        }
    }
}

fn config(dice: &mut Dice, temper: Temper) -> LedgerConfig {
    let usual = LedgerConfig::default();
    // Impatient callers leave more often while their charge is on its way.
    if temper.may_fail() && dice.chance(600) {
        LedgerConfig {
            commit_wait: dice.millis(200, 2_000),
            outcome_wait: dice.millis(100, 1_000),
            ..usual
        }
    } else {
        usual
    }
}

fn rates(dice: &mut Dice, temper: Temper) -> Rates {
    let mut rates = Rates {
        latency: dice.between(0, 8),
        ..Rates::default()
    };
    if temper == Temper::Stormy {
        let mut rate = |most: u64| {
            if dice.chance(500) {
                dice.below(most)
            } else {
                0
            }
        };
        rates.refused = rate(80);
        rates.lost = rate(80);
        rates.vanished = rate(80);
        rates.twice = rate(80);
        rates.slow = rate(40);
        rates.locked = rate(300);
    }
    rates
}
