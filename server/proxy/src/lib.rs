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
mod forward;
mod gauge;
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
mod voice;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use domain::{Dialect, Problem};

pub use admit::READINGS_AT_ONCE;
pub use budget::{PER_ATTACHMENT, PLAIN_UNSTATED, STEP};
pub use config::ProxyConfig;
pub use meter::BELIEVED_BEYOND;
pub use metrics::Metrics;
pub use state::ProxyState;

/// Every address of the data plane. Base URLs are accepted with a doubled `/v1`, which many clients produce.
pub fn router(state: ProxyState) -> Router {
    let endpoints = || {
        let router = endpoints()
            .into_iter()
            .fold(Router::new(), |router, (_, path, endpoint)| {
                router.route(path, endpoint)
            });
        router
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
    };
    Router::new()
        .nest("/v1/v1", endpoints())
        .nest("/v1", endpoints())
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            refuse::words,
        ))
        .layer(axum::middleware::from_fn_with_state(
            state.clone(),
            desk::stand,
        ))
        .layer(axum::middleware::from_fn(request_id::assign))
        .layer(axum::middleware::from_fn(cors::answer))
        .with_state(state)
}

/// A method, the path below `/v1`, and what answers there.
type Endpoint = (&'static str, &'static str, MethodRouter<ProxyState>);

/// Everything below `/v1`. What is new here must be in `openapi.json` too, which a test demands.
fn endpoints() -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> = vec![
        ("post", "/chat/completions", converse(Dialect::Chat)),
        ("get", "/models", get(models::list)),
        ("get", "/models/", get(models::list)),
        ("get", "/models/{*id}", get(models::one)),
        ("get", "/prices", get(prices::list)),
        ("get", "/prices/", get(prices::list)),
        ("get", "/prices/{*id}", get(prices::one)),
        ("post", "/estimate", post(estimate::estimate)),
    ];
    all.extend(account::endpoints());
    all
}

/// Where conversations of one dialect come in.
fn converse(dialect: Dialect) -> MethodRouter<ProxyState> {
    post(move |state, call, request| serve::converse(dialect, state, call, request))
}

/// Method (in small letters) and path of every endpoint, as a description of the API names them: `/v1/models/{id}`.
#[must_use]
pub fn documented() -> Vec<(&'static str, String)> {
    let named = |path: &str| format!("/v1{}", path.replace("{*", "{"));
    endpoints()
        .into_iter()
        // `/models/` is `/models` for clients that put a slash behind.
        .filter(|(_, path, _)| !path.ends_with('/'))
        .map(|(method, path, _)| (method, named(path)))
        .collect()
}

async fn unknown_path(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::PathNotFound)
}

async fn wrong_method(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::MethodNotAllowed)
}
