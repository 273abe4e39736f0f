//! OpenAI's responses over a WebSocket, driven by a real client: many billable answers on one connection.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::app::{Caller, TestApp, on_both};
use crate::responses::{COST, begun, streamed};
use crate::upstream::{FakeUpstream, Reply, Step, refusal};

/// What a connection says is waited for so long at most.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// At this host and port.
    pub async fn dial(address: &str, key: &str) -> Result<Self, Error> {
        let url = format!("ws://{address}/v1/responses");
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {key}").parse().unwrap());
        headers.insert(
            "openai-beta",
            "responses_websockets=2026-02-06".parse().unwrap(),
        );
        let stream = TcpStream::connect(address).await.unwrap();
        client_async(request, stream)
            .await
            .map(|(socket, _)| Self(socket))
    }

    async fn open(app: &TestApp, caller: &Caller) -> Self {
        Self::dial(&app.address.to_string(), &caller.key)
            .await
            .unwrap()
    }

    /// Says this, whatever it is.
    pub async fn text(&mut self, text: String) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn say(&mut self, message: Value) {
        self.text(message.to_string()).await;
    }

    /// Asks for an answer with what is in `more`.
    pub async fn create(&mut self, more: Value) {
        let mut message = json!({"type": "response.create", "model": "gpt", "store": false, "input": [{"role": "user", "content": "What is 6*7?"}]});
        for (name, value) in more.as_object().unwrap() {
            message[name] = value.clone();
        }
        self.say(message).await;
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match message.expect("the other end says something").unwrap() {
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(message) => return message,
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub async fn event(&mut self) -> Value {
        let message = self.next().await;
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }

    /// Events up to one of this type, which is the last one.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            let is_last = event["type"] == kind;
            assert!(is_last || event["type"] != "error", "{event}");
            events.push(event);
            if is_last {
                return events;
            }
        }
    }

    async fn refused(&mut self, status: u16, code: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event["type"], "error", "{event}");
        assert_eq!(event["status"], status, "{event}");
        assert_eq!(event["error"]["code"], code, "{event}");
        event
    }
}

