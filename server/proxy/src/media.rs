//! How is a call served that is no conversation? By the same story as one ([`crate::serve`]): what differs is how the
//! request is read, which upstreams can be asked, and how much money is set aside.

use std::time::Instant;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response};
use domain::ids::CallId;
use domain::views::UnixMs;
use domain::{Amount, Bucket, Dialect, Price, PricePerMtok, Problem, Usage};
use futures::StreamExt;
use http_body_util::BodyExt;
use server::budgets::BudgetError;
use server::keys::KeyRecord;
use wire::media::{Endpoint, Media, legacy};
use wire::request::Request;

use crate::attempt::Place;
use crate::budget::{self, Covered};
use crate::pinned::Goal;
use crate::serve::{Inbound, malformed};
use crate::state::ProxyState;
use crate::voice::Voice;
use crate::{body, forward, models, serve};

/// `POST /v1/completions`, `/v1/embeddings`, `/v1/images/generations`, `/v1/audio/*`, `/v1/moderations`.
pub(crate) async fn answer(
    endpoint: Endpoint,
    State(state): State<ProxyState>,
    Extension(call): Extension<CallId>,
    request: axum::extract::Request,
) -> Response<Body> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    let served = call_of(&state, endpoint, call, began, &parts, body).await;
    serve::answered(&state, Dialect::Chat, began, served)
}

/// # Errors and cancellation
/// As those of a conversation.
async fn call_of(
    state: &ProxyState,
    endpoint: Endpoint,
    call: CallId,
    began: Instant,
    parts: &Parts,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let (key, permit) = match serve::admit(state, Dialect::Chat, parts).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let body = body::read(&state.config, &parts.headers, body).await?;
    let mut asked =
        wire::media::read(endpoint, content_type(&parts.headers), body).map_err(malformed)?;
    if asked.request.model.is_empty() {
        asked.request.model = moderation(state, &key)?;
    }
    let voice = Voice::of_path(parts.uri.path(), &parts.headers, call.to_string());
    let is_said =
        asked.media.is_text() && serve::only_converses(state, &key, &asked.request.model)?;
    let (request, media) = if is_said {
        let chat = legacy::as_chat(&asked.request).map_err(malformed)?;
        let request = Request::read(Dialect::Chat, chat).map_err(malformed)?;
        (request, None)
    } else {
        (asked.request, Some(asked.media))
    };
    let inbound = Inbound {
        request,
        media,
        voice: voice.to(&key, &state.texts),
        forward: forward::headers(Dialect::Chat, &parts.headers),
        goal: Goal::Answer,
    };
    let response = serve::metered(state, call, began, key, permit, inbound).await?;
    match is_said {
        true => continued(response).await,
        false => Ok(response),
    }
}

/// An answer in chat, which is paid for, as the former endpoint would have given it.
async fn continued(response: Response<Body>) -> Result<Response<Body>, Problem> {
    let (parts, body) = response.into_parts();
    let is_stream = content_type(&parts.headers).is_some_and(|kind| kind.starts_with("text/"));
    if !is_stream {
        let body = body.collect().await.map_err(|_| Problem::Internal)?;
        let text = legacy::from_chat(&body.to_bytes()).ok_or(Problem::Internal)?;
        return Ok(Response::from_parts(parts, Body::from(text)));
    }
    let mut rewritten = legacy::Rewritten::default();
    let pieces = body.into_data_stream().map(move |piece| {
        let piece = piece.map_err(std::io::Error::other)?;
        rewritten.push(&piece).map_err(std::io::Error::other)
    });
    Ok(Response::from_parts(parts, Body::from_stream(pieces)))
}

/// As which type a body came.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
}

/// The model of a moderation that names none: the first by name that has `moderation` in it and that the key may call.
fn moderation(state: &ProxyState, key: &KeyRecord) -> Result<String, Problem> {
    let found = models::callable(state, key)
        .into_iter()
        .find(|model| !key.test && model.id.contains("moderation"));
    found
        .map(|model| model.id)
        .ok_or_else(|| Problem::InvalidBody {
            detail: "`model` is missing, and no model for moderation is offered here".to_owned(),
            param: Some("model"),
        })
}

/// The places that have such endpoints.
///
/// # Errors
/// [`Problem::InvalidBody`] when the model is served at none.
pub(crate) fn places(places: Vec<Place>) -> Result<Vec<Place>, Problem> {
    let places: Vec<Place> = places
        .into_iter()
        .filter(|place| place.upstream.dialect.is_openai() && !place.upstream.is_sandbox())
        .collect();
    if places.is_empty() {
        return Err(Problem::InvalidBody {
            detail: "this model takes conversations only: call it at /v1/chat/completions, /v1/responses or /v1/messages"
                .to_owned(),
            param: Some("model"),
        });
    }
    Ok(places)
}

