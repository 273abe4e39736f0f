//! How is a plain answer served? Read whole, checked to be one, charged, and only then released.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Response};
use bytes::Bytes;
use domain::{Ending, Problem};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use server::calls::Outcome;
use server::ledger::Hold;
use wire::openai::answer;

use crate::attempt::Reply;
use crate::meter::{Answered, Meter};
use crate::serve::{note_settled, settle_quietly};
use crate::state::ProxyState;

/// Answers with images inside are the largest seen.
const ANSWER_MAX: usize = 64 << 20;

/// Reads the answer, commits its charge, and answers the caller.
///
/// # Errors
/// When a [`Problem`] is returned, nothing was charged.
///
/// # Cancellation
/// Until the answer has been read, dropping the future cancels the upstream and nothing is charged; afterwards the
/// commit goes on in its own task.
pub(crate) async fn answer(state: &ProxyState, mut meter: Meter, hold: Hold, mut reply: Reply) -> Result<Response<Body>, Problem> {
    let answered = Answered::of(&mut reply);
    let body = match read(state, reply).await {
        Ok(body) => body,
        Err((outcome, problem)) => {
            settle_quietly(state, meter, hold, Ending::UpstreamFailed, &problem, answered.attempts(outcome));
            return Err(problem);
        }
    };
    meter.first_byte();
    let facts = match answer::read(&body) {
        Ok(facts) => facts,
        Err(_) => {
            // A 200 with a broken body is an error that no SDK repeats: it must not look like an answer.
            settle_quietly(state, meter, hold, Ending::UpstreamFailed, &Problem::UpstreamFailed, answered.attempts(Outcome::Broken));
            return Err(Problem::UpstreamFailed);
        }
    };
    if let Some(usage) = facts.usage {
        meter.reported(usage);
    }
    let call = meter.call;
    let counted = body.clone();
    let task = state.clone();
    let settled = state.tasks.spawn(async move {
        let record = meter.settle(Ending::Finished, 200, answered.attempts(Outcome::Answered), Some(counted)).await?;
        let (cost, labels) = (record.cost, record.clone());
        hold.settle(record).await.map_err(|error| {
            task.metrics.commit_failures.inc();
            tracing::error!(call.id = %call, error = %error, "A charge was not committed: its answer is withheld");
            Problem::SettlementFailed
        })?;
        note_settled(&task, &labels);
        Ok(cost)
    });
    let cost = settled.await.map_err(|_| Problem::Internal)??;
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-cost-nusd", HeaderValue::from(cost.nanos()));
    Ok(response)
}

async fn read(state: &ProxyState, reply: Reply) -> Result<Bytes, (Outcome, Problem)> {
    let body = Limited::new(reply.response.into_body(), ANSWER_MAX).collect();
    match tokio::time::timeout(state.config.first_byte, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) => {
            if error.downcast_ref::<LengthLimitError>().is_some() {
                tracing::warn!("An upstream's answer is larger than any real one");
            }
            Err((Outcome::Broken, Problem::UpstreamFailed))
        }
        Err(_) => Err((Outcome::TimedOut, Problem::UpstreamTimeout)),
    }
}
