//! Which models are for sale? Our own catalogue, whatever the upstreams do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::Problem;
use serde::Serialize;
use server::catalog::ModelView;

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

/// `GET /v1/models`
pub(crate) async fn list(State(state): State<ProxyState>, headers: HeaderMap) -> Response {
    match admit::caller(&state, &headers).await {
        Ok(_) => Json(List {
            object: "list",
            data: state
                .catalog
                .models()
                .into_iter()
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
    headers: HeaderMap,
) -> Response {
    if let Err(problem) = admit::caller(&state, &headers).await {
        return refuse::answer(&state, &problem);
    }
    let wanted = id.trim_end_matches('/');
    match state
        .catalog
        .models()
        .into_iter()
        .find(|model| model.id == wanted)
    {
        Some(model) => Json(Entry::from(model)).into_response(),
        None => refuse::answer(
            &state,
            &Problem::ModelNotFound {
                model: wanted.to_owned(),
            },
        ),
    }
}
