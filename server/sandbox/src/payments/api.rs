//! What does the shop ask? Payments to be made, what became of them, and money to go back.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{Lookup, Webhook};
use super::payment::Action;
use super::problem::Problem;
use super::store::Wanted;
use super::sum::Sum;
use super::{Provider, now};

/// The longest name that the shop may give, in bytes.
const REFERENCE_MAX: usize = 200;

/// Only who knows the secret comes in.
pub async fn gate(State(provider): State<Provider>, request: Request, next: Next) -> Response {
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if shown == Some(provider.0.secret.as_str()) {
        next.run(request).await
    } else {
        Problem::wrong_secret().into_response()
    }
}

#[derive(Deserialize)]
pub struct NewPayment {
    reference: String,
    amount: String,
    currency: String,
    return_url: String,
    webhook_url: String,
}

impl NewPayment {
    fn checked(self) -> Result<Wanted, Problem> {
        if self.reference.is_empty() || self.reference.len() > REFERENCE_MAX {
            return Err(Problem::invalid("The reference is missing or too long."));
        }
        let amount = Sum::read(&self.amount)
            .filter(|sum| !sum.is_none())
            .ok_or(Problem::invalid("The amount is no number such as 25.00."))?;
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Problem::invalid(
                "The currency is not three capital letters.",
            ));
        }
        if !on_this_machine(&self.return_url, &["http", "https"]) {
            return Err(Problem::invalid("return_url leads away from this machine."));
        }
        // A certificate of this machine is one that nobody vouches for.
        if !on_this_machine(&self.webhook_url, &["http"]) {
            return Err(Problem::invalid(
                "webhook_url is no http address of this machine.",
            ));
        }
        Ok(Wanted {
            reference: self.reference,
            amount,
            currency: self.currency,
            return_url: self.return_url,
            webhook_url: self.webhook_url,
        })
    }
}

/// A stand-in never sends anybody, or anything, elsewhere.
fn on_this_machine(url: &str, schemes: &[&str]) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    uri.scheme_str()
        .is_some_and(|scheme| schemes.contains(&scheme))
        && (bare == "localhost"
            || bare.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
}

/// `POST /payments`.
pub async fn create(
    State(provider): State<Provider>,
    headers: HeaderMap,
    body: Result<Json<NewPayment>, JsonRejection>,
) -> Result<Response, Problem> {
    let wanted = body.map_err(|_| not_json())?.0.checked()?;
    let key = idempotency_key(&headers)?;
    let (mut payment, new) = provider.0.store.create(key, wanted, now())?;
    if new && payment.faults.webhook == Webhook::Early {
        (payment, _) = provider
            .0
            .store
            .act(&payment.id, Action::Pay, super::now_ms())?;
        provider.0.sender.tell(&payment).await;
    }
    let base = base(&headers)?;
    let answer = json!({
        "id": payment.id,
        "url": format!("{base}/pay/{}", payment.id),
        "status": payment.status,
    });
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(answer)).into_response())
}

/// `GET /payments/{id}`.
pub async fn one(
    State(provider): State<Provider>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let faults = provider.0.store.find(&id)?.faults;
    match faults.lookup {
        Lookup::Normal => {}
        Lookup::Fails => return Err(Problem::on_purpose()),
        Lookup::Slow => tokio::time::sleep(Duration::from_millis(faults.slow_ms.into())).await,
    }
    // Read after the wait: what is told is true when it is told.
    Ok(Json(provider.0.store.find(&id)?.told()))
}

#[derive(Deserialize)]
pub struct Listed {
    day: String,
}

/// `GET /payments?day=2026-11-22`: what was made on that day of UTC, oldest first.
pub async fn list(State(provider): State<Provider>, Query(listed): Query<Listed>) -> Json<Value> {
    let made = provider
        .0
        .store
        .all(|payment| day_of(payment.created_at) == listed.day);
    let data: Vec<_> = made.iter().map(super::payment::Payment::told).collect();
    Json(json!({"data": data, "since": provider.0.since}))
}

/// The day of UTC, as `2026-11-22`.
fn day_of(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| time::OffsetDateTime::from_unix_timestamp(seconds).ok())
        .map_or_else(String::new, |at| at.date().to_string())
}

#[derive(Deserialize)]
pub struct NewRefund {
    reference: String,
    amount: String,
}

/// `POST /payments/{id}/refunds`.
pub async fn refund(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    body: Result<Json<NewRefund>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(wanted) = body.map_err(|_| not_json())?;
    let amount = Sum::read(&wanted.amount)
        .ok_or(Problem::invalid("The amount is no number such as 25.00."))?;
    if wanted.reference.is_empty() || wanted.reference.len() > REFERENCE_MAX {
        return Err(Problem::invalid("The reference is missing or too long."));
    }
    let refund = provider.0.store.refund(&id, &wanted.reference, amount)?;
    Ok(Json(json!({
        "id": refund.id,
        "reference": refund.reference,
        "amount": refund.amount.to_string(),
        "status": "succeeded",
    })))
}

const fn not_json() -> Problem {
    Problem::invalid("The body is not the JSON that this address takes.")
}

fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
    headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .filter(|key| !key.is_empty())
        .ok_or(Problem::invalid("An Idempotency-Key is missing."))
}

/// The address under which the shop reached us: the payer is on the same machine.
fn base(headers: &HeaderMap) -> Result<String, Problem> {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    host.map(|host| format!("http://{host}"))
        .ok_or(Problem::invalid("The Host is missing."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_told_and_visited() {
        for (url, http_only, both) in [
            ("http://127.0.0.1:8787/hooks/sandbox", true, true),
            ("http://[::1]:8787/x", true, true),
            ("https://farebox.localhost/x", false, true),
            ("http://localhost", true, true),
            ("http://localhost.example.com/x", false, false),
            ("http://10.0.0.1/x", false, false),
            ("//127.0.0.1/x", false, false),
            ("/x", false, false),
            ("", false, false),
        ] {
            assert_eq!(on_this_machine(url, &["http"]), http_only, "{url}");
            assert_eq!(on_this_machine(url, &["http", "https"]), both, "{url}");
        }
    }

    #[test]
    fn a_day_is_one_of_utc() {
        assert_eq!(day_of(0), "1970-01-01");
        assert_eq!(day_of(1_795_305_599), "2026-11-21");
        assert_eq!(day_of(1_795_305_600), "2026-11-22");
    }
}
