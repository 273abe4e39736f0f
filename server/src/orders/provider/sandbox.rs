//! How is the sandbox provider asked? Over plain HTTP to this machine alone, with a bound on time and size.

use std::sync::Arc;
use std::time::Duration;

use domain::Currency;
use domain::fx::Coins;
use domain::order::{Next, PaymentStatus};
use domain::views::UnixMs;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use time::OffsetDateTime;
use url::{Host, Url};

use super::{
    Back, Caps, Doing, Fault, Hint, Listed, Observed, Opened, Provider, RawWebhook, Reject, Wanted,
    Wanting, signature,
};
use crate::orders::config::SandboxConfig;
use crate::outbound;

const CONNECT: Duration = Duration::from_secs(3);
const ALL: Duration = Duration::from_secs(10);
/// A payment is a few hundred bytes; a day may be long.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Names of events and payments are shorter.
const NAME_MAX: usize = 128;

pub(super) struct Sandbox {
    http: reqwest::Client,
    base: String,
    config: SandboxConfig,
}

impl Sandbox {
    /// # Errors
    /// When no client can be made.
    ///
    /// # Panics
    /// Never: the versions of TLS are those of the library.
    pub(super) fn new(config: SandboxConfig) -> Result<Self, reqwest::Error> {
        // Only plain HTTP is spoken here; a client wants an encryption all the same.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the versions of TLS that rustls offers")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ALL)
            .build()?;
        Ok(Self {
            http,
            base: format!("http://{}", config.address),
            config,
        })
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Fault> {
        let response = request
            .bearer_auth(self.config.secret.expose())
            .send()
            .await
            .map_err(unreachable)?;
        match response.status() {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => return Err(Fault::Unknown),
            status => return Err(Fault::Status(status.as_u16())),
        }
        let raw = outbound::body(response, MOST_BYTES)
            .await
            .map_err(unreachable)?
            .ok_or(Fault::Unreadable("it is too long"))?;
        serde_json::from_slice(&raw)
            .map_err(|_| Fault::Unreadable("it is not the JSON of a payment"))
    }
}

fn unreachable(error: reqwest::Error) -> Fault {
    Fault::Unreachable(outbound::why(error))
}

/// As it may stand in a path: letters, digits, underscore, dash.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// The amount as the provider writes it, without the currency: `25.00`.
fn written(coins: Coins) -> String {
    let text = coins.to_string();
    text.split_once(' ')
        .map_or(text.clone(), |(amount, _)| amount.to_owned())
}

#[derive(Deserialize)]
struct Made {
    id: String,
    url: String,
}

#[derive(Deserialize)]
struct Payment {
    id: String,
    reference: String,
    status: PaymentStatus,
    amount: String,
    currency: String,
    paid_amount: String,
    refunded_amount: String,
    /// Unix milliseconds.
    #[serde(default)]
    paid_at: Option<UnixMs>,
    livemode: bool,
}

impl From<Payment> for Observed {
    fn from(payment: Payment) -> Self {
        let currency: Option<Currency> = payment.currency.parse().ok();
        let coins = |text: &str| currency.and_then(|currency| Coins::parse(currency, text).ok());
        Self {
            status: payment.status,
            amount: coins(&payment.amount),
            paid: coins(&payment.paid_amount),
            refunded: coins(&payment.refunded_amount),
            paid_at: payment.paid_at,
            live: payment.livemode,
            object: payment.id,
            reference: payment.reference,
        }
    }
}

#[derive(Deserialize)]
struct Day {
    data: Vec<Payment>,
    /// When it started, in Unix milliseconds.
    #[serde(default)]
    since: Option<UnixMs>,
}

#[derive(Deserialize)]
struct Sent {
    status: String,
}

/// Keys that are there twice are an error of the reader; what we do not know is passed over.
#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    object: String,
}

impl Provider for Sandbox {
    fn caps(&self) -> Caps {
        Caps {
            currencies: Currency::ALL.to_vec(),
            online: true,
            live: false,
        }
    }

    fn create(&self, wanted: Wanted) -> Doing<'_, Opened> {
        Box::pin(async move {
            let body = json!({
                "reference": wanted.order.to_string(),
                "amount": written(wanted.paid),
                "currency": wanted.paid.currency().code(),
                "return_url": wanted.return_url,
                "webhook_url": wanted.webhook_url,
            });
            let request = self
                .http
                .post(format!("{}/payments", self.base))
                .header("Idempotency-Key", wanted.order.to_string())
                .json(&body);
            let made: Made = self.ask(request).await?;
            let here = Url::parse(&made.url).is_ok_and(|url| is_here(&url));
            if !is_name(&made.id) || !here {
                return Err(Fault::Unreadable("it leads away from this machine"));
            }
            Ok(Opened {
                object: Some(made.id),
                next: Next::Redirect(made.url),
            })
        })
    }

    fn parse_webhook(&self, raw: &RawWebhook<'_>, now: UnixMs) -> Result<Option<Hint>, Reject> {
        let header = (raw.header)("sandbox-signature");
        signature::check(header, raw.body, &self.config.secret, now)?;
        let text = std::str::from_utf8(raw.body).map_err(|_| Reject::Malformed)?;
        let event: Event = serde_json::from_str(text).map_err(|_| Reject::Malformed)?;
        if !is_name(&event.id) || !is_name(&event.object) || event.r#type.len() > NAME_MAX {
            return Err(Reject::Malformed);
        }
        Ok(event.r#type.starts_with("payment.").then_some(Hint {
            event: event.id,
            kind: event.r#type,
            object: event.object,
        }))
    }

    fn fetch(&self, object: String) -> Doing<'_, Observed> {
        Box::pin(async move {
            if !is_name(&object) {
                return Err(Fault::Unknown);
            }
            let request = self.http.get(format!("{}/payments/{object}", self.base));
            let payment: Payment = self.ask(request).await?;
            if payment.id != object {
                return Err(Fault::Unreadable("it is about another payment"));
            }
            Ok(payment.into())
        })
    }

    fn refund(&self, refund: Wanting) -> Doing<'_, Back> {
        Box::pin(async move {
            if !is_name(&refund.object) {
                return Err(Fault::Unknown);
            }
            let body = json!({
                "reference": refund.refund.to_string(),
                "amount": written(refund.coins),
            });
            let address = format!("{}/payments/{}/refunds", self.base, refund.object);
            let request = self
                .http
                .post(address)
                .header("Idempotency-Key", refund.refund.to_string())
                .json(&body);
            match self.ask::<Sent>(request).await {
                Ok(sent) => match sent.status.as_str() {
                    "succeeded" => Ok(Back::Sent),
                    "failed" | "canceled" => Ok(Back::Refused),
                    _ => Ok(Back::Waiting),
                },
                Err(Fault::Unknown | Fault::Status(400 | 409 | 422)) => Ok(Back::Refused),
                Err(fault) => Err(fault),
            }
        })
    }

    fn list_day(&self, day: UnixMs) -> Doing<'_, Listed> {
        Box::pin(async move {
            let day = OffsetDateTime::from_unix_timestamp(day.div_euclid(1_000))
                .map_err(|_| Fault::Unreadable("there is no such day"))?
                .date();
            let request = self.http.get(format!("{}/payments?day={day}", self.base));
            let day: Day = self.ask(request).await?;
            Ok(Listed {
                payments: day.data.into_iter().map(Observed::from).collect(),
                since: day.since,
            })
        })
    }
}

/// A page on this machine.
fn is_here(url: &Url) -> bool {
    let here = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "http" && here
}
