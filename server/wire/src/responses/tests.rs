//! Whole exchanges, in the shapes of the kit's upstream and the SDK's types: passed on, read, written, and read again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use domain::Usage;
use domain::price_rule::Tier;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::relay::{Own, Reader, Writer};
use super::{answer, request};
use crate::error::Fault;
use crate::neutral::any::{any_answer, any_pieces};
use crate::neutral::{Answer, Block, Piece, Stop, ToolKind, seal};
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
        call: "1".to_owned(),
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

#[test]
fn the_callers_own_dialect_passes_to_the_byte_and_is_counted_once() {
    let bytes = stream(&exchange());
    let mut own = own();
    let (facts, words, out) = pass(&mut own, &bytes);
    assert_eq!(out, bytes, "unknown fields, items and events too");
    assert_eq!(words, "Hmsosearchq6 × 7 = 42f{\"a\":1}");
    let last = facts.last().unwrap();
    assert!(last.sealed && last.over && own.is_whole() && last.failed.is_none());
    assert_eq!(last.tier, Some(Tier::Priority));
    let used = last.usage.unwrap();
    assert_eq!((used.input, used.cached_input, used.tool_calls), (6, 4, 1));
    assert!(facts[..facts.len() - 1].iter().all(|facts| !facts.sealed));
    let delivering: Vec<usize> = (0..)
        .zip(&facts)
        .filter_map(|(at, facts)| facts.delivers.then_some(at))
        .collect();
    assert_eq!(
        delivering,
        [4, 8, 12, 15, 16, 20, 21, 22, 26],
        "deltas, names and items without deltas"
    );
    let mut more = Vec::new();
    own.finish(&used, &mut more);
    own.cut(&used, &mut more);
    assert!(more.is_empty(), "nothing comes after the end");
}

#[test]
fn what_comes_without_deltas_counts_wherever_it_comes() {
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let sealed = json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"});
    let empty = json!({"type": "reasoning", "summary": []});
    for (item, words, delivers) in [
        (message("hi"), "hi", true),
        (message(""), "", false),
        (call, "f{}", true),
        (sealed, "", true),
        (empty, "", false),
        (
            json!({"type": "image_generation_call", "result": "AAAA"}),
            "",
            true,
        ),
        (
            json!({"type": "code_interpreter_call", "code": "1+1"}),
            "1+1",
            true,
        ),
    ] {
        let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item});
        let end = json!({"type": "response.completed", "response": response("completed", &json!([item]))});
        for events in [vec![created(), done, end.clone()], vec![created(), end]] {
            let (facts, counted, _) = pass(&mut own(), &stream(&events));
            assert_eq!(counted, words, "{item}");
            assert_eq!(
                facts.iter().filter(|facts| facts.delivers).count(),
                usize::from(delivers),
                "{item}"
            );
        }
    }
}

#[test]
fn what_was_read_and_not_passed_never_happened() {
    let bytes = stream(&exchange());
    let mut own = own();
    let mut seen = events(&bytes).into_iter();
    for event in seen.by_ref().take(16) {
        own.read(event, &mut |_| {}).unwrap();
        own.pass(&mut Vec::new());
    }
    own.read(seen.next().unwrap(), &mut |_| {}).unwrap();
    let mut out = Vec::new();
    own.cut(&Usage::default(), &mut out);
    let written: Vec<Value> = events(&out.concat()).iter().map(json_of).collect();
    assert_eq!(written[0]["text"], "6 × 7");
    assert_eq!(written[0]["sequence_number"], 16);
}

