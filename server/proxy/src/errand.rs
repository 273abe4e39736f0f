//! How is one question put to one upstream, and its JSON handed back? Without a price: for what costs nothing.

use axum::body::Body;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response};
use domain::Problem;
use http_body_util::{BodyExt, Limited};
use serde::de::IgnoredAny;
use wire::segments::Segments;

use crate::attempt::{self, Place};
use crate::state::ProxyState;

/// What is kept at providers can be as large as an answer.
const ANSWER_MAX: usize = 64 << 20;

/// One question to one upstream.
pub(crate) struct Errand<'a> {
    pub(crate) place: &'a Place,
    pub(crate) method: Method,
    /// Below the base address, with the query: nothing in it is the caller's that was not looked at.
    pub(crate) path: String,
    /// The caller's headers that mean something there.
    pub(crate) forward: HeaderMap,
}

/// Asks, and answers the caller with what came, if that is JSON.
///
/// # Errors
/// [`Problem::ResponseNotFound`] when the upstream has no such thing, else what its failure means for a call.
pub(crate) async fn run(state: &ProxyState, errand: Errand<'_>) -> Result<Response<Body>, Problem> {
    let mut builder = Request::builder()
        .method(errand.method)
        .uri(errand.place.upstream.base.endpoint(&errand.path))
        .header(ACCEPT, "application/json")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, concat!("farebox/", env!("CARGO_PKG_VERSION")));
    if let Some(headers) = builder.headers_mut() {
        headers.extend(errand.forward);
        attempt::credential(headers, errand.place).ok_or(Problem::UpstreamFailed)?;
    }
    let request = builder
        .body(Segments::default().into())
        .map_err(|_| Problem::UpstreamFailed)?;
    let response = attempt::exchange(state, errand.place, request)
        .await
        .map_err(|(_, status, problem)| match status {
            Some(404) => Problem::ResponseNotFound,
            _ => problem,
        })?;
    let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
    let body = match tokio::time::timeout(state.config.first_byte, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return Err(Problem::UpstreamFailed),
        Err(_) => return Err(Problem::UpstreamTimeout),
    };
    // A page of some proxy in between is no answer.
    if serde_json::from_slice::<IgnoredAny>(&body).is_err() {
        return Err(Problem::UpstreamFailed);
    }
    let mut response = Response::new(Body::from(body));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
