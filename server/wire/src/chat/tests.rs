//! Is what is read what was written, however the bytes are cut and whatever comes?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use proptest::prelude::*;

use super::{answer, reader, writer};
use crate::error::Fault;
use crate::neutral::any::{any_answer, any_json, any_pieces, in_pieces};
use crate::neutral::{Answer, Block, Content, Piece, Stop, Tool, ToolKind};
use crate::relay::{Reader as _, Writer as _};
use crate::request::Caller;
use crate::sse::{Event, Parser};

const NAMES: &[&str] = &[
    "id",
    "model",
    "choices",
    "index",
    "delta",
    "message",
    "content",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "tool_calls",
    "function_call",
    "function",
    "custom",
    "name",
    "arguments",
    "input",
    "finish_reason",
    "stop_reason",
    "usage",
    "prompt_tokens",
    "error",
    "code",
    "type",
    "text",
    "thinking",
    "messages",
    "role",
    "user",
    "assistant",
    "tool",
    "system",
    "tool_call_id",
    "image_url",
    "url",
    "input_audio",
    "data",
    "format",
    "file",
    "file_data",
    "tools",
    "tool_choice",
    "allowed_tools",
    "mode",
    "response_format",
    "json_schema",
    "schema",
    "stop",
    "n",
];

fn caller(tools: Vec<Tool>) -> Caller {
    Caller {
        call: "call_1".to_owned(),
        model: "m".to_owned(),
        created: 7,
        wants_usage: true,
        tools,
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
        docs_url: "https://x".to_owned(),
        request_id: "call_1".to_owned(),
    }
}

fn written(pieces: Vec<Piece>, tools: Vec<Tool>) -> Vec<Bytes> {
    let mut writer = writer::Writer::new(caller(tools));
    let mut out = Vec::new();
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    out
}

fn read<'a>(bytes: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<Piece>> {
    let mut parser = Parser::default();
    let mut reader = reader::Reader::default();
    let mut pieces = Vec::new();
    for bytes in bytes {
        parser.push(bytes).unwrap();
        while let Some(event) = parser.next_event() {
            reader.event(&event, &mut pieces).ok()?;
        }
    }
    if let Some(event) = parser.finish() {
        reader.event(&event, &mut pieces).ok()?;
    }
    Some(pieces)
}

fn streamed(chunks: &[&str]) -> Vec<Piece> {
    let stream: String = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    read([stream.as_bytes()]).unwrap()
}

/// Chat cannot say a seal but as another dialect's.
fn unsealed(mut answer: Answer) -> Answer {
    for content in &mut answer.blocks {
        content.seal = None;
    }
    answer
}

/// The seal of reasoning that came in the field of this name, for a model without one.
fn seal(field: &str) -> String {
    format!("farebox.chat.{field}.")
}

/// As much of an answer as chat can say, and the reader's seals.
fn sayable(mut answer: Answer) -> Answer {
    answer.id = Some("chatcmpl-1".to_owned());
    answer.model = Some("m".to_owned());
    let mut blocks = Vec::<Content>::new();
    for mut content in answer.blocks {
        content.seal = (content.block == Block::Reasoning).then(|| seal("reasoning_content"));
        let is_tool = matches!(content.block, Block::Tool { .. });
        match blocks.last_mut() {
            Some(last) if last.block == content.block && !is_tool => {
                last.text.push_str(&content.text);
            }
            _ if content.text.is_empty() && !is_tool => {}
            _ => blocks.push(content),
        }
    }
    let holds = |wanted: fn(&Block) -> bool| blocks.iter().any(|content| wanted(&content.block));
    let has_called = holds(|block| matches!(block, Block::Tool { .. }));
    let has_refused = holds(|block| *block == Block::Refusal);
    answer.stop = match answer.stop {
        stop @ (Stop::Length | Stop::Filtered) => stop,
        Stop::Refused if !has_refused => Stop::Filtered,
        _ if has_called => Stop::Tools,
        _ if has_refused => Stop::Refused,
        _ => Stop::End,
    };
    answer.blocks = blocks;
    if let Some(usage) = &mut answer.usage {
        usage.cache_write += std::mem::take(&mut usage.cache_write_1h);
    }
    answer
}

