//! A provider of payments that speaks the sandbox's protocol and can be told what to do wrong, and nodes that use it.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::Currency;
use domain::fx::{Coins, Rate};
use domain::ids::OrderId;
use domain::order::{Next, OrderView, ProviderId};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use server::audit::By;
use server::clock::Clock;
use server::orders::{
    Ask, BonusTier, HookAnswer, ManualConfig, NewOrder, Orders, OrdersParts, PaymentsConfig,
    SandboxConfig,
};
use server::rates::{Rates, RatesConfig};
use server::secrets::Secret;
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::app::{Caller, TestApp};

pub const SECRET: &str = "0123456789abcdef0123";
/// Saturday, 21 November 2026, noon UTC.
pub const NOW: i64 = 1_795_262_400_000;
pub const HOUR_MS: i64 = 3_600_000;

static FORMS: AtomicUsize = AtomicUsize::new(0);

/// What the provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Nothing,
    Amount,
    Currency,
    PaidLess,
    Live,
    Reference,
    /// Questions are answered with 500.
    Broken,
    /// A refund is done, and answered with 500.
    RefundUnanswered,
    RefundRefused,
}

#[derive(Debug, Clone)]
struct Payment {
    id: String,
    key: String,
    reference: String,
    amount: Coins,
    status: &'static str,
    paid_at: Option<i64>,
    refunds: HashMap<String, i64>,
    webhook_url: String,
}

pub struct Fake {
    pub address: SocketAddr,
    payments: Mutex<Vec<Payment>>,
    wrong: Mutex<Wrong>,
    /// The payer pays and the webhook is sent before the shop has the answer.
    early: Mutex<bool>,
    /// What the shop answered to an early webhook.
    pub early_answer: Mutex<Option<u16>>,
    /// Questions about single payments.
    pub asked: AtomicUsize,
}

fn amount(coins: Coins) -> String {
    let text = coins.to_string();
    text.split_once(' ').unwrap().0.to_owned()
}

impl Fake {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            payments: Mutex::default(),
            wrong: Mutex::new(Wrong::Nothing),
            early: Mutex::new(false),
            early_answer: Mutex::new(None),
            asked: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/payments", post(create).get(list))
            .route("/payments/{id}", get(one))
            .route("/payments/{id}/refunds", post(refund))
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn does_wrong(&self, wrong: Wrong) {
        *self.wrong.lock() = wrong;
    }

    pub fn is_early(&self) {
        *self.early.lock() = true;
    }

    /// The payer does something; the name of the payment.
    pub fn becomes(&self, order: OrderId, status: &'static str) -> String {
        let mut payments = self.payments.lock();
        let payment = payments
            .iter_mut()
            .find(|payment| payment.reference == order.to_string())
            .unwrap();
        payment.status = status;
        payment.id.clone()
    }

    /// The payer pays at a moment that the provider remembers.
    pub fn paid_at(&self, order: OrderId, at: i64) {
        self.becomes(order, "paid");
        let mut payments = self.payments.lock();
        let reference = order.to_string();
        for payment in payments.iter_mut().filter(|p| p.reference == reference) {
            payment.paid_at = Some(at);
        }
    }

    pub fn refunded(&self, order: OrderId) -> i64 {
        let payments = self.payments.lock();
        let payment = payments
            .iter()
            .find(|payment| payment.reference == order.to_string());
        payment.unwrap().refunds.values().sum()
    }

    pub fn count(&self) -> usize {
        self.payments.lock().len()
    }

