//! `/v1/responses/{id}`: what may be done with a stored response? Read it, read what it was made from, cancel or delete
//! it, all where it is kept and only by the workspace that stored it. It costs nothing and counts as a request of the key.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response};
use domain::{Dialect, Problem, Scope};
use wire::request::BadRequest;

use crate::attempt::Place;
use crate::errand::{self, Errand};
use crate::serve::malformed;
use crate::state::ProxyState;
use crate::{admit, body, forward, refuse};

/// What of a query goes on to the provider. A key that somebody put there does not.
const PASSED: [&str; 6] = ["include", "include[]", "limit", "order", "after", "before"];
/// Longer than any of them with all they can hold.
const QUERY_MAX: usize = 2_000;

/// One of the things that may be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Read,
    Inputs,
    Cancel,
    Delete,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Read | Self::Inputs => Method::GET,
            Self::Cancel => Method::POST,
            Self::Delete => Method::DELETE,
        }
    }

    const fn below(self) -> &'static str {
        match self {
            Self::Read | Self::Delete => "",
            Self::Inputs => "/input_items",
            Self::Cancel => "/cancel",
        }
    }
}

pub(crate) async fn handle(
    verb: Verb,
    State(state): State<ProxyState>,
    Path(id): Path<String>,
    request: Request,
) -> Response<Body> {
    let (parts, sent) = request.into_parts();
    // Nobody says anything in it, and a connection whose request was not read would be closed.
    body::discard(sent).await;
    match answer(&state, verb, &id, &parts).await {
        Ok(response) => response,
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(
    state: &ProxyState,
    verb: Verb,
    id: &str,
    parts: &Parts,
) -> Result<Response<Body>, Problem> {
    let (key, reading) = admit::reading(state, parts, Scope::ResponsesWrite).await?;
    let query = query(parts.uri.query().unwrap_or_default())?;
    let pin = state
        .pins
        .find(key.workspace, key.test, id)
        .await
        .map_err(|_| Problem::Unavailable)?
        // A key for some models reads nothing of the others.
        .filter(|pin| key.limits.allows_model(&pin.model))
        .ok_or(Problem::ResponseNotFound)?;
    let upstream = match key.test {
        true => state.upstreams.sandbox(),
        false => state.upstreams.get(pin.upstream),
    };
    let place = Place {
        upstream: upstream.ok_or(Problem::ResponseNotFound)?,
        model: pin.model,
    };
    let errand = Errand {
        place: &place,
        method: verb.method(),
        path: format!("responses/{id}{}{query}", verb.below()),
        forward: forward::headers(Dialect::Responses, &parts.headers),
    };
    let answered = errand::run(state, errand).await;
    let is_gone = matches!(answered, Err(Problem::ResponseNotFound));
    // Servers exist that know only some of these addresses: not found there says nothing of the response.
    let is_gone = is_gone && matches!(verb, Verb::Read | Verb::Delete);
    if (is_gone || (verb == Verb::Delete && answered.is_ok()))
        && let Err(error) = state.pins.forget(key.workspace, id).await
    {
        tracing::warn!(%error, "A deleted response is still known; its provider says that it is gone");
    }
    drop(reading);
    answered
}

/// The query as it goes on, with its question mark.
///
/// # Errors
/// [`Problem::InvalidBody`] when it asks for a stream: only a response that still runs has one, and none does here.
fn query(given: &str) -> Result<String, Problem> {
    let mut passed = String::new();
    for pair in given.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = name.replace("%5B", "[").replace("%5D", "]");
        if name == "stream" && !matches!(value, "" | "false") {
            return Err(malformed(BadRequest {
                detail: "`stream` is not offered for a stored response: read it whole".to_owned(),
                param: Some("stream"),
            }));
        }
        let is_plain = value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.~%+:".contains(&b));
        if PASSED.contains(&name.as_str()) && is_plain {
            passed.push(if passed.is_empty() { '?' } else { '&' });
            passed.push_str(&name.replace('[', "%5B").replace(']', "%5D"));
            passed.push('=');
            passed.push_str(value);
        }
    }
    passed.truncate(QUERY_MAX);
    Ok(passed)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_means_something_goes_on_and_no_key_does() {
        for (given, passed) in [
            ("", ""),
            ("key=sk-1&api_key=sk-2&limit=5", "?limit=5"),
            (
                "include[]=reasoning.encrypted_content&include%5B%5D=a.b&order=asc&stream=false",
                "?include%5B%5D=reasoning.encrypted_content&include%5B%5D=a.b&order=asc",
            ),
            ("after=msg_1&before=a/../b&after=x#y", "?after=msg_1"),
        ] {
            assert_eq!(query(given).unwrap(), passed, "{given}");
        }
        assert!(query("limit=1&stream=true").is_err());
    }
}
