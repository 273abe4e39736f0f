//! What is asked of both? Small stories of wallets, leases, flushes and reversals.

use crate::ledger::store::Attempt;

/// A portion of credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Adjustment,
    /// Expires: it is spent first.
    Bonus,
    /// Is spent last.
    Paid,
}

/// Wallets, leases and calls have numbers of the script's own; leases in the order in which they were granted.
#[derive(Debug)]
pub(super) enum Step {
    Ask {
        node: &'static str,
        wallet: usize,
        more_on: Option<usize>,
        need: i64,
        want: i64,
        attempt: Attempt,
    },
    /// Leases and what is held of them.
    Beat(Vec<(usize, i64)>),
    Recalled(&'static str),
    Shrink {
        lease: usize,
        held: i64,
        free: i64,
    },
    Close(usize),
    Reclaim {
        all_are_dead: bool,
    },
    Flush(Vec<Sending>),
    Reverse(Vec<usize>),
    /// So many milliseconds pass for every lease; less than zero makes them as fresh.
    Time(i64),
}

#[derive(Debug)]
pub(super) struct Sending {
    pub(super) lease: Option<usize>,
    pub(super) number: i64,
    /// Stands for the hash of it.
    pub(super) content: &'static str,
    /// Call, charge, unbilled.
    pub(super) calls: Vec<(usize, i64, i64)>,
}

pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) wallets: Vec<Vec<(Kind, i64)>>,
    pub(super) steps: Vec<Step>,
}

/// Past the life of a lease, and not of its calls.
const EXPIRED: Step = Step::Time(20_000);
/// Past the end of every call.
const OVER: Step = Step::Time(700_000);
const RECLAIM: Step = Step::Reclaim {
    all_are_dead: false,
};

fn ask(node: &'static str, wallet: usize, need: i64, want: i64) -> Step {
    Step::Ask {
        node,
        wallet,
        more_on: None,
        need,
        want,
        attempt: Attempt::First,
    }
}

/// A new lease of the first wallet, which was asked for before.
fn again(node: &'static str, need: i64) -> Step {
    Step::Ask {
        node,
        wallet: 0,
        more_on: None,
        need,
        want: need,
        attempt: Attempt::Again,
    }
}

/// The same when there is no time for another question.
fn at_last(node: &'static str, need: i64) -> Step {
    Step::Ask {
        node,
        wallet: 0,
        more_on: None,
        need,
        want: need,
        attempt: Attempt::Last,
    }
}

fn more(node: &'static str, lease: usize, need: i64, want: i64) -> Step {
    Step::Ask {
        node,
        wallet: 0,
        more_on: Some(lease),
        need,
        want,
        attempt: Attempt::First,
    }
}

fn sending(
    lease: usize,
    number: i64,
    content: &'static str,
    calls: &[(usize, i64, i64)],
) -> Sending {
    Sending {
        lease: Some(lease),
        number,
        content,
        calls: calls.to_vec(),
    }
}

fn flush(lease: usize, number: i64, content: &'static str, calls: &[(usize, i64, i64)]) -> Step {
    Step::Flush(vec![sending(lease, number, content, calls)])
}

/// Calls without a lease.
fn losses(calls: &[(usize, i64, i64)]) -> Sending {
    Sending {
        lease: None,
        number: 0,
        content: "",
        calls: calls.to_vec(),
    }
}

fn lost(calls: &[(usize, i64, i64)]) -> Step {
    Step::Flush(vec![losses(calls)])
}

fn shrink(lease: usize, held: i64, free: i64) -> Step {
    Step::Shrink { lease, held, free }
}

