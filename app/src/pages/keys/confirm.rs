//! Are you sure? What cannot be undone is asked once more, with the safe answer first; what shows a secret says who is
//! told.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use domain::views::{KeyStatus, KeyView};
use http::StatusCode;
use leptos::prelude::*;

use super::{crumbs, own, page};
use crate::pages::{confirmed, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, respond};

/// For how long both keys may work, in seconds, with the words for each.
const OVERLAPS: [u64; 4] = [0, 3_600, 86_400, 604_800];
/// What is chosen beforehand: a day to bring the new key everywhere.
const OVERLAP: u64 = 86_400;

/// `GET /keys/{id}/revoke`: for browsers that open no dialog.
pub async fn revoke(Path(id): Path<String>, reader: Reader) -> Response {
    ask(id, reader, |ui, key| {
        let title = t!(ui, "keys.revoke.question", name = key.name);
        (
            title,
            t!(ui, "keys.revoke.body"),
            revoke_form(ui, key, false),
        )
    })
    .await
}

/// `GET /keys/{id}/roll`
pub async fn roll(Path(id): Path<String>, reader: Reader) -> Response {
    ask(id, reader, |ui, key| {
        let title = t!(ui, "keys.roll.question", name = key.name);
        let body = key.previous.as_ref().map_or_else(
            || t!(ui, "keys.roll.body"),
            |old| t!(ui, "keys.roll.overlapping", date = ui.date_time(old.until)),
        );
        (title, body, roll_form(ui, key))
    })
    .await
}

/// One question about one key, on a page of its own. A key that is revoked has no more questions.
async fn ask(
    id: String,
    reader: Reader,
    question: impl FnOnce(&Ui, &KeyView) -> (String, String, AnyView),
) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    match own(&services, &ui, &account, &id).await {
        Ok(key) if key.status == KeyStatus::Revoked => {
            Redirect::to(&format!("/keys/{}", key.id)).into_response()
        }
        Ok(key) => respond(&ui, StatusCode::OK, |ui| {
            let (title, body, form) = question(ui, &key);
            page(title.clone(), sheet(ui, Some(&key), title, body, form))
        }),
        Err(elsewhere) => elsewhere,
    }
}

/// `GET /keys/{id}/reveal`: for who has typed the password again a moment ago.
pub async fn reveal(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match confirmed(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let key = match own(&services, &ui, &account, &id).await {
        Ok(key) => key,
        Err(elsewhere) => return elsewhere,
    };
    respond(&ui, StatusCode::OK, |ui| {
        let title = t!(ui, "keys.reveal.question", name = key.name);
        let (body, form) = if key.copy_kept {
            (t!(ui, "keys.reveal.body"), reveal_form(ui, &key))
        } else {
            (t!(ui, "keys.reveal.no_copy"), back(ui, &key))
        };
        page(title.clone(), sheet(ui, Some(&key), title, body, form))
    })
}

/// `GET /keys/freeze`
pub async fn freeze(reader: Reader) -> Response {
    match signed_in(reader).await {
        Ok((ui, _)) => respond(&ui, StatusCode::OK, |ui| {
            let title = t!(ui, "keys.freeze.question");
            let form = view! {
                <form class="row" method="post" action="/api/freeze_keys">
                    <a class="btn" href="/keys">{t!(ui, "keys.freeze.keep")}</a>
                    <button class="btn danger" type="submit">{t!(ui, "keys.freeze.action")}</button>
                </form>
            };
            let body = t!(ui, "keys.freeze.body");
            page(title.clone(), sheet(ui, None, title, body, form.into_any()))
        }),
        Err(elsewhere) => elsewhere.into_response(),
    }
}

fn sheet(ui: &Ui, key: Option<&KeyView>, title: String, body: String, form: AnyView) -> AnyView {
    view! {
        {crumbs(ui, key)}
        <section class="sheet narrow" aria-labelledby="question">
            <h1 id="question">{title}</h1>
            <p class="muted">{body}</p>
            {form}
        </section>
    }
    .into_any()
}

/// The button that opens the dialog; a browser without scripts and dialogs finds the page instead.
pub fn revoke_button(ui: &Ui, key: &KeyView) -> AnyView {
    let href = format!("/keys/{}/revoke", key.id);
    view! {
        <div class="stack">
            <button class="btn danger" type="button" command="show-modal" commandfor="revoke">{t!(ui, "keys.revoke.ask")}</button>
            <noscript><a href=href>{t!(ui, "keys.revoke.ask_on_page")}</a></noscript>
            <dialog id="revoke" aria-labelledby="revoke-question">
                <h2 id="revoke-question">{t!(ui, "keys.revoke.question", name = key.name)}</h2>
                <p>{t!(ui, "keys.revoke.body")}</p>
                {revoke_form(ui, key, true)}
            </dialog>
        </div>
    }
    .into_any()
}

/// The safe answer first, and with the focus.
fn revoke_form(ui: &Ui, key: &KeyView, dialog: bool) -> AnyView {
    let keep = t!(ui, "keys.revoke.keep");
    let keep = if dialog {
        view! { <button class="btn" type="button" command="close" commandfor="revoke" autofocus>{keep}</button> }.into_any()
    } else {
        view! { <a class="btn" href=format!("/keys/{}", key.id)>{keep}</a> }.into_any()
    };
    view! {
        <form class="row" method="post" action="/api/revoke_key">
            <input type="hidden" name="id" value=key.id.to_string()/>
            {keep}
            <button class="btn danger" type="submit">{t!(ui, "keys.revoke.action")}</button>
        </form>
    }
    .into_any()
}

fn roll_form(ui: &Ui, key: &KeyView) -> AnyView {
    let rolled = key.previous.is_some();
    let entries: Vec<_> = OVERLAPS
        .into_iter()
        .filter(|seconds| !rolled || *seconds == 0)
        .map(|seconds| {
            let words = match seconds {
                0 => t!(ui, "keys.roll.overlap_none"),
                3_600 => t!(ui, "keys.roll.overlap_hour"),
                86_400 => t!(ui, "keys.roll.overlap_day"),
                _ => t!(ui, "keys.roll.overlap_week"),
            };
            view! { <option value=seconds.to_string() selected=seconds == OVERLAP>{words}</option> }
        })
        .collect();
    view! {
        <form class="form" method="post" action="/api/roll_key">
            <input type="hidden" name="id" value=key.id.to_string()/>
            <div class="item">
                <label for="overlap">{t!(ui, "keys.roll.overlap")}</label>
                <select class="field" id="overlap" name="overlap">{entries}</select>
            </div>
            <div class="row">
                <a class="btn" href=format!("/keys/{}", key.id)>{t!(ui, "keys.roll.keep")}</a>
                <button class="btn primary" type="submit">{t!(ui, "keys.roll.submit")}</button>
            </div>
        </form>
    }
    .into_any()
}

fn reveal_form(ui: &Ui, key: &KeyView) -> AnyView {
    view! {
        <form class="row" method="post" action="/api/reveal_key">
            <input type="hidden" name="id" value=key.id.to_string()/>
            <a class="btn" href=format!("/keys/{}", key.id)>{t!(ui, "keys.reveal.keep")}</a>
            <button class="btn primary" type="submit">{icon(ui, "key", "")}{t!(ui, "keys.reveal.action")}</button>
        </form>
    }
    .into_any()
}

fn back(ui: &Ui, key: &KeyView) -> AnyView {
    view! { <p class="row"><a class="btn" href=format!("/keys/{}", key.id)>{t!(ui, "keys.back")}</a></p> }
        .into_any()
}
