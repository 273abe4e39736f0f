//! How is an answer sent word by word? Server-sent events, made one at a time as the caller reads.
//!
//! Nothing is rendered before it is wanted, and when the caller leaves, the body is dropped and with it the rest of
//! the script.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::chat::Reply;
use crate::error::Problem;
use crate::models::Manner;
use crate::script::{self, Event, Step};
use crate::stats::Watch;

/// Between the two halves of an event that is split inside a character, so that they travel apart.
const BETWEEN_HALVES: Duration = Duration::from_millis(1);

/// The stream as a response.
pub(crate) fn send(reply: Reply, watch: Watch) -> Response {
    let playback = Playback {
        steps: script::steps(&reply).into_iter(),
        reply,
        watch,
        rest: None,
    };
    let events = futures::stream::unfold(playback, |mut playback| async move {
        let event = playback.next().await?;
        Some((event, playback))
    });
    let mut response = Body::from_stream(events).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

struct Playback {
    steps: std::vec::IntoIter<Step>,
    reply: Reply,
    watch: Watch,
    /// The second half of an event that was split.
    rest: Option<Bytes>,
}

impl Playback {
    /// The next bytes; an error drops the connection, the end ends the body.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        if let Some(rest) = self.rest.take() {
            tokio::time::sleep(BETWEEN_HALVES).await;
            return Some(Ok(rest));
        }
        loop {
            match self.steps.next() {
                Some(Step::Pause(time)) => tokio::time::sleep(time).await,
                Some(Step::Event(event)) => {
                    let mut bytes = Bytes::from(format!("data: {}\n\n", self.data(&event)));
                    if self.reply.manner == Manner::Unicode {
                        self.rest = inside_a_character(&bytes).map(|at| bytes.split_off(at));
                    }
                    return Some(Ok(bytes));
                }
                Some(Step::Cut) => {
                    self.watch.finish();
                    return Some(Err(io::Error::other(
                        "sandbox-cut drops the connection here",
                    )));
                }
                None => {
                    self.watch.finish();
                    return None;
                }
            }
        }
    }

    /// What stands after `data: `.
    fn data(&self, event: &Event) -> String {
        let answer = &self.reply.answer;
        match event {
            Event::Open { choice } => {
                // An answer that only calls tools says so with a null.
                let content = answer.calls.is_empty().then_some("");
                self.delta(
                    *choice,
                    json!({"role": "assistant", "content": content, "refusal": null}),
                )
            }
            Event::Think { choice, text } => {
                self.delta(*choice, json!({"reasoning_content": &**text}))
            }
            Event::Say { choice, text } => self.delta(*choice, json!({"content": &**text})),
            Event::Call { choice, call } => {
                let name = answer
                    .calls
                    .get(*call)
                    .map_or("", |call| call.name.as_str());
                let id = self.reply.call_id(*choice, *call);
                let function = json!({"name": name, "arguments": ""});
                let call =
                    json!({"index": call, "id": id, "type": "function", "function": function});
                self.delta(*choice, json!({"tool_calls": [call]}))
            }
            Event::Arguments { choice, call, text } => {
                let call = json!({"index": call, "function": {"arguments": &**text}});
                self.delta(*choice, json!({"tool_calls": [call]}))
            }
            Event::Finish { choice } => {
                self.choice(*choice, json!({}), Some(answer.finish_reason()))
            }
            Event::Usage => self.chunk(json!([]), json!(self.reply.usage)),
            Event::Done => "[DONE]".to_owned(),
            Event::Broken => r#"{"id": "broken", "choices": [1, 2,"#.to_owned(),
            Event::Error => Problem::broken().envelope().to_string(),
        }
    }

    fn delta(&self, choice: u64, delta: Value) -> String {
        self.choice(choice, delta, None)
    }

    fn choice(&self, index: u64, delta: Value, finish_reason: Option<&str>) -> String {
        let choice = json!({"index": index, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        self.chunk(json!([choice]), Value::Null)
    }

    /// A chunk. It has a `usage` field, null in all but the last, only when usage was asked for.
    fn chunk(&self, choices: Value, usage: Value) -> String {
        let mut chunk = json!({
            "id": self.reply.id,
            "object": "chat.completion.chunk",
            "created": self.reply.created,
            "model": self.reply.model,
            "system_fingerprint": "fp_sandbox",
            "choices": choices,
        });
        if self.reply.include_usage && self.reply.usage.is_some() {
            chunk["usage"] = usage;
        }
        chunk.to_string()
    }
}

/// A place behind the first byte of the first character that has several.
fn inside_a_character(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte >= 0xC0).map(|at| at + 1)
}
