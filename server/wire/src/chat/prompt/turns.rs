//! What was said so far in a chat request?

use domain::Dialect;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::reasoning::{Detail, parts};
use crate::fields::list;
use crate::neutral::{Media, Part, Role, Source, ToolKind, Turn, data_url, seal};
use crate::request::BadRequest;

#[derive(Deserialize)]
struct Message<'a> {
    role: Option<String>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    tool_call_id: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    reasoning_details: Option<Vec<Detail>>,
    function_call: Option<IgnoredAny>,
    audio: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: Option<String>,
    function: Option<Function>,
    custom: Option<Custom>,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
struct Custom {
    name: String,
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
struct ContentPart<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    refusal: Option<String>,
    #[serde(borrow)]
    image_url: Option<&'a RawValue>,
    input_audio: Option<Audio>,
    file: Option<File>,
}

#[derive(Deserialize)]
struct Image {
    url: String,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct Audio {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct File {
    file_data: Option<String>,
    file_id: Option<String>,
    filename: Option<String>,
}

/// The instructions before the conversation, and the conversation.
pub(super) fn read(messages: Option<&RawValue>) -> Result<(Vec<String>, Vec<Turn>), BadRequest> {
    let messages = list(messages, "messages", "message")?;
    let messages: Vec<&RawValue> =
        serde_json::from_str(messages.get()).map_err(|_| wrong("", "must be an array"))?;
    let mut system = Vec::new();
    let mut turns = Vec::<Turn>::new();
    // Results of parallel calls are one turn.
    let mut in_results = false;
    for (at, raw) in messages.into_iter().enumerate() {
        let at = format!("[{at}]");
        let message: Message<'_> = serde_json::from_str(raw.get())
            .map_err(|_| wrong(&at, "must be an object with a `role` and a `content`"))?;
        let was_in_results = std::mem::replace(&mut in_results, false);
        let (role, parts) = match message.role.as_deref() {
            Some("system" | "developer") => {
                let texts = instructions(&at, message.content)?;
                if turns.is_empty() {
                    system.extend(texts);
                    continue;
                }
                (Role::System, texts.into_iter().map(Part::Text).collect())
            }
            Some("user") => (Role::User, content(&at, message.content)?),
            Some("assistant") => (Role::Assistant, assistant(&at, message)?),
            Some("tool") => {
                let result = Part::ToolResult {
                    id: message
                        .tool_call_id
                        .ok_or_else(|| wrong(&at, "must have a `tool_call_id`"))?,
                    parts: content(&at, message.content)?,
                    is_error: false,
                };
                in_results = true;
                match turns.last_mut() {
                    Some(turn) if was_in_results => {
                        turn.parts.push(result);
                        continue;
                    }
                    _ => (Role::User, vec![result]),
                }
            }
            Some("function") => {
                return Err(wrong(
                    &at,
                    "cannot be of the role `function` for this model: use `tool`",
                ));
            }
            _ => {
                let rule = "must have a `role`: system, developer, user, assistant or tool";
                return Err(wrong(&at, rule));
            }
        };
        turns.push(Turn { role, parts });
    }
    Ok((system, turns))
}

fn wrong(at: &str, rule: &str) -> BadRequest {
    BadRequest::new("messages", format!("`messages{at}` {rule}"))
}

fn instructions(at: &str, raw: Option<&RawValue>) -> Result<Vec<String>, BadRequest> {
    content(at, raw)?
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Ok(text),
            _ => Err(wrong(at, "may hold only text")),
        })
        .collect()
}

