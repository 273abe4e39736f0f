//! What does the payer see? One plain page: what is to be paid, buttons for what may become of it, and a drawer of faults.

use std::fmt::Write as _;
use std::time::Duration;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::faults::{Faults, Lookup, Object, Webhook};
use super::payment::{Action, Payment, Status};
use super::problem::Problem;
use super::{Language, Provider};

const STYLE: &str = include_str!("page.css");

#[derive(Deserialize)]
pub struct Asked {
    lang: Option<String>,
}

/// What the page's form sends.
#[derive(Deserialize)]
pub struct Pressed {
    action: Action,
    #[serde(default)]
    webhook: Webhook,
    #[serde(default)]
    object: Object,
    #[serde(default)]
    lookup: Lookup,
}

/// `GET /style.css`.
pub async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// `GET /pay/{id}`.
pub async fn show(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let page = Page::new(&provider, asked.lang.as_deref(), &headers);
    match provider.0.store.find(&id) {
        Ok(payment) => page.of(&payment),
        Err(problem) => page.without(problem),
    }
}

/// `POST /pay/{id}`: does it, tells the shop and sends the payer back.
pub async fn act(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    Form(pressed): Form<Pressed>,
) -> Response {
    match done(&provider, &id, &pressed).await {
        Ok(payment) => Redirect::to(&payment.return_url).into_response(),
        Err(problem) => Page::new(&provider, asked.lang.as_deref(), &headers).without(problem),
    }
}

async fn done(provider: &Provider, id: &str, pressed: &Pressed) -> Result<Payment, Problem> {
    let store = &provider.0.store;
    let before = store.find(id)?;
    if before.status != Status::Pending {
        return Ok(before);
    }
    let faults = Faults {
        webhook: pressed.webhook,
        object: pressed.object,
        lookup: pressed.lookup,
        ..before.faults
    };
    store.set_faults(Some(id), faults)?;
    let (payment, happened) = store.act(id, pressed.action, super::now_ms())?;
    if !happened {
        return Ok(payment);
    }
    if faults.webhook == Webhook::Early {
        provider.0.sender.tell(&payment).await;
    } else {
        let (sender, payment) = (provider.0.sender.clone(), payment.clone());
        tokio::spawn(async move { sender.tell(&payment).await });
    }
    if payment.status == Status::Processing {
        tokio::spawn(arrive(provider.clone(), payment.clone()));
    }
    Ok(payment)
}

/// Money that is underway arrives after a while.
async fn arrive(provider: Provider, payment: Payment) {
    tokio::time::sleep(Duration::from_millis(payment.faults.late_ms.into())).await;
    if let Ok((payment, true)) = provider.0.store.arrive(&payment.id, super::now_ms()) {
        provider.0.sender.tell(&payment).await;
    }
}

/// A page in the payer's language.
struct Page<'a> {
    provider: &'a Provider,
    language: Language,
}

