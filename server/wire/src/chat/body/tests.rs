//! A chat request, read into the shape between the dialects and written again: what is kept, what is said otherwise, and
//! what is refused.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use domain::Dialect;
use serde_json::{Value, json};

use crate::chat::request::{prompt, read, write};
use crate::neutral::{Effort, Media, Part, Prompt, Role, Source, Tool, ToolKind, Turn};
use crate::request::BadRequest;

fn read_prompt(body: &Value) -> Result<Prompt, BadRequest> {
    prompt(&read(Bytes::from(body.to_string()))?)
}

fn sent(prompt: &Prompt, model: &str) -> Value {
    let body = write(prompt, model).map_err(|error| error.detail).unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// `fields` beside a model and a message.
fn with(fields: Value) -> Value {
    let mut body = json!({"model": "gpt-oss", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn what_both_can_say_is_kept() {
    let schema = json!({"type": "object", "properties": {"b": {}, "a": {}}});
    let body = json!({
        "model": "gpt-oss",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "what is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,BB=="}},
                {"type": "input_audio", "input_audio": {"data": "CC==", "format": "mp3"}},
            ]},
            {"role": "assistant", "content": "two calls", "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "one"},
            {"role": "tool", "tool_call_id": "b", "content": "two"},
            {"role": "system", "content": "be quick"},
            {"role": "user", "content": "go on"},
            {"role": "assistant", "content": null, "refusal": "no"},
            {"role": "user", "content": ""},
        ],
        "tools": [
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": true}},
            {"type": "function", "function": {"name": "g"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "out", "schema": schema, "strict": true}},
        "max_tokens": 9,
        "temperature": 0.5, "top_p": 0.25, "frequency_penalty": 1.5, "presence_penalty": 1.0, "seed": -3,
        "stop": ["a", "b"],
        "reasoning_effort": "high",
        "service_tier": "flex",
        "user": "u",
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(sent(&read_prompt(&body).unwrap(), "gpt-oss"), body);
}

#[test]
fn what_is_said_otherwise_means_the_same() {
    for (said, wanted) in [
        (
            json!({"max_completion_tokens": 5}),
            json!({"max_tokens": 5}),
        ),
        (json!({"stop": "x"}), json!({"stop": ["x"]})),
        (json!({"response_format": {"type": "text"}}), json!({})),
        (
            json!({"response_format": {"type": "json_object"}}),
            json!({"response_format": {"type": "json_object"}}),
        ),
        (
            json!({"thinking": {"type": "disabled"}}),
            json!({"reasoning_effort": "low"}),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 5000}}),
            json!({"reasoning_effort": "medium"}),
        ),
        (
            json!({"reasoning": {"effort": "low"}}),
            json!({"reasoning_effort": "low"}),
        ),
        // Hints, and what says nothing.
        (
            json!({"store": true, "metadata": {"a": "b"}, "prompt_cache_key": "k", "top_k": 40, "min_p": 0.1,
                "user": "u".repeat(100), "service_tier": "fastest", "verbosity": 3}),
            json!({}),
        ),
        (
            json!({"n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "audio": null, "modalities": ["text"], "functions": []}),
            json!({}),
        ),
        // No tool, no choice.
        (
            json!({"tool_choice": "auto", "parallel_tool_calls": false}),
            json!({}),
        ),
        (
            json!({"tools": [{"type": "web_search"}], "tool_choice": "auto"}),
            json!({}),
        ),
    ] {
        let prompt = read_prompt(&with(said.clone())).map_err(|error| error.detail);
        assert_eq!(sent(&prompt.unwrap(), "gpt-oss"), with(wanted), "{said}");
    }
}

#[test]
fn only_the_tools_that_are_allowed_are_offered() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let body = with(json!({
        "tools": [tool("f"), tool("g")],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool("g")]}},
    }));
    let sent = sent(&read_prompt(&body).unwrap(), "gpt-oss");
    assert_eq!(sent["tools"], json!([tool("g")]));
    assert_eq!(sent["tool_choice"], "required");
}

