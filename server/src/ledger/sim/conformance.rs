//! Is the simulated database like the real ones? The same scripts are asked of it and of SQLite and PostgreSQL, through the
//! same trait: every answer must be the same, and everything that is written afterwards.
//!
//! SQLite always runs. PostgreSQL runs where `TEST_POSTGRES_URL` names a server: `make unit` starts one.

mod ground;
mod scripts;

use std::sync::Arc;

use domain::Amount;
use domain::ids::{CallId, LeaseId, WorkspaceId};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::budgets::KeyHold;
use crate::calls::CallRecord;
use crate::clock::Moment;
use crate::ledger::flush::Flush;
use crate::ledger::item::{Item, Ticket};
use crate::ledger::store::{Asked, Asking, Failure, Held, Patience};
use crate::ledger::verify;
use crate::ledger::wallet::Lease;
use crate::testing::TestDb;

use self::ground::{Ground, Real, Simulated};
use self::scripts::{Script, Sending, Step};
use super::call::{call_id, record};

/// Call and workspace numbers of each script begin at a multiple of it.
const APART: usize = 1_000;

/// One of the two that are asked.
struct Side<G> {
    ground: G,
    /// Of the running script.
    first: usize,
    books: Vec<i64>,
    leases: Vec<(LeaseId, i64)>,
    calls: Vec<CallId>,
}

impl<G: Ground> Side<G> {
    fn new(ground: G) -> Self {
        Self {
            ground,
            first: 0,
            books: Vec::new(),
            leases: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// New wallets, and nothing on them.
    async fn begin(&mut self, number: usize, script: &Script) {
        self.first = number * APART;
        self.books.clear();
        self.leases.clear();
        self.calls.clear();
        for (at, lots) in script.wallets.iter().enumerate() {
            let book = self.ground.open(workspace(self.first + at)).await;
            self.books.push(book);
            for (kind, amount) in lots {
                self.ground.give(book, *kind, *amount).await;
            }
        }
    }

    /// Takes the step; answers in words, with numbers of this script instead of ids.
    async fn take(&mut self, step: &Step) -> String {
        let store = self.ground.store();
        match step {
            Step::Ask {
                node,
                wallet,
                more_on,
                need,
                want,
                attempt,
            } => {
                let asking = Asking {
                    node,
                    workspace: workspace(self.first + wallet),
                    existing: more_on.map(|lease| self.lease(lease).0),
                    need: Amount::from_nanos(*need),
                    want: Amount::from_nanos(*want),
                    attempt: *attempt,
                };
                let asked = store.ask(asking).await.unwrap();
                self.asked(asked)
            }
            Step::Beat(leases) => {
                let held: Vec<Held> = (leases.iter())
                    .map(|(lease, held)| self.held(*lease, *held))
                    .collect();
                format!("{:?}", store.beat(&held).await.unwrap())
            }
            Step::Recalled(node) => {
                let wanted = store.recalled(node).await.unwrap();
                let numbers =
                    (0..self.leases.len()).filter(|lease| wanted.contains(&self.leases[*lease].0));
                format!("{:?}", numbers.collect::<Vec<_>>())
            }
            Step::Shrink { lease, held, free } => {
                let held = self.held(*lease, *held);
                let free = Amount::from_nanos(*free);
                format!("{:?}", store.shrink(held, free).await.unwrap())
            }
            Step::Close(lease) => {
                let (lease, book) = self.lease(*lease);
                format!("{:?}", store.close(lease, book).await.unwrap())
            }
            Step::Reclaim { all_are_dead } => {
                format!("{:?}", store.reclaim(*all_are_dead).await.unwrap())
            }
            Step::Flush(sendings) => {
                let flushes: Vec<Flush> =
                    sendings.iter().map(|sending| self.flush(sending)).collect();
                let writing = store.begin().await.unwrap();
                match writing.flush(0, &flushes, Patience::Usual).await {
                    Ok(flushed) => format!("{flushed:?}"),
                    Err(failure) => refusal(&failure).into(),
                }
            }
            Step::Reverse(calls) => {
                let calls: Vec<CallId> = calls
                    .iter()
                    .map(|call| call_id(self.first + call))
                    .collect();
                let writing = store.begin().await.unwrap();
                format!("{:?}", writing.reverse(0, &calls).await.is_ok())
            }
            Step::Time(millis) => {
                self.ground.pass(*millis).await;
                String::new()
            }
        }
    }

    fn asked(&mut self, asked: Asked) -> String {
        let Asked::Granted {
            lease,
            book,
            amount,
        } = asked
        else {
            return format!("{asked:?}");
        };
        assert!(self.books.contains(&book), "granted on a stranger's book");
        let known = self.leases.iter().position(|(id, _)| *id == lease);
        let number = known.unwrap_or_else(|| {
            self.leases.push((lease, book));
            self.leases.len() - 1
        });
        format!("{amount:?} on lease {number}")
    }

    /// A lease of the script; beyond those, one that nobody was ever granted.
    fn lease(&self, number: usize) -> (LeaseId, i64) {
        let nobodys = LeaseId::from_uuid(Uuid::from_u128(u128::MAX - number as u128));
        (self.leases.get(number).copied()).unwrap_or((nobodys, self.books[0]))
    }

    fn held(&self, lease: usize, amount: i64) -> Held {
        let (lease, book) = self.lease(lease);
        Held {
            lease,
            book,
            amount: Amount::from_nanos(amount),
        }
    }

    fn flush(&mut self, sending: &Sending) -> Flush {
        let start = Moment::after(std::time::Duration::ZERO);
        let lease = sending.lease.map(|number| {
            let (id, book) = self.lease(number);
            Arc::new(Lease::new(id, book, Amount::ZERO, start, start))
        });
        let mut items = Vec::new();
        for (number, charge, unbilled) in &sending.calls {
            let record = self.record(*number, charge + unbilled);
            if !self.calls.contains(&record.id) {
                self.calls.push(record.id);
            }
            items.push(Item {
                of_key: KeyHold::unlimited().settle(record.cost),
                record,
                lease: lease.clone(),
                charge: Amount::from_nanos(*charge),
                unbilled: Amount::from_nanos(*unbilled),
                ticket: Ticket::default(),
                reply: oneshot::channel().0,
            });
        }
        let mut items = items.into_iter();
        let mut flush = Flush::new(items.next().unwrap());
        flush.items.extend(items);
        flush.number = sending.number;
        flush.hash = sending.content.to_owned();
        flush
    }

    fn record(&self, number: usize, cost: i64) -> CallRecord {
        let mut record = record(self.first + number, self.first, cost);
        record.price = self.ground.price();
        record.usage.output = u64::try_from(cost).unwrap();
        record
    }

    /// Everything that is written about the script's wallets.
    async fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for book in &self.books {
            state.push(self.ground.book(*book).await);
        }
        for (lease, _) in &self.leases {
            state.push(self.ground.lease(*lease).await);
        }
        for call in &self.calls {
            state.push(self.ground.call(*call).await);
        }
        state
    }
}

fn workspace(number: usize) -> WorkspaceId {
    super::call::workspace(number)
}

fn refusal(failure: &Failure) -> &'static str {
    use sea_orm::DbErr;
    match failure {
        Failure::NotCommitted(DbErr::Custom(_)) => "refused",
        Failure::NotCommitted(DbErr::RecordNotFound(_)) => "not found",
        Failure::NotCommitted(_) => "failed",
        Failure::Locked(_) => "locked",
        Failure::Unknown(_) => "unknown",
    }
}

