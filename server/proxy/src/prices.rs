//! `GET /v1/prices` and `GET /v1/prices/{model}`: what does a call cost, since when, and what will it cost? For everybody.
//!
//! No key: the page shows the same to strangers, and a program that compares shops has none. It is read from memory and
//! the same for all, so it can be cached: the answer has a tag, and is fresh for a minute or until the next price
//! starts, whichever is sooner.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::PriceId;
use domain::price_rule::Effort;
use domain::views::UnixMs;
use domain::{Bucket, Price, Problem, Unit};
use serde::Serialize;
use server::catalog::{InForce, Published, PublishedPrice, Variant};
use server::secrets::hex;
use sha2::{Digest, Sha256};

use crate::account::moment;
use crate::refuse;
use crate::serve::shown;
use crate::state::ProxyState;

/// Seconds for which an answer may be used again without asking.
const FRESH: i64 = 60;

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Entry>,
}

/// A model for sale.
#[derive(Serialize)]
struct Entry {
    object: &'static str,
    id: String,
    context_window: u64,
    /// The version by which a call of this moment is charged.
    price: Version,
    /// The version after it, when one is announced.
    next: Option<Version>,
    /// Every version, the latest start first; only where a single model was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<Version>>,
}

/// A version of a price: never changed, and named by every call that is charged by it.
#[derive(Serialize)]
struct Version {
    id: PriceId,
    effective_from: String,
    effective_until: Option<String>,
    /// `announced`, `in_force` or `replaced`.
    status: &'static str,
    usd_per_million: PerMillion,
    /// What `units` counts: `millisecond`, `character` or `image`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    /// Its prices for some of the calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    variants: Vec<ForSome>,
}

/// Another price of a version: for a tier, an effort, or long prompts. A call is charged by one row, the most exact.
#[derive(Serialize)]
struct ForSome {
    id: PriceId,
    tier: &'static str,
    /// `None`: whatever effort has no price of its own.
    effort: Option<&'static str>,
    /// From how many prompt tokens on.
    prompt_tokens_from: u64,
    usd_per_million: PerMillion,
}

/// US dollars per million tokens, uses, units or calls, exactly. Input, cached input and output always; another bucket
/// where its price is not that of input or output, or not nothing.
type PerMillion = BTreeMap<&'static str, String>;

fn per_million(price: &Price) -> PerMillion {
    Bucket::ALL
        .into_iter()
        .filter(|bucket| price.tells(*bucket))
        .map(|bucket| (bucket.id(), price.get(bucket).to_usd_string()))
        .collect()
}

impl From<&Variant> for ForSome {
    fn from(variant: &Variant) -> Self {
        Self {
            id: variant.id,
            tier: variant.terms.tier.id(),
            effort: variant.terms.effort.map(Effort::id),
            prompt_tokens_from: variant.terms.prompt_from,
            usd_per_million: per_million(&variant.price),
        }
    }
}

impl From<&PublishedPrice> for Version {
    fn from(version: &PublishedPrice) -> Self {
        Self {
            id: version.id,
            effective_from: moment(version.from),
            effective_until: version.until.map(moment),
            status: match version.in_force {
                InForce::NotYet => "announced",
                InForce::Now => "in_force",
                InForce::NoLonger => "replaced",
            },
            usd_per_million: per_million(&version.price),
            unit: version.price.unit.map(Unit::id),
            variants: version.variants.iter().map(ForSome::from).collect(),
        }
    }
}

impl Entry {
    fn of(model: &Published) -> Self {
        Self {
            object: "model_price",
            id: model.id.clone(),
            context_window: model.context,
            price: (&model.now).into(),
            next: model.next().map(Version::from),
            versions: None,
        }
    }

    fn with_versions(model: &Published) -> Self {
        Self {
            versions: Some(model.versions.iter().map(Version::from).collect()),
            ..Self::of(model)
        }
    }
}

/// `GET /v1/prices`: every model for sale.
pub(crate) async fn list(State(state): State<ProxyState>, headers: HeaderMap) -> Response {
    let now = state.clock.now_ms();
    let models = state.catalog.published();
    let list = List {
        object: "list",
        data: models.iter().map(Entry::of).collect(),
    };
    tagged(&headers, &list, fresh_for(&models, now))
}

/// `GET /v1/prices/{model}`: one model with every version of its price; names may contain slashes.
pub(crate) async fn one(
    State(state): State<ProxyState>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let now = state.clock.now_ms();
    let wanted = id.trim_end_matches('/');
    match state.catalog.published_model(wanted) {
        Some(model) => {
            let entry = Entry::with_versions(&model);
            tagged(&headers, &entry, fresh_for(&[model], now))
        }
        None => refuse::answer(
            &state,
            &Problem::ModelNotFound {
                model: shown(wanted),
            },
        ),
    }
}

/// Whole seconds until the next of these prices starts, at most [`FRESH`].
fn fresh_for(models: &[Published], now: UnixMs) -> i64 {
    let starts = models.iter().filter_map(Published::next);
    let soonest = starts.map(|version| version.from).min();
    soonest.map_or(FRESH, |start| ((start - now) / 1_000).clamp(0, FRESH))
}

fn tagged(asked: &HeaderMap, answer: &impl Serialize, fresh: i64) -> Response {
    let caching = format!("public, max-age={fresh}, must-revalidate");
    with_tag(asked, answer, &caching)
}

/// The answer with its tag, or word that the asker has it already.
pub(crate) fn with_tag(asked: &HeaderMap, answer: &impl Serialize, caching: &str) -> Response {
    let body = serde_json::to_vec(answer).expect("strings and numbers always serialise");
    let tag = format!("\"{}\"", &hex(&Sha256::digest(&body))[..32]);
    let mut response = if is_known(asked, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], body).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [(ETAG, tag.as_str()), (CACHE_CONTROL, caching)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}

/// Whether the asker named this tag; one that a compressing proxy marked as weak counts too.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_tag_is_known_in_every_form_that_proxies_make_of_it() {
        for (line, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, line.parse().unwrap());
            assert_eq!(is_known(&headers, "\"a\""), known, "{line}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
