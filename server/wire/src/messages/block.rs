//! What is in a block of an answer, and in the pieces that a stream brings of it?

use std::borrow::Cow;

use domain::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::seal::redacted;
use crate::neutral::{Block, Content, ToolKind, seal};
use crate::text;

/// A block, as far as we know its kind.
pub(super) enum Known<'a> {
    Text(Cow<'a, str>),
    Thinking {
        text: Cow<'a, str>,
        signature: Cow<'a, str>,
    },
    Redacted(Cow<'a, str>),
    /// The caller runs it, or, if it is `hosted`, the provider.
    Tool {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        input: &'a str,
        hosted: bool,
    },
    /// What a tool said that the provider runs. The model did not write it.
    HostedResult,
    Unknown,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
}

/// The input of a tool that was not filled yet, or takes nothing.
pub(super) const EMPTY: &str = "{}";

impl<'a> Known<'a> {
    /// Of any JSON. What has another shape than its kind promises is not known.
    pub(super) fn read(raw: &'a RawValue) -> Self {
        let Ok(block) = serde_json::from_str::<Written<'a>>(raw.get()) else {
            return Self::Unknown;
        };
        match block.kind.as_ref() {
            "text" => Self::Text(block.text.unwrap_or_default()),
            "thinking" => Self::Thinking {
                text: block.thinking.unwrap_or_default(),
                signature: block.signature.unwrap_or_default(),
            },
            "redacted_thinking" => Self::Redacted(block.data.unwrap_or_default()),
            kind @ ("tool_use" | "server_tool_use" | "mcp_tool_use") => Self::Tool {
                id: block.id.unwrap_or_default(),
                name: block.name.unwrap_or_default(),
                input: block.input.map_or(EMPTY, RawValue::get),
                hosted: kind != "tool_use",
            },
            kind if kind.ends_with("_tool_result") => Self::HostedResult,
            _ => Self::Unknown,
        }
    }

    /// The neutral block with what is in it, its seal marked; `None` for what no other dialect has a word for.
    pub(super) fn content(self) -> Option<Content> {
        let (block, text, made) = match self {
            Self::Text(text) => (Block::Text, text.into_owned(), None),
            Self::Thinking { text, signature } => {
                let made = Some(signature.into_owned()).filter(|signature| !signature.is_empty());
                (Block::Reasoning, text.into_owned(), made)
            }
            Self::Redacted(data) => (Block::Reasoning, String::new(), Some(redacted(&data))),
            Self::Tool {
                id,
                name,
                input,
                hosted: false,
            } => {
                let (id, name) = (id.into_owned(), name.into_owned());
                let kind = ToolKind::Function;
                (Block::Tool { id, name, kind }, input.to_owned(), None)
            }
            Self::Tool { .. } | Self::HostedResult | Self::Unknown => return None,
        };
        Some(Content {
            block,
            text,
            seal: made.map(|made| seal::mark(Dialect::Messages, &made)),
        })
    }
}

/// Hands what the model wrote of a block to `each`, for a tokenizer; answers whether there was anything. All text of a
/// kind that we do not know counts.
pub(super) fn each_text(raw: &RawValue, each: &mut dyn FnMut(&str)) -> bool {
    let mut some = |text: &str| {
        if !text.is_empty() {
            each(text);
        }
        !text.is_empty()
    };
    match Known::read(raw) {
        Known::Text(text) => some(&text),
        Known::Thinking { text, signature } => some(&text) || !signature.is_empty(),
        Known::Tool { name, input, .. } => {
            some(&name);
            if input != EMPTY {
                some(input);
            }
            true
        }
        Known::Redacted(_) | Known::HostedResult => true,
        Known::Unknown => {
            // It is a part of a body that was read, so it is JSON.
            let _ = text::each_text(raw.get().as_bytes(), each);
            true
        }
    }
}

/// What one event adds to a block.
pub(super) enum Delta<'a> {
    Text(Cow<'a, str>),
    Thinking(Cow<'a, str>),
    Input(Cow<'a, str>),
    Signature(Cow<'a, str>),
    /// Where a text is from.
    Citation,
    Unknown,
}

#[derive(Deserialize)]
struct WrittenDelta<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    thinking: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    partial_json: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    signature: Option<Cow<'a, str>>,
}

impl<'a> Delta<'a> {
    /// Of any JSON. What has another shape than its kind promises is not known.
    pub(super) fn read(raw: &'a RawValue) -> Self {
        let Ok(delta) = serde_json::from_str::<WrittenDelta<'a>>(raw.get()) else {
            return Self::Unknown;
        };
        match delta.kind.as_ref() {
            "text_delta" => Self::Text(delta.text.unwrap_or_default()),
            "thinking_delta" => Self::Thinking(delta.thinking.unwrap_or_default()),
            "input_json_delta" => Self::Input(delta.partial_json.unwrap_or_default()),
            "signature_delta" => Self::Signature(delta.signature.unwrap_or_default()),
            "citations_delta" => Self::Citation,
            _ => Self::Unknown,
        }
    }

    /// See [`each_text`].
    pub(super) fn each_text(raw: &'a RawValue, each: &mut dyn FnMut(&str)) -> bool {
        match Self::read(raw) {
            Self::Text(text) | Self::Thinking(text) | Self::Input(text) => {
                if !text.is_empty() {
                    each(&text);
                }
                !text.is_empty()
            }
            Self::Signature(_) | Self::Citation => true,
            Self::Unknown => {
                let _ = text::each_text(raw.get().as_bytes(), each);
                true
            }
        }
    }
}
