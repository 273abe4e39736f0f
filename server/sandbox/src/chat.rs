//! What happens when `POST /v1/chat/completions` arrives? Check, answer, count, then send plainly or as a stream.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::answer::Answer;
use crate::count::{self, Usage};
use crate::error::Problem;
use crate::models::{self, Manner};
use crate::request::ChatRequest;
use crate::{Sandbox, plain, stream};

/// The longest `[[wait:N]]`, in seconds.
const MAX_WAIT_SECONDS: u64 = 600;

/// An answer with what its sending needs.
pub(crate) struct Reply {
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    pub model: &'static str,
    pub manner: Manner,
    pub answer: Answer,
    pub choices: u64,
    /// `None`: this model never reports it.
    pub usage: Option<Usage>,
    /// Whether a stream ends with a usage chunk.
    pub include_usage: bool,
    /// How long the model thinks before its first word.
    pub wait: Duration,
}

impl Reply {
    /// The tool call's id, the same in every choice's stream and plain answer.
    pub(crate) fn call_id(&self, choice: u64, call: usize) -> String {
        format!("call_{}_{choice}_{call}", self.id)
    }
}

/// `POST /v1/chat/completions`
pub(crate) async fn complete(
    State(sandbox): State<Sandbox>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    sandbox.stats.request();
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::body_too_large(),
        _ => Problem::unreadable_body(),
    })?;
    let request = ChatRequest::parse(&body)?;
    let model =
        models::find(&request.model).ok_or_else(|| Problem::unknown_model(&request.model))?;
    match model.manner {
        Manner::RateLimited => return Err(Problem::rate_limited()),
        Manner::Failing => return Err(Problem::broken()),
        Manner::MidstreamError if !request.stream => return Err(Problem::broken()),
        Manner::Html => return Ok(html(&request)),
        _ => {}
    }
    let answer = Answer::of(model.manner, &request);
    let usage = count::usage(&request, &answer, request.choices);
    let reply = Reply {
        id: format!("chatcmpl-sandbox-{}", sandbox.next_serial()),
        created: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| age.as_secs()),
        model: model.id,
        manner: model.manner,
        answer,
        choices: request.choices,
        usage: (model.manner != Manner::NoUsage).then_some(usage),
        include_usage: request.include_usage,
        wait: match model.manner {
            Manner::Slow => Duration::from_secs(
                request
                    .marked_number("wait")
                    .unwrap_or(3)
                    .min(MAX_WAIT_SECONDS),
            ),
            _ => Duration::ZERO,
        },
    };
    let watch = sandbox.stats.watch(request.stream);
    Ok(if request.stream {
        stream::send(reply, watch)
    } else {
        plain::send(reply, watch).await
    })
}

/// What a proxy in front of a broken provider sends.
fn html(request: &ChatRequest) -> Response {
    let status = match request.marked_number("status") {
        Some(200) => StatusCode::OK,
        _ => StatusCode::BAD_GATEWAY,
    };
    (
        status,
        Html("<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"),
    )
        .into_response()
}
