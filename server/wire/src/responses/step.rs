//! What does one event of a stream say, and of which item of the output?

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::item::Place;
use super::object::{Object, list, said, text};
use crate::error::Said;
use crate::relay::Broken;
use crate::sse::Event;

/// What a stream does next.
pub(super) enum Step {
    /// The response as it begins.
    Created(Object),
    Added {
        index: u64,
        item: Object,
    },
    /// A part begins.
    Part {
        index: u64,
        place: Place,
        part: Object,
    },
    Delta {
        index: u64,
        place: Place,
        text: String,
    },
    PartDone {
        index: u64,
        place: Place,
        part: Object,
    },
    /// The item as it is in the end.
    Done {
        index: u64,
        item: Object,
    },
    /// The response as it is in the end, complete or not.
    Ended(Object),
    /// The response failed.
    Failed(Object),
    /// The stream broke off with an error of its own.
    Error(Said),
    /// Something of the answer that is not text.
    Media,
    /// Nothing that Farebox needs to know.
    Other,
}

/// An event's type, the fields of any type that matter, and nothing built of the others.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    sequence_number: Option<Value>,
    #[serde(default)]
    output_index: Option<Value>,
    #[serde(borrow, default)]
    item_id: Option<&'a RawValue>,
    #[serde(default)]
    content_index: Option<Value>,
    #[serde(default)]
    summary_index: Option<Value>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    part: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Line<'_> {
    /// The id of the item that it is about, if it says one. It is written plainly, so nothing is built of it.
    fn item_id(&self) -> Option<Cow<'_, str>> {
        let raw = self.item_id?.get();
        let plain = serde_json::from_str::<&str>(raw).map(Cow::Borrowed);
        plain
            .or_else(|_| serde_json::from_str(raw).map(Cow::Owned))
            .ok()
            .filter(|id| !id.is_empty())
    }

    fn at(&self, index: Option<&Value>) -> usize {
        number(index)
            .and_then(|at| usize::try_from(at).ok())
            .unwrap_or(0)
    }

    fn content(&self) -> usize {
        self.at(self.content_index.as_ref())
    }

    fn summary(&self) -> usize {
        self.at(self.summary_index.as_ref())
    }

    /// Where the words of this type of delta go.
    fn place(&self, kind: &str) -> Place {
        match kind {
            "response.output_text.delta" => Place::Text(self.content()),
            "response.refusal.delta" => Place::Refusal(self.content()),
            "response.reasoning_text.delta" => Place::Thought(self.content()),
            "response.reasoning_summary_text.delta" => Place::Summary(self.summary()),
            "response.function_call_arguments.delta" | "response.mcp_call_arguments.delta" => {
                Place::Field("arguments")
            }
            "response.custom_tool_call_input.delta" => Place::Field("input"),
            "response.code_interpreter_call_code.delta" => Place::Field("code"),
            _ => Place::Elsewhere,
        }
    }

    /// Where a part of an item is, by its own type.
    fn part(&self) -> Result<(Place, Object), Broken> {
        let part = object(self.part)?;
        let place = match part.get("type").and_then(Value::as_str) {
            Some("output_text") => Place::Text(self.content()),
            Some("refusal") => Place::Refusal(self.content()),
            Some("reasoning_text") => Place::Thought(self.content()),
            Some("summary_text") => Place::Summary(self.summary()),
            _ => Place::Elsewhere,
        };
        Ok((place, part))
    }
}

fn number(value: Option<&Value>) -> Option<u64> {
    value.and_then(Value::as_u64)
}

fn object(raw: Option<&RawValue>) -> Result<Object, Broken> {
    Ok(serde_json::from_str(raw.ok_or(Broken)?.get())?)
}

/// The items of a stream's output. Each has its place there by the index that its events say; where a server leaves
/// that out, as llama.cpp does, by its id, and where that is not known either, it is the one that was spoken of last.
#[derive(Default)]
pub(super) struct Items {
    /// By their ids; a call goes by that of its result too.
    by_id: BTreeMap<String, u64>,
    next: u64,
    last: u64,
    /// Some event did not say its index.
    is_unnumbered: bool,
}

impl Items {
    /// The place of the item that an event is about; `begins`: it is a new one.
    fn place<'a>(
        &mut self,
        said: Option<&Value>,
        ids: impl Iterator<Item = &'a str> + Clone,
        begins: bool,
    ) -> u64 {
        let index = number(said).unwrap_or_else(|| {
            self.is_unnumbered = true;
            match ids.clone().find_map(|id| self.by_id.get(id)) {
                Some(index) if !begins => *index,
                None if !begins && ids.clone().next().is_none() => self.last,
                _ => self.next,
            }
        });
        self.next = self.next.max(index.saturating_add(1));
        self.last = index;
        index
    }

    /// Remembers by which ids an item goes.
    fn know<'a>(&mut self, ids: impl Iterator<Item = &'a str>, index: u64) {
        for id in ids {
            if self.by_id.get(id) != Some(&index) {
                self.by_id.insert(id.to_owned(), index);
            }
        }
    }

    /// That of an event about a whole item.
    fn of_item(&mut self, line: &Line<'_>, item: &Object, begins: bool) -> u64 {
        let index = self.place(line.output_index.as_ref(), ids(item), begins);
        self.know(ids(item), index);
        index
    }

    /// That of an event about a part of an item. Its id is of use only where numbers are missing.
    fn of_part(&mut self, line: &Line<'_>) -> u64 {
        let id = line.item_id();
        let ids = id.as_deref().into_iter();
        let index = self.place(line.output_index.as_ref(), ids.clone(), false);
        if self.is_unnumbered {
            self.know(ids, index);
        }
        index
    }

    /// The items of the response as it is in the end, with their places.
    pub(super) fn of_response<'a>(&self, response: &'a Object) -> Vec<(u64, &'a Object)> {
        let found = |(at, item): (u64, &'a Value)| {
            let item = item.as_object()?;
            let known = || ids(item).find_map(|id| self.by_id.get(id)).copied();
            let known = self.is_unnumbered.then(known).flatten();
            Some((known.unwrap_or(at), item))
        };
        let all = list(response, "output");
        (0..).zip(all).filter_map(found).collect()
    }
}