#[test]
fn a_cut_closes_what_is_open_in_the_answers_own_likeness() {
    let used = Usage {
        input: 3,
        output: 2,
        ..Usage::default()
    };
    // After so many events: the types that follow, and the items in the end.
    for (after, wanted, items) in [
        (
            5,
            &[
                "response.reasoning_summary_text.done",
                "response.reasoning_summary_part.done",
                "response.output_item.done",
                "response.incomplete",
            ][..],
            1,
        ),
        (7, &["response.output_item.done", "response.incomplete"], 1),
        (10, &["response.incomplete"], 1),
        (11, &["response.output_item.done", "response.incomplete"], 2),
        (
            16,
            &[
                "response.output_text.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.incomplete",
            ],
            3,
        ),
        (
            22,
            &[
                "response.function_call_arguments.done",
                "response.output_item.done",
                "response.incomplete",
            ],
            4,
        ),
        (0, &["response.incomplete"], 0),
    ] {
        let mut own = own();
        pass(&mut own, &stream(&exchange()[..after]));
        let mut out = Vec::new();
        own.cut(&used, &mut out);
        let events = events(&out.concat());
        let written: Vec<Value> = events.iter().map(json_of).collect();
        let types: Vec<&str> = written
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(types, wanted, "after {after}");
        for (number, (event, raw)) in (after as u64..).zip(written.iter().zip(&events)) {
            assert_eq!(event["sequence_number"], number);
            assert_eq!(
                raw.name.as_deref(),
                Some(event["type"].as_str().unwrap().as_bytes())
            );
        }
        let end = &written.last().unwrap()["response"];
        assert_eq!(end["status"], "incomplete");
        assert_eq!(end["incomplete_details"]["reason"], "max_output_tokens");
        assert_eq!(end["output"].as_array().unwrap().len(), items);
        assert_eq!(end["usage"]["total_tokens"], 5);
        if after > 0 {
            assert_eq!(
                (&end["id"], &end["x_unknown"]["a"]),
                (&json!("resp_up"), &json!(1))
            );
        }
        assert!(own.is_whole());
    }
}

fn fault(kind: &str, code: Option<&str>) -> Fault {
    Fault {
        message: "m".to_owned(),
        status: 429,
        openai_type: kind.to_owned(),
        anthropic_type: "billing_error".to_owned(),
        param: None,
        code: code.map(str::to_owned),
        docs_url: "https://x/docs".to_owned(),
        request_id: "call_1".to_owned(),
    }
}

#[test]
fn a_failure_is_told_in_the_answers_likeness() {
    for (kind, code, wanted) in [
        (
            "insufficient_quota",
            Some("out_of_credit"),
            "insufficient_quota",
        ),
        ("server_error", Some("upstream_failed"), "upstream_failed"),
        ("server_error", None, "server_error"),
    ] {
        let mut own = own();
        pass(&mut own, &stream(&exchange()[..16]));
        let event = events(&own.fail(&fault(kind, code))).remove(0);
        let json = json_of(&event);
        assert_eq!(event.name.as_deref(), Some(&b"response.failed"[..]));
        assert_eq!(json["response"]["error"]["code"], wanted);
        assert_eq!(
            (&json["response"]["status"], &json["response"]["id"]),
            (&json!("failed"), &json!("resp_up"))
        );
        assert_eq!(json["sequence_number"], 16);
    }
    let json = json_of(&events(&own().fail(&fault("server_error", None))).remove(0));
    assert_eq!(
        (&json["type"], &json["message"], &json["code"]),
        (&json!("error"), &json!("m"), &json!("server_error"))
    );
}

#[test]
fn an_upstreams_own_failure_is_told() {
    let mut failed = response("failed", &json!([]));
    failed["error"] = json!({"code": "rate_limit_exceeded", "message": "slow down"});
    for (event, code, reports) in [
        (
            json!({"type": "response.failed", "response": failed}),
            "rate_limit_exceeded",
            true,
        ),
        (
            json!({"type": "error", "code": "server_error", "message": "slow down", "param": null}),
            "server_error",
            false,
        ),
        (
            json!({"type": "error", "error": {"type": "x", "code": 429, "message": "slow down"}}),
            "429",
            false,
        ),
    ] {
        let bytes = stream(&[created(), event]);
        let (facts, ..) = pass(&mut own(), &bytes);
        let said = facts[1].failed.clone().unwrap();
        assert_eq!(
            (said.code.as_deref(), said.message.as_deref()),
            (Some(code), Some("slow down"))
        );
        assert_eq!(facts[1].usage.is_some(), reports);
        let pieces = read(&bytes);
        assert!(matches!(pieces.last(), Some(Piece::Failed(told)) if *told == said));
    }
    let bare = b"data: {\"error\":{\"message\":\"slow down\"}}\n\n";
    assert!(pass(&mut own(), bare).0[0].failed.is_some());
}

