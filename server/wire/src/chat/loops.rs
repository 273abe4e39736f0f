//! Does a loop of tools go on, where an upstream of this dialect wants back what it thought and the caller speaks another?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::{Value, json};

use super::reader::Reader;
use crate::neutral::{Answer, Block, Piece};
use crate::relay::Reader as _;
use crate::request::Request;
use crate::sse::Event;

const CALLERS: [Dialect; 3] = [Dialect::Messages, Dialect::Responses, Dialect::Gemini];

/// A caller's request, of the conversation and what came since.
fn request(dialect: Dialect, model: &str, since: &[Value]) -> Request {
    let body = match dialect {
        Dialect::Messages => {
            let mut messages = vec![json!({"role": "user", "content": "hi"})];
            messages.extend_from_slice(since);
            json!({"model": model, "max_tokens": 9, "messages": messages})
        }
        Dialect::Responses => {
            let mut input = vec![json!({"role": "user", "content": "hi"})];
            input.extend_from_slice(since);
            json!({"model": model, "input": input})
        }
        _ => {
            let mut contents = vec![json!({"role": "user", "parts": [{"text": "hi"}]})];
            contents.extend_from_slice(since);
            let body = Bytes::from(json!({ "contents": contents }).to_string());
            return crate::gemini::request::read(model, false, body)
                .map_err(|error| error.detail)
                .unwrap();
        }
    };
    Request::read(dialect, Bytes::from(body.to_string()))
        .map_err(|error| error.detail)
        .unwrap()
}

/// An upstream's message as its caller got it, with a result for each call of a tool.
fn answered(dialect: Dialect, model: &str, message: &Value) -> Vec<Value> {
    let body = json!({"id": "c", "choices": [{"message": message, "finish_reason": "tool_calls"}]});
    let body = Bytes::from(body.to_string());
    let whole = request(dialect, model, &[]).whole(Dialect::Chat, body, "call_1", 7);
    let body: Value = serde_json::from_slice(&whole.unwrap().body(&Usage::default())).unwrap();
    match dialect {
        Dialect::Messages => {
            let blocks = body["content"].as_array().unwrap();
            let calls = blocks.iter().filter(|block| block["type"] == "tool_use");
            let results: Vec<Value> = calls
                .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "r"}))
                .collect();
            vec![
                json!({"role": "assistant", "content": blocks}),
                json!({"role": "user", "content": results}),
            ]
        }
        Dialect::Responses => {
            let mut items = body["output"].as_array().unwrap().clone();
            let calls = items.iter().filter(|item| item["type"] == "function_call");
            let results: Vec<Value> = calls
                .map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "r"}))
                .collect();
            items.extend(results);
            items
        }
        _ => {
            let content = &body["candidates"][0]["content"];
            let calls = content["parts"].as_array().unwrap().iter();
            let results: Vec<Value> = calls
                .filter_map(|part| part.get("functionCall"))
                .map(|call| json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"r": 1}}}))
                .collect();
            vec![content.clone(), json!({"role": "user", "parts": results})]
        }
    }
}

/// The assistant's message of the next request, without what every message has.
fn sent_back(since: &[Value], caller: Dialect, model: &str, upstream: &str) -> Value {
    let next = request(caller, model, since);
    let body = next.for_upstream(Dialect::Chat, upstream, None);
    let body = body.map_err(|error| error.detail).unwrap().into_pieces();
    let mut body: Value = serde_json::from_slice(&body.concat()).unwrap();
    let mut message = body["messages"][1].take();
    let fields = message.as_object_mut().unwrap();
    assert_eq!(fields.shift_remove("role").unwrap(), "assistant");
    fields.shift_remove("content");
    for call in message["tool_calls"].as_array_mut().unwrap() {
        let call = call.as_object_mut().unwrap();
        call.shift_remove("type");
        call.shift_remove("function");
    }
    message
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}})
}

