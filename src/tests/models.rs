//! What is for sale, in the shape of whoever asks; and the small questions that clients ask beside calls.

use domain::{Amount, KeyLimits, Scope, Scopes};
use reqwest::Response;
use reqwest::header::{ETAG, IF_NONE_MATCH};
use serde_json::{Value, json};
use server::keys::NewKeyForm;

use crate::app::{Caller, TestApp, body, on_both};
use crate::upstream::{FakeUpstream, usage};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.get(app.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.post(app.url(path)).body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn limited(app: &TestApp, caller: &Caller, limits: KeyLimits) -> String {
    let form = NewKeyForm {
        limits,
        ..NewKeyForm::named("limited")
    };
    let made = app.handles.keys.create(caller.account.workspace, &form);
    made.await.unwrap().secret.expose().to_owned()
}

fn ids(list: &Value, of: &str, name: &str) -> Vec<String> {
    let list = list[of].as_array().unwrap().iter();
    list.map(|model| model[name].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    async fn the_list_has_the_shape_of_whoever_asks(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        app.offer("maker/claude", &fake).await;
        let caller = app.caller("5").await;
        let key = ("x-api-key", caller.key.as_str());

        let openai: Value = get(&app, "/v1/models", &[key]).await.json().await.unwrap();
        assert_eq!((&openai["object"], &openai["models"]), (&json!("list"), &Value::Null));
        assert_eq!(ids(&openai, "data", "id"), ["gpt", "maker/claude"]);
        assert_eq!(openai["data"][1]["object"], "model");

        let codex: Value = get(&app, "/v1/models?client_version=0.169.0", &[key]).await.json().await.unwrap();
        assert_eq!(ids(&codex, "models", "slug"), ["gpt", "maker/claude"]);
        assert!(codex["models"][0]["base_instructions"].as_str().unwrap().len() > 1_000);
        assert_eq!(ids(&codex, "data", "id"), ["gpt", "maker/claude"], "whoever else names a version");

        let anthropic: Value = get(&app, "/v1/models?limit=1", &[key, VERSION]).await.json().await.unwrap();
        assert_eq!(
            (&anthropic["has_more"], &anthropic["first_id"], &anthropic["last_id"]),
            (&json!(true), &json!("gpt"), &json!("gpt"))
        );
        let model = &anthropic["data"][0];
        assert_eq!((&model["type"], &model["display_name"]), (&json!("model"), &json!("gpt")));
        assert!(model["created_at"].as_str().unwrap().ends_with('Z'));
        let rest: Value = get(&app, "/v1/models?after_id=gpt", &[key, VERSION]).await.json().await.unwrap();
        assert_eq!((ids(&rest, "data", "id"), &rest["has_more"]), (vec!["maker/claude".to_owned()], &json!(false)));

        let google: Value = get(&app, "/v1beta/models", &[("x-goog-api-key", &caller.key)]).await.json().await.unwrap();
        assert_eq!(ids(&google, "models", "name"), ["models/gpt", "models/maker/claude"]);

        for (path, headers, name) in [
            ("/v1/models/maker/claude", &[key][..], "id"),
            ("/v1/models/maker/claude", &[key, VERSION], "display_name"),
            ("/v1beta/models/maker/claude", &[key], "displayName"),
        ] {
            let one: Value = get(&app, path, headers).await.json().await.unwrap();
            assert_eq!(one[name], "maker/claude", "{path}");
        }
        let unknown = get(&app, "/v1/models/none", &[key, VERSION]).await;
        assert_eq!(unknown.status(), 404);
        assert!(unknown.headers().contains_key("request-id"));
        let unknown: Value = unknown.json().await.unwrap();
        assert_eq!((&unknown["type"], &unknown["error"]["type"]), (&json!("error"), &json!("not_found_error")));

        // A key sees what it may call, and a tag is of what one sees.
        let few = KeyLimits { models: vec!["gpt".to_owned()], ..KeyLimits::default() };
        let few = limited(&app, &caller, few).await;
        let first = get(&app, "/v1/models", &[key]).await;
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        let weak = format!("W/{tag}");
        let again = get(&app, "/v1/models", &[key, (IF_NONE_MATCH.as_str(), &weak)]).await;
        assert_eq!(again.status(), 304);
        let other = get(&app, "/v1/models", &[("x-api-key", &few), (IF_NONE_MATCH.as_str(), &tag)]).await;
        assert_eq!(other.status(), 200);
        let other: Value = other.json().await.unwrap();
        assert_eq!(ids(&other, "data", "id"), ["gpt"]);
        assert!(fake.seen().is_empty(), "the list is our own");
        app.finish().await;
    }

    async fn every_way_to_write_an_address_leads_to_the_endpoint(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let key = ("api-key", caller.key.as_str());
        for path in ["/v1/models", "/v1/models/", "/models", "/v1/v1/models", "//v1//models", "/v1/models?client_version=1"] {
            assert_eq!(get(&app, path, &[key]).await.status(), 200, "{path}");
        }
        for path in ["/chat/completions", "/v1/chat/completions/", "/v1/v1/chat/completions", "//chat//completions"] {
            assert_eq!(post(&app, path, &[key], &body("gpt", json!({}))).await.status(), 200, "{path}");
        }
        // What there is not is told in JSON, and a page stays a page.
        for (path, kind) in [("/v1/none", "application/json"), ("/v1", "application/json"), ("/none", "text/html")] {
            let answer = get(&app, path, &[]).await;
            assert_eq!(answer.status(), 404, "{path}");
            assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind), "{path}");
        }
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let asked = client.request(reqwest::Method::OPTIONS, app.url("/messages")).send().await.unwrap();
        assert_eq!((asked.status().as_u16(), &asked.headers()["access-control-allow-methods"]), (204, &"DELETE, GET, POST, OPTIONS".parse().unwrap()));
        let head = client.head(app.url("/v1/models")).bearer_auth(&caller.key).send().await.unwrap();
        assert_eq!(head.status(), 200);
        app.finish().await;
    }

    async fn keys_are_read_from_headers_and_never_from_the_address(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let refused = get(&app, &format!("/v1beta/models?key={}", caller.key), &[]).await;
        assert_eq!(refused.status(), 401);
        let said = refused.text().await.unwrap();
        assert!(said.contains("address") && !said.contains(&caller.key), "{said}");
        // Another service's key beside ours: the dialect's own header counts.
        let bearer = format!("Bearer {}", caller.key);
        let own = get(&app, "/v1/models", &[("authorization", &bearer), ("x-api-key", "of another")]).await;
        assert_eq!(own.status(), 200);
        let own = get(&app, "/v1/models", &[VERSION, ("authorization", "Bearer other"), ("x-api-key", &caller.key)]).await;
        assert_eq!(own.status(), 200);
        app.finish().await;
    }

    async fn tokens_are_counted_here_and_batches_refused(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let limits = KeyLimits {
            requests_per_minute: Some(50),
            scopes: Scopes::from_iter([Scope::ChatWrite]),
            ..KeyLimits::default()
        };
        let writer = limited(&app, &caller, limits).await;
        let headers = [("x-api-key", writer.as_str()), VERSION];
        let asked = json!({"model": "gpt", "system": "Be brief.", "messages": [{"role": "user", "content": "What is 6*7?"}]});
        let counted = post(&app, "/v1/messages/count_tokens", &headers, &asked).await;
        assert_eq!(counted.status(), 200);
        for (name, value) in [("limit", "50"), ("remaining", "49")] {
            assert_eq!(counted.headers()[format!("anthropic-ratelimit-requests-{name}")], value);
        }
        let reset = counted.headers()["anthropic-ratelimit-requests-reset"].to_str().unwrap();
        assert!(reset.len() == 20 && reset.ends_with('Z'), "{reset}");
        // Its body is Anthropic's own, so how good it is stands beside it.
        assert_eq!(counted.headers()["x-token-count"], "estimate; family=openai; error=0.05");
        let counted: Value = counted.json().await.unwrap();
        let tokens = counted["input_tokens"].as_u64().unwrap();
        assert!((8..25).contains(&tokens), "{tokens}");
        for (asked, status, kind) in [
            (json!({"model": "gpt"}), 400, "invalid_request_error"),
            (json!({"model": "none", "messages": [{}]}), 404, "not_found_error"),
        ] {
            let refused = post(&app, "/v1/messages/count_tokens", &headers, &asked).await;
            assert_eq!(refused.status(), status);
            let refused: Value = refused.json().await.unwrap();
            assert_eq!(refused["error"]["type"], kind);
        }
        for refused in [
            post(&app, "/v1/messages/batches", &headers, &json!({"requests": []})).await,
            get(&app, "/v1/messages/batches", &headers).await,
            get(&app, "/v1/messages/batches/msgbatch_1/results", &headers).await,
        ] {
            assert_eq!(refused.status(), 400);
            let refused: Value = refused.json().await.unwrap();
            assert_eq!((&refused["error"]["type"], &refused["error"]["details"]["error_code"]), (&json!("invalid_request_error"), &json!("invalid_request")));
        }
        assert!(fake.seen().is_empty() && app.calls(&caller).await.is_empty());
        app.finish().await;
    }

    async fn googles_dialect_reaches_a_model_of_another(app) {
        let fake = FakeUpstream::start().await;
        fake.answers_as_asked(&["forty-", "two"], &usage(10, 0, 5));
        app.offer("maker/gpt", &fake).await;
        let caller = app.caller("5").await;
        let key = ("x-goog-api-key", caller.key.as_str());
        let asked = json!({"contents": [{"role": "user", "parts": [{"text": "What is 6*7?"}]}]});
        let model = "/v1beta/models/maker/gpt";

        let plain = post(&app, &format!("{model}:generateContent"), &[key], &asked).await;
        assert_eq!(plain.status(), 200);
        assert_eq!(plain.headers()["x-cost-nusd"], "75000");
        let plain: Value = plain.json().await.unwrap();
        assert_eq!(plain["candidates"][0]["content"]["parts"][0]["text"], "forty-two");
        assert_eq!(plain["usageMetadata"]["promptTokenCount"], 10);

        let streamed = post(&app, &format!("{model}:streamGenerateContent?alt=sse"), &[key], &asked).await;
        assert_eq!((streamed.status().as_u16(), &streamed.headers()["content-type"]), (200, &"text/event-stream; charset=utf-8".parse().unwrap()));
        let streamed = streamed.text().await.unwrap();
        let last = streamed.lines().rfind(|line| line.starts_with("data: ")).unwrap();
        let last: Value = serde_json::from_str(&last["data: ".len()..]).unwrap();
        assert_eq!((&last["candidates"][0]["finishReason"], &last["usageMetadata"]["candidatesTokenCount"]), (&json!("STOP"), &json!(5)));
        assert!(streamed.contains("forty-") && !streamed.contains("[DONE]"), "{streamed}");

        let counted = post(&app, &format!("{model}:countTokens"), &[key], &asked).await;
        let counted: Value = counted.json().await.unwrap();
        assert!((5..25).contains(&counted["totalTokens"].as_u64().unwrap()), "{counted}");
        for (verb, status, said) in [
            (":streamGenerateContent", 400, "INVALID_ARGUMENT"),
            (":embedContent", 404, "NOT_FOUND"),
        ] {
            let refused = post(&app, &format!("{model}{verb}"), &[key], &asked).await;
            assert_eq!(refused.status(), status, "{verb}");
            let refused: Value = refused.json().await.unwrap();
            assert_eq!(refused["error"]["status"], said, "{verb}");
        }
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - 2 * 75_000);
        app.finish().await;
    }

    async fn older_clients_are_told_what_is_left(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        // Ten tokens at $2.50 and five at $10.00 a million.
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200);
        app.quiet().await;
        let key = ("x-api-key", caller.key.as_str());
        for prefix in ["", "/v1"] {
            let told = async |path: &str| -> Value {
                let answer = get(&app, &format!("{prefix}/dashboard/billing/{path}"), &[key]).await;
                assert_eq!(answer.status(), 200, "{path}");
                // Numbers with all their digits.
                serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap()
            };
            let subscription = told("subscription").await;
            assert_eq!((&subscription["hard_limit_usd"], &subscription["access_until"]), (&json!(5.0), &json!(0)));
            let usage = told("usage?start_date=2026-01-01&end_date=2026-02-01").await;
            assert_eq!(usage["total_usage"], json!(0.0075));
            let grants = told("credit_grants").await;
            assert_eq!((&grants["total_used"], &grants["total_available"]), (&json!(0.000_075), &json!(4.999_925)));
        }
        let credits: Value = get(&app, "/v1/credits", &[key]).await.json().await.unwrap();
        assert_eq!(credits, json!({"data": {"total_credits": 5.0, "total_usage": 0.000_075}}));
        let limit = Amount::parse_usd("2").unwrap();
        let limits = KeyLimits { total: Some(limit), ..KeyLimits::default() };
        let limited = limited(&app, &caller, limits).await;
        let own: Value = get(&app, "/v1/auth/key", &[("x-api-key", &limited)]).await.json().await.unwrap();
        assert_eq!((&own["data"]["limit"], &own["data"]["usage"]), (&json!(2.0), &json!(0.0)));
        let own: Value = get(&app, "/dashboard/billing/subscription", &[("x-api-key", &limited)]).await.json().await.unwrap();
        assert_eq!(own["hard_limit_usd"], json!(2.0));
        app.finish().await;
    }
}
