//! How is something found? `/search?q=`: pages, the reader's keys, models, the documentation, and what can be switched,
//! as a page for everybody; `/search/results` sends the same list to the palette (`islands/palette.rs`).

mod find;
mod list;

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;

use super::{anyone, anyone_at_home, docs, query_of};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::{Frame, Page, fragment, icon, respond};

use find::Found;
pub use list::ACTIONS_IN_PALETTE;

/// The page; it has an address in every language.
pub const PATH: &str = "/search";
/// What is longer was not typed.
const QUERY_MAX: usize = 200;

/// `GET /search`
pub async fn search(reader: Reader) -> Response {
    let services = reader.services.clone();
    let query = asked(&reader.asked);
    let ui = anyone_at_home(reader).await;
    let found = find(&services, &ui, &query).await;
    respond(&ui, StatusCode::OK, |ui| {
        let frame = if ui.account().is_some() {
            Frame::Account
        } else {
            Frame::Aside
        };
        Page {
            frame,
            title: t!(ui, "palette.title"),
            description: None,
            body: content(ui, &query, &found),
        }
    })
}

/// `GET /search/results`: the list alone, for the palette.
pub async fn results(reader: Reader) -> Response {
    let services = reader.services.clone();
    let query = asked(&reader.asked);
    let ui = anyone(reader).await;
    let found = find(&services, &ui, &query).await;
    fragment(&ui, |ui| list::options(ui, &query, &found))
}

async fn find(services: &Services, ui: &Ui, query: &str) -> Found {
    // Without the database there is still everything else to be found.
    let keys = match ui.account() {
        Some(account) => services.keys.list(account.workspace).await,
        None => Ok(Vec::new()),
    };
    // Long texts are only looked through for something.
    let guides = if query.is_empty() {
        Vec::new()
    } else {
        docs::all(services, ui.locale())
    };
    let entries = find::entries(
        ui,
        &keys.unwrap_or_default(),
        &services.catalog.published(),
        &guides,
    );
    Found::of(entries, query)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    q: String,
}

/// What `asked`, an address with its query, looks for.
fn asked(asked: &str) -> String {
    let typed: Typed = query_of(asked);
    typed.q.trim().chars().take(QUERY_MAX).collect()
}

fn content(ui: &Ui, query: &str, found: &Found) -> AnyView {
    view! {
        <div class="search-page">
            <h1>{t!(ui, "palette.title")}</h1>
            <form class="find" method="get" action=ui.link(PATH) role="search">
                <div class="item">
                    <label for="q">{t!(ui, "palette.label")}</label>
                    <input class="field" type="search" id="q" name="q" value=query.to_owned() autocomplete="off"
                        autocapitalize="none" spellcheck="false" autofocus/>
                </div>
                <button class="btn" type="submit">{icon(ui, "search", "")}{t!(ui, "palette.submit")}</button>
            </form>
            {list::sections(ui, query, found)}
        </div>
    }
    .into_any()
}
