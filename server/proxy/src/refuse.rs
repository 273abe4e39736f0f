//! How is a caller told that something went wrong? In the envelope of the dialect, so that each SDK raises its proper
//! class; with a code, a sentence, what to do, and the request's id.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use domain::Problem;
use texts::Locale;
use wire::openai::error::{Body as Inner, Envelope};
use wire::sse;

use crate::desk::Refusal;
use crate::metrics::ProblemLabels;
use crate::state::ProxyState;

/// The answer to a request that failed before anything was sent.
pub(crate) fn answer(state: &ProxyState, problem: &Problem) -> Response<Body> {
    state
        .metrics
        .problems
        .get_or_create(&ProblemLabels {
            code: problem.code(),
        })
        .inc();
    let mut response = Response::new(Body::from(envelope(state, problem)));
    if let Some(refusal) = Refusal::of(problem) {
        response.extensions_mut().insert(refusal);
    }
    *response.status_mut() =
        StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
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
    response
}

/// The event that ends a stream which cannot end well. SDKs raise it as an error; it is never followed by `[DONE]`.
pub(crate) fn event(state: &ProxyState, problem: &Problem) -> Bytes {
    state
        .metrics
        .problems
        .get_or_create(&ProblemLabels {
            code: problem.code(),
        })
        .inc();
    sse::data_event(&envelope(state, problem))
}

fn envelope(state: &ProxyState, problem: &Problem) -> String {
    if let Problem::UpstreamRefused {
        message,
        kind,
        param,
        code,
        ..
    } = problem
    {
        // The provider's own words about the caller's request.
        let kind = kind.as_deref().unwrap_or("invalid_request_error");
        return Envelope {
            error: Inner {
                message,
                kind,
                param: param.as_deref(),
                code: code.as_deref(),
            },
        }
        .json();
    }
    let args = problem.args();
    let args: Vec<(&str, &str)> = args
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let text = |key: &str| state.texts.t(Locale::EN, key, &args);
    let message = format!(
        "{} {}",
        text(&format!("problems.{}", problem.text())),
        text(&format!("problems.{}_action", problem.text()))
    );
    let param = match problem {
        Problem::InvalidBody { param, .. } => *param,
        Problem::ModelNotFound { .. } | Problem::ModelNotAllowed { .. } => Some("model"),
        _ => None,
    };
    // SDKs know this one name for every refused key.
    let code = if matches!(problem, Problem::MissingKey) {
        "invalid_api_key"
    } else {
        problem.code()
    };
    Envelope {
        error: Inner {
            message: &message,
            kind: problem.openai_type(),
            param,
            code: Some(code),
        },
    }
    .json()
}
