//! `POST /hooks/{provider}`: providers of payments tell us something. No cookie is read and none is set; who it is is
//! proved by the signature alone, over the bytes as they came.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use server::orders::HookAnswer;

use crate::router::Front;

/// A webhook is a few hundred bytes, or a few thousand.
const MOST_BYTES: usize = 64 * 1024;
/// How long one may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so many seconds it may be sent again.
const AGAIN_S: &str = "2";

pub async fn take(
    State(front): State<Arc<Front>>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(read) = tokio::time::timeout(PATIENCE, to_bytes(body, MOST_BYTES)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let Ok(body) = read else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let named = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (status, said) = match front.orders.hook(&provider, &body, &named).await {
        HookAnswer::Taken => (StatusCode::OK, "ok\n"),
        HookAnswer::NotHere => (StatusCode::NOT_FOUND, "not found\n"),
        HookAnswer::NotGenuine => (StatusCode::BAD_REQUEST, "not genuine\n"),
        HookAnswer::Again => {
            let again = [(header::RETRY_AFTER, AGAIN_S)];
            return (StatusCode::SERVICE_UNAVAILABLE, again, "try again\n").into_response();
        }
    };
    (status, [(header::CACHE_CONTROL, "no-store")], said).into_response()
}
