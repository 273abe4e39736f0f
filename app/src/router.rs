//! Which address leads where, and through which layers?

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use http::header;

use crate::guard::{answer_headers, known_host_only, same_site_only};
use crate::services::Services;
use crate::{api, pages, session};

/// Forms are small; nothing here takes an upload.
const BODY_MAX: usize = 64 * 1_024;

/// Every page and server function, with its layers. The binary merges it with the data plane, which has other rules.
pub fn router(services: Services) -> Router {
    let Listed { router, .. } = listed(&services);
    router
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(session::layer(&services))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn_with_state(services.clone(), same_site_only))
        .layer(from_fn_with_state(services.clone(), known_host_only))
        .layer(from_fn_with_state(services.clone(), bare_errors_dressed))
        .layer(from_fn_with_state(services.clone(), answer_headers))
        .with_state(services)
}

/// The path of every page, as the router has it: who wants to be sure of all of them asks here.
#[must_use]
pub fn paths(services: &Services) -> Vec<String> {
    listed(services).paths
}

/// Routes that remember their paths: axum's cannot be asked.
struct Listed {
    router: Router<Services>,
    paths: Vec<String>,
}

impl Listed {
    fn route(mut self, path: &str, method: MethodRouter<Services>) -> Self {
        self.paths.push(path.to_owned());
        self.router = self.router.route(path, method);
        self
    }
}

