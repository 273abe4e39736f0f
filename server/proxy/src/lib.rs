//! The metered data plane: what answers on `/v1`. Read [`serve`] first; it tells the story of a call.

mod account;
mod address;
mod admit;
mod at_once;
mod attempt;
mod body;
mod budget;
mod client;
mod codex;
mod config;
mod cors;
mod count;
mod desk;
mod errand;
mod estimate;
mod forward;
mod gauge;
mod gemini;
mod input_tokens;
mod limits;
mod media;
mod meter;
mod metrics;
mod models;
mod pinned;
mod plain;
mod prices;
mod pump;
mod rates;
mod refuse;
mod request_id;
mod serve;
mod settle;
mod socket;
mod state;
mod stored;
mod tokens;
mod trial;
mod voice;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodRouter, any, delete, get, post};
use domain::{Dialect, Problem};
use tower::ServiceExt;

use crate::pinned::Goal;
use crate::stored::Verb;

pub use address::is_api;
pub use admit::READINGS_AT_ONCE;
pub use budget::{PER_ATTACHMENT, PLAIN_UNSTATED, STEP, TOOL_USES};
pub use config::ProxyConfig;
pub use meter::{BELIEVED_BEYOND, BELIEVED_USES};
pub use metrics::Metrics;
pub use state::ProxyState;

/// Every address of the data plane; how they may be written, says [`address`].
pub fn router(state: ProxyState) -> Router {
    let router = endpoints()
        .into_iter()
        .fold(Router::new(), |router, (_, path, endpoint)| {
            router.route(&path, endpoint)
        });
    let router = router
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
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
        .with_state(state);
    Router::new().fallback(move |mut request: Request| {
        address::straighten(request.uri_mut());
        router.clone().oneshot(request)
    })
}

/// A method, the path below `/v1`, and what answers there.
type Endpoint = (&'static str, &'static str, MethodRouter<ProxyState>);

/// Everything that answers. What is new here must be in `openapi.json` too, which a test demands.
fn endpoints() -> Vec<(&'static str, String, MethodRouter<ProxyState>)> {
    let below_v1: Vec<Endpoint> = vec![
        ("post", "/chat/completions", converse(Dialect::Chat)),
        ("post", "/responses", converse(Dialect::Responses)),
        ("get", "/responses", get(socket::open)),
        ("get", "/responses/{id}", kept(Verb::Read)),
        ("delete", "/responses/{id}", kept(Verb::Delete)),
        ("post", "/responses/{id}/cancel", kept(Verb::Cancel)),
        ("get", "/responses/{id}/input_items", kept(Verb::Inputs)),
        (
            "post",
            "/responses/compact",
            reach(Dialect::Responses, Goal::Compact),
        ),
        (
            "post",
            "/responses/input_tokens",
            post(input_tokens::counted),
        ),
        ("post", "/messages", converse(Dialect::Messages)),
        ("post", "/messages/count_tokens", post(count::tokens)),
        ("post", "/messages/batches", any(count::batches)),
        ("get", "/messages/batches/{*id}", any(count::batches)),
        ("get", "/models", get(models::list)),
        ("get", "/models/{*id}", get(models::one)),
        ("get", "/prices", get(prices::list)),
        ("get", "/prices/{*id}", get(prices::one)),
        ("post", "/estimate", post(estimate::estimate)),
    ];
    below_v1
        .into_iter()
        .chain(account::endpoints())
        .map(|(method, path, endpoint)| (method, format!("/v1{path}"), endpoint))
        .chain(
            wire::media::Endpoint::ALL
                .map(|endpoint| ("post", format!("/v1/{}", endpoint.path()), other(endpoint))),
        )
        .chain([
            ("get", "/v1beta/models".to_owned(), get(models::list)),
            ("get", "/v1beta/models/{*id}".to_owned(), get(models::one)),
            (
                "post",
                "/v1beta/models/{*id}".to_owned(),
                post(gemini::answer),
            ),
        ])
        .collect()
}

/// Where calls come in that are no conversation.
fn other(endpoint: wire::media::Endpoint) -> MethodRouter<ProxyState> {
    post(move |state, call, request| media::answer(endpoint, state, call, request))
}

/// Where conversations of one dialect come in.
fn converse(dialect: Dialect) -> MethodRouter<ProxyState> {
    reach(dialect, Goal::Answer)
}

/// What may be done with a stored response.
fn kept(verb: Verb) -> MethodRouter<ProxyState> {
    let handle = move |state, id, request| stored::handle(verb, state, id, request);
    match verb {
        Verb::Read | Verb::Inputs => get(handle),
        Verb::Cancel => post(handle),
        Verb::Delete => delete(handle),
    }
}

fn reach(dialect: Dialect, goal: Goal) -> MethodRouter<ProxyState> {
    post(move |state, call, request| serve::converse(dialect, goal, state, call, request))
}

/// Method (in small letters) and path of every endpoint, as a description of the API names them: `/v1/models/{id}`.
#[must_use]
pub fn documented() -> Vec<(&'static str, String)> {
    endpoints()
        .into_iter()
        .map(|(method, path, _)| (method, path.replace("{*", "{")))
        .collect()
}

async fn unknown_path(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::PathNotFound)
}

async fn wrong_method(State(state): State<ProxyState>) -> Response {
    refuse::answer(&state, &Problem::MethodNotAllowed)
}
