//! How do tests make things go wrong? `POST /control` with what shall: for one payment, or for those to come.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Provider;
use super::faults::Faults;
use super::problem::Problem;

#[derive(Deserialize)]
pub struct Setting {
    /// The payment's id; without one, payments to come.
    payment: Option<String>,
    /// The fields of [`Faults`]; what is not named is as it should be.
    #[serde(flatten)]
    faults: Map<String, Value>,
}

/// `GET /control`: what shall go wrong with payments to come.
pub async fn show(State(provider): State<Provider>) -> Json<Faults> {
    Json(provider.0.store.faults())
}

/// `POST /control`. Without the secret: whoever can reach us may play, and only this machine can.
pub async fn set(
    State(provider): State<Provider>,
    body: Result<Json<Setting>, JsonRejection>,
) -> Result<Json<Faults>, Problem> {
    let wrong = Problem::invalid("The body names no faults that exist.");
    let Json(setting) = body.map_err(|_| wrong)?;
    let faults: Faults =
        serde_json::from_value(Value::Object(setting.faults)).map_err(|_| wrong)?;
    provider
        .0
        .store
        .set_faults(setting.payment.as_deref(), faults)?;
    Ok(Json(faults))
}
