//! Which upstream answers? Chosen by priority, health and weight; another is tried only before the first byte.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::Bytes;
use domain::ids::{CallId, UpstreamId};
use domain::{Dialect, Problem, Speaks};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use parking_lot::Mutex;
use server::calls::{Attempt, Outcome};
use server::upstreams::Upstream;
use wire::error::Said;
use wire::request::Request as ModelRequest;

use crate::client::SegmentsBody;
use crate::forward::ANTHROPIC_VERSION;
use crate::meter::Meter;
use crate::metrics::AttemptLabels;
use crate::state::ProxyState;

/// Where a call may go, first choice first.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) upstream: Arc<Upstream>,
    /// The model's name there.
    pub(crate) model: String,
}

impl Place {
    /// In which dialect a request is sent there.
    pub(crate) fn dialect(&self, request: &ModelRequest) -> Dialect {
        self.upstream.dialect.dialect_for(request.dialect)
    }
}

/// An upstream that answered with success; its body is still to be read.
pub(crate) struct Reply {
    pub(crate) upstream: UpstreamId,
    /// In which dialect it answers.
    pub(crate) dialect: Dialect,
    pub(crate) response: Response<Incoming>,
    pub(crate) sent_at: Instant,
    /// The tries before this one.
    pub(crate) earlier: Vec<Attempt>,
}

/// Nobody answered with success.
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    pub(crate) attempts: Vec<Attempt>,
}

/// An upstream that just failed is asked last for this long.
const COOL_DOWN: Duration = Duration::from_secs(10);
/// A third try finds the same outage and doubles the caller's wait.
const TRIES_MAX: usize = 3;
/// Error bodies are short; a long one is not worth reading.
const ERROR_BODY_MAX: usize = 64 << 10;
const ERROR_BODY_TIME: Duration = Duration::from_secs(10);

/// Sends the call to one place after the other until one answers with success.
///
/// # Errors
/// The problem to tell the caller, with every try.
///
/// # Cancellation
/// Dropping the future closes the connection to the upstream.
pub(crate) async fn first_that_answers(
    state: &ProxyState,
    meter: &Meter,
    places: Vec<Place>,
    lowered_max_tokens: Option<u64>,
) -> Result<Reply, Refused> {
    let call: CallId = meter.call;
    let mut attempts = Vec::new();
    let mut last = Problem::UpstreamFailed;
    for place in state
        .health
        .healthy_first(places)
        .into_iter()
        .take(TRIES_MAX)
    {
        let sent_at = Instant::now();
        let (outcome, status, problem) = match send(state, meter, &place, lowered_max_tokens).await
        {
            Ok(response) => {
                state
                    .metrics
                    .first_byte
                    .observe(sent_at.elapsed().as_secs_f64());
                return Ok(Reply {
                    upstream: place.upstream.id,
                    dialect: meter.dialect_at(&place),
                    response,
                    sent_at,
                    earlier: attempts,
                });
            }
            Err(failure) => failure,
        };
        state
            .metrics
            .attempts
            .get_or_create(&AttemptLabels {
                outcome: outcome.id(),
            })
            .inc();
        let duration_ms = i64::try_from(sent_at.elapsed().as_millis()).unwrap_or(i64::MAX);
        attempts.push(Attempt {
            upstream: place.upstream.id,
            outcome,
            status,
            duration_ms,
        });
        tracing::warn!(call.id = %call, upstream.name = %place.upstream.name, outcome = outcome.id(), status, "An upstream did not answer the call");
        // What the caller sent is wrong everywhere; everything else may be better elsewhere.
        if matches!(
            problem,
            Problem::UpstreamRefused { .. } | Problem::InvalidBody { .. }
        ) {
            return Err(Refused { problem, attempts });
        }
        state.health.failed(place.upstream.id);
        last = problem;
    }
    Err(Refused {
        problem: last,
        attempts,
    })
}

/// What became of a try, with the status if there was one, and what the caller is told.
pub(crate) type Failure = (Outcome, Option<u16>, Problem);

async fn send(
    state: &ProxyState,
    meter: &Meter,
    place: &Place,
    lowered_max_tokens: Option<u64>,
) -> Result<Response<Incoming>, Failure> {
    let unsent = || (Outcome::Unreachable, None, Problem::UpstreamFailed);
    let streamed = meter.request.stream;
    let dialect = meter.dialect_at(place);
    let (request, model) = (&meter.request, &place.model);
    let (endpoint, content_type, body) = match &meter.media {
        Some(media) => (
            media.endpoint.path(),
            media.content_type.as_str(),
            media.for_upstream(request, model, lowered_max_tokens),
        ),
        None => (
            meter.goal.path(dialect),
            "application/json",
            request.for_upstream(dialect, model, lowered_max_tokens),
        ),
    };
    let body = body.map_err(|bad| (Outcome::Refused, None, crate::serve::malformed(bad)))?;
    let accept = match (streamed, &meter.media) {
        (true, _) => "text/event-stream",
        (false, Some(_)) => "*/*",
        (false, None) => "application/json",
    };
    let mut builder = Request::post(place.upstream.base.endpoint(endpoint))
        .header(CONTENT_TYPE, content_type)
        .header(ACCEPT, accept)
        // Packed answers would have to be unpacked to be metered, and hold back what a stream should show at once.
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, concat!("farebox/", env!("CARGO_PKG_VERSION")));
    if let Some(headers) = builder.headers_mut() {
        if dialect == meter.request.dialect {
            headers.extend(meter.forward.clone());
        }
        credential(headers, place).ok_or_else(unsent)?;
    }
    let request = builder.body(body.into()).map_err(|_| unsent())?;
    let response = exchange(state, place, request).await?;
    if streamed && !is_event_stream(&response) {
        // It would be read as a stream of nothing, and cost nothing.
        let status = Some(response.status().as_u16());
        return Err((Outcome::Broken, status, Problem::UpstreamFailed));
    }
    Ok(response)
}

