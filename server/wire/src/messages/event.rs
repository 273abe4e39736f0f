//! What does one event of a stream say? And how is one written?

use std::borrow::Cow;

use bytes::Bytes;
use domain::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::usage::{self, Report};
use crate::relay::Broken;
use crate::sse;

/// Shows that somebody is still there.
pub(super) const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// One event.
pub(super) enum Said<'a> {
    Start {
        id: Option<Cow<'a, str>>,
        model: Option<Cow<'a, str>>,
        usage: Report,
    },
    Open {
        index: u64,
        block: &'a RawValue,
    },
    Delta {
        index: u64,
        delta: &'a RawValue,
    },
    Close {
        index: u64,
    },
    /// `reason` may be missing: then it is only a report.
    Stop {
        reason: Option<Cow<'a, str>>,
        sequence: Option<Cow<'a, str>>,
        usage: Report,
    },
    End,
    Error,
    /// A ping, or an event that is newer than this.
    Other,
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
    #[serde(default)]
    usage: Report,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(default)]
    usage: Report,
}

#[derive(Deserialize)]
struct Ending<'a> {
    #[serde(borrow, default)]
    stop_reason: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    stop_sequence: Option<Cow<'a, str>>,
}

/// Reads an event with data.
///
/// # Errors
/// [`Broken`] when it is no JSON object, or lacks what its kind promises.
pub(super) fn read<'a>(event: &'a sse::Event, data: &'a [u8]) -> Result<Said<'a>, Broken> {
    let written: Written<'a> = serde_json::from_slice(data)?;
    let named = || {
        let name = event.name.as_deref().unwrap_or_default();
        String::from_utf8_lossy(name)
    };
    // The two are the same wherever both are.
    let kind = written.kind.unwrap_or_else(named);
    Ok(match kind.as_ref() {
        "message_start" => {
            let message = written.message.ok_or(Broken)?;
            Said::Start {
                id: message.id,
                model: message.model,
                usage: message.usage,
            }
        }
        "content_block_start" => Said::Open {
            index: written.index,
            block: written.content_block.ok_or(Broken)?,
        },
        "content_block_delta" => Said::Delta {
            index: written.index,
            delta: written.delta.ok_or(Broken)?,
        },
        "content_block_stop" => Said::Close {
            index: written.index,
        },
        "message_delta" => {
            let ending: Ending<'a> = serde_json::from_str(written.delta.ok_or(Broken)?.get())?;
            Said::Stop {
                reason: ending.stop_reason,
                sequence: ending.stop_sequence,
                usage: written.usage,
            }
        }
        "message_stop" => Said::End,
        "error" => Said::Error,
        _ => Said::Other,
    })
}

/// An event under its name, which is also its type: the SDKs need both.
fn event(name: &str, mut rest: Value) -> Bytes {
    let mut json = json!({ "type": name });
    if let (Some(json), Some(rest)) = (json.as_object_mut(), rest.as_object_mut()) {
        json.append(rest);
    }
    sse::named_event(name, &json.to_string())
}

pub(super) fn start(id: &str, model: &str, usage: &Usage) -> Bytes {
    let message = json!({
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": usage::write(usage),
    });
    event("message_start", json!({ "message": message }))
}

pub(super) fn open(index: u64, block: Value) -> Bytes {
    event(
        "content_block_start",
        json!({"index": index, "content_block": block}),
    )
}

pub(super) fn delta(index: u64, delta: Value) -> Bytes {
    event(
        "content_block_delta",
        json!({"index": index, "delta": delta}),
    )
}

pub(super) fn close(index: u64) -> Bytes {
    event("content_block_stop", json!({ "index": index }))
}

pub(super) fn stopped((reason, sequence): (&str, Option<&str>), usage: &Usage) -> Bytes {
    event(
        "message_delta",
        json!({
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": usage::write(usage),
        }),
    )
}

pub(super) fn ended() -> Bytes {
    event("message_stop", json!({}))
}

/// The error that ends a stream. `fault` is the envelope.
pub(super) fn failed(fault: &str) -> Bytes {
    sse::named_event("error", fault)
}