#[test]
fn each_provider_gets_back_what_it_said_where_it_said_it() {
    let details = json!([
        {"type": "reasoning.text", "text": "hm", "signature": "s=", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "d", "id": "a", "index": 1},
    ]);
    let extra = json!({"google": {"thought_signature": "s="}});
    let mut signed = call("a");
    signed["extra_content"] = extra.clone();
    for (upstream, message, wanted) in [
        (
            "deepseek-v4",
            json!({"reasoning_content": "hm", "tool_calls": [call("a")]}),
            json!({"tool_calls": [{"id": "a"}], "reasoning_content": "hm"}),
        ),
        (
            "zai-glm-4.7",
            json!({"reasoning": "hm", "tool_calls": [call("a")]}),
            json!({"tool_calls": [{"id": "a"}], "reasoning": "hm"}),
        ),
        (
            "anthropic/claude-opus-5",
            json!({"reasoning": "hm", "reasoning_details": details, "tool_calls": [call("a")]}),
            json!({"tool_calls": [{"id": "a"}], "reasoning_details": details}),
        ),
        (
            "google/gemini-3-pro",
            json!({"reasoning_details": [details[1]], "tool_calls": [call("a")]}),
            json!({"tool_calls": [{"id": "a"}], "reasoning_details": [details[1]]}),
        ),
        (
            "gemini-3-pro",
            json!({"content": "so", "tool_calls": [signed, call("b")]}),
            json!({"tool_calls": [{"id": "a", "extra_content": extra}, {"id": "b"}]}),
        ),
    ] {
        for caller in CALLERS {
            let since = answered(caller, "named", &message);
            let back = sent_back(&since, caller, "named", upstream);
            assert_eq!(back, wanted, "{upstream} for {caller:?}");
            let none: Vec<Value> = (wanted["tool_calls"].as_array().unwrap().iter())
                .map(|call| json!({"id": call["id"]}))
                .collect();
            let none = json!({"tool_calls": none});
            let other = sent_back(&since, caller, "other", "llama-4");
            assert_eq!(other, none, "another model gets nothing of {upstream}'s");
            let openais = sent_back(&since, caller, "named", "gpt-5");
            assert_eq!(openais, none, "OpenAI takes nothing of {upstream}'s");
        }
    }
}

/// Clients exist that drop what was thought, and a conversation may have begun with another model.
#[test]
fn who_wants_thoughts_that_nobody_has_gets_a_word_for_them() {
    let skip = json!({"google": {"thought_signature": "skip_thought_signature_validator"}});
    let none = json!([{"id": "a"}, {"id": "b"}]);
    let words = json!({"tool_calls": none, "reasoning_content": " "});
    let nothing = json!({ "tool_calls": none });
    for (upstream, wanted) in [
        ("deepseek-reasoner", &words),
        ("deepseek-ai/DeepSeek-V4", &words),
        ("kimi-k2.5", &words),
        ("mimo-v2.5", &words),
        (
            "models/gemini-3-pro",
            &json!({"tool_calls": [{"id": "a", "extra_content": skip}, {"id": "b"}]}),
        ),
        ("deepseek-r1-distill-llama-70b", &nothing),
        ("moonshotai/kimi-k2-instruct-0905", &nothing),
        ("gemini-2.5-pro", &nothing),
        ("qwen3", &nothing),
        ("gpt-5", &nothing),
    ] {
        let message = json!({"tool_calls": [call("a"), call("b")]});
        let since = answered(Dialect::Messages, "m", &message);
        let back = sent_back(&since, Dialect::Messages, "m", upstream);
        assert_eq!(back, *wanted, "{upstream}");
    }
    let message = json!({"reasoning": "hm", "tool_calls": [call("a"), call("b")]});
    let mut since = answered(Dialect::Messages, "m", &message);
    let calls = json!([{"type": "tool_use", "id": "c", "name": "f", "input": {}}]);
    since.insert(0, json!({"role": "assistant", "content": calls}));
    since.insert(1, json!({"role": "user", "content": "so?"}));
    let first = sent_back(&since, Dialect::Messages, "m", "deepseek-v4");
    let wanted = json!({"tool_calls": [{"id": "c"}]});
    assert_eq!(
        first, wanted,
        "who says `reasoning` refuses the other field"
    );
}

/// Two answers that become one message keep their own signatures, though each counts its details from the beginning.
#[test]
fn details_of_two_answers_are_not_mixed() {
    let detail = |text, signature| json!({"type": "reasoning.text", "text": text, "signature": signature, "index": 0});
    let (one, other) = (detail("h", "s1"), detail("m", "s2"));
    for caller in CALLERS {
        let said = json!({"reasoning": "h", "reasoning_details": [one], "content": "a"});
        let called =
            json!({"reasoning": "m", "reasoning_details": [other], "tool_calls": [call("a")]});
        let mut since = answered(caller, "m", &said);
        if since.len() > 1 && caller != Dialect::Responses {
            since.truncate(1);
        }
        since.extend(answered(caller, "m", &called));
        let back = sent_back(&since, caller, "m", "real/m");
        assert_eq!(back["reasoning_details"], json!([one, other]), "{caller:?}");
    }
}