impl<'a> Page<'a> {
    fn new(provider: &'a Provider, asked: Option<&str>, headers: &HeaderMap) -> Self {
        let accept = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            provider,
            language: provider.0.words.choose(asked, accept),
        }
    }

    /// A text, ready to stand in HTML.
    fn text(&self, key: &str, args: &[(&str, &str)]) -> String {
        escaped(&self.provider.0.words.text(&self.language, key, args))
    }

    fn of(&self, payment: &Payment) -> Response {
        let amount = format!("{} {}", payment.amount, payment.currency);
        let facts = format!(
            "<dl><dt>{}</dt><dd class=\"sum\"><bdi>{}</bdi></dd><dt>{}</dt><dd><bdi>{}</bdi></dd><dt>{}</dt><dd>{}</dd></dl>",
            self.text("sandbox_pay.amount", &[]),
            escaped(&amount),
            self.text("sandbox_pay.reference", &[]),
            escaped(&payment.reference),
            self.text("sandbox_pay.state", &[]),
            self.text(state(payment.status), &[]),
        );
        let rest = if payment.status == Status::Pending {
            self.form(payment, &amount)
        } else {
            let back = self.text("sandbox_pay.back", &[]);
            format!(
                "<p><a class=\"button\" href=\"{}\">{back}</a></p>",
                escaped(&payment.return_url)
            )
        };
        let back = origin(&payment.return_url);
        self.whole(StatusCode::OK, &format!("{facts}{rest}"), &back)
    }

    fn without(&self, problem: Problem) -> Response {
        let text = if problem == Problem::unknown_payment() {
            self.text("sandbox_pay.unknown", &[])
        } else {
            self.text("sandbox_pay.failed", &[])
        };
        self.whole(problem.status, &format!("<p>{text}</p>"), "")
    }

    fn form(&self, payment: &Payment, amount: &str) -> String {
        let mut html = format!(
            "<form method=\"post\" action=\"/pay/{}?lang={}\"><div class=\"actions\">",
            escaped(&payment.id),
            escaped(&self.language.code)
        );
        for (action, key) in [
            ("pay", "sandbox_pay.pay"),
            ("pay_late", "sandbox_pay.pay_late"),
            ("decline", "sandbox_pay.decline"),
            ("cancel", "sandbox_pay.cancel"),
            ("expire", "sandbox_pay.expire"),
        ] {
            let text = self.text(key, &[("amount", amount)]);
            write!(
                html,
                "<button name=\"action\" value=\"{action}\">{text}</button>"
            )
            .ok();
        }
        let title = self.text("sandbox_pay.faults", &[]);
        write!(html, "</div><details><summary>{title}</summary>").ok();
        let faults = payment.faults;
        html += &self.choice(
            "webhook",
            "sandbox_pay.webhook.label",
            &WEBHOOKS,
            faults.webhook,
        );
        html += &self.choice(
            "object",
            "sandbox_pay.object.label",
            &OBJECTS,
            faults.object,
        );
        html += &self.choice(
            "lookup",
            "sandbox_pay.lookup.label",
            &LOOKUPS,
            faults.lookup,
        );
        html + "</details></form>"
    }

    fn choice<T: PartialEq + Copy>(
        &self,
        name: &str,
        label: &str,
        choices: &[(T, &str, &str)],
        now: T,
    ) -> String {
        let label = self.text(label, &[]);
        let mut html = format!(
            "<p><label for=\"{name}\">{label}</label><select id=\"{name}\" name=\"{name}\">"
        );
        for (value, word, key) in choices {
            let chosen = if *value == now { " selected" } else { "" };
            let text = self.text(key, &[]);
            write!(html, "<option value=\"{word}\"{chosen}>{text}</option>").ok();
        }
        html + "</select></p>"
    }

    fn whole(&self, status: StatusCode, main: &str, back: &str) -> Response {
        let title = self.text("sandbox_pay.title", &[]);
        let note = self.text("sandbox_pay.note", &[]);
        let languages = self.text("sandbox_pay.languages", &[]);
        let mut links = String::new();
        for language in self.provider.0.words.languages() {
            let current = if language.code == self.language.code {
                " aria-current=\"true\""
            } else {
                ""
            };
            let (code, name) = (escaped(&language.code), escaped(&language.name));
            write!(
                links,
                "<li><a href=\"?lang={code}\" lang=\"{code}\"{current}>{name}</a></li>"
            )
            .ok();
        }
        let (code, dir) = (escaped(&self.language.code), self.language.dir);
        let html = format!(
            "<!doctype html><html lang=\"{code}\" dir=\"{dir}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"stylesheet\" href=\"/style.css\">\
             <link rel=\"icon\" href=\"data:,\"></head><body><main><h1>{title}</h1><p class=\"note\">{note}</p>{main}</main>\
             <nav aria-label=\"{languages}\"><ul>{links}</ul></nav></body></html>"
        );
        // The form's answer leads back to the shop, and browsers count that as a target of the form.
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' {back}; base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        match HeaderValue::from_str(&policy) {
            Ok(policy) => headers.insert(header::CONTENT_SECURITY_POLICY, policy),
            // An address that is no text of a header was never accepted.
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        response
    }
}

const WEBHOOKS: [(Webhook, &str, &str); 8] = [
    (Webhook::Normal, "normal", "sandbox_pay.webhook.normal"),
    (Webhook::Lost, "lost", "sandbox_pay.webhook.lost"),
    (
        Webhook::Repeated,
        "repeated",
        "sandbox_pay.webhook.repeated",
    ),
    (
        Webhook::Reordered,
        "reordered",
        "sandbox_pay.webhook.reordered",
    ),
    (Webhook::Delayed, "delayed", "sandbox_pay.webhook.delayed"),
    (Webhook::Early, "early", "sandbox_pay.webhook.early"),
    (Webhook::Forged, "forged", "sandbox_pay.webhook.forged"),
    (Webhook::Stale, "stale", "sandbox_pay.webhook.stale"),
];

const OBJECTS: [(Object, &str, &str); 4] = [
    (Object::Normal, "normal", "sandbox_pay.object.normal"),
    (
        Object::WrongAmount,
        "wrong_amount",
        "sandbox_pay.object.wrong_amount",
    ),
    (
        Object::WrongCurrency,
        "wrong_currency",
        "sandbox_pay.object.wrong_currency",
    ),
    (Object::Live, "live", "sandbox_pay.object.live"),
];

const LOOKUPS: [(Lookup, &str, &str); 3] = [
    (Lookup::Normal, "normal", "sandbox_pay.lookup.normal"),
    (Lookup::Fails, "fails", "sandbox_pay.lookup.fails"),
    (Lookup::Slow, "slow", "sandbox_pay.lookup.slow"),
];

const fn state(status: Status) -> &'static str {
    match status {
        Status::Pending => "sandbox_pay.states.pending",
        Status::Processing => "sandbox_pay.states.processing",
        Status::Paid => "sandbox_pay.states.paid",
        Status::Canceled => "sandbox_pay.states.canceled",
        Status::Expired => "sandbox_pay.states.expired",
        Status::Failed => "sandbox_pay.states.failed",
    }
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> String {
    let Ok(uri) = url.parse::<Uri>() else {
        return String::new();
    };
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => format!("{scheme}://{authority}"),
        _ => String::new(),
    }
}

/// As it may stand in HTML, also within an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
