//! Which models are for sale? Our own catalogue, whatever the upstreams do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use domain::{Problem, Scope};
use serde::Serialize;
use server::catalog::ModelView;

use crate::serve::shown;
use crate::state::ProxyState;
use crate::{admit, refuse};

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Entry>,
}

/// A model as the OpenAI SDKs read it; `context_window` is a field of ours that they ignore.
#[derive(Serialize)]
struct Entry {
    id: String,
    object: &'static str,
    /// Seconds since 1970 UTC.
    created: i64,
    owned_by: &'static str,
    context_window: u64,
}

impl From<ModelView> for Entry {
    fn from(model: ModelView) -> Self {
        Self {
            id: model.id,
            object: "model",
            created: model.created_at.div_euclid(1_000),
            owned_by: "farebox",
            context_window: model.context,
        }
    }
}

/// `GET /v1/models`: those that the key may call.
pub(crate) async fn list(State(state): State<ProxyState>, parts: Parts) -> Response {
    match admit::caller(&state, &parts, Scope::ModelsRead).await {
        Ok(key) => Json(List {
            object: "list",
            data: state
                .catalog
                .models()
                .into_iter()
                .filter(|model| key.limits.allows_model(&model.id))
                .map(Entry::from)
                .collect(),
        })
        .into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

/// `GET /v1/models/{id}`; ids may contain slashes.
pub(crate) async fn one(
    State(state): State<ProxyState>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    let wanted = id.trim_end_matches('/');
    match find(&state, &parts, wanted).await {
        Ok(model) => Json(Entry::from(model)).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn find(state: &ProxyState, parts: &Parts, wanted: &str) -> Result<ModelView, Problem> {
    let key = admit::caller(state, parts, Scope::ModelsRead).await?;
    let model = state
        .catalog
        .models()
        .into_iter()
        .find(|model| model.id == wanted)
        .ok_or_else(|| Problem::ModelNotFound {
            model: shown(wanted),
        })?;
    admit::may_call(&key, wanted)?;
    Ok(model)
}
