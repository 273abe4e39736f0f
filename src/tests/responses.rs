//! Stored responses: whose are they, where are they kept, and who can go on from them?

use domain::{Amount, PricePerMtok, Speaks};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use server::accounts::Email;
use server::audit::By;
use server::catalog::{NewModel, NewPrice, NewRoute};
use server::keys::NewKeyForm;
use server::upstreams::NewUpstream;

use crate::app::{Caller, PRICE, TestApp, on_both};
use crate::upstream::{FakeUpstream, Reply, Step, refusal};

/// What an answer of ten tokens for the prompt and five of its own costs, at the price of the tests.
pub const COST: i64 = 75_000;

/// A whole response of one message, as a provider has it.
pub fn object(id: &str, text: &str) -> Value {
    json!({
        "id": id, "object": "response", "created_at": 1, "status": "completed", "model": "fake",
        "output": [message(text)], "usage": usage(),
    })
}

fn message(text: &str) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

fn usage() -> Value {
    json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15})
}

pub fn plain(body: &Value) -> Reply {
    Reply::Plain {
        status: 200,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

/// The beginning of a streamed response, up to a piece of its text.
pub fn begun(id: &str, text: &str) -> Vec<Step> {
    let started = json!({"id": id, "object": "response", "created_at": 1, "status": "in_progress", "model": "fake", "output": []});
    let item = json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    [
        json!({"type": "response.created", "response": started, "sequence_number": 0}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item, "sequence_number": 1}),
        json!({"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0, "part": part, "sequence_number": 2}),
        json!({"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": text, "sequence_number": 3}),
    ]
    .map(|event| Step::Event(event.to_string()))
    .into()
}

/// A streamed response of one message.
pub fn streamed(id: &str, text: &str) -> Reply {
    let mut steps = begun(id, text);
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": message(text), "sequence_number": 4});
    let end =
        json!({"type": "response.completed", "response": object(id, text), "sequence_number": 5});
    steps.extend([done, end].map(|event| Step::Event(event.to_string())));
    Reply::Stream(steps)
}

/// Asks something below `/v1/responses`.
async fn ask(
    app: &TestApp,
    key: &str,
    method: Method,
    below: &str,
    body: Option<Value>,
) -> Response {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client
        .request(method, app.url(&format!("/v1/responses{below}")))
        .bearer_auth(key);
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    request.send().await.unwrap()
}

async fn create(app: &TestApp, key: &str, more: Value) -> Response {
    let mut body = json!({"model": "gpt", "input": "What is 6*7?"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    ask(app, key, Method::POST, "", Some(body)).await
}

/// Demands a refusal with this status and code, and answers its `param`.
async fn refused(response: Response, status: u16, code: &str) -> Value {
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], code, "{body}");
    body["error"]["param"].clone()
}

/// Somebody else, with credit and a key.
async fn stranger(app: &TestApp) -> Caller {
    let email = Email::parse("stranger@example.com").unwrap();
    let accounts = &app.handles.accounts;
    let account = accounts.create(&email, None, false).await.unwrap();
    let amount = Amount::parse_usd("5").unwrap();
    let ledger = &app.handles.ledger;
    ledger
        .grant(account.workspace, amount, "test", None)
        .await
        .unwrap();
    let keys = &app.handles.keys;
    let form = NewKeyForm::named("theirs");
    let key = keys.create(account.workspace, &form).await.unwrap();
    Caller {
        account,
        key: key.secret.expose().to_owned(),
    }
}

/// A model whose upstream knows nothing of responses.
async fn offer_of_chat(app: &TestApp, model: &str, fake: &FakeUpstream) {
    let new = NewUpstream {
        name: format!("chat-{model}"),
        dialect: Speaks::OpenAiChat,
        base_url: fake.base_url(),
        api_key: None,
    };
    app.handles.upstreams.create(new).await.unwrap();
    let model = NewModel {
        id: model.to_owned(),
        upstream: format!("chat-{model}"),
        upstream_model: None,
        price: NewPrice {
            input: PricePerMtok::parse_usd(PRICE.0).unwrap(),
            output: PricePerMtok::parse_usd(PRICE.2).unwrap(),
            ..NewPrice::default()
        },
        context: 128_000,
    };
    app.handles.catalog.create_model(model).await.unwrap();
}

on_both! {
    /// Whoever stored a response reads it, goes on from it and deletes it; nobody else learns that it exists.
    async fn a_stored_response_is_its_makers(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let (mine, theirs) = (app.caller("5").await, stranger(&app).await);
        fake.then(plain(&object("resp_1", "42")));
        assert_eq!(create(&app, &mine.key, json!({})).await.status(), 200);
        fake.then(streamed("resp_2", "42"));
        let streamed = create(&app, &mine.key, json!({"stream": true})).await;
        assert!(streamed.text().await.unwrap().contains("response.completed"));
        assert_eq!(fake.seen().len(), 2);

        for id in ["resp_1", "resp_2", "resp_3", "..%2Fmodels"] {
            let below = format!("/{id}");
            refused(ask(&app, &theirs.key, Method::GET, &below, None).await, 404, "response_not_found").await;
            refused(ask(&app, &theirs.key, Method::DELETE, &below, None).await, 404, "response_not_found").await;
            let cancel = format!("{below}/cancel");
            refused(ask(&app, &theirs.key, Method::POST, &cancel, None).await, 404, "response_not_found").await;
            let chained = create(&app, &theirs.key, json!({"previous_response_id": id})).await;
            assert_eq!(refused(chained, 400, "previous_response_not_found").await, "previous_response_id");
        }
        assert_eq!(fake.seen().len(), 2, "no upstream was asked");

        fake.then(plain(&object("resp_1", "42")));
        let read = ask(&app, &mine.key, Method::GET, "/resp_1?include[]=a.b&key=sk-secret", None).await;
        assert_eq!(read.status(), 200);
        let read: Value = read.json().await.unwrap();
        assert_eq!(read["id"], "resp_1");
        fake.then(plain(&json!({"object": "list", "data": []})));
        let inputs = ask(&app, &mine.key, Method::GET, "/resp_1/input_items?limit=5", None).await;
        assert_eq!(inputs.status(), 200);
        let seen = fake.seen();
        assert_eq!(seen[2].path, "/v1/responses/resp_1?include%5B%5D=a.b");
        assert_eq!(seen[2].header("authorization"), Some("Bearer sk-upstream-secret"));
        assert_eq!(seen[3].path, "/v1/responses/resp_1/input_items?limit=5");
        let streamed = ask(&app, &mine.key, Method::GET, "/resp_1?stream=true", None).await;
        assert_eq!(refused(streamed, 400, "invalid_request").await, "stream");

        fake.then(plain(&object("resp_4", "43")));
        let chained = create(&app, &mine.key, json!({"previous_response_id": "resp_2"})).await;
        assert_eq!(chained.status(), 200);
        assert_eq!(fake.seen()[4].body["previous_response_id"], "resp_2");

        let deleted = json!({"id": "resp_1", "object": "response.deleted", "deleted": true});
        fake.then(plain(&deleted));
        let answer = ask(&app, &mine.key, Method::DELETE, "/resp_1", None).await;
        assert_eq!(answer.json::<Value>().await.unwrap(), deleted);
        assert_eq!(fake.seen()[5].method, "DELETE");
        refused(ask(&app, &mine.key, Method::GET, "/resp_1", None).await, 404, "response_not_found").await;
        // What its provider has deleted is gone here too.
        fake.then(refusal(404, "no such response"));
        refused(ask(&app, &mine.key, Method::GET, "/resp_2", None).await, 404, "response_not_found").await;
        refused(ask(&app, &mine.key, Method::GET, "/resp_2", None).await, 404, "response_not_found").await;
        assert_eq!(fake.seen().len(), 7);

        assert_eq!(app.calls(&mine).await.len(), 3, "reading and deleting are no calls");
        assert_eq!(app.posted(&mine).await, 5_000_000_000 - 3 * COST);
        assert_eq!(app.posted(&theirs).await, 5_000_000_000);
        app.finish().await;
    }

    async fn what_is_not_stored_is_nowhere(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        fake.then(plain(&object("resp_1", "42")));
        assert_eq!(create(&app, &caller.key, json!({"store": false})).await.status(), 200);
        refused(ask(&app, &caller.key, Method::GET, "/resp_1", None).await, 404, "response_not_found").await;
        let chained = create(&app, &caller.key, json!({"previous_response_id": "resp_1"})).await;
        refused(chained, 400, "previous_response_not_found").await;
        assert_eq!(fake.seen().len(), 1);
        app.finish().await;
    }

    /// Only the upstream that keeps a response can go on from it.
    async fn a_chained_call_goes_nowhere_else(app) {
        let (first, second) = (FakeUpstream::start().await, FakeUpstream::start().await);
        app.offer("gpt", &first).await;
        let new = NewUpstream {
            name: "second".to_owned(),
            dialect: Speaks::OpenAi,
            base_url: second.base_url(),
            api_key: None,
        };
        let route = NewRoute {
            upstream: app.handles.upstreams.create(new).await.unwrap().id,
            upstream_model: "gpt".to_owned(),
            priority: 900,
            weight: 1,
        };
        app.handles.catalog.acting(By::OPERATOR).put_route("gpt", route).await.unwrap();
        app.handles.upstreams.reload().await.unwrap();
        app.handles.catalog.reload().await.unwrap();
        let caller = app.caller("5").await;
        first.then(plain(&object("resp_1", "42")));
        assert_eq!(create(&app, &caller.key, json!({})).await.status(), 200);

        first.then(refusal(500, "down"));
        let chained = create(&app, &caller.key, json!({"previous_response_id": "resp_1"})).await;
        refused(chained, 502, "upstream_error").await;
        assert_eq!(second.seen().len(), 0);
        // A whole one may go anywhere; the next call of the first is refused too.
        first.always(refusal(500, "down"));
        second.then(plain(&object("resp_2", "42")));
        assert_eq!(create(&app, &caller.key, json!({})).await.status(), 200);
        second.then(plain(&object("resp_3", "42")));
        let chained = create(&app, &caller.key, json!({"previous_response_id": "resp_2"})).await;
        assert_eq!(chained.status(), 200);
        assert_eq!(second.seen()[1].body["previous_response_id"], "resp_2");
        app.finish().await;
    }

    /// A provider that keeps nothing: what needs it is refused clearly, what can be done here is done.
    async fn providers_that_keep_nothing_say_so(app) {
        let fake = FakeUpstream::start().await;
        offer_of_chat(&app, "gpt", &fake).await;
        let caller = app.caller("5").await;
        let chained = create(&app, &caller.key, json!({"previous_response_id": "resp_1"})).await;
        assert_eq!(refused(chained, 400, "previous_response_not_found").await, "previous_response_id");
        let body = json!({"model": "gpt", "input": "What is 6*7?"});
        let compact = ask(&app, &caller.key, Method::POST, "/compact", Some(body.clone())).await;
        assert_eq!(refused(compact, 400, "invalid_request").await, "model");
        let counted = ask(&app, &caller.key, Method::POST, "/input_tokens", Some(body)).await;
        assert_eq!(counted.status(), 200);
        let counted: Value = counted.json().await.unwrap();
        assert_eq!(counted["object"], "response.input_tokens");
        assert!((7..20).contains(&counted["input_tokens"].as_u64().unwrap()), "{counted}");
        assert_eq!(fake.seen().len(), 0);
        assert_eq!(app.calls(&caller).await.len(), 0);
        app.finish().await;
    }

    async fn compacting_is_a_metered_call(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let compacted = json!({
            "id": "resp_c", "object": "response.compaction", "created_at": 1,
            "output": [{"type": "compaction", "encrypted_content": "sealed"}], "usage": usage(),
        });
        fake.then(plain(&compacted));
        let body = json!({"model": "gpt", "input": "What is 6*7?"});
        let answer = ask(&app, &caller.key, Method::POST, "/compact", Some(body)).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap(), compacted);
        assert_eq!(fake.seen()[0].path, "/v1/responses/compact");
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - COST);
        // It is nothing that is kept.
        refused(ask(&app, &caller.key, Method::GET, "/resp_c", None).await, 404, "response_not_found").await;
        app.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_knows_where_a_response_is() {
    let Some(app) = TestApp::postgres().await else {
        return eprintln!("skipped: TEST_POSTGRES_URL is not set");
    };
    let fake = FakeUpstream::start().await;
    app.offer("gpt", &fake).await;
    let caller = app.caller("5").await;
    fake.then(plain(&object("resp_1", "42")));
    assert_eq!(create(&app, &caller.key, json!({})).await.status(), 200);
    let other = app.beside().await;
    fake.then(plain(&object("resp_2", "43")));
    let chained = create(
        &other,
        &caller.key,
        json!({"previous_response_id": "resp_1"}),
    )
    .await;
    assert_eq!(chained.status(), 200);
    other.stop().await;
    app.finish().await;
}
