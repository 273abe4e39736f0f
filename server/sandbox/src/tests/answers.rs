//! Does every friendly model say what it promises?

use serde_json::{Value, json};

use super::{chat, start, weather_tool};
use crate::answer::UNICODE;
use crate::arithmetic::Sum;
use crate::count;

#[tokio::test]
async fn two_choices_keep_their_index() {
    let sandbox = start(None).await;
    let plain = chat(sandbox, "sandbox-reasoner", "6*7", json!({"n": 2}))
        .await
        .json();
    assert_eq!(
        (&plain["choices"][0]["index"], &plain["choices"][1]["index"]),
        (&json!(0), &json!(1))
    );
    let streamed = chat(
        sandbox,
        "sandbox-reasoner",
        "6*7",
        json!({"n": 2, "stream": true}),
    )
    .await;
    for choice in [0, 1] {
        assert_eq!(streamed.said(choice, "content"), "6 * 7 = 42.");
        assert!(
            streamed
                .said(choice, "reasoning_content")
                .contains("I calculate")
        );
    }
    let chunks = streamed.chunks();
    let ends = chunks
        .iter()
        .filter(|c| c["choices"][0]["finish_reason"] == "stop")
        .count();
    assert_eq!(ends, 2);
}

#[tokio::test]
async fn the_reasoner_thinks_first_and_answers_in_a_schema() {
    let sandbox = start(None).await;
    let answer = chat(
        sandbox,
        "sandbox-reasoner",
        "What is 12 x 12?",
        json!({"stream": true}),
    )
    .await;
    let chunks = answer.chunks();
    let first = |field: &str| {
        chunks.iter().position(|c| {
            c["choices"][0]["delta"][field]
                .as_str()
                .is_some_and(|t| !t.is_empty())
        })
    };
    assert!(first("reasoning_content").unwrap() < first("content").unwrap());
    let format = json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {
        "type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}}});
    let plain = chat(
        sandbox,
        "sandbox-reasoner",
        "6*7",
        json!({"response_format": format}),
    )
    .await
    .json();
    assert_eq!(
        plain["choices"][0]["message"]["content"],
        r#"{"answer":42}"#
    );
    let details = &plain["usage"]["completion_tokens_details"];
    let thoughts = plain["choices"][0]["message"]["reasoning_content"]
        .as_str()
        .unwrap();
    assert_eq!(details["reasoning_tokens"], count::tokens(thoughts));
}

#[test]
fn sums_are_found_and_computed() {
    let sentence = |text: &str| Sum::find(text).map(|sum| sum.sentence());
    assert_eq!(sentence("what is 6*7?").as_deref(), Some("6 * 7 = 42"));
    assert_eq!(sentence("7 ÷ 2").as_deref(), Some("7 / 2 = 3 remainder 1"));
    assert_eq!(
        sentence("route 66, then 3 − 5").as_deref(),
        Some("3 - 5 = -2")
    );
    assert_eq!(sentence("1/0").as_deref(), Some("1 / 0 is undefined"));
    assert_eq!(
        sentence("999999999999999999*999999999999999999").as_deref(),
        Some("999999999999999999 * 999999999999999999 = 999999999999999998000000000000000001")
    );
    assert_eq!(sentence("no sum in 2026"), None);
    assert_eq!(sentence(&"9".repeat(400)), None);
}

#[tokio::test]
async fn tools_are_called_once_per_thing_and_their_results_reported() {
    let sandbox = start(None).await;
    let tools = json!({"tools": [weather_tool()]});
    let prompt = "Weather in Paris and New York for 3 days?";
    let plain = chat(sandbox, "sandbox-tools", prompt, tools.clone())
        .await
        .json();
    let message = &plain["choices"][0]["message"];
    assert_eq!(plain["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(message["content"], Value::Null);
    let arguments: Vec<Value> = message["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(
        arguments,
        [
            json!({"city": "Paris", "days": 3, "unit": "C"}),
            json!({"city": "New York", "days": 3, "unit": "C"})
        ]
    );

    let mut streamed = tools.clone();
    streamed["stream"] = json!(true);
    let streamed = chat(sandbox, "sandbox-tools", prompt, streamed).await;
    let mut joined = [String::new(), String::new()];
    for chunk in streamed.chunks() {
        for call in chunk["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            joined[index].push_str(call["function"]["arguments"].as_str().unwrap());
        }
    }
    assert_eq!(
        joined
            .map(|text| serde_json::from_str::<Value>(&text).unwrap())
            .to_vec(),
        arguments
    );

    let mut single = tools.clone();
    single["parallel_tool_calls"] = json!(false);
    let one = chat(sandbox, "sandbox-tools", prompt, single).await.json();
    assert_eq!(
        one["choices"][0]["message"]["tool_calls"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let conversation = json!({"tools": [weather_tool()], "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": null, "tool_calls": []},
        {"role": "tool", "tool_call_id": "a", "content": "sunny"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "rain"}]},
    ]});
    let after = chat(sandbox, "sandbox-tools", "", conversation)
        .await
        .json();
    assert_eq!(
        after["choices"][0]["message"]["content"],
        "The tool said: sunny | rain"
    );
}

#[tokio::test]
async fn unicode_is_split_inside_a_character_and_whole_when_joined() {
    let sandbox = start(None).await;
    let answer = chat(sandbox, "sandbox-unicode", "hello", json!({"stream": true})).await;
    let split = answer
        .frames
        .iter()
        .filter(|frame| std::str::from_utf8(frame).is_err())
        .count();
    assert!(
        split > 10,
        "only {split} frames were split inside a character"
    );
    assert_eq!(answer.said(0, "content"), UNICODE);
}

#[tokio::test]
async fn the_huge_answer_is_a_megabyte_either_way() {
    let sandbox = start(None).await;
    let plain = chat(sandbox, "sandbox-huge", "hello", json!({}))
        .await
        .json();
    assert_eq!(
        plain["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .len(),
        1024 * 1024
    );
    assert_eq!(plain["usage"]["completion_tokens"], 1024 * 256);
    let streamed = chat(sandbox, "sandbox-huge", "hello", json!({"stream": true})).await;
    assert_eq!(streamed.said(0, "content").len(), 1024 * 1024);
}

#[tokio::test]
async fn images_are_counted_with_their_bytes() {
    let sandbox = start(None).await;
    let content = json!([
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
    ]);
    let messages = json!({"messages": [{"role": "user", "content": content}]});
    let answer = chat(sandbox, "sandbox-echo", "", messages).await.json();
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "look\nI saw 2 images, 5 bytes."
    );
    assert_eq!(answer["usage"]["prompt_tokens"], 1 + 2 * 85);
}
