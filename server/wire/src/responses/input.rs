//! What was said before? The items of a request's input, as the turns of a conversation.

use std::borrow::Cow;

use domain::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::PARAGRAPH;
use super::media::{sound, source};
use super::tools::Tools;
use crate::neutral::{Media, Part, Role, Source, ToolKind, Turn, seal};
use crate::request::BadRequest;

/// An item of the input. Its fields are read when its type is known.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    namespace: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
    #[serde(borrow, default)]
    encrypted_content: Option<&'a RawValue>,
}

/// A conversation, turn by turn.
#[derive(Default)]
pub(super) struct Talk {
    pub(super) system: Vec<String>,
    pub(super) turns: Vec<Turn>,
}

fn wrong(rule: &str) -> BadRequest {
    BadRequest::new("input", rule)
}

impl Talk {
    /// Reads the input: a text of the user's, or items.
    ///
    /// # Errors
    /// [`BadRequest`] when it holds what no other dialect can say.
    pub(super) fn read(&mut self, input: &RawValue, tools: &Tools) -> Result<(), BadRequest> {
        if let Ok(text) = serde_json::from_str::<String>(input.get()) {
            self.say(Role::User, vec![Part::Text(text)]);
            return Ok(());
        }
        let items: Vec<Item<'_>> = serde_json::from_str(input.get())
            .map_err(|_| wrong("each item of `input` must be an object with its `type`"))?;
        for item in items {
            self.item(&item, tools)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item<'_>, tools: &Tools) -> Result<(), BadRequest> {
        match item.kind.as_deref() {
            None | Some("message") => {
                let role = match item.role.as_deref() {
                    Some("user") => Role::User,
                    Some("assistant") => Role::Assistant,
                    Some("system" | "developer") => Role::System,
                    _ => {
                        return Err(wrong(
                            "a message in `input` must have a `role`: user, assistant, system or developer",
                        ));
                    }
                };
                self.say(role, parts(item.content)?);
            }
            Some("function_call") => {
                let call = call(item, tools, item.arguments, ToolKind::Function)?;
                self.say(Role::Assistant, vec![call]);
            }
            Some("custom_tool_call") => {
                let call = call(item, tools, item.input, ToolKind::Custom)?;
                self.say(Role::Assistant, vec![call]);
            }
            Some("function_call_output" | "custom_tool_call_output") => {
                self.result(Part::ToolResult {
                    id: string(item.call_id, "a tool's output must have a `call_id`")?,
                    parts: parts(item.output)?,
                    is_error: false,
                });
            }
            Some("reasoning") => self.say(Role::Assistant, reasoning(item)?.into_iter().collect()),
            // What came of it is in the message that follows.
            Some("web_search_call" | "file_search_call" | "mcp_list_tools") => {}
            Some("item_reference") => {
                return Err(wrong(
                    "this model's provider keeps no items: send the item itself instead of an item_reference",
                ));
            }
            Some(_) => {
                return Err(wrong(
                    "`input` holds an item of a type that this model's provider cannot read",
                ));
            }
        }
        Ok(())
    }

    /// The parts of one answer are one turn, as are the results of the tools that it called.
    fn say(&mut self, role: Role, parts: Vec<Part>) {
        if parts.is_empty() {
            return;
        }
        if role == Role::System && self.turns.is_empty() {
            // Instructions before the conversation are text in every dialect.
            let texts: Option<Vec<&str>> = parts.iter().map(text_of).collect();
            if let Some(texts) = texts {
                self.system.push(texts.concat());
                return;
            }
        }
        match self.turns.last_mut() {
            Some(last) if role == Role::Assistant && last.role == role => last.parts.extend(parts),
            _ => self.turns.push(Turn { role, parts }),
        }
    }

    fn result(&mut self, result: Part) {
        let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
        match self.turns.last_mut() {
            Some(last) if last.role == Role::User && last.parts.iter().all(is_result) => {
                last.parts.push(result);
            }
            _ => self.turns.push(Turn {
                role: Role::User,
                parts: vec![result],
            }),
        }
    }
}

fn text_of(part: &Part) -> Option<&str> {
    match part {
        Part::Text(text) => Some(text),
        _ => None,
    }
}

fn string(raw: Option<&RawValue>, rule: &str) -> Result<String, BadRequest> {
    let read = raw.and_then(|raw| serde_json::from_str(raw.get()).ok());
    read.ok_or_else(|| wrong(rule))
}

fn call(
    item: &Item<'_>,
    tools: &Tools,
    arguments: Option<&RawValue>,
    kind: ToolKind,
) -> Result<Part, BadRequest> {
    let namespace = item
        .namespace
        .and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let name = string(item.name, "a tool call must have a `name`")?;
    Ok(Part::ToolCall {
        id: string(item.call_id, "a tool call must have a `call_id`")?,
        name: tools.flat(namespace.as_deref(), &name),
        arguments: string(arguments, "what a tool is called with must be a string")?,
        kind,
    })
}

/// What the model thought, if it comes with words or a seal.
fn reasoning(item: &Item<'_>) -> Result<Option<Part>, BadRequest> {
    #[derive(Deserialize)]
    struct Paragraph {
        text: String,
    }
    let texts = |raw: Option<&RawValue>| -> Result<String, BadRequest> {
        let read: Option<Vec<Paragraph>> = raw
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(|_| wrong("the texts of a reasoning item must be a list of parts"))?;
        let texts: Vec<String> = read.into_iter().flatten().map(|part| part.text).collect();
        Ok(texts.join(PARAGRAPH))
    };
    let summary = texts(item.summary)?;
    let text = match summary.is_empty() {
        true => texts(item.content)?,
        false => summary,
    };
    let sealed = item
        .encrypted_content
        .map(|raw| string(Some(raw), "`encrypted_content` must be a string"))
        .transpose()?
        .filter(|sealed| !sealed.is_empty())
        .map(|sealed| seal::whose(&sealed, Dialect::Responses));
    let is_something = !text.is_empty() || sealed.is_some();
    Ok(is_something.then_some(Part::Reasoning { text, seal: sealed }))
}

/// A part of a message or of what a tool said, under the names of every type.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<String>,
    detail: Option<String>,
    file_id: Option<String>,
    file_url: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    input_audio: Option<Sound>,
}

