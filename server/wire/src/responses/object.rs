//! What is a response, and how are its events written?

use bytes::Bytes;
use domain::Usage;
use domain::price_rule::Tier;
use serde_json::{Map, Value, json};

use super::usage;
use crate::error::{Fault, Said};
use crate::relay::Broken;
use crate::request::Caller;
use crate::sse::named_event;

/// A response, an item or a part of one, as it was written.
pub(super) type Object = Map<String, Value>;

/// Why a response is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Completed,
    Length,
    Filtered,
}

impl Ending {
    /// As the response itself says.
    pub(super) fn read(response: &Object) -> Self {
        match text(response, "status") {
            Some("incomplete") => {
                let reason = response.get("incomplete_details");
                match reason
                    .and_then(|why| why.get("reason"))
                    .and_then(Value::as_str)
                {
                    Some("content_filter") => Self::Filtered,
                    _ => Self::Length,
                }
            }
            _ => Self::Completed,
        }
    }

    /// Writes it into a response, with all that is known at its end.
    pub(super) fn end(self, response: &mut Object, output: Vec<Value>, usage: &Usage) {
        let (status, why) = match self {
            Self::Completed => ("completed", Value::Null),
            Self::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
            Self::Filtered => ("incomplete", json!({"reason": "content_filter"})),
        };
        response.insert("status".to_owned(), status.into());
        response.insert("incomplete_details".to_owned(), why);
        response.insert("output".to_owned(), output.into());
        response.insert("usage".to_owned(), usage::write(usage));
    }

    /// The event that ends such a response.
    pub(super) const fn event(self) -> &'static str {
        match self {
            Self::Completed => "response.completed",
            Self::Length | Self::Filtered => "response.incomplete",
        }
    }
}

/// A response that has just begun, with all fields that the SDKs want, and what it repeats of the request.
pub(super) fn begun(caller: &Caller) -> Object {
    let mut response = bare(&format!("resp_{}", caller.call), &caller.model);
    response.insert("created_at".to_owned(), caller.created.into());
    for (name, raw) in &caller.echo {
        if let Ok(value) = serde_json::from_str(raw.get()) {
            response.insert((*name).to_owned(), value);
        }
    }
    response
}

/// A response that has just begun, of a caller who is not known.
pub(super) fn bare(id: &str, model: &str) -> Object {
    let response = json!({
        "id": id,
        "object": "response",
        "created_at": 0,
        "status": "in_progress",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        // Nothing is kept of an answer that was written anew.
        "store": false,
        "temperature": null,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": null,
        "truncation": "disabled",
        "usage": null,
        "user": null,
    });
    match response {
        Value::Object(response) => response,
        _ => Object::new(),
    }
}

pub(super) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The list in a field; nothing for any other value.
pub(super) fn list<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// How soon the provider says that it served; `None` while that is open.
pub(super) fn tier(response: &Object) -> Option<Tier> {
    match text(response, "service_tier")? {
        "auto" => None,
        tier => Some(Tier::read(Some(tier))),
    }
}

/// A response that is whole. What failed, was cancelled or still runs is no answer.
///
/// # Errors
/// [`Broken`] when it is none.
pub(super) fn whole(body: &[u8]) -> Result<Object, Broken> {
    let response: Object = serde_json::from_slice(body)?;
    let is_response = matches!(
        text(&response, "object"),
        Some("response" | "response.compaction")
    );
    let has_ended = matches!(
        text(&response, "status"),
        None | Some("completed" | "incomplete")
    );
    let has_output = response.get("output").is_some_and(Value::is_array);
    let is_whole = is_response && has_ended && has_output;
    is_whole.then_some(response).ok_or(Broken)
}

/// What a response that failed, or an `error` event, says.
pub(super) fn said(error: Option<&Value>) -> Said {
    let field = |name: &str| match error.and_then(|error| error.get(name)) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Said {
        message: field("message").or_else(|| error.and_then(Value::as_str).map(str::to_owned)),
        kind: field("type").filter(|kind| kind != "error"),
        param: field("param"),
        code: field("code"),
    }
}

/// The code of an error. Codex repeats a call unless it knows the code for one that repeating cannot mend.
fn code(fault: &Fault) -> &str {
    match (fault.openai_type.as_str(), &fault.code) {
        ("insufficient_quota", _) => "insufficient_quota",
        (_, Some(code)) => code,
        (_, None) => "server_error",
    }
}

/// Numbers events and writes them.
#[derive(Default)]
pub(super) struct Log {
    next: u64,
}

impl Log {
    /// An event with this number went to the caller.
    pub(super) fn passed(&mut self, number: u64) {
        self.next = self.next.max(number.saturating_add(1));
    }

    /// An event of this type with these fields.
    pub(super) fn event(&mut self, kind: &str, fields: Value) -> Bytes {
        let mut event = Object::new();
        event.insert("type".to_owned(), kind.into());
        if let Value::Object(fields) = fields {
            event.extend(fields);
        }
        event.insert("sequence_number".to_owned(), self.next.into());
        self.next = self.next.saturating_add(1);
        named_event(kind, &Value::Object(event).to_string())
    }

    /// The event that says that this response failed; of no response, that nothing came about.
    pub(super) fn failed(&mut self, response: Option<Object>, fault: &Fault) -> Bytes {
        let error = json!({
            "code": code(fault),
            "message": fault.message,
            "type": fault.openai_type,
            "param": fault.param,
            "docs_url": fault.docs_url,
        });
        match response {
            Some(mut response) => {
                response.insert("status".to_owned(), "failed".into());
                response.insert("error".to_owned(), error);
                self.event("response.failed", json!({ "response": response }))
            }
            None => {
                let mut error = error;
                // The event's own type has the name.
                if let Value::Object(fields) = &mut error {
                    fields.shift_remove("type");
                }
                self.event("error", error)
            }
        }
    }
}
