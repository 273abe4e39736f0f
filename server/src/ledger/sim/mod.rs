//! Does the money hold whatever goes wrong? A deterministic simulator: the production nodes, writers and keepers against a
//! simulated database, in simulated time.
//!
//! A seed decides everything: how many nodes and wallets there are, when which call comes, what it costs, which requests
//! are refused, lost, repeated or slow, which node is cut off, suspended or dies, and when the database's clock jumps.
//! The same seed is the same run. At the end of each, what callers were told is compared with what was charged.
//!
//! - `FAREBOX_SIM_RUNS=100000 cargo test --release --lib ledger::sim` is the longer mode: so many seeds, from 0.
//! - `FAREBOX_SIM_SEED=42 cargo test --release --lib ledger::sim` runs one; with `FAREBOX_SIM_LOG=1` and
//!   `-- --nocapture` it prints everything that reached the database.
//!
//! What the simulated database does is what SQLite and PostgreSQL do: [`conformance`] asks all three the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod call;
mod conformance;
mod dice;
mod faults;
mod flushes;
mod judge;
mod lending;
mod plan;
mod promises;
mod rows;
mod run;
mod store;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::run::{Outcome, run};
use self::world::{Events, Flaw};

/// As many as take some seconds.
const RUNS: u64 = 2_000;
/// A flaw must show within so many.
const RUNS_TO_NOTICE: u64 = 1_000;
const THREADS: u64 = 2;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("the variable is a number"))
}

/// A run, and if it goes wrong, how to see it again.
fn checked(seed: u64) -> Result<Outcome, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(seed, None)));
    let broken = match outcome {
        Ok(outcome) if outcome.broken.is_empty() => return Ok(outcome),
        Ok(outcome) => outcome.broken.join("\n  "),
        Err(_) => "it panicked".into(),
    };
    Err(format!(
        "seed {seed}:\n  {broken}\n  again: FAREBOX_SIM_SEED={seed} cargo test --release --lib ledger::sim -- --nocapture"
    ))
}

/// Every second seed.
fn some(first: u64, runs: u64) -> Result<Events, String> {
    let mut events = Events::default();
    for seed in (first..runs).step_by(THREADS as usize) {
        events.add(checked(seed)?.events);
    }
    Ok(events)
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        let (first, second) = (run(seed, None), run(seed, None));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.events, second.events, "seed {seed}");
    }
    assert_ne!(run(1, None).trace, run(2, None).trace);
}

#[test]
fn money_holds_whatever_goes_wrong() {
    if let Some(seed) = number("FAREBOX_SIM_SEED") {
        let outcome = checked(seed).unwrap_or_else(|broken| panic!("{broken}"));
        return eprintln!("seed {seed} holds: {:?}", outcome.events);
    }
    let runs = number("FAREBOX_SIM_RUNS").unwrap_or(RUNS);
    let results: Vec<Result<Events, String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|first| scope.spawn(move || some(first, runs)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut events = Events::default();
    for result in results {
        events.add(result.unwrap_or_else(|broken| panic!("{broken}")));
    }
    eprintln!("{runs} runs hold: {events:?}");
    if runs >= RUNS {
        // A simulator that never gets there proves nothing about it.
        let Events {
            dup,
            late,
            partly,
            lost,
            reversed,
            shrunk,
            drained,
            reclaimed,
        } = events;
        let seen = [
            dup, late, partly, lost, reversed, shrunk, drained, reclaimed,
        ];
        assert!(seen.iter().all(|count| *count > 0), "{events:?}");
    }
}

#[test]
fn a_database_that_errs_is_noticed() {
    for flaw in Flaw::ALL {
        let noticed = (0..RUNS_TO_NOTICE).find(|seed| !run(*seed, Some(flaw)).broken.is_empty());
        assert!(
            noticed.is_some(),
            "{flaw:?} passed {RUNS_TO_NOTICE} runs unnoticed"
        );
    }
}
