//! What does a chat request say, in the shape between the dialects? What another dialect cannot say and would change the
//! answer is refused by name; mere hints are passed over.

mod tools;
mod turns;

use domain::Dialect;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::fields::{flag, given, pick};
use crate::neutral::{Effort, Format, Prompt};
use crate::request::{BadRequest, Request};

/// Reads the whole of a request of this dialect.
///
/// # Errors
/// [`BadRequest`] when a field is of another shape, or says what no other dialect can say.
pub(crate) fn prompt(request: &Request) -> Result<Prompt, BadRequest> {
    debug_assert_eq!(request.dialect, Dialect::Chat);
    refuse_untold(&request.body)?;
    if request.choices > 1 {
        return Err(untold("n"));
    }
    let [messages, offered, tool_choice, parallel, response_format] = pick(
        &request.body,
        [
            "messages",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "response_format",
        ],
    )?;
    let (system, turns) = turns::read(messages)?;
    let (tools, choice) = tools::read(offered, tool_choice)?;
    let mut prompt = Prompt {
        stream: request.stream,
        system,
        turns,
        tools,
        choice,
        parallel_tools: match given(parallel) {
            Some(_) => Some(flag(parallel, "parallel_tool_calls")?),
            None => None,
        },
        max_tokens: request.max_tokens,
        format: format(response_format)?,
        ..Prompt::default()
    };
    sampling(&request.body, &mut prompt)?;
    thinking(&request.body, &mut prompt)?;
    hints(&request.body, &mut prompt)?;
    Ok(prompt)
}

/// What no other dialect can say.
fn refuse_untold(body: &[u8]) -> Result<(), BadRequest> {
    const NAMES: [&str; 9] = [
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "audio",
        "modalities",
        "prediction",
        "web_search_options",
        "functions",
        "function_call",
    ];
    let found = pick(body, NAMES)?;
    for (name, raw) in NAMES.into_iter().zip(found) {
        let says_nothing = match name {
            "modalities" => raw.is_some_and(is_text_only),
            _ => {
                raw.is_some_and(|raw| matches!(compact(raw).as_str(), "false" | "0" | "{}" | "[]"))
            }
        };
        if given(raw).is_some() && !says_nothing {
            return Err(untold(name));
        }
    }
    Ok(())
}

fn untold(name: &'static str) -> BadRequest {
    let detail = match name {
        "functions" | "function_call" => {
            format!("`{name}` is not supported for this model: use `tools` and `tool_choice`")
        }
        _ => format!("`{name}` is not supported for this model"),
    };
    BadRequest::new(name, detail)
}

fn compact(raw: &RawValue) -> String {
    raw.get().split_ascii_whitespace().collect()
}

fn is_text_only(raw: &RawValue) -> bool {
    serde_json::from_str::<Vec<String>>(raw.get())
        .is_ok_and(|all| all.iter().all(|modality| modality == "text"))
}

/// A field of this type, if it is given. `of` names the type.
fn field<T: DeserializeOwned>(
    raw: Option<&RawValue>,
    name: &'static str,
    of: &str,
) -> Result<Option<T>, BadRequest> {
    given(raw)
        .map(|raw| serde_json::from_str(raw.get()))
        .transpose()
        .map_err(|_| BadRequest::new(name, format!("`{name}` must be {of}")))
}

fn sampling(body: &[u8], prompt: &mut Prompt) -> Result<(), BadRequest> {
    const NUMBER: &str = "a number";
    const WHOLE: &str = "a whole number";
    let [temperature, top_p, top_k, frequency, presence, seed, stop] = pick(
        body,
        [
            "temperature",
            "top_p",
            "top_k",
            "frequency_penalty",
            "presence_penalty",
            "seed",
            "stop",
        ],
    )?;
    prompt.temperature = field(temperature, "temperature", NUMBER)?;
    prompt.top_p = field(top_p, "top_p", NUMBER)?;
    // Not OpenAI's, but of most servers that speak as it does; below one it means none.
    prompt.top_k = field::<i64>(top_k, "top_k", WHOLE)?
        .and_then(|top| u64::try_from(top).ok())
        .filter(|top| *top > 0);
    prompt.frequency_penalty = field(frequency, "frequency_penalty", NUMBER)?;
    prompt.presence_penalty = field(presence, "presence_penalty", NUMBER)?;
    prompt.seed = field(seed, "seed", WHOLE)?;
    prompt.stop = match given(stop) {
        None => Vec::new(),
        Some(raw) => match serde_json::from_str::<String>(raw.get()) {
            Ok(one) => vec![one],
            Err(_) => field(stop, "stop", "a string or an array of strings")?.unwrap_or_default(),
        },
    };
    Ok(())
}

