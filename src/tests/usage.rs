//! What a program may ask about the account behind its key: shapes, sums, and nothing of anybody else's.

use domain::{Amount, KeyLimits, Scope, Scopes};
use serde_json::{Value, json};
use server::accounts::Email;
use server::keys::NewKeyForm;

use crate::app::{TestApp, on_both};
use crate::upstream::{FakeUpstream, answer, usage};

async fn ask(app: &TestApp, key: &str, path: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(app.url(path)).bearer_auth(key).send().await;
    let response = response.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

async fn good(app: &TestApp, key: &str, path: &str) -> Value {
    let (status, body) = ask(app, key, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

fn money(nanos: i64) -> Value {
    let amount = Amount::from_nanos(nanos);
    json!({"nusd": nanos.to_string(), "usd": amount.to_usd_string()})
}

on_both! {
    async fn a_key_reads_itself_its_usage_and_its_calls(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("forty-two", Some(usage(1_000, 400, 500))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let workspace = caller.account.workspace;
        let form = NewKeyForm {
            limits: KeyLimits {
                day: Some(Amount::parse_usd("1").unwrap()),
                requests_per_minute: Some(10),
                models: vec!["gpt".to_owned()],
                ..KeyLimits::default()
            },
            ..NewKeyForm::named("limited")
        };
        let made = app.handles.keys.create(workspace, &form).await.unwrap();
        let key = made.secret.expose().to_owned();
        assert_eq!(app.chat(&key, "gpt", json!({})).await.status(), 200);
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200);
        app.quiet().await;

        // 600 × 2.50 + 400 × 1.25 + 500 × 10.00 dollars per million
        let cost = 7_000_000;
        let own = good(&app, &key, "/v1/key").await;
        assert_eq!((&own["object"], &own["id"]), (&json!("key"), &json!(made.view.id.to_string())));
        assert_eq!((&own["name"], &own["mode"], &own["status"]), (&json!("limited"), &json!("live"), &json!("active")));
        assert_eq!(own["models"], json!(["gpt"]));
        assert_eq!(own["scopes"], json!(["chat:write", "responses:write", "models:read", "billing:read"]));
        assert_eq!(own["spend"]["day"]["spent"], money(cost));
        assert_eq!(own["spend"]["day"]["limit"], money(1_000_000_000));
        assert_eq!(own["spend"]["day"]["remaining"], money(1_000_000_000 - cost));
        assert!(own["spend"]["day"]["resets_at"].as_str().unwrap().ends_with("T00:00:00Z"));
        assert_eq!((&own["spend"]["month"]["limit"], &own["spend"]["total"]["resets_at"]), (&Value::Null, &Value::Null));
        assert_eq!(own["rate_limits"]["requests_per_minute"]["limit"], 10);
        let left = own["rate_limits"]["requests_per_minute"]["remaining"].as_u64().unwrap();
        assert!((8..10).contains(&left), "the call and this question count, unless one drained: {left}");
        assert_eq!(own["workspace"]["balance"]["posted"], money(5_000_000_000 - 2 * cost));
        assert!(!own.to_string().contains(&key), "the secret is never told");

        for group in ["model", "key", "day", "status"] {
            let path = format!("/v1/usage/summary?group_by={group}&time_zone=Pacific/Kiritimati");
            let summary = good(&app, &key, &path).await;
            assert_eq!((&summary["object"], &summary["time_zone"]), (&json!("usage_summary"), &json!("Pacific/Kiritimati")));
            assert!(summary["from"].as_str().unwrap().ends_with("T00:00:00+14:00"), "{summary}");
            assert_eq!((&summary["total"]["calls"], &summary["total"]["failed_calls"]), (&json!(2), &json!(0)));
            assert_eq!(summary["total"]["cost"], money(2 * cost));
            assert_eq!(summary["total"]["tokens"], json!({"input": 1_200, "cached_input": 800, "output": 1_000}));
            let data = summary["data"].as_array().unwrap();
            let entries = match group { "model" | "status" => 1, "key" => 2, _ => 30 };
            assert_eq!(data.len(), entries, "{summary}");
            let nanos = data.iter().map(|entry| entry["cost"]["nusd"].as_str().unwrap().parse::<i64>().unwrap());
            assert_eq!(nanos.sum::<i64>(), 2 * cost, "{group}");
        }

        let recent = good(&app, &key, "/v1/usage/recent?limit=1").await;
        assert_eq!((recent["data"].as_array().unwrap().len(), &recent["has_more"]), (1, &json!(true)));
        let newest = recent["data"][0]["id"].as_str().unwrap().to_owned();
        let rest = good(&app, &key, &format!("/v1/usage/recent?before={newest}")).await;
        assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
        assert_ne!(rest["data"][0]["id"], recent["data"][0]["id"]);

        let call = good(&app, &key, &format!("/v1/calls/{newest}")).await;
        assert_eq!((&call["object"], &call["status"], &call["rule"]), (&json!("call"), &json!("finished"), &json!("reported")));
        assert_eq!(call["tokens"], json!({"input": 600, "cached_input": 400, "output": 500, "reasoning": 0}));
        assert_eq!((&call["cost"], &call["unbilled"]), (&money(cost), &money(0)));
        let bill = &call["formula"];
        assert_eq!(bill["parts"], json!([
            {"bucket": "input", "tokens": 600, "usd_per_million": "2.50", "amount_usd": "0.0015"},
            {"bucket": "cached_input", "tokens": 400, "usd_per_million": "1.25", "amount_usd": "0.0005"},
            {"bucket": "output", "tokens": 500, "usd_per_million": "10.00", "amount_usd": "0.005"},
        ]));
        assert_eq!((&bill["sum_usd"], &bill["rounded"], &bill["charged"]), (&json!("0.007"), &money(cost), &json!(true)));
        assert_eq!((call["attempts"].as_array().unwrap().len(), &call["attempts"][0]["outcome"]), (1, &json!("answered")));
        app.finish().await;
    }

    async fn readings_count_as_requests(app) {
        let caller = app.caller("5").await;
        let form = NewKeyForm {
            limits: KeyLimits { requests_per_minute: Some(1), ..KeyLimits::default() },
            ..NewKeyForm::named("slow")
        };
        let made = app.handles.keys.create(caller.account.workspace, &form).await.unwrap();
        let key = made.secret.expose();
        good(&app, key, "/v1/usage/summary").await;
        let (status, body) = ask(&app, key, "/v1/usage/summary").await;
        assert_eq!((status, &body["error"]["code"]), (429, &json!("rate_limit_exceeded")));
        app.finish().await;
    }

    async fn nobody_reads_what_is_not_theirs(app) {
        let fake = FakeUpstream::start().await;
        fake.always(answer("x", Some(usage(10, 0, 1))));
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        assert_eq!(app.chat(&caller.key, "gpt", json!({})).await.status(), 200);
        let call = app.calls(&caller).await[0].id.clone();
        let other = app.handles.accounts.create(&Email::parse("other@example.com").unwrap(), None, false).await.unwrap();
        let keys = &app.handles.keys;
        let foreign = keys.create(other.workspace, &NewKeyForm::named("foreign")).await.unwrap();
        let test = keys.create(caller.account.workspace, &NewKeyForm::test("test")).await.unwrap();
        let narrow = NewKeyForm {
            limits: KeyLimits { scopes: Scopes::from_iter([Scope::ChatWrite]), ..KeyLimits::default() },
            ..NewKeyForm::named("narrow")
        };
        let narrow = keys.create(caller.account.workspace, &narrow).await.unwrap();

        for key in [foreign.secret.expose(), test.secret.expose()] {
            for path in [format!("/v1/calls/{call}"), format!("/v1/usage/recent?before={call}")] {
                let (status, body) = ask(&app, key, &path).await;
                assert_eq!((status, &body["error"]["code"]), (404, &json!("path_not_found")), "{path}");
            }
            assert_eq!(good(&app, key, "/v1/usage/recent").await["data"], json!([]));
            let summary = good(&app, key, "/v1/usage/summary").await;
            assert_eq!((&summary["total"]["calls"], &summary["data"]), (&json!(0), &json!([])));
        }
        let own = good(&app, test.secret.expose(), "/v1/key").await;
        assert_eq!((&own["mode"], &own["workspace"]["balance"]), (&json!("test"), &Value::Null));

        for path in ["/v1/key", "/v1/usage/summary", "/v1/usage/recent", &format!("/v1/calls/{call}")] {
            let (status, body) = ask(&app, narrow.secret.expose(), path).await;
            assert_eq!((status, &body["error"]["code"]), (403, &json!("scope_missing")), "{path}");
            let (status, _) = ask(&app, "sk-fb_live_nonsense", path).await;
            assert_eq!(status, 401, "{path}");
        }
        for (path, param) in [
            ("/v1/usage/summary?group_by=colour", "group_by"),
            ("/v1/usage/summary?time_zone=Mars/Olympus", "time_zone"),
            ("/v1/usage/summary?from=yesterday", "from"),
            ("/v1/usage/recent?limit=0", "limit"),
            ("/v1/usage/recent?limit=many", "limit"),
        ] {
            let (status, body) = ask(&app, &caller.key, path).await;
            assert_eq!((status, &body["error"]["param"]), (400, &json!(param)), "{path}");
        }
        let (status, _) = ask(&app, &caller.key, "/v1/calls/nonsense").await;
        assert_eq!(status, 404);
        app.finish().await;
    }
}
