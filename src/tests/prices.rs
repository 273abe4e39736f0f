//! What is published about prices is what calls are charged by; an estimate says the same and leaves nothing behind.

use domain::{KeyLimits, PricePerMtok, Scope, Scopes};
use reqwest::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use server::catalog::NewPrice;
use server::keys::NewKeyForm;

use crate::app::{Caller, TestApp, body, on_both};
use crate::binary::Installation;
use crate::upstream::{FakeUpstream, answer, usage};

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn estimate(app: &TestApp, key: Option<&str>, asked: Value) -> (u16, Value) {
    let mut request = client().post(app.url("/v1/estimate"));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let response = request.body(asked.to_string()).send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn key_with(app: &TestApp, caller: &Caller, form: NewKeyForm) -> String {
    let made = app.handles.keys.create(caller.account.workspace, &form);
    made.await.unwrap().secret.expose().to_owned()
}

on_both! {
    async fn the_price_list_is_public_tagged_and_what_calls_are_charged_by(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("forty-two", Some(usage(1_000, 400, 500))));
        app.offer("maker/gpt", &fake).await;
        let caller = app.caller("5").await;
        let first = app.get("/v1/prices").await;
        assert_eq!(first.status(), 200);
        let tag = first.headers()[ETAG].clone();
        assert_eq!(first.headers()[CACHE_CONTROL], "public, max-age=60, must-revalidate");
        assert_eq!(first.headers()["access-control-allow-origin"], "*");
        let first: Value = first.json().await.unwrap();
        let entry = &first["data"][0];
        assert_eq!((&first["object"], &entry["object"]), (&json!("list"), &json!("model_price")));
        assert_eq!((&entry["id"], &entry["context_window"]), (&json!("maker/gpt"), &json!(128_000)));
        assert_eq!(
            entry["price"]["usd_per_million"],
            json!({"input": "2.50", "cached_input": "1.25", "output": "10.00"})
        );
        assert_eq!((&entry["price"]["status"], &entry["next"]), (&json!("in_force"), &Value::Null));

        let again = client().get(app.url("/v1/prices")).header(IF_NONE_MATCH, tag.clone());
        let again = again.send().await.unwrap();
        assert_eq!((again.status().as_u16(), &again.headers()[ETAG]), (304, &tag));
        assert!(again.bytes().await.unwrap().is_empty());

        // What is charged names what was shown.
        assert_eq!(app.chat(&caller.key, "maker/gpt", json!({})).await.status(), 200);
        let calls = app.calls(&caller).await;
        assert_eq!(json!(calls[0].price_version), entry["price"]["id"]);

        // A price is announced: the tag changes, and no answer is fresh beyond its start.
        let now = app.handles.clock.now_ms();
        let dearer = NewPrice {
            input: PricePerMtok::parse_usd("3").unwrap(),
            output: PricePerMtok::parse_usd("12").unwrap(),
            ..NewPrice::default()
        };
        app.handles.catalog.set_price("maker/gpt", dearer, Some(now + 30_000)).await.unwrap();
        let later = client().get(app.url("/v1/prices")).header(IF_NONE_MATCH, tag);
        let later = later.send().await.unwrap();
        assert_eq!(later.status(), 200);
        let caching = later.headers()[CACHE_CONTROL].to_str().unwrap().to_owned();
        let fresh = caching.split(['=', ',']).nth(2).unwrap().parse::<u32>().unwrap();
        assert!(fresh <= 30, "{caching}");
        let later: Value = later.json().await.unwrap();
        let next = &later["data"][0]["next"];
        assert_eq!((&next["status"], &next["effective_until"]), (&json!("announced"), &Value::Null));
        assert_eq!(next["usd_per_million"]["cached_input"], "3.00");
        assert_eq!(later["data"][0]["price"]["effective_until"], next["effective_from"]);

        let one: Value = app.get("/v1/prices/maker/gpt").await.json().await.unwrap();
        let ids: Vec<_> = one["versions"].as_array().unwrap().iter().map(|version| &version["id"]).collect();
        assert_eq!(ids, [&next["id"], &entry["price"]["id"]]);
        let unknown = app.get("/v1/prices/maker").await;
        assert_eq!(unknown.status(), 404);
        let unknown: Value = unknown.json().await.unwrap();
        assert_eq!(unknown["error"]["code"], "model_not_found");
        app.finish().await;
    }

    async fn an_estimate_is_what_the_call_would_hold_and_cost_and_moves_nothing(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let key = Some(caller.key.as_str());
        let before = app.posted(&caller).await;

        let (status, counted) = estimate(&app, key, json!({
            "model": "gpt", "tokens": {"input": 600, "cached_input": 400, "output": 500}
        })).await;
        assert_eq!(status, 200, "{counted}");
        assert_eq!(counted["expected"]["cost"], json!({"nusd": "7000000", "usd": "0.007"}));
        assert_eq!(counted["expected"]["sum_usd"], "0.007");
        assert_eq!(counted["expected"]["parts"][1]["amount_usd"], "0.0005");
        // Two tokens held for one of the prompt, and 16 more: 2,016 × $2.50 + 500 × $10.00 per million.
        assert_eq!(counted["hold"]["nusd"], "10040000");

        let (status, chat) = estimate(&app, key, body("gpt", json!({"max_tokens": 100}))).await;
        assert_eq!(status, 200, "{chat}");
        assert_eq!(chat["price_version"], counted["price_version"]);
        // 16 bytes of text are 8 tokens, and 16 more: 24 × $2.50 + 100 × $10.00 per million.
        assert_eq!(chat["hold"], json!({"nusd": "1060000", "usd": "0.00106"}));
        assert_eq!(chat["expected"]["output_from"], "max_tokens");
        let prompt = chat["expected"]["tokens"]["input"].as_i64().unwrap();
        assert!((5..20).contains(&prompt), "{prompt}");
        assert_eq!(chat["expected"]["cost"]["nusd"], (prompt * 2_500 + 1_000_000).to_string());
        // A stream holds one step ahead of what it delivered, however long it may become.
        let (_, streamed) = estimate(&app, key, body("gpt", json!({"stream": true}))).await;
        assert_eq!(streamed["hold"]["nusd"], (24 * 2_500 + 1_024 * 10_000).to_string());
        assert_eq!(streamed["expected"]["output_from"], "nothing");

        assert_eq!(app.posted(&caller).await, before);
        assert!(app.calls(&caller).await.is_empty(), "an estimate is no call");
        app.finish().await;
    }

    async fn an_estimate_needs_a_key_that_may_see_the_model(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("0").await;
        let asked = json!({"model": "gpt", "tokens": {"input": 1_000_000}});
        let limited = |limits| NewKeyForm { limits, ..NewKeyForm::named("limited") };
        let blind = limited(KeyLimits {
            scopes: Scopes::from_iter([Scope::ChatWrite, Scope::BillingRead]),
            ..KeyLimits::default()
        });
        let other = limited(KeyLimits { models: vec!["other".to_owned()], ..KeyLimits::default() });
        let (blind, other) = (key_with(&app, &caller, blind).await, key_with(&app, &caller, other).await);
        for (key, status, code) in [
            (None, 401, "invalid_api_key"),
            (Some("sk-fb_live_nonsense"), 401, "invalid_api_key"),
            (Some(blind.as_str()), 403, "scope_missing"),
            (Some(other.as_str()), 403, "model_not_allowed"),
        ] {
            let (said, body) = estimate(&app, key, asked.clone()).await;
            assert_eq!((said, &body["error"]["code"]), (status, &json!(code)), "{body}");
        }
        let (status, none) = estimate(&app, Some(&caller.key), json!({"model": "none", "tokens": {}})).await;
        assert_eq!((status, &none["error"]["code"]), (404, &json!("model_not_found")));

        // An empty wallet may ask; a test key sees the prices, and what is free for it is free.
        let test = key_with(&app, &caller, NewKeyForm::test("test")).await;
        for key in [&caller.key, &test] {
            let (status, body) = estimate(&app, Some(key), asked.clone()).await;
            assert_eq!((status, &body["expected"]["cost"]["usd"]), (200, &json!("2.50")), "{body}");
        }
        let free = json!({"model": "sandbox-echo", "tokens": {"input": 1_000_000}});
        let (status, body) = estimate(&app, Some(&test), free).await;
        assert_eq!((status, &body["hold"]["nusd"], &body["price_version"]), (200, &json!("0"), &Value::Null));
        app.finish().await;
    }
}