/// OpenAI's word for it, OpenRouter's `reasoning`, and `thinking` as servers take it that put Claude or DeepSeek behind
/// this dialect.
fn thinking(body: &[u8], prompt: &mut Prompt) -> Result<(), BadRequest> {
    #[derive(Deserialize)]
    struct Reasoning {
        effort: Option<String>,
        max_tokens: Option<u64>,
        enabled: Option<bool>,
    }
    #[derive(Deserialize)]
    struct Thinking {
        #[serde(rename = "type")]
        kind: Option<String>,
        budget_tokens: Option<u64>,
    }
    let [effort, reasoning, thinking] = pick(body, ["reasoning_effort", "reasoning", "thinking"])?;
    let word = |name, word: Option<String>| match word {
        None => Ok(None),
        Some(word) => match Effort::read(&word) {
            Some(effort) => Ok(Some(effort)),
            None => Err(BadRequest::new(
                name,
                format!("`{name}` must be one of none, minimal, low, medium, high, xhigh"),
            )),
        },
    };
    prompt.effort = word(
        "reasoning_effort",
        field(effort, "reasoning_effort", "a string")?,
    )?;
    if let Some(said) = field::<Reasoning>(reasoning, "reasoning", "an object")? {
        let off = (said.enabled == Some(false)).then_some(Effort::None);
        prompt.effort = prompt.effort.or(word("reasoning", said.effort)?).or(off);
        prompt.thinking_budget = said.max_tokens;
    }
    if let Some(said) = field::<Thinking>(thinking, "thinking", "an object")? {
        let off = (said.kind.as_deref() == Some("disabled")).then_some(Effort::None);
        prompt.effort = prompt.effort.or(off);
        prompt.thinking_budget = prompt.thinking_budget.or(said.budget_tokens);
    }
    Ok(())
}

/// What changes no answer, so that what cannot be read is as good as not said.
fn hints(body: &[u8], prompt: &mut Prompt) -> Result<(), BadRequest> {
    let [tier, user, safety, verbosity, cache_key] = pick(
        body,
        [
            "service_tier",
            "user",
            "safety_identifier",
            "verbosity",
            "prompt_cache_key",
        ],
    )?;
    let word = |raw| field::<String>(raw, "", "").ok().flatten();
    prompt.service_tier = word(tier);
    prompt.user = word(safety).or_else(|| word(user));
    prompt.verbosity = word(verbosity);
    prompt.cache_key = word(cache_key);
    Ok(())
}

fn format(raw: Option<&RawValue>) -> Result<Option<Format>, BadRequest> {
    const NAME: &str = "response_format";
    #[derive(Deserialize)]
    struct Said {
        #[serde(rename = "type")]
        kind: String,
        json_schema: Option<Schema>,
    }
    #[derive(Deserialize)]
    struct Schema {
        name: Option<String>,
        schema: Option<Box<RawValue>>,
        strict: Option<bool>,
    }
    let said: Option<Said> = field(raw, NAME, "an object with a type, as `json_schema`")?;
    let Some(said) = said else { return Ok(None) };
    match (said.kind.as_str(), said.json_schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(Format::Json)),
        (
            "json_schema",
            Some(Schema {
                name,
                schema: Some(schema),
                strict,
            }),
        ) => Ok(Some(Format::Schema {
            name: name.unwrap_or_else(|| "answer".to_owned()),
            schema,
            strict,
        })),
        ("json_schema", _) => Err(BadRequest::new(
            NAME,
            "`response_format.json_schema.schema` is missing",
        )),
        _ => Err(BadRequest::new(
            NAME,
            "`response_format.type` must be one of text, json_object, json_schema for this model",
        )),
    }
}
