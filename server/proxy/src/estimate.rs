//! `POST /v1/estimate`: what would this call cost, and how much is set aside for it? Nothing is called, charged or kept.
//!
//! With a key, as elsewhere (Anthropic's and OpenAI's counting of tokens want theirs): counting a long prompt takes a
//! core for a while, which nobody unknown should have for the asking. The scope is `models:read`, because an answer
//! tells prices and nothing about the account. It counts as a request of the key, and few of a workspace run at once.
//!
//! The prompt is read, counted and dropped: it is in no row, no log, no figure and no error.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::formula::picos_to_usd;
use domain::ids::PriceId;
use domain::{Dialect, Formula, Price, Problem, Scope, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use server::catalog::{Model, PriceVersion};
use server::keys::KeyRecord;
use wire::count::Family;
use wire::request::Request as ModelRequest;

use crate::account::{Money, Part, malformed, parts};
use crate::attempt::Place;
use crate::budget::{Budget, hold_of_tokens};
use crate::serve::{self, is_of_sandbox, shown};
use crate::state::ProxyState;
use crate::{admit, body, count, refuse, tokens};

#[derive(Serialize)]
struct Answer {
    object: &'static str,
    model: String,
    /// By which such a call would be charged now; `None` for the sandbox through a test key, which costs nothing.
    price_version: Option<PriceId>,
    /// What is set aside when it begins.
    hold: Money,
    expected: Expected,
}

/// What it would come to.
#[derive(Serialize)]
struct Expected {
    tokens: Tokens,
    /// What is taken for the length of the answer: `expected_output_tokens`, `max_tokens`, `tokens`, or `nothing` when
    /// the request says neither: then this is the prompt alone.
    output_from: &'static str,
    parts: Vec<Part>,
    sum_usd: String,
    cost: Money,
}

/// Disjoint buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tokens {
    input: u64,
    cached_input: u64,
    output: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cache_write_1h: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_input: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_input: u64,
    /// How many of `output`.
    #[serde(skip_serializing_if = "is_zero")]
    reasoning: u64,
    #[serde(skip_serializing_if = "is_zero")]
    audio_output: u64,
    #[serde(skip_serializing_if = "is_zero")]
    image_output: u64,
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What the body says: a request as it would be sent, or how many tokens it will use.
enum Asked {
    Chat {
        request: ModelRequest,
        /// For one answer.
        expected_output: Option<u64>,
    },
    Counts {
        model: String,
        tokens: Tokens,
    },
}

/// The fields that are ours, beside those of a chat request.
#[derive(Deserialize)]
struct Ours<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    expected_output_tokens: Option<&'a RawValue>,
}