#[test]
fn what_is_no_event_is_broken() {
    for data in [
        "{",
        "[]",
        "7",
        "{}",
        r#"{"type":"response.created"}"#,
        r#"{"type":"response.output_item.done","item":[]}"#,
    ] {
        let event = events(format!("data: {data}\n\n").as_bytes()).remove(0);
        assert!(own().read(event.clone(), &mut |_| {}).is_err(), "{data}");
        assert!(
            Reader::default().event(&event, &mut Vec::new()).is_err(),
            "{data}"
        );
    }
    // Neither comments nor a marker of another dialect are.
    let (_, words, out) = pass(&mut own(), b": ping\n\ndata: [DONE]\n\n");
    assert_eq!(
        (words.as_str(), out.as_slice()),
        ("", &b": keep-alive\n\n"[..])
    );
}

#[test]
fn a_stream_is_read_in_pieces_and_its_whole_says_the_same() {
    let pieces = read(&stream(&exchange()));
    let answer = Answer::of_pieces(pieces).unwrap();
    let said: Vec<(&str, Option<&str>)> = answer
        .blocks
        .iter()
        .map(|content| (content.text.as_str(), content.seal.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            ("Hm\n\nso", Some("farebox.responses.gAAA")),
            ("6 × 7 = 42", None),
            ("{\"a\":1}", None)
        ]
    );
    assert_eq!(answer.stop, Stop::Tools);
    let whole = exchange().pop().unwrap()["response"].to_string();
    assert!(answer::read(whole.as_bytes()).unwrap() == answer);
}

/// Two calls whose arguments come mixed, and an upstream that says nothing before its terminal event.
#[test]
fn what_is_mixed_or_late_is_read_all_the_same() {
    let item = |index: u64, arguments: &str| json!({"type": "function_call", "call_id": format!("c{index}"), "name": "f", "arguments": arguments});
    let added = |index: u64| json!({"type": "response.output_item.added", "output_index": index, "item": item(index, "")});
    let delta = |index: u64, text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": text});
    let done = |index: u64, text: &str| json!({"type": "response.output_item.done", "output_index": index, "item": item(index, text)});
    let end = json!({"type": "response.completed", "response": response("completed", &json!([item(0, "ab"), item(1, "xy")]))});
    let mixed = [
        created(),
        added(0),
        added(1),
        delta(0, "a"),
        delta(1, "x"),
        delta(1, "y"),
        done(1, "xy"),
        delta(0, "b"),
        done(0, "ab"),
        end.clone(),
    ];
    for bytes in [
        stream(&mixed),
        stream(&[created(), end.clone()]),
        stream(&[end]),
    ] {
        let answer = Answer::of_pieces(read(&bytes)).unwrap();
        let texts: Vec<&str> = answer
            .blocks
            .iter()
            .map(|content| content.text.as_str())
            .collect();
        assert_eq!((texts, answer.stop), (vec!["ab", "xy"], Stop::Tools));
    }
}

