//! Which models does the sandbox have, and how does each behave?

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use crate::error::Problem;

/// How a model answers. All of them understand `max_tokens`, `n` and `stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Echo,
    Lorem,
    Reasoner,
    Slow,
    Cut,
    RateLimited,
    Failing,
    Tools,
    Unicode,
    Huge,
    NoUsage,
    MidstreamError,
    BadJson,
    Html,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub id: &'static str,
    pub manner: Manner,
    about: &'static str,
}

const fn model(id: &'static str, manner: Manner, about: &'static str) -> Model {
    Model { id, manner, about }
}

/// Every model, the friendly ones first.
pub(crate) static MODELS: [Model; 14] = [
    model(
        "sandbox-echo",
        Manner::Echo,
        "Says the last user message again; counts images and their bytes.",
    ),
    model(
        "sandbox-lorem",
        Manner::Lorem,
        "As many words of lorem ipsum as asked for, word by word.",
    ),
    model(
        "sandbox-reasoner",
        Manner::Reasoner,
        "Thinks first, then answers; can calculate 6*7.",
    ),
    model(
        "sandbox-tools",
        Manner::Tools,
        "Calls the first tool it is given, then reports the tool's result.",
    ),
    model(
        "sandbox-unicode",
        Manner::Unicode,
        "Emoji, right-to-left and combining characters, cut inside their bytes.",
    ),
    model(
        "sandbox-huge",
        Manner::Huge,
        "An answer of about a megabyte.",
    ),
    model(
        "sandbox-slow",
        Manner::Slow,
        "The first word comes after [[wait:N]] seconds, 3 if not said.",
    ),
    model(
        "sandbox-nousage",
        Manner::NoUsage,
        "Never reports usage, even when asked.",
    ),
    model(
        "sandbox-cut",
        Manner::Cut,
        "Drops the connection in the middle of its answer.",
    ),
    model(
        "sandbox-midstream-error",
        Manner::MidstreamError,
        "An error event in the middle; 500 without a stream.",
    ),
    model(
        "sandbox-badjson",
        Manner::BadJson,
        "Status 200 with JSON that does not parse.",
    ),
    model(
        "sandbox-html",
        Manner::Html,
        "An HTML page with status 502, or 200 when the prompt has [[status:200]].",
    ),
    model(
        "sandbox-429",
        Manner::RateLimited,
        "Always rate limited, with retry-after.",
    ),
    model("sandbox-500", Manner::Failing, "Always a server error."),
];

pub(crate) fn find(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

impl Model {
    fn view(&self) -> Value {
        json!({
            "id": self.id,
            "object": "model",
            // When the sandbox was first written (2026-11-21); clients only want a number here.
            "created": 1_795_219_200,
            "owned_by": "farebox-sandbox",
            "description": self.about,
        })
    }
}

/// `GET /v1/models`
pub(crate) async fn list() -> Json<Value> {
    let all: Vec<Value> = MODELS.iter().map(Model::view).collect();
    Json(json!({"object": "list", "data": all}))
}

/// `GET /v1/models/{id}`
pub(crate) async fn one(Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    find(&id)
        .map(|model| Json(model.view()))
        .ok_or_else(|| Problem::unknown_model(&id))
}