/// A plain answer has one place for each kind of words.
fn grouped(mut answer: Answer) -> Answer {
    answer.blocks.sort_by_key(|content| match content.block {
        Block::Reasoning => 0,
        Block::Text => 1,
        Block::Refusal => 2,
        Block::Tool { .. } => 3,
    });
    sayable(answer)
}

proptest! {
    #[test]
    fn what_is_streamed_is_read_again(answer in any_answer(), cuts in prop::collection::vec(1..6_usize, 1..8)) {
        let answer = unsealed(answer);
        let usage = answer.usage.unwrap_or_default();
        let events = written(in_pieces(answer.clone(), &cuts), Vec::new());
        let pieces = read(events.iter().map(AsRef::as_ref)).unwrap();
        let mut wanted = sayable(answer);
        // Nothing reported is written as zeros, and zeros are read as nothing.
        wanted.usage = wanted.usage.filter(|_| !usage.is_zero());
        prop_assert_eq!(Answer::of_pieces(pieces.clone()), Some(wanted));
        // From here on nothing changes any more, cut as it was.
        let mut words = pieces.clone();
        words.retain(|piece| !matches!(piece, Piece::Seal(_)));
        let again = written(words, Vec::new());
        prop_assert_eq!(read(again.iter().map(AsRef::as_ref)), Some(pieces));
    }

    #[test]
    fn cutting_the_bytes_anywhere_changes_no_piece(pieces in any_pieces(), cuts in prop::collection::vec(1..40_usize, 1..40)) {
        let stream = written(pieces, Vec::new()).concat();
        let (mut cut, mut rest) = (Vec::new(), stream.as_slice());
        for size in cuts.iter().cycle() {
            if rest.is_empty() { break; }
            let (piece, left) = rest.split_at((*size).min(rest.len()));
            cut.push(piece);
            rest = left;
        }
        prop_assert_eq!(read([stream.as_slice()]), read(cut));
    }

    #[test]
    fn a_plain_answer_is_read_again(answer in any_answer()) {
        let answer = unsealed(answer);
        let usage = answer.usage.unwrap_or_default();
        let body = answer::write(&answer, &caller(Vec::new()), &usage);
        let mut wanted = grouped(answer.clone());
        wanted.usage = wanted.usage.filter(|_| !usage.is_zero());
        let back = answer::read(&body, "");
        prop_assert_eq!(back.ok(), Some(wanted));
        // What is counted on the way is the same for a caller who gets the bytes themselves.
        let (mut own, mut neutral) = (String::new(), String::new());
        answer::each_answer_text(&body, &mut |text| own.push_str(text));
        grouped(answer).each_text(&mut |text| neutral.push_str(text));
        let sorted = |text: String| { let mut all: Vec<char> = text.chars().collect(); all.sort_unstable(); all };
        prop_assert_eq!(sorted(own), sorted(neutral));
    }

    #[test]
    fn in_whatever_order_pieces_come_the_stream_is_well_formed(
        pieces in (any_pieces(), any_pieces()).prop_map(|(a, b)| [a, b].concat()).prop_shuffle(),
        fails in any::<bool>(),
    ) {
        let mut writer = writer::Writer::new(caller(Vec::new()));
        let mut out = Vec::new();
        for piece in pieces {
            writer.piece(piece, &mut out);
        }
        let failure = writer.fail(&fault());
        if fails { out.push(failure); }
        let stream = out.concat();
        let stream = String::from_utf8(stream).unwrap();
        let events: Vec<&str> = stream.split_terminator("\n\n").filter(|event| !event.is_empty()).collect();
        let stops = events.iter().position(|event| event.contains(r#""finish_reason":""#));
        let done = events.iter().position(|event| *event == "data: [DONE]");
        if let Some(done) = done {
            prop_assert_eq!(done, events.len() - 1, "nothing follows the end");
            let stop = stops.unwrap();
            prop_assert_eq!(done, stop + 2, "only the usage stands between");
            prop_assert!(events[stop + 1].contains(r#""choices":[]"#));
        }
        for event in &events[stops.map_or(events.len(), |stop| stop + 1)..] {
            prop_assert!(!event.contains(r#""delta""#), "nothing is added to a finished answer");
        }
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read([bytes.as_slice(), b"\n\n"]);
        let _ = answer::read(&bytes, "");
        let _ = super::request::read(Bytes::from(bytes));
    }

    #[test]
    fn hostile_json_never_panics(first in any_json(NAMES), second in any_json(NAMES)) {
        let event = |json: &serde_json::Value| Event {
            raw: Bytes::new(),
            data: Some(Bytes::from(json.to_string())),
            name: None,
        };
        let mut reader = reader::Reader::default();
        let mut pieces = Vec::new();
        for delta in [&first, &second] {
            let chunk = serde_json::json!({"choices": [{"delta": delta, "message": null}]});
            let _ = reader.event(&event(&chunk), &mut pieces);
            let _ = reader.event(&event(delta), &mut pieces);
        }
        let _ = answer::read(first.to_string().as_bytes(), "");
        let _ = answer::read(serde_json::json!({"choices": [{"message": first}]}).to_string().as_bytes(), "");
        let said = serde_json::json!({"role": "user", "content": second});
        let request = serde_json::json!({"model": "m", "messages": [first, said], "tools": second, "tool_choice": first});
        if let Ok(request) = super::request::read(Bytes::from(request.to_string()))
            && let Ok(prompt) = super::request::prompt(&request)
        {
            let _ = super::request::write(&prompt, "gpt-5");
        }
    }
}

fn tool(id: &str, name: &str, kind: ToolKind) -> Piece {
    Piece::Opened(Block::Tool {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
    })
}

fn text(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

/// What stands between `Began` and the end.
fn inner(pieces: Vec<Piece>) -> Vec<Piece> {
    pieces
        .into_iter()
        .filter(|piece| !matches!(piece, Piece::Began { .. } | Piece::Used(_) | Piece::Ended))
        .collect()
}

#[test]
fn parallel_calls_come_out_one_after_the_other() {
    let pieces = streamed(&[
        r#"{"id":"c1","model":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Let me see."}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}},{"index":1,"function":{"arguments":"}"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#,
        "[DONE]",
        r#"{"after":"the end"}"#,
    ]);
    assert!(matches!(pieces.last(), Some(Piece::Ended)));
    assert!(matches!(&pieces[pieces.len() - 2], Piece::Used(usage) if usage.total() == 5));
    assert_eq!(
        inner(pieces),
        vec![
            Piece::Opened(Block::Text),
            text("Let me see."),
            Piece::Closed,
            tool("a", "f", ToolKind::Function),
            text("{\"x\":"),
            text("1}"),
            Piece::Closed,
            tool("b", "g", ToolKind::Function),
            text("{"),
            text("}"),
            Piece::Closed,
            Piece::Stopped(Stop::Tools),
        ]
    );
}

#[test]
fn a_call_that_is_whole_keeps_nobody_waiting() {
    let mut reader = reader::Reader::default();
    let mut pieces = Vec::new();
    let mut add = |delta: &str, pieces: &mut Vec<Piece>| {
        let data = format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#);
        let (raw, name) = (Bytes::new(), None);
        let data = Some(Bytes::from(data));
        reader.event(&Event { raw, data, name }, pieces).unwrap();
    };
    for delta in [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"}\\\"\"}"}}]}"#,
        r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g"}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"\n"}}]}"#,
        r#"{"tool_calls":[{"index":1,"function":{"arguments":"{"}}]}"#,
    ] {
        add(delta, &mut pieces);
    }
    assert_eq!(
        inner(pieces),
        vec![
            tool("a", "f", ToolKind::Function),
            text(r#"{"x":"}\""}"#),
            Piece::Closed,
            tool("b", "g", ToolKind::Function),
            text("{"),
        ]
    );
}

#[test]
fn what_servers_do_differently_is_understood() {
    for (what, delta, finish, wanted) in [
        (
            "thoughts under both names, then text in one chunk",
            r#"{"reasoning":"hm","reasoning_content":"hm","content":"a"}"#,
            "stop",
            vec![
                Piece::Opened(Block::Reasoning),
                text("hm"),
                Piece::Seal(seal("reasoning_content")),
                Piece::Closed,
                Piece::Opened(Block::Text),
                text("a"),
                Piece::Closed,
                Piece::Stopped(Stop::End),
            ],
        ),
        (
            "Mistral's parts",
            r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}"#,
            "model_length",
            vec![
                Piece::Opened(Block::Reasoning),
                text("hm"),
                Piece::Closed,
                Piece::Opened(Block::Text),
                text("a"),
                Piece::Closed,
                Piece::Stopped(Stop::Length),
            ],
        ),
        (
            "calls without number or id, and `stop` for them",
            r#"{"tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]}"#,
            "stop",
            vec![
                tool("call_c10", "f", ToolKind::Function),
                text("{}"),
                Piece::Closed,
                tool("call_c11", "f", ToolKind::Function),
                text("{}"),
                Piece::Closed,
                Piece::Stopped(Stop::Tools),
            ],
        ),
        (
            "calls of the same number with ids of their own",
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]}"#,
            "tool_calls",
            vec![
                tool("a", "f", ToolKind::Function),
                text("{}"),
                Piece::Closed,
                tool("b", "f", ToolKind::Function),
                text("{}"),
                Piece::Closed,
                Piece::Stopped(Stop::Tools),
            ],
        ),
        (
            "the old function call",
            r#"{"content":null,"function_call":{"name":"f","arguments":"{}"}}"#,
            "function_call",
            vec![
                tool("call_c10", "f", ToolKind::Function),
                text("{}"),
                Piece::Closed,
                Piece::Stopped(Stop::Tools),
            ],
        ),
        (
            "a custom tool",
            r#"{"tool_calls":[{"index":0,"id":"a","type":"custom","custom":{"name":"f","input":"ls"}}]}"#,
            "tool_calls",
            vec![
                tool("a", "f", ToolKind::Custom),
                text("ls"),
                Piece::Closed,
                Piece::Stopped(Stop::Tools),
            ],
        ),
        (
            "a refusal",
            r#"{"content":null,"refusal":"no"}"#,
            "stop",
            vec![
                Piece::Opened(Block::Refusal),
                text("no"),
                Piece::Closed,
                Piece::Stopped(Stop::Refused),
            ],
        ),
    ] {
        let chunk = format!(r#"{{"id":"c-1","choices":[{{"delta":{delta},"finish_reason":""}}]}}"#);
        let last = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{finish}"}}]}}"#);
        assert_eq!(
            inner(streamed(&[&chunk, &last, "[DONE]"])),
            wanted,
            "{what}"
        );
        // No finish reason at all, or a plain answer: the same.
        if wanted.last() != Some(&Piece::Stopped(Stop::Length)) {
            assert_eq!(
                inner(streamed(&[&chunk, "[DONE]"])),
                wanted,
                "{what}, without a reason"
            );
        }
        let body = format!(
            r#"{{"id":"c-1","choices":[{{"message":{delta},"finish_reason":"{finish}"}}]}}"#
        );
        let plain = answer::read(body.as_bytes(), "");
        assert_eq!(
            plain.ok().map(|plain| inner(plain.into_pieces())),
            Some(wanted),
            "{what}, plain"
        );
    }
}

#[test]
fn what_breaks_off_is_no_end() {
    let begun = r#"{"choices":[{"delta":{"content":"a"}}]}"#;
    for (last, message, code) in [
        (
            r#"{"error":{"message":"overloaded","code":529}}"#,
            Some("overloaded"),
            Some("529"),
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"insufficient_system_resource"}]}"#,
            None,
            Some("insufficient_system_resource"),
        ),
    ] {
        let pieces = streamed(&[begun, last, "[DONE]"]);
        let Some(Piece::Failed(said)) = pieces.last() else {
            panic!("{last} ended well")
        };
        assert_eq!(
            (said.message.as_deref(), said.code.as_deref()),
            (message, code)
        );
    }
    assert!(
        read([b"data: [DONE]\n\n".as_slice()]).is_none(),
        "an answer that never was"
    );
    assert!(read([b"data: <html>\n\n".as_slice()]).is_none());
    for bad in [
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":[{}]}"#,
        r#"{"error":{"message":"m"},"choices":[{"message":{}}]}"#,
    ] {
        assert!(answer::read(bad.as_bytes(), "").is_err(), "{bad}");
    }
}

