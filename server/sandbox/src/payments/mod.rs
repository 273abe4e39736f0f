//! Who takes people's money when there is no payment provider? The sandbox payment provider.
//!
//! A stand-in over real HTTP, for newcomers and tests: hosted pay pages, signed webhooks, refunds, and everything that
//! goes wrong at real providers ([`faults`]). It runs in a process of its own and keeps payments in memory only. No money
//! moves, so it exists only where Farebox is used from its own machine.
//!
//! | who | request | answer |
//! |---|---|---|
//! | the shop | `POST /payments` `{reference, amount, currency, return_url, webhook_url}` | `{id, url, status}` |
//! | | `GET /payments/{id}` | `{id, reference, status, amount, currency, paid_amount, refunded_amount, paid_at, livemode}` |
//! | | `GET /payments?day=2026-11-22` | the payments made on that day of UTC: `{data: […], since}`, `since` being when this provider started, in Unix milliseconds |
//! | | `POST /payments/{id}/refunds` `{reference, amount}` | `{id, reference, amount, status}` |
//! | the payer | `GET /pay/{id}` | a page with buttons |
//! | tests | `POST /control` | faults of a payment, or of those to come |
//!
//! The shop shows `Authorization: Bearer <secret>`, and an `Idempotency-Key` with everything it creates. Webhooks are
//! signed with the same secret (`hook`).

mod api;
mod control;
mod faults;
mod hook;
mod page;
mod payment;
mod problem;
mod store;
mod sum;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::payments::hook::Sender;
use crate::payments::problem::Problem;
use crate::payments::store::Store;

pub use hook::signature;

/// The largest request body, in bytes; a payment is a few hundred.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A language that the pay page speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// As in `<html lang>`: `en`.
    pub code: String,
    /// Its name in itself.
    pub name: String,
    /// `ltr` or `rtl`.
    pub dir: &'static str,
}

/// What the pay page says. The texts are those of the shop's own catalogue, so that they are translated with it.
pub trait Words: Send + Sync + 'static {
    /// The languages to choose from.
    fn languages(&self) -> Vec<Language>;
    /// The one asked for by its code, else the best for the browser's `Accept-Language`.
    fn choose(&self, asked: Option<&str>, accept: &str) -> Language;
    /// A text by its key, with its placeholders filled in.
    fn text(&self, language: &Language, key: &str, args: &[(&str, &str)]) -> String;
}

/// How the provider is set up.
pub struct Options {
    /// What the shop shows, and what webhooks are signed with.
    pub secret: String,
    pub words: Box<dyn Words>,
}

/// What every handler shares. Cheap to clone.
#[derive(Clone)]
struct Provider(Arc<Inner>);

struct Inner {
    secret: String,
    words: Box<dyn Words>,
    store: Store,
    sender: Sender,
    /// Unix milliseconds. Payments before it were another process's, and are forgotten.
    since: u64,
}

/// Seconds since 1970. A machine before that has no payments to make.
fn now() -> u64 {
    now_ms() / 1_000
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// The provider as a router; [`crate::serve_router`] answers with it.
pub fn router(options: Options) -> Router {
    let provider = Provider(Arc::new(Inner {
        sender: Sender::new(options.secret.clone()),
        secret: options.secret,
        words: options.words,
        store: Store::default(),
        since: now_ms(),
    }));
    let shop = Router::new()
        .route("/payments", get(api::list).post(api::create))
        .route("/payments/{id}", get(api::one))
        .route("/payments/{id}/refunds", post(api::refund))
        .layer(axum::middleware::from_fn_with_state(
            provider.clone(),
            api::gate,
        ));
    Router::new()
        .merge(shop)
        .route("/pay/{id}", get(page::show).post(page::act))
        .route("/style.css", get(page::style))
        .route("/control", get(control::show).post(control::set))
        .fallback(async || Problem::unknown_path())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(provider)
}