    fn told(&self, payment: &Payment) -> Value {
        let wrong = *self.wrong.lock();
        let half = |coins: Coins| Coins::new(coins.currency(), coins.minor() / 2).unwrap();
        let zero = Coins::new(payment.amount.currency(), 0).unwrap();
        let asked = match wrong {
            Wrong::Amount => half(payment.amount),
            _ => payment.amount,
        };
        let paid = match (payment.status, wrong) {
            ("paid", Wrong::PaidLess) => half(payment.amount),
            ("paid", _) => asked,
            _ => zero,
        };
        let currency = match wrong {
            Wrong::Currency => "GBP",
            _ => payment.amount.currency().code(),
        };
        let reference = match wrong {
            Wrong::Reference => "order_0193f0c2000070008000000000000009",
            _ => &payment.reference,
        };
        let refunded = Coins::new(zero.currency(), payment.refunds.values().sum()).unwrap();
        json!({
            "id": payment.id, "reference": reference, "status": payment.status, "amount": amount(asked), "currency": currency,
            "paid_amount": amount(paid), "refunded_amount": amount(refunded), "paid_at": payment.paid_at, "livemode": wrong == Wrong::Live,
        })
    }
}

fn allowed(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|value| value == &format!("Bearer {SECRET}"))
}

async fn create(
    State(fake): State<Arc<Fake>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !allowed(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    let currency: Currency = text("currency").parse().unwrap();
    let payment = {
        let mut payments = fake.payments.lock();
        let known = payments.iter().find(|payment| payment.key == key).cloned();
        known.unwrap_or_else(|| {
            let payment = Payment {
                id: format!("pay_{}", payments.len() + 1),
                key,
                reference: text("reference"),
                amount: Coins::parse(currency, &text("amount")).unwrap(),
                status: if *fake.early.lock() {
                    "paid"
                } else {
                    "pending"
                },
                paid_at: None,
                refunds: HashMap::new(),
                webhook_url: text("webhook_url"),
            };
            payments.push(payment.clone());
            payment
        })
    };
    if *fake.early.lock() {
        let answer = tell(&payment.webhook_url, "evt_early", &payment.id).await;
        *fake.early_answer.lock() = Some(answer);
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let url = format!("http://{}/pay/{}", fake.address, payment.id);
    Json(json!({"id": payment.id, "url": url, "status": payment.status})).into_response()
}

async fn one(
    State(fake): State<Arc<Fake>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    fake.asked.fetch_add(1, Ordering::SeqCst);
    if !allowed(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if *fake.wrong.lock() == Wrong::Broken {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let payments = fake.payments.lock();
    match payments.iter().find(|payment| payment.id == id) {
        Some(payment) => Json(fake.told(payment)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn list(
    State(fake): State<Arc<Fake>>,
    Query(asked): Query<HashMap<String, String>>,
) -> Response {
    assert_eq!(asked["day"].len(), "2026-11-21".len());
    let payments = fake.payments.lock();
    let data: Vec<Value> = payments.iter().map(|payment| fake.told(payment)).collect();
    Json(json!({ "data": data })).into_response()
}

async fn refund(
    State(fake): State<Arc<Fake>>,
    Path(id): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let wrong = *fake.wrong.lock();
    if wrong == Wrong::RefundRefused {
        return StatusCode::CONFLICT.into_response();
    }
    let mut payments = fake.payments.lock();
    let payment = payments
        .iter_mut()
        .find(|payment| payment.id == id)
        .unwrap();
    let text = |name: &str| body[name].as_str().unwrap();
    let coins = Coins::parse(payment.amount.currency(), text("amount")).unwrap();
    payment
        .refunds
        .entry(text("reference").to_owned())
        .or_insert(coins.minor());
    if wrong == Wrong::RefundUnanswered {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(json!({"status": "succeeded"})).into_response()
}

/// The header of a webhook that is signed at `t`, in seconds.
pub fn signature(secret: &str, t: i64, body: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{t}.{body}").as_bytes());
    let mut header = format!("t={t},v1=");
    for byte in mac.finalize().into_bytes() {
        write!(header, "{byte:02x}").unwrap();
    }
    header
}

pub fn event(event: &str, payment: &str) -> String {
    json!({"id": event, "type": "payment.paid", "object": payment}).to_string()
}

/// Sends a webhook over HTTP, signed now; the status of the answer.
pub async fn tell(url: &str, name: &str, payment: &str) -> u16 {
    let body = event(name, payment);
    let header = signature(SECRET, Clock::system().now_ms() / 1_000, &body);
    send(url, &header, body).await
}

pub async fn send(url: &str, header: &str, body: String) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(url)
        .header("sandbox-signature", header)
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

/// A node of this installation, with a clock of its own.
pub struct Node {
    pub orders: Orders,
    pub rates: Rates,
    pub clock: Clock,
}

/// Euros are two dollars, until somebody says otherwise.
pub async fn node(app: &TestApp, fake: &Fake, clock: &Clock) -> Node {
    let rates = Rates::new(
        app.handles.db.clone(),
        clock.clone(),
        RatesConfig::default(),
    );
    rates.reload().await.unwrap();
    let account = vec!["IBAN DE02 1203 0000 0000 2020 51".to_owned()];
    let config = PaymentsConfig {
        local: true,
        bonus: vec![BonusTier {
            from: domain::Amount::parse_usd("100").unwrap(),
            bp: 1_000,
        }],
        manual: Some(ManualConfig {
            holder: "Farebox Ltd".to_owned(),
            accounts: [(Currency::Usd, account.clone()), (Currency::Eur, account)].into(),
        }),
        sandbox: Some(SandboxConfig {
            address: fake.address,
            secret: Secret::new(SECRET.to_owned()),
        }),
        ..PaymentsConfig::default()
    };
    let orders = Orders::new(OrdersParts {
        db: app.handles.db.clone(),
        clock: clock.clone(),
        rates: rates.clone(),
        mail: app.front.mail.clone(),
        seller: app.handles.seller.clone(),
        config,
        public_url: app.url(""),
    });
    Node {
        orders,
        rates,
        clock: clock.clone(),
    }
}

impl Node {
    /// So many euros are a dollar.
    pub async fn euros_per_dollar(&self, text: &str) {
        let rate = Rate::parse(text, '.').unwrap();
        let desk = self.rates.acting(By::OPERATOR);
        desk.set(Currency::Eur, rate, self.clock.now_ms(), true)
            .await
            .unwrap();
    }

    pub async fn order(&self, caller: &Caller, provider: ProviderId, paid: &str) -> OrderView {
        let (number, currency) = paid.split_once(' ').unwrap();
        let paid = Coins::parse(currency.parse().unwrap(), number).unwrap();
        let ask = Ask { provider, paid };
        let new = NewOrder {
            ask,
            shown: self.orders.quote(&ask).unwrap().quote.credited,
            locale: "en".to_owned(),
            idempotency_key: format!("form-{}", FORMS.fetch_add(1, Ordering::SeqCst)),
        };
        self.orders
            .create(caller.account.workspace, caller.account.id, &new)
            .await
            .unwrap()
    }

    /// An order at the provider that waits to be paid.
    pub async fn begun(&self, caller: &Caller, paid: &str) -> OrderView {
        let order = self.order(caller, ProviderId::Sandbox, paid).await;
        let next = self.orders.begin(order.workspace, order.id).await.unwrap();
        assert!(matches!(next, Next::Redirect(_)));
        self.view(&order).await
    }

    pub async fn view(&self, order: &OrderView) -> OrderView {
        let found = self.orders.find(order.workspace, order.id).await.unwrap();
        found.unwrap()
    }

    /// What the hook makes of a genuine webhook.
    pub async fn hears(&self, name: &str, payment: &str) -> HookAnswer {
        let body = event(name, payment);
        let header = signature(SECRET, self.clock.now_ms() / 1_000, &body);
        let named = |asked: &str| (asked == "sandbox-signature").then_some(header.as_str());
        self.orders.hook("sandbox", body.as_bytes(), &named).await
    }

    pub async fn paid(&self, fake: &Fake, order: &OrderView) {
        let payment = fake.becomes(order.id, "paid");
        let name = format!("evt_{payment}");
        assert_eq!(self.hears(&name, &payment).await, HookAnswer::Taken);
        self.orders.work().await.unwrap();
    }
}
