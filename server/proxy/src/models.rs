//! Which models are for sale? Our own catalogue, whatever the upstreams do, in the shape of whoever asks: OpenAI's,
//! Anthropic's (told by its version header) or Google's (told by the path).

use axum::extract::{Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use domain::{Dialect, Problem, Scope};
use serde::{Deserialize, Serialize};
use server::catalog::ModelView;
use server::keys::KeyRecord;

use crate::account::{malformed, moment};
use crate::prices::with_tag;
use crate::serve::shown;
use crate::state::ProxyState;
use crate::voice::dialect_of;
use crate::{admit, codex, refuse};

/// The answer depends on the key, so nobody else may keep it; and a switched-off model must not be offered for longer.
const CACHING: &str = "private, no-cache";
/// Models of one page of Anthropic's list, when no number is named and at most.
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1_000;

#[derive(Serialize)]
#[serde(untagged)]
enum List {
    OpenAi {
        object: &'static str,
        data: Vec<Model>,
        /// Only Codex reads it, and only Codex says which version it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<Vec<codex::Model>>,
    },
    Anthropic {
        data: Vec<Model>,
        has_more: bool,
        first_id: Option<String>,
        last_id: Option<String>,
    },
    Google {
        models: Vec<Model>,
    },
}

/// A model as the SDKs of a dialect read it.
#[derive(Serialize)]
#[serde(untagged)]
enum Model {
    OpenAi {
        id: String,
        object: &'static str,
        /// Seconds since 1970 UTC.
        created: i64,
        owned_by: &'static str,
        /// Ours; the SDKs let it be.
        context_window: u64,
    },
    Anthropic {
        #[serde(rename = "type")]
        kind: &'static str,
        id: String,
        display_name: String,
        created_at: String,
        max_input_tokens: u64,
    },
    #[serde(rename_all = "camelCase")]
    Google {
        name: String,
        display_name: String,
        input_token_limit: u64,
        supported_generation_methods: [&'static str; 3],
    },
}

impl Model {
    fn of(model: ModelView, dialect: Dialect) -> Self {
        match dialect {
            Dialect::Chat | Dialect::Responses => Self::OpenAi {
                id: model.id,
                object: "model",
                created: model.created_at.div_euclid(1_000),
                owned_by: "farebox",
                context_window: model.context,
            },
            Dialect::Messages => Self::Anthropic {
                kind: "model",
                display_name: model.id.clone(),
                id: model.id,
                created_at: moment(model.created_at),
                max_input_tokens: model.context,
            },
            Dialect::Gemini => Self::Google {
                name: format!("models/{}", model.id),
                display_name: model.id,
                input_token_limit: model.context,
                supported_generation_methods: [
                    "generateContent",
                    "streamGenerateContent",
                    "countTokens",
                ],
            },
        }
    }
}

/// Which page of Anthropic's list.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    limit: Option<String>,
    after_id: Option<String>,
    before_id: Option<String>,
}

/// Nobody else names a version.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CodexAsks {
    client_version: Option<String>,
}

/// `GET /v1/models` and `GET /v1beta/models`: those that the key may call.
pub(crate) async fn list(State(state): State<ProxyState>, parts: Parts) -> Response {
    match listed(&state, &parts).await {
        Ok(list) => with_tag(&parts.headers, &list, CACHING),
        Err(problem) => refuse::answer(&state, &problem),
    }
}

async fn listed(state: &ProxyState, parts: &Parts) -> Result<List, Problem> {
    let key = admit::caller(state, parts, Scope::ModelsRead).await?;
    let models = callable(state, &key);
    let dialect = dialect_of(parts.uri.path(), &parts.headers);
    let written = |models: Vec<ModelView>| -> Vec<Model> {
        let models = models.into_iter();
        models.map(|model| Model::of(model, dialect)).collect()
    };
    Ok(match dialect {
        Dialect::Chat | Dialect::Responses => {
            let asked = Query::<CodexAsks>::try_from_uri(&parts.uri).unwrap_or_default();
            List::OpenAi {
                object: "list",
                models: asked
                    .client_version
                    .as_ref()
                    .map(|_| codex::models(&models)),
                data: written(models),
            }
        }
        Dialect::Gemini => List::Google {
            models: written(models),
        },
        Dialect::Messages => {
            let Query(page) = Query::<Page>::try_from_uri(&parts.uri)
                .map_err(|_| malformed("the query is not well formed", "query"))?;
            let (models, has_more) = page.of(models)?;
            List::Anthropic {
                first_id: models.first().map(|model| model.id.clone()),
                last_id: models.last().map(|model| model.id.clone()),
                data: written(models),
                has_more,
            }
        }
    })
}

