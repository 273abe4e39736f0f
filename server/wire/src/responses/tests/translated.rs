//! From and to other dialects.

use domain::price_rule::Tier;
use domain::{Dialect, Usage};

use super::*;
use crate::neutral::{Answer, Block, Stop, ToolKind};
use crate::request::Request;
use crate::responses::answer;

#[test]
fn a_stream_is_read_in_pieces_and_its_whole_says_the_same() {
    let (mut reader, mut pieces) = (Reader::default(), Vec::new());
    for event in events(&stream(&exchange())) {
        reader.event(&event, &mut pieces).unwrap();
    }
    assert_eq!(reader.tier(), Some(Tier::Priority));
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

/// As llama.cpp streams: no index anywhere, and calls that go by nothing but their results' id.
#[test]
fn items_without_an_index_are_told_by_their_ids() {
    let mut unnumbered = exchange();
    for event in &mut unnumbered {
        event.as_object_mut().unwrap().shift_remove("output_index");
    }
    let (numbered, unnumbered) = (stream(&exchange()), stream(&unnumbered));
    assert!(read(&unnumbered) == read(&numbered));
    let (facts, words, _) = pass(&mut own(), &numbered);
    let (same_facts, same_words, bytes) = pass(&mut own(), &unnumbered);
    assert_eq!((same_facts, same_words), (facts, words));
    assert_eq!(bytes, unnumbered);

    let item = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": arguments});
    let added = |id: &str| json!({"type": "response.output_item.added", "item": item(id, "")});
    let delta = |id: &str, text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": id, "delta": text});
    let done =
        |id: &str, text: &str| json!({"type": "response.output_item.done", "item": item(id, text)});
    let output = json!([item("a", "12"), item("b", "34")]);
    let bytes = stream(&[
        created(),
        added("a"),
        delta("a", "1"),
        added("b"),
        delta("b", "3"),
        // Of one that it does not name: the one before.
        delta("", "4"),
        delta("a", "2"),
        done("a", "12"),
        json!({"type": "response.completed", "response": response("completed", &output)}),
    ]);
    let answer = Answer::of_pieces(read(&bytes)).unwrap();
    let texts = answer.blocks.iter().map(|content| content.text.as_str());
    assert_eq!(texts.collect::<Vec<&str>>(), ["12", "34"]);
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

/// Reasoning that no provider sealed is known again by its id, because OpenAI would look for it among its own.
#[test]
fn reasoning_that_was_written_here_does_not_go_to_openai() {
    let (id, model) = (None, None);
    let pieces = [
        Piece::Began { id, model },
        Piece::Opened(Block::Reasoning),
        Piece::Text("hm".to_owned()),
        Piece::Closed,
        Piece::Stopped(Stop::End),
        Piece::Ended,
    ];
    let caller = Caller {
        call: "call_0197c0de00000000000000000000beef".to_owned(),
        ..caller()
    };
    let (mut writer, mut out) = (Writer::new(caller), Vec::new());
    for piece in pieces {
        writer.piece(piece, &mut out);
    }
    let end = json_of(events(&out.concat()).last().unwrap());
    let thought = end["response"]["output"][0].clone();
    assert_eq!(thought["summary"][0]["text"], "hm");
    let said = json!({"role": "user", "content": "and?"});
    let body = |input| json!({ "model": "m", "input": input }).to_string();
    let request = Request::read(Dialect::Responses, body(json!([thought, said])).into());
    let sent = request.and_then(|request| request.for_upstream(Dialect::Responses, "m", None));
    let sent = sent.unwrap().into_pieces().concat();
    assert_eq!(sent, body(json!([said])).as_bytes());
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