#[test]
fn a_stream_is_written_as_the_sdks_read_it() {
    let custom = Tool {
        name: "patch".to_owned(),
        description: None,
        parameters: None,
        strict: None,
        kind: ToolKind::Custom,
    };
    let pieces = vec![
        Piece::Began {
            id: Some("msg_1".to_owned()),
            model: Some("real".to_owned()),
        },
        Piece::Opened(Block::Reasoning),
        text("hm"),
        Piece::Seal("s".to_owned()),
        Piece::Closed,
        Piece::Opened(Block::Text),
        text("a"),
        Piece::Closed,
        tool("t1", "f", ToolKind::Function),
        text("{}"),
        Piece::Closed,
        // It went upstream as a function, and comes back as what it is.
        tool("t2", "patch", ToolKind::Function),
        text(r#"{"inp"#),
        text(r#"ut":"*"}"#),
        Piece::Closed,
        Piece::Stopped(Stop::Tools),
        Piece::Used(domain::Usage {
            input: 3,
            output: 2,
            ..domain::Usage::default()
        }),
        Piece::Ended,
    ];
    let stream = String::from_utf8(written(pieces, vec![custom]).concat()).unwrap();
    let deltas: Vec<String> = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
        .map(|json| serde_json::from_str::<serde_json::Value>(&format!("{{{json}")).unwrap())
        .map(|chunk| {
            assert_eq!(chunk["id"], "chatcmpl-1");
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk["model"], "m", "as the caller named it");
            let choice = &chunk["choices"][0];
            match &choice["finish_reason"] {
                serde_json::Value::Null => choice["delta"].to_string(),
                reason => reason.to_string(),
            }
        })
        .collect();
    let wanted = [
        r#"{"role":"assistant","content":""}"#,
        r#"{"reasoning_content":"hm"}"#,
        r#"{"reasoning_details":[{"type":"reasoning.text","text":"hm","signature":"s","index":0}]}"#,
        r#"{"content":"a"}"#,
        r#"{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"f","arguments":""}}]}"#,
        r#"{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"index":1,"id":"t2","type":"custom","custom":{"name":"patch","input":""}}]}"#,
        r#"{"tool_calls":[{"index":1,"custom":{"input":"*"}}]}"#,
        r#""tool_calls""#,
        "null",
    ];
    assert_eq!(deltas, wanted);
    assert!(stream.contains(r#""choices":[],"usage":{"prompt_tokens":3,"#));
    assert!(stream.ends_with("}\n\ndata: [DONE]\n\n"));
}

#[test]
fn nobody_gets_usage_unasked() {
    let mut writer = writer::Writer::new(Caller {
        wants_usage: false,
        ..caller(Vec::new())
    });
    let mut out = Vec::new();
    let usage = domain::Usage {
        input: 1,
        ..domain::Usage::default()
    };
    for piece in [
        Piece::Stopped(Stop::End),
        Piece::Used(usage),
        Piece::Ended,
        Piece::Ended,
    ] {
        writer.piece(piece, &mut out);
    }
    assert_eq!(out.len(), 3, "the role, the finish reason, the marker");
    assert!(!String::from_utf8(out.concat()).unwrap().contains("usage"));
    assert!(writer.fail(&fault()).is_empty() && writer.keep_alive().is_empty());
}
