//! Journeys of a call: what the caller gets, what the upstream was sent, what was charged. The ledger holds after each.

use std::time::Duration;

use serde_json::{Value, json};
use server::ledger::LedgerConfig;

use crate::app::{TestApp, on_both};
use crate::drills::callers::eventually;
use crate::upstream::{
    self, FakeUpstream, Reply, Step, answer, done, finish, piece, refusal, stream, usage,
};

const FIVE_USD: i64 = 5_000_000_000;

/// The events of a stream without `data: `, comments left out.
fn events(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(str::to_owned)
        .collect()
}

fn words(text: &str) -> String {
    let chunks = events(text)
        .into_iter()
        .filter_map(|event| serde_json::from_str::<Value>(&event).ok());
    chunks
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["content"]
                .as_str()
                .map(str::to_owned)
        })
        .collect()
}

/// Demands the error envelope of the dialect, and answers its code.
async fn envelope(response: reqwest::Response, status: u16) -> String {
    assert_eq!(response.status(), status);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/json")
    );
    let body: Value = response.json().await.unwrap();
    let error = &body["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{body}"
    );
    assert!(
        error["type"].is_string() && error.get("param").is_some(),
        "{body}"
    );
    error["code"].as_str().unwrap_or_default().to_owned()
}

on_both! {
    async fn a_plain_answer_is_charged_by_its_report(app) {
        let fake = FakeUpstream::start().await;
        fake.then(answer("forty-two", Some(usage(1_000, 400, 500))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let response = app.chat(&caller.key, "gpt", json!({})).await;
        assert_eq!(response.status(), 200);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["choices"][0]["message"]["content"], "forty-two");

        let calls = app.calls(&caller).await;
        let call = &calls[0];
        assert_eq!((calls.len(), call.rule.as_str(), call.estimated, call.status), (1, "reported", false, 200));
        assert_eq!((call.input_tokens, call.cached_input_tokens, call.output_tokens), (600, 400, 500));
        // 600 × 2.50 + 400 × 1.25 + 500 × 10.00 dollars per million
        assert_eq!(call.charge_nusd.nanos(), 7_000_000);
        assert_eq!((call.attempts.len(), call.attempts[0].outcome.as_str()), (1, "answered"));
        assert_eq!(app.posted(&caller).await, FIVE_USD - 7_000_000);

        let sent = &fake.seen()[0];
        assert_eq!(sent.path, "/v1/chat/completions");
        assert_eq!(sent.header("authorization"), Some("Bearer sk-upstream-secret"), "the caller's key must never go upstream");
        app.finish().await;
    }

    async fn a_stream_is_charged_by_its_report_which_only_those_see_who_asked(app) {
        let fake = FakeUpstream::start().await;
        fake.always(stream(&["forty", "-two"], Some(usage(100, 0, 7))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let text = app.chat(&caller.key, "gpt", json!({"stream": true})).await.text().await.unwrap();
        assert_eq!(words(&text), "forty-two");
        assert_eq!(events(&text).last().map(String::as_str), Some("[DONE]"));
        assert!(!text.contains("\"usage\":{"), "usage was not asked for: {text}");
        assert_eq!(fake.seen()[0].body["stream_options"]["include_usage"], true, "we ask for it");

        let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
        let text = app.chat(&caller.key, "gpt", asked).await.text().await.unwrap();
        assert!(text.contains("\"prompt_tokens\":100"), "usage was asked for: {text}");

        let calls = app.calls(&caller).await;
        assert_eq!(calls.len(), 2);
        for call in &calls {
            assert_eq!((call.rule.as_str(), call.streamed), ("reported", true));
            assert_eq!(call.charge_nusd.nanos(), 100 * 2_500 + 7 * 10_000);
        }
        app.finish().await;
    }

    async fn a_stream_without_a_report_is_estimated(app) {
        let fake = FakeUpstream::start().await;
        fake.always(stream(&["one ", "two ", "three"], None));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let text = app.chat(&caller.key, "gpt", json!({"stream": true})).await.text().await.unwrap();
        assert_eq!(events(&text).last().map(String::as_str), Some("[DONE]"));
        let calls = app.calls(&caller).await;
        let call = &calls[0];
        assert_eq!((call.rule.as_str(), call.estimated), ("estimated", true));
        assert!((2..=6).contains(&call.output_tokens), "three words are about three tokens, counted {}", call.output_tokens);
        assert!((5..=30).contains(&call.input_tokens), "the prompt is about ten tokens, counted {}", call.input_tokens);
        assert_eq!(app.posted(&caller).await, FIVE_USD - call.charge_nusd.nanos());
        app.finish().await;
    }

    async fn a_cut_stream_charges_what_was_delivered_and_has_no_clean_end(app) {
        let fake = FakeUpstream::start().await;
        fake.then(Reply::Stream(vec![piece("one "), piece("two "), Step::Pause(Duration::from_millis(50)), Step::Cut]));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let text = app.chat(&caller.key, "gpt", json!({"stream": true})).await.text().await.unwrap();
        assert_eq!(words(&text), "one two ");
        assert!(!text.contains("[DONE]"), "a cut stream must not look whole: {text}");
        assert!(text.contains("\"error\""), "the dialect's error event says so: {text}");
        let calls = app.calls(&caller).await;
        let call = &calls[0];
        assert_eq!((call.rule.as_str(), call.ending.as_str()), ("estimated", "upstream_failed"));
        assert!(call.charge_nusd.nanos() > 0);
        assert_eq!(app.posted(&caller).await, FIVE_USD - call.charge_nusd.nanos());
        app.finish().await;
    }

    async fn a_caller_who_leaves_pays_for_what_was_delivered(app) {
        let fake = FakeUpstream::start().await;
        fake.then(Reply::Stream(vec![piece("one "), piece("two "), Step::Stall]));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let mut response = app.chat(&caller.key, "gpt", json!({"stream": true})).await;
        let first = response.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("one"));
        drop(response);
        let calls = app.calls(&caller).await;
        let call = &calls[0];
        assert_eq!((call.rule.as_str(), call.ending.as_str()), ("estimated", "caller_gone"));
        assert_eq!(app.posted(&caller).await, FIVE_USD - call.charge_nusd.nanos());
        app.finish().await;
    }

    async fn a_broken_upstream_costs_nothing(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let html = Reply::Plain { status: 200, headers: Vec::new(), body: "<html>not json".to_owned() };
        for (reply, streamed, status) in [
            (refusal(500, "boom"), false, 502),
            (refusal(500, "boom"), true, 502),
            (Reply::HangUp, false, 502),
            (Reply::HangUp, true, 502),
            (html, false, 502),
            (Reply::Stall, false, 504),
        ] {
            fake.always(reply.clone());
            let response = app.chat(&caller.key, "gpt", json!({"stream": streamed})).await;
            let code = envelope(response, status).await;
            assert_eq!(code, if status == 504 { "upstream_timeout" } else { "upstream_error" }, "{reply:?} streamed={streamed}");
        }
        assert_eq!(app.posted(&caller).await, FIVE_USD);
        for call in app.calls(&caller).await {
            assert_eq!((call.rule.as_str(), call.charge_nusd.nanos()), ("nothing_delivered", 0), "{call:?}");
        }
        app.finish().await;
    }

    async fn an_upstreams_own_refusal_is_passed_on(app) {
        let fake = FakeUpstream::start().await;
        fake.always(refusal(400, "temperature must be below 2"));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let response = app.chat(&caller.key, "gpt", json!({"temperature": 3})).await;
        assert_eq!(response.status(), 400);
        assert!(response.text().await.unwrap().contains("temperature must be below 2"));
        assert_eq!(app.posted(&caller).await, FIVE_USD);
        app.finish().await;
    }

    async fn an_empty_wallet_reaches_no_upstream(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("0").await;
        for streamed in [false, true] {
            let response = app.chat(&caller.key, "gpt", json!({"stream": streamed})).await;
            assert_eq!(response.headers()["x-should-retry"], "false");
            assert_eq!(envelope(response, 429).await, "insufficient_quota");
        }
        assert_eq!(fake.seen().len(), 0);
        assert_eq!(app.posted(&caller).await, 0);
        app.finish().await;
    }

    async fn what_cannot_be_served_is_refused_in_the_dialects_words_and_costs_nothing(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let wrong = "sk-fb_live_0000000000000000000000000000000000000000000000000";
        assert_eq!(envelope(app.chat(wrong, "gpt", json!({})).await, 401).await, "invalid_api_key");
        assert_eq!(envelope(app.chat(&caller.key, "no-such-model", json!({})).await, 404).await, "model_not_found");
        assert_eq!(envelope(app.post(&caller.key, "{\"model\": \"gpt\", ".to_owned()).await, 400).await, "invalid_request");
        let huge = "a".repeat(33 << 20);
        let body = json!({"model": "gpt", "messages": [{"role": "user", "content": huge}]}).to_string();
        assert_eq!(envelope(app.post(&caller.key, body).await, 413).await, "request_too_large");
        assert_eq!(fake.seen().len(), 0);
        assert_eq!(app.calls(&caller).await.len(), 0);
        assert_eq!(app.posted(&caller).await, FIVE_USD);
        app.finish().await;
    }

    async fn a_report_that_lies_is_charged_within_the_hold(app) {
        let fake = FakeUpstream::start().await;
        // A thousand times what the caller allowed.
        fake.then(answer("42", Some(usage(10, 0, 1_000_000))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("1").await;
        let response = app.chat(&caller.key, "gpt", json!({"max_tokens": 1_000})).await;
        assert_eq!(response.status(), 200);
        let told = response.headers()["x-cost-nusd"].to_str().unwrap().parse::<i64>().unwrap();
        let calls = app.calls(&caller).await;
        let call = &calls[0];
        assert_eq!(told, call.charge_nusd.nanos(), "the caller is told what they paid");
        assert!(call.unbilled_nusd.nanos() > 0, "what the hold did not cover is the operator's loss: {call:?}");
        assert_eq!(app.posted(&caller).await, 1_000_000_000 - call.charge_nusd.nanos());
        assert!(app.posted(&caller).await >= 0);
        app.finish().await;
    }

    async fn a_new_price_does_not_touch_calls_in_flight(app) {
        let fake = FakeUpstream::start().await;
        let slow = vec![piece("one"), Step::Pause(Duration::from_millis(600)), finish(), upstream::usage_chunk(usage(100, 0, 10)), done()];
        fake.then(Reply::Stream(slow));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let mut response = app.chat(&caller.key, "gpt", json!({"stream": true})).await;
        response.chunk().await.unwrap().unwrap();
        let price = |text| domain::PricePerMtok::parse_usd(text).unwrap();
        let dearer = server::catalog::NewPrice { input: price("100"), output: price("100"), ..Default::default() };
        let published = app.handles.catalog.set_price("gpt", dearer, None).await.unwrap();
        while response.chunk().await.unwrap().is_some() {}
        let calls = app.calls(&caller).await;
        assert_ne!(calls[0].price_version, published.id.to_string());
        assert_eq!(calls[0].charge_nusd.nanos(), 100 * 2_500 + 10 * 10_000);
        app.chat(&caller.key, "gpt", json!({})).await.text().await.unwrap();
        let calls = app.calls(&caller).await;
        assert_eq!(calls[0].price_version, published.id.to_string());
        app.finish().await;
    }

    async fn a_revoked_key_is_refused(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200);
        let id = app.handles.keys.list(caller.account.workspace).await.unwrap()[0].id;
        app.handles.keys.revoke(caller.account.workspace, id).await.unwrap();
        assert_eq!(envelope(app.chat(&caller.key, "gpt", json!({})).await, 401).await, "invalid_api_key");
        app.finish().await;
    }
}

/// The rule above all: whoever was not charged did not get a whole answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_commit_there_is_no_ending() {
    let app = TestApp::with_ledger(LedgerConfig {
        commit_wait: Duration::from_secs(1),
        ..LedgerConfig::default()
    })
    .await;
    let fake = FakeUpstream::start().await;
    app.offer("gpt", &fake).await;
    let caller = app.caller("5").await;
    // A first call takes the lease, so that the second needs the database only for its charge.
    assert_eq!(
        app.chat(&caller.key, "gpt", json!({"max_tokens": 50}))
            .await
            .status(),
        200
    );

    // Another process writes, and does not finish.
    let other = server::db::Db::connect(&app.config.database_url)
        .await
        .unwrap();
    let blocking = other.begin().await.unwrap();
    let refused = app
        .chat(&caller.key, "gpt", json!({"max_tokens": 50}))
        .await;
    assert_eq!(envelope(refused, 503).await, "settlement_failed");
    fake.then(stream(&["one ", "two"], Some(usage(10, 0, 2))));
    let text = app
        .chat(
            &caller.key,
            "gpt",
            json!({"max_tokens": 50, "stream": true}),
        )
        .await
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("\"error\"")
            && !text.contains("[DONE]")
            && !text.contains("\"finish_reason\":\"stop\""),
        "{text}"
    );
    blocking.rollback().await.unwrap();

    app.quiet().await;
    // Endings wait for so short a time here that a busy machine may need more than one call.
    eventually("the server recovers", async || {
        let again = app.chat(&caller.key, "gpt", json!({"max_tokens": 50}));
        again.await.status() == 200
    })
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let app = TestApp::set(|config| config.calls.requests_per_minute = Some(2)).await;
    let fake = FakeUpstream::start().await;
    app.offer("gpt", &fake).await;
    let caller = app.caller("5").await;
    let other = app.another_key(&caller).await;
    for _ in 0..2 {
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200);
    }
    let refused = app.chat(&caller.key, "gpt", json!({})).await;
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    assert_eq!(envelope(refused, 429).await, "rate_limit_exceeded");
    assert_eq!(
        app.chat(&other, "gpt", json!({})).await.status(),
        200,
        "one key's haste is not another's"
    );
    assert_eq!(fake.seen().len(), 3);
    app.finish().await;
}

