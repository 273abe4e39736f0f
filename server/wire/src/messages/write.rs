//! How is a request of another dialect written for Anthropic?
//!
//! What it cannot say is left out: penalties, seeds. What is kept in a cache [`super::cache`] decides. What it says in
//! other words:
//! - A temperature above 1 is 1, the highest it knows; where both are given, it wins over `top_p`, because newer models
//!   refuse the two together. Neither goes with thinking.
//! - It must know how long an answer may be: [`MAX_TOKENS`] where the caller did not say.
//! - A JSON object without a schema is asked for in words ([`JSON_ONLY`]); with a schema it is `output_config.format`,
//!   with the schema as [`super::schema`] writes it. One that Anthropic cannot keep to is asked for in words too, unless
//!   the caller was promised that it is kept to; a strict tool with such a schema is an ordinary one.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::cache::{self, Mark};
use super::schema::{Fitted, Room, Unfit, fit};
use super::thinking::{Thinking, effort, keeps_to_schemas, takes_sampling};
use super::turns::{Conversation, Message, TextBlock};
use crate::neutral::{Choice, Format, Prompt, Tool, ToolKind, custom};
use crate::request::BadRequest;

/// How long an answer may be where the caller left it to the model: what its older models can at most, and more than
/// answers have. Whoever pays for less lowers it.
pub const MAX_TOKENS: u64 = 32_000;

/// How a JSON object is asked for, which has no field of its own.
const JSON_ONLY: &str =
    "Answer with one JSON object and nothing else: no words around it, no code fence.";

/// How JSON of a shape that Anthropic cannot keep to is asked for; the schema follows.
const JSON_BY_SCHEMA: &str = "Answer with JSON that fits this schema and with nothing else: no words around it, no code fence.";

/// Where the answer's shape is asked for, by chat's name.
pub(crate) const FORMAT: &str = "response_format";

/// Which `anthropic-version` a request of ours is written in. The later one refuses a temperature, `top_p` and `top_k`,
/// and has nothing that we write and the first one lacks.
#[must_use]
pub const fn version(_: &Prompt) -> &'static str {
    "2023-06-01"
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u64,
    #[serde(skip_serializing_if = "is_false")]
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<TextBlock<'a>>,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ToolChoice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[derive(Serialize)]
pub(super) struct Offered<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Mark>,
}

#[derive(Serialize)]
struct ToolChoice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<OutputFormat<'a>>,
}

#[derive(Serialize)]
struct OutputFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    schema: &'a RawValue,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// The body for an upstream that speaks messages.
///
/// # Errors
/// [`BadRequest`] when the dialect cannot say it.
pub fn write(prompt: &Prompt, model: &str) -> Result<Bytes, BadRequest> {
    let mut conversation = Conversation::of(prompt)?;
    let max_tokens = prompt.max_tokens.unwrap_or(MAX_TOKENS);
    let mut room = Room::default();
    let fitted = match &prompt.format {
        Some(Format::Schema { schema, strict, .. }) => match fit_for(model, schema) {
            Ok(fitted) => {
                room.answer(&fitted);
                Some(fitted)
            }
            Err(Unfit(why)) if *strict == Some(true) => {
                return Err(BadRequest::new(
                    FORMAT,
                    format!("this model's provider cannot keep an answer to a schema that {why}"),
                ));
            }
            Err(_) => {
                let words = format!("{JSON_BY_SCHEMA}\n{schema}");
                conversation.system.push(TextBlock::of(words));
                None
            }
        },
        Some(Format::Json) => {
            conversation.system.push(TextBlock::of(JSON_ONLY));
            None
        }
        None => None,
    };
    let format = fitted.as_ref().map(|fitted| OutputFormat {
        kind: "json_schema",
        schema: &fitted.schema,
    });
    let offered = |tool| offered(tool, model, &mut room);
    let mut tools: Vec<Offered<'_>> = prompt.tools.iter().map(offered).collect();
    if cache::pays(prompt) {
        cache::mark(&mut conversation, &mut tools);
    }
    let effort = effort(prompt, model);
    let thinking = Thinking::choose(prompt, model, max_tokens, &conversation.messages);
    let thinks = thinking.as_ref().is_some_and(Thinking::is_on);
    let sampled = !thinks && takes_sampling(model);
    let temperature = prompt.temperature.filter(|_| sampled);
    let body = Body {
        model,
        max_tokens,
        stream: prompt.stream,
        system: conversation.system,
        messages: conversation.messages,
        tools,
        tool_choice: tool_choice(prompt),
        temperature: temperature.map(|degrees| degrees.min(1.0)),
        top_p: prompt.top_p.filter(|_| sampled && temperature.is_none()),
        top_k: prompt.top_k.filter(|_| sampled),
        stop_sequences: stops(prompt),
        thinking,
        output_config: (effort.is_some() || format.is_some())
            .then_some(OutputConfig { effort, format }),
        // One that is long, or looks like the address of a person, is refused.
        metadata: prompt
            .user
            .as_deref()
            .filter(|user| user.len() <= 256 && !user.contains('@') && !user.starts_with('+'))
            .map(|user_id| Metadata { user_id }),
        service_tier: match prompt.service_tier.as_deref() {
            Some("auto" | "priority") => Some("auto"),
            Some("default" | "standard" | "standard_only") => Some("standard_only"),
            _ => None,
        },
    };
    let json = serde_json::to_vec(&body).expect("strings, numbers and JSON always serialise");
    Ok(Bytes::from(json))
}

