//! Calls whose caller and upstream speak differently, or whose stream breaks off: what is charged.

use domain::{Price, Speaks};
use serde_json::{Value, json};

use crate::app::{TestApp, on_both};
use crate::media::{offer, price_of, send};
use crate::upstream::{FakeUpstream, Reply, Step, other};

const JSON: &str = "application/json";

fn event(data: &Value) -> Step {
    Step::Event(data.to_string())
}

/// The beginning of a stream of messages, which counts the prompt, and its first words.
fn begun() -> Vec<Step> {
    vec![
        event(
            &json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude", "content": [], "usage": {"input_tokens": 30, "cache_read_input_tokens": 5_000,
            "cache_creation_input_tokens": 7, "output_tokens": 1}}}),
        ),
        event(
            &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ),
        event(
            &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one two "}}),
        ),
        Step::Stall,
    ]
}

/// Reads until the first words are there, and leaves.
async fn leave(app: &TestApp, key: &str, path: &str, body: &str) {
    let mut response = send(app, key, path, JSON, body).await;
    assert_eq!(response.status(), 200);
    let mut read = String::new();
    while !read.contains("one") {
        let chunk = response.chunk().await.unwrap().expect("the stream goes on");
        read.push_str(&String::from_utf8_lossy(&chunk));
    }
}

on_both! {
    async fn who_leaves_pays_for_the_prompt_as_the_provider_counted_it(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "claude", &fake, Speaks::Anthropic).await;
        let caller = app.caller("5").await;
        let asked = r#"{"model":"claude","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"count"}]}"#;
        for path in ["/v1/messages", "/v1/chat/completions"] {
            fake.then(Reply::Stream(begun()));
            leave(&app, &caller.key, path, asked).await;
        }
        let calls = app.calls(&caller).await;
        assert_eq!(calls.len(), 2);
        let price: Price = price_of(&app, "claude");
        for call in calls {
            assert_eq!((call.rule.as_str(), call.ending.as_str()), ("estimated", "caller_gone"));
            let prompt = (call.input_tokens, call.cached_input_tokens, call.cache_write_tokens);
            assert_eq!(prompt, (30, 5_000, 7), "what the cache answered for is cheap");
            assert!((2..=4).contains(&call.output_tokens), "the answer is counted here, not by the one of the beginning");
            let used = domain::Usage {
                input: 30,
                cached_input: 5_000,
                cache_write: 7,
                output: call.output_tokens.unsigned_abs(),
                ..domain::Usage::ZERO
            };
            assert_eq!(call.charge_nusd, price.charge(&used).unwrap());
        }
        app.finish().await;
    }

    async fn a_text_is_continued_by_a_model_that_takes_conversations_only(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "claude", &fake, Speaks::Anthropic).await;
        let caller = app.caller("5").await;
        let said = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
            "content": [{"type": "text", "text": "42"}], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 9, "output_tokens": 3}});
        fake.then(other(JSON, said.to_string()));
        let asked = r#"{"model":"claude","prompt":"6*7?"}"#;
        let answer = send(&app, &caller.key, "/v1/completions", JSON, asked).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["object"], &answer["choices"][0]["text"]), (&json!("text_completion"), &json!("42")));
        assert_eq!(answer["usage"]["total_tokens"], 12);
        let seen = fake.seen().pop().unwrap();
        assert_eq!(seen.path, "/v1/messages");
        assert_eq!((&seen.body["max_tokens"], &seen.body["model"]), (&json!(16), &json!("real/claude")));
        let calls = app.calls(&caller).await;
        assert_eq!((calls[0].rule.as_str(), calls[0].input_tokens, calls[0].output_tokens), ("reported", 9, 3));

        let before = fake.seen().len();
        let asked = r#"{"model":"claude","prompt":"6*7?","echo":true}"#;
        let refused = send(&app, &caller.key, "/v1/completions", JSON, asked).await;
        assert_eq!(refused.status(), 400);
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(refused["error"]["param"], "echo");
        assert_eq!(fake.seen().len(), before, "nobody was asked");
        app.finish().await;
    }
}