fn assistant(at: &str, message: Message<'_>) -> Result<Vec<Part>, BadRequest> {
    if message.function_call.is_some() {
        return Err(wrong(
            at,
            "cannot hold `function_call` for this model: use `tool_calls`",
        ));
    }
    if message.audio.is_some() {
        return Err(wrong(at, "cannot hold `audio` for this model"));
    }
    let mut all = match message.reasoning_details {
        Some(details) if !details.is_empty() => parts(details),
        _ => message
            .reasoning_content
            .or(message.reasoning)
            .filter(|text| !text.is_empty())
            .map(|text| (text, None))
            .into_iter()
            .collect(),
    }
    .into_iter()
    .map(|(text, sealed)| Part::Reasoning {
        text,
        seal: sealed.map(|sealed| seal::whose(&sealed, Dialect::Chat)),
    })
    .collect::<Vec<Part>>();
    all.extend(content(at, message.content)?);
    all.extend(
        message
            .refusal
            .filter(|text| !text.is_empty())
            .map(Part::Refusal),
    );
    for call in message.tool_calls.into_iter().flatten() {
        let (name, arguments, kind) = match (call.function, call.custom) {
            (Some(function), _) => (function.name, function.arguments, ToolKind::Function),
            (None, Some(custom)) => (custom.name, custom.input, ToolKind::Custom),
            (None, None) => return Err(wrong(at, "has a tool call that is none")),
        };
        all.push(Part::ToolCall {
            id: call
                .id
                .ok_or_else(|| wrong(at, "has a tool call without an `id`"))?,
            name,
            arguments,
            kind,
        });
    }
    Ok(all)
}

/// A text, or a list of parts. An empty text says nothing.
fn content(at: &str, raw: Option<&RawValue>) -> Result<Vec<Part>, BadRequest> {
    let Some(raw) = raw else {
        return Ok(Vec::new());
    };
    let text = |text: String| (!text.is_empty()).then_some(Part::Text(text));
    if let Ok(whole) = serde_json::from_str::<String>(raw.get()) {
        return Ok(text(whole).into_iter().collect());
    }
    let unread = || {
        wrong(
            at,
            "must have a `content` that is a string or an array of parts",
        )
    };
    let parts: Vec<ContentPart<'_>> = serde_json::from_str(raw.get()).map_err(|_| unread())?;
    let mut all = Vec::with_capacity(parts.len());
    for part in parts {
        match part.kind.as_deref() {
            Some("text") => all.extend(text(part.text.ok_or_else(unread)?)),
            Some("refusal") => all.push(Part::Refusal(part.refusal.ok_or_else(unread)?)),
            Some("image_url") => all.push(image(at, part.image_url.ok_or_else(unread)?)?),
            Some("input_audio") => all.push(audio(part.input_audio.ok_or_else(unread)?)),
            Some("file") => all.push(file(at, part.file.ok_or_else(unread)?)?),
            _ => {
                let rule = "holds a part of a type that this model does not take";
                return Err(wrong(at, rule));
            }
        }
    }
    Ok(all)
}

fn image(at: &str, raw: &RawValue) -> Result<Part, BadRequest> {
    // Some clients write the URL itself.
    let image = serde_json::from_str::<Image>(raw.get()).or_else(|_| {
        serde_json::from_str::<String>(raw.get()).map(|url| Image { url, detail: None })
    });
    let image = image.map_err(|_| wrong(at, "holds an `image_url` without a `url`"))?;
    let source = data_url::read(&image.url)
        .ok_or_else(|| wrong(at, "holds an `image_url` whose data is not base64"))?;
    Ok(Part::Image(Media {
        source,
        name: None,
        detail: image.detail,
    }))
}

fn audio(audio: Audio) -> Part {
    let kind = match audio.format.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Part::Audio(Media {
        source: Source::Base64 {
            kind,
            data: audio.data,
        },
        name: None,
        detail: None,
    })
}

fn file(at: &str, file: File) -> Result<Part, BadRequest> {
    let source = match (file.file_data, file.file_id) {
        (Some(data), _) if data.starts_with("data:") => data_url::read(&data)
            .ok_or_else(|| wrong(at, "holds a `file` whose data is not base64"))?,
        // Without its kind it is what this dialect takes.
        (Some(data), _) => Source::Base64 {
            kind: "application/pdf".to_owned(),
            data,
        },
        (None, Some(id)) => Source::Id(id),
        (None, None) => return Err(wrong(at, "holds a `file` without `file_data`")),
    };
    Ok(Part::File(Media {
        source,
        name: file.filename,
        detail: None,
    }))
}
