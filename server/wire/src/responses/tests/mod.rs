//! Whole exchanges, in the shapes of the kit's upstream and the SDK's types: passed on, read, written, and read again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod own;
mod properties;
mod translated;

use bytes::Bytes;
use serde_json::{Value, json};

use super::relay::{Own, Reader, Writer};
use super::request;
use crate::neutral::Piece;
use crate::relay::{Facts, Reader as _, Relay as _, Writer as _};
use crate::request::Caller;
use crate::sse::{Event, Parser};

/// Events as a stream, numbered.
fn stream(events: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let mut event = event.clone();
        event["sequence_number"] = number.into();
        let name = event["type"].as_str().unwrap_or("?");
        bytes.extend(format!("event: {name}\ndata: {event}\n\n").bytes());
    }
    bytes
}

fn events(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::default();
    parser.push(bytes).unwrap();
    let mut events: Vec<Event> = std::iter::from_fn(|| parser.next_event()).collect();
    events.extend(parser.finish());
    events
}

fn json_of(event: &Event) -> Value {
    serde_json::from_slice(event.data.as_ref().unwrap()).unwrap()
}

fn usage() -> Value {
    json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 15})
}

fn response(status: &str, output: &Value) -> Value {
    json!({"id": "resp_up", "object": "response", "created_at": 1, "status": status, "model": "real", "output": output,
        "tools": [], "x_unknown": {"a": 1}, "service_tier": if status == "in_progress" { "auto" } else { "priority" },
        "usage": if status == "in_progress" { Value::Null } else { usage() }})
}

fn created() -> Value {
    json!({"type": "response.created", "response": response("in_progress", &json!([]))})
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
}

/// Reasoning, a search, a message and a call, as OpenAI streams them.
fn exchange() -> Vec<Value> {
    let call = json!({"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"});
    let thought = json!({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}, {"type": "summary_text", "text": "so"}], "encrypted_content": "gAAA"});
    let search = json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}});
    let unknown = json!({"type": "unheard_of", "id": "u_1", "deep": {"er": [1]}});
    let output = json!([thought, search, message("6 × 7 = 42"), call, unknown]);
    vec![
        created(),
        json!({"type": "response.in_progress", "response": response("in_progress", &json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": ""}}),
        json!({"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "delta": "Hm"}),
        json!({"type": "response.reasoning_summary_text.done", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "text": "Hm"}),
        json!({"type": "response.reasoning_summary_part.done", "item_id": "rs_1", "output_index": 0, "summary_index": 0, "part": {"type": "summary_text", "text": "Hm"}}),
        json!({"type": "response.reasoning_summary_part.added", "item_id": "rs_1", "output_index": 0, "summary_index": 1, "part": {"type": "summary_text", "text": ""}}),
        json!({"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "summary_index": 1, "delta": "so"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": thought}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}}),
        json!({"type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1"}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": search}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 2, "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 2, "content_index": 0, "delta": "6 × 7", "logprobs": []}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 2, "content_index": 0, "delta": " = 42", "logprobs": []}),
        json!({"type": "response.output_text.done", "item_id": "msg_1", "output_index": 2, "content_index": 0, "text": "6 × 7 = 42"}),
        json!({"type": "response.content_part.done", "item_id": "msg_1", "output_index": 2, "content_index": 0, "part": {"type": "output_text", "text": "6 × 7 = 42", "annotations": []}}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": message("6 × 7 = 42")}),
        json!({"type": "response.output_item.added", "output_index": 3, "item": {"type": "function_call", "id": "fc_1", "status": "in_progress", "call_id": "call_1", "name": "f", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 3, "delta": "{\"a\""}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 3, "delta": ":1}"}),
        json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 3, "arguments": "{\"a\":1}"}),
        json!({"type": "response.output_item.done", "output_index": 3, "item": call}),
        json!({"type": "response.unheard_of", "output_index": "odd", "delta": {"x": 1}}),
        json!({"type": "response.output_item.done", "output_index": 4, "item": unknown}),
        json!({"type": "response.completed", "response": response("completed", &output)}),
    ]
}

fn own() -> Own {
    let body = r#"{"model":"m","input":"x","stream":true}"#;
    let request = request::read(Bytes::from(body))
        .map_err(|error| error.detail)
        .unwrap();
    Own::new(&request)
}

/// Everything that is read and passed: the facts, the words that were counted, and the bytes.
fn pass(own: &mut Own, bytes: &[u8]) -> (Vec<Facts>, String, Vec<u8>) {
    let (mut facts, mut words, mut out) = (Vec::new(), String::new(), Vec::new());
    for event in events(bytes) {
        let read = own.read(event, &mut |text| words.push_str(text)).unwrap();
        own.pass(&mut out);
        facts.push(read);
    }
    (facts, words, out.concat())
}

fn read(bytes: &[u8]) -> Vec<Piece> {
    let (mut reader, mut pieces) = (Reader::default(), Vec::new());
    for event in events(bytes) {
        reader.event(&event, &mut pieces).unwrap();
    }
    pieces
}

fn caller() -> Caller {
    Caller {
        call: "call_1".to_owned(),
        model: "named".to_owned(),
        created: 7,
        wants_usage: true,
        tools: Vec::new(),
        echo: Vec::new(),
    }
}

fn write(pieces: &[Piece]) -> Vec<u8> {
    let (mut writer, mut out) = (Writer::new(caller()), Vec::new());
    for piece in pieces {
        writer.piece(piece.clone(), &mut out);
    }
    out.concat()
}
