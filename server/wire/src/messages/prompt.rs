//! What does a request for messages say, for an upstream of another dialect?
//!
//! Dropped, because they are hints or mean something to Anthropic alone: hints for caches, the context's management,
//! tools that the provider runs (and what they did in earlier turns), citations, how thinking is displayed. Refused,
//! because the answer would be another one: a forced tool that cannot be offered, a container, a place of inference.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::parts::{parts, texts};
use crate::fields::{given, pick};
use crate::neutral::{Choice, Effort, Format, Prompt, Role, Tool, ToolKind, Turn};
use crate::request::{BadRequest, Request};

/// Claude Code's own word to Anthropic about a request, in front of its instructions. It is different every time, so no
/// other provider's cache would ever know a prompt that begins with it.
const BILLING: &str = "x-anthropic-billing-header:";

/// # Errors
/// [`BadRequest`] when it is not of the dialect, or says what no other dialect can.
pub fn read(request: &Request) -> Result<Prompt, BadRequest> {
    let [
        messages,
        system,
        tools,
        tool_choice,
        temperature,
        top_p,
        top_k,
        stop_sequences,
        thinking,
        output_config,
        output_format,
        metadata,
        service_tier,
        container,
        inference_geo,
    ] = pick(
        &request.body,
        [
            "messages",
            "system",
            "tools",
            "tool_choice",
            "temperature",
            "top_p",
            "top_k",
            "stop_sequences",
            "thinking",
            "output_config",
            "output_format",
            "metadata",
            "service_tier",
            "container",
            "inference_geo",
        ],
    )?;
    refuse(container, "container")?;
    if request.max_tokens == Some(0) {
        return Err(BadRequest::new(
            "max_tokens",
            "`max_tokens` must be at least 1 with this model: its provider's cache cannot be filled beforehand",
        ));
    }
    if given(inference_geo).is_some_and(|geo| geo.get() != "\"global\"") {
        refuse(inference_geo, "inference_geo")?;
    }
    let mut prompt = Prompt {
        stream: request.stream,
        system: given(system).map_or(Ok(Vec::new()), |raw| instructions(raw, "system"))?,
        turns: turns(given(messages))?,
        max_tokens: request.max_tokens,
        temperature: value(temperature, "temperature")?,
        top_p: value(top_p, "top_p")?,
        top_k: value(top_k, "top_k")?,
        stop: value(stop_sequences, "stop_sequences")?.unwrap_or_default(),
        ..Prompt::default()
    };
    if let Some(tier) = value::<Cow<'_, str>>(service_tier, "service_tier")? {
        prompt.service_tier = Some(match tier.as_ref() {
            "standard_only" => "default".to_owned(),
            other => other.to_owned(),
        });
    }
    prompt.user = value::<Metadata>(metadata, "metadata")?.and_then(|metadata| metadata.user_id);
    if let Some(thinking) = value::<Thinking<'_>>(thinking, "thinking")? {
        // `adaptive` leaves it to the effort. Whoever disables it gets no reasoning from models that have a choice; those
        // that have none would refuse the word, so it is not said.
        prompt.thinking_budget = thinking
            .budget_tokens
            .filter(|_| thinking.kind == "enabled");
    }
    let config = value::<OutputConfig<'_>>(output_config, "output_config")?.unwrap_or_default();
    prompt.effort = config.effort.as_deref().and_then(Effort::read);
    let older = value::<OutputFormat<'_>>(output_format, "output_format")?;
    prompt.format = config.format.or(older).and_then(OutputFormat::format);
    offer(&mut prompt, given(tools), given(tool_choice))?;
    Ok(prompt)
}

/// What no other dialect has a word for.
fn refuse(raw: Option<&RawValue>, name: &'static str) -> Result<(), BadRequest> {
    match given(raw) {
        None => Ok(()),
        Some(_) => Err(BadRequest::new(
            name,
            format!("`{name}` cannot be used with this model"),
        )),
    }
}

/// A field of a certain shape.
fn value<'a, T: Deserialize<'a>>(
    raw: Option<&'a RawValue>,
    name: &'static str,
) -> Result<Option<T>, BadRequest> {
    given(raw)
        .map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|_| BadRequest::new(name, format!("`{name}` is not what it must be")))
}

#[derive(Deserialize)]
struct Metadata {
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct Thinking<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    budget_tokens: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OutputConfig<'a> {
    #[serde(borrow)]
    effort: Option<Cow<'a, str>>,
    #[serde(borrow)]
    format: Option<OutputFormat<'a>>,
}

#[derive(Deserialize)]
struct OutputFormat<'a> {
    #[serde(borrow, default)]
    schema: Option<&'a RawValue>,
}