#[test]
fn openais_models_get_the_new_names() {
    let body = with(json!({"max_tokens": 7, "verbosity": "low"}));
    let prompt = read_prompt(&body).unwrap();
    for (model, has_new) in [
        ("gpt-5.2-codex", true),
        ("openai/gpt-4o", true),
        ("o4-mini", true),
        ("chatgpt-latest", true),
        ("gpt-oss-120b", false),
        ("openchat", false),
        ("o", false),
        ("deepseek-chat", false),
    ] {
        let sent = sent(&prompt, model);
        assert_eq!(
            sent.get("max_completion_tokens").is_some(),
            has_new,
            "{model}"
        );
        assert_eq!(sent.get("max_tokens").is_none(), has_new, "{model}");
        assert_eq!(sent.get("verbosity").is_some(), has_new, "{model}");
    }
}

#[test]
fn a_custom_tool_goes_as_a_function() {
    let body = json!({
        "model": "gpt-oss",
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "p", "input": "*\n"}}]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "ok"}]},
        ],
        "tools": [{"type": "custom", "custom": {"name": "p", "description": "d", "format": {"type": "text"}}}],
        "tool_choice": {"type": "custom", "custom": {"name": "p"}},
    });
    let sent = sent(&read_prompt(&body).unwrap(), "gpt-oss");
    assert_eq!(sent["tools"][0]["function"]["name"], "p");
    assert_eq!(
        sent["tools"][0]["function"]["parameters"]["required"],
        json!(["input"])
    );
    assert_eq!(sent["tool_choice"]["function"]["name"], "p");
    let call = &sent["messages"][1]["tool_calls"][0];
    assert_eq!(call["function"]["arguments"], r#"{"input":"*\n"}"#);
    assert_eq!(sent["messages"][2]["content"], "ok");
}

fn image() -> Part {
    Part::Image(Media {
        source: Source::Base64 {
            kind: "image/png".to_owned(),
            data: "AA".to_owned(),
        },
        name: None,
        detail: None,
    })
}

fn call(id: &str) -> Part {
    Part::ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: String::new(),
        kind: ToolKind::Function,
    }
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult {
        id: id.to_owned(),
        parts,
        is_error: false,
    }
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// As the other dialects say it: each call and each result in a turn of its own, images among the results.
#[test]
fn calls_stand_in_one_message_and_their_results_behind_it() {
    let turn = |role, parts| Turn { role, parts };
    let prompt = Prompt {
        system: vec!["a".to_owned(), "b".to_owned()],
        turns: vec![
            turn(Role::User, vec![text("x"), text("y")]),
            turn(
                Role::Assistant,
                vec![
                    Part::Reasoning {
                        text: "hm".to_owned(),
                        seal: Some((Dialect::Messages, "s".to_owned())),
                    },
                    text("o"),
                    text("ne"),
                ],
            ),
            turn(Role::Assistant, vec![call("1")]),
            turn(Role::Assistant, vec![text("two"), call("2")]),
            turn(Role::User, vec![result("1", vec![text("r"), image()])]),
            turn(Role::User, vec![text("and?"), result("2", vec![])]),
            turn(Role::Assistant, vec![call("3")]),
            turn(Role::User, vec![result("3", vec![image()])]),
            turn(Role::Assistant, vec![text("done")]),
        ],
        ..Prompt::default()
    };
    let call =
        |id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}});
    assert_eq!(
        sent(&prompt, "gpt-oss")["messages"],
        json!([
            {"role": "system", "content": "a\n\nb"},
            {"role": "user", "content": "x\n\ny"},
            {"role": "assistant", "content": "one\n\ntwo", "tool_calls": [call("1"), call("2")]},
            {"role": "tool", "tool_call_id": "1", "content": "r"},
            {"role": "tool", "tool_call_id": "2", "content": ""},
            {"role": "user", "content": [image, {"type": "text", "text": "and?"}]},
            {"role": "assistant", "content": null, "tool_calls": [call("3")]},
            {"role": "tool", "tool_call_id": "3", "content": ""},
            {"role": "user", "content": [image]},
            {"role": "assistant", "content": "done"},
        ])
    );
}

