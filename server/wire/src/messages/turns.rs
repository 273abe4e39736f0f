//! How is a conversation of another dialect written in turns that Anthropic takes?
//!
//! Its rules: turns alternate, results of tools come first in the turn after they were asked for, no text is blank, and
//! what is said by an operator stands before the conversation. Where an operator speaks inside it, the user's turn
//! carries it in `<system-reminder>`, which its models know.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::Dialect;
use serde::Serialize;
use serde_json::value::RawValue;

use super::cache::Mark;
use super::seal::as_redacted;
use crate::neutral::{self, Media, Part, Prompt, Role, ToolKind, custom};
use crate::request::BadRequest;

pub(super) struct Conversation<'a> {
    pub(super) system: Vec<TextBlock<'a>>,
    pub(super) messages: Vec<Message<'a>>,
}

#[derive(Serialize)]
pub(super) struct TextBlock<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Mark>,
}

impl<'a> TextBlock<'a> {
    pub(super) fn of(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind: "text",
            text: text.into(),
            cache_control: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    pub(super) content: Vec<Block<'a>>,
}

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

impl Message<'_> {
    pub(super) fn role(&self) -> Role {
        match self.role {
            ASSISTANT => Role::Assistant,
            _ => Role::User,
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    Image {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    Document {
        source: Source<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Mark>,
    },
}

impl<'a> Block<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text {
            text: text.into(),
            cache_control: None,
        }
    }