on_both! {
    /// The second turn brings only what is new, and its upstream gets all of it.
    async fn two_turns_of_a_connection_are_two_calls(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        fake.then(streamed("resp_1", "42")).then(streamed("resp_2", "43"));
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        let events = client.until("response.completed").await;
        assert_eq!(events[0]["type"], "response.created");
        assert!(events.iter().any(|event| event["delta"] == "42"));
        assert_eq!(events.last().unwrap()["response"]["id"], "resp_1");
        // The end was not heard before it was paid for.
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - COST);
        client.create(json!({"previous_response_id": "resp_1", "input": [{"role": "user", "content": "And one more?"}]})).await;
        client.until("response.completed").await;

        let seen = fake.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].method, "POST");
        assert_eq!(seen[0].header("openai-beta"), None, "it speaks of the connection");
        assert_eq!(seen[0].body["stream"], true);
        for ours in ["type", "generate", "previous_response_id"] {
            assert!(seen[1].body.get(ours).is_none(), "{ours}");
        }
        let items = seen[1].body["input"].as_array().unwrap();
        assert_eq!(items.len(), 3);
        assert_eq!(items[0]["content"], "What is 6*7?");
        assert_eq!(items[1]["content"][0]["text"], "42");
        assert_eq!(items[2]["content"], "And one more?");
        let calls = app.calls(&caller).await;
        assert_eq!(calls.len(), 2);
        assert!(calls.iter().all(|call| call.streamed && call.ending == "finished"));
        assert_ne!(calls[0].id, calls[1].id);
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - 2 * COST);
        app.finish().await;
    }

    async fn a_warm_up_is_free_and_can_be_gone_on_from(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({"generate": false})).await;
        let events = client.until("response.completed").await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[1]["response"]["usage"]["total_tokens"], 0);
        let id = events[1]["response"]["id"].as_str().unwrap().to_owned();
        assert_eq!(fake.seen().len(), 0);
        assert_eq!(app.calls(&caller).await.len(), 0);

        fake.then(streamed("resp_1", "42"));
        client.create(json!({"previous_response_id": id, "input": "Go on.", "stream_id": "main"})).await;
        let events = client.until("response.completed").await;
        assert!(events.iter().all(|event| event["stream_id"] == "main"));
        assert_eq!(fake.seen()[0].body["input"].as_array().unwrap().len(), 2);
        // An unknown model is not warmed up.
        client.create(json!({"generate": false, "model": "nothing"})).await;
        client.refused(404, "model_not_found").await;
        assert_eq!(app.calls(&caller).await.len(), 1);
        app.finish().await;
    }

    async fn who_leaves_in_the_middle_is_settled(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let mut steps = begun("resp_1", "forty-two");
        steps.push(Step::Stall);
        fake.then(Reply::Stream(steps));
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        client.until("response.output_text.delta").await;
        drop(client);
        let calls = app.calls(&caller).await;
        assert_eq!(calls.len(), 1);
        assert_eq!(calls[0].ending, "caller_gone");
        assert!(calls[0].charge_nusd > domain::Amount::ZERO);
        app.finish().await;
    }

    /// Refused or failed, the connection stays, and what went well before is still known.
    async fn errors_are_messages_and_the_connection_goes_on(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("0").await;
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        let refused = client.refused(429, "insufficient_quota").await;
        assert_eq!(refused["headers"]["x-should-retry"], "false");
        assert_eq!(refused["error"]["type"], "insufficient_quota");
        assert_eq!(fake.seen().len(), 0);

        let amount = domain::Amount::parse_usd("5").unwrap();
        app.handles.ledger.grant(caller.account.workspace, amount, "test", None).await.unwrap();
        fake.then(streamed("resp_1", "42")).then(refusal(500, "down")).then(streamed("resp_2", "43"));
        client.create(json!({})).await;
        client.until("response.completed").await;
        client.create(json!({"previous_response_id": "resp_1"})).await;
        client.refused(502, "upstream_error").await;
        client.create(json!({"previous_response_id": "resp_1"})).await;
        client.until("response.completed").await;
        client.create(json!({"previous_response_id": "resp_0"})).await;
        let refused = client.refused(400, "previous_response_not_found").await;
        assert_eq!(refused["error"]["param"], "previous_response_id");
        client.say(json!({"type": "response.cancel"})).await;
        client.refused(400, "invalid_request").await;
        client.0.send(Message::binary(vec![1, 2])).await.unwrap();
        client.refused(400, "invalid_request").await;
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - 2 * COST);
        app.finish().await;
    }

    /// The upstream breaks off in the middle: the last message says so, in a form that ends the turn.
    async fn a_broken_answer_ends_with_a_failure(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let mut steps = begun("resp_1", "forty-two");
        steps.push(Step::Cut);
        fake.then(Reply::Stream(steps)).then(streamed("resp_2", "42"));
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        loop {
            let event = client.event().await;
            match event["type"].as_str().unwrap() {
                "response.failed" => {
                    assert_eq!(event["response"]["error"]["code"], "upstream_error");
                    break;
                }
                "error" => {
                    assert_eq!(event["status"], 502);
                    break;
                }
                "response.completed" => panic!("{event}"),
                _ => {}
            }
        }
        client.create(json!({})).await;
        client.until("response.completed").await;
        app.finish().await;
    }

    async fn what_is_asked_meanwhile_waits_for_its_turn(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let Reply::Stream(mut steps) = streamed("resp_1", "42") else { panic!("a stream") };
        steps.insert(2, Step::Gate);
        fake.then(Reply::Stream(steps)).then(streamed("resp_2", "43"));
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        client.create(json!({"previous_response_id": "resp_1"})).await;
        assert_eq!(client.event().await["response"]["id"], "resp_1");
        assert_eq!(fake.seen().len(), 1);
        fake.go_on();
        client.until("response.completed").await;
        assert_eq!(client.event().await["response"]["id"], "resp_2");
        client.until("response.completed").await;
        assert_eq!(app.calls(&caller).await.len(), 2);
        app.finish().await;
    }

    /// Who may not come in is told so before the upgrade; who may no longer, at the next turn.
    async fn the_key_is_looked_at_first_and_each_time(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let Err(Error::Http(refused)) = Client::dial(&app.address.to_string(), "sk-nobody").await.map(|_| ()) else {
            panic!("a stranger came in")
        };
        assert_eq!(refused.status(), 401);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let plain = client.get(app.url("/v1/responses")).bearer_auth(&caller.key).send().await.unwrap();
        assert_eq!(plain.status(), 426);
        assert_eq!(plain.headers()["upgrade"], "websocket");
        let body: Value = plain.json().await.unwrap();
        assert_eq!(body["error"]["code"], "upgrade_required");

        fake.then(streamed("resp_1", "42"));
        let mut client = Client::open(&app, &caller).await;
        client.create(json!({})).await;
        client.until("response.completed").await;
        app.handles.keys.freeze(caller.account.workspace).await.unwrap();
        client.create(json!({})).await;
        client.refused(403, "keys_frozen").await;
        assert_eq!(fake.seen().len(), 1);
        app.finish().await;
    }

    async fn a_stop_says_goodbye_when_the_answer_has_ended(app) {
        let fake = FakeUpstream::start().await;
        app.offer("gpt", &fake).await;
        let caller = app.caller("5").await;
        let Reply::Stream(mut steps) = streamed("resp_1", "42") else { panic!("a stream") };
        steps.insert(2, Step::Gate);
        fake.then(Reply::Stream(steps));
        let (mut idle, mut busy) = (Client::open(&app, &caller).await, Client::open(&app, &caller).await);
        busy.create(json!({})).await;
        assert_eq!(busy.event().await["type"], "response.created");
        app.proxy.stop();
        for client in [&mut idle, &mut busy] {
            fake.go_on();
            let close = loop {
                match client.next().await {
                    Message::Close(close) => break close.unwrap(),
                    Message::Text(_) => {}
                    other => panic!("{other}"),
                }
            };
            assert_eq!(u16::from(close.code), 1001);
        }
        assert_eq!(app.posted(&caller).await, 5_000_000_000 - COST);
        app.finish().await;
    }
}
