//! Is what the sandbox reports reproducible, and reported only when it should be?

use serde_json::{Value, json};

use super::{chat, start, weather_tool};
use crate::count;

#[tokio::test]
async fn usage_is_the_same_plain_and_streamed() {
    let sandbox = start(None).await;
    let prompts = [
        "What is 6*7? ünïcödé ✓ [[cached]]",
        "12",
        "",
        "Weather in Paris and New York?",
    ];
    for model in [
        "sandbox-echo",
        "sandbox-lorem",
        "sandbox-reasoner",
        "sandbox-tools",
        "sandbox-unicode",
    ] {
        for prompt in prompts {
            for n in [1, 3] {
                let extra = json!({"n": n, "max_tokens": 25, "tools": [weather_tool()]});
                let plain = chat(sandbox, model, prompt, extra.clone()).await.json();
                let mut extra = extra;
                extra["stream"] = json!(true);
                extra["stream_options"] = json!({"include_usage": true});
                let streamed = chat(sandbox, model, prompt, extra).await;
                let chunks = streamed.chunks();
                let last = chunks.last().unwrap();
                assert_eq!(last["choices"], json!([]));
                assert_eq!(last["usage"], plain["usage"], "{model} {prompt} {n}");
                assert!(
                    chunks[..chunks.len() - 1]
                        .iter()
                        .all(|c| c.get("usage") == Some(&Value::Null))
                );
                let text = plain["choices"][0]["message"]["content"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                assert_eq!(streamed.said(0, "content"), text);
            }
        }
    }
}

#[tokio::test]
async fn usage_follows_the_documented_rule() {
    let sandbox = start(None).await;
    // 17 characters: 5 tokens in, 5 tokens out; half of five, rounded down, is cached.
    let usage = chat(sandbox, "sandbox-echo", "[[cached]] héllo✓", json!({}))
        .await
        .json()["usage"]
        .clone();
    assert_eq!(usage["prompt_tokens"], 5);
    assert_eq!(usage["completion_tokens"], 5);
    assert_eq!(usage["total_tokens"], 10);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 2);
    let usage = chat(sandbox, "sandbox-echo", "héllo", json!({"n": 2}))
        .await
        .json()["usage"]
        .clone();
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(
        (&usage["prompt_tokens"], &usage["completion_tokens"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(count::tokens(""), 0);
}

#[tokio::test]
async fn a_usage_chunk_comes_only_when_asked_for() {
    let sandbox = start(None).await;
    let answer = chat(
        sandbox,
        "sandbox-echo",
        "hello there",
        json!({"stream": true}),
    )
    .await;
    assert_eq!(answer.events().last().unwrap(), "[DONE]");
    assert!(
        answer
            .chunks()
            .iter()
            .all(|c| c.get("usage").is_none() && c["choices"] != json!([]))
    );
    assert_eq!(answer.said(0, "content"), "hello there");
    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    let answer = chat(sandbox, "sandbox-nousage", "hello", asked).await;
    assert!(
        answer
            .chunks()
            .iter()
            .all(|c| c.get("usage").is_none() && c["choices"] != json!([]))
    );
    assert!(
        chat(sandbox, "sandbox-nousage", "hello", json!({}))
            .await
            .json()
            .get("usage")
            .is_none()
    );
}

#[tokio::test]
async fn max_tokens_shortens_and_says_so() {
    let sandbox = start(None).await;
    for field in ["max_tokens", "max_completion_tokens"] {
        let plain = chat(
            sandbox,
            "sandbox-echo",
            "one two three four",
            json!({field: 2}),
        )
        .await
        .json();
        assert_eq!(plain["choices"][0]["finish_reason"], "length");
        assert_eq!(plain["choices"][0]["message"]["content"], "one two ");
        assert_eq!(plain["usage"]["completion_tokens"], 2);
    }
    let lorem = chat(sandbox, "sandbox-lorem", "give me 7 words", json!({}))
        .await
        .json();
    assert_eq!(
        lorem["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .split(' ')
            .count(),
        7
    );
    assert_eq!(lorem["choices"][0]["finish_reason"], "stop");
}