/// What was said, in short: `A` the assistant with the ids of its calls, `T` a tool with the id, `U` the user.
fn in_short(turns: Vec<Turn>) -> Vec<String> {
    let prompt = Prompt {
        turns,
        ..Prompt::default()
    };
    let sent = sent(&prompt, "gpt-oss");
    let messages = sent["messages"].as_array().unwrap();
    let short = |message: &Value| {
        let content = match &message["content"] {
            Value::String(text) => text.replace("\n\n", "+"),
            Value::Null => String::new(),
            parts => parts.to_string(),
        };
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let ids: Vec<&str> = calls.filter_map(|call| call["id"].as_str()).collect();
        match message["role"].as_str().unwrap() {
            "assistant" => format!("A {content}[{}]", ids.join(",")),
            "tool" => format!("T {}: {content}", message["tool_call_id"].as_str().unwrap()),
            role => format!("{} {content}", role[..1].to_uppercase()),
        }
    };
    messages.iter().map(short).collect()
}

/// A message that calls tools is refused everywhere unless their results stand right behind it, and a result unless its
/// call stands before it.
#[test]
fn results_stand_right_behind_their_calls_whatever_stood_between() {
    let user = |parts| Turn {
        role: Role::User,
        parts,
    };
    let model = |parts| Turn {
        role: Role::Assistant,
        parts,
    };
    let system = |said| Turn {
        role: Role::System,
        parts: vec![text(said)],
    };
    let of = |id: &str, said: &str| result(id, vec![text(said)]);
    for (what, turns, wanted) in [
        (
            "the user, an operator and the model spoke before the result came",
            vec![
                model(vec![call("1")]),
                user(vec![text("wait")]),
                system("hurry"),
                model(vec![text("I wait")]),
                user(vec![of("1", "r")]),
                model(vec![text("and go on")]),
                user(vec![text("so?")]),
            ],
            vec![
                "A [1]",
                "T 1: r",
                "U wait",
                "S hurry",
                "A I wait+and go on[]",
                "U so?",
            ],
        ),
        (
            "parallel calls whose results come apart, another call between",
            vec![
                model(vec![call("1"), call("2")]),
                user(vec![of("2", "r2")]),
                model(vec![text("next"), call("3")]),
                user(vec![of("1", "r1"), of("3", "r3"), text("and?")]),
            ],
            vec![
                "A [1,2]",
                "T 1: r1",
                "T 2: r2",
                "A next[3]",
                "T 3: r3",
                "U and?",
            ],
        ),
        (
            "a result that never comes",
            vec![model(vec![call("1")]), user(vec![text("never mind")])],
            vec!["A [1]", "T 1: (no result)", "U never mind"],
        ),
        (
            "a call that was cut off, and a result that is told twice",
            vec![
                user(vec![of("0", "old")]),
                model(vec![call("1")]),
                user(vec![of("1", "r"), of("1", "again")]),
            ],
            vec!["U old", "A [1]", "T 1: r", "U again"],
        ),
        (
            "a result before its call",
            vec![user(vec![of("1", "r")]), model(vec![call("1")])],
            vec!["U r", "A [1]", "T 1: (no result)"],
        ),
        (
            "calls that are counted anew in each message, one without a result",
            vec![
                model(vec![call("0"), call("0")]),
                user(vec![of("0", "a")]),
                model(vec![call("0")]),
                user(vec![of("0", "b")]),
            ],
            vec!["A [0,0]", "T 0: a", "T 0: (no result)", "A [0]", "T 0: b"],
        ),
    ] {
        assert_eq!(in_short(turns), wanted, "{what}");
    }
}

