//! What does a request for content say, for an upstream of another dialect?
//!
//! Dropped: what filters an answer (other providers have their own), tools that Google runs, how media are sampled.
//! Refused: what makes another answer of it, as several candidates, other media than text, a cached content.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::parts::{Calls, Content};
use super::request::{CONFIG, Config, Fields, config};
use super::schema::json_schema;
use crate::neutral::{Choice, Effort, Format, Part, Prompt, Role, Tool, ToolKind, Turn};
use crate::request::{BadRequest, Request};

/// # Errors
/// [`BadRequest`] when it is not of the dialect, or says what no other dialect can.
pub fn read(request: &Request) -> Result<Prompt, BadRequest> {
    let fields = Fields::of(&request.body)?;
    if fields.cached.is_some() {
        return Err(BadRequest::new(
            "cachedContent",
            "`cachedContent` cannot be used with this model: send the contents",
        ));
    }
    let config = config(fields.config)?;
    let mut prompt = Prompt {
        stream: request.stream,
        system: fields.system.map_or(Ok(Vec::new()), instructions)?,
        turns: turns(fields.contents)?,
        max_tokens: request.max_tokens,
        ..Prompt::default()
    };
    generation(&mut prompt, config)?;
    offer(&mut prompt, fields.tools, fields.tool_config)?;
    Ok(prompt)
}

fn instructions(raw: &RawValue) -> Result<Vec<String>, BadRequest> {
    let wrong = |_| {
        BadRequest::new(
            "systemInstruction",
            "`systemInstruction` must hold parts of text",
        )
    };
    let content = Content::read(raw).map_err(wrong)?;
    let parts = content.parts(&mut Calls::default()).map_err(wrong)?;
    let texts = parts.into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    Ok(texts.collect())
}

fn turns(contents: Option<&RawValue>) -> Result<Vec<Turn>, BadRequest> {
    let contents = contents.map_or("[]", RawValue::get);
    let contents: Vec<&RawValue> = serde_json::from_str(contents)
        .map_err(|_| BadRequest::new("contents", "`contents` must be an array"))?;
    let mut calls = Calls::default();
    let turn = |(at, raw): (usize, &RawValue)| {
        let wrong = |what: &str| BadRequest::new("contents", format!("`contents[{at}]` {what}"));
        let content = Content::read(raw).map_err(|what| wrong(what.0))?;
        let role = match content.role() {
            None | Some("user" | "function") => Role::User,
            Some("model") => Role::Assistant,
            Some(_) => return Err(wrong("must be of the role user or model")),
        };
        let parts = content.parts(&mut calls).map_err(|what| wrong(what.0))?;
        Ok(Turn { role, parts })
    };
    contents.into_iter().enumerate().map(turn).collect()
}

fn generation(prompt: &mut Prompt, config: Config<'_>) -> Result<(), BadRequest> {
    let refused = |what: &str| {
        let detail = format!("`{what}` of `generationConfig` cannot be used with this model");
        Err(BadRequest::new(CONFIG, detail))
    };
    if config.candidate_count.is_some_and(|count| count > 1) {
        return refused("candidateCount");
    }
    if config.response_logprobs == Some(true) {
        return refused("responseLogprobs");
    }
    let modalities = config.response_modalities.unwrap_or_default();
    if !modalities
        .iter()
        .all(|kind| kind.eq_ignore_ascii_case("text"))
    {
        return refused("responseModalities");
    }
    prompt.temperature = config.temperature;
    prompt.top_p = config.top_p;
    // A whole number, however it was written.
    prompt.top_k = config.top_k.and_then(|k| format!("{k:.0}").parse().ok());
    prompt.seed = config.seed;
    prompt.presence_penalty = config.presence_penalty;
    prompt.frequency_penalty = config.frequency_penalty;
    prompt.stop = config.stop_sequences.unwrap_or_default();
    if let Some(thinking) = config.thinking_config {
        let level = thinking
            .thinking_level
            .map(|level| level.to_ascii_lowercase());
        prompt.effort = level.as_deref().and_then(Effort::read);
        // Below zero the model finds it out itself.
        prompt.thinking_budget = thinking.thinking_budget.and_then(|n| u64::try_from(n).ok());
    }
    let schema = match (config.response_json_schema, config.response_schema) {
        (Some(schema), _) => Some(schema.to_owned()),
        (None, Some(schema)) => json_schema(schema, true),
        (None, None) => None,
    };
    prompt.format = match (config.response_mime_type.as_deref(), schema) {
        (None | Some("text/plain"), _) => None,
        (Some("application/json"), None) => Some(Format::Json),
        (Some("application/json"), Some(schema)) => Some(Format::Schema {
            name: "answer".to_owned(),
            schema,
            strict: None,
        }),
        _ => return refused("responseMimeType"),
    };
    Ok(())
}

