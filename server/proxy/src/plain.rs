//! How is a plain answer served? Read whole, checked to be one, charged, and only then released.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use domain::{Ending, Problem};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use server::calls::{Attempt, Outcome};
use tokio::sync::oneshot;
use wire::hosted::{self, Uses};
use wire::relay::Whole;
use wire::said::{self, Beside};

use crate::admit::Permit;
use crate::attempt::{self, Place, Reply};
use crate::budget::Covered;
use crate::media;
use crate::meter::{Answered, Meter};
use crate::pinned::Keep;
use crate::serve::Running;
use crate::settle::{self, Charged};
use crate::state::ProxyState;

/// Answers with images inside are the largest seen.
const ANSWER_MAX: usize = 64 << 20;

/// An answer that is paid for.
struct Paid {
    body: Bytes,
    content_type: HeaderValue,
    charged: Charged,
}

/// Calls the upstream, commits the charge, and answers the caller.
///
/// # Errors
/// When a [`Problem`] is returned, nothing was charged.
///
/// # Cancellation
/// When the caller leaves before the answer was read, the upstream is cancelled and nothing is charged; afterwards the
/// commit goes on in its own task.
pub(crate) async fn start(
    state: &ProxyState,
    meter: Meter,
    covered: Covered,
    places: Vec<Place>,
    permit: Permit,
) -> Result<Response<Body>, Problem> {
    let (reply, answer) = oneshot::channel();
    let task = state.clone();
    state.tasks.spawn(async move {
        let _running = Running::new(&task, permit);
        call(&task, meter, covered, places, reply).await;
    });
    let paid = answer.await.map_err(|_| Problem::Internal)??;
    let mut response = Response::new(Body::from(paid.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, paid.content_type);
    headers.insert("x-cost-nusd", HeaderValue::from(paid.charged.cost.nanos()));
    response.extensions_mut().insert(paid.charged);
    Ok(response)
}

async fn call(
    state: &ProxyState,
    mut meter: Meter,
    covered: Covered,
    places: Vec<Place>,
    mut caller: oneshot::Sender<Result<Paid, Problem>>,
) {
    let lowered = covered.lowered_max_tokens;
    let first = places.first().map(|place| place.upstream.id);
    let answered = tokio::select! {
        () = caller.closed() => None,
        answered = attempt::first_that_answers(state, &meter, places, lowered) => Some(answered),
    };
    let mut reply = match answered {
        Some(Ok(reply)) => reply,
        Some(Err(refused)) => {
            settle::quietly(
                state,
                meter,
                covered.hold,
                Ending::UpstreamFailed,
                &refused.problem,
                refused.attempts,
            );
            let _ = caller.send(Err(refused.problem));
            return;
        }
        None => {
            let cancelled = first.map(|upstream| Attempt::cancelled(upstream, meter.age_ms()));
            settle::caller_left(state, meter, covered.hold, cancelled.into_iter().collect());
            return;
        }
    };
    let answered = Answered::of(&mut reply);
    let content_type = content_type(&meter, &reply);
    let keep = Keep::of(&meter, &reply);
    meter.first_byte();
    let read = tokio::select! {
        () = caller.closed() => None,
        read = read(state, &meter, reply) => Some(read),
    };
    match read {
        Some(Ok(Came { whole, said, uses })) => {
            let whole = Arc::new(whole);
            meter.beside(said);
            meter.used(uses);
            if let Some(usage) = whole.usage {
                meter.reported(usage);
            }
            meter.has_delivered = whole.delivers;
            let attempts = answered.attempts(Outcome::Answered);
            let counted = Some(whole.clone());
            let charged = settle::charge(
                state,
                meter,
                covered.hold,
                Ending::Finished,
                attempts,
                counted,
            )
            .await;
            let paid = charged.map(|charged| Paid {
                body: whole.body(&charged.usage),
                content_type,
                charged,
            });
            if let (Some(keep), Ok(paid)) = (keep, &paid) {
                let tokens = paid.charged.usage.total();
                keep.answer(&paid.body).write(state, tokens).await;
            }
            let _ = caller.send(paid);
        }
        Some(Err((outcome, problem))) => {
            settle::quietly(
                state,
                meter,
                covered.hold,
                Ending::UpstreamFailed,
                &problem,
                answered.attempts(outcome),
            );
            let _ = caller.send(Err(problem));
        }
        None => {
            let attempts = answered.attempts(Outcome::Cancelled);
            settle::caller_left(state, meter, covered.hold, attempts);
        }
    }
}

/// What an upstream answered.
struct Came {
    whole: Whole,
    said: Beside,
    /// Of the provider's tools, as far as the answer itself shows: for one that reports nothing.
    uses: Uses,
}

/// Reads the whole body and checks that it is an answer: a 200 with a broken body is an error that no SDK repeats.
async fn read(state: &ProxyState, meter: &Meter, reply: Reply) -> Result<Came, (Outcome, Problem)> {
    let dialect = reply.dialect;
    let said = media::content_type(reply.response.headers()).map(ToOwned::to_owned);
    let body = Limited::new(reply.response.into_body(), ANSWER_MAX).collect();
    let body = match tokio::time::timeout(state.config.first_byte, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) => {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                tracing::warn!("An upstream's answer is larger than any real one");
            }
            return Err((Outcome::Broken, Problem::UpstreamFailed));
        }
        Err(_) => return Err((Outcome::TimedOut, Problem::UpstreamTimeout)),
    };
    let beside = said::beside(&body);
    let uses = match meter.runs_tools(dialect) {
        true => hosted::uses_of_whole(dialect, &body),
        false => Uses::default(),
    };
    let whole = match &meter.media {
        Some(media) => media.whole(said.as_deref(), body),
        None => {
            let call = meter.call.to_string();
            meter.request.whole(dialect, body, &call, meter.created())
        }
    };
    whole
        .map(|whole| Came {
            whole,
            said: beside,
            uses,
        })
        .map_err(|_| (Outcome::Broken, Problem::UpstreamFailed))
}

/// As which type the answer goes on. JSON but for files, which are what their upstream says.
fn content_type(meter: &Meter, reply: &Reply) -> HeaderValue {
    let said = media::content_type(reply.response.headers());
    let kind = meter.media.as_ref().map(|media| media.answers_as(said));
    kind.and_then(|kind| HeaderValue::from_str(kind).ok())
        .unwrap_or(HeaderValue::from_static("application/json"))
}
