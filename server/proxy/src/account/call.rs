//! `GET /v1/usage/recent` and `GET /v1/calls/{id}`: which calls were made, and why did one cost what it cost?

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::formula::picos_to_usd;
use domain::ids::CallId;
use domain::{Bucket, Formula, Problem, Scope, Unit};
use serde::{Deserialize, Serialize};
use server::calls::{CallDetail, CallRow, Filter};

use super::{Money, malformed, moment, unreadable};
use crate::state::ProxyState;
use crate::{admit, refuse};

/// Calls of one answer when no number is named, and at most.
const LIMIT: u32 = 20;
const LIMIT_MAX: u32 = 100;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    limit: Option<String>,
    before: Option<String>,
}

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Entry>,
    /// Whether older calls follow after the last of these.
    has_more: bool,
}

/// One call.
#[derive(Serialize)]
struct Entry {
    object: &'static str,
    id: String,
    created_at: String,
    model: String,
    key_id: String,
    /// How it ended: `finished`, `upstream_failed`, `caller_gone` or `stopped`.
    status: String,
    http_status: i64,
    streamed: bool,
    tokens: Tokens,
    cost: Money,
    /// Served above what was set aside, and not charged.
    unbilled: Money,
    /// By which rule it was charged: `reported`, `estimated`, `nothing_delivered` or `test_key`.
    rule: String,
    /// Whether the tokens were counted here.
    estimated: bool,
    /// Whether something in the upstream's report was absurd, and was not taken as it stood.
    flagged: bool,
    price_version: String,
    first_token_ms: Option<i64>,
    duration_ms: i64,
}

#[derive(Serialize)]
struct Tokens {
    input: i64,
    cached_input: i64,
    output: i64,
    /// How many of `output`.
    reasoning: i64,
    /// The other buckets stand here where there is something in them.
    #[serde(flatten)]
    more: BTreeMap<&'static str, u64>,
}

fn tokens(call: &CallRow) -> Tokens {
    let usage = call.usage();
    let usual = |bucket: &Bucket| bucket.is_usual() || *bucket == Bucket::Reasoning;
    let others = Bucket::ALL
        .into_iter()
        .filter(|bucket| !usual(bucket) && *bucket != Bucket::Call)
        .map(|bucket| (bucket.id(), usage.count(bucket)))
        .filter(|(_, count)| *count > 0);
    Tokens {
        input: call.input_tokens,
        cached_input: call.cached_input_tokens,
        output: call.output_tokens,
        reasoning: call.reasoning_tokens,
        more: others.collect(),
    }
}

impl From<CallRow> for Entry {
    fn from(call: CallRow) -> Self {
        Self {
            object: "call",
            tokens: tokens(&call),
            id: call.id,
            created_at: moment(call.created_at),
            model: call.model,
            key_id: call.key_id,
            status: call.ending,
            http_status: call.status,
            streamed: call.streamed,
            cost: call.charge_nusd.into(),
            unbilled: call.unbilled_nusd.into(),
            rule: call.rule,
            estimated: call.estimated,
            flagged: call.flagged,
            price_version: call.price_version,
            first_token_ms: call.first_byte_ms,
            duration_ms: call.duration_ms,
        }
    }
}

/// One call with its formula and attempts.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    call: Entry,
    /// `None` when the price version is gone.
    formula: Option<Bill>,
    attempts: Vec<Attempt>,
}

#[derive(Serialize)]
struct Bill {
    parts: Vec<Part>,
    /// The parts together, exactly.
    sum_usd: String,
    /// The sum rounded up once to a whole nano-dollar.
    rounded: Money,
    /// Whether the rule charges this; otherwise nothing was charged.
    charged: bool,
}

/// One bucket: tokens times price, exactly; or uses, units or the call itself.
#[derive(Serialize)]
pub(crate) struct Part {
    bucket: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// Of what is not counted in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// `millisecond`, `character` or `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    usd_per_million: String,
    amount_usd: String,
}

#[derive(Serialize)]
struct Attempt {
    provider: String,
    outcome: String,
    http_status: Option<i64>,
    duration_ms: i64,
}

pub(crate) async fn recent(State(state): State<ProxyState>, parts: Parts) -> Response {
    match list(&state, &parts).await {
        Ok(list) => Json(list).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn list(state: &ProxyState, parts: &Parts) -> Result<List, Problem> {
    let (key, _reading) = admit::reading(state, parts, Scope::BillingRead).await?;
    let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri)
        .map_err(|_| malformed("the query is not well formed", "query"))?;
    let limit = match asked.limit.as_deref().map(str::parse::<u32>) {
        None => LIMIT,
        Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => limit,
        Some(_) => return Err(malformed("limit must be between 1 and 100", "limit")),
    };
    let filter = Filter {
        test: Some(key.test),
        ..Filter::default()
    };
    let before = match asked.before {
        None => None,
        Some(id) => Some(theirs(state, &key, &id).await?.0),
    };
    // One more than is told shows whether there are older ones.
    let rows = state.calls.page(key.workspace, &filter, before, limit + 1);
    let mut rows = rows.await.map_err(|error| unreadable(&error))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    Ok(List {
        object: "list",
        data: rows.into_iter().map(Entry::from).collect(),
        has_more,
    })
}

pub(crate) async fn one(
    State(state): State<ProxyState>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    match detail(&state, &id, &parts).await {
        Ok(detail) => Json(detail).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn detail(state: &ProxyState, id: &str, parts: &Parts) -> Result<Detail, Problem> {
    let (key, _reading) = admit::reading(state, parts, Scope::BillingRead).await?;
    let (_, mut found) = theirs(state, &key, id).await?;
    let attempts = std::mem::take(&mut found.call.attempts);
    Ok(Detail {
        formula: found.formula.map(|formula| bill(&formula, found.charges)),
        attempts: attempts
            .into_iter()
            .map(|attempt| Attempt {
                provider: attempt.upstream,
                outcome: attempt.outcome,
                http_status: attempt.status,
                duration_ms: attempt.duration_ms,
            })
            .collect(),
        call: found.call.into(),
    })
}

/// A call that this key may see; any other is not there, whoever's it is.
async fn theirs(
    state: &ProxyState,
    key: &server::keys::KeyRecord,
    id: &str,
) -> Result<(CallId, CallDetail), Problem> {
    let id: CallId = id.parse().map_err(|_| Problem::PathNotFound)?;
    let found = state.calls.one(key.workspace, id).await;
    found
        .map_err(|error| unreadable(&error))?
        .filter(|found| found.test == key.test)
        .map(|found| (id, found))
        .ok_or(Problem::PathNotFound)
}

/// The buckets of a bill.
pub(crate) fn parts(formula: &Formula) -> Vec<Part> {
    let parts = formula.parts.iter().map(|part| {
        let of_tokens = part.bucket.counts_tokens();
        let unit = formula.unit.filter(|_| part.bucket == Bucket::Units);
        Part {
            bucket: part.bucket.id(),
            tokens: of_tokens.then_some(part.count),
            count: (!of_tokens).then_some(part.count),
            unit: unit.map(Unit::id),
            usd_per_million: part.price.to_usd_string(),
            amount_usd: picos_to_usd(part.picos),
        }
    });
    parts.collect()
}

fn bill(formula: &Formula, charged: bool) -> Bill {
    Bill {
        parts: parts(formula),
        sum_usd: picos_to_usd(formula.picos),
        rounded: formula.charge.into(),
        charged,
    }
}
