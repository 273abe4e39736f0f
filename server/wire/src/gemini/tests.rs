//! What callers of Gemini send and get.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use domain::{Dialect, Usage};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::relay::Writer;
use super::{answer, request};
use crate::neutral::any::{any_answer, in_pieces};
use crate::neutral::{
    Answer, Block, Choice, Content, Effort, Format, Part, Piece, Prompt, Role, Source, Stop,
    ToolKind, custom, seal,
};
use crate::relay::Writer as _;
use crate::request::{BadRequest, Caller};

fn prompt(body: &Value) -> Result<Prompt, BadRequest> {
    let body = Bytes::from(body.to_string());
    request::prompt(&request::read("m", false, body)?)
}

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

#[test]
fn a_request_is_read_under_either_name() {
    let signed = super::seal::signature(&seal::mark(Dialect::Messages, "c2ln"));
    let camel = json!({
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "q"}, {"inlineData": {"mimeType": "image/png", "data": "A-_A"}}]},
            {"role": "model", "parts": [
                {"text": "hm ", "thought": true},
                {"text": "so", "thought": true, "thoughtSignature": signed},
                {"functionCall": {"name": "f", "args": {"a": 1}}},
                {"functionCall": {"name": "f", "args": {"a": 2}}}]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"r": 1}}},
                {"functionResponse": {"name": "f", "response": {"r": 2}}}]},
        ],
        "tools": [{"functionDeclarations": [
            {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "NUMBER"}}}},
            {"name": "g"}]}, {"googleSearch": {}}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 50, "temperature": 0.5, "topP": 0.9, "topK": 40.0, "stopSequences": ["END"],
            "responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {}},
            "thinkingConfig": {"thinkingBudget": 99, "thinkingLevel": "LOW"}},
        "safetySettings": [{"category": "HARM"}],
    });
    let snake = camel.to_string();
    let snake = [
        ("systemInstruction", "system_instruction"),
        ("inlineData", "inline_data"),
        ("mimeType", "mime_type"),
        ("thoughtSignature", "thought_signature"),
        ("functionCallingConfig", "function_calling_config"),
        ("functionCall", "function_call"),
        ("functionResponse", "function_response"),
        ("functionDeclarations", "function_declarations"),
        ("toolConfig", "tool_config"),
        ("allowedFunctionNames", "allowed_function_names"),
        ("generationConfig", "generation_config"),
        ("maxOutputTokens", "max_output_tokens"),
        ("topP", "top_p"),
        ("topK", "top_k"),
        ("stopSequences", "stop_sequences"),
        ("responseMimeType", "response_mime_type"),
        ("responseSchema", "response_schema"),
        ("thinkingConfig", "thinking_config"),
        ("thinkingBudget", "thinking_budget"),
        ("thinkingLevel", "thinking_level"),
    ]
    .into_iter()
    .fold(snake, |text, (from, to)| text.replace(from, to));
    for body in [camel, serde_json::from_str(&snake).unwrap()] {
        let prompt = prompt(&body).map_err(|error| error.detail).unwrap();
        assert_eq!(prompt.system, ["be brief"]);
        assert_eq!(
            (prompt.max_tokens, prompt.top_k, prompt.thinking_budget),
            (Some(50), Some(40), Some(99))
        );
        assert_eq!((prompt.temperature, prompt.top_p), (Some(0.5), Some(0.9)));
        assert_eq!((prompt.effort, prompt.stop.len()), (Some(Effort::Low), 1));
        assert!(prompt.choice == Some(Choice::Tool("f".to_owned())) && prompt.tools.len() == 1);
        assert_eq!(
            prompt.tools[0].parameters.as_ref().unwrap().get(),
            r#"{"type":"object","properties":{"a":{"type":"number"}}}"#
        );
        assert!(matches!(&prompt.format, Some(Format::Schema { .. })));
        let [user, model, results] = prompt.turns.as_slice() else {
            panic!("three turns")
        };
        assert_eq!((user.role, model.role), (Role::User, Role::Assistant));
        let Part::Image(image) = &user.parts[1] else {
            panic!("an image")
        };
        assert!(matches!(&image.source, Source::Base64 { data, .. } if data == "A+/A"));
        let Part::Reasoning { text, seal } = &model.parts[0] else {
            panic!("a thought")
        };
        assert_eq!(text, "hm so");
        assert_eq!(seal, &Some((Dialect::Messages, "c2ln".to_owned())));
        let ids = |parts: &[Part]| -> Vec<String> {
            let id = |part: &Part| match part {
                Part::ToolCall { id, .. } | Part::ToolResult { id, .. } => Some(id.clone()),
                _ => None,
            };
            parts.iter().filter_map(id).collect()
        };
        assert_eq!(ids(&model.parts), ["call_1", "call_2"]);
        assert_eq!(
            ids(&results.parts),
            ids(&model.parts),
            "each answers its call"
        );
    }
}