/// Runs every script on both sides, step by step.
async fn compare(db: TestDb) {
    let real = Real::over(db).await;
    let simulated = Simulated::like(&real);
    let (mut real, mut simulated) = (Side::new(real), Side::new(simulated));
    for (number, script) in scripts::all().iter().enumerate() {
        real.begin(number, script).await;
        simulated.begin(number, script).await;
        // What a script leaves is taken back, so that the next begins with nothing.
        let end = Step::Reclaim { all_are_dead: true };
        for step in script.steps.iter().chain([&end]) {
            let (is, simulates) = (real.take(step).await, simulated.take(step).await);
            let name = script.name;
            assert_eq!(is, simulates, "{name}: the answer to {step:?}");
            let (is, simulates) = (real.state().await, simulated.state().await);
            assert_eq!(is, simulates, "{name}: what is written after {step:?}");
        }
    }
    assert_eq!(simulated.ground.broken(), Vec::<String>::new());
    // The scripts' paid credit has no order.
    let report = verify(real.ground.db()).await.unwrap();
    let broken = report.checks.iter().filter(|check| !check.holds);
    let broken: Vec<_> = broken.filter(|check| check.id != "I7").collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn sqlite_is_as_simulated() {
    compare(crate::testing::db().await).await;
}

#[tokio::test]
async fn postgres_is_as_simulated() {
    match crate::testing::postgres().await {
        Some(db) => compare(db).await,
        None => eprintln!("skipped: TEST_POSTGRES_URL is not set"),
    }
}

/// Scripts that happen to ask for nothing would agree as well.
#[tokio::test]
async fn the_scripts_see_every_kind_of_answer() {
    let mut side = Side::new(Simulated::alone());
    let mut answers = Vec::new();
    for (number, script) in scripts::all().iter().enumerate() {
        side.begin(number, script).await;
        for step in &script.steps {
            answers.push(side.take(step).await);
        }
        side.take(&Step::Reclaim { all_are_dead: true }).await;
    }
    for wanted in [
        "Insufficient",
        "Elsewhere",
        "LeaseLost",
        "on lease 1",
        "alive: true, recall: true",
        "alive: false",
        "Flushed { recall: true, renewed: true }",
        "Flushed { recall: false, renewed: true }",
        "renewed: false",
        "refused",
        "not found",
        "false",
        "[0]",
    ] {
        assert!(
            answers.iter().any(|answer| answer.contains(wanted)),
            "no script was answered {wanted:?}"
        );
    }
    let events = side.ground.events();
    let seen = [
        events.dup,
        events.late,
        events.partly,
        events.lost,
        events.reversed,
        events.shrunk,
        events.drained,
        events.reclaimed,
    ];
    assert!(seen.iter().all(|count| *count > 0), "{events:?}");
}
