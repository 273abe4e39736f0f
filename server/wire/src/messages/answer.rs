//! What does a plain answer say? Checked to be one, read, and written.

use std::borrow::Cow;

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::block::{Known, each_text};
use super::stop;
use super::turns::{self, input};
use super::usage::{self, Report};
use super::writer::answer_id;
use crate::neutral::{Answer, Block, Content, Stop};
use crate::relay::{Broken, Whole};
use crate::request::Caller;

#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Cow<'a, str>>,
    #[serde(default)]
    usage: Report,
}

/// The answer as it came.
///
/// # Errors
/// [`Broken`] when the body is no message with content, be it empty.
pub fn own(body: Bytes) -> Result<Whole, Broken> {
    let answer: Read<'_> = serde_json::from_slice(&body)?;
    let delivers = answer.content.iter().any(|raw| each_text(raw, &mut |_| {}));
    let report = answer.usage;
    let mut whole = Whole::own(Dialect::Messages, body.clone(), report.usage(), delivers);
    whole.tier = report.tier();
    Ok(whole)
}

/// Hands every piece of the answer's text to `each`, for a tokenizer: what a stream of the same answer would hand it.
pub fn each_answer_text(body: &[u8], each: &mut dyn FnMut(&str)) {
    if let Ok(answer) = serde_json::from_slice::<Read<'_>>(body) {
        for raw in answer.content {
            each_text(raw, each);
        }
    }
}

/// The answer for a caller of another dialect.
///
/// # Errors
/// See [`own`].
pub fn read(body: &[u8]) -> Result<Answer, Broken> {
    let answer: Read<'_> = serde_json::from_slice(body)?;
    let blocks = answer.content.into_iter().map(Known::read);
    let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let sequence = owned(answer.stop_sequence);
    Ok(Answer {
        id: owned(answer.id),
        model: owned(answer.model),
        blocks: blocks.filter_map(Known::content).collect(),
        stop: answer
            .stop_reason
            .map_or(Stop::End, |reason| stop::read(&reason, sequence)),
        usage: answer.usage.usage(),
    })
}

#[derive(Serialize)]
struct Written<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<turns::Block<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    usage: Value,
}

/// The body for a caller who speaks messages, with what was charged.
#[must_use]
pub fn write(answer: &Answer, caller: &Caller, usage: &Usage) -> Bytes {
    let has_tools = answer
        .blocks
        .iter()
        .any(|content| matches!(content.block, Block::Tool { .. }));
    let (stop_reason, stop_sequence) = stop::write(&answer.stop, has_tools);
    let written = Written {
        id: answer_id(caller),
        kind: "message",
        role: "assistant",
        model: &caller.model,
        content: answer.blocks.iter().map(block).collect(),
        stop_reason,
        stop_sequence,
        usage: usage::write(usage),
    };
    let json = serde_json::to_vec(&written).expect("strings and numbers always serialise");
    Bytes::from(json)
}

fn block(content: &Content) -> turns::Block<'_> {
    let text = content.text.as_str();
    match &content.block {
        Block::Text | Block::Refusal => turns::Block::text(text),
        Block::Reasoning => turns::Block::Thinking {
            thinking: text,
            signature: content.seal.as_deref().unwrap_or_default(),
        },
        Block::Tool { id, name, kind } => turns::Block::ToolUse {
            id: id.into(),
            name,
            input: input(text, *kind),
        },
    }
}