#[test]
fn what_cannot_be_said_elsewhere_is_refused_by_name() {
    let contents = json!([{"parts": [{"text": "secret"}]}]);
    for (extra, param) in [
        (
            json!({"generationConfig": {"candidateCount": 2}}),
            "generationConfig",
        ),
        (
            json!({"generationConfig": {"responseModalities": ["IMAGE"]}}),
            "generationConfig",
        ),
        (
            json!({"generationConfig": {"temperature": "secret"}}),
            "generationConfig",
        ),
        (
            json!({"generationConfig": {"maxOutputTokens": 0}}),
            "generationConfig",
        ),
        (json!({"cachedContent": "secret"}), "cachedContent"),
        (
            json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}, "tools": [{"googleSearch": {}}]}),
            "toolConfig",
        ),
        (json!({"contents": []}), "contents"),
        (
            json!({"contents": [{"parts": [{"functionResponse": {"name": "secret"}}]}]}),
            "contents",
        ),
        (
            json!({"contents": [{"role": "secret", "parts": []}]}),
            "contents",
        ),
    ] {
        let mut body = json!({"contents": contents});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let error = prompt(&body).err().unwrap();
        assert_eq!(error.param, Some(param), "{body}");
        assert!(!error.detail.contains("secret"), "{}", error.detail);
    }
}

fn written(pieces: Vec<Piece>, array: bool) -> Vec<Value> {
    let mut writer = Writer::new(caller(), array);
    let mut out = Vec::new();
    for piece in pieces {
        writer.piece(piece, &mut out);
        out.push(writer.keep_alive());
    }
    let text = String::from_utf8(out.concat()).unwrap();
    match array {
        true => serde_json::from_str(&text).unwrap(),
        false => {
            let lines = text.lines().filter(|line| !line.is_empty());
            let json = lines.map(|line| line.strip_prefix("data: ").unwrap());
            json.map(|json| serde_json::from_str(json).unwrap())
                .collect()
        }
    }
}

/// The text, the thoughts, the seals and the calls of responses, as an SDK puts them together.
fn together(responses: &[Value]) -> (String, String, Vec<String>, Vec<Value>) {
    let (mut text, mut thoughts, mut seals, mut calls) =
        (String::new(), String::new(), Vec::new(), Vec::new());
    for part in responses.iter().flat_map(|response| {
        response["candidates"][0]["content"]["parts"]
            .as_array()
            .unwrap()
    }) {
        match part["text"].as_str() {
            Some(said) if part["thought"] == true => thoughts.push_str(said),
            Some(said) => text.push_str(said),
            None => calls.push(part["functionCall"].clone()),
        }
        seals.extend(part["thoughtSignature"].as_str().map(str::to_owned));
    }
    (text, thoughts, seals, calls)
}

fn wanted(answer: &Answer) -> (String, String, Vec<String>, Vec<Value>) {
    let (mut text, mut thoughts, mut seals, mut calls) =
        (String::new(), String::new(), Vec::new(), Vec::new());
    for content in &answer.blocks {
        match &content.block {
            Block::Text | Block::Refusal => text.push_str(&content.text),
            Block::Reasoning => thoughts.push_str(&content.text),
            Block::Tool { id, name, kind } => {
                let args = match kind {
                    ToolKind::Function => content.text.clone(),
                    ToolKind::Custom => custom::arguments(&content.text),
                };
                let args: Value = serde_json::from_str(&args).unwrap();
                calls.push(json!({"id": id, "name": name, "args": args}));
            }
        }
        seals.extend(content.seal.as_deref().map(super::seal::signature));
    }
    (text, thoughts, seals, calls)
}

