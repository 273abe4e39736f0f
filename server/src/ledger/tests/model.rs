//! Whatever the order of grants, top-ups, calls, refunds and ends of credit: every lot is what a count on paper says,
//! no more is promised than there is, and the books hold.
//!
//! Many wallets live side by side on one database, step by step, and so share commits as customers do; after each step
//! every wallet is compared with its paper. The paper knows lots and their published order; of leases it knows only that
//! they are somewhere between what calls hold and what the wallet has.

mod paper;

use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::*;

use self::paper::{Lot, Paper};
use super::Bank;
use crate::clock::Clock;
use crate::ledger::{Ledger, LedgerConfig, verify};

#[derive(Debug, Clone)]
enum Step {
    Grant(i64),
    Bonus {
        amount: i64,
        /// In so many steps from now.
        ends_in: Option<i64>,
    },
    TopUp {
        credit: i64,
        bonus: i64,
    },
    Take(i64),
    Refund {
        order: usize,
        credit: i64,
    },
    /// The provider answered: the money went, or it did not.
    Answered {
        refund: usize,
        went: bool,
    },
    Hold(i64),
    Grow {
        call: usize,
        by: i64,
    },
    Settle {
        call: usize,
        cost: i64,
    },
    Release {
        call: usize,
    },
}

const STEPS: usize = 60;
/// After so many steps, credit that has ended is looked for; after so many, the server starts anew.
const LOOK_EVERY: usize = 5;
const START_EVERY: usize = 20;

fn lives(wallets: usize) -> impl Strategy<Value = Vec<Vec<Step>>> {
    let which = || 0..8_usize;
    let step = prop_oneof![
        2 => (1..400_i64).prop_map(Step::Grant),
        2 => (1..300_i64, proptest::option::of(1..40_i64)).prop_map(|(amount, ends_in)| Step::Bonus { amount, ends_in }),
        2 => (1..500_i64, 0..60_i64).prop_map(|(credit, bonus)| Step::TopUp { credit, bonus }),
        1 => (1..300_i64).prop_map(Step::Take),
        2 => (which(), 1..400_i64).prop_map(|(order, credit)| Step::Refund { order, credit }),
        2 => (which(), any::<bool>()).prop_map(|(refund, went)| Step::Answered { refund, went }),
        6 => (1..500_i64).prop_map(Step::Hold),
        2 => (which(), 1..200_i64).prop_map(|(call, by)| Step::Grow { call, by }),
        6 => (which(), 1..600_i64).prop_map(|(call, cost)| Step::Settle { call, cost }),
        1 => which().prop_map(|call| Step::Release { call }),
    ];
    let life = proptest::collection::vec(step, STEPS);
    proptest::collection::vec(life, wallets)
}

/// A server that keeps its leases, used or not, until they are asked for.
fn server(bank: &Bank, clock: &Clock) -> Ledger {
    let config = LedgerConfig {
        idle_return: Duration::from_secs(3600),
        ..LedgerConfig::default()
    };
    let ledger = Ledger::new(bank.db.db.clone(), clock.clone(), config);
    ledger.start();
    ledger
}

async fn live(lives: Vec<Vec<Step>>) {
    let bank = Bank::open().await;
    // One millisecond a step.
    let clock = Clock::fixed(1_000_000);
    let mut ledger = server(&bank, &clock);
    let mut papers = Vec::new();
    for _ in &lives {
        papers.push(Paper::open(&bank).await);
    }
    for at in 0..STEPS {
        let now = clock.now_ms();
        let steps = papers.iter_mut().zip(&lives);
        join_all(steps.map(|(paper, life)| paper.step(&ledger, &life[at], now))).await;
        if (at + 1).is_multiple_of(LOOK_EVERY) {
            look(&ledger, &mut papers, now).await;
        }
        if (at + 1).is_multiple_of(START_EVERY) {
            papers.iter_mut().for_each(|paper| paper.calls.clear());
            ledger.shutdown().await;
            for paper in &papers {
                assert_eq!(paper.book().await.1, 0, "a lease outlived its server");
            }
            ledger = server(&bank, &clock);
        }
        join_all(papers.iter().map(Paper::agrees)).await;
        clock.advance(1);
    }
    // Nothing runs any more and nothing is leased, so what has ended goes, all of it.
    let now = clock.now_ms();
    look(&ledger, &mut papers, now).await;
    for paper in &papers {
        let ended = |lot: &&Lot| lot.ends.is_some_and(|ends| ends <= now);
        assert!(
            paper
                .lots
                .iter()
                .filter(ended)
                .all(|lot| lot.remaining == 0)
        );
    }
    ledger.shutdown().await;
    let report = verify(&bank.db).await.unwrap();
    // The books of top-ups alone: there are no rows of orders here, which I7 to I10 are about.
    let wrong: Vec<_> = report
        .checks
        .iter()
        .filter(|check| {
            !check.holds && !["I7", "I8", "I9", "I10", "I10b", "I10c"].contains(&check.id)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Ended credit is looked for, in all wallets at once.
async fn look(ledger: &Ledger, papers: &mut [Paper<'_>], now: i64) {
    let unleased = join_all(papers.iter().map(Paper::unleased)).await;
    ledger.expire_lots().await.unwrap();
    answered(papers).await;
    for (paper, unleased) in papers.iter_mut().zip(unleased) {
        paper.ended(now, unleased).await;
    }
}

/// Waits until the leases that ended credit was asked of have given back what they do not need.
async fn answered(papers: &[Paper<'_>]) {
    let Some(paper) = papers.first() else {
        return;
    };
    let sql =
        "SELECT count(*) AS n FROM lease WHERE recall = 1 AND state IN ('active', 'draining')";
    for _ in 0..1_000 {
        if paper.bank.number(sql).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("credit that was asked for did not come back within ten seconds");
}

fn on_a_runtime(lives: Vec<Vec<Step>>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(live(lives));
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        max_shrink_iters: 30,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(2))]

    /// Sixty-four lives of sixty steps.
    #[test]
    fn every_lot_is_what_paper_says(lives in lives(32)) {
        on_a_runtime(lives);
    }
}

proptest! {
    #![proptest_config(config(94))]

    /// Three thousand.
    #[test]
    #[ignore = "takes minutes: cargo test --release -p server -- --ignored every_lot_of_three_thousand"]
    fn every_lot_of_three_thousand_lives_is_what_paper_says(lives in lives(32)) {
        on_a_runtime(lives);
    }
}