pub(crate) async fn estimate(State(state): State<ProxyState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match answer(&state, &parts, body).await {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn answer(state: &ProxyState, parts: &Parts, body: Body) -> Result<Answer, Problem> {
    let (key, reading) = match admit::reading(state, parts, Scope::ModelsRead).await {
        Ok(admitted) => admitted,
        Err(problem) => {
            body::discard(body).await;
            return Err(problem);
        }
    };
    let asked = Asked::read(body::read(&state.config, &parts.headers, body).await?)?;
    admit::may_call(&key, asked.model())?;
    let offer = offer(state, &key, asked.model())?;
    count::worked_out(reading, move || asked.work_out(&offer)).await?
}

/// What a model costs now.
struct Offer {
    model: Arc<Model>,
    version: PriceVersion,
    /// Where such a call would be served; the sandbox is not named.
    places: Vec<Place>,
    /// Of the sandbox, for a test key: it costs nothing, and no published price says so.
    free: bool,
}

fn offer(state: &ProxyState, key: &KeyRecord, name: &str) -> Result<Offer, Problem> {
    if key.test && is_of_sandbox(name) {
        return Ok(Offer {
            model: Arc::new(Model::free(name)),
            version: PriceVersion::plain(PriceId::from_uuid(uuid::Uuid::nil()), Price::default()),
            places: Vec::new(),
            free: true,
        });
    }
    let unknown = || Problem::ModelNotFound { model: shown(name) };
    let snapshot = state.catalog.snapshot();
    let model = snapshot.model(name).ok_or_else(unknown)?.clone();
    let version = model
        .price_at(state.clock.now_ms())
        .ok_or_else(unknown)?
        .clone();
    Ok(Offer {
        places: serve::places(state, &model),
        model,
        version,
        free: false,
    })
}

impl Asked {
    fn read(body: Bytes) -> Result<Self, Problem> {
        let expected_output = match serde_json::from_slice::<Ours<'_>>(&body) {
            Ok(ours) if ours.messages.is_none() && ours.tokens.is_some() => return ours.counts(),
            Ok(ours) if ours.tokens.is_some() => {
                return Err(malformed(
                    "give either `messages` or `tokens`, not both",
                    "tokens",
                ));
            }
            Ok(ours) => ours
                .expected_output_tokens
                .map(|raw| count(raw, "expected_output_tokens"))
                .transpose()?,
            // What is wrong with it is for the reader of chat requests to say.
            Err(_) => None,
        };
        let request = ModelRequest::read(Dialect::Chat, body).map_err(crate::serve::malformed)?;
        Ok(Self::Chat {
            request,
            expected_output,
        })
    }

    fn model(&self) -> &str {
        match self {
            Self::Chat { request, .. } => &request.model,
            Self::Counts { model, .. } => model,
        }
    }

    fn work_out(self, offer: &Offer) -> Result<Answer, Problem> {
        let version = &offer.version;
        let (model, asked, tokens, output_from, hold) = match self {
            Self::Chat {
                request,
                expected_output,
            } => {
                let places = &offer.places;
                let hosted = request.hosted.filter(|_| serve::is_told(places, &request));
                let budget = Budget::of(&request, &offer.model, version, 0, hosted);
                let (output, from) = match (expected_output, request.max_tokens) {
                    (Some(expected), _) => (expected, "expected_output_tokens"),
                    (None, Some(max)) => (max, "max_tokens"),
                    (None, None) => (0, "nothing"),
                };
                let there = offer.model.routes.iter();
                let there = there.map(|route| route.upstream_model.as_str());
                let family = Family::of(there.chain([request.model.as_str()]));
                let tokens = Tokens {
                    input: request.tokens(family, &tokens::encoded),
                    output: budget.at_most(output).saturating_mul(request.choices),
                    ..Tokens::default()
                };
                let hold = budget.first_hold(&request)?;
                (request.model, request.asked, tokens, from, hold)
            }
            Self::Counts { model, tokens } => {
                let asked = domain::price_rule::Asked::default();
                let used = Usage::from(tokens);
                let dearest = version.dearest(asked, used.prompt());
                let hold = hold_of_tokens(&dearest, used.prompt(), used.answer())
                    .ok_or_else(|| dear("tokens"))?;
                (model, asked, tokens, "tokens", hold)
            }
        };
        let used = Usage::from(tokens);
        let (price_id, price) = version.for_call(asked, &used);
        let formula = Formula::of(price, &used).map_err(|_| dear(output_from))?;
        Ok(Answer {
            object: "estimate",
            model,
            price_version: (!offer.free).then_some(price_id),
            hold: hold.into(),
            expected: Expected {
                tokens,
                output_from,
                parts: parts(&formula),
                sum_usd: picos_to_usd(formula.picos),
                cost: formula.charge.into(),
            },
        })
    }
}

impl Ours<'_> {
    fn counts(&self) -> Result<Asked, Problem> {
        let model = self
            .model
            .ok_or_else(|| malformed("`model` is missing", "model"))?;
        let model = serde_json::from_str(model.get())
            .map_err(|_| malformed("`model` must be a string", "model"))?;
        // What serde says about it could quote it.
        let tokens = self
            .tokens
            .and_then(|raw| serde_json::from_str::<Tokens>(raw.get()).ok())
            .filter(Tokens::are_possible)
            .ok_or_else(|| {
                malformed(
                    "`tokens` takes whole numbers as `input`, `cached_input`, `output` and the other buckets of tokens, none above 1099511627776",
                    "tokens",
                )
            })?;
        Ok(Asked::Counts { model, tokens })
    }
}