/// One of blanks only is refused.
fn stops(prompt: &Prompt) -> Vec<&str> {
    let stops = prompt.stop.iter().map(String::as_str);
    stops.filter(|stop| !stop.trim().is_empty()).collect()
}

fn fit_for(model: &str, schema: &RawValue) -> Result<Fitted, Unfit> {
    match keeps_to_schemas(model) {
        true => fit(schema),
        false => Err(Unfit("is given to a model as old as this one")),
    }
}

fn offered<'a>(tool: &'a Tool, model: &str, room: &mut Room) -> Offered<'a> {
    let input_schema = match (tool.kind, tool.parameters.as_deref()) {
        (ToolKind::Custom, _) => Cow::Owned(custom::parameters()),
        (ToolKind::Function, None) => Cow::Owned(object_schema(None)),
        (ToolKind::Function, Some(schema)) => match names_its_type(schema) {
            true => Cow::Borrowed(schema),
            false => Cow::Owned(object_schema(Some(schema))),
        },
    };
    // Whoever did not ask for it is not bound by its rules.
    let strict = tool.strict == Some(true);
    let fitted = strict.then(|| fit_for(model, &input_schema).ok()).flatten();
    let fitted = fitted.filter(|fitted| names_its_type(&fitted.schema) && room.tool(fitted));
    Offered {
        name: &tool.name,
        description: tool.description.as_deref(),
        strict: fitted.as_ref().map(|_| true),
        cache_control: None,
        input_schema: fitted.map_or(input_schema, |fitted| Cow::Owned(fitted.schema)),
    }
}

fn fields(schema: &RawValue) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_str(schema.get()).ok()
}

/// A schema without the type `object` is refused; others take it for granted.
fn names_its_type(schema: &RawValue) -> bool {
    fields(schema).is_some_and(|fields| fields.contains_key("type"))
}

fn object_schema(schema: Option<&RawValue>) -> Box<RawValue> {
    let mut fields = schema.and_then(fields).unwrap_or_default();
    fields.insert("type".to_owned(), "object".into());
    fields
        .entry("properties")
        .or_insert_with(|| serde_json::json!({}));
    serde_json::value::to_raw_value(&fields).expect("a map of JSON serialises")
}

/// Without tools there is nothing to choose.
fn tool_choice(prompt: &Prompt) -> Option<ToolChoice<'_>> {
    if prompt.tools.is_empty() {
        return None;
    }
    let alone = prompt.parallel_tools.filter(|parallel| !parallel);
    let (kind, name) = match (&prompt.choice, alone) {
        (None, None) => return None,
        (Some(Choice::Auto) | None, _) => ("auto", None),
        (Some(Choice::Required), _) => ("any", None),
        (Some(Choice::Tool(name)), _) => ("tool", Some(name.as_str())),
        (Some(Choice::None), _) => ("none", None),
    };
    Some(ToolChoice {
        kind,
        name,
        disable_parallel_tool_use: alone.map(|_| true).filter(|_| kind != "none"),
    })
}
