//! Tools that a provider runs and charges for by the use: nobody uses them at the operator's expense unknowingly, and
//! they are held for before they run.

use domain::price::More;
use domain::{PricePerMtok, Speaks};
use reqwest::Response;
use serde_json::{Value, json};
use server::catalog::NewPrice;

use crate::app::{Caller, TestApp, on_both};
use crate::responses::{begun, object, plain};
use crate::upstream::{FakeUpstream, Reply, Step};

/// A cent.
const USE: i64 = 10_000_000;

/// Tokens cost nothing, and a use of a tool so many dollars a million.
async fn tools_at(app: &TestApp, usd: &str) {
    tools_of(app, "gpt", usd).await;
}

async fn tools_of(app: &TestApp, model: &str, usd: &str) {
    let tool_calls = PricePerMtok::parse_usd(usd).unwrap();
    let price = NewPrice {
        more: More {
            tool_calls: Some(tool_calls),
            ..More::default()
        },
        tools_free: tool_calls.micro_usd() == 0,
        ..NewPrice::default()
    };
    let catalog = &app.handles.catalog;
    catalog.set_price(model, price, None).await.unwrap();
}

async fn post(app: &TestApp, caller: &Caller, path: &str, body: Value) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(app.url(path)).bearer_auth(&caller.key);
    request.body(body.to_string()).send().await.unwrap()
}