impl OutputFormat<'_> {
    /// Anthropic gives the shape no name and always keeps to it. OpenAI does so only for shapes that leave nothing open.
    fn format(self) -> Option<Format> {
        let schema = self.schema?;
        let read = serde_json::from_str::<serde_json::Value>(schema.get()).ok()?;
        Some(Format::Schema {
            name: "answer".to_owned(),
            schema: schema.to_owned(),
            strict: Some(leaves_nothing_open(&read)),
        })
    }
}

/// Whether every object of a schema has no more than the fields it names, and all of them.
fn leaves_nothing_open(schema: &serde_json::Value) -> bool {
    use serde_json::Value;
    match schema {
        Value::Array(all) => all.iter().all(leaves_nothing_open),
        Value::Object(fields) => {
            let names = fields.get("properties").and_then(Value::as_object);
            let required = fields.get("required").and_then(Value::as_array);
            let is_closed = fields.get("additionalProperties") == Some(&Value::Bool(false));
            let is_object = names.is_some() || fields.get("type") == Some(&"object".into());
            let has_all = names.is_none_or(|names| {
                names
                    .keys()
                    .all(|name| required.is_some_and(|all| all.contains(&name.as_str().into())))
            });
            (!is_object || (is_closed && has_all)) && fields.values().all(leaves_nothing_open)
        }
        _ => true,
    }
}

/// The texts of a string or of blocks.
fn instructions(raw: &RawValue, place: &'static str) -> Result<Vec<String>, BadRequest> {
    let mut all = texts(raw).ok_or_else(|| {
        BadRequest::new(
            place,
            format!("`{place}` must be a string or blocks of text"),
        )
    })?;
    all.retain(|text| !text.is_empty() && !text.starts_with(BILLING));
    Ok(all)
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

fn turns(messages: Option<&RawValue>) -> Result<Vec<Turn>, BadRequest> {
    let messages = messages.map_or("[]", RawValue::get);
    let messages: Vec<&RawValue> = serde_json::from_str(messages)
        .map_err(|_| BadRequest::new("messages", "`messages` must be an array"))?;
    let turn = |(at, raw): (usize, &RawValue)| {
        let wrong = |what: &str| BadRequest::new("messages", format!("`messages[{at}]` {what}"));
        let message: Message<'_> =
            serde_json::from_str(raw.get()).map_err(|_| wrong("must have a role and content"))?;
        let role = match message.role.as_ref() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            _ => return Err(wrong("must be of the role user, assistant or system")),
        };
        let parts = parts(message.content).map_err(|what| wrong(what.0))?;
        Ok(Turn { role, parts })
    };
    messages.into_iter().enumerate().map(turn).collect()
}

#[derive(Deserialize)]
struct Offered<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(borrow, default)]
    input_schema: Option<&'a RawValue>,
    #[serde(default)]
    strict: Option<bool>,
}

impl Offered<'_> {
    /// `None` for one that the provider defines: no other knows it.
    fn tool(self) -> Option<Tool> {
        if self.kind.is_some_and(|kind| kind != "custom") {
            return None;
        }
        Some(Tool {
            name: self.name?,
            description: self.description,
            parameters: self.input_schema.map(ToOwned::to_owned),
            strict: self.strict,
            kind: ToolKind::Function,
        })
    }
}

#[derive(Deserialize)]
struct ToolChoice<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    disable_parallel_tool_use: Option<bool>,
}

/// The tools and which of them must be used.
fn offer(
    prompt: &mut Prompt,
    tools: Option<&RawValue>,
    choice: Option<&RawValue>,
) -> Result<(), BadRequest> {
    let tools = value::<Vec<Offered<'_>>>(tools, "tools")?.unwrap_or_default();
    prompt.tools = tools.into_iter().filter_map(Offered::tool).collect();
    let Some(choice) = value::<ToolChoice<'_>>(choice, "tool_choice")? else {
        return Ok(());
    };
    prompt.parallel_tools = choice.disable_parallel_tool_use.map(|disabled| !disabled);
    let is_offered = |name: &str| prompt.tools.iter().any(|tool| tool.name == name);
    let choice = match (choice.kind.as_ref(), choice.name) {
        ("auto", _) => Some(Choice::Auto),
        ("none", _) => Some(Choice::None),
        ("any", _) if !prompt.tools.is_empty() => Some(Choice::Required),
        ("tool", Some(name)) if is_offered(&name) => Some(Choice::Tool(name)),
        _ => {
            return Err(BadRequest::new(
                "tool_choice",
                "`tool_choice` forces a tool that cannot be used with this model",
            ));
        }
    };
    // Without tools there is nothing to choose.
    prompt.choice = choice.filter(|_| !prompt.tools.is_empty());
    Ok(())
}
