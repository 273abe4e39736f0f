//! What does a request for content ask for?

use std::borrow::Cow;

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::{Asked, Effort, Tier};
use serde::Deserialize;
use serde_json::value::RawValue;

pub use super::prompt::read as prompt;
use crate::fields::{given, list, not_json, pick};
use crate::request::{BadRequest, Places, Request, TOKENS_MAX, places};
use crate::text::measure;

/// The fields of a body. Each has two names: the one of Google's JSON, and the one of its definitions, which it takes too.
pub(super) struct Fields<'a> {
    pub(super) contents: Option<&'a RawValue>,
    pub(super) system: Option<&'a RawValue>,
    pub(super) tools: Option<&'a RawValue>,
    pub(super) tool_config: Option<&'a RawValue>,
    pub(super) config: Option<&'a RawValue>,
    pub(super) cached: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    /// # Errors
    /// When the body is no JSON object, or names a field twice.
    pub(super) fn of(body: &'a [u8]) -> Result<Self, BadRequest> {
        let [
            contents,
            tools,
            system,
            system_too,
            tool_config,
            tool_config_too,
            config,
            config_too,
            cached,
            cached_too,
        ] = pick(
            body,
            [
                "contents",
                "tools",
                "systemInstruction",
                "system_instruction",
                "toolConfig",
                "tool_config",
                "generationConfig",
                "generation_config",
                "cachedContent",
                "cached_content",
            ],
        )?;
        let one = |name: &'static str, first, second| match (given(first), given(second)) {
            (Some(_), Some(_)) => Err(BadRequest::new(
                name,
                format!("`{name}` is given under both of its names"),
            )),
            (first, second) => Ok(first.or(second)),
        };
        Ok(Self {
            contents: given(contents),
            system: one("systemInstruction", system, system_too)?,
            tools: given(tools),
            tool_config: one("toolConfig", tool_config, tool_config_too)?,
            config: one("generationConfig", config, config_too)?,
            cached: one("cachedContent", cached, cached_too)?,
        })
    }
}

/// How an answer is generated.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Config<'a> {
    #[serde(alias = "max_output_tokens")]
    pub(super) max_output_tokens: Option<u64>,
    #[serde(alias = "candidate_count")]
    pub(super) candidate_count: Option<u64>,
    pub(super) temperature: Option<f64>,
    #[serde(alias = "top_p")]
    pub(super) top_p: Option<f64>,
    /// Some SDKs write it with a point.
    #[serde(alias = "top_k")]
    pub(super) top_k: Option<f64>,
    pub(super) seed: Option<i64>,
    #[serde(alias = "presence_penalty")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(alias = "stop_sequences")]
    pub(super) stop_sequences: Option<Vec<String>>,
    #[serde(borrow, alias = "response_mime_type")]
    pub(super) response_mime_type: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "response_schema")]
    pub(super) response_schema: Option<&'a RawValue>,
    #[serde(borrow, alias = "response_json_schema")]
    pub(super) response_json_schema: Option<&'a RawValue>,
    #[serde(alias = "response_logprobs")]
    pub(super) response_logprobs: Option<bool>,
    #[serde(alias = "response_modalities")]
    pub(super) response_modalities: Option<Vec<String>>,
    #[serde(borrow, alias = "thinking_config")]
    pub(super) thinking_config: Option<ThinkingConfig<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ThinkingConfig<'a> {
    /// -1: as much as the model likes.
    #[serde(alias = "thinking_budget")]
    pub(super) thinking_budget: Option<i64>,
    #[serde(borrow, alias = "thinking_level")]
    pub(super) thinking_level: Option<Cow<'a, str>>,
}

pub(super) const CONFIG: &str = "generationConfig";

/// # Errors
/// When it is there and not what it must be.
pub(super) fn config(raw: Option<&RawValue>) -> Result<Config<'_>, BadRequest> {
    match raw.map(|raw| serde_json::from_str(raw.get())) {
        None => Ok(Config::default()),
        Some(Ok(config)) => Ok(config),
        Some(Err(_)) => Err(BadRequest::new(
            CONFIG,
            "a field of `generationConfig` is not what it must be",
        )),
    }
}

/// Reads the body of `POST /v1beta/models/{model}:generateContent`, or of its stream.
///
/// # Errors
/// [`BadRequest`] when it is no JSON object with contents, or a number is out of range.
pub fn read(model: &str, stream: bool, body: Bytes) -> Result<Request, BadRequest> {
    let fields = Fields::of(&body)?;
    let contents = list(fields.contents, "contents", "content")?;
    let config = config(fields.config)?;
    let max_tokens = config.max_output_tokens;
    if max_tokens.is_some_and(|max| !(1..=TOKENS_MAX).contains(&max)) {
        return Err(BadRequest::new(
            CONFIG,
            format!("`maxOutputTokens` must be a whole number from 1 to {TOKENS_MAX}"),
        ));
    }
    let mut size = measure(contents.get().as_bytes()).map_err(|error| not_json(&error))?;
    let extras = [fields.system, fields.tools, fields.config];
    for raw in extras.into_iter().flatten() {
        size.text_bytes += raw.get().len() as u64;
    }
    let level = config
        .thinking_config
        .as_ref()
        .and_then(|thinking| thinking.thinking_level.as_deref())
        .map(str::to_ascii_lowercase);
    let asked = Asked {
        tier: Tier::Default,
        effort: level.as_deref().and_then(Effort::read),
    };
    let read_by_model = places(
        &body,
        [Some(contents), fields.system, fields.tools, fields.config],
    );
    Ok(Request {
        dialect: Dialect::Gemini,
        model: model.to_owned(),
        stream,
        array: false,
        wants_usage: true,
        max_tokens,
        choices: 1,
        size,
        asked,
        // No upstream speaks it.
        hosted: None,
        places: Places {
            model: None,
            stream_options: None,
            max_tokens: Vec::new(),
            max_tokens_name: "maxOutputTokens",
            read_by_model,
        },
        body,
    })
}
