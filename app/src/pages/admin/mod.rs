//! How is the installation run? The administrators' pages, under an amber rule: numbers, accounts, keys, providers,
//! models and prices, and the log of who did what.

mod account;
mod accounts;
mod act;
mod audit;
mod filter;
mod keys;
mod link;
mod model;
mod models;
mod order;
mod orders;
mod overview;
mod price;
mod rates;
mod routes;
mod told;
mod upstreams;

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

pub use account::account;
pub use accounts::accounts;
pub use audit::audit;
pub use keys::{key, keys};
pub use link::{encoded, model_path, with_query};
pub use model::model;
pub use models::{models, new_model};
pub use order::order;
pub use orders::orders;
pub use overview::overview;
pub use rates::{rate, rates};
pub use told::{admin_fault_words, admin_told};
pub use upstreams::{new_upstream, upstream, upstreams};

use super::form::fault_words;
use super::{admin, error};
use crate::flash::Field;
use crate::reader::Ui;
use crate::shell::{Frame, Page, icon, notice, respond};

/// Rows on one page of a list.
const PAGE: u32 = 50;

/// An administrator's page: heading, tabs, what the form as a whole has to say.
fn page(ui: &Ui, title: String, body: impl FnOnce(&Ui) -> AnyView) -> Response {
    respond(ui, StatusCode::OK, |ui| framed(ui, title, body(ui)))
}

/// The page that says that there is no such thing.
fn missing(ui: &Ui) -> Response {
    error::page(ui, StatusCode::NOT_FOUND)
}

/// The page that says that the database cannot be reached; why is for the log.
fn unavailable(ui: &Ui, error: &dyn std::error::Error) -> Response {
    tracing::error!(error = %error, "An administrator's page could not be read");
    error::page(ui, StatusCode::SERVICE_UNAVAILABLE)
}

fn framed(ui: &Ui, title: String, body: AnyView) -> Page {
    let tabs = [
        ("/admin", t!(ui, "admin.tabs.overview")),
        ("/admin/accounts", t!(ui, "admin.tabs.accounts")),
        ("/admin/orders", t!(ui, "admin.tabs.orders")),
        ("/admin/keys", t!(ui, "admin.tabs.keys")),
        ("/admin/upstreams", t!(ui, "admin.tabs.upstreams")),
        ("/admin/models", t!(ui, "admin.tabs.models")),
        ("/admin/rates", t!(ui, "admin.rates.tab")),
        ("/admin/audit", t!(ui, "admin.tabs.audit")),
    ];
    let tabs: Vec<_> = tabs
        .into_iter()
        .map(|(path, words)| {
            let current = match ui.path().strip_prefix(path) {
                Some("") => Some("page"),
                Some(rest) if rest.starts_with('/') && path != "/admin" => Some("true"),
                _ => None,
            };
            view! { <li><a href=path aria-current=current>{words}</a></li> }
        })
        .collect();
    let fault = ui
        .flash()
        .and_then(|flash| flash.of(Field::Form))
        .map(|fault| notice(ui, "danger", fault_words(ui, fault)));
    let body = view! {
        <nav class="subnav" aria-label=t!(ui, "admin.tabs.label")><ul class="subnav-list">{tabs}</ul></nav>
        {fault}
        {body}
    };
    Page {
        frame: Frame::Account,
        title,
        description: None,
        body: body.into_any(),
    }
}

/// The way back to the list that a page belongs to.
fn crumbs(ui: &Ui, path: &'static str, words: String) -> AnyView {
    view! {
        <nav class="crumbs" aria-label=t!(ui, "admin.crumbs")>
            <ol><li><a href=path>{icon(ui, "arrow-left", "flip")}{words}</a></li></ol>
        </nav>
    }
    .into_any()
}

/// A list's box that scrolls by itself on a phone.
fn scrolled(caption: String, head: AnyView, rows: Vec<AnyView>) -> AnyView {
    let label = caption.clone();
    view! {
        <div class="tablewrap" role="group" aria-label=label tabindex="0">
            <table class="admin-table">
                <caption class="vh">{caption}</caption>
                <thead><tr>{head}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The link to the rows after these.
fn older(ui: &Ui, href: String) -> AnyView {
    view! { <p><a class="btn" href=href>{t!(ui, "admin.older")}</a></p> }.into_any()
}

/// One fact under its name.
fn fact(name: String, value: impl IntoView + 'static) -> AnyView {
    view! { <div><dt>{name}</dt><dd>{value}</dd></div> }.into_any()
}
