//! How does a signed-in person's try in the browser become a metered call? By the same story as a program's call, with
//! a key of the workspace that nobody holds: the zone's. What differs is only how the question comes in and how the
//! answer goes out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use domain::ids::CallId;
use domain::{Dialect, Problem, Scope};
use http_body_util::BodyExt;
use server::ids::NewId;
use server::keys::KeyRecord;
use server::trial::{TrialAnswer, TrialRequest, Trials};
use wire::chat::answer;
use wire::request::Request;

use crate::desk::Refusal;
use crate::pinned::Goal;
use crate::serve::Inbound;
use crate::settle::Charged;
use crate::state::ProxyState;
use crate::voice::Voice;
use crate::{admit, serve};

impl Trials for ProxyState {
    /// # Cancellation
    /// Dropping the future is a caller who leaves: the upstream is cancelled, and nothing is charged before there is an
    /// answer.
    fn run(
        &self,
        request: TrialRequest,
    ) -> Pin<Box<dyn Future<Output = Result<TrialAnswer, Problem>> + Send + '_>> {
        Box::pin(run(self, request))
    }
}

async fn run(state: &ProxyState, request: TrialRequest) -> Result<TrialAnswer, Problem> {
    let key = state.keys.zone(request.workspace).await.map_err(|error| {
        tracing::error!(%error, "The key of a test zone cannot be had");
        Problem::Unavailable
    })?;
    let answered = call(state, &key, request).await;
    if let Err(problem) = &answered
        && let Some(refusal) = Refusal::of(problem)
    {
        refusal.count(state, &key);
    }
    answered
}

async fn call(
    state: &ProxyState,
    key: &Arc<KeyRecord>,
    request: TrialRequest,
) -> Result<TrialAnswer, Problem> {
    let (call, began) = (CallId::new(), Instant::now());
    admit::may(state, key, Scope::ChatWrite, None)?;
    let permit = admit::permit(state, key)?;
    let body = serde_json::json!({
        "model": request.model,
        "messages": [{ "role": "user", "content": request.prompt.0 }],
        "max_tokens": request.max_tokens,
    });
    let body = body.to_string().into();
    let inbound = Inbound {
        request: Request::read(Dialect::Chat, body).map_err(serve::malformed)?,
        media: None,
        voice: Voice::of_path("", &HeaderMap::new(), call.to_string()),
        forward: HeaderMap::new(),
        goal: Goal::Answer,
    };
    let answered = serve::metered(state, call, began, key.clone(), permit, inbound).await?;
    let duration_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let charged = *answered
        .extensions()
        .get::<Charged>()
        .ok_or(Problem::Internal)?;
    let body = answered
        .into_body()
        .collect()
        .await
        .map_err(|_| Problem::Internal)?
        .to_bytes();
    Ok(TrialAnswer {
        call,
        text: answer::words(&body),
        usage: charged.usage,
        cost: charged.cost,
        duration_ms,
    })
}