impl Page {
    /// The models of this page, and whether others follow in the direction of reading.
    fn of(&self, mut models: Vec<ModelView>) -> Result<(Vec<ModelView>, bool), Problem> {
        let limit = match self.limit.as_deref().map(str::parse::<usize>) {
            None => LIMIT,
            Some(Ok(limit)) if (1..=LIMIT_MAX).contains(&limit) => limit,
            Some(_) => return Err(malformed("limit must be between 1 and 1000", "limit")),
        };
        let place = |id: &str, param: &'static str| {
            let place = models.iter().position(|model| model.id == id);
            place.ok_or_else(|| malformed(&format!("{param} names none of these models"), param))
        };
        match (&self.after_id, &self.before_id) {
            (Some(_), Some(_)) => Err(malformed(
                "give either after_id or before_id, not both",
                "before_id",
            )),
            (Some(id), None) => {
                let rest = models.split_off(place(id, "after_id")? + 1);
                Ok(first(rest, limit))
            }
            (None, Some(id)) => {
                models.truncate(place(id, "before_id")?);
                // The nearest ones, in the order of the list.
                let page = models.split_off(models.len().saturating_sub(limit));
                Ok((page, !models.is_empty()))
            }
            (None, None) => Ok(first(models, limit)),
        }
    }
}

fn first(mut models: Vec<ModelView>, limit: usize) -> (Vec<ModelView>, bool) {
    let has_more = models.len() > limit;
    models.truncate(limit);
    (models, has_more)
}

/// `GET /v1/models/{id}` and `GET /v1beta/models/{id}`; ids may contain slashes.
pub(crate) async fn one(
    State(state): State<ProxyState>,
    Path(id): Path<String>,
    parts: Parts,
) -> Response {
    match find(&state, &parts, &id).await {
        Ok(model) => {
            let dialect = dialect_of(parts.uri.path(), &parts.headers);
            with_tag(&parts.headers, &Model::of(model, dialect), CACHING)
        }
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

/// The models that the key may call, by id.
pub(crate) fn callable(state: &ProxyState, key: &KeyRecord) -> Vec<ModelView> {
    let mut models = state.catalog.models();
    models.retain(|model| key.limits.allows_model(&model.id));
    models
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn page(limit: &str, after: &str, before: &str) -> Result<(String, bool), Problem> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let page = Page {
            limit: given(limit),
            after_id: given(after),
            before_id: given(before),
        };
        let models = ["a", "b", "c", "d"].map(|id| ModelView {
            id: id.to_owned(),
            context: 1,
            created_at: 0,
            price_version: domain::ids::PriceId::from_uuid(uuid::Uuid::nil()),
            price: domain::Price::default(),
        });
        let (models, has_more) = page.of(models.into())?;
        let ids = models.iter().map(|model| model.id.as_str());
        Ok((ids.collect(), has_more))
    }

    #[test]
    fn pages_follow_one_another_in_both_directions() {
        for (limit, after, before, ids, has_more) in [
            ("", "", "", "abcd", false),
            ("3", "", "", "abc", true),
            ("3", "c", "", "d", false),
            ("1", "a", "", "b", true),
            ("2", "", "d", "bc", true),
            ("2", "", "c", "ab", false),
            ("2", "", "a", "", false),
            ("2", "d", "", "", false),
        ] {
            let found = page(limit, after, before).unwrap();
            assert_eq!(
                found,
                (ids.to_owned(), has_more),
                "{limit} {after} {before}"
            );
        }
        for (limit, after, before) in [("0", "", ""), ("x", "", ""), ("", "e", ""), ("", "a", "b")]
        {
            assert!(
                page(limit, after, before).is_err(),
                "{limit} {after} {before}"
            );
        }
    }
}
