//! What is written about a call? Numbers and ids; never a word of prompt or answer.

use domain::ids::{CallId, KeyId, LeaseId, PriceId, UpstreamId, WorkspaceId};
use domain::views::UnixMs;
use domain::{Amount, Ending, Rule, Usage};
use sea_orm::{ConnectionTrait, DbErr, Value};

use super::counted;
use crate::db::insert_all;

/// One finished call, ready to be committed with its charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    pub id: CallId,
    pub workspace: WorkspaceId,
    pub key: KeyId,
    /// As the caller named it.
    pub model: String,
    pub price: PriceId,
    pub ending: Ending,
    pub rule: Rule,
    /// The HTTP status the caller got.
    pub status: u16,
    pub streamed: bool,
    pub usage: Usage,
    /// What `usage` costs under `rule` at `price`.
    pub cost: Amount,
    pub first_byte_ms: Option<i64>,
    pub duration_ms: i64,
    pub created_at: UnixMs,
    pub attempts: Vec<Attempt>,
}

/// One try at an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub upstream: UpstreamId,
    pub outcome: Outcome,
    pub status: Option<u16>,
    pub duration_ms: i64,
}

impl Attempt {
    /// The caller left before this upstream had answered.
    #[must_use]
    pub fn cancelled(upstream: UpstreamId, duration_ms: i64) -> Self {
        Self {
            upstream,
            outcome: Outcome::Cancelled,
            status: None,
            duration_ms,
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered, to the end.
    Answered,
    /// It could not be reached.
    Unreachable,
    /// It answered with an error status.
    Refused,
    /// It took too long.
    TimedOut,
    /// It broke off, or its answer was not of its dialect.
    Broken,
    /// The caller left, so it was cancelled.
    Cancelled,
}

impl Outcome {
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A record with what the flush decided about its money.
pub struct Booked<'a> {
    pub record: &'a CallRecord,
    pub charge: Amount,
    pub unbilled: Amount,
    /// The lease that paid, if one did.
    pub lease: Option<LeaseId>,
    /// The name of the movement that the charge is in.
    pub txn: Option<&'a str>,
}

pub(crate) const CALL_COLUMNS: usize = 16 + counted::COLUMNS.len();

/// What becomes of a call whose id is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// Nothing is written: no call is charged twice, or for another one.
    Refused,
    /// It stays as it is. For calls that moved no money, whose commit may be repeated.
    Kept,
}

/// Inserts many calls and their attempts, by a few statements.
///
/// # Errors
/// When the database refuses, also because a call is there already that must not be.
pub async fn insert<C: ConnectionTrait>(
    conn: &C,
    calls: &[Booked<'_>],
    repeated: Repeated,
) -> Result<(), DbErr> {
    // The attempts of a call are there if it is.
    let rest = match repeated {
        Repeated::Refused => ["", ""],
        Repeated::Kept => [
            "ON CONFLICT (id) DO NOTHING",
            "ON CONFLICT (call_id, seq) DO NOTHING",
        ],
    };
    insert_all(conn, &into_calls(), call_rows(calls), rest[0]).await?;
    insert_all(conn, INTO_ATTEMPTS, attempt_rows(calls), rest[1])
        .await
        .map(|_| ())
}

/// Table and columns of [`call_rows`].
pub(crate) fn into_calls() -> String {
    format!(
        "call (id, workspace_id, key_id, lease_id, txn_id, model, price_id, ending, rule, http_status, streamed,
            charge_nusd, unbilled_nusd, first_byte_ms, duration_ms, created_at, {})",
        counted::COLUMNS.join(", ")
    )
}

/// Table and columns of [`attempt_rows`].
pub(crate) const INTO_ATTEMPTS: &str =
    "attempt (call_id, seq, upstream_id, outcome, status, duration_ms)";

pub(crate) fn call_rows(calls: &[Booked<'_>]) -> Vec<[Value; CALL_COLUMNS]> {
    calls.iter().map(call_values).collect()
}

pub(crate) fn attempt_rows(calls: &[Booked<'_>]) -> Vec<[Value; 6]> {
    calls.iter().flat_map(attempt_values).collect()
}

fn call_values(call: &Booked<'_>) -> [Value; CALL_COLUMNS] {
    let record = call.record;
    let first: [Value; 16] = [
        record.id.to_string().into(),
        record.workspace.to_string().into(),
        record.key.to_string().into(),
        call.lease.map(|lease| lease.to_string()).into(),
        call.txn.map(str::to_owned).into(),
        record.model.clone().into(),
        record.price.to_string().into(),
        record.ending.id().into(),
        record.rule.id().into(),
        i64::from(record.status).into(),
        i64::from(record.streamed).into(),
        call.charge.nanos().into(),
        call.unbilled.nanos().into(),
        record.first_byte_ms.into(),
        record.duration_ms.into(),
        record.created_at.into(),
    ];
    let mut values = first.into_iter().chain(counted::values(&record.usage));
    std::array::from_fn(|_| values.next().expect("there is a value for every column"))
}

fn attempt_values(call: &Booked<'_>) -> impl Iterator<Item = [Value; 6]> {
    let record = call.record;
    record.attempts.iter().enumerate().map(|(seq, attempt)| {
        [
            record.id.to_string().into(),
            i64::try_from(seq).unwrap_or(i64::MAX).into(),
            attempt.upstream.to_string().into(),
            attempt.outcome.id().into(),
            attempt.status.map(i64::from).into(),
            attempt.duration_ms.into(),
        ]
    })
}