/// What a kind of response that is not a whole answer says.
#[test]
fn only_a_whole_response_is_a_plain_answer() {
    let good = response("completed", &json!([message("hi")]));
    let whole = answer::own(Bytes::from(good.to_string())).unwrap();
    assert!(
        whole.delivers && whole.usage.unwrap().total() == 15 && whole.tier == Some(Tier::Priority)
    );
    let mut words = String::new();
    answer::each_answer_text(good.to_string().as_bytes(), &mut |text| {
        words.push_str(text)
    });
    assert_eq!(words, "hi");
    let cut = response("incomplete", &json!([]));
    assert!(!answer::own(Bytes::from(cut.to_string())).unwrap().delivers);
    for bad in [
        response("failed", &json!([])).to_string(),
        response("in_progress", &json!([])).to_string(),
        response("completed", &json!("hi")).to_string(),
        r#"{"object":"chat.completion","choices":[]}"#.to_owned(),
        r#"{"error":{"message":"m"}}"#.to_owned(),
        "<html>".to_owned(),
        String::new(),
    ] {
        assert!(answer::own(Bytes::from(bad.clone())).is_err(), "{bad}");
        assert!(answer::read(bad.as_bytes()).is_err(), "{bad}");
    }
}

/// The order of the events, and what the SDKs want in them.
#[test]
fn an_answer_is_written_in_the_order_of_the_dialect() {
    let pieces = [
        Piece::Began {
            id: None,
            model: None,
        },
        Piece::Opened(Block::Reasoning),
        Piece::Text("Hm".to_owned()),
        Piece::Seal("farebox.messages.c2ln".to_owned()),
        Piece::Closed,
        Piece::Opened(Block::Text),
        Piece::Text("4".to_owned()),
        Piece::Text("2".to_owned()),
        Piece::Closed,
        Piece::Stopped(Stop::End),
        Piece::Used(Usage {
            input: 3,
            output: 2,
            ..Usage::default()
        }),
        Piece::Ended,
    ];
    let bytes = write(&pieces);
    let written: Vec<Value> = events(&bytes).iter().map(json_of).collect();
    let types: Vec<&str> = written
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let end = &written[15]["response"];
    assert_eq!(
        (&end["id"], &end["model"], &end["store"], &end["created_at"]),
        (&json!("resp_1"), &json!("named"), &json!(false), &json!(7))
    );
    assert_eq!(
        end["output"][0]["encrypted_content"],
        "farebox.messages.c2ln"
    );
    assert_eq!(end["output"][1], written[14]["item"]);
    assert_eq!(end["output"][1]["content"][0]["text"], "42");
    assert_eq!(end["usage"]["output_tokens_details"]["reasoning_tokens"], 0);
    assert_eq!(end["usage"]["total_tokens"], 5);
    for field in ["parallel_tool_calls", "tool_choice", "tools", "metadata"] {
        assert!(end.get(field).is_some(), "{field}");
    }
    let answer = Answer::of_pieces(pieces).unwrap();
    let plain: Value =
        serde_json::from_slice(&answer::write(&answer, &caller(), &answer.usage.unwrap())).unwrap();
    assert_eq!(&plain, end, "a plain answer is the end of a stream of it");
}

