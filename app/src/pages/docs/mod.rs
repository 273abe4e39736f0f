//! `/docs` and below: how is this used? Long texts of `locales/content`, with this installation's own address, limits and
//! codes in them; as pages, as Markdown and for programs.

mod facts;
mod machine;
pub mod setup;
mod tables;
mod tree;
mod view;

use axum::response::Response;
use http::StatusCode;
use texts::{Document, Facts, Locale};

pub use machine::{llms, markdown, openapi, openapi_document, robots, sitemap};
pub use tree::{PATH, address, is_page, pages};

use super::{anyone, error};
use crate::reader::Reader;
use crate::services::Services;
use crate::shell::{Frame, Page, respond};

/// `GET /docs…`
pub async fn page(reader: Reader) -> Response {
    let found = tree::document_of(&reader.path);
    let services = reader.services.clone();
    let ui = anyone(reader).await;
    let Some(path) = found else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    let facts = facts::facts(&services, ui.locale());
    let Some(document) = read(&services, ui.locale(), path, &facts) else {
        return error::page(&ui, StatusCode::INTERNAL_SERVER_ERROR);
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: document.title.clone(),
        description: document.meta.get("description").cloned(),
        body: view::page(ui, path, &document, &facts),
    })
}

/// Every page with its address, in a language.
pub fn all(services: &Services, locale: Locale) -> Vec<(String, Document)> {
    let facts = facts::facts(services, locale);
    let read = |page| Some((address(page), read(services, locale, page, &facts)?));
    pages().filter_map(read).collect()
}

/// A page of the documentation. A broken one is in the log; English stands in for a translation.
fn read(services: &Services, locale: Locale, path: &str, facts: &Facts) -> Option<Document> {
    match services.texts.document(locale.code(), path, facts) {
        Ok(document) => document,
        Err(broken) => {
            tracing::error!(%broken, "A page of the documentation cannot be shown");
            None
        }
    }
}