#[derive(Deserialize)]
struct ToolSet {
    #[serde(
        default,
        rename = "functionDeclarations",
        alias = "function_declarations"
    )]
    functions: Option<Vec<Function>>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Box<RawValue>>,
    #[serde(
        default,
        rename = "parametersJsonSchema",
        alias = "parameters_json_schema"
    )]
    json_schema: Option<Box<RawValue>>,
}

impl Function {
    fn tool(self) -> Tool {
        let google = self.parameters.as_deref();
        Tool {
            name: self.name,
            description: self.description,
            parameters: self
                .json_schema
                .or_else(|| google.and_then(|schema| json_schema(schema, false))),
            strict: None,
            kind: ToolKind::Function,
        }
    }
}

#[derive(Deserialize)]
struct ToolConfig<'a> {
    #[serde(
        borrow,
        default,
        rename = "functionCallingConfig",
        alias = "function_calling_config"
    )]
    calling: Option<Calling<'a>>,
}

#[derive(Deserialize)]
struct Calling<'a> {
    #[serde(borrow, default)]
    mode: Option<Cow<'a, str>>,
    #[serde(
        default,
        rename = "allowedFunctionNames",
        alias = "allowed_function_names"
    )]
    allowed: Option<Vec<String>>,
}

fn offer(
    prompt: &mut Prompt,
    tools: Option<&RawValue>,
    choice: Option<&RawValue>,
) -> Result<(), BadRequest> {
    let json = |raw: Option<&RawValue>| raw.map_or("null", RawValue::get).to_owned();
    let sets: Option<Vec<ToolSet>> = serde_json::from_str(&json(tools))
        .map_err(|_| BadRequest::new("tools", "`tools` is not what it must be"))?;
    let functions = sets
        .into_iter()
        .flatten()
        .filter_map(|set| set.functions)
        .flatten();
    prompt.tools = functions.map(Function::tool).collect();
    let choice = json(choice);
    let choice: Option<ToolConfig<'_>> = serde_json::from_str(&choice)
        .map_err(|_| BadRequest::new("toolConfig", "`toolConfig` is not what it must be"))?;
    let Some(calling) = choice.and_then(|config| config.calling) else {
        return Ok(());
    };
    let is_forced = match calling
        .mode
        .as_deref()
        .map(str::to_ascii_uppercase)
        .as_deref()
    {
        Some("NONE") => {
            prompt.choice = Some(Choice::None).filter(|_| !prompt.tools.is_empty());
            return Ok(());
        }
        Some("ANY") => true,
        _ => false,
    };
    if let Some(allowed) = calling.allowed.filter(|allowed| !allowed.is_empty()) {
        prompt.tools.retain(|tool| allowed.contains(&tool.name));
    }
    prompt.choice = match (is_forced, prompt.tools.as_slice()) {
        (true, []) => {
            return Err(BadRequest::new(
                "toolConfig",
                "`toolConfig` forces a function that is not declared",
            ));
        }
        (true, [only]) => Some(Choice::Tool(only.name.clone())),
        (true, _) => Some(Choice::Required),
        (false, []) => None,
        (false, _) => Some(Choice::Auto),
    };
    Ok(())
}
