//! `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:countTokens`: Google's dialect, which
//! callers speak and no upstream. The path names the model and what is wanted of it; the rest is the story of
//! [`crate::serve`].

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::Response;
use axum::http::request::Parts;
use axum::{Extension, extract};
use domain::ids::CallId;
use domain::{Dialect, Problem};
use serde::{Deserialize, Serialize};
use wire::gemini;

use crate::pinned::Goal;
use crate::serve::{Inbound, malformed};
use crate::state::ProxyState;
use crate::voice::Voice;
use crate::{account, body, count, forward, refuse, serve, tokens};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Whole,
    Stream,
    Count,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    total_tokens: u64,
}

pub(crate) async fn answer(
    State(state): State<ProxyState>,
    Extension(call): Extension<CallId>,
    Path(path): Path<String>,
    request: extract::Request,
) -> Response<Body> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let answered = match read(&path) {
        Some((model, Verb::Count)) => counted(&state, model, &parts, body).await,
        Some((model, verb)) => {
            let asked = (model, verb == Verb::Stream);
            conversation(&state, asked, call, began, &parts, body).await
        }
        None => {
            body::discard(body).await;
            Err(Problem::PathNotFound)
        }
    };
    answered.unwrap_or_else(|problem| refuse::answer(&state, &problem))
}

/// The model, whose name may hold anything, and the verb behind the last colon.
fn read(path: &str) -> Option<(&str, Verb)> {
    let (model, verb) = path.rsplit_once(':')?;
    let verb = match verb {
        "generateContent" => Verb::Whole,
        "streamGenerateContent" => Verb::Stream,
        "countTokens" => Verb::Count,
        _ => return None,
    };
    Some((model, verb))
}

async fn conversation(
    state: &ProxyState,
    (model, stream): (&str, bool),
    call: CallId,
    began: Instant,
    parts: &Parts,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let admitted = match serve::admit(state, Dialect::Gemini, parts).await {
        Ok(admitted) if !stream || wants_events(parts) => Ok(admitted),
        Ok(_) => Err(account::malformed(
            "a stream comes as events here; ask for it with ?alt=sse",
            "alt",
        )),
        Err(problem) => Err(problem),
    };
    let (key, permit) = match admitted {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let body = body::read(&state.config, &parts.headers, body).await?;
    let request = gemini::request::read(model, stream, body).map_err(malformed)?;
    let voice = Voice::of_path(parts.uri.path(), &parts.headers, call.to_string());
    let inbound = Inbound {
        request,
        media: None,
        voice: voice.to(&key, &state.texts),
        forward: forward::headers(Dialect::Gemini, &parts.headers),
        goal: Goal::Answer,
    };
    serve::metered(state, call, began, key, permit, inbound).await
}

/// Google's SDKs all ask for events; without, its own endpoint writes one long array.
fn wants_events(parts: &Parts) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        alt: Option<String>,
    }
    let asked = Query::<Asked>::try_from_uri(&parts.uri);
    asked.is_ok_and(|Query(asked)| asked.alt.as_deref() == Some("sse"))
}

async fn counted(
    state: &ProxyState,
    model: &str,
    parts: &Parts,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let (key, reading, body) = count::admitted(state, parts, body).await?;
    let request = gemini::request::read(model, false, body).map_err(malformed)?;
    let family = serve::family(state, &key, &request.model)?;
    let work = move || request.tokens(family, &tokens::encoded);
    let total_tokens = count::worked_out(reading, work).await?;
    Ok(count::told(family, &Counted { total_tokens }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verb_stands_behind_the_last_colon() {
        for (path, found) in [
            ("m:generateContent", Some(("m", Verb::Whole))),
            (
                "a/b:7b:streamGenerateContent",
                Some(("a/b:7b", Verb::Stream)),
            ),
            ("m:countTokens", Some(("m", Verb::Count))),
            ("m:embedContent", None),
            ("m", None),
        ] {
            assert_eq!(read(path), found, "{path}");
        }
    }
}