#[test]
fn sealed_reasoning_comes_back_as_it_was_given() {
    let body = json!({"model": "gpt-oss", "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "a", "reasoning_content": "hm, so", "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "index": 0},
            {"type": "reasoning.text", "signature": "farebox.messages.s1", "index": 0},
            {"type": "reasoning.encrypted", "data": "farebox.responses.s2", "index": 1},
            {"type": "reasoning.text", "text": "so", "signature": "s3"},
        ]},
        {"role": "assistant", "content": "b", "reasoning_content": "alone"},
    ]});
    let prompt = read_prompt(&body).unwrap();
    let found: Vec<(String, Option<(Dialect, String)>)> = prompt
        .turns
        .into_iter()
        .flat_map(|turn| turn.parts)
        .filter_map(|part| match part {
            Part::Reasoning { text, seal } => Some((text, seal)),
            _ => None,
        })
        .collect();
    let sealed = |text: &str, by, seal: &str| (text.to_owned(), Some((by, seal.to_owned())));
    assert_eq!(
        found,
        vec![
            sealed("hm", Dialect::Messages, "s1"),
            sealed("", Dialect::Responses, "s2"),
            sealed("so", Dialect::Chat, "s3"),
            ("alone".to_owned(), None),
        ]
    );
}

#[test]
fn what_other_dialects_cannot_say_is_refused_by_name() {
    for (said, param) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"logit_bias": {"5": -100}}), "logit_bias"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"audio": {"voice": "x"}}), "audio"),
        (
            json!({"prediction": {"type": "content", "content": "x"}}),
            "prediction",
        ),
        (
            json!({"web_search_options": {"a": 1}}),
            "web_search_options",
        ),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"function_call": "auto"}), "function_call"),
        (json!({"temperature": "warm"}), "temperature"),
        (json!({"stop": 5}), "stop"),
        (json!({"seed": 1.5}), "seed"),
        (json!({"reasoning_effort": "enormous"}), "reasoning_effort"),
        (
            json!({"response_format": {"type": "xml"}}),
            "response_format",
        ),
        (
            json!({"response_format": {"type": "json_schema"}}),
            "response_format",
        ),
        (json!({"parallel_tool_calls": "yes"}), "parallel_tool_calls"),
        (json!({"tools": {}}), "tools"),
        (json!({"tools": [{"type": "function"}]}), "tools"),
        (json!({"tool_choice": "maybe"}), "tool_choice"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (
            json!({"tool_choice": {"type": "function", "function": {"name": "f"}}}),
            "tool_choice",
        ),
        (json!({"messages": [5]}), "messages"),
        (
            json!({"messages": [{"role": "critic", "content": "x"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "function", "name": "f", "content": "x"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": 5}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:text/plain,x"}}]}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "assistant", "audio": {"id": "x"}}]}),
            "messages",
        ),
    ] {
        let Err(error) = read_prompt(&with(said.clone())) else {
            panic!("{said} was taken")
        };
        assert_eq!(error.param, Some(param), "{said}: {}", error.detail);
    }
}

#[test]
fn what_chat_cannot_say_is_refused_by_name() {
    let user = |part| Prompt {
        turns: vec![Turn {
            role: Role::User,
            parts: vec![part],
        }],
        ..Prompt::default()
    };
    let media = |source| Media {
        source,
        name: None,
        detail: None,
    };
    let url = || Source::Url("https://x/a".to_owned());
    let id = || Source::Id("file_1".to_owned());
    for (prompt, param) in [
        (user(Part::Image(media(id()))), "file_id"),
        (user(Part::File(media(id()))), "file_id"),
        (user(Part::File(media(url()))), "file_url"),
        (user(Part::Audio(media(url()))), "input_audio"),
        (user(result("a", vec![Part::File(media(id()))])), "file_id"),
    ] {
        assert_eq!(write(&prompt, "gpt-oss").unwrap_err().param, Some(param));
    }
}

#[test]
fn nothing_of_a_tool_is_lost_or_invented() {
    let tool = Tool {
        name: "f".to_owned(),
        description: None,
        parameters: None,
        strict: Some(false),
        kind: ToolKind::Function,
    };
    let prompt = Prompt {
        system: vec!["Be brief.".to_owned()],
        tools: vec![tool],
        effort: Some(Effort::Most),
        service_tier: Some("standard_only".to_owned()),
        ..Prompt::default()
    };
    let sent = sent(&prompt, "gpt-oss");
    assert_eq!(
        sent["tools"],
        json!([{"type": "function", "function": {"name": "f"}}])
    );
    assert_eq!(
        (&sent["reasoning_effort"], &sent["service_tier"]),
        (&json!("high"), &json!("default"))
    );
    assert_eq!(sent.get("stream"), None);
}