    /// The prompt is kept up to here. What an assistant says takes no mark.
    pub(super) const fn mark(&mut self, mark: Mark) {
        if let Self::Text { cache_control, .. }
        | Self::Image { cache_control, .. }
        | Self::Document { cache_control, .. }
        | Self::ToolResult { cache_control, .. } = self
        {
            *cache_control = Some(mark);
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 {
        media_type: &'a str,
        data: &'a str,
    },
    Url {
        url: &'a str,
    },
    Text {
        media_type: &'static str,
        data: String,
    },
}

impl<'a> Conversation<'a> {
    /// # Errors
    /// [`BadRequest`] when something in it cannot be said, or nothing is said at all.
    pub(super) fn of(prompt: &'a Prompt) -> Result<Self, BadRequest> {
        let mut system: Vec<&str> = prompt.system.iter().map(String::as_str).collect();
        let mut messages: Vec<Message<'a>> = Vec::new();
        for turn in &prompt.turns {
            for part in &turn.parts {
                match (turn.role, part) {
                    (Role::System, Part::Text(text)) if messages.is_empty() => system.push(text),
                    (role, part) => {
                        if let Some((role, block)) = block(role, part)? {
                            add(&mut messages, role, block);
                        }
                    }
                }
            }
        }
        system.retain(|text| !text.trim().is_empty());
        if messages.is_empty() {
            // Others answer to instructions alone.
            let text = system.pop().ok_or_else(|| {
                BadRequest::new("messages", "`messages` must say something to the model")
            })?;
            add(&mut messages, USER, Block::text(text));
        }
        for message in &mut messages {
            // Only the results move: a stable sort.
            message
                .content
                .sort_by_key(|block| !matches!(block, Block::ToolResult { .. }));
        }
        trim_beginning_of_answer(&mut messages);
        Ok(Self {
            system: system.into_iter().map(TextBlock::of).collect(),
            messages,
        })
    }
}

fn add<'a>(messages: &mut Vec<Message<'a>>, role: &'static str, block: Block<'a>) {
    match messages.last_mut() {
        Some(last) if last.role == role => last.content.push(block),
        _ => messages.push(Message {
            role,
            content: vec![block],
        }),
    }
}

/// What the caller lets the model go on from may not end with blanks.
fn trim_beginning_of_answer(messages: &mut [Message<'_>]) {
    if let Some(last) = messages.last_mut().filter(|last| last.role == ASSISTANT)
        && let Some(Block::Text { text, .. }) = last.content.last_mut()
    {
        let length = text.trim_end().len();
        text.to_mut().truncate(length);
    }
}

/// The block for a part and the side that says it; `None` for what says nothing here.
fn block(role: Role, part: &Part) -> Result<Option<(&'static str, Block<'_>)>, BadRequest> {
    let side = match (part, role) {
        (Part::ToolResult { .. }, _) => USER,
        (Part::ToolCall { .. } | Part::Reasoning { .. }, _) | (_, Role::Assistant) => ASSISTANT,
        (_, Role::User | Role::System) => USER,
    };
    let block = match part {
        Part::Text(text) | Part::Refusal(text) if text.trim().is_empty() => return Ok(None),
        Part::Text(text) if role == Role::System => {
            Block::text(format!("<system-reminder>\n{text}\n</system-reminder>"))
        }
        Part::Text(text) | Part::Refusal(text) => Block::text(text),
        Part::Image(image) => Block::Image {
            source: source(image)?,
            cache_control: None,
        },
        Part::File(file) => Block::Document {
            source: source(file)?,
            title: file.name.as_deref(),
            cache_control: None,
        },
        Part::Audio(_) => {
            return Err(BadRequest::new(
                "messages",
                "audio cannot be used with this model",
            ));
        }
        // Anthropic believes only thoughts that it sealed itself.
        Part::Reasoning { text, seal } => match seal {
            Some((Dialect::Messages, seal)) => match as_redacted(seal) {
                Some(data) => Block::RedactedThinking { data },
                None => Block::Thinking {
                    thinking: text,
                    signature: seal,
                },
            },
            _ => return Ok(None),
        },
        Part::ToolCall {
            id,
            name,
            arguments,
            kind,
        } => Block::ToolUse {
            id: tool_id(id),
            name,
            input: input(arguments, *kind),
        },
        Part::ToolResult {
            id,
            parts,
            is_error,
        } => {
            let parts = parts.iter().map(|part| block(Role::User, part));
            let content: Vec<_> = parts.collect::<Result<_, _>>()?;
            Block::ToolResult {
                tool_use_id: tool_id(id),
                content: content
                    .into_iter()
                    .flatten()
                    .map(|(_, block)| block)
                    .collect(),
                is_error: is_error.then_some(true),
                cache_control: None,
            }
        }
    };
    Ok(Some((side, block)))
}

/// Letters, digits, `_` and `-` are all that an id may have; other providers' have more.
fn tool_id(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !id.is_empty() && id.chars().all(fits) {
        return id.into();
    }
    let fitting: String = id.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    format!("toolu_{fitting}").into()
}

/// Arguments that are no object are what a model made of them: they are kept as the input of a custom tool is.
pub(super) fn input(arguments: &str, kind: ToolKind) -> Box<RawValue> {
    let is_object = |raw: &RawValue| raw.get().starts_with('{');
    let raw = |json: &str| serde_json::from_str::<Box<RawValue>>(json).ok();
    let written = match kind {
        ToolKind::Function if arguments.trim().is_empty() => raw("{}"),
        ToolKind::Function => raw(arguments).filter(|raw| is_object(raw)),
        ToolKind::Custom => None,
    };
    written
        .or_else(|| raw(&custom::arguments(arguments)))
        .expect("the input of a custom tool is JSON")
}

fn source(media: &Media) -> Result<Source<'_>, BadRequest> {
    match &media.source {
        neutral::Source::Url(url) => Ok(Source::Url { url }),
        neutral::Source::Base64 { kind, data } if kind.starts_with("text/") => {
            let text = BASE64.decode(data).ok();
            let data = text.and_then(|text| String::from_utf8(text).ok());
            let data = data.ok_or_else(|| {
                BadRequest::new("messages", "a file of text must be UTF-8 in base64")
            })?;
            let media_type = "text/plain";
            Ok(Source::Text { media_type, data })
        }
        neutral::Source::Base64 { kind, data } => Ok(Source::Base64 {
            media_type: match kind.as_str() {
                // Others take these names too.
                "image/jpg" | "image/pjpeg" => "image/jpeg",
                kind => kind,
            },
            data,
        }),
        neutral::Source::Id(_) => Err(BadRequest::new(
            "messages",
            "a file that another provider keeps cannot be used with this model: send what is in it",
        )),
    }
}
