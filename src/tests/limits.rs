//! Keys with limits: what a caller is told at each of them, and that nothing was charged.

use std::time::{Duration, Instant};

use domain::ids::KeyId;
use domain::{KeyLimits, Scope, Scopes};
use reqwest::Response;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use server::keys::NewKeyForm;

use crate::app::{Caller, TestApp, body, on_both};
use crate::binary::{Installation, Server};
use crate::postgres::Scratch;
use crate::upstream::{FakeUpstream, Reply, Step, answer, done, finish, piece, stream, usage};

/// A key of the caller's workspace with these limits.
async fn limited(app: &TestApp, caller: &Caller, limits: KeyLimits) -> (KeyId, String) {
    let form = NewKeyForm {
        limits,
        ..NewKeyForm::named("limited")
    };
    let made = app.handles.keys.create(caller.account.workspace, &form);
    let made = made.await.unwrap();
    (made.view.id, made.secret.expose().to_owned())
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

/// Status and code of an answer, `200 ` for a good one.
async fn told(response: Response) -> String {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    format!(
        "{status} {}",
        body["error"]["code"].as_str().unwrap_or_default()
    )
}

/// `GET` with a key.
async fn get(app: &TestApp, key: &str, path: &str) -> Response {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(app.url(path))
        .bearer_auth(key)
        .send()
        .await
        .unwrap()
}

on_both! {
    async fn requests_per_minute(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let two = KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() };
        let (_, key) = limited(&app, &caller, two).await;

        let listed = get(&app, &key, "/v1/models").await;
        assert_eq!(header(&listed, "x-ratelimit-remaining-requests"), Some("2"), "reading the list costs nothing");
        let first = app.chat(&key, "gpt", json!({})).await;
        assert_eq!(header(&first, "x-ratelimit-limit-requests"), Some("2"));
        assert_eq!(header(&first, "x-ratelimit-remaining-requests"), Some("1"));
        assert_eq!(header(&first, "x-ratelimit-reset-requests"), Some("30s"));
        assert_eq!(header(&first, "x-ratelimit-limit-tokens"), None, "tokens are not limited");
        fake.then(stream(&["42"], Some(usage(10, 0, 5))));
        let streamed = app.chat(&key, "gpt", json!({"stream": true})).await;
        assert_eq!((streamed.status().as_u16(), header(&streamed, "x-ratelimit-remaining-requests")), (200, Some("0")));
        streamed.text().await.unwrap();

        let refused = app.chat(&key, "gpt", json!({})).await;
        let wait: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
        assert!((25..=30).contains(&wait), "{wait}");
        assert_eq!(header(&refused, "x-ratelimit-remaining-requests"), Some("0"));
        assert_eq!(header(&refused, "x-ratelimit-reset-requests"), Some("1m0s"));
        assert_eq!(told(refused).await, "429 rate_limit_exceeded");

        let free = app.chat(&caller.key, "gpt", json!({})).await;
        assert_eq!(free.status(), 200);
        assert!(!free.headers().keys().any(|name| name.as_str().starts_with("x-ratelimit")), "another key has no limit");
        assert_eq!(app.calls(&caller).await.len(), 3, "what is refused is no call");
        app.finish().await;
    }

    async fn tokens_per_minute(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let limits = KeyLimits { tokens_per_minute: Some(1_000), ..KeyLimits::default() };
        let (_, key) = limited(&app, &caller, limits).await;
        let remaining = |response: &Response| header(response, "x-ratelimit-remaining-tokens").unwrap().parse::<u64>().unwrap();

        fake.then(answer("short", Some(usage(60, 40, 50))));
        let first = app.chat(&key, "gpt", json!({"max_tokens": 500})).await;
        assert_eq!(header(&first, "x-ratelimit-limit-tokens"), Some("1000"));
        let left = remaining(&first);
        assert!((890..960).contains(&left), "what was used is counted, not what was expected: {left}");
        assert_eq!(first.status(), 200);

        fake.then(answer("long", Some(usage(2_000, 0, 1_000))));
        let second = app.chat(&key, "gpt", json!({"max_tokens": 500})).await;
        assert_eq!((second.status().as_u16(), remaining(&second)), (200, 0));
        let refused = app.chat(&key, "gpt", json!({"max_tokens": 500})).await;
        let wait: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
        assert!((120..=180).contains(&wait), "the debt drains first: {wait}");
        assert_eq!(told(refused).await, "429 rate_limit_exceeded");

        // A call that failed upstream gives back what was expected of it.
        let (_, other) = limited(&app, &caller, KeyLimits { tokens_per_minute: Some(1_000), ..KeyLimits::default() }).await;
        fake.then(crate::upstream::refusal(400, "no"));
        let failed = app.chat(&other, "gpt", json!({"max_tokens": 500})).await;
        assert_eq!(failed.status(), 400);
        app.quiet().await;
        assert_eq!(remaining(&get(&app, &other, "/v1/models").await), 1_000);
        app.finish().await;
    }

    async fn models_networks_and_scopes(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        app.offer("claude", &fake).await;
        let caller = app.caller("5").await;
        let (_, key) = limited(&app, &caller, KeyLimits { models: vec!["claude".to_owned()], ..KeyLimits::default() }).await;
        assert_eq!(told(app.chat(&key, "claude", json!({})).await).await, "200 ");
        assert_eq!(told(app.chat(&key, "gpt", json!({})).await).await, "403 model_not_allowed");
        let list: Value = get(&app, &key, "/v1/models").await.json().await.unwrap();
        assert_eq!((list["data"].as_array().unwrap().len(), list["data"][0]["id"].as_str()), (1, Some("claude")));
        assert_eq!(told(get(&app, &key, "/v1/models/claude").await).await, "200 ");
        assert_eq!(told(get(&app, &key, "/v1/models/gpt").await).await, "403 model_not_allowed");
        assert_eq!(told(get(&app, &key, "/v1/models/none").await).await, "404 model_not_found");

        for (range, expected) in [("127.0.0.1", "200 "), ("::/0", "403 address_not_allowed"), ("192.0.2.0/24", "403 address_not_allowed")] {
            let limits = KeyLimits { ip_ranges: vec![range.to_owned()], ..KeyLimits::default() };
            let (_, key) = limited(&app, &caller, limits).await;
            assert_eq!(told(app.chat(&key, "gpt", json!({})).await).await, expected, "{range}");
        }

        let (_, reader) = limited(&app, &caller, KeyLimits { scopes: Scopes::from_iter([Scope::ModelsRead]), ..KeyLimits::default() }).await;
        let (_, writer) = limited(&app, &caller, KeyLimits { scopes: Scopes::from_iter([Scope::ChatWrite]), ..KeyLimits::default() }).await;
        assert_eq!(told(app.chat(&reader, "gpt", json!({})).await).await, "403 scope_missing");
        assert_eq!(get(&app, &reader, "/v1/models").await.status(), 200);
        assert_eq!(told(app.chat(&writer, "gpt", json!({})).await).await, "200 ");
        assert_eq!(told(get(&app, &writer, "/v1/models").await).await, "403 scope_missing");
        app.finish().await;
    }

    async fn off_and_on_frozen_and_rolled(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let workspace = caller.account.workspace;
        let keys = app.handles.keys.clone();
        let (id, key) = limited(&app, &caller, KeyLimits::default()).await;
        let ask = async |key: &str| told(app.chat(key, "gpt", json!({})).await).await;

        keys.disable(workspace, id).await.unwrap();
        assert_eq!(ask(&key).await, "401 api_key_disabled");
        keys.enable(workspace, id).await.unwrap();
        assert_eq!(ask(&key).await, "200 ");

        keys.freeze(workspace).await.unwrap();
        assert_eq!((ask(&key).await, ask(&caller.key).await), ("403 keys_frozen".to_owned(), "403 keys_frozen".to_owned()));
        keys.unfreeze(workspace).await.unwrap();
        assert_eq!(ask(&caller.key).await, "200 ");

        let second = keys.roll(workspace, id, Duration::from_secs(60)).await.unwrap();
        assert_eq!((ask(&key).await, ask(second.secret.expose()).await), ("200 ".to_owned(), "200 ".to_owned()));
        let third = keys.roll(workspace, second.view.id, Duration::ZERO).await.unwrap();
        assert_eq!(ask(second.secret.expose()).await, "401 api_key_expired");
        assert_eq!(ask(third.secret.expose()).await, "200 ");

        keys.write_refusals().await.unwrap();
        let sql = Statement::from_string(
            app.handles.db.backend(),
            "SELECT code, SUM(count) AS n FROM refused_call GROUP BY code ORDER BY code",
        );
        let rows = app.handles.db.read().query_all_raw(sql).await.unwrap();
        let codes: Vec<String> = rows.iter().map(|row| row.try_get("", "code").unwrap()).collect();
        assert_eq!(codes, ["api_key_disabled", "api_key_expired", "keys_frozen"]);
        app.finish().await;
    }

    async fn calls_at_the_same_time(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let one = KeyLimits { concurrency: Some(1), ..KeyLimits::default() };
        let (_, key) = limited(&app, &caller, one).await;
        fake.then(Reply::Stream(vec![piece("slow"), Step::Pause(Duration::from_millis(700)), finish(), done()]));
        let running = app.chat(&key, "gpt", json!({"stream": true})).await;
        assert_eq!(running.status(), 200);
        let refused = app.chat(&key, "gpt", json!({})).await;
        assert_eq!(header(&refused, "retry-after"), Some("1"));
        assert_eq!(told(refused).await, "429 too_many_concurrent_calls");
        assert_eq!(told(app.chat(&caller.key, "gpt", json!({})).await).await, "200 ", "another key has its own");
        assert!(running.text().await.unwrap().contains("[DONE]"));
        app.quiet().await;
        assert_eq!(told(app.chat(&key, "gpt", json!({})).await).await, "200 ");
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_own_limit_is_for_every_key_and_the_lower_one_counts() {
    let app = TestApp::set(|config| config.calls.requests_per_minute = Some(3)).await;
    let fake = FakeUpstream::start().await;
    app.offer("gpt", &fake).await;
    let caller = app.caller("5").await;
    for (own, limit) in [(None, "3"), (Some(2), "2"), (Some(9), "3")] {
        let limits = KeyLimits {
            requests_per_minute: own,
            ..KeyLimits::default()
        };
        let (_, key) = limited(&app, &caller, limits).await;
        let answer = app.chat(&key, "gpt", json!({})).await;
        assert_eq!(header(&answer, "x-ratelimit-limit-requests"), Some(limit));
    }
    app.finish().await;
}

/// Two servers on one database: each admits its share of a rate, and both refuse a revoked key within five seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_a_rate_and_hear_of_a_revocation() {
    let Some(scratch) = Scratch::create().await else {
        eprintln!("skipped: TEST_POSTGRES_URL is not set");
        return;
    };
    let farebox = Installation::postgres(scratch.url());
    assert!(farebox.run(&["migrate", "up"], "").status.success());
    let fake = FakeUpstream::start().await;
    let email = "ada@example.com";
    let first = farebox.serve(&[]);
    let second = farebox.serve(&[]);
    farebox.caller(email, "5");
    farebox.offer(&fake.base_url());
    let new = |arguments: &[&str]| {
        let command = [
            "admin", "key", "create", "--email", email, "--name", "n", "--json",
        ];
        farebox.one(&[&command, arguments].concat(), "")
    };
    let ask = async |server: &Server, key: &str| {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http
            .post(server.url("/v1/chat/completions"))
            .bearer_auth(key)
            // Little is held for each call: neither server takes the whole wallet.
            .body(body("gpt", json!({"max_tokens": 10})).to_string());
        request.send().await.unwrap().status().as_u16()
    };
    let until = async |server: &Server, key: &str, status: u16| {
        let began = Instant::now();
        while ask(server, key).await != status {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "never {status}: {}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let free = new(&[]);
    let (id, free) = (free["id"].as_str().unwrap(), free["key"].as_str().unwrap());
    until(&first, free, 200).await;
    until(&second, free, 200).await;

    // Both have seen each other after two beats.
    tokio::time::sleep(Duration::from_secs(7)).await;
    let limited = new(&["--requests-per-minute", "5"]);
    let limited = limited["key"].as_str().unwrap();
    let mut told = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (statuses, server) in told.iter_mut().zip([&first, &second]) {
            statuses.push(ask(server, limited).await);
        }
    }
    let share = [200, 200, 200, 429, 429];
    assert_eq!(told, [share, share], "five, split among two and rounded up");

    let revoke = ["admin", "key", "revoke", "--id", id, "--json"];
    farebox.one(&revoke, "");
    until(&first, free, 401).await;
    until(&second, free, 401).await;
}

#[test]
fn commands_limit_switch_roll_and_stop_keys() {
    let farebox = Installation::sqlite();
    let email = "ada@example.com";
    farebox.caller(email, "0");
    let admin = |arguments: &[&str]| farebox.json(&[&["admin", "key"], arguments].concat(), "");
    let refused = |arguments: &[&str]| {
        let output = farebox.run(&[&["admin", "key"], arguments].concat(), "");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let create = ["create", "--email", email, "--name", "robot", "--json"];
    let limits = [
        "--day-usd",
        "2.50",
        "--requests-per-minute",
        "60",
        "--model",
        "gpt",
        "--network",
        "192.0.2.9/24",
        "--scope",
        "chat:write",
        "--expires",
        "2999-01-01",
    ];
    let made = admin(&[&create[..], &limits[..]].concat());
    let id = made[0]["id"].as_str().unwrap();
    let view = || {
        let listed = admin(&["list", "--email", email, "--json"]);
        assert!(
            listed.iter().all(|key| key.get("key").is_none()),
            "no secret"
        );
        listed.into_iter().find(|key| key["id"] == id).unwrap()
    };
    let stored = &view()["limits"];
    assert_eq!(stored["ip_ranges"], json!(["192.0.2.0/24"]));
    assert_eq!(stored["scopes"], json!(["chat:write"]));
    assert_eq!(
        (&stored["models"], &stored["requests_per_minute"]),
        (&json!(["gpt"]), &json!(60))
    );
    assert_eq!(stored["expires_at"], json!(32_472_144_000_000_i64));

    let said = refused(&[&create[..], &["--network", "192.0.2.0/99"]].concat());
    assert!(said.contains("192.0.2.0/99"), "{said}");
    let said = refused(&[&create[..], &["--expires", "2001-01-01"]].concat());
    assert!(said.contains("future"), "{said}");
    let said = refused(&[&create[..], &["--scope", "everything"]].concat());
    assert!(said.contains("chat:write"), "{said}");

    admin(&["limit", "--id", id, "--json"]);
    assert_eq!(
        view()["limits"]["models"],
        json!([]),
        "what is left out is removed"
    );
    admin(&["disable", "--id", id, "--json"]);
    assert_eq!(view()["status"], "disabled");
    admin(&["enable", "--id", id, "--json"]);
    admin(&["freeze", "--email", email, "--json"]);
    assert_eq!(view()["status"], "frozen");
    admin(&["unfreeze", "--email", email, "--json"]);
    let new = admin(&["roll", "--id", id, "--overlap-hours", "0", "--json"]);
    assert_ne!(new[0]["key"], made[0]["key"]);
    assert_eq!(
        (&view()["id"], &view()["previous"]),
        (&new[0]["id"], &json!(null))
    );
    admin(&["roll", "--id", id, "--overlap-hours", "2", "--json"]);
    assert!(view()["previous"]["until"].is_i64());
    let said = refused(&["roll", "--id", id, "--overlap-hours", "2", "--json"]);
    assert!(said.contains("still works"), "{said}");
    admin(&["end-overlap", "--id", id, "--json"]);
    assert_eq!(view()["previous"], json!(null));
    admin(&["revoke", "--id", id, "--json"]);
    assert_eq!(view()["status"], "revoked");
    let said = refused(&["enable", "--id", id, "--json"]);
    assert!(said.contains("revoked"), "{said}");
}
