//! How does an item of an answer come about, and how is it closed?
//!
//! It is kept as the JSON object that its own events describe, so that items nobody knows are closed as well as those
//! that Farebox writes itself.

use bytes::Bytes;
use serde_json::{Value, json};

use super::object::{Log, Object, text};

/// Where in an item a piece of text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A part of a message.
    Text(usize),
    Refusal(usize),
    /// A part of thoughts that are open.
    Thought(usize),
    /// A paragraph of a summary of thoughts.
    Summary(usize),
    /// A field of the item: `arguments`, `input`, `code`.
    Field(&'static str),
    /// Where Farebox does not know.
    Elsewhere,
}

impl Place {
    /// The list, the place in it, the type of the part there, and its field.
    const fn part(self) -> Option<(&'static str, usize, &'static str, &'static str)> {
        Some(match self {
            Self::Text(at) => ("content", at, "output_text", "text"),
            Self::Refusal(at) => ("content", at, "refusal", "refusal"),
            Self::Thought(at) => ("content", at, "reasoning_text", "text"),
            Self::Summary(at) => ("summary", at, "summary_text", "text"),
            Self::Field(_) | Self::Elsewhere => return None,
        })
    }
}

/// An item that is not finished.
pub(super) struct Item {
    pub(super) index: u64,
    json: Object,
    /// How many of its parts are finished.
    content_done: usize,
    summary_done: usize,
}

impl Item {
    pub(super) fn new(index: u64, json: Object) -> Self {
        Self {
            index,
            json,
            content_done: 0,
            summary_done: 0,
        }
    }

    pub(super) fn id(&self) -> &str {
        text(&self.json, "id").unwrap_or_default()
    }

    pub(super) fn has_type(&self) -> bool {
        self.json.contains_key("type")
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.json.insert(name.to_owned(), value);
    }

    pub(super) fn text(&self, name: &str) -> &str {
        text(&self.json, name).unwrap_or_default()
    }

    /// The event that begins it.
    pub(super) fn added(&self, log: &mut Log) -> Bytes {
        let fields = json!({"output_index": self.index, "item": self.json});
        log.event("response.output_item.added", fields)
    }

    /// Puts a part where its event says: at the end, or in the place of one that is there.
    pub(super) fn put(&mut self, place: Place, part: Object) {
        if let Some((list, at, ..)) = place.part()
            && let Some(parts) = self.parts(list)
        {
            if at == parts.len() {
                parts.push(part.into());
            } else if let Some(there) = parts.get_mut(at) {
                *there = part.into();
            }
        }
    }

    /// A part is finished, with what its event says of it.
    pub(super) fn part_done(&mut self, place: Place, part: Object) {
        if let Some((list, at, ..)) = place.part() {
            self.put(place, part);
            let done = match list {
                "summary" => &mut self.summary_done,
                _ => &mut self.content_done,
            };
            *done = (*done).max(at.saturating_add(1));
        }
    }

    pub(super) fn append(&mut self, place: Place, more: &str) {
        let field = match (place, place.part()) {
            (Place::Field(name), _) => Some(
                self.json
                    .entry(name)
                    .or_insert_with(|| Value::String(String::new())),
            ),
            (_, Some((list, at, kind, name))) => self.parts(list).and_then(|parts| {
                if at == parts.len() {
                    parts.push(part(kind, ""));
                }
                parts.get_mut(at)?.get_mut(name)
            }),
            _ => None,
        };
        if let Some(Value::String(text)) = field {
            text.push_str(more);
        }
    }

    fn parts(&mut self, list: &'static str) -> Option<&mut Vec<Value>> {
        self.json
            .entry(list)
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()
    }

    /// Writes all events that finish what is open in it, and the one that finishes it. Answers the finished item.
    pub(super) fn close(mut self, status: &str, log: &mut Log, out: &mut Vec<Bytes>) -> Value {
        let parts = |name| match self.json.get(name) {
            Some(Value::Array(parts)) => parts.clone(),
            _ => Vec::new(),
        };
        for (at, part) in parts("summary")
            .into_iter()
            .enumerate()
            .skip(self.summary_done)
        {
            let words = part.get("text").cloned().unwrap_or_default();
            let mut fields = self.fields(json!({"summary_index": at, "text": words}));
            out.push(log.event("response.reasoning_summary_text.done", fields));
            fields = self.fields(json!({"summary_index": at, "part": part}));
            out.push(log.event("response.reasoning_summary_part.done", fields));
        }
        for (at, part) in parts("content")
            .into_iter()
            .enumerate()
            .skip(self.content_done)
        {
            let field = |name: &str| part.get(name).cloned().unwrap_or_default();
            let (kind, words) = match part.get("type").and_then(Value::as_str) {
                Some("output_text") => (
                    "response.output_text.done",
                    json!({"content_index": at, "text": field("text"), "logprobs": []}),
                ),
                Some("refusal") => (
                    "response.refusal.done",
                    json!({"content_index": at, "refusal": field("refusal")}),
                ),
                Some("reasoning_text") => (
                    "response.reasoning_text.done",
                    json!({"content_index": at, "text": field("text")}),
                ),
                _ => continue,
            };
            out.push(log.event(kind, self.fields(words)));
            let fields = self.fields(json!({"content_index": at, "part": part}));
            out.push(log.event("response.content_part.done", fields));
        }
        let field = |name: &str| self.text(name).to_owned();
        match text(&self.json, "type") {
            Some("function_call") => {
                let words = json!({"name": field("name"), "arguments": field("arguments")});
                out.push(log.event("response.function_call_arguments.done", self.fields(words)));
            }
            Some("custom_tool_call") => {
                let fields = self.fields(json!({"input": field("input")}));
                out.push(log.event("response.custom_tool_call_input.done", fields));
            }
            _ => {}
        }
        if self.json.contains_key("status") {
            self.set("status", status.into());
        }
        let fields = json!({"output_index": self.index, "item": self.json});
        out.push(log.event("response.output_item.done", fields));
        self.json.into()
    }

    /// Fields of an event about a part of this item.
    pub(super) fn fields(&self, more: Value) -> Value {
        let mut fields = Object::new();
        fields.insert("item_id".to_owned(), self.id().into());
        fields.insert("output_index".to_owned(), self.index.into());
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        fields.into()
    }
}

/// A part as it is written.
pub(super) fn part(kind: &str, words: &str) -> Value {
    match kind {
        "output_text" => json!({"type": kind, "text": words, "annotations": [], "logprobs": []}),
        "refusal" => json!({"type": kind, "refusal": words}),
        _ => json!({"type": kind, "text": words}),
    }
}
