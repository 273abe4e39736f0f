//! How is a request put to an upstream that speaks chat? As the widest known part of the dialect: most servers that
//! speak it are not OpenAI's, and refuse or break at what they do not know.

mod parts;
mod said;
mod thoughts;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::neutral::{Choice, Format, Prompt, Tool, ToolKind, custom};
use crate::request::BadRequest;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Offered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
struct ResponseFormat<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_schema: Option<Schema<'a>>,
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    schema: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The body of `POST /v1/chat/completions`.
///
/// # Errors
/// [`BadRequest`] when the dialect cannot say it.
pub(crate) fn write(prompt: &Prompt, model: &str) -> Result<Bytes, BadRequest> {
    let openais = is_openais(model);
    let has_tools = !prompt.tools.is_empty();
    let tool_choice = match &prompt.choice {
        Some(Choice::Required | Choice::Tool(_)) if !has_tools => {
            let detail = "`tool_choice` requires a tool, and there is none that this model can use";
            return Err(BadRequest::new("tool_choice", detail));
        }
        choice => choice.as_ref().filter(|_| has_tools).map(chosen),
    };
    let messages = said::messages(prompt, model)?;
    if messages.is_empty() {
        // Of what was said nothing can be said here: a tool called by the user, an empty result of no call.
        let detail = "`messages` must say something to the model";
        return Err(BadRequest::new("messages", detail));
    }
    let body = Body {
        model,
        messages,
        tools: prompt.tools.iter().map(offered).collect(),
        tool_choice,
        // Together is how it goes unless told otherwise.
        parallel_tool_calls: prompt.parallel_tools.filter(|all| !all && has_tools),
        response_format: prompt.format.as_ref().map(response_format),
        max_completion_tokens: prompt.max_tokens.filter(|_| openais),
        max_tokens: prompt.max_tokens.filter(|_| !openais),
        temperature: prompt.temperature,
        top_p: prompt.top_p,
        frequency_penalty: prompt.frequency_penalty,
        presence_penalty: prompt.presence_penalty,
        seed: prompt.seed,
        stop: &prompt.stop,
        reasoning_effort: prompt
            .effort_in_words()
            .and_then(|effort| effort.for_model(model)),
        verbosity: prompt.verbosity.as_deref().filter(|_| openais),
        service_tier: prompt.service_tier.as_deref().and_then(tier),
        user: prompt.user.as_deref().filter(|user| user.len() <= USER_MAX),
        stream: prompt.stream,
        stream_options: prompt.stream.then_some(StreamOptions {
            include_usage: true,
        }),
    };
    let bytes = serde_json::to_vec(&body).expect("strings, numbers and JSON always serialise");
    Ok(Bytes::from(bytes))
}

/// Names of users may be as long, in bytes; Anthropic's clients put whole objects there.
const USER_MAX: usize = 64;

/// OpenAI's own models refuse the old name of the maximum; many other servers know only that.
#[must_use]
pub fn is_openais(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let is_o = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next() == Some(b'o') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
    };
    (name.starts_with("gpt-") && !name.starts_with("gpt-oss"))
        || name.starts_with("chatgpt-")
        || is_o(name)
}

fn offered(tool: &Tool) -> Offered<'_> {
    let (parameters, strict) = match tool.kind {
        ToolKind::Function => (
            tool.parameters.clone(),
            tool.strict.filter(|strict| *strict),
        ),
        ToolKind::Custom => (Some(custom::parameters()), None),
    };
    Offered {
        kind: "function",
        function: Function {
            name: &tool.name,
            description: tool.description.as_deref(),
            parameters,
            strict,
        },
    }
}

fn chosen(choice: &Choice) -> serde_json::Value {
    match choice {
        Choice::Auto => "auto".into(),
        Choice::None => "none".into(),
        Choice::Required => "required".into(),
        Choice::Tool(name) => serde_json::json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(format: &Format) -> ResponseFormat<'_> {
    match format {
        Format::Json => ResponseFormat {
            kind: "json_object",
            json_schema: None,
        },
        Format::Schema {
            name,
            schema,
            strict,
        } => ResponseFormat {
            kind: "json_schema",
            json_schema: Some(Schema {
                name,
                schema,
                strict: *strict,
            }),
        },
    }
}

/// Anthropic's words are the same but one.
fn tier(said: &str) -> Option<&str> {
    match said {
        "standard_only" => Some("default"),
        "auto" | "default" | "flex" | "priority" | "scale" => Some(said),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
