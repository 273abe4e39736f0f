//! What is said over a WebSocket that is no event of an upstream? Errors, and the answer to a warm-up.

use serde::Serialize;
use serde_json::json;

use super::create::{Create, Remembered};
use crate::error::Fault;

/// `{"type":"error","status":…,"error":{…}}`, by which Codex decides as by an answer of that status.
#[derive(Serialize)]
struct ErrorFrame<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_id: Option<&'a str>,
    error: ErrorBody<'a>,
    /// What an answer over HTTP would have in its head.
    headers: serde_json::Map<String, serde_json::Value>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    docs_url: Option<&'a str>,
}

/// An error as a message.
#[must_use]
pub fn error_frame(fault: &Fault, lane: Option<&str>, headers: &[(&str, String)]) -> String {
    let frame = ErrorFrame {
        kind: "error",
        status: fault.status,
        stream_id: lane,
        error: ErrorBody {
            kind: &fault.openai_type,
            code: fault.code.as_deref(),
            message: &fault.message,
            param: fault.param.as_deref(),
            docs_url: Some(fault.docs_url.as_str()).filter(|url| !url.is_empty()),
        },
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
            .chain([("x-request-id".to_owned(), fault.request_id.as_str().into())])
            .collect(),
    };
    serde_json::to_string(&frame).expect("strings and numbers always serialise")
}

/// An event as a message of its lane.
#[must_use]
pub fn in_lane(event: String, lane: Option<&str>) -> String {
    match (lane, event.strip_prefix('{')) {
        (Some(lane), Some(rest)) => {
            let comma = if rest.trim_start().starts_with('}') {
                ""
            } else {
                ","
            };
            format!(r#"{{"stream_id":{}{comma}{rest}"#, json!(lane))
        }
        _ => event,
    }
}

/// What a warm-up is answered with, an empty response that has already ended, and what it leaves to go on from.
#[must_use]
pub fn warmed(
    asked: &Create,
    before: Option<&Remembered>,
    id: &str,
    created: i64,
) -> ([String; 2], Remembered) {
    let event = |number: u64, kind: &str, status: &str| {
        let mut response = json!({
            "id": id,
            "object": "response",
            "created_at": created,
            "status": status,
            "error": null,
            "incomplete_details": null,
            "instructions": null,
            "metadata": {},
            "model": asked.model,
            "output": [],
            "parallel_tool_calls": true,
            "previous_response_id": asked.previous,
            "store": false,
            "temperature": null,
            "tool_choice": "auto",
            "tools": [],
            "top_p": null,
            "usage": null,
        });
        if status == "completed" {
            response["usage"] = json!({
                "input_tokens": 0,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 0,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 0,
            });
        }
        json!({"type": kind, "sequence_number": number, "response": response}).to_string()
    };
    let events = [
        event(0, "response.created", "in_progress"),
        event(1, "response.completed", "completed"),
    ];
    (events, asked.remembered(id.to_owned(), before, b""))
}
