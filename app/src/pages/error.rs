//! What does somebody see when it did not work? A calm page in their language, made without the database.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use domain::Problem;
use http::{StatusCode, header};
use leptos::prelude::*;
use serde_json::json;
use texts::Locale;

use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::{Frame, Page, respond, rich, ruler};

/// The page for an address that does not exist.
pub async fn not_found(State(services): State<Services>, request: Request) -> Response {
    error_page(&services, &request, StatusCode::NOT_FOUND)
}

/// The page for an address that is not asked this way.
pub async fn method_not_allowed(State(services): State<Services>, request: Request) -> Response {
    error_page(&services, &request, StatusCode::METHOD_NOT_ALLOWED)
}

/// The page for a request that failed, in its reader's language.
///
/// Programs that ask for JSON and not for a page get what `/v1` answers.
pub fn error_page(services: &Services, request: &Request, status: StatusCode) -> Response {
    if let Some(json) = for_program(services, request, status) {
        return json;
    }
    // No session: nothing here may wait for the database.
    page(
        &Reader::of(services, request.uri(), request.headers(), None).ui(None),
        status,
    )
}

/// The error as JSON, for who wants no page.
fn for_program(services: &Services, request: &Request, status: StatusCode) -> Option<Response> {
    let accept = request.headers().get(header::ACCEPT)?.to_str().ok()?;
    if accept.contains("text/html") || !accept.contains("application/json") {
        return None;
    }
    let problem = match status {
        StatusCode::NOT_FOUND => Problem::PathNotFound,
        StatusCode::METHOD_NOT_ALLOWED => Problem::MethodNotAllowed,
        StatusCode::SERVICE_UNAVAILABLE => Problem::Unavailable,
        status if status.is_server_error() => Problem::Internal,
        _ => return None,
    };
    let say = |key: String| services.texts.t(Locale::EN, &key, &[]);
    let code = problem.code();
    let message = format!(
        "{} {}",
        say(format!("problems.{code}")),
        say(format!("problems.{code}_action"))
    );
    let docs_url = format!("{}{}", services.site.public_url, problem.docs_path());
    let error = json!({
        "message": message, "type": problem.openai_type(), "param": null, "code": code, "docs_url": docs_url,
    });
    Some((status, Json(json!({ "error": error }))).into_response())
}

/// The same for a reader who is known already.
pub fn page(ui: &Ui, status: StatusCode) -> Response {
    respond(ui, status, |ui| content(ui, status))
}

fn content(ui: &Ui, status: StatusCode) -> Page {
    let (title, body, action) = words(ui, status);
    let support = ui.site().support.clone().map(|address| {
        let text = t!(ui, "errors.support", email = address);
        let link = rich(&text, |inner| {
            view! { <a href=format!("mailto:{address}")><bdi>{inner}</bdi></a> }.into_any()
        });
        view! { <p class="hint">{link}</p> }
    });
    let number = (!ui.request_number().is_empty()).then(|| {
        view! {
            <p class="hint">
                {t!(ui, "errors.request_id")}": "<code translate="no">{ui.request_number().to_owned()}</code>
            </p>
        }
    });
    let content = view! {
        <section class="oops">
            <p class="code num" translate="no">{status.as_u16().to_string()}</p>
            {ruler(0, 30, None)}
            <h1>{title.clone()}</h1>
            <p>{body}</p>
            <p>{action}</p>
            <p class="row"><a class="btn primary" href=ui.link("/")>{t!(ui, "errors.home")}</a></p>
            {number}
            {support}
        </section>
    };
    Page {
        frame: Frame::Aside,
        title,
        description: None,
        body: content.into_any(),
    }
}

/// Title, what happened, what to do.
fn words(ui: &Ui, status: StatusCode) -> (String, String, String) {
    match status {
        StatusCode::FORBIDDEN => (
            t!(ui, "errors.forbidden.title"),
            t!(ui, "errors.forbidden.body"),
            t!(ui, "errors.forbidden.action", brand = ui.site().brand),
        ),
        StatusCode::NOT_FOUND => (
            t!(ui, "errors.not_found.title"),
            t!(ui, "errors.not_found.body"),
            t!(ui, "errors.not_found.action"),
        ),
        StatusCode::MISDIRECTED_REQUEST => (
            t!(ui, "errors.misdirected.title"),
            t!(ui, "errors.misdirected.body"),
            t!(
                ui,
                "errors.misdirected.action",
                address = ui.site().public_url
            ),
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            t!(ui, "errors.unavailable.title"),
            t!(ui, "errors.unavailable.body"),
            t!(ui, "errors.unavailable.action"),
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            t!(ui, "errors.too_many.title"),
            t!(ui, "errors.too_many.body"),
            t!(ui, "errors.too_many.action"),
        ),
        StatusCode::METHOD_NOT_ALLOWED => (
            t!(ui, "errors.method_not_allowed.title"),
            t!(ui, "errors.method_not_allowed.body"),
            t!(ui, "errors.method_not_allowed.action"),
        ),
        status if status.is_client_error() => (
            t!(ui, "errors.bad_request.title"),
            t!(ui, "errors.bad_request.body"),
            t!(ui, "errors.bad_request.action"),
        ),
        _ => (
            t!(ui, "errors.internal.title"),
            t!(ui, "errors.internal.body"),
            t!(ui, "errors.internal.action"),
        ),
    }
}
