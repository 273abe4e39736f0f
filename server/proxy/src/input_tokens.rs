//! `POST /v1/responses/input_tokens`: how many tokens is this request? Counted here, for every model, free of charge.
//!
//! The request is read, counted and dropped: it is in no row, no log, no figure and no error.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use domain::{Dialect, Problem, Scope};
use serde::Serialize;
use wire::count::Family;
use wire::request::{BadRequest, Request as ModelRequest};
use wire::responses::request::stateful;

use crate::serve::{family, malformed};
use crate::state::ProxyState;
use crate::{admit, body, count, refuse, tokens};

#[derive(Serialize)]
struct Answer {
    object: &'static str,
    input_tokens: u64,
}

pub(crate) async fn counted(State(state): State<ProxyState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(&state, &parts, body).await {
        Ok((answer, family)) => count::told(family, &answer),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(
    state: &ProxyState,
    parts: &Parts,
    body: Body,
) -> Result<(Answer, &'static Family), Problem> {
    let (key, reading) = match admit::reading(state, parts, Scope::ResponsesWrite).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let body = body::read(&state.config, &parts.headers, body).await?;
    let request = ModelRequest::read(Dialect::Responses, body).map_err(malformed)?;
    let family = family(state, &key, &request.model)?;
    if stateful(&request).previous.is_some() {
        return Err(malformed(BadRequest {
            detail: "`previous_response_id` cannot be counted: what came before is kept by the model's provider; send the whole conversation in `input`".to_owned(),
            param: Some("previous_response_id"),
        }));
    }
    let work = move || request.tokens(family, &tokens::encoded);
    let answer = Answer {
        object: "response.input_tokens",
        input_tokens: count::worked_out(reading, work).await?,
    };
    Ok((answer, family))
}
