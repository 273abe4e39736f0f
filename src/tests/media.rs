//! Calls that are no conversation: what the upstream gets, what the caller gets, and what it costs.

use domain::{Price, Speaks, Usage};
use reqwest::Response;
use serde_json::{Value, json};
use server::catalog::{NewModel, NewPrice};
use server::upstreams::NewUpstream;

use crate::app::{PRICE, TestApp, on_both};
use crate::upstream::{FakeUpstream, Reply, Step, other, usage};

const JSON: &str = "application/json";
const FORM: &str = "multipart/form-data; boundary=b";

pub async fn send(
    app: &TestApp,
    key: &str,
    path: &str,
    kind: &str,
    body: impl Into<Vec<u8>>,
) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(app.url(path)).bearer_auth(key);
    let request = request.header("content-type", kind).body(body.into());
    request.send().await.unwrap()
}

/// Offers `model` as `real/{model}` at an upstream that speaks this.
pub async fn offer(app: &TestApp, model: &str, fake: &FakeUpstream, dialect: Speaks) {
    let name = format!("fake-{model}");
    let new = NewUpstream {
        name: name.clone(),
        dialect,
        base_url: fake.base_url(),
        api_key: Some("sk-upstream-secret".to_owned().into()),
    };
    app.handles.upstreams.create(new).await.unwrap();
    let usd = |text| domain::PricePerMtok::parse_usd(text).unwrap();
    let price = NewPrice {
        input: usd(PRICE.0),
        cached_input: Some(usd(PRICE.1)),
        output: usd(PRICE.2),
        ..NewPrice::default()
    };
    let new = NewModel {
        id: model.to_owned(),
        upstream: name,
        upstream_model: Some(format!("real/{model}")),
        price,
        context: 128_000,
    };
    app.handles.catalog.create_model(new).await.unwrap();
}

pub fn price_of(app: &TestApp, model: &str) -> Price {
    let models = app.handles.catalog.models();
    models.iter().find(|one| one.id == model).unwrap().price
}

fn form(model: &str) -> Vec<u8> {
    let mut body =
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\r\n"
            .to_vec();
    body.extend_from_slice(b"\xff\xfb\x00\r\n--not\r\n");
    let rest = format!(
        "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--b--\r\n"
    );
    body.extend_from_slice(rest.as_bytes());
    body
}