impl Tokens {
    fn are_possible(&self) -> bool {
        !Usage::from(*self).clamped().flagged
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Self {
            input: tokens.input,
            cached_input: tokens.cached_input,
            cache_write: tokens.cache_write,
            cache_write_1h: tokens.cache_write_1h,
            audio_input: tokens.audio_input,
            image_input: tokens.image_input,
            output: tokens.output,
            reasoning: tokens.reasoning,
            audio_output: tokens.audio_output,
            image_output: tokens.image_output,
            ..Self::default()
        }
    }
}

fn count(raw: &RawValue, name: &'static str) -> Result<u64, Problem> {
    let count = raw.get().parse::<u64>().ok();
    count
        .filter(|count| *count <= Usage::TOKENS_MAX)
        .ok_or_else(|| {
            malformed(
                &format!("`{name}` must be a whole number of at most 1099511627776"),
                name,
            )
        })
}

fn dear(param: &'static str) -> Problem {
    malformed("so many tokens cost more than any wallet holds", param)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn offer() -> Offer {
        let price = |usd| domain::PricePerMtok::parse_usd(usd).unwrap();
        Offer {
            model: Arc::new(Model::free("m")),
            version: PriceVersion::plain(
                PriceId::from_uuid(uuid::Uuid::nil()),
                Price::of(price("2.50"), price("1.25"), price("10.00")),
            ),
            places: Vec::new(),
            free: true,
        }
    }

    fn worked_out(json: &str) -> Result<Answer, Problem> {
        Asked::read(Bytes::from(json.to_owned()))?.work_out(&offer())
    }

    #[test]
    fn the_length_of_the_answer_is_taken_from_what_is_said_about_it() {
        let chat = r#"{"model": "m", "messages": [{"content": "hello"}]"#;
        for (more, from, output) in [
            ("}", "nothing", 0),
            (r#", "max_tokens": 100}"#, "max_tokens", 100),
            (
                r#", "max_tokens": 100, "n": 2, "expected_output_tokens": 40}"#,
                "expected_output_tokens",
                80,
            ),
        ] {
            let answer = worked_out(&format!("{chat}{more}"))
                .map_err(|_| more)
                .unwrap();
            assert_eq!(
                (answer.expected.output_from, answer.expected.tokens.output),
                (from, output)
            );
            assert!(answer.expected.tokens.input > 0 && answer.expected.tokens.cached_input == 0);
        }
    }

    #[test]
    fn bad_bodies_say_where_and_quote_nothing() {
        for (json, param) in [
            (r#"{"tokens": {"input": 1}}"#, Some("model")),
            (
                r#"{"model": "m", "tokens": {"input": "canary"}}"#,
                Some("tokens"),
            ),
            (r#"{"model": "m", "tokens": {"canary": 1}}"#, Some("tokens")),
            (
                r#"{"model": "m", "tokens": {"input": 1099511627777}}"#,
                Some("tokens"),
            ),
            (
                r#"{"model": "m", "tokens": {"output": 1.5}}"#,
                Some("tokens"),
            ),
            (
                r#"{"model": "m", "tokens": {}, "messages": [{}]}"#,
                Some("tokens"),
            ),
            (r#"{"model": "m"}"#, Some("messages")),
            (
                r#"{"model": "m", "messages": [{}], "expected_output_tokens": "canary"}"#,
                Some("expected_output_tokens"),
            ),
            ("canary", None),
        ] {
            match worked_out(json) {
                Err(Problem::InvalidBody {
                    detail,
                    param: said,
                }) => {
                    assert_eq!(said, param, "{json}");
                    assert!(!detail.contains("canary"), "{json}: {detail}");
                }
                _ => panic!("{json} was not refused as it should be"),
            }
        }
    }
}
