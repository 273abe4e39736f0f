//! `GET /v1/key`: which key is this, what may it do, and how much of that is left?

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::ids::{KeyId, WorkspaceId};
use domain::period::{KeySpend, Period};
use domain::views::{KeyStatus, KeyView};
use domain::{Amount, Problem, Scope};
use serde::Serialize;

use super::{Money, moment, unreadable};
use crate::rates::Rate;
use crate::state::ProxyState;
use crate::{admit, refuse};

#[derive(Serialize)]
struct Answer {
    object: &'static str,
    id: KeyId,
    name: String,
    masked: String,
    /// `live` or `test`.
    mode: &'static str,
    status: KeyStatus,
    created_at: String,
    expires_at: Option<String>,
    scopes: Vec<&'static str>,
    /// Empty means all.
    models: Vec<String>,
    /// Empty means anywhere.
    ip_ranges: Vec<String>,
    spend: Spend,
    rate_limits: RateLimits,
    workspace: Workspace,
}

#[derive(Serialize)]
struct Spend {
    day: Standing,
    week: Standing,
    month: Standing,
    total: Standing,
}

/// How one spend limit stands.
#[derive(Serialize)]
struct Standing {
    limit: Option<Money>,
    spent: Money,
    remaining: Option<Money>,
    resets_at: Option<String>,
}

#[derive(Serialize)]
struct RateLimits {
    requests_per_minute: Option<PerMinute>,
    tokens_per_minute: Option<PerMinute>,
    concurrency: Option<u32>,
}

#[derive(Serialize)]
struct PerMinute {
    limit: u32,
    remaining: u64,
}

#[derive(Serialize)]
struct Workspace {
    id: WorkspaceId,
    /// Not told to test keys: they spend nothing, and are shared more freely.
    balance: Option<Balance>,
}

#[derive(Serialize)]
struct Balance {
    available: Money,
    reserved: Money,
    posted: Money,
}

pub(crate) async fn key(State(state): State<ProxyState>, parts: Parts) -> Response {
    match answer(&state, &parts).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(state: &ProxyState, parts: &Parts) -> Result<Answer, Problem> {
    let (key, _reading) = admit::reading(state, parts, Scope::BillingRead).await?;
    let view = state.keys.get(key.workspace, key.id).await;
    let view = view
        .map_err(|error| unreadable(&error))?
        .ok_or(Problem::InvalidKey)?;
    let spent = state.budgets.spent(key.workspace, key.id).await;
    let spent = spent.map_err(|error| unreadable(&error))?;
    let balance = if key.test {
        None
    } else {
        let balance = state.ledger.balance(key.workspace).await;
        let balance = balance
            .map_err(|error| unreadable(&error))?
            .unwrap_or_default();
        Some(Balance {
            available: balance.available.into(),
            reserved: balance.reserved.into(),
            posted: balance.posted.into(),
        })
    };
    let (requests, tokens) = state.rates.of(&key).unwrap_or_default();
    let workspace = Workspace {
        id: key.workspace,
        balance,
    };
    Ok(described(view, &spent, [requests, tokens], workspace))
}

fn described(
    view: KeyView,
    spent: &KeySpend,
    [requests, tokens]: [Option<Rate>; 2],
    workspace: Workspace,
) -> Answer {
    let limits = view.limits;
    let standing = |period: Period, limit: Option<Amount>| {
        let so_far = spent.spent(period);
        Standing {
            limit: limit.map(Money::from),
            spent: so_far.into(),
            remaining: limit.map(|limit| limit.minus_or_zero(so_far).into()),
            resets_at: spent.resets_at(period).map(moment),
        }
    };
    let per_minute = |rate: Rate| PerMinute {
        limit: rate.limit,
        remaining: rate.standing.remaining,
    };
    Answer {
        object: "key",
        id: view.id,
        name: view.name,
        masked: view.masked,
        mode: if view.test { "test" } else { "live" },
        status: view.status,
        created_at: moment(view.created_at),
        expires_at: view.expires_at.map(moment),
        scopes: limits.scopes.iter().map(Scope::id).collect(),
        spend: Spend {
            day: standing(Period::Day, limits.day),
            week: standing(Period::Week, limits.week),
            month: standing(Period::Month, limits.month),
            total: standing(Period::Total, limits.total),
        },
        rate_limits: RateLimits {
            requests_per_minute: requests.map(per_minute),
            tokens_per_minute: tokens.map(per_minute),
            concurrency: limits.concurrency,
        },
        models: limits.models,
        ip_ranges: limits.ip_ranges,
        workspace,
    }
}
