//! How is a caller told that something went wrong? In the envelope of the dialect, so that each SDK raises its proper
//! class; with a code, a sentence, what to do, and the request's id.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use domain::Problem;
use texts::{Locale, Texts};
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
    let mut response = Response::new(Body::from(envelope(
        &state.texts,
        &state.config.site_url,
        problem,
    )));
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
    sse::data_event(&envelope(&state.texts, &state.config.site_url, problem))
}

fn envelope(texts: &Texts, site_url: &str, problem: &Problem) -> String {
    let docs_url = format!("{site_url}{}", problem.docs_path());
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
                docs_url: Some(&docs_url),
            },
        }
        .json();
    }
    let args = problem.args();
    let args: Vec<(&str, &str)> = args
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let text = |key: &str| texts.t(Locale::EN, key, &args);
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
    Envelope {
        error: Inner {
            message: &message,
            kind: problem.openai_type(),
            param,
            code: Some(problem.sent_code()),
            docs_url: Some(&docs_url),
        },
    }
    .json()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn every_error_says_its_code_and_where_it_is_explained() {
        let texts = Texts::embedded();
        for problem in Problem::one_of_each() {
            let json = envelope(&texts, "https://pay.example", &problem);
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            let error = &json["error"];
            let wanted = format!("https://pay.example/docs/errors#{}", problem.code());
            assert_eq!(error["docs_url"], wanted);
            assert!(!error["message"].as_str().unwrap().is_empty());
            // What the provider refused carries its own code.
            if !matches!(problem, Problem::UpstreamRefused { .. }) {
                assert_eq!(error["code"], problem.sent_code());
            }
        }
    }
}
