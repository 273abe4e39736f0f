//! How is the shop told? By a signed request that names the payment and says nothing of its amount: a hint to come and
//! ask. `Sandbox-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "{t}.{raw body}")>`.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, Uri, header};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use sha2::Sha256;

use super::faults::Webhook;
use super::now;
use super::payment::{Payment, Status};
use super::store::event_name;

/// How long the shop may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before each further try, in seconds, when the shop did not take the event.
const PAUSES_S: [u64; 5] = [1, 2, 4, 8, 16];
/// How old a stale signature is, in seconds: twice what shops tolerate.
const STALE_S: u64 = 600;
const COPIES: usize = 5;

/// Small letters and digits, two per byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

/// The value of `v1` for a body that is sent at `t`.
#[must_use]
pub fn signature(secret: &str, t: u64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(t.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// One thing that happened, as the shop reads it.
#[derive(Debug, Clone)]
struct Event {
    url: Uri,
    body: Bytes,
}

impl Event {
    /// Nothing without randomness for its name, or for an address that is none (which no payment has).
    fn new(payment: &Payment, status: Status) -> Option<Self> {
        let kind = format!("payment.{}", status.word());
        let body = json!({"id": event_name().ok()?, "type": kind, "object": payment.id});
        Some(Self {
            url: payment.webhook_url.parse().ok()?,
            body: Bytes::from(body.to_string()),
        })
    }
}

/// Sends events. Cheap to clone.
#[derive(Clone)]
pub struct Sender {
    secret: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Sender {
    pub fn new(secret: String) -> Self {
        Self {
            secret,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Tells what became of a payment, the way its faults say. Returns when the first try is over, and goes on by itself
    /// when the shop did not take it.
    pub async fn tell(&self, payment: &Payment) {
        let Some(event) = Event::new(payment, payment.status) else {
            return;
        };
        match payment.faults.webhook {
            Webhook::Lost => {}
            Webhook::Normal | Webhook::Early => self.try_until_taken(event).await,
            Webhook::Repeated => {
                futures::future::join_all(
                    (0..COPIES).map(|_| self.send(&event, now(), &self.secret)),
                )
                .await;
            }
            Webhook::Reordered => {
                let before = Event::new(payment, Status::Processing);
                self.try_until_taken(event).await;
                if let Some(before) = before {
                    self.try_until_taken(before).await;
                }
            }
            Webhook::Delayed => {
                let delay = Duration::from_millis(payment.faults.delay_ms.into());
                tokio::time::sleep(delay).await;
                self.try_until_taken(event).await;
            }
            Webhook::Forged => {
                self.send(&event, now(), "not the secret of this provider")
                    .await;
            }
            Webhook::Stale => {
                self.send(&event, now().saturating_sub(STALE_S), &self.secret)
                    .await;
            }
        }
    }

    async fn try_until_taken(&self, event: Event) {
        if self.send(&event, now(), &self.secret).await {
            return;
        }
        let sender = self.clone();
        tokio::spawn(async move {
            for pause in PAUSES_S {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                // Signed anew: the shop looks at the time.
                if sender.send(&event, now(), &sender.secret).await {
                    return;
                }
            }
        });
    }

    /// One try. Says whether the shop took it.
    async fn send(&self, event: &Event, t: u64, secret: &str) -> bool {
        let signed = format!("t={t},v1={}", signature(secret, t, &event.body));
        let request = Request::builder()
            .method(Method::POST)
            .uri(event.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("sandbox-signature", signed)
            .body(Full::new(event.body.clone()));
        let Ok(request) = request else {
            return false;
        };
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        matches!(answer, Ok(Ok(response)) if response.status().is_success())
    }
}
