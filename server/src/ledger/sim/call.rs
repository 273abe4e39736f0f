//! What does one customer's call do, and what is its caller told?

use std::sync::Arc;
use std::time::Duration;

use domain::ids::{CallId, KeyId, PriceId, WorkspaceId};
use domain::{Amount, Ending, Rule, Usage};
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::calls::CallRecord;
use crate::ledger::hold::{Hold, HoldError};
use crate::ledger::node::Node;

use super::plan::{CallPlan, End};
use super::rows::State;
use super::run::Memo;
use super::world::Shared;

/// What a caller was told of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It still runs, or its node died.
    Running,
    /// It was refused, released or dropped.
    Nothing,
    Charged(i64),
    NotCommitted,
    /// The caller left while it was being settled; `begun` when nothing was left to wait for before.
    Left {
        begun: bool,
    },
}

/// One call of a customer.
pub(super) struct Call {
    pub(super) number: usize,
    pub(super) plan: CallPlan,
    /// There is money for everybody, and nothing goes wrong: it must be served.
    pub(super) rich: bool,
    /// The database's clock never jumps.
    pub(super) steady: bool,
    pub(super) by: usize,
    pub(super) node: Node,
    pub(super) world: Shared,
    pub(super) memo: Arc<Mutex<Memo>>,
}

impl Call {
    pub(super) async fn through(self) {
        self.told(Told::Running);
        let told = match self.hold().await {
            Some(hold) => self.serve(hold).await,
            None => Told::Nothing,
        };
        self.told(told);
    }

    fn told(&self, told: Told) {
        self.world.lock().note("told", &(self.number, told));
        self.memo.lock().told.insert(self.number, (self.by, told));
    }

    async fn hold(&self) -> Option<Hold> {
        let workspace = workspace(self.plan.wallet);
        let amount = Amount::from_nanos(self.plan.hold);
        let mut tries = if self.rich { 30 } else { 1 };
        loop {
            let held = timeout(self.plan.patience, self.node.hold(workspace, amount)).await;
            tries -= 1;
            let error = match held {
                Ok(Ok(hold)) => {
                    self.admitted(&hold);
                    return Some(hold);
                }
                // The caller left.
                Err(_) => return None,
                Ok(Err(error)) => error,
            };
            let may_pass = matches!(error, HoldError::Elsewhere | HoldError::Unavailable(_));
            if tries > 0 && may_pass {
                sleep(Duration::from_millis(50)).await;
            } else {
                if self.rich {
                    self.broken(&format!("was refused although there is money: {error:?}"));
                }
                return None;
            }
        }
    }

    async fn serve(&self, mut hold: Hold) -> Told {
        let half = self.plan.lasts / 2;
        sleep(half).await;
        if let Some(total) = self.plan.grows_to {
            // Whether it may or not, it is served on with what it has.
            let _ = hold.grow_to(Amount::from_nanos(total)).await;
        }
        sleep(half).await;
        let record = record(self.number, self.plan.wallet, self.plan.cost);
        let begun = record.cost <= hold.amount();
        let settled = match self.plan.end {
            End::Releases => {
                hold.release();
                return Told::Nothing;
            }
            End::Drops => {
                drop(hold);
                return Told::Nothing;
            }
            End::LeavesWhileSettling(after) => match timeout(after, hold.settle(record)).await {
                Ok(settled) => settled,
                Err(_) => return Told::Left { begun },
            },
            End::Settles => hold.settle(record).await,
        };
        settled.map_or(Told::NotCommitted, |charge| Told::Charged(charge.nanos()))
    }

    /// A node stops admitting calls before the database gives away what it leased, whatever is cut, lost or slow.
    fn admitted(&self, hold: &Hold) {
        let mut world = self.world.lock();
        let state = hold.lease().and_then(|id| Some(world.lease(id)?.state));
        drop(world);
        let seems_free = self.plan.hold == 0 && hold.lease().is_none();
        if self.steady && !seems_free && state != Some(State::Active) {
            self.broken(&format!("was admitted on a lease that is {state:?}"));
        }
    }

    fn broken(&self, what: &str) {
        let line = format!("call {} {what}", self.number);
        self.memo.lock().broken.push(line);
    }
}

pub(super) fn call_id(number: usize) -> CallId {
    CallId::from_uuid(Uuid::from_u128(number as u128 + 1))
}

pub(super) fn workspace(wallet: usize) -> WorkspaceId {
    WorkspaceId::from_uuid(Uuid::from_u128(wallet as u128 + 1))
}

pub(super) fn record(number: usize, wallet: usize, cost: i64) -> CallRecord {
    CallRecord {
        id: call_id(number),
        workspace: workspace(wallet),
        key: KeyId::from_uuid(Uuid::from_u128(1)),
        model: "m".into(),
        price: PriceId::from_uuid(Uuid::from_u128(1)),
        ending: Ending::Finished,
        rule: Rule::Reported,
        status: 200,
        streamed: false,
        usage: Usage::default(),
        cost: Amount::from_nanos(cost),
        first_byte_ms: None,
        duration_ms: 1,
        created_at: 0,
        attempts: Vec::new(),
    }
}