#[tokio::test]
async fn a_workspace_runs_so_many_calls_at_once_and_no_more() {
    let app = TestApp::set(|config| config.calls.concurrent_calls = 1).await;
    let fake = FakeUpstream::start().await;
    fake.then(Reply::Stall);
    app.offer("gpt", &fake).await;
    let caller = app.caller("5").await;
    let running = app.chat(&caller.key, "gpt", json!({}));
    let second = async {
        while fake.seen().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        app.chat(&caller.key, "gpt", json!({})).await
    };
    let (first, second) = tokio::join!(running, second);
    assert_eq!(envelope(second, 429).await, "too_many_concurrent_calls");
    assert_eq!(envelope(first, 504).await, "upstream_timeout");
    assert_eq!(
        app.chat(&caller.key, "gpt", json!({})).await.status(),
        200,
        "room was made"
    );
    app.finish().await;
}

#[tokio::test]
async fn every_answer_of_the_endpoint_can_be_asked_about() {
    let app = TestApp::sqlite().await;
    for path in [
        "/v1/models",
        "/v1/models/none",
        "/v1/no/such/path",
        "/v1/chat/completions",
    ] {
        let response = app.get(path).await;
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert!(id.parse::<domain::ids::CallId>().is_ok(), "{path}: {id}");
    }
    app.finish().await;
}
