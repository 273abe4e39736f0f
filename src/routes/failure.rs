//! What does the caller see when our code panics? Status 500 in the shape they expect, and nothing of what was going on.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use domain::Problem;
use futures::FutureExt;
use http::{StatusCode, header};
use serde_json::json;
use texts::{Locale, Texts};

use crate::router::{Front, is_api};

/// Catches the panic of a handler. What it was doing is undone by its own values (a hold gives its credit back when it
/// is dropped); the panic's text goes nowhere, see `telemetry`.
pub async fn catch(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    let locale = request
        .headers()
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let locale = locale.map_or(Locale::EN, |wanted| {
        texts::negotiate(wanted, &front.texts.locales())
    });
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            front.metrics.panicked();
            if api {
                envelope(&front.texts, locale, front.site.public_url.as_str())
            } else {
                let number = server::ids::request_number();
                tracing::error!(request.id = number, "A page ended in a defect of ours");
                page(&front.texts, locale, &front.config.brand.name, &number)
            }
        }
    }
}

fn envelope(texts: &Texts, locale: Locale, site: &str) -> Response {
    let problem = Problem::Internal;
    let message = texts.t(locale, &format!("problems.{}", problem.code()), &[]);
    let docs_url = format!("{site}{}", problem.docs_path());
    let error = json!({"error": {"message": message, "type": problem.openai_type(), "param": null, "code": problem.code(), "docs_url": docs_url}});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response()
}

fn page(texts: &Texts, locale: Locale, brand: &str, number: &str) -> Response {
    let text = |key: &str| escape(&texts.t(locale, key, &[("brand", brand)]));
    let html = format!(
        "<!doctype html><html lang=\"{}\" dir=\"{}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><h1>{title}</h1><p>{}</p><p>{}</p><p>{}: <code>{number}</code></p><p><a href=\"/\">{}</a></p></html>",
        locale.code(),
        locale.dir(),
        text("errors.internal.body"),
        text("errors.internal.action"),
        text("errors.request_id"),
        text("errors.home"),
        title = text("errors.internal.title"),
    );
    let headers = [
        (header::HeaderName::from_static("x-request-id"), number),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::INTERNAL_SERVER_ERROR, headers, Html(html)).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
