//! How is a caller told that something went wrong? In the envelope of the dialect, so that each SDK raises its proper
//! class; with a code, a sentence, what to do, and the request's id.
//!
//! An endpoint says only which problem it was ([`answer`]); the words are written on the way out ([`words`]), where it is
//! known who asked in which dialect.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::Next;
use bytes::Bytes;
use domain::Problem;
use domain::ids::CallId;
use wire::error::{Fault, Said};
use wire::relay::Relay;

use crate::desk::{Card, Refusal};
use crate::metrics::ProblemLabels;
use crate::state::ProxyState;
use crate::voice::Voice;

/// A problem on its way out, to be put into words.
#[derive(Clone)]
struct Unsaid(Problem);

/// The answer to a request that failed before anything was sent. Its words are added by [`words`].
pub(crate) fn answer(state: &ProxyState, problem: &Problem) -> Response<Body> {
    count(state, problem);
    let mut response = Response::new(Body::empty());
    if let Some(refusal) = Refusal::of(problem) {
        response.extensions_mut().insert(refusal);
    }
    response.extensions_mut().insert(Unsaid(problem.clone()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// Writes what went wrong into an answer that [`answer`] began.
pub(crate) async fn words(
    State(state): State<ProxyState>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let id = request.extensions().get::<CallId>().copied();
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let voice = Voice::of_path(request.uri().path(), request.headers(), id);
    let card = request.extensions().get::<Card>().cloned();
    let mut response = next.run(request).await;
    let Some(Unsaid(problem)) = response.extensions_mut().remove::<Unsaid>() else {
        return response;
    };
    let voice = match card.as_ref().and_then(Card::key) {
        Some(key) => voice.to(key, &state.texts),
        None => voice,
    };
    put(&state, &mut response, &voice, &problem);
    response
}

fn put(state: &ProxyState, response: &mut Response<Body>, voice: &Voice, problem: &Problem) {
    let fault = voice.fault(&state.texts, &state.config.site_url, problem);
    *response.body_mut() = Body::from(fault.json(voice.dialect));
    *response.status_mut() =
        StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = problem.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if let Some(retry) = problem.should_retry() {
        headers.insert(
            "x-should-retry",
            HeaderValue::from_static(if retry { "true" } else { "false" }),
        );
    }
}

/// The event that ends a stream which cannot end well, when nothing of the answer has begun. SDKs raise it as an error.
pub(crate) fn first_event(state: &ProxyState, voice: &Voice, problem: &Problem) -> Bytes {
    count(state, problem);
    let fault = voice.fault(&state.texts, &state.config.site_url, problem);
    wire::relay::first_fault(voice.dialect, &fault)
}

/// The same in the middle of an answer. Nothing follows it.
pub(crate) fn event(
    state: &ProxyState,
    voice: &Voice,
    relay: &mut dyn Relay,
    problem: &Problem,
) -> Bytes {
    count(state, problem);
    relay.fail(&voice.fault(&state.texts, &state.config.site_url, problem))
}

/// A problem as a message of a WebSocket.
pub(crate) fn frame(
    state: &ProxyState,
    voice: &Voice,
    problem: &Problem,
    lane: Option<&str>,
) -> String {
    count(state, problem);
    let fault = voice.fault(&state.texts, &state.config.site_url, problem);
    let mut headers = Vec::new();
    if let Some(wait) = problem.retry_after() {
        headers.push((RETRY_AFTER.as_str(), wait.as_secs().max(1).to_string()));
    }
    if let Some(retry) = problem.should_retry() {
        headers.push(("x-should-retry", retry.to_string()));
    }
    wire::conversation::error_frame(&fault, lane, &headers)
}

/// What [`event`] or [`first_event`] told already, as a message of a WebSocket.
pub(crate) fn told_frame(
    state: &ProxyState,
    voice: &Voice,
    said: Said,
    lane: Option<&str>,
) -> String {
    let known = Problem::one_of_each()
        .into_iter()
        .find(|problem| Some(problem.code()) == said.code.as_deref());
    // A code that is not ours is the provider's, about the caller's own request.
    let (status, kind) = match (&known, &said.code) {
        (Some(problem), _) => (problem.status(), problem.openai_type()),
        (None, Some(_)) => (400, "invalid_request_error"),
        (None, None) => (500, "server_error"),
    };
    let fault = Fault {
        message: said.message.unwrap_or_default(),
        status,
        openai_type: said.kind.unwrap_or_else(|| kind.to_owned()),
        anthropic_type: String::new(),
        param: said.param,
        code: said.code,
        docs_url: known.map_or_else(String::new, |problem| {
            format!("{}{}", state.config.site_url, problem.docs_path())
        }),
        request_id: voice.request_id.clone(),
    };
    wire::conversation::error_frame(&fault, lane, &[])
}

fn count(state: &ProxyState, problem: &Problem) {
    let labels = ProblemLabels {
        code: problem.code(),
    };
    state.metrics.problems.get_or_create(&labels).inc();
}