/// A call by its flat name goes back into its group, and a custom tool that was called as a function is one again.
#[test]
fn calls_are_written_as_their_tools_were_offered() {
    let tools = r#"[{"type":"namespace","name":"mcp__git","description":"","tools":[{"type":"function","name":"log"}]},{"type":"custom","name":"patch"}]"#;
    let raw = serde_json::value::RawValue::from_string(tools.to_owned()).unwrap();
    let caller = Caller {
        echo: vec![("tools", raw)],
        ..caller()
    };
    let call = |name: &str, text: &str| {
        let block = Block::Tool {
            id: format!("call_{name}"),
            name: name.to_owned(),
            kind: ToolKind::Function,
        };
        [
            Piece::Opened(block),
            Piece::Text(text.to_owned()),
            Piece::Closed,
        ]
    };
    let (id, model) = (None, None);
    let mut pieces = vec![Piece::Began { id, model }];
    pieces.extend(call("mcp__git__log", "{\"n\":1}"));
    pieces.extend(call("patch", "{\"input\":\"*** Begin\"}"));
    pieces.extend(call("mcp__git__log", ""));
    pieces.extend([Piece::Stopped(Stop::Tools), Piece::Ended]);
    let (mut writer, mut out) = (Writer::new(caller), Vec::new());
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    let end = json_of(events(&out.concat()).last().unwrap());
    let output = &end["response"]["output"];
    let field = |at: usize, name: &str| output[at][name].clone();
    assert_eq!(
        [
            field(0, "namespace"),
            field(0, "name"),
            field(0, "arguments")
        ],
        [json!("mcp__git"), json!("log"), json!("{\"n\":1}")]
    );
    assert_eq!(
        [field(1, "type"), field(1, "input"), field(1, "call_id")],
        [
            json!("custom_tool_call"),
            json!("*** Begin"),
            json!("call_patch")
        ]
    );
    assert_eq!(field(2, "arguments"), "{}");
    assert_eq!(end["response"]["tools"][0]["name"], "mcp__git");
}

#[test]
fn nothing_is_written_out_of_order() {
    let (id, model) = (None, None);
    let began = Piece::Began { id, model };
    let mut open = vec![began.clone(), Piece::Opened(Block::Text)];
    open.extend([Piece::Stopped(Stop::End), Piece::Ended]);
    let text = String::from_utf8(write(&open)).unwrap();
    assert!(!text.contains("response.completed"), "a block is open");
    let ended = [began, Piece::Stopped(Stop::End), Piece::Ended];
    let bytes = write(&ended);
    let twice = [&ended[..], &[Piece::Opened(Block::Text), Piece::Ended]].concat();
    assert_eq!(write(&twice), bytes, "nothing comes after the end");
}