/// Sets aside what the call can cost at most, as far as that is known before: nothing of it can be made shorter, so it is
/// all or nothing. `prompt` is what its text alone can cost.
///
/// # Errors
/// [`Problem::OutOfCredit`] when the wallet, [`Problem::KeyLimitReached`] when a limit of the key cannot cover it,
/// [`Problem::CreditBusy`], [`Problem::Unavailable`].
pub(crate) async fn cover(
    state: &ProxyState,
    key: &KeyRecord,
    created_at: UnixMs,
    prompt: Amount,
    price: &Price,
    media: &Media,
) -> Result<Covered, Problem> {
    let amount = most(prompt, price, media).ok_or_else(|| Problem::InvalidBody {
        detail: "the answer could cost more than any wallet holds; ask for less".to_owned(),
        param: None,
    })?;
    let of_key = match state.budgets.hold(key, amount, created_at).await {
        Ok(hold) => hold,
        Err(BudgetError::Reached { period, .. }) => {
            return Err(Problem::KeyLimitReached { period });
        }
        Err(other) => return Err(budget::problem(&other.into())),
    };
    let hold = state.ledger.hold(key.workspace, amount).await;
    let hold = hold.map_err(|error| budget::problem(&error))?;
    Ok(Covered {
        hold: hold.within(of_key),
        lowered_max_tokens: None,
    })
}

fn most(prompt: Amount, price: &Price, media: &Media) -> Option<Amount> {
    let (heard, answer, units) = media.at_most();
    let tokens = price.ceiling(heard, answer).ok()?;
    let units = price.charge(&Usage {
        units,
        ..Usage::ZERO
    });
    Amount::sum([prompt, tokens, units.ok()?]).ok()
}

const FREE: PricePerMtok = PricePerMtok::FREE;

/// Whether a report tells of units alone, and the price of tokens alone: then it says nothing that could be charged.
pub(crate) fn is_unpriced(usage: &Usage, price: &Price) -> bool {
    let has_tokens = |bucket: &Bucket| bucket.counts_tokens() && price.get(*bucket) > FREE;
    usage.total() == 0
        && usage.units > 0
        && price.units == FREE
        && Bucket::ALL.iter().any(has_tokens)
}

/// What a call made is counted once: in tokens where those that it made have a price, and otherwise in units, if these
/// have one. `answer` is the answer's body.
pub(crate) fn once(media: &Media, usage: Usage, price: &Price, answer: Option<&[u8]>) -> Usage {
    let is_priced = |bucket: &Bucket| usage.count(*bucket) > 0 && price.get(*bucket) > FREE;
    let units = if media.work().iter().any(is_priced) {
        0
    } else if usage.units > 0 || price.units == FREE {
        usage.units
    } else {
        media.units_of(answer)
    };
    Usage { units, ..usage }.clamped()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_was_made_is_charged_once_and_never_for_nothing() {
        let usd = |text| PricePerMtok::parse_usd(text).unwrap();
        let one = usd("1");
        let by_unit = Price {
            units: one,
            ..Price::default()
        };
        let by_token = Price::of(one, one, one);
        let words_and_units = Price {
            input: one,
            ..by_unit
        };
        let all = Price {
            units: one,
            ..by_token
        };
        let zero = Usage::ZERO;
        let images = (
            Endpoint::Images,
            r#"{"model":"m","prompt":"p","n":2}"#,
            r#"{"data":[{},{}]}"#,
        );
        let speech = (Endpoint::Speech, r#"{"model":"m","input":"abc"}"#, "");
        let painted = Usage {
            input: 10,
            image_output: 500,
            ..zero
        };
        let spoken = Usage {
            audio_output: 4,
            units: 3,
            ..zero
        };
        for ((endpoint, asked, answer), usage, price, units) in [
            (images, painted, by_token, 0),
            (images, painted, all, 0),
            (images, painted, by_unit, 2),
            (images, painted, words_and_units, 2),
            // Nothing was made, as far as the report tells.
            (images, Usage { input: 10, ..zero }, all, 2),
            (images, painted, Price::default(), 0),
            (speech, spoken, by_unit, 3),
            (speech, spoken, all, 0),
            (
                speech,
                Usage {
                    audio_output: 4,
                    ..zero
                },
                by_unit,
                3,
            ),
        ] {
            let asked = wire::media::read(endpoint, None, Bytes::from(asked));
            let media = asked.map_err(|bad| bad.detail).unwrap().media;
            let found = once(&media, usage, &price, Some(answer.as_bytes()));
            assert_eq!(found, Usage { units, ..usage }, "{usage:?} {price:?}");
        }
        let heard = Usage {
            units: 3_000,
            ..zero
        };
        for (usage, price, wanted) in [
            (heard, by_token, true),
            (heard, all, false),
            (heard, Price::default(), false),
            (spoken, by_token, false),
            (zero, by_token, false),
        ] {
            assert_eq!(is_unpriced(&usage, &price), wanted, "{usage:?} {price:?}");
        }
    }
}
