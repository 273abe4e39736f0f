//! What does one event of a stream say?

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::item::Place;
use super::object::{Object, said};
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
    fn index(&self) -> u64 {
        number(self.output_index.as_ref()).unwrap_or(0)
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

/// Reads an event, with the number that it has in its stream.
///
/// # Errors
/// [`Broken`] when it is none of the dialect. One of a type that Farebox does not know is [`Step::Other`].
pub(super) fn read(event: &Event, data: &[u8]) -> Result<(Option<u64>, Step), Broken> {
    let line: Line<'_> = serde_json::from_slice(data)?;
    let sequence = number(line.sequence_number.as_ref());
    let index = line.index();
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
        "response.output_item.added" => Step::Added {
            index,
            item: object(line.item)?,
        },
        "response.output_item.done" => Step::Done {
            index,
            item: object(line.item)?,
        },
        "response.content_part.added" | "response.reasoning_summary_part.added" => {
            let (place, part) = line.part()?;
            Step::Part { index, place, part }
        }
        "response.content_part.done" | "response.reasoning_summary_part.done" => {
            let (place, part) = line.part()?;
            Step::PartDone { index, place, part }
        }
        "response.audio.delta" | "response.image_generation_call.partial_image" => Step::Media,
        kind if kind.ends_with(".delta") => match line
            .delta
            .map(|raw| serde_json::from_str::<String>(raw.get()))
        {
            Some(Ok(text)) => Step::Delta {
                index,
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