fn search(more: Value) -> Value {
    let mut body = json!({"model": "gpt", "input": "x", "tools": [{"type": "web_search"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn code(response: Response) -> (u16, Value, Value) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let error = &body["error"];
    (status, error["code"].clone(), error["param"].clone())
}

fn searched(number: usize) -> [Step; 2] {
    let item = |status: &str| json!({"id": format!("ws_{number}"), "type": "web_search_call", "status": status, "action": {"type": "search", "query": "q"}});
    let index = number + 1;
    [
        json!({"type": "response.output_item.added", "output_index": index, "item": item("in_progress")}),
        json!({"type": "response.output_item.done", "output_index": index, "item": item("completed")}),
    ]
    .map(|event| Step::Event(event.to_string()))
}

/// A whole response that searched so often.
fn whole(searches: usize) -> Value {
    let mut response = object("resp_1", "42");
    let output = response["output"].as_array_mut().unwrap();
    for _ in 0..searches {
        output.push(
            json!({"type": "web_search_call", "status": "completed", "action": {"type": "search"}}),
        );
    }
    response
}

on_both! {
    async fn tools_without_a_price_are_not_sent_to_who_would_run_them(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let refused = (400, json!("tool_not_priced"), json!("tools"));
        for stream in [false, true] {
            let asked = search(json!({"stream": stream}));
            assert_eq!(code(post(&app, &caller, "/v1/responses", asked).await).await, refused);
        }
        let chat = json!({"model": "gpt", "messages": [{"role": "user", "content": "x"}], "web_search_options": {}});
        assert_eq!(code(post(&app, &caller, "/v1/chat/completions", chat).await).await, refused);
        assert!(fake.seen().is_empty() && app.calls(&caller).await.is_empty());

        // Who speaks another dialect than the caller is not told of them: nothing runs.
        let messages = json!({
            "model": "gpt", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        });
        assert_eq!(post(&app, &caller, "/v1/messages", messages).await.status(), 200);
        assert!(!fake.seen()[0].body.to_string().contains("web_search"));
        // The caller's own tools need no price, whatever they are called.
        fake.then(plain(&object("resp_1", "42")));
        let own = json!({"tools": [{"type": "function", "name": "web_search", "parameters": {}}]});
        assert_eq!(post(&app, &caller, "/v1/responses", search(own)).await.status(), 200);

        // A price of zero that somebody meant is one.
        tools_at(&app, "0").await;
        fake.then(plain(&whole(2)));
        assert_eq!(post(&app, &caller, "/v1/responses", search(json!({}))).await.status(), 200);
        assert_eq!(fake.seen()[2].body["tools"], json!([{"type": "web_search"}]));
        let call = &app.calls(&caller).await[0];
        assert_eq!((call.tool_calls, call.charge_nusd.nanos()), (2, 0));
        app.finish().await;
    }

    async fn as_many_uses_are_held_for_as_the_request_allows(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        tools_at(&app, "10000").await;
        let caller = app.caller("0.03").await;
        // Four where nothing is said, and what is said otherwise: the wallet has three.
        for most in [Value::Null, json!(4)] {
            let asked = search(json!({"max_tool_calls": most}));
            let (status, code, _) = code(post(&app, &caller, "/v1/responses", asked).await).await;
            assert_eq!((status, code), (429, json!("insufficient_quota")));
        }
        assert!(fake.seen().is_empty());
        fake.then(plain(&whole(3)));
        let asked = search(json!({"max_tool_calls": 3}));
        assert_eq!(post(&app, &caller, "/v1/responses", asked).await.status(), 200);
        let call = &app.calls(&caller).await[0];
        assert_eq!((call.tool_calls, call.charge_nusd.nanos(), call.unbilled_nusd.nanos()), (3, 3 * USE, 0));
        assert_eq!(app.posted(&caller).await, 0);
        let figures = app.get("/metrics").await.text().await.unwrap();
        assert!(figures.contains("farebox_usage_total{bucket=\"tool_calls\"} 3\n"), "{figures}");
        app.finish().await;
    }

    /// Some models search without being offered a tool.
    async fn uses_that_nobody_asked_for_are_paid_where_there_is_money(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        tools_at(&app, "10000").await;
        let caller = app.caller("0.03").await;
        // Nothing was held for either: tokens are free.
        for (searches, paid) in [(2, 2), (3, 1)] {
            fake.then(plain(&whole(searches)));
            let asked = json!({"model": "gpt", "input": "x"});
            assert_eq!(post(&app, &caller, "/v1/responses", asked).await.status(), 200);
            let call = &app.calls(&caller).await[0];
            let left = i64::try_from(searches).unwrap() - paid;
            assert_eq!((call.charge_nusd.nanos(), call.unbilled_nusd.nanos()), (paid * USE, left * USE));
        }
        assert_eq!(app.posted(&caller).await, 0);
        app.finish().await;
    }

    async fn more_uses_than_any_call_has_are_not_believed(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        tools_at(&app, "1").await;
        let caller = app.caller("5").await;
        let most = proxy::BELIEVED_USES;
        for (searches, believed) in [(most, true), (most + 1, false)] {
            let searches = usize::try_from(searches).unwrap();
            fake.then(plain(&whole(searches)));
            assert_eq!(post(&app, &caller, "/v1/responses", search(json!({}))).await.status(), 200);
            let call = &app.calls(&caller).await[0];
            assert_eq!((call.flagged, call.rule == "reported"), (!believed, believed));
            assert_eq!(call.tool_calls.unsigned_abs(), most, "{searches}");
        }
        app.finish().await;
    }

    async fn uses_in_an_answer_that_reports_nothing_are_charged_too(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        tools_at(&app, "10000").await;
        let caller = app.caller("5").await;
        let mut silent = whole(2);
        silent.as_object_mut().unwrap().remove("usage");
        fake.then(plain(&silent));
        assert_eq!(post(&app, &caller, "/v1/responses", search(json!({}))).await.status(), 200);
        let call = &app.calls(&caller).await[0];
        assert_eq!((call.rule.as_str(), call.tool_calls, call.charge_nusd.nanos()), ("estimated", 2, 2 * USE));
        app.finish().await;
    }

    async fn an_estimate_holds_for_the_tools_that_such_a_call_would_hold_for(app) {
        let fake = FakeUpstream::start().await;
        let caller = app.caller("5").await;
        // Who speaks another dialect is not told of them.
        for (model, speaks, hold) in [("gpt", Speaks::OpenAi, 4 * USE), ("other", Speaks::OpenAiResponses, 0)] {
            crate::media::offer(&app, model, &fake, speaks).await;
            tools_of(&app, model, "10000").await;
            let asked = json!({
                "model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}], "web_search_options": {},
            });
            let told: Value = post(&app, &caller, "/v1/estimate", asked).await.json().await.unwrap();
            assert_eq!(told["hold"]["nusd"], hold.to_string(), "{told}");
        }
        app.finish().await;
    }

    async fn a_stream_that_goes_on_searching_ends_with_the_wallet(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        tools_at(&app, "10000").await;
        let caller = app.caller("0.05").await;
        let mut steps = begun("resp_1", "Let me look");
        steps.extend((0..9).flat_map(searched));
        fake.then(Reply::Stream(steps));
        let asked = search(json!({"stream": true}));
        let told = post(&app, &caller, "/v1/responses", asked).await.text().await.unwrap();
        assert!(told.contains("response.incomplete"), "{told}");
        // The fifth was held for, the sixth could not be: it reached nobody.
        assert!(told.contains("ws_4") && !told.contains("ws_5"), "{told}");
        let call = &app.calls(&caller).await[0];
        assert_eq!((call.rule.as_str(), call.ending.as_str()), ("estimated", "stopped"));
        assert_eq!((call.tool_calls, call.charge_nusd.nanos(), call.unbilled_nusd.nanos()), (5, 5 * USE, 0));
        assert_eq!(app.posted(&caller).await, 0);
        app.finish().await;
    }
}
