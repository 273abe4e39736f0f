//! Exchanges as Anthropic has them, and what must hold for every answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use domain::price_rule::{Effort, Tier};
use domain::{Dialect, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{answer, relay, request};
use crate::error::Fault;
use crate::neutral::any::{any_answer, any_pieces};
use crate::neutral::{Answer, Block, Content, Piece, Stop, ToolKind, custom, seal};
use crate::relay::{Facts, Reader as _, Relay as _, Writer as _};
use crate::request::{Caller, Request};
use crate::sse::{Event, Parser};

const STREAM: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":30,"cache_creation_input_tokens":7,"cache_read_input_tokens":4,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":5},"output_tokens":1,"service_tier":"priority"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"think."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"ZGF0YQ=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"h\u00e9 "}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"cited_text":"not the model's"}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"漢字"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"srv_1","name":"web_search","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"q\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"web_search_tool_result","tool_use_id":"srv_1","content":[{"encrypted_content":"AAAA"}]}}

event: content_block_stop
data: {"type":"content_block_stop","index":4}

event: content_block_start
data: {"type":"content_block_start","index":5,"content_block":{"type":"hologram","beam":"light"}}

event: content_block_stop
data: {"type":"content_block_stop","index":5}

event: content_block_start
data: {"type":"content_block_start","index":6,"content_block":{"type":"tool_use","id":"toolu_1","name":"get","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":6,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":6,"delta":{"type":"input_json_delta","partial_json":"{\"city\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":6,"delta":{"type":"input_json_delta","partial_json":"\"Rome\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":6}

event: content_block_start
data: {"type":"content_block_start","index":7,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":7}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":89,"input_tokens":31,"server_tool_use":{"web_search_requests":1}}}

event: message_stop
data: {"type":"message_stop"}

"#;

/// What the model wrote of it: each thing once.
const WORDS: &str = r#"Let me think.hé 漢字web_search{"q":1}hologramlightget{"city":"Rome"}now"#;

fn usage() -> Usage {
    Usage {
        input: 31,
        cached_input: 4,
        cache_write: 2,
        cache_write_1h: 5,
        output: 89,
        tool_calls: 1,
        ..Usage::default()
    }
}

fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let mut parser = Parser::default();
    let mut found = Vec::new();
    for piece in pieces {
        parser.push(piece).unwrap();
        while let Some(event) = parser.next_event() {
            found.push(event);
        }
    }
    found.extend(parser.finish());
    found
}

fn asked(json: &str) -> Request {
    request::read(Bytes::from(json.to_owned()))
        .map_err(|error| error.detail)
        .unwrap()
}

const ASK: &str = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"q"}]}"#;

fn caller() -> Caller {
    Caller {
        call: "call_1".to_owned(),
        model: "m".to_owned(),
        created: 0,
        wants_usage: true,
        tools: Vec::new(),
        echo: Vec::new(),
    }
}

fn fault() -> Fault {
    Fault {
        message: "m".to_owned(),
        status: 502,
        openai_type: "server_error".to_owned(),
        anthropic_type: "api_error".to_owned(),
        param: None,
        code: None,
        docs_url: "https://x/docs".to_owned(),
        request_id: "call_1".to_owned(),
    }
}

/// The names of the events, which must be their types too.
fn names(written: &[Bytes]) -> Vec<String> {
    events(&[&written.concat()])
        .into_iter()
        .map(|event| {
            let json: Value = serde_json::from_slice(&event.data.unwrap()).unwrap();
            let name = String::from_utf8(event.name.unwrap().to_vec()).unwrap();
            assert_eq!(json["type"], name.as_str());
            name
        })
        .collect()
}

#[test]
fn a_stream_of_the_own_dialect_goes_through_to_the_byte_and_is_counted_once() {
    let mut own = relay::Own::new(&asked(ASK));
    let (mut words, mut out, mut last) = (String::new(), Vec::new(), Facts::default());
    let (mut usage_seen, mut tier) = (None, None);
    for event in events(&[STREAM.as_bytes()]) {
        let name = event.name.clone().unwrap();
        last = own.read(event, &mut |text| words.push_str(text)).unwrap();
        let at_end = matches!(name.as_ref(), b"message_delta" | b"message_stop");
        assert_eq!(last.sealed, at_end, "{name:?}");
        assert!(!own.is_whole() || name == "message_stop");
        own.pass(&mut out);
        // Whoever leaves before the end pays for what was delivered, not for the one token of the first report.
        assert_eq!(last.usage.is_some(), name == "message_delta", "{name:?}");
        usage_seen = last.usage.or(usage_seen);
        tier = last.tier.or(tier);
    }
    assert_eq!(out.concat(), STREAM.as_bytes());
    assert_eq!(words, WORDS);
    assert!(last.over && own.is_whole());
    assert_eq!((usage_seen, tier), (Some(usage()), Some(Tier::Priority)));
    let mut more = Vec::new();
    own.finish(&usage(), &mut more);
    assert!(more.is_empty(), "it has its end already");
}