/// Sends one request to one upstream, and waits until it begins to answer with success.
///
/// # Errors
/// What became of it, with the status if there was one.
pub(crate) async fn exchange(
    state: &ProxyState,
    place: &Place,
    request: Request<SegmentsBody>,
) -> Result<Response<Incoming>, Failure> {
    let sent = state.client.send(request);
    let response = match tokio::time::timeout(state.config.first_byte, sent).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => {
            let problem = if error.is_connect() {
                "connect"
            } else {
                "exchange"
            };
            tracing::debug!(upstream.name = %place.upstream.name, problem, "The connection to an upstream failed");
            return Err((Outcome::Unreachable, None, Problem::UpstreamFailed));
        }
        Err(_) => return Err((Outcome::TimedOut, None, Problem::UpstreamTimeout)),
    };
    match response.status().is_success() {
        true => Ok(response),
        false => Err(refusal(response).await),
    }
}

/// The operator's own key, in the header of the upstream's kind. `None` when it cannot be written into one.
pub(crate) fn credential(headers: &mut HeaderMap, place: &Place) -> Option<()> {
    let key = place.upstream.api_key.as_ref().map(|key| key.expose());
    let (name, value) = match place.upstream.dialect {
        Speaks::Anthropic => {
            headers
                .entry("anthropic-version")
                .or_insert(HeaderValue::from_static(ANTHROPIC_VERSION));
            ("x-api-key", key.map(ToOwned::to_owned))
        }
        _ => ("authorization", key.map(|key| format!("Bearer {key}"))),
    };
    if let Some(value) = value {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(())
}

fn is_event_stream(response: &Response<Incoming>) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("text/event-stream")
        })
}

/// What an error status of an upstream means for the caller.
async fn refusal(response: Response<Incoming>) -> Failure {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse::<u64>().ok())
        // SDKs refuse to wait longer than two minutes.
        .map(|seconds| Duration::from_secs(seconds.clamp(1, 120)));
    let problem = match status {
        // The caller's own request: its provider's words are what helps.
        400 | 413 | 415 | 422 => {
            let body = Limited::new(response.into_body(), ERROR_BODY_MAX).collect();
            let body = match tokio::time::timeout(ERROR_BODY_TIME, body).await {
                Ok(Ok(body)) => body.to_bytes(),
                _ => Bytes::new(),
            };
            refused(status, Said::read(&body))
        }
        429 => Problem::UpstreamBusy { retry_after },
        408 | 504 | 524 => Problem::UpstreamTimeout,
        // A credential, a model name or a bill of the operator's is wrong: nothing the caller could mend.
        _ => Problem::UpstreamFailed,
    };
    (Outcome::Refused, Some(status), problem)
}

/// The provider's own words about the caller's request.
fn refused(status: u16, said: Said) -> Problem {
    Problem::UpstreamRefused {
        status,
        message: said
            .message
            .unwrap_or_else(|| "the provider refused the request without saying why".to_owned()),
        kind: said.kind,
        param: said.param,
        code: said.code,
    }
}

/// What an error in the middle of a stream means for the caller: what is wrong with its own request is told in the
/// provider's words, so that clients stop asking; the operator's troubles with the provider are nobody's business.
pub(crate) fn broke_off(said: Said) -> Problem {
    match said.code.as_deref().or(said.kind.as_deref()) {
        Some(
            "context_length_exceeded"
            | "invalid_prompt"
            | "invalid_request_error"
            | "content_policy_violation"
            | "request_too_large",
        ) => refused(400, said),
        Some("rate_limit_exceeded" | "rate_limit_error" | "overloaded_error") => {
            Problem::UpstreamBusy { retry_after: None }
        }
        _ => Problem::UpstreamFailed,
    }
}

/// Which upstreams failed a moment ago.
#[derive(Default)]
pub(crate) struct Health(Mutex<HashMap<UpstreamId, Instant>>);

impl Health {
    fn failed(&self, upstream: UpstreamId) {
        self.0.lock().insert(upstream, Instant::now());
    }

    /// Healthy places first, each group in its given order.
    fn healthy_first(&self, places: Vec<Place>) -> Vec<Place> {
        if places.len() < 2 {
            return places;
        }
        let failed = self.0.lock();
        let is_sick = |place: &Place| {
            failed
                .get(&place.upstream.id)
                .is_some_and(|at| at.elapsed() < COOL_DOWN)
        };
        let (sick, mut healthy): (Vec<Place>, Vec<Place>) = places.into_iter().partition(is_sick);
        healthy.extend(sick);
        healthy
    }
}
