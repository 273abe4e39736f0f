//! The metered data plane: what answers on `/v1`. Read [`serve`] first; it tells the story of a call.

mod account;
mod admit;
mod at_once;
mod attempt;
mod body;
mod budget;
mod client;
mod config;
mod cors;
mod desk;
mod estimate;
mod limits;
mod meter;
mod metrics;
mod models;
mod plain;
mod prices;
mod pump;
mod rates;
mod refuse;
mod request_id;
mod serve;
mod settle;
mod state;
mod tokens;
mod trial;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use domain::Problem;

pub use config::ProxyConfig;
pub use metrics::Metrics;
pub use state::ProxyState;

/// Every address of the data plane. Base URLs are accepted with a doubled `/v1`, which many clients produce.
pub fn router(state: ProxyState) -> Router {
    let endpoints = || {
        Router::new()
            .route("/chat/completions", post(serve::chat_completions))
            .route("/models", get(models::list))
            .route("/models/", get(models::list))
            .route("/models/{*id}", get(models::one))
            .route("/prices", get(prices::list))
            .route("/prices/", get(prices::list))
            .route("/prices/{*id}", get(prices::one))
            .route("/estimate", post(estimate::estimate))
            .merge(account::routes())
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
    };
    Router::new()
        .nest("/v1/v1", endpoints())
        .nest("/v1", endpoints())
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            desk::stand,
        ))
        .layer(axum::middleware::from_fn(request_id::assign))
        .layer(axum::middleware::from_fn(cors::answer))
        .with_state(state)
}

async fn unknown_path(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::PathNotFound)
}

async fn wrong_method(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::MethodNotAllowed)
}
