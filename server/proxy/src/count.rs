//! `POST /v1/messages/count_tokens`: how long is a prompt? Counted here, free, for every model of the catalogue,
//! whatever its upstream speaks. And `/v1/messages/batches`, which are not offered.
//!
//! `docs/tokens.md` says how far a count can be from the provider's own, and so does a header of the answer. No charge is
//! made by it. The prompt is read, counted and dropped.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{Problem, Scope};
use serde::Serialize;
use server::keys::KeyRecord;
use wire::count::{CountRequest, Family};

use crate::admit::Reading;
use crate::serve::{family, malformed};
use crate::state::ProxyState;
use crate::{admit, body, refuse, tokens};

#[derive(Serialize)]
struct Answer {
    input_tokens: u64,
}

pub(crate) async fn tokens(State(state): State<ProxyState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(&state, &parts, body).await {
        Ok((answer, family)) => told(family, &answer),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(
    state: &ProxyState,
    parts: &Parts,
    body: Body,
) -> Result<(Answer, &'static Family), Problem> {
    let (key, reading, body) = admitted(state, parts, body).await?;
    let request = CountRequest::read(body).map_err(malformed)?;
    let family = family(state, &key, &request.model)?;
    let work = move || request.tokens(family, &tokens::encoded);
    let input_tokens = worked_out(reading, work).await?;
    Ok((Answer { input_tokens }, family))
}

/// What comes of counting. A long text takes milliseconds: not on a thread that serves others. Who leaves meanwhile makes
/// no room for another before it is done.
///
/// # Errors
/// [`Problem::Internal`] when the work panicked.
pub(crate) async fn worked_out<T: Send + 'static>(
    reading: Reading,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let worked_out = tokio::task::spawn_blocking(move || {
        let found = work();
        drop(reading);
        found
    });
    worked_out.await.map_err(|_| Problem::Internal)
}

/// A count, with its error beside it: the bodies are the providers' own, and have no place for that.
pub(crate) fn told(family: &Family, answer: &impl Serialize) -> Response {
    let mut response = Json(answer).into_response();
    let said = format!(
        "estimate; family={}; error=0.{:02}",
        family.name,
        family.error / 10
    );
    if let Ok(said) = HeaderValue::try_from(said) {
        response.headers_mut().insert("x-token-count", said);
    }
    response
}

/// Lets somebody in who asks for a count, and reads the body.
///
/// # Errors
/// What [`admit::reading`] and [`body::read`] say.
pub(crate) async fn admitted(
    state: &ProxyState,
    parts: &Parts,
    body: Body,
) -> Result<(Arc<KeyRecord>, Reading, Bytes), Problem> {
    // Whoever may send the prompt may count it, and whoever may see the prices.
    let admitted = match admit::reading(state, parts, Scope::ModelsRead).await {
        Err(Problem::ScopeMissing { .. }) => admit::reading(state, parts, Scope::ChatWrite).await,
        admitted => admitted,
    };
    let (key, reading) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let body = body::read(&state.config, &parts.headers, body).await?;
    Ok((key, reading, body))
}

/// Batches are answered within a day and billed when somebody reads them; a prepaid wallet cannot hold for that.
pub(crate) async fn batches(State(state): State<ProxyState>, request: Request) -> Response {
    body::discard(request.into_body()).await;
    let problem = Problem::InvalidBody {
        detail: "message batches are not offered here; send each of their requests to /v1/messages"
            .to_owned(),
        param: Some("requests"),
    };
    refuse::answer(&state, &problem)
}
