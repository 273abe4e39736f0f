//! What does a request for messages ask for?

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::{Asked, Effort, Tier};
use serde_json::value::RawValue;

use super::documents::plain_texts;
pub use super::prompt::read as prompt;
pub(crate) use super::write::FORMAT;
pub use super::write::{version, write};
use crate::fields::{flag, given, list, not_json, number, pick, place, text};
use crate::hosted::Hosted;
use crate::request::{BadRequest, Places, Request, TOKENS_MAX, places};
use crate::text::measure;

/// Reads the body of `POST /v1/messages`.
///
/// # Errors
/// [`BadRequest`] when it is no JSON object with a model, messages and a maximum of answer tokens, or a number is out of
/// range.
pub fn read(body: Bytes) -> Result<Request, BadRequest> {
    let [
        raw_model,
        messages,
        stream,
        max_tokens,
        system,
        tools,
        output_config,
        service_tier,
        speed,
    ] = pick(
        &body,
        [
            "model",
            "messages",
            "stream",
            "max_tokens",
            "system",
            "tools",
            "output_config",
            "service_tier",
            "speed",
        ],
    )?;
    let model = text(raw_model, "model")?;
    let messages = list(messages, "messages", "message")?;
    let stream = flag(stream, "stream")?;
    // With none, Anthropic only fills its cache.
    let max = number(max_tokens, "max_tokens", 0, TOKENS_MAX)?
        .ok_or_else(|| BadRequest::new("max_tokens", "`max_tokens` is missing"))?;
    let mut size = measure(messages.get().as_bytes()).map_err(|error| not_json(&error))?;
    let extras = [system, tools, output_config];
    for raw in extras.into_iter().filter_map(given) {
        size.text_bytes += raw.get().len() as u64;
    }
    let mut read_by_model = places(&body, [Some(messages), system, tools, output_config]);
    // A document that is plain text stands where others have their bytes; the model reads it as text.
    for document in plain_texts(messages) {
        size.text_bytes += document.get().len() as u64;
        read_by_model.push(place(&body, document));
    }
    let word = |raw: Option<&RawValue>| {
        given(raw).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
    };
    let effort = match given(output_config).filter(|raw| raw.get().starts_with('{')) {
        // Twice or in another case, it could be read differently by who gets it next.
        Some(config) => word(pick(config.get().as_bytes(), ["effort"])?[0]),
        None => None,
    };
    let tier = match word(speed).as_deref() {
        Some("fast") => Tier::Fast,
        _ => Tier::read(word(service_tier).as_deref()),
    };
    Ok(Request {
        dialect: Dialect::Messages,
        model,
        stream,
        array: false,
        // The dialect has no choice.
        wants_usage: true,
        max_tokens: Some(max),
        choices: 1,
        size,
        asked: Asked {
            tier,
            effort: effort.as_deref().and_then(Effort::read),
        },
        hosted: Hosted::of_messages(tools),
        places: Places {
            model: raw_model.map(|raw| place(&body, raw)),
            stream_options: None,
            max_tokens: max_tokens
                .map(|raw| place(&body, raw))
                .into_iter()
                .collect(),
            max_tokens_name: "max_tokens",
            read_by_model,
        },
        body,
    })
}