#[derive(Deserialize)]
struct Sound {
    data: String,
    format: String,
}

/// A text, or a list of parts.
fn parts(content: Option<&RawValue>) -> Result<Vec<Part>, BadRequest> {
    let Some(content) = content else {
        return Ok(Vec::new());
    };
    if let Ok(text) = serde_json::from_str::<String>(content.get()) {
        return Ok(vec![Part::Text(text)]);
    }
    let written: Vec<Written> = serde_json::from_str(content.get())
        .map_err(|_| wrong("the content of an item must be a string or a list of parts"))?;
    written
        .into_iter()
        .map(|part| {
            read_part(part)
                .ok_or_else(|| wrong("`input` holds a part that this model's provider cannot read"))
        })
        .collect()
}

fn read_part(part: Written) -> Option<Part> {
    let media = |source, name, detail| Media {
        source,
        name,
        detail,
    };
    let kept = part.file_id.map(Source::Id);
    Some(match part.kind.as_str() {
        "input_text" | "output_text" | "text" | "summary_text" => Part::Text(part.text?),
        "refusal" => Part::Refusal(part.refusal?),
        "input_image" => {
            let source = part.image_url.map(source).or(kept)?;
            Part::Image(media(source, None, part.detail))
        }
        "input_file" => {
            let inside = part.file_data.map(|data| match source(data) {
                // Only the bytes, without saying what they are: the dialect takes them for a PDF.
                Source::Url(data) => Source::Base64 {
                    kind: "application/pdf".to_owned(),
                    data,
                },
                inside => inside,
            });
            let source = inside.or(part.file_url.map(Source::Url)).or(kept)?;
            Part::File(media(source, part.filename, None))
        }
        "input_audio" => {
            let heard = part.input_audio?;
            let source = Source::Base64 {
                kind: sound(&heard.format).to_owned(),
                data: heard.data,
            };
            Part::Audio(media(source, None, None))
        }
        _ => return None,
    })
}
