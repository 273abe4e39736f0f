//! To a caller who speaks the same: passed to the byte, counted once, cut and failed properly.

use domain::Usage;
use domain::price_rule::Tier;

use super::*;
use crate::error::Fault;

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