/// What this dialect cannot say is not asked of it: the name of a sequence, or why it refused without a word.
fn as_said(mut answer: Answer) -> Answer {
    let has =
        |wanted: fn(&Block) -> bool| answer.blocks.iter().any(|content| wanted(&content.block));
    let has_tools = has(|block| matches!(block, Block::Tool { .. }));
    let has_refused = has(|block| *block == Block::Refusal);
    answer.stop = match answer.stop {
        Stop::Length => Stop::Length,
        Stop::Filtered => Stop::Filtered,
        Stop::Refused if !has_refused => Stop::Filtered,
        _ if has_tools => Stop::Tools,
        _ if has_refused => Stop::Refused,
        _ => Stop::End,
    };
    for content in &mut answer.blocks {
        // It is made by whoever writes this dialect.
        let sealed = content.seal.take();
        content.seal = sealed.map(|sealed| seal::mark(domain::Dialect::Responses, &sealed));
    }
    let usage = answer.usage.unwrap_or_default();
    let usage = Usage {
        input: usage.input + usage.audio_input + usage.image_input,
        cached_input: usage.cached_input,
        cache_write: usage.cache_write + usage.cache_write_1h,
        output: usage.answer(),
        reasoning: usage.reasoning,
        ..Usage::default()
    };
    Answer {
        id: Some("resp_1".to_owned()),
        model: Some("named".to_owned()),
        usage: (usage.total() > 0).then_some(usage),
        ..answer
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(pieces in any_pieces()) {
        let wanted = as_said(Answer::of_pieces(pieces.clone()).unwrap());
        let back = read(&write(&pieces));
        let texts = |pieces: &[Piece]| pieces.iter().filter(|piece| matches!(piece, Piece::Text(_))).cloned().collect::<Vec<_>>();
        prop_assert_eq!(texts(&back), texts(&pieces), "piece by piece");
        prop_assert_eq!(Answer::of_pieces(back), Some(wanted));
    }

    #[test]
    fn what_is_written_whole_is_read(answer in any_answer()) {
        let body = answer::write(&answer, &caller(), &answer.usage.unwrap_or_default());
        prop_assert_eq!(answer::read(&body), Ok(as_said(answer)));
    }

    #[test]
    fn what_is_written_is_counted_once_on_the_own_path(pieces in any_pieces()) {
        let bytes = write(&pieces);
        let (facts, counted, out) = pass(&mut own(), &bytes);
        prop_assert_eq!(out, bytes);
        let mut words = String::new();
        let answer = Answer::of_pieces(pieces).unwrap();
        let delivers = answer.each_text(&mut |text| words.push_str(text));
        prop_assert_eq!(&counted, &words);
        prop_assert_eq!(facts.iter().any(|facts| facts.delivers), delivers);
        let body = answer::write(&answer, &caller(), &Usage::default());
        let mut plain = String::new();
        answer::each_answer_text(&body, &mut |text| plain.push_str(text));
        prop_assert_eq!(plain, words);
    }

    /// Wherever a stream is cut, what its caller has then is a whole one, numbered without a gap.
    #[test]
    fn a_cut_anywhere_leaves_a_whole_stream(pieces in any_pieces(), at in any::<prop::sample::Index>()) {
        let all = events(&write(&pieces));
        let kept = at.index(all.len());
        let mut own = own();
        let mut out = Vec::new();
        for event in all.into_iter().take(kept) {
            own.read(event, &mut |_| {}).unwrap();
            own.pass(&mut out);
        }
        own.cut(&Usage { input: 1, output: 1, ..Usage::default() }, &mut out);
        let bytes = out.concat();
        let answer = Answer::of_pieces(read(&bytes));
        prop_assert_eq!(answer.map(|answer| answer.stop), Some(Stop::Length));
        for (number, event) in events(&bytes).iter().enumerate() {
            prop_assert_eq!(&json_of(event)["sequence_number"], &json!(number));
        }
    }

    #[test]
    fn cutting_the_bytes_anywhere_changes_nothing(pieces in any_pieces(), cuts in prop::collection::vec(1..40_usize, 1..20)) {
        let bytes = write(&pieces);
        let (mut parser, mut reader, mut back) = (Parser::default(), Reader::default(), Vec::new());
        let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, left) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            parser.push(piece).unwrap();
            while let Some(event) = parser.next_event() {
                reader.event(&event, &mut back).unwrap();
            }
            rest = left;
        }
        prop_assert_eq!(back, read(&bytes));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut data = b"data: ".to_vec();
        data.extend(&bytes);
        for event in events(&data) {
            let _ = own().read(event.clone(), &mut |_| {});
            let _ = Reader::default().event(&event, &mut Vec::new());
        }
        let _ = answer::read(&bytes);
    }

    /// Events of the dialect in any order, with numbers that lead nowhere.
    #[test]
    fn hostile_events_never_panic_and_never_mix_the_pieces(told in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, any::<u64>()), 0..40)) {
        let all = exchange();
        let mut own = own();
        let (mut reader, mut pieces) = (Reader::default(), Vec::new());
        for (at, change, number) in told {
            let mut event = at.get(&all).clone();
            let name = ["output_index", "content_index", "summary_index", "sequence_number"][change];
            event[name] = number.into();
            for event in events(format!("data: {event}\n\n").as_bytes()) {
                let _ = own.read(event.clone(), &mut |_| {});
                own.pass(&mut Vec::new());
                let _ = reader.event(&event, &mut pieces);
            }
        }
        own.cut(&Usage::default(), &mut Vec::new());
        let mut is_open = false;
        for piece in &pieces {
            match piece {
                Piece::Opened(_) => prop_assert!(!std::mem::replace(&mut is_open, true)),
                Piece::Closed => prop_assert!(std::mem::replace(&mut is_open, false)),
                Piece::Text(_) | Piece::Seal(_) => prop_assert!(is_open),
                Piece::Stopped(_) => prop_assert!(!is_open),
                _ => {}
            }
        }
    }
}