/// Google's clients leave thoughts out of a conversation, and keep what goes with a call.
#[test]
fn a_seal_without_words_goes_with_the_call_behind_it() {
    let reasoning = |text: &str, made: &str| Content {
        block: Block::Reasoning,
        text: text.to_owned(),
        seal: Some(seal::mark(Dialect::Chat, made)),
    };
    let call = |id: &str| Content {
        block: Block::Tool {
            id: id.to_owned(),
            name: "f".to_owned(),
            kind: ToolKind::Function,
        },
        text: "{}".to_owned(),
        seal: None,
    };
    let answer = Answer {
        id: None,
        model: None,
        blocks: vec![
            reasoning("hm", "1"),
            reasoning("", "2"),
            reasoning("", "3"),
            call("a"),
            call("b"),
            reasoning("", "4"),
        ],
        stop: Stop::Tools,
        usage: None,
    };
    let body = answer::write(&answer, &caller(), &Usage::default());
    let plain: Vec<Value> = vec![serde_json::from_slice(&body).unwrap()];
    for responses in [plain, written(answer.into_pieces(), false)] {
        let parts: Vec<Value> = responses
            .iter()
            .flat_map(|one| one["candidates"][0]["content"]["parts"].as_array().unwrap())
            .filter(|part| part["text"] != "" || part.get("thoughtSignature").is_some())
            .cloned()
            .collect();
        let body = json!({"contents": [{"role": "model", "parts": parts}]});
        let prompt = prompt(&body).map_err(|error| error.detail).unwrap();
        let said: Vec<String> = (prompt.turns[0].parts.iter())
            .map(|part| match part {
                Part::Reasoning { text, seal } => {
                    format!("{text}({})", seal.as_ref().unwrap().1)
                }
                Part::ToolCall { id, .. } => id.clone(),
                _ => "?".to_owned(),
            })
            .collect();
        assert_eq!(said, ["hm(1)", "(2)", "(3)", "a", "b", "(4)"]);
        let signed = parts.iter().find(|part| part["functionCall"]["id"] == "a");
        let signature = super::seal::signature(&seal::mark(Dialect::Chat, "3"));
        assert_eq!(signed.unwrap()["thoughtSignature"], signature);
    }
}

#[test]
fn the_end_tells_why_and_what_was_used() {
    let usage = Usage {
        input: 10,
        cached_input: 4,
        output: 7,
        reasoning: 3,
        ..Usage::default()
    };
    let answer = Answer {
        id: None,
        model: None,
        blocks: vec![Content {
            block: Block::Text,
            text: "hi".to_owned(),
            seal: None,
        }],
        stop: Stop::Length,
        usage: Some(usage),
    };
    let body: Value = serde_json::from_slice(&answer::write(&answer, &caller(), &usage)).unwrap();
    let streamed = written(answer.into_pieces(), false);
    for last in [&body, streamed.last().unwrap()] {
        assert_eq!(last["candidates"][0]["finishReason"], "MAX_TOKENS");
        assert_eq!(
            last["usageMetadata"],
            json!({"promptTokenCount": 14, "cachedContentTokenCount": 4, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 21})
        );
        assert_eq!(
            (&last["modelVersion"], &last["responseId"]),
            (&json!("m"), &json!("call_1"))
        );
    }
}

proptest! {
    #[test]
    fn every_answer_comes_through_in_every_form(answer in any_answer(), cuts in prop::collection::vec(1..6_usize, 1..8)) {
        let expected = wanted(&answer);
        let body = answer::write(&answer, &caller(), &Usage::default());
        let body: Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&together(&[body]), &expected);
        for array in [false, true] {
            let responses = written(in_pieces(answer.clone(), &cuts), array);
            prop_assert_eq!(&together(&responses), &expected);
            let ends = responses.iter().filter(|one| one["candidates"][0].get("finishReason").is_some());
            prop_assert_eq!(ends.count(), 1);
        }
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(request) = request::read("m", true, Bytes::from(bytes)) {
            let _ = request::prompt(&request);
        }
    }
}
