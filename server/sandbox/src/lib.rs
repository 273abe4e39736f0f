//! What do newcomers, test keys and our own tests call when there is no model provider? The sandbox upstream. (And who
//! takes their money? [`payments`].)
//!
//! An OpenAI-compatible provider stand-in over real HTTP: it computes its answers, counts tokens by a rule that
//! anyone can redo by hand (`count`), and has scripted models for what goes wrong at real providers (`models`).
//! It keeps nothing: no prompt is stored or logged, and what is counted (`stats`) are three numbers.

mod answer;
mod arithmetic;
mod chat;
mod count;
mod error;
mod models;
pub mod payments;
mod plain;
mod request;
mod script;
mod stats;
mod stream;
mod tools;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;

use crate::error::Problem;
use crate::stats::Stats;

/// The largest request body, in bytes: above Farebox's own 32 MiB, so that Farebox's limit is the one that is met.
pub const MAX_BODY_BYTES: usize = 40 * 1024 * 1024;

/// How long [`serve`] waits for running answers after its shutdown signal before it drops them.
pub const DRAIN: Duration = Duration::from_secs(5);

/// How a sandbox is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// When set, `Authorization: Bearer` must carry exactly this; otherwise anyone may call.
    pub api_key: Option<String>,
}

/// What every handler shares.
#[derive(Clone)]
struct Sandbox {
    api_key: Option<Arc<str>>,
    stats: Stats,
    /// Numbers requests and answers; only its uniqueness matters.
    serial: Arc<AtomicU64>,
}

impl Sandbox {
    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

/// The sandbox upstream on `listener` until `shutdown` resolves; see [`serve_router`].
///
/// # Errors
/// As [`serve_router`].
pub async fn serve(
    listener: tokio::net::TcpListener,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    serve_router(listener, router(options), shutdown).await
}

/// Answers on `listener` until `shutdown` resolves, then finishes what runs, for at most [`DRAIN`].
///
/// # Errors
/// What accepting connections can fail with; a failing connection never ends the server.
pub async fn serve_router(
    listener: tokio::net::TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    // Without TCP_NODELAY the kernel would hold small stream events back and every measurement would show it.
    // Where it can't be set the peer is gone already, and the connection's own read will say so.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let (draining, drained) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown.await;
        // Nobody listens any more when the server ended first, and then there is nothing to drain.
        draining.send(()).ok();
    });
    let too_long = async move {
        match drained.await {
            Ok(()) => tokio::time::sleep(DRAIN).await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = too_long => Ok(()),
    }
}

/// The sandbox as a router, for a caller with an accept loop of its own.
pub fn router(options: Options) -> Router {
    let sandbox = Sandbox {
        api_key: options.api_key.map(Arc::from),
        stats: Stats::default(),
        serial: Arc::default(),
    };
    Router::new()
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::one))
        .route("/v1/chat/completions", post(chat::complete))
        .route("/sandbox/stats", get(stats::show))
        .fallback(async || Problem::unknown_path())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(sandbox.clone(), gate))
        .with_state(sandbox)
}

/// Checks key and announced length, and names the answer with `x-request-id`, as providers do.
async fn gate(State(sandbox): State<Sandbox>, request: Request, next: Next) -> Response {
    let request_id = format!("req_sandbox_{}", sandbox.next_serial());
    let mut response = match refusal(&sandbox, &request) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    };
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// What can be told from the head alone; a body without a length is counted while it is read.
fn refusal(sandbox: &Sandbox, request: &Request) -> Option<Problem> {
    if request.uri().path().starts_with("/sandbox/") {
        return None;
    }
    if let Some(key) = &sandbox.api_key
        && bearer(request) != Some(key.as_ref())
    {
        return Some(Problem::wrong_key());
    }
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse::<usize>()
        .ok()?;
    (length > MAX_BODY_BYTES).then(Problem::body_too_large)
}

fn bearer(request: &Request) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}
