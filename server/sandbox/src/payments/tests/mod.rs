//! Does the stand-in keep its protocol, and does each fault do what its name says? Over real HTTP, with a shop that
//! writes down what it is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Language, Options, Words, now, signature};
use crate::serve_router;

mod faults;
mod pages;
mod protocol;

const SECRET: &str = "the secret of a test";

/// Texts are their keys, so that a test sees which one was asked for.
struct Keys;

impl Words for Keys {
    fn languages(&self) -> Vec<Language> {
        ["en", "ru"].map(language).to_vec()
    }

    fn choose(&self, asked: Option<&str>, accept: &str) -> Language {
        let wanted = asked.unwrap_or(accept);
        language(if wanted.starts_with("ru") { "ru" } else { "en" })
    }

    fn text(&self, language: &Language, key: &str, _args: &[(&str, &str)]) -> String {
        format!("{}:{key}", language.code)
    }
}

fn language(code: &str) -> Language {
    Language {
        code: code.to_owned(),
        name: format!("<{code}>"),
        dir: "ltr",
    }
}

/// What the shop was told.
#[derive(Debug, Clone)]
struct Told {
    at: Instant,
    signature: String,
    body: Bytes,
}

impl Told {
    fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    /// Signed with the secret, and when: seconds before now.
    fn signed(&self) -> (bool, u64) {
        let (t, v1) = self.signature.split_once(",v1=").unwrap();
        let t: u64 = t.strip_prefix("t=").unwrap().parse().unwrap();
        (v1 == signature(SECRET, t, &self.body), now() - t)
    }
}

#[derive(Clone, Default)]
struct Shop {
    told: Arc<Mutex<Vec<Told>>>,
    /// So many events are refused first.
    refuses: Arc<Mutex<usize>>,
}

impl Shop {
    /// Waits at most five seconds for so many events, and a moment longer for one too many.
    async fn told(&self, count: usize) -> Vec<Told> {
        let begun = Instant::now();
        while self.told.lock().len() < count && begun.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let told = self.told.lock().clone();
        assert_eq!(told.len(), count, "{told:?}");
        told
    }
}

async fn note(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    shop.told.lock().push(Told {
        at: Instant::now(),
        signature: headers["sandbox-signature"].to_str().unwrap().to_owned(),
        body,
    });
    let mut refuses = shop.refuses.lock();
    if *refuses > 0 {
        *refuses -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

/// A provider and a shop on free ports, for as long as the test's runtime lives.
struct World {
    base: String,
    shop: Shop,
    hooks: SocketAddr,
}

/// One answer.
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = Options {
            secret: SECRET.to_owned(),
            words: Box::new(Keys),
        };
        tokio::spawn(serve_router(
            listener,
            super::router(options),
            std::future::pending(),
        ));
        let shop = Shop::default();
        let hooks = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hooks_address = hooks.local_addr().unwrap();
        let router = Router::new()
            .route("/hooks/sandbox", post(note))
            .with_state(shop.clone());
        tokio::spawn(serve_router(hooks, router, std::future::pending()));
        Self {
            base: format!("http://{address}"),
            shop,
            hooks: hooks_address,
        }
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
        let response = client
            .request(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// As the shop asks.
    async fn shop(&self, method: &str, path: &str, key: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {SECRET}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.ask(method, path, &headers, body).await
    }

    fn wanted(&self, reference: &str, amount: &str) -> Value {
        json!({
            "reference": reference,
            "amount": amount,
            "currency": "EUR",
            "return_url": format!("http://{}/wallet/orders/1/return", self.hooks),
            "webhook_url": format!("http://{}/hooks/sandbox", self.hooks),
        })
    }

    /// A new payment of 25.00 EUR; its id.
    async fn payment(&self, reference: &str) -> String {
        let wanted = self.wanted(reference, "25.00");
        let made = self.shop("POST", "/payments", reference, &wanted).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn look(&self, id: &str) -> Value {
        let path = format!("/payments/{id}");
        self.shop("GET", &path, "none", &Value::Null).await.json()
    }

    /// Presses a button of the pay page.
    async fn press(&self, id: &str, form: &str) -> Answer {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.ask("POST", &format!("/pay/{id}"), &headers, form.to_owned())
            .await
    }

    async fn control(&self, faults: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.ask("POST", "/control", &headers, faults.to_string())
            .await
    }
}