on_both! {
    async fn every_endpoint_is_passed_on_as_it_came_and_charged_by_what_it_reports(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "omni-moderation", &fake, Speaks::OpenAiChat).await;
        let caller = app.caller("5").await;
        let price = price_of(&app, "omni-moderation");
        let zero = Usage::ZERO;
        let mut spent = 0;
        for (path, kind, asked, reply, used) in [
            (
                "/v1/completions", JSON, br#"{"model":"omni-moderation","prompt":"6*7?", "x":1e3}"#.to_vec(),
                other(JSON, json!({"choices": [{"index": 0, "text": "42"}], "usage": usage(10, 4, 5)})),
                Usage { input: 6, cached_input: 4, output: 5, ..zero },
            ),
            (
                "/v1/embeddings", JSON, br#"{"model":"omni-moderation","input":["a","b"],"encoding_format":"base64"}"#.to_vec(),
                other(JSON, json!({"data": [{"embedding": "AAAA"}], "usage": {"prompt_tokens": 9, "total_tokens": 9}})),
                Usage { input: 9, ..zero },
            ),
            (
                "/v1/images/generations", JSON, br#"{"model":"omni-moderation","prompt":"a dot"}"#.to_vec(),
                other(JSON, json!({"data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 10,
                    "input_tokens_details": {"text_tokens": 7, "image_tokens": 3}, "output_tokens": 272}})),
                Usage { input: 7, image_input: 3, image_output: 272, ..zero },
            ),
            (
                "/v1/audio/transcriptions", FORM, form("omni-moderation"),
                other(JSON, json!({"text": "hi", "usage": {"type": "tokens", "input_tokens": 14,
                    "input_token_details": {"text_tokens": 4, "audio_tokens": 10}, "output_tokens": 5}})),
                Usage { input: 4, audio_input: 10, output: 5, ..zero },
            ),
            (
                "/v1/moderations", JSON, br#"{"model":"omni-moderation","input":"x"}"#.to_vec(),
                other(JSON, json!({"results": [{"flagged": false}]})),
                zero,
            ),
        ] {
            fake.then(reply.clone());
            let answer = send(&app, &caller.key, path, kind, asked.clone()).await;
            assert_eq!(answer.status(), 200, "{path}");
            let cost = price.charge(&used).unwrap().nanos();
            assert_eq!(answer.headers()["x-cost-nusd"], cost.to_string(), "{path}");
            assert_eq!(answer.headers()["content-type"], JSON, "{path}");
            let Reply::Plain { body, .. } = reply else { unreachable!() };
            assert_eq!(answer.text().await.unwrap(), body, "{path}");
            spent += cost;

            let seen = fake.seen().pop().unwrap();
            assert_eq!((seen.path.as_str(), seen.header("content-type")), (path, Some(kind)));
            assert_eq!(seen.header("authorization"), Some("Bearer sk-upstream-secret"));
            let wanted = match kind {
                FORM => form("real/omni-moderation"),
                _ => String::from_utf8(asked).unwrap().replace("\"omni", "\"real/omni").into_bytes(),
            };
            assert_eq!(seen.bytes, wanted, "{path}");
            let calls = app.calls(&caller).await;
            assert_eq!((calls[0].rule.as_str(), calls[0].ending.as_str()), ("reported", "finished"), "{path}");
        }
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - spent);

        // One that names no model gets the first for it.
        fake.then(other(JSON, json!({"results": [{"flagged": false}]})));
        let answer = send(&app, &caller.key, "/v1/moderations", JSON, r#"{"input":"x"}"#).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(fake.seen().pop().unwrap().body["model"], "real/omni-moderation");
        app.finish().await;
    }

    async fn what_reports_nothing_is_counted_here(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "tts", &fake, Speaks::OpenAi).await;
        let caller = app.caller("5").await;
        fake.then(other("audio/mpeg", "ID3 sound"));
        let asked = r#"{"model":"tts","input":"hello there","voice":"alloy"}"#;
        let answer = send(&app, &caller.key, "/v1/audio/speech", JSON, asked).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "audio/mpeg");
        let cost: i64 = answer.headers()["x-cost-nusd"].to_str().unwrap().parse().unwrap();
        assert_eq!(answer.text().await.unwrap(), "ID3 sound");
        // Two tokens of text at least, and whatever the price says of sound.
        assert!(cost >= 5_000, "{cost}");
        let calls = app.calls(&caller).await;
        assert_eq!((calls[0].rule.as_str(), calls[0].charge_nusd.nanos()), ("estimated", cost));
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - cost);

        fake.then(other("text/plain", "hello there"));
        let mut asked = form("tts");
        let field = b"--b\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\ntext\r\n";
        asked.splice(0..0, field.iter().copied());
        let answer = send(&app, &caller.key, "/v1/audio/transcriptions", FORM, asked).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain");
        assert_eq!(answer.text().await.unwrap(), "hello there");
        let calls = app.calls(&caller).await;
        assert_eq!((calls[0].rule.as_str(), calls[0].output_tokens), ("estimated", 2));
        app.finish().await;
    }

    async fn work_without_a_price_for_tokens_is_charged_by_its_units(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "painter", &fake, Speaks::OpenAi).await;
        let caller = app.caller("5").await;
        let usd = |text| domain::PricePerMtok::parse_usd(text).unwrap();
        let reported = json!({"data": [{"b64_json": "AAAA"}, {"b64_json": "AAAA"}], "usage": {"input_tokens": 10, "output_tokens": 272}});
        let asked = r#"{"model":"painter","prompt":"a dot","n":2}"#;
        // Four cents an image; words of the prompt are two dollars a million. With a price for tokens of images there is
        // none for images.
        for (input, image_output, units, cost) in [
            ("0", "0", 2, 80_000_000),
            ("2", "0", 2, 80_020_000),
            ("2", "30", 0, 8_180_000),
        ] {
            let price = NewPrice {
                input: usd(input),
                more: domain::price::More {
                    image_output: Some(usd(image_output)),
                    units: Some(usd("40000")),
                    unit: Some(domain::Unit::Image),
                    ..domain::price::More::default()
                },
                ..NewPrice::default()
            };
            app.handles.catalog.set_price("painter", price, None).await.unwrap();
            fake.then(other(JSON, &reported));
            let answer = send(&app, &caller.key, "/v1/images/generations", JSON, asked).await;
            assert_eq!((answer.status().as_u16(), answer.headers()["x-cost-nusd"].to_str().unwrap()), (200, cost.to_string().as_str()));
            let call = &app.calls(&caller).await[0];
            assert_eq!((call.units, call.image_output_tokens, call.rule.as_str()), (units, 272, "reported"));
        }

        // The other way round: seconds are reported, and tokens have a price.
        offer(&app, "listener", &fake, Speaks::OpenAi).await;
        fake.then(other(JSON, json!({"text": "hello there", "usage": {"type": "duration", "seconds": 3}})));
        let answer = send(&app, &caller.key, "/v1/audio/transcriptions", FORM, form("listener")).await;
        assert_eq!(answer.status(), 200);
        let call = &app.calls(&caller).await[0];
        // Ten tokens for each of the seconds, however short the file is.
        assert_eq!((call.audio_input_tokens, call.output_tokens, call.rule.as_str()), (30, 2, "estimated"));
        assert!(call.charge_nusd.nanos() >= 20_000, "{call:?}");
        app.finish().await;
    }

    async fn a_text_is_continued_in_a_stream_too(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "davinci", &fake, Speaks::OpenAiResponses).await;
        let caller = app.caller("5").await;
        let chunk = |choices: Value, usage: Value| {
            Step::Event(json!({"id": "cmpl-1", "object": "text_completion", "choices": choices, "usage": usage}).to_string())
        };
        fake.then(Reply::Stream(vec![
            chunk(json!([{"index": 0, "text": "forty-", "finish_reason": null}]), Value::Null),
            chunk(json!([{"index": 0, "text": "two", "finish_reason": null}]), Value::Null),
            chunk(json!([{"index": 0, "text": "", "finish_reason": "stop"}]), Value::Null),
            chunk(json!([]), usage(10, 0, 5)),
            crate::upstream::done(),
        ]));
        let asked = r#"{"model":"davinci","prompt":"6*7?","stream":true}"#;
        let answer = send(&app, &caller.key, "/v1/completions", JSON, asked).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        let text = answer.text().await.unwrap();
        assert!(text.contains("forty-") && text.contains("two") && text.ends_with("data: [DONE]\n\n"), "{text}");
        assert!(!text.contains("prompt_tokens"), "the report was not asked for: {text}");
        let seen = fake.seen().pop().unwrap();
        assert_eq!((seen.path.as_str(), &seen.body["stream_options"]["include_usage"]), ("/v1/completions", &json!(true)));
        let calls = app.calls(&caller).await;
        assert_eq!((calls[0].rule.as_str(), calls[0].input_tokens, calls[0].output_tokens), ("reported", 10, 5));
        app.finish().await;
    }

    async fn what_is_no_answer_is_an_error_and_costs_nothing(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "any", &fake, Speaks::OpenAi).await;
        offer(&app, "claude", &fake, Speaks::Anthropic).await;
        let caller = app.caller("5").await;
        for (path, asked, reply) in [
            ("/v1/completions", r#"{"model":"any","prompt":"x"}"#, other(JSON, "{}")),
            ("/v1/embeddings", r#"{"model":"any","input":"x"}"#, other(JSON, r#"{"data":[]}"#)),
            ("/v1/images/generations", r#"{"model":"any","prompt":"x"}"#, other("text/html", "<html>")),
            ("/v1/audio/speech", r#"{"model":"any","input":"x"}"#, other(JSON, r#"{"error":"x"}"#)),
            ("/v1/moderations", r#"{"model":"any","input":"x"}"#, other(JSON, "")),
        ] {
            fake.then(reply);
            let answer = send(&app, &caller.key, path, JSON, asked).await;
            assert_eq!(answer.status(), 502, "{path}");
            let error: Value = answer.json().await.unwrap();
            assert_eq!(error["error"]["code"], "upstream_error", "{path}");
        }
        let before = fake.seen().len();
        for (path, kind, asked, param) in [
            ("/v1/embeddings", JSON, r#"{"model":"claude","input":"x"}"#, "model"),
            ("/v1/images/generations", JSON, r#"{"model":"any","prompt":"x","stream":true}"#, "stream"),
            ("/v1/audio/speech", JSON, r#"{"model":"any","input":"x","stream_format":"sse"}"#, "stream_format"),
            ("/v1/moderations", JSON, r#"{"input":"x"}"#, "model"),
            ("/v1/audio/transcriptions", FORM, "--b--\r\n", "model"),
        ] {
            let answer = send(&app, &caller.key, path, kind, asked).await;
            assert_eq!(answer.status(), 400, "{path}");
            let error: Value = answer.json().await.unwrap();
            assert_eq!((&error["error"]["code"], &error["error"]["param"]), (&json!("invalid_request"), &json!(param)), "{path}");
        }
        assert_eq!(fake.seen().len(), before, "nobody was asked");
        assert_eq!(app.posted(&caller).await, 5_000_000_000);
        app.finish().await;
    }

    async fn an_empty_wallet_is_told_before_anybody_is_asked(app) {
        let fake = FakeUpstream::start().await;
        offer(&app, "painter", &fake, Speaks::OpenAi).await;
        let caller = app.caller("0.000001").await;
        for (path, asked) in [
            ("/v1/embeddings", r#"{"model":"painter","input":"a text that is too dear"}"#),
            ("/v1/images/generations", r#"{"model":"painter","prompt":"x"}"#),
        ] {
            let answer = send(&app, &caller.key, path, JSON, asked).await;
            assert_eq!((answer.status().as_u16(), answer.headers()["x-should-retry"].to_str().unwrap()), (429, "false"), "{path}");
            let error: Value = answer.json().await.unwrap();
            assert_eq!(error["error"]["code"], "insufficient_quota", "{path}");
        }
        assert!(fake.seen().is_empty());
        app.finish().await;
    }
}
