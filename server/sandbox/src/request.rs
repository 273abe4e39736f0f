//! What did the caller ask for? The fields of a chat completion request that the sandbox heeds.
//!
//! Fields it does not know are ignored, as real providers do with most of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::error::Problem;

/// The most choices one request may ask for.
const MAX_CHOICES: u64 = 16;

/// A request that passed every check.
#[derive(Debug)]
pub(crate) struct ChatRequest {
    pub model: String,
    /// Never empty.
    pub messages: Vec<Message>,
    pub stream: bool,
    pub include_usage: bool,
    /// The most completion tokens of one choice, at least 1.
    pub max_tokens: Option<u64>,
    /// 1 to 16.
    pub choices: u64,
    pub tools: Vec<Value>,
    pub tool_choice: Value,
    pub parallel_tool_calls: bool,
    /// The schema of `response_format: {"type": "json_schema"}`.
    pub answer_schema: Option<Value>,
}

/// The body as it comes, before any check.
#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    messages: Option<Vec<Message>>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    n: Option<u64>,
    tools: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    response_format: Option<Value>,
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
    image_url: Option<ImageUrl>,
}

#[derive(Debug, Deserialize)]
struct ImageUrl {
    url: String,
}

impl ChatRequest {
    /// # Errors
    /// 400 with the parameter that is missing or out of bounds, or where the JSON breaks off.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let body: Body =
            serde_json::from_slice(bytes).map_err(|error| Problem::bad_body(&error))?;
        let model = body.model.ok_or_else(|| Problem::missing("model"))?;
        let messages = body.messages.unwrap_or_default();
        if messages.is_empty() {
            return Err(Problem::missing("messages"));
        }
        let max_tokens = body.max_completion_tokens.or(body.max_tokens);
        if max_tokens == Some(0) {
            return Err(Problem::out_of_bounds("max_tokens", "at least 1"));
        }
        let choices = body.n.unwrap_or(1);
        if !(1..=MAX_CHOICES).contains(&choices) {
            return Err(Problem::out_of_bounds("n", "between 1 and 16"));
        }
        Ok(Self {
            model,
            messages,
            stream: body.stream.unwrap_or(false),
            include_usage: body
                .stream_options
                .and_then(|options| options.include_usage)
                .unwrap_or(false),
            max_tokens,
            choices,
            tools: body.tools.unwrap_or_default(),
            tool_choice: body.tool_choice.unwrap_or(Value::Null),
            parallel_tool_calls: body.parallel_tool_calls.unwrap_or(true),
            answer_schema: body
                .response_format
                .and_then(|format| format.pointer("/json_schema/schema").cloned()),
        })
    }

    /// The last message of the user; callers may well send none.
    pub(crate) fn last_user(&self) -> Option<&Message> {
        self.messages.iter().rfind(|message| message.role == "user")
    }

    /// The text of the last user message, empty when there is none.
    pub(crate) fn prompt(&self) -> Cow<'_, str> {
        self.last_user().map(Message::text).unwrap_or_default()
    }

    /// Whether any message contains `marker`.
    pub(crate) fn mentions(&self, marker: &str) -> bool {
        self.messages
            .iter()
            .any(|message| message.text().contains(marker))
    }

    /// The number in `[[name:NUMBER]]` of the prompt.
    pub(crate) fn marked_number(&self, name: &str) -> Option<u64> {
        let prompt = self.prompt();
        let (_, rest) = prompt.split_once(&format!("[[{name}:"))?;
        let (number, _) = rest.split_once("]]")?;
        number.trim().parse().ok()
    }
}

impl Message {
    /// Its text; the text parts of a list of parts are joined by line breaks.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.content {
            None => Cow::Borrowed(""),
            Some(Content::Text(text)) => Cow::Borrowed(text),
            Some(Content::Parts(parts)) => {
                let texts: Vec<&str> = parts
                    .iter()
                    .filter_map(|part| part.text.as_deref())
                    .collect();
                Cow::Owned(texts.join("\n"))
            }
        }
    }

    /// The size in bytes of each image: decoded for `data:` URLs, 0 for addresses (nothing is ever fetched).
    pub(crate) fn images(&self) -> impl Iterator<Item = usize> {
        let parts = match &self.content {
            Some(Content::Parts(parts)) => parts.as_slice(),
            _ => &[],
        };
        parts
            .iter()
            .filter_map(|part| part.image_url.as_ref())
            .map(|image| data_url_bytes(&image.url))
    }
}

/// The decoded size of a base64 `data:` URL, computed from its length.
fn data_url_bytes(url: &str) -> usize {
    let Some((_, payload)) = url
        .strip_prefix("data:")
        .and_then(|data| data.split_once(";base64,"))
    else {
        return 0;
    };
    payload.trim_end_matches('=').len() * 3 / 4
}