/// What is sealed without words stands before the words that came after it, and never after all of them.
#[test]
fn sealed_thoughts_without_words_come_before_what_is_said() {
    let detail = |data| json!([{"type": "reasoning.encrypted", "data": data}]);
    let seal = |data| {
        let detail = detail(data);
        Some(format!("farebox.chat.reasoning_details.m{detail}"))
    };
    let thought = |data| ("thought", String::new(), seal(data));
    let said = |text: &str| ("said", text.to_owned(), None);
    let call = json!([{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]);
    for (deltas, wanted) in [
        (
            vec![
                json!({"reasoning_details": detail("d")}),
                json!({"content": "o"}),
                json!({"content": "k", "reasoning_details": detail("e")}),
            ],
            vec![thought("d"), said("ok")],
        ),
        (
            vec![json!({"refusal": "no", "reasoning_details": detail("d")})],
            vec![thought("d"), said("no")],
        ),
        (
            vec![
                json!({"content": "ok", "reasoning_details": detail("d")}),
                json!({"reasoning_details": detail("e"), "tool_calls": call}),
            ],
            vec![thought("d"), said("ok"), thought("e"), said("{}")],
        ),
        (
            vec![json!({"reasoning_details": detail("d")})],
            vec![thought("d")],
        ),
    ] {
        let (mut reader, mut pieces) = (Reader::of("m"), Vec::new());
        let chunks = deltas
            .iter()
            .map(|delta| json!({"choices": [{ "delta": delta }]}));
        let last = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
        for chunk in chunks.chain([last]) {
            let (raw, name) = (Bytes::new(), None);
            let data = Some(Bytes::from(chunk.to_string()));
            let event = Event { raw, data, name };
            reader.event(&event, &mut pieces).unwrap();
        }
        pieces.push(Piece::Ended);
        let blocks = Answer::of_pieces(pieces).unwrap().blocks.into_iter();
        let found: Vec<_> = blocks
            .map(|content| {
                let kind = match content.block {
                    Block::Reasoning => "thought",
                    _ => "said",
                };
                (kind, content.text, content.seal)
            })
            .collect();
        assert_eq!(found, wanted, "{deltas:?}");
    }
}

/// What a stream brings in pieces is what a plain answer says at once.
#[test]
fn a_stream_is_sealed_as_a_plain_answer_is() {
    let deltas = [
        json!({"reasoning": "h", "reasoning_details": [{"type": "reasoning.text", "text": "h", "index": 0}]}),
        json!({"reasoning": "m", "reasoning_details": [{"type": "reasoning.text", "text": "m", "index": 0}]}),
        json!({"content": "", "reasoning": null, "reasoning_details": [{"type": "reasoning.text", "signature": "s", "index": 0}]}),
        json!({"content": "so"}),
        json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}),
        json!({"reasoning_content": "hm?"}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
        json!({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"x": 1}}]}),
        json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d"}], "tool_calls": [{"index": 2, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}),
        json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "e"}, 5]}),
        json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "e"}]}),
    ];
    let mut reader = Reader::of("m");
    let mut pieces = Vec::new();
    let mut chunk = |data: String| {
        let (raw, name) = (Bytes::new(), None);
        let data = Some(Bytes::from(data));
        reader
            .event(&Event { raw, data, name }, &mut pieces)
            .unwrap();
    };
    for delta in deltas {
        chunk(json!({"choices": [{ "delta": delta }]}).to_string());
    }
    chunk("[DONE]".to_owned());
    let answer = Answer::of_pieces(pieces.clone()).unwrap();
    let blocks: Vec<(&str, &str, Option<&str>)> = (answer.blocks.iter())
        .map(|content| {
            let kind = match &content.block {
                Block::Reasoning => "thought",
                Block::Tool { id, .. } => id,
                _ => "said",
            };
            (kind, content.text.as_str(), content.seal.as_deref())
        })
        .collect();
    let first = r#"farebox.chat.reasoning_details.m[{"type":"reasoning.text","text":true,"index":0,"signature":"s"}]"#;
    let encrypted = |data| {
        let kind = "reasoning.encrypted";
        format!(r#"farebox.chat.reasoning_details.m[{{"type":"{kind}","data":"{data}"}}]"#)
    };
    let (third, last) = (encrypted("d"), encrypted("e"));
    assert_eq!(
        blocks,
        [
            ("thought", "hm", Some(first)),
            ("said", "so", None),
            ("a", "{}", None),
            ("thought", "hm?", Some("farebox.chat.reasoning_content.m")),
            (
                "thought",
                "",
                Some(r#"farebox.chat.extra_content.m{"x":1}"#)
            ),
            ("b", "{}", None),
            ("thought", "", Some(&third)),
            ("c", "{}", None),
            ("thought", "", Some(&last)),
        ]
    );
    assert!(matches!(pieces.last(), Some(Piece::Ended)));
}