fn listed(services: &Services) -> Listed {
    let none = Listed {
        router: Router::new(),
        paths: Vec::new(),
    };
    let mut listed = none
        .route("/", get(pages::landing))
        .route("/prices", get(pages::prices::prices))
        .route("/prices/{*model}", get(pages::prices::model))
        .route("/calculator", get(pages::calculator::calculator))
        .route("/policies", get(pages::policies::list))
        .route("/policies/{name}", get(pages::policies::one))
        .route("/policies/{name}/compare", get(pages::policies::compare))
        .route("/policies/{name}/{version}", get(pages::policies::version))
        .route("/search", get(pages::search::search))
        .route("/search/results", get(pages::search::results))
        .route("/shortcuts", get(pages::shortcuts::shortcuts))
        .route("/login", get(pages::login))
        .route("/login/code", get(pages::code))
        .route("/signup", get(pages::signup))
        .route("/check-mail", get(pages::check_mail))
        .route("/recover", get(pages::recover))
        .route("/verify/{token}", get(pages::verify))
        .route("/reset/{token}", get(pages::reset))
        .route("/email/confirm/{token}", get(pages::confirm_email))
        .route("/email/undo/{token}", get(pages::undo_email))
        .route("/confirm", get(pages::confirm))
        .route("/settings", get(pages::settings::settings))
        .route("/settings/email", get(pages::settings::email))
        .route("/settings/security", get(pages::settings::security))
        .route(
            "/settings/second-factor",
            get(pages::settings::second_factor),
        )
        .route(
            "/settings/recovery-codes",
            get(pages::settings::recovery_codes),
        )
        .route("/settings/sessions", get(pages::settings::sessions))
        .route("/settings/policies", get(pages::settings::policies))
        .route(
            "/settings/policies/{name}/{version}",
            get(pages::settings::accepted_text),
        )
        .route("/claim/{token}", get(pages::claim))
        .route("/outbox", get(pages::outbox))
        .route("/overview", get(pages::overview::overview))
        .route("/usage", get(pages::usage::usage))
        .route("/usage/calls", get(pages::usage::calls))
        .route("/usage/calls/{id}", get(pages::usage::call))
        .route("/usage/refused", get(pages::usage::refused))
        .route("/usage/export.csv", get(pages::usage::export))
        .route("/wallet/receipts", get(pages::receipts::list))
        .route("/wallet/receipts/{number}", get(pages::receipts::one))
        .route("/wallet/receipts/{number}/pdf", get(pages::receipts::pdf))
        .route("/wallet/statement", get(pages::statement::statement))
        .route("/wallet/statement/{day}", get(pages::statement::day))
        .route(
            "/wallet/statement/export/{format}",
            get(pages::statement::export),
        )
        .route("/keys", get(pages::keys::list))
        .route("/keys/new", get(pages::keys::new))
        .route("/keys/freeze", get(pages::keys::freeze))
        .route("/keys/{id}", get(pages::keys::one))
        .route("/keys/{id}/secret", get(pages::keys::secret))
        .route("/keys/{id}/env", get(pages::keys::dot_env))
        .route("/keys/{id}/reveal", get(pages::keys::reveal))
        .route("/keys/{id}/roll", get(pages::keys::roll))
        .route("/keys/{id}/revoke", get(pages::keys::revoke))
        .route("/wallet", get(pages::wallet::home))
        .route("/wallet/top-up", get(pages::wallet::top_up))
        .route("/wallet/orders", get(pages::wallet::list))
        .route("/wallet/orders/{id}", get(pages::wallet::order))
        .route("/wallet/orders/{id}/return", get(pages::wallet::come_back))
        .route("/admin", get(pages::admin::overview))
        .route("/admin/orders", get(pages::admin::orders))
        .route("/admin/orders/{id}", get(pages::admin::order))
        .route("/admin/accounts", get(pages::admin::accounts))
        .route("/admin/accounts/{id}", get(pages::admin::account))
        .route("/admin/keys", get(pages::admin::keys))
        .route("/admin/keys/{id}", get(pages::admin::key))
        .route("/admin/upstreams", get(pages::admin::upstreams))
        .route("/admin/upstreams/new", get(pages::admin::new_upstream))
        .route("/admin/upstreams/{id}", get(pages::admin::upstream))
        .route("/admin/models", get(pages::admin::models))
        .route("/admin/models/new", get(pages::admin::new_model))
        .route("/admin/models/{*id}", get(pages::admin::model))
        .route("/admin/rates", get(pages::admin::rates))
        .route("/admin/rates/{currency}", get(pages::admin::rate))
        .route("/admin/audit", get(pages::admin::audit))
        .route(
            "/try",
            get(pages::test_zone::show).post(pages::test_zone::run),
        )
        .route("/api/{function}", post(api::call));
    listed = documentation(listed, "")
        .route("/status", get(pages::status::page))
        .route("/status.json", get(pages::status::json))
        .route("/llms.txt", get(pages::docs::llms))
        .route("/openapi.json", get(pages::docs::openapi))
        .route("/setup/codex.sh", get(pages::docs::setup::codex))
        .route(
            "/setup/claude-code.sh",
            get(pages::docs::setup::claude_code),
        )
        .route("/robots.txt", get(pages::docs::robots))
        .route("/sitemap.xml", get(pages::docs::sitemap));
    // `/ru/` and `/ru/login`, for every language but English. A language that appears in the folder while the server
    // runs gets its addresses at the next start.
    for locale in services.texts.locales() {
        let prefix = crate::reader::localized(locale, "");
        if !prefix.is_empty() {
            listed = listed
                .route(&format!("{prefix}/"), get(pages::landing))
                .route(&format!("{prefix}/prices"), get(pages::prices::prices))
                .route(
                    &format!("{prefix}/prices/{{*model}}"),
                    get(pages::prices::model),
                )
                .route(
                    &format!("{prefix}/calculator"),
                    get(pages::calculator::calculator),
                )
                .route(&format!("{prefix}/policies"), get(pages::policies::list))
                .route(
                    &format!("{prefix}/policies/{{name}}"),
                    get(pages::policies::one),
                )
                .route(
                    &format!("{prefix}/policies/{{name}}/compare"),
                    get(pages::policies::compare),
                )
                .route(
                    &format!("{prefix}/policies/{{name}}/{{version}}"),
                    get(pages::policies::version),
                )
                .route(&format!("{prefix}/search"), get(pages::search::search))
                .route(
                    &format!("{prefix}/shortcuts"),
                    get(pages::shortcuts::shortcuts),
                )
                .route(&format!("{prefix}/login"), get(pages::login))
                .route(&format!("{prefix}/recover"), get(pages::recover))
                .route(&format!("{prefix}/signup"), get(pages::signup));
            listed = documentation(listed, &prefix)
                .route(&format!("{prefix}/status"), get(pages::status::page));
        }
    }
    listed
}

/// Every page of the documentation in one language, and its Markdown.
fn documentation(listed: Listed, prefix: &str) -> Listed {
    pages::docs::pages().fold(listed, |listed, page| {
        let address = format!("{prefix}{}", pages::docs::address(page));
        listed
            .route(&address, get(pages::docs::page))
            .route(&format!("{address}.md"), get(pages::docs::markdown))
    })
}

/// An error without a page (from a layer or an extractor) gets one, for browsers.
async fn bare_errors_dressed(
    State(services): State<Services>,
    request: Request,
    next: Next,
) -> Response {
    let wants_page = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let mut shell = Request::new(axum::body::Body::empty());
    *shell.uri_mut() = request.uri().clone();
    shell.headers_mut().clone_from(request.headers());
    let response = next.run(request).await;
    let failed = response.status().is_client_error() || response.status().is_server_error();
    let dressed = response.headers().contains_key(header::CONTENT_LANGUAGE);
    if failed && wants_page && !dressed {
        pages::error_page(&services, &shell, response.status())
    } else {
        response
    }
}