pub(super) fn all() -> Vec<Script> {
    let plain = || vec![vec![(Kind::Adjustment, 1_000)]];
    vec![
        Script {
            name: "credit is taken, enlarged, wanted by another and given back",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 10, 100),
                more("a", 0, 50, 400),
                more("a", 0, 2_000, 4_000),
                ask("b", 0, 900, 900),
                Step::Recalled("a"),
                Step::Recalled("b"),
                Step::Beat(vec![(0, 100)]),
                shrink(0, 100, 300),
                Step::Recalled("a"),
                ask("b", 0, 500, 500),
                // More than is left of it: nothing goes back.
                shrink(0, 100, 5_000),
                Step::Beat(vec![(1, 7), (0, 100), (9, 1)]),
                Step::Close(0),
                Step::Close(0),
                more("a", 0, 1, 1),
                Step::Beat(vec![(0, 5), (1, 0)]),
                shrink(0, 0, 1),
                shrink(9, 0, 1),
                Step::Close(1),
                Step::Close(9),
            ],
        },
        Script {
            name: "nothing comes from nothing",
            wallets: vec![vec![]],
            steps: vec![
                ask("a", 0, 1, 10),
                // Nobody's wallet.
                ask("a", 7, 1, 10),
                ask("a", 0, 0, 0),
                more("a", 9, 1, 1),
                Step::Beat(vec![]),
                Step::Reverse(vec![1]),
                RECLAIM,
            ],
        },
        Script {
            name: "what is held is believed when it was said after the question",
            wallets: vec![vec![(Kind::Adjustment, 100)]],
            steps: vec![
                ask("a", 0, 100, 100),
                Step::Beat(vec![(0, 100)]),
                ask("b", 0, 50, 50),
                Step::Recalled("a"),
                again("b", 50),
                shrink(0, 100, 0),
                again("b", 50),
                ask("b", 0, 50, 50),
                shrink(0, 60, 0),
                again("b", 90),
                at_last("b", 90),
                again("b", 101),
                at_last("b", 101),
                shrink(0, 60, 40),
                again("b", 101),
                more("a", 0, 50, 50),
                more("a", 0, 101, 101),
                // Less than it says may be held of the other by now, so it is asked once.
                Step::Beat(vec![(0, 60)]),
                ask("b", 0, 101, 101),
                Step::Recalled("a"),
                shrink(0, 0, 0),
                again("b", 101),
                at_last("b", 101),
            ],
        },
        Script {
            name: "a flush is written once, whatever is sent again",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 500),
                flush(0, 1, "one", &[(1, 60, 0), (2, 40, 10)]),
                flush(0, 1, "one", &[(1, 60, 0), (2, 40, 10)]),
                flush(0, 1, "another", &[(1, 61, 0)]),
                // Numbers may be left out; what is older is a repetition.
                flush(0, 3, "three", &[(3, 5, 0)]),
                flush(0, 2, "two", &[(4, 5, 0)]),
                ask("b", 0, 700, 700),
                flush(0, 4, "four", &[(5, 1, 0), (6, 0, 0), (7, 0, 9)]),
                // A call is settled once, whatever the flush is called.
                flush(0, 5, "five", &[(8, 1, 0), (1, 60, 0)]),
                flush(9, 1, "nobody's", &[(9, 1, 0)]),
            ],
        },
        Script {
            name: "a loss that no lease knows of is written once",
            wallets: plain(),
            steps: vec![
                lost(&[(1, 0, 60), (2, 0, 0)]),
                lost(&[(1, 0, 60), (2, 0, 0)]),
                lost(&[(3, 0, 5), (1, 0, 60)]),
                lost(&[(4, 0, 0)]),
                lost(&[(4, 0, 0)]),
                ask("a", 0, 100, 500),
                Step::Flush(vec![
                    sending(0, 1, "one", &[(5, 30, 0)]),
                    losses(&[(6, 0, 7)]),
                    losses(&[(7, 0, 8)]),
                ]),
                // Nothing was charged for it.
                Step::Reverse(vec![1]),
            ],
        },
        Script {
            name: "more than the lease has comes from the wallet, and more than that is lost",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 200),
                flush(0, 1, "one", &[(1, 350, 0)]),
                // The second does not fit, the third does.
                flush(0, 2, "two", &[(2, 100, 0), (3, 900, 20), (4, 50, 0)]),
                more("a", 0, 1, 10),
                Step::Close(0),
            ],
        },
        Script {
            name: "a lease that was taken back does not pay: the wallet does, as far as it can",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 400),
                flush(0, 1, "one", &[(1, 30, 0)]),
                OVER,
                RECLAIM,
                RECLAIM,
                flush(0, 1, "one", &[(1, 30, 0)]),
                flush(0, 2, "two", &[(2, 50, 0)]),
                flush(0, 2, "two", &[(2, 50, 0)]),
                flush(0, 3, "three", &[(3, 2_000, 5), (4, 20, 0)]),
                flush(0, 4, "four", &[(5, 0, 6)]),
                Step::Close(0),
                ask("a", 0, 900, 900),
            ],
        },
        Script {
            name: "a lease that is over keeps what its calls hold",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 400),
                Step::Beat(vec![(0, 120)]),
                RECLAIM,
                EXPIRED,
                RECLAIM,
                RECLAIM,
                Step::Beat(vec![(0, 100)]),
                more("a", 0, 1, 1),
                shrink(0, 10, 10),
                flush(0, 1, "one", &[(1, 100, 0), (2, 50, 0)]),
                OVER,
                RECLAIM,
                flush(0, 2, "two", &[(3, 1, 0)]),
            ],
        },
        Script {
            name: "a flush is a heartbeat, but on a lease that was taken back, or sent again",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 100),
                Step::Beat(vec![(0, 50)]),
                Step::Time(10_000),
                flush(0, 1, "one", &[(1, 10, 0)]),
                Step::Time(10_000),
                // As it was told before the flush.
                RECLAIM,
                flush(0, 1, "one", &[(1, 10, 0)]),
                Step::Time(10_000),
                RECLAIM,
                flush(0, 2, "two", &[(2, 10, 0)]),
                // What its calls held is for as long as it would have been.
                Step::Time(640_000),
                RECLAIM,
                flush(0, 3, "three", &[(3, 10, 0)]),
            ],
        },
        Script {
            name: "what is held beyond the lease is all of the lease",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 100, 400),
                flush(0, 1, "one", &[(1, 300, 0)]),
                Step::Beat(vec![(0, 350)]),
                EXPIRED,
                RECLAIM,
                flush(0, 2, "two", &[(2, 100, 0)]),
                Step::Close(0),
            ],
        },
        Script {
            name: "a recalled lease that is over is still asked for",
            wallets: plain(),
            steps: vec![
                ask("a", 0, 400, 400),
                ask("b", 0, 700, 700),
                Step::Beat(vec![(0, 10)]),
                EXPIRED,
                RECLAIM,
                Step::Recalled("a"),
                ask("b", 0, 995, 995),
                Step::Close(0),
                Step::Recalled("a"),
            ],
        },
        Script {
            name: "all are dead",
            wallets: vec![
                vec![(Kind::Adjustment, 1_000)],
                vec![(Kind::Adjustment, 50)],
            ],
            steps: vec![
                ask("a", 0, 100, 200),
                ask("b", 0, 100, 200),
                ask("b", 1, 50, 50),
                Step::Beat(vec![(0, 150), (2, 50)]),
                Step::Reclaim { all_are_dead: true },
                Step::Reclaim { all_are_dead: true },
                // Both are late, in one batch, and there is money for the first only.
                Step::Flush(vec![
                    sending(0, 1, "one", &[(1, 600, 0)]),
                    sending(1, 1, "one", &[(2, 600, 0)]),
                ]),
            ],
        },
        Script {
            name: "charges go back into the lots they came from",
            wallets: vec![vec![
                (Kind::Paid, 100),
                (Kind::Bonus, 30),
                (Kind::Adjustment, 50),
            ]],
            steps: vec![
                ask("a", 0, 180, 180),
                flush(
                    0,
                    1,
                    "one",
                    &[(1, 20, 0), (2, 50, 0), (3, 60, 4), (4, 0, 7)],
                ),
                Step::Reverse(vec![2]),
                Step::Reverse(vec![2]),
                Step::Reverse(vec![4, 99]),
                flush(0, 2, "two", &[(5, 30, 0)]),
                Step::Reverse(vec![3, 1]),
                Step::Reverse(vec![5, 1]),
                Step::Close(0),
                ask("a", 0, 180, 180),
            ],
        },
        Script {
            name: "many flushes of many leases in one batch",
            wallets: vec![
                vec![(Kind::Adjustment, 1_000)],
                vec![
                    (Kind::Adjustment, 100),
                    (Kind::Paid, 100),
                    (Kind::Bonus, 100),
                ],
            ],
            steps: vec![
                ask("a", 0, 100, 200),
                ask("b", 0, 100, 100),
                ask("a", 1, 150, 150),
                batch(),
                batch(),
                Step::Flush(vec![
                    sending(2, 2, "two", &[(8, 40, 0)]),
                    sending(0, 1, "one", &[(1, 20, 0), (2, 30, 0)]),
                    // More than this lease has; the wallet has it.
                    sending(1, 2, "two", &[(9, 300, 0)]),
                ]),
                // One of them is wrong: nothing of any is written.
                Step::Flush(vec![
                    sending(0, 2, "two", &[(10, 1, 0)]),
                    sending(1, 2, "another", &[(11, 1, 0)]),
                ]),
                Step::Reverse(vec![8, 2, 9]),
                Step::Close(0),
                Step::Close(1),
                Step::Close(2),
            ],
        },
    ]
}

fn batch() -> Step {
    Step::Flush(vec![
        sending(0, 1, "one", &[(1, 20, 0), (2, 30, 0)]),
        sending(2, 1, "one", &[(3, 110, 0), (4, 10, 5)]),
        Sending {
            lease: None,
            number: 0,
            content: "free",
            calls: vec![(5, 0, 0), (6, 0, 0)],
        },
        sending(1, 1, "one", &[(7, 100, 0)]),
    ])
}
