//! `/shortcuts`: which keys do something? The same list that `?` opens, for whoever comes without a script or by the
//! search.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

use super::anyone_at_home;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, key_list, notice, off_hint, respond, rich};

/// It has an address in every language.
pub const PATH: &str = "/shortcuts";

/// `GET /shortcuts`
pub async fn shortcuts(reader: Reader) -> Response {
    let ui = anyone_at_home(reader).await;
    let frame = if ui.account().is_some() {
        Frame::Account
    } else {
        Frame::Aside
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame,
        title: t!(ui, "shortcuts.title"),
        description: None,
        body: content(ui),
    })
}

/// They work on the pages of who is signed in and has not turned them off; who looks from elsewhere is told so.
fn content(ui: &Ui) -> AnyView {
    let state = match ui.account() {
        None => Some(t!(ui, "palette.keys.signed_out")),
        Some(account) if !account.chosen.shortcuts => Some(t!(ui, "palette.keys.off")),
        Some(_) => None,
    };
    let state = state.map(|words| {
        let words = rich(&words, |inner| {
            view! { <a href="/settings#look">{inner}</a> }.into_any()
        });
        notice(ui, "", words)
    });
    let hint = ui.account().map(|_| off_hint(ui));
    view! {
        <div class="search-page">
            <h1>{t!(ui, "shortcuts.title")}</h1>
            {state}
            <section class="sheet keysheet" aria-label=t!(ui, "shortcuts.title")>{key_list(ui)}{hint}</section>
        </div>
    }
    .into_any()
}
