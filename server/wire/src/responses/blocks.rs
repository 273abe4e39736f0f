//! Which blocks of an answer are in an item of the output, and which words in it did the model write?

use domain::Dialect;
use serde_json::Value;

use super::object::{Object, list, text};
use crate::neutral::{Block, Content, ToolKind, seal};
use crate::text::each_text;

/// How many parts an item can have before its blocks could be taken for the next item's.
const PARTS: u64 = 1 << 20;

/// The number of an item that is one block: a tool call, reasoning.
pub(super) fn of_item(index: u64) -> u64 {
    index.min(u64::MAX / PARTS - 1) * PARTS
}

/// The number of a part of a message.
pub(super) fn of_part(index: u64, part: usize) -> u64 {
    of_item(index) + 1 + (part as u64).min(PARTS - 2)
}

/// The blocks of an item, numbered.
pub(super) fn blocks(index: u64, item: &Object) -> Vec<(u64, Content)> {
    let whole = |content| vec![(of_item(index), content)];
    match text(item, "type") {
        // The type may be left out where a message is meant.
        Some("message") | None => list(item, "content")
            .iter()
            .enumerate()
            .filter_map(|(at, part)| Some((of_part(index, at), of_message(part)?)))
            .collect(),
        Some("reasoning") => reasoning(item).map(whole).unwrap_or_default(),
        Some("function_call") => tool(item, ToolKind::Function, "arguments")
            .map(whole)
            .unwrap_or_default(),
        Some("custom_tool_call") => tool(item, ToolKind::Custom, "input")
            .map(whole)
            .unwrap_or_default(),
        // Tools that the provider runs are never asked for across dialects.
        Some(_) => Vec::new(),
    }
}

fn of_message(part: &Value) -> Option<Content> {
    let part = part.as_object()?;
    let content = |block, name| {
        Some(Content {
            block,
            text: text(part, name)?.to_owned(),
            seal: None,
        })
    };
    match text(part, "type")? {
        "output_text" | "text" => content(Block::Text, "text"),
        "refusal" => content(Block::Refusal, "refusal"),
        _ => None,
    }
}

/// Between the paragraphs of a summary.
pub(super) const PARAGRAPH: &str = "\n\n";

fn reasoning(item: &Object) -> Option<Content> {
    let joined = |name| {
        let parts = list(item, name).iter();
        let texts: Vec<&str> = parts
            .filter_map(|part| part.get("text")?.as_str())
            .collect();
        texts.join(PARAGRAPH)
    };
    // A model whose thoughts are open writes them as content; what is kept back has a summary.
    let text_of = Some(joined("summary")).filter(|summary| !summary.is_empty());
    let thought = text_of.unwrap_or_else(|| joined("content"));
    let sealed = text(item, "encrypted_content").filter(|sealed| !sealed.is_empty());
    if thought.is_empty() && sealed.is_none() {
        return None;
    }
    Some(Content {
        block: Block::Reasoning,
        text: thought,
        seal: sealed.map(|sealed| seal::mark(Dialect::Responses, sealed)),
    })
}

fn tool(item: &Object, kind: ToolKind, arguments: &str) -> Option<Content> {
    let id = text(item, "call_id").or_else(|| text(item, "id"));
    Some(Content {
        block: Block::Tool {
            id: id?.to_owned(),
            name: text(item, "name")?.to_owned(),
            kind,
        },
        text: text(item, arguments).unwrap_or_default().to_owned(),
        seal: None,
    })
}

/// The name of the tool that an item calls.
pub(super) fn called(item: &Object) -> Option<&str> {
    text(item, "name").filter(|name| !name.is_empty())
}

/// Hands all that the model wrote in an item to `each`, but for a tool's name. Answers whether the item is worth
/// something: what has no words may still be an image, a search, or thoughts that are sealed.
pub(super) fn each_word(item: &Object, each: &mut dyn FnMut(&str)) -> bool {
    let mut delivers = match text(item, "type") {
        Some("message") | None => false,
        Some("reasoning") => {
            text(item, "encrypted_content").is_some_and(|sealed| !sealed.is_empty())
        }
        Some(_) => true,
    };
    let mut word = |text: &str| {
        if !text.is_empty() {
            delivers = true;
            each(text);
        }
    };
    for part in ["content", "summary"]
        .into_iter()
        .flat_map(|name| list(item, name))
    {
        ["text", "refusal", "transcript"]
            .into_iter()
            .filter_map(|name| part.get(name)?.as_str())
            .for_each(&mut word);
    }
    for value in ["arguments", "input", "code", "action", "operation"]
        .into_iter()
        .filter_map(|name| item.get(name))
    {
        // A value is always JSON.
        let _ = each_text(value.to_string().as_bytes(), &mut word);
    }
    delivers
}