fn ids(item: &Object) -> impl Iterator<Item = &str> + Clone {
    let names = ["id", "call_id"].into_iter();
    names
        .filter_map(|name| text(item, name))
        .filter(|id| !id.is_empty())
}

/// Reads an event, with the number that it has in its stream.
///
/// # Errors
/// [`Broken`] when it is none of the dialect. One of a type that Farebox does not know is [`Step::Other`].
pub(super) fn read(
    items: &mut Items,
    event: &Event,
    data: &[u8],
) -> Result<(Option<u64>, Step), Broken> {
    let line: Line<'_> = serde_json::from_slice(data)?;
    let sequence = number(line.sequence_number.as_ref());
    let kind = match (&line.kind, &event.name) {
        (Some(kind), _) => kind.as_ref(),
        // An upstream that does not repeat the name inside; or one that sends a bare error, as chat does.
        (None, Some(name)) => std::str::from_utf8(name).map_err(|_| Broken)?,
        (None, None) if line.error.is_some() => "error",
        (None, None) => return Err(Broken),
    };
    let step = match kind {
        "response.created" => Step::Created(object(line.response)?),
        "response.completed" | "response.incomplete" => Step::Ended(object(line.response)?),
        "response.failed" | "response.cancelled" => Step::Failed(object(line.response)?),
        "error" => {
            let whole: Value = serde_json::from_slice(data)?;
            Step::Error(said(Some(whole.get("error").unwrap_or(&whole))))
        }
        "response.output_item.added" => {
            let item = object(line.item)?;
            let index = items.of_item(&line, &item, true);
            Step::Added { index, item }
        }
        "response.output_item.done" => {
            let item = object(line.item)?;
            let index = items.of_item(&line, &item, false);
            Step::Done { index, item }
        }
        "response.content_part.added" | "response.reasoning_summary_part.added" => {
            let (place, part) = line.part()?;
            let index = items.of_part(&line);
            Step::Part { index, place, part }
        }
        "response.content_part.done" | "response.reasoning_summary_part.done" => {
            let (place, part) = line.part()?;
            let index = items.of_part(&line);
            Step::PartDone { index, place, part }
        }
        "response.audio.delta" | "response.image_generation_call.partial_image" => Step::Media,
        kind if kind.ends_with(".delta") => match line
            .delta
            .map(|raw| serde_json::from_str::<String>(raw.get()))
        {
            Some(Ok(text)) => Step::Delta {
                index: items.of_part(&line),
                place: line.place(kind),
                text,
            },
            Some(Err(_)) => Step::Media,
            None => Step::Other,
        },
        _ => Step::Other,
    };
    Ok((sequence, step))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use bytes::Bytes;

    use super::*;

    fn index(items: &mut Items, data: &str) -> u64 {
        let event = Event {
            raw: Bytes::new(),
            data: None,
            name: None,
        };
        match read(items, &event, data.as_bytes()).unwrap().1 {
            Step::Added { index, .. } | Step::Delta { index, .. } => index,
            _ => panic!("neither an item nor a delta: {data}"),
        }
    }

    #[test]
    fn ids_are_remembered_where_numbers_may_be_missing_and_nowhere_else() {
        let kind = r#""type":"response.output_text.delta","delta":"x""#;
        let mut items = Items::default();
        for (at, id) in [(0, "a"), (1, "b")] {
            let added = format!(
                r#"{{"type":"response.output_item.added","output_index":{at},"item":{{"id":"{id}"}}}}"#
            );
            assert_eq!(index(&mut items, &added), at);
        }
        // Some give each event of an item another id.
        for id in [r#""x1""#, r#""x2""#, "7", "null"] {
            let delta = format!(r#"{{{kind},"output_index":0,"item_id":{id}}}"#);
            assert_eq!(index(&mut items, &delta), 0);
        }
        assert_eq!(items.by_id.len(), 2, "numbers are enough");
        for (id, wanted) in [(r#""b""#, 1), (r#""\u0061""#, 0), ("7", 0), (r#""c""#, 2)] {
            let delta = format!(r#"{{{kind},"item_id":{id}}}"#);
            assert_eq!(index(&mut items, &delta), wanted, "{id}");
        }
        assert_eq!(items.by_id.len(), 3, "a new one is remembered");
    }
}
