//! What does a plain answer say?
//!
//! A response that failed is no answer, though it comes with a 200: nothing of it is charged, and the caller is told so
//! as of any other broken answer.

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::Value;

use super::blocks::{blocks, called, each_word};
use super::object::{Ending, Object, list, text, tier, whole};
use super::reader::stop;
use super::usage;
use super::writer::Writer;
use crate::neutral::{Answer, Block, Content};
use crate::relay::{Broken, Whole, Writer as _};
use crate::request::Caller;

/// The answer as it came.
///
/// # Errors
/// [`Broken`] when the body is no response, or one that failed or still runs.
pub(crate) fn own(body: Bytes) -> Result<Whole, Broken> {
    let response = whole(&body)?;
    let delivers = each_word_of(&response, &mut |_| {});
    let usage = usage::read(&response);
    Ok(Whole::own(Dialect::Responses, body, usage, delivers).served(tier(&response)))
}

/// Reads an answer, for a caller who speaks otherwise.
///
/// # Errors
/// See [`own`].
pub(crate) fn read(body: &[u8]) -> Result<Answer, Broken> {
    let response = whole(body)?;
    let blocks: Vec<Content> = (0..)
        .zip(items(&response))
        .flat_map(|(index, item)| blocks(index, item))
        .map(|(_, content)| content)
        .collect();
    let has = |wanted: fn(&Block) -> bool| blocks.iter().any(|content| wanted(&content.block));
    let has_tools = has(|block| matches!(block, Block::Tool { .. }));
    let has_refused = has(|block| *block == Block::Refusal);
    Ok(Answer {
        id: text(&response, "id").map(str::to_owned),
        model: text(&response, "model").map(str::to_owned),
        stop: stop(Ending::read(&response), has_tools, has_refused),
        blocks,
        usage: usage::read(&response),
    })
}

/// The answer for a caller who speaks responses: what the end of a stream of it would tell.
pub(crate) fn write(answer: &Answer, caller: &Caller, usage: &Usage) -> Bytes {
    let mut writer = Writer::new(caller.clone());
    let mut events = Vec::new();
    let pieces = Answer {
        usage: None,
        ..answer.clone()
    }
    .into_pieces();
    let end = pieces.len().saturating_sub(1);
    for piece in pieces.into_iter().take(end) {
        writer.piece(piece, &mut events);
        events.clear();
    }
    let response = writer.whole(usage).unwrap_or_default();
    Bytes::from(Value::Object(response).to_string())
}

/// Hands every piece of the answer's text to `each`, for a tokenizer: what a stream of the same answer would hand it.
pub fn each_answer_text(body: &[u8], each: &mut dyn FnMut(&str)) {
    if let Ok(response) = whole(body) {
        each_word_of(&response, each);
    }
}

fn items(response: &Object) -> impl Iterator<Item = &Object> {
    list(response, "output").iter().filter_map(Value::as_object)
}

fn each_word_of(response: &Object, each: &mut dyn FnMut(&str)) -> bool {
    let mut delivers = false;
    for item in items(response) {
        called(item).into_iter().for_each(&mut *each);
        delivers |= each_word(item, each);
    }
    delivers
}
