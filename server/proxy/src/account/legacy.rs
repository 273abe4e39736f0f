//! What do older clients ask about money? OpenAI's former `/dashboard/billing/*`, which chat clients still probe, and
//! OpenRouter's `/credits` and `/auth/key`. Read-only, about the key that asks, and told as plain dollars.
//!
//! Clients take the use off the limit to show what is left. So the limit is what the key has spent plus what it still
//! can spend, and the use is all that it ever spent, whatever days they name.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::period::Period;
use domain::{Amount, Problem, Scope};
use serde::Serialize;
use serde_json::value::RawValue;

use super::unreadable;
use crate::state::ProxyState;
use crate::{admit, refuse};

/// How the key stands.
struct Standing {
    name: String,
    /// Seconds since 1970 UTC.
    expires_at: Option<i64>,
    spent: Amount,
    /// What it still can spend: of the wallet, and of its own limit for all time. Nothing is told to a test key.
    left: Amount,
    /// Its own limit for all time.
    limit: Option<Amount>,
}

impl Standing {
    fn granted(&self) -> Amount {
        self.spent.plus(self.left).unwrap_or(Amount::MAX)
    }
}

#[derive(Serialize)]
struct Subscription {
    object: &'static str,
    has_payment_method: bool,
    soft_limit_usd: Box<RawValue>,
    hard_limit_usd: Box<RawValue>,
    system_hard_limit_usd: Box<RawValue>,
    /// Seconds since 1970 UTC; 0 for a key without an end.
    access_until: i64,
}

#[derive(Serialize)]
struct Usage {
    object: &'static str,
    /// US cents.
    total_usage: Box<RawValue>,
}

#[derive(Serialize)]
struct Grants {
    object: &'static str,
    total_granted: Box<RawValue>,
    total_used: Box<RawValue>,
    total_available: Box<RawValue>,
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct Credits {
    total_credits: Box<RawValue>,
    total_usage: Box<RawValue>,
}

#[derive(Serialize)]
struct AuthKey {
    label: String,
    usage: Box<RawValue>,
    limit: Option<Box<RawValue>>,
    limit_remaining: Option<Box<RawValue>>,
    is_free_tier: bool,
}

pub(crate) async fn subscription(State(state): State<ProxyState>, parts: Parts) -> Response {
    answer(&state, &parts, |key| Subscription {
        object: "billing_subscription",
        has_payment_method: true,
        soft_limit_usd: usd(key.granted()),
        hard_limit_usd: usd(key.granted()),
        system_hard_limit_usd: usd(key.granted()),
        access_until: key.expires_at.unwrap_or(0),
    })
    .await
}

pub(crate) async fn usage(State(state): State<ProxyState>, parts: Parts) -> Response {
    answer(&state, &parts, |key| Usage {
        object: "list",
        total_usage: usd(Amount::from_nanos(key.spent.nanos().saturating_mul(100))),
    })
    .await
}

pub(crate) async fn credit_grants(State(state): State<ProxyState>, parts: Parts) -> Response {
    answer(&state, &parts, |key| Grants {
        object: "credit_summary",
        total_granted: usd(key.granted()),
        total_used: usd(key.spent),
        total_available: usd(key.left),
    })
    .await
}

pub(crate) async fn credits(State(state): State<ProxyState>, parts: Parts) -> Response {
    answer(&state, &parts, |key| Data {
        data: Credits {
            total_credits: usd(key.granted()),
            total_usage: usd(key.spent),
        },
    })
    .await
}

pub(crate) async fn auth_key(State(state): State<ProxyState>, parts: Parts) -> Response {
    answer(&state, &parts, |key| Data {
        data: AuthKey {
            usage: usd(key.spent),
            limit: key.limit.map(usd),
            limit_remaining: key.limit.map(|limit| usd(limit.minus_or_zero(key.spent))),
            is_free_tier: false,
            label: key.name,
        },
    })
    .await
}

async fn answer<T: Serialize>(
    state: &ProxyState,
    parts: &Parts,
    write: impl FnOnce(Standing) -> T,
) -> Response {
    match standing(state, parts).await {
        Ok(standing) => Json(write(standing)).into_response(),
        Err(problem) => refuse::answer(state, &problem),
    }
}

async fn standing(state: &ProxyState, parts: &Parts) -> Result<Standing, Problem> {
    let (key, _reading) = admit::reading(state, parts, Scope::BillingRead).await?;
    let view = state.keys.get(key.workspace, key.id).await;
    let view = view
        .map_err(|error| unreadable(&error))?
        .ok_or(Problem::InvalidKey)?;
    let spent = state.budgets.spent(key.workspace, key.id).await;
    let spent = spent
        .map_err(|error| unreadable(&error))?
        .spent(Period::Total);
    let wallet = if key.test {
        Amount::ZERO
    } else {
        let balance = state.ledger.balance(key.workspace).await;
        let balance = balance.map_err(|error| unreadable(&error))?;
        balance.unwrap_or_default().available
    };
    let limit = view.limits.total;
    let left = limit.map_or(wallet, |limit| limit.minus_or_zero(spent).min(wallet));
    Ok(Standing {
        name: view.name,
        expires_at: view.expires_at.map(|at| at.div_euclid(1_000)),
        spent,
        // What a wallet owes is nothing that can be spent.
        left: left.max(Amount::ZERO),
        limit,
    })
}

/// A number of JSON with every digit.
fn usd(amount: Amount) -> Box<RawValue> {
    RawValue::from_string(amount.to_usd_string()).expect("a decimal number is JSON")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn money_is_a_number_with_every_digit() {
        for (nanos, text) in [
            (0, "0.00"),
            (4_993_000_001, "4.993000001"),
            (-1, "-0.000000001"),
        ] {
            let written = usd(Amount::from_nanos(nanos));
            assert_eq!(written.get(), text);
            serde_json::from_str::<serde_json::Number>(written.get()).unwrap();
        }
    }
}
