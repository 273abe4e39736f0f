//! Facts about conversations over one connection: nothing is lost, and nothing is said twice.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::*;

fn create(message: &Value) -> Create {
    Create::read(message.to_string().as_bytes())
        .map_err(|bad| bad.detail)
        .unwrap()
}

fn sent(create: &Create, before: Option<&Remembered>) -> Value {
    serde_json::from_slice(&create.body(before)).unwrap()
}

fn heard(events: &[Value]) -> Heard {
    let mut heard = Heard::new(1 << 20);
    for event in events {
        heard.event(event.to_string().as_bytes());
    }
    heard
}

#[test]
fn a_turn_is_sent_with_everything_that_was_said_before() {
    let first = create(&json!({
        "type": "response.create", "model": "m", "store": false, "input": "hi",
        "tools": [{"type": "namespace", "x": 1e3}], "generate": null, "stream": false,
    }));
    assert_eq!(first.model.as_deref(), Some("m"));
    assert!(first.generates && !first.stores && first.previous.is_none());
    assert_eq!(
        sent(&first, None),
        json!({
            "stream": true, "model": "m", "store": false,
            "tools": [{"type": "namespace", "x": 1e3}],
            "input": [{"role": "user", "content": "hi"}],
        })
    );
    let answer = heard(&[
        json!({"type": "response.created", "response": {"id": "resp_1"}}),
        json!({"type": "response.output_item.done", "item": {"type": "function_call", "call_id": "c"}}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "output": []}}),
    ]);
    let before = answer.over(&first, None).unwrap();
    assert_eq!(before.id, "resp_1");

    let second = create(&json!({
        "type": "response.create", "model": "m", "previous_response_id": "resp_1",
        "input": [{"type": "function_call_output", "call_id": "c", "output": "ok"}],
    }));
    assert_eq!(
        sent(&second, Some(&before))["input"],
        json!([
            {"role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "ok"},
        ])
    );
    assert_eq!(
        sent(&second, Some(&before))["previous_response_id"],
        Value::Null
    );
    // One that is not remembered here is for the upstream to know.
    let unknown = sent(&second, None);
    assert_eq!(unknown["previous_response_id"], "resp_1");
    assert_eq!(unknown["input"].as_array().unwrap().len(), 1);
    // What follows it still goes on from there.
    let answer = heard(&[
        json!({"type": "response.completed", "response": {"id": "resp_2", "output": [{"type": "message"}]}}),
    ]);
    let before = answer.over(&second, None).unwrap();
    let third = create(&json!({"type": "response.create", "model": "m", "input": []}));
    let body = sent(&third, Some(&before));
    assert_eq!(body["previous_response_id"], "resp_1");
    assert_eq!(body["input"].as_array().unwrap().len(), 2);
}

#[test]
fn a_warm_up_says_nothing_and_is_gone_on_from() {
    let warm_up = create(&json!({
        "type": "response.create", "model": "m", "generate": false, "input": [{"role": "developer", "content": "be brief"}],
    }));
    assert!(!warm_up.generates);
    let (events, before) = warmed(&warm_up, None, "resp_w", 7);
    let events = events.map(|event| serde_json::from_str::<Value>(&event).unwrap());
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events[1]["type"], "response.completed");
    assert_eq!(events[1]["response"]["id"], "resp_w");
    assert_eq!(events[1]["response"]["usage"]["total_tokens"], 0);
    let next = create(&json!({
        "type": "response.create", "model": "m", "previous_response_id": "resp_w", "input": "go",
    }));
    assert_eq!(
        sent(&next, Some(&before))["input"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn thoughts_that_nobody_kept_are_not_pointed_to() {
    let asked =
        |store: bool| create(&json!({"type": "response.create", "store": store, "input": "q"}));
    let events = [
        json!({"type": "response.output_item.done", "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
        json!({"type": "response.output_item.done", "item": {"type": "message", "id": "msg_1", "content": []}}),
        json!({"type": "response.completed", "response": {"id": "resp_1"}}),
    ];
    let items = |store: bool| {
        let asked = asked(store);
        let before = heard(&events).over(&asked, None).unwrap();
        sent(&asked, Some(&before))["input"].as_array().unwrap()[1..3].to_vec()
    };
    assert_eq!(items(true)[0]["id"], "rs_1");
    assert_eq!(items(false)[0], json!({"type": "message", "content": []}));
}

#[test]
fn what_did_not_end_well_or_is_too_long_is_not_remembered() {
    let asked = create(&json!({"type": "response.create", "input": "q"}));
    assert!(
        heard(&[json!({"type": "response.created", "response": {"id": "r"}})])
            .over(&asked, None)
            .is_none()
    );
    assert!(
        heard(&[json!({"type": "response.failed", "response": {"id": "r"}})])
            .over(&asked, None)
            .is_none()
    );
    let mut short = Heard::new(40);
    for text in ["a".repeat(30), "b".repeat(30)] {
        let item = json!({"type": "response.output_item.done", "item": {"text": text}});
        short.event(item.to_string().as_bytes());
    }
    let end = json!({"type": "response.completed", "response": {"id": "r"}});
    assert!(matches!(
        short.event(end.to_string().as_bytes()),
        Event::Last
    ));
    assert!(short.over(&asked, None).is_none());
}

#[test]
fn bad_messages_say_what_is_wrong_and_quote_nothing() {
    for (message, param, part) in [
        ("secret", None, "not valid JSON"),
        ("[]", None, "must be a JSON object"),
        (r#"{"input":"secret"}"#, Some("type"), "response.create"),
        (r#"{"type":"secret"}"#, Some("type"), "response.create"),
        (
            r#"{"type":"response.create","store":true,"store":false}"#,
            None,
            "twice",
        ),
        (
            r#"{"type":"response.create","input":5}"#,
            Some("input"),
            "array",
        ),
        (
            r#"{"type":"response.create","generate":"no"}"#,
            Some("generate"),
            "true or false",
        ),
        (
            r#"{"type":"response.create","previous_response_id":5}"#,
            Some("previous_response_id"),
            "string",
        ),
        (
            r#"{"type":"response.create","stream_id":"a b"}"#,
            Some("stream_id"),
            "letters",
        ),
    ] {
        let Err(bad) = Create::read(message.as_bytes()) else {
            panic!("{message} was accepted")
        };
        assert_eq!(bad.param, param, "{message}");
        assert!(bad.detail.contains(part), "{message}: {}", bad.detail);
        assert!(!bad.detail.contains("secret"), "{message}: {}", bad.detail);
    }
}

#[test]
fn lanes_are_told_apart() {
    let asked = create(&json!({"type": "response.create", "stream_id": "main.1", "input": "q"}));
    assert_eq!(asked.lane.as_deref(), Some("main.1"));
    let event = in_lane(r#"{"type":"x"}"#.to_owned(), asked.lane.as_deref());
    assert_eq!(event, r#"{"stream_id":"main.1","type":"x"}"#);
    assert_eq!(in_lane("{}".to_owned(), Some("a")), r#"{"stream_id":"a"}"#);
    assert_eq!(in_lane("{}".to_owned(), None), "{}");
}

#[test]
fn ids_are_found() {
    let event = br#"{"type":"response.created","response":{"id":"resp_1","x":[]}}"#;
    assert_eq!(id_in_event(event).as_deref(), Some("resp_1"));
    assert_eq!(id_in_event(br#"{"type":"ping"}"#), None);
    assert_eq!(
        id_in_answer(br#"{"id":"resp_2"}"#).as_deref(),
        Some("resp_2")
    );
    assert_eq!(id_in_answer(b"nothing"), None);
}
