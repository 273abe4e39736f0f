//! How is an answer sent in one piece?

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::chat::Reply;
use crate::models::Manner;
use crate::stats::Watch;

/// How long a cut waits, so that what came before it has left the socket's buffer.
pub(crate) const BEFORE_CUT: Duration = Duration::from_millis(20);

/// Waits as long as the model thinks, then answers. Dropped while waiting, it counts as cancelled.
pub(crate) async fn send(reply: Reply, mut watch: Watch) -> Response {
    if !reply.wait.is_zero() {
        tokio::time::sleep(reply.wait).await;
    }
    watch.finish();
    let mut bytes = Bytes::from(completion(&reply).to_string());
    let length = bytes.len();
    let body = match reply.manner {
        Manner::Cut => {
            let half = bytes.split_to(length / 2);
            let cut = async {
                tokio::time::sleep(BEFORE_CUT).await;
                Err(io::Error::other("sandbox-cut drops the connection here"))
            };
            Body::from_stream(futures::stream::iter([Ok(half)]).chain(futures::stream::once(cut)))
        }
        Manner::BadJson => Body::from(bytes.split_to(length / 2)),
        _ => Body::from(bytes),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if reply.manner == Manner::Cut {
        // Promises the whole, so that the caller can tell that half is missing.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn completion(reply: &Reply) -> Value {
    let answer = &reply.answer;
    let choices: Vec<Value> = (0..reply.choices)
        .map(|choice| {
            let mut message = json!({
                "role": "assistant",
                "content": if answer.calls.is_empty() { Value::from(answer.text.as_str()) } else { Value::Null },
                "refusal": null,
            });
            if !answer.thoughts.is_empty() {
                message["reasoning_content"] = Value::from(answer.thoughts.as_str());
            }
            if !answer.calls.is_empty() {
                let calls = answer.calls.iter().enumerate().map(|(index, call)| {
                    json!({
                        "id": reply.call_id(choice, index),
                        "type": "function",
                        "function": {"name": call.name, "arguments": call.arguments},
                    })
                });
                message["tool_calls"] = calls.collect();
            }
            json!({"index": choice, "message": message, "logprobs": null, "finish_reason": answer.finish_reason()})
        })
        .collect();
    let mut completion = json!({
        "id": reply.id,
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": "fp_sandbox",
        "choices": choices,
    });
    if let Some(usage) = &reply.usage {
        completion["usage"] = json!(usage);
    }
    completion
}