#[test]
fn a_rule_is_published_as_the_price_it_makes() {
    let farebox = Installation::sqlite();
    farebox.offer("http://127.0.0.1:9/v1");
    let file = farebox.data().join("rule.json");
    let file = file.to_str().unwrap();
    let publish = |rule: Value| {
        std::fs::write(file, rule.to_string()).unwrap();
        let command = [
            "admin", "price", "rule", "--model", "gpt", "--file", file, "--json",
        ];
        farebox.run(&command, "")
    };
    let output = publish(json!({
        "rule": "cost_plus",
        "base": {"input": 2_000_000, "cached_input": 500_000, "output": 10_000_000},
        "coefficient": "1.4", "margin": "1.09", "tiers": {"flex": "0.6"}, "efforts": {"high": "4.0"},
    }));
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    // × 1.4 × 1.09, and what is not said follows from what is.
    for (bucket, micro_usd) in [
        ("input", 3_052_000),
        ("cached_input", 763_000),
        ("cache_write_1h", 3_052_000),
        ("output", 15_260_000),
        ("image_output", 15_260_000),
        ("tool_calls", 0),
    ] {
        assert_eq!(version["price"][bucket], micro_usd, "{bucket} of {version}");
    }
    // Flex, high effort, and both: × 0.6, and the answer that people see × 4.
    let variants = version["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 3);
    let both = variants
        .iter()
        .find(|variant| variant["tier"] == "flex" && variant["effort"] == "high")
        .unwrap();
    assert_eq!(both["price"]["input"], 1_831_200);
    assert_eq!(both["price"]["output"], 36_624_000);
    assert_eq!(both["price"]["reasoning"], 9_156_000);
    // Uses of tools in long prompts: as in others, unless it is said.
    for (said, long) in [
        (json!({}), 10_000),
        (json!({"tool_calls": 7}), 7),
        (json!({"tool_calls": 0}), 0),
    ] {
        let mut price = json!({"input": 4, "cached_input": 2, "output": 20});
        price
            .as_object_mut()
            .unwrap()
            .extend(said.as_object().unwrap().clone());
        let output = publish(json!({
            "rule": "rate_card",
            "price": {"input": 2, "cached_input": 1, "output": 10, "tool_calls": 10_000},
            "long": {"from": 200_001, "price": price},
        }));
        let version: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            version["variants"][0]["price"]["tool_calls"], long,
            "{version}"
        );
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!told.contains("are refused"), "{told}");
    }
    let output = publish(json!({"rule": "cost_plus", "margin": "-1"}));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no price rule"));
}