#[test]
fn what_was_read_and_not_passed_never_happened() {
    let mut own = relay::Own::new(&asked(ASK));
    let mut out = Vec::new();
    for (at, event) in events(&[STREAM.as_bytes()]).into_iter().enumerate() {
        own.read(event, &mut |_| {}).unwrap();
        // The start, the first block and what is in it: the end of it is not passed.
        if at < 5 {
            own.pass(&mut out);
        }
        if at == 6 {
            break;
        }
    }
    out.clear();
    own.cut(&usage(), &mut out);
    assert_eq!(
        names(&out),
        ["content_block_stop", "message_delta", "message_stop"]
    );
    let text = String::from_utf8(out.concat()).unwrap();
    assert!(
        text.contains(r#""stop_reason":"max_tokens""#) && text.contains(r#""output_tokens":89"#)
    );
    let mut never = Vec::new();
    relay::Own::new(&asked(ASK)).cut(&usage(), &mut never);
    assert_eq!(
        names(&never),
        ["message_start", "message_delta", "message_stop"]
    );
}

#[test]
fn an_upstreams_error_is_told_and_ours_is_in_the_envelope() {
    let mut own = relay::Own::new(&asked(ASK));
    let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let event = events(&[error.as_bytes()]).pop().unwrap();
    let failed = own.read(event, &mut |_| {}).unwrap().failed.unwrap();
    assert_eq!(failed.kind.as_deref(), Some("overloaded_error"));
    assert_eq!(names(&[own.fail(&fault())]), ["error"]);
    assert_eq!(names(&[own.keep_alive()]), ["ping"]);
    for broken in [
        "data: <html>\n\n",
        "data: {\"type\":\"message_stop\"}\n\n",
        "data: [1]\n\n",
    ] {
        let event = events(&[broken.as_bytes()]).pop().unwrap();
        assert!(own.read(event, &mut |_| {}).is_err(), "{broken}");
    }
}

fn pieces(chunks: &[&[u8]]) -> Vec<Piece> {
    let mut reader = relay::Reader::default();
    let mut out = Vec::new();
    for event in events(chunks) {
        reader.event(&event, &mut out).unwrap();
    }
    out
}

#[test]
fn a_report_that_does_not_count_the_answer_is_none() {
    let uncounted = STREAM.replace(r#""output_tokens":89,"#, "");
    let read = Answer::of_pieces(pieces(&[uncounted.as_bytes()])).unwrap();
    assert_eq!(read.usage, None);
}

fn content(block: Block, text: &str, made: Option<&str>) -> Content {
    Content {
        block,
        text: text.to_owned(),
        seal: made.map(|made| seal::mark(Dialect::Messages, made)),
    }
}

fn tool(id: &str, name: &str, arguments: &str) -> Content {
    let (id, name, kind) = (id.to_owned(), name.to_owned(), ToolKind::Function);
    content(Block::Tool { id, name, kind }, arguments, None)
}

fn said() -> Answer {
    Answer {
        id: Some("msg_1".to_owned()),
        model: Some("claude-x".to_owned()),
        blocks: vec![
            content(Block::Reasoning, "Let me think.", Some("c2ln")),
            content(Block::Reasoning, "", Some("redacted_thinking.ZGF0YQ==")),
            content(Block::Text, "hé 漢字", None),
            tool("toolu_1", "get", r#"{"city":"Rome"}"#),
            tool("toolu_2", "now", "{}"),
        ],
        stop: Stop::Tools,
        usage: Some(usage()),
    }
}

#[test]
fn a_stream_and_the_plain_answer_are_read_alike() {
    let streamed = Answer::of_pieces(pieces(&[STREAM.as_bytes()])).unwrap();
    assert!(streamed == said(), "the stream");
    let plain = json!({"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
        {"type":"thinking","thinking":"Let me think.","signature":"c2ln"},
        {"type":"redacted_thinking","data":"ZGF0YQ=="},
        {"type":"text","text":"hé 漢字"},
        {"type":"server_tool_use","id":"srv_1","name":"web_search","input":{"q":1}},
        {"type":"web_search_tool_result","content":[{"encrypted_content":"AAAA"}]},
        {"type":"hologram","beam":"light"},
        {"type":"tool_use","id":"toolu_1","name":"get","input":{"city":"Rome"}},
        {"type":"tool_use","id":"toolu_2","name":"now","input":{}},
    ],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":31,"cache_creation_input_tokens":7,"cache_read_input_tokens":4,
      "cache_creation":{"ephemeral_1h_input_tokens":5},"output_tokens":89,"service_tier":"batch","server_tool_use":{"web_search_requests":1}}})
    .to_string();
    assert!(
        answer::read(plain.as_bytes()).unwrap() == said(),
        "the body"
    );
    let whole = answer::own(Bytes::from(plain.clone())).unwrap();
    assert_eq!(
        (whole.usage, whole.tier, whole.delivers),
        (Some(usage()), Some(Tier::Flex), true)
    );
    let mut words = String::new();
    answer::each_answer_text(plain.as_bytes(), &mut |text| words.push_str(text));
    assert_eq!(words, WORDS);
    for broken in [
        "",
        "<html>",
        "{}",
        r#"{"type":"error","error":{}}"#,
        r#"{"content":"x"}"#,
    ] {
        assert!(answer::own(Bytes::from(broken)).is_err(), "{broken}");
    }
}

#[test]
fn nothing_is_written_out_of_its_place() {
    let text = |text: &str| Piece::Text(text.to_owned());
    let mut writer = relay::Writer::new(caller());
    let mut out = Vec::new();
    // As badly as a reader could give it.
    for piece in [
        text("unopened"),
        Piece::Opened(Block::Reasoning),
        Piece::Opened(Block::Text),
        text(""),
        text("a"),
        Piece::Stopped(Stop::Tools),
        Piece::Opened(Block::Text),
        text("late"),
        Piece::Closed,
        Piece::Used(usage()),
        Piece::Ended,
        Piece::Ended,
        text("later"),
    ] {
        writer.piece(piece, &mut out);
    }
    assert_eq!(
        names(&out),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "content_block_start",
            "content_block_stop",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let written = String::from_utf8(out.concat()).unwrap();
    assert!(written.contains(r#""id":"msg_1""#) && written.contains(r#""index":2"#));
    assert!(
        written.contains(r#""stop_reason":"end_turn""#),
        "no tool, no tool_use"
    );
}

/// An answer as it comes back after it was written for Anthropic's clients, who know neither refusals nor free text for
/// tools, nor audio.
fn as_messages(mut answer: Answer, usage: Option<Usage>) -> Answer {
    (answer.id, answer.model) = (Some("msg_1".to_owned()), Some("m".to_owned()));
    let mut has_tools = false;
    for content in &mut answer.blocks {
        match &mut content.block {
            block @ Block::Refusal => *block = Block::Text,
            Block::Tool { kind, .. } => {
                has_tools = true;
                if std::mem::take(kind) == ToolKind::Custom {
                    content.text = custom::arguments(&content.text);
                }
            }
            Block::Text | Block::Reasoning => {}
        }
        content.seal = content
            .seal
            .take()
            .map(|made| seal::mark(Dialect::Messages, &made));
    }
    answer.stop = match answer.stop {
        Stop::Filtered => Stop::Refused,
        Stop::End if has_tools => Stop::Tools,
        other => other,
    };
    answer.usage = usage.map(|usage| Usage {
        input: usage.input + usage.audio_input + usage.image_input,
        output: usage.output + usage.audio_output + usage.image_output,
        audio_input: 0,
        image_input: 0,
        audio_output: 0,
        image_output: 0,
        ..usage
    });
    answer
}

fn written(pieces: Vec<Piece>) -> Vec<u8> {
    let mut writer = relay::Writer::new(caller());
    let mut out = Vec::new();
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    out.concat()
}

#[test]
fn a_prompt_of_every_kind_survives_the_way_to_a_neutral_one_and_back() {
    let body = json!({
        "model": "m", "max_tokens": 5000, "stream": true,
        "system": [
            {"type":"text","text":"x-anthropic-billing-header: cc_version=1"},
            {"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}},
        ],
        "messages": [
            {"role":"user","content":[
                {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                {"type":"document","title":"t","source":{"type":"url","url":"https://x/y.pdf"}},
                {"type":"text","text":"q"}]},
            {"role":"assistant","content":[
                {"type":"thinking","thinking":"hm","signature":"c2ln"},
                {"type":"redacted_thinking","data":"ZA=="},
                {"type":"server_tool_use","id":"s","name":"web_search","input":{}},
                {"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1.50}},
                {"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"toolu_1","content":"sunny"},
                {"type":"tool_result","tool_use_id":"toolu_2","is_error":true,"content":[{"type":"text","text":"no"}]}]},
            {"role":"system","content":"hurry"},
        ],
        "tools": [
            {"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"number"}}}},
            {"type":"web_search_20250305","name":"web_search"},
        ],
        "tool_choice": {"type":"auto","disable_parallel_tool_use":true},
        "stop_sequences": ["END"],
        "thinking": {"type":"adaptive","display":"omitted"},
        "output_config": {"effort":"medium","format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"null"}},"required":["a"],"additionalProperties":false}}},
        "metadata": {"user_id":"u"},
        "service_tier": "standard_only",
        "context_management": {"edits":[]},
    });
    let asked = asked(&body.to_string());
    assert_eq!(asked.asked.effort, Some(Effort::Medium));
    let prompt = request::prompt(&asked)
        .map_err(|error| error.detail)
        .unwrap();
    let written = request::write(&prompt, "claude-new")
        .map_err(|error| error.detail)
        .unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        written,
        json!({
            "model": "claude-new", "max_tokens": 5000, "stream": true,
            "system": [{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],
            "messages": [
                {"role":"user","content":[
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                    {"type":"document","source":{"type":"url","url":"https://x/y.pdf"},"title":"t"},
                    {"type":"text","text":"q","cache_control":{"type":"ephemeral"}}]},
                {"role":"assistant","content":[
                    {"type":"thinking","thinking":"hm","signature":"c2ln"},
                    {"type":"redacted_thinking","data":"ZA=="},
                    {"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1.50}},
                    {"type":"tool_use","id":"toolu_2","name":"f","input":{}}]},
                {"role":"user","content":[
                    {"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"sunny"}]},
                    {"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"no"}],"is_error":true},
                    {"type":"text","text":"<system-reminder>\nhurry\n</system-reminder>","cache_control":{"type":"ephemeral"}}]},
            ],
            "tools": [{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{"type":"number"}}}}],
            "tool_choice": {"type":"auto","disable_parallel_tool_use":true},
            "stop_sequences": ["END"],
            "thinking": {"type":"adaptive"},
            "output_config": {"effort":"medium","format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"null"}},"required":["a"],"additionalProperties":false}}},
            "metadata": {"user_id":"u"},
            "service_tier": "standard_only",
        })
    );
}

#[test]
fn what_others_say_is_written_as_anthropic_takes_it() {
    use crate::neutral::{Choice, Effort, Format, Part, Prompt, Role, Tool, Turn};
    let text = |text: &str| Part::Text(text.to_owned());
    let turn = |role, parts| Turn { role, parts };
    let result = |id: &str| Part::ToolResult {
        id: id.to_owned(),
        parts: vec![text("r")],
        is_error: false,
    };
    let call = Part::ToolCall {
        id: "functions.f:0".to_owned(),
        name: "f".to_owned(),
        arguments: "free \"text\"".to_owned(),
        kind: ToolKind::Custom,
    };
    let foreign = Part::Reasoning {
        text: "hm".to_owned(),
        seal: Some((Dialect::Responses, "x".to_owned())),
    };
    let prompt = Prompt {
        turns: vec![
            turn(Role::System, vec![text("be brief")]),
            turn(Role::User, vec![text("a")]),
            turn(Role::User, vec![text(" "), text("b")]),
            turn(Role::Assistant, vec![foreign, text("ok")]),
            turn(Role::Assistant, vec![call]),
            turn(Role::User, vec![text("and?"), result("functions.f:0")]),
        ],
        tools: vec![
            Tool {
                name: "f".to_owned(),
                description: None,
                parameters: None,
                strict: Some(false),
                kind: ToolKind::Custom,
            },
            Tool {
                name: "g".to_owned(),
                description: None,
                parameters: None,
                strict: None,
                kind: ToolKind::Function,
            },
        ],
        choice: Some(Choice::Required),
        temperature: Some(1.7),
        top_p: Some(0.5),
        top_k: Some(4),
        stop: vec!["\n".to_owned()],
        effort: Some(Effort::High),
        format: Some(Format::Json),
        ..Prompt::default()
    };
    let body = request::write(&prompt, "claude-opus-4-6")
        .map_err(|error| error.detail)
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body["messages"],
        json!([
            {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
            {"role":"assistant","content":[
                {"type":"text","text":"ok"},
                {"type":"tool_use","id":"toolu_functions_f_0","name":"f","input":{"input":"free \"text\""}}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"toolu_functions_f_0","content":[{"type":"text","text":"r"}]},
                {"type":"text","text":"and?"}]},
        ])
    );
    assert_eq!(body["system"][0]["text"], "be brief");
    assert_eq!(
        body["system"].as_array().unwrap().len(),
        2,
        "and JSON is asked for"
    );
    assert_eq!(
        body["tools"][0]["input_schema"]["required"],
        json!(["input"])
    );
    assert_eq!(
        body["tools"][1]["input_schema"],
        json!({"type":"object","properties":{}})
    );
    assert_eq!(body["tool_choice"], json!({"type":"any"}));
    // A forced tool leaves no room for thought, so the temperature counts, as high as it goes.
    assert_eq!(
        (&body["thinking"], &body["temperature"], &body["top_k"]),
        (&Value::Null, &json!(1.0), &json!(4))
    );
    assert_eq!(
        (&body["top_p"], &body["stop_sequences"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&body["max_tokens"], &body["output_config"]),
        (&json!(32_000), &json!({"effort":"high"}))
    );
}

#[test]
fn an_answer_is_kept_to_a_schema_asked_for_by_it_or_refused() {
    let sent = |model: &str, strict: bool, schema: Value| {
        let tool = |name, strict| json!({"type": "function", "function": {"name": name, "parameters": schema, "strict": strict}});
        let body = json!({
            "model": "m",
            "messages": [{"role": "user", "content": "q"}],
            "tools": [tool("f", true), tool("g", false)],
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": strict, "schema": schema}},
        });
        let body = Bytes::from(body.to_string());
        let request = Request::read(Dialect::Chat, body).unwrap();
        let sent = request.for_upstream(Dialect::Messages, model, None)?;
        Ok::<Value, crate::request::BadRequest>(
            serde_json::from_slice(&sent.into_pieces().concat()).unwrap(),
        )
    };
    let schema = json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]});
    let kept = json!({"type": "object", "properties": {"a": {"type": "integer", "description": "{minimum: 1}"}},
        "required": ["a"], "additionalProperties": false});
    let body = sent("claude-opus-5", true, schema.clone()).unwrap();
    assert_eq!(body["output_config"]["format"]["schema"], kept);
    assert_eq!(
        body["tools"],
        json!([{"name": "f", "input_schema": kept, "strict": true}, {"name": "g", "input_schema": schema}])
    );
    // Neither a map nor any schema at all for a model that takes none.
    let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    for (model, schema) in [("claude-opus-5", map), ("claude-3-7-sonnet", schema)] {
        let body = sent(model, false, schema.clone()).unwrap();
        assert_eq!(body["output_config"], Value::Null);
        let words = body["system"][0]["text"].as_str().unwrap();
        assert!(words.ends_with(&schema.to_string()), "{words}");
        let loose =
            json!([{"name": "f", "input_schema": schema}, {"name": "g", "input_schema": schema}]);
        assert_eq!(body["tools"], loose);
        let refused = sent(model, true, schema).unwrap_err();
        assert_eq!(refused.param, Some("response_format"));
    }
}

#[test]
fn what_cannot_be_said_elsewhere_is_refused_by_name() {
    let refused = |extra: &str, messages: &str| {
        let body = format!(r#"{{"model":"m","max_tokens":9,"messages":{messages}{extra}}}"#);
        request::prompt(&asked(&body))
            .err()
            .map(|error| (error.param, error.detail))
    };
    let user = r#"[{"role":"user","content":"q"}]"#;
    assert!(refused("", user).is_none());
    let hosted = r#","tools":[{"type":"web_search_20250305","name":"web_search"}]"#;
    assert!(refused(hosted, user).is_none(), "a hosted tool is a hint");
    for (extra, messages, param) in [
        (
            r#","tools":[{"type":"web_search_20250305","name":"s"}],"tool_choice":{"type":"tool","name":"s"}"#,
            user,
            "tool_choice",
        ),
        (
            r#","tools":[{"type":"web_search_20250305","name":"s"}],"tool_choice":{"type":"any"}"#,
            user,
            "tool_choice",
        ),
        (r#","container":"c""#, user, "container"),
        (r#","inference_geo":"us""#, user, "inference_geo"),
        (r#","system":[{"type":"image"}]"#, user, "system"),
        (r#","temperature":"hot""#, user, "temperature"),
        (
            "",
            r#"[{"role":"user","content":[{"type":"container_upload","file_id":"secret"}]}]"#,
            "messages",
        ),
        (
            "",
            r#"[{"role":"user","content":[{"type":"tool_result"}]}]"#,
            "messages",
        ),
        ("", r#"[{"role":"robot","content":"secret"}]"#, "messages"),
        ("", r#"[{"content":"secret"}]"#, "messages"),
    ] {
        let (named, detail) = refused(extra, messages).unwrap();
        assert_eq!(named, Some(param), "{extra} {messages}");
        assert!(!detail.contains("secret"), "{detail}");
    }
    for (body, part) in [
        (
            r#"{"model":"m","messages":[{}]}"#,
            "`max_tokens` is missing",
        ),
        (
            r#"{"model":"m","messages":[{}],"max_tokens":-1}"#,
            "from 0 to",
        ),
        (r#"{"model":"m","max_tokens":1}"#, "`messages` is missing"),
    ] {
        let error = request::read(Bytes::from(body)).err().unwrap();
        assert!(error.detail.contains(part), "{body}");
    }
}

#[test]
fn what_is_asked_for_is_known_before_and_goes_upstream_as_it_is() {
    let json = r#"{"model":"m","max_tokens":9, "x":{"y":1},"system":"sys","speed":"fast","messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"abc"}}]}]}"#;
    let request = asked(json);
    assert_eq!(request.asked.tier, Tier::Fast);
    let mut words = Vec::new();
    request.each_text(&mut |text| words.push(text.to_owned()));
    assert!(words.contains(&"sys".to_owned()) && words.contains(&"abc".to_owned()));
    let sent = |model, max| {
        let segments = request.for_upstream(Dialect::Messages, model, max).unwrap();
        String::from_utf8(segments.into_pieces().concat()).unwrap()
    };
    assert_eq!(sent("m", None), json);
    let changed = json.replace(r#""m""#, r#""real""#).replace("9", "7");
    assert_eq!(sent("real", Some(7)), changed);
}

#[test]
fn what_the_model_thinks_with_is_lowered_with_the_maximum() {
    let body = |thinking: &str, max: u64| {
        format!(r#"{{"thinking": {thinking} ,"model":"m","messages":[{{}}],"max_tokens":{max}}}"#)
    };
    let by = |budget: u64| format!(r#"{{"budget_tokens": {budget} ,"type":"enabled"}}"#);
    // The budget, the maximum it is lowered to, and the budget then.
    for (budget, lowered, then) in [
        (8_000, 3_000, 1_500),
        (8_000, 1_500, 1_024),
        (8_000, 8_000, 4_000),
        (8_000, 8_001, 8_000),
        // Thought between tools may be more than an answer.
        (10_000, 3_000, 10_000),
    ] {
        let request = asked(&body(&by(budget), 10_000));
        assert_eq!(
            request.thought_min(),
            if budget < 10_000 { 1_024 } else { 0 }
        );
        let sent = request.for_upstream(Dialect::Messages, "m", Some(lowered));
        let sent = String::from_utf8(sent.unwrap().into_pieces().concat()).unwrap();
        assert_eq!(sent, body(&by(then), lowered));
    }
    for thinking in [
        r#"{"type":"adaptive"}"#,
        "null",
        "7",
        r#"{"type":"enabled"}"#,
    ] {
        let request = asked(&body(thinking, 10_000));
        assert_eq!(request.thought_min(), 0);
        let sent = request.for_upstream(Dialect::Messages, "m", Some(9));
        let sent = String::from_utf8(sent.unwrap().into_pieces().concat()).unwrap();
        assert_eq!(sent, body(thinking, 9));
    }
}

#[test]
fn a_cache_can_be_filled_without_an_answer_but_only_anthropics() {
    let json = ASK.replace("9", "0");
    let request = asked(&json);
    assert_eq!(request.max_tokens, Some(0));
    let sent = request.for_upstream(Dialect::Messages, "m", None).unwrap();
    assert_eq!(sent.into_pieces().concat(), json.as_bytes());
    let refused = request
        .for_upstream(Dialect::Chat, "m", None)
        .err()
        .unwrap();
    assert_eq!(refused.param, Some("max_tokens"));
    let filled = r#"{"content":[],"stop_reason":"max_tokens","usage":{"input_tokens":3,"cache_creation_input_tokens":2000,"output_tokens":0}}"#;
    let whole = answer::own(Bytes::from(filled)).unwrap();
    assert_eq!(whole.usage.unwrap().cache_write, 2_000);
}

#[test]
fn a_long_prompt_that_goes_on_is_kept_and_no_other() {
    let long = "x".repeat(4_096);
    let tools = json!([{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "g"}}]);
    let user = |text: &str| json!({"role": "user", "content": text});
    let system = json!({"role": "system", "content": "be brief"});
    let call = json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "r"});
    let image = json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]});
    // What is asked, and where marks are set.
    for (asked, wanted) in [
        (
            json!({"messages": [system, user(&long), call, result], "tools": tools}),
            &[
                "/messages/0/content/0",
                "/messages/2/content/0",
                "/system/0",
            ][..],
        ),
        (
            json!({"messages": [user("a"), call, result, user(&long)], "tools": tools}),
            &["/messages/0/content/0", "/messages/2/content/1", "/tools/1"],
        ),
        (
            json!({"messages": [user(&long), call, result], "tools": tools, "tool_choice": "required"}),
            &["/messages/0/content/0", "/messages/2/content/0", "/tools/1"],
        ),
        (
            json!({"messages": [image], "prompt_cache_key": "k"}),
            &["/messages/0/content/0"],
        ),
        (
            json!({"messages": [user("a"), call, result], "tools": tools}),
            &[],
        ),
        (json!({"messages": [system, user(&long)]}), &[]),
        (
            json!({"messages": [user(&long)], "tools": tools, "tool_choice": "required"}),
            &[],
        ),
    ] {
        let mut body = asked.clone();
        body["model"] = "m".into();
        let request = Request::read(Dialect::Chat, Bytes::from(body.to_string())).unwrap();
        let sent = request.for_upstream(Dialect::Messages, "claude-opus-5", None);
        let sent = sent.unwrap().into_pieces().concat();
        let mut sent: Value = serde_json::from_slice(&sent).unwrap();
        for at in wanted {
            let block = sent.pointer_mut(at).unwrap().as_object_mut().unwrap();
            let mark = block.shift_remove("cache_control");
            assert_eq!(mark, Some(json!({"type": "ephemeral"})), "{at}");
        }
        assert!(
            !sent.to_string().contains("cache_control"),
            "no more of them"
        );
    }
}

#[test]
fn thoughts_that_anthropic_would_refuse_are_taken_out_and_all_else_stays() {
    let sent_to = |model: &str, messages: &str| {
        let body = format!(r#"{{"model":"{model}", "max_tokens":9,"messages":{messages} ,"x":1}}"#);
        let request = asked(&body);
        let segments = request
            .for_upstream(Dialect::Messages, model, None)
            .unwrap()
            .into_pieces();
        let sent = String::from_utf8(segments.concat()).unwrap();
        let start = body.find("[").unwrap();
        assert!(sent.starts_with(&body[..start]) && sent.ends_with(r#" ,"x":1}"#));
        sent[start..sent.len() - r#" ,"x":1}"#.len()].to_owned()
    };
    let sent = |messages: &str| sent_to("claude-opus-5", messages);
    let own = r#"{"type":"thinking","thinking":"h\u00e9","signature":"c2ln"}"#;
    let foreign = seal::mark(Dialect::Responses, "gAAA");
    let sealed = format!(r#"{{"signature":"{foreign}","type":"thinking","thinking":"x"}}"#);
    let unsigned = r#"{"type":"thinking","thinking":"x","signature": ""}"#;
    let redacted = format!(r#"{{"type":"redacted_thinking","data":"{foreign}"}}"#);
    let text = format!(r#"{{ "type":"text","text":"{foreign}" }}"#);
    let user = r#"{"role":"user","content":"q"}"#;
    let turn = |blocks: &[&str]| {
        let blocks = blocks.join(" , ");
        format!(r#"{{"role":"assistant","content":[ {blocks} ],"y":2}}"#)
    };
    let list = |turns: &[&str]| format!("[{}]", turns.join(", "));
    let (mixed, left) = (
        turn(&[&sealed, own, unsigned, &text, &redacted]),
        turn(&[own, &text]),
    );
    assert_eq!(
        sent(&list(&[user, &mixed, user])),
        list(&[user, &left, user])
    );
    // A turn without anything in it is refused too.
    let nothing = turn(&[&sealed]);
    assert_eq!(sent(&list(&[user, &nothing, user])), list(&[user, user]));
    assert_eq!(sent(&list(&[user, &nothing])), list(&[user]));
    for kept in [
        list(&[&nothing, &nothing]),
        list(&[user, &turn(&[own, &text])]),
        format!(r#"[{{"role":"user","content":"{foreign}"}}]"#),
        format!(r#"[7,{{"content":[{{"type":7,"signature":"{foreign}"}}]}}]"#),
    ] {
        assert_eq!(sent(&kept), kept);
    }
    // Who signs nothing wants it back.
    let left = list(&[user, &turn(&[own, unsigned, &text]), user]);
    assert_eq!(sent_to("kimi-k3", &list(&[user, &mixed, user])), left);
    // And what it thought when it was asked in chat, but not what another thought, nor what has more in its seal.
    for (sealed, model, stays) in [
        ("reasoning_content.kimi-k3", "kimi-k3", true),
        ("reasoning.kimi-k3", "kimi-k3", true),
        ("reasoning_content.kimi-k3", "kimi-k2", false),
        ("reasoning_content.kimi-k3-fast", "kimi-k3", false),
        ("reasoning_details.kimi-k3[]", "kimi-k3", false),
        ("reasoning_content.claude-x", "claude-x", false),
    ] {
        let seal = seal::mark(Dialect::Chat, sealed);
        let thought = |seal: &str| {
            format!(r#"{{"type":"thinking","thinking":"h\u00e9","signature": "{seal}" }}"#)
        };
        let with = |seal: &str| list(&[user, &turn(&[&thought(seal), &redacted, &text]), user]);
        let left = match stays {
            true => list(&[user, &turn(&[&thought(""), &text]), user]),
            false => list(&[user, &turn(&[&text]), user]),
        };
        assert_eq!(sent_to(model, &with(&seal)), left, "{sealed} for {model}");
    }
}

proptest! {
    #[test]
    fn what_is_written_as_a_stream_reads_back(pieces in any_pieces()) {
        let wanted = Answer::of_pieces(pieces.clone()).unwrap();
        // Without a report the writer says zeros, which are none.
        let usage = wanted.usage;
        let back = written(pieces);
        let read = Answer::of_pieces(self::pieces(&[&back]));
        prop_assert!(read == Some(as_messages(wanted, usage)));
    }

    #[test]
    fn what_is_written_as_a_body_reads_back(answer in any_answer()) {
        let usage = answer.usage.unwrap_or_default();
        let body = answer::write(&answer, &caller(), &usage);
        let wanted = as_messages(answer.clone(), answer.usage);
        prop_assert!(answer::read(&body).unwrap() == wanted);
    }

    #[test]
    fn cutting_the_bytes_anywhere_changes_nothing(pieces in any_pieces(), size in 1..40_usize) {
        let stream = written(pieces);
        let chunks: Vec<&[u8]> = stream.chunks(size).collect();
        prop_assert!(self::pieces(&[&stream]) == self::pieces(&chunks));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut stream = STREAM.as_bytes().to_vec();
        let at = at.index(stream.len());
        stream[at] = byte;
        let mut own = relay::Own::new(&asked(ASK));
        let mut reader = relay::Reader::default();
        for event in events(&[&stream, &bytes]) {
            let _ = reader.event(&event, &mut Vec::new());
            if own.read(event, &mut |_| {}).is_ok() {
                own.pass(&mut Vec::new());
            }
        }
        let _ = answer::read(&bytes);
        if let Ok(request) = request::read(Bytes::from(bytes)) {
            let _ = request::prompt(&request);
        }
    }
}
