//! How does somebody come in? One card: e-mail, password, and what went wrong last time.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;

use super::anyone;
use super::form::{Input, fault_words, input};
use crate::flash::{Field, Notice};
use crate::guard::safe_next;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond, rich, ruler};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    next: Option<String>,
}

pub async fn login(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let ui = anyone(reader).await;
    let next = asked
        .next
        .as_deref()
        .and_then(safe_next)
        .map(ToOwned::to_owned);
    if ui.account().is_some() {
        return Redirect::to(next.as_deref().unwrap_or("/overview")).into_response();
    }
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "sessions.sign_in.title"),
        description: Some(t!(ui, "landing.meta.description")),
        body: content(ui, next),
    })
}

fn content(ui: &Ui, next: Option<String>) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let lead = if flash.notice == Some(Notice::SignedOut) {
        t!(ui, "sessions.sign_out.body")
    } else {
        t!(ui, "sessions.sign_in.lead")
    };
    let next = next.map(|path| view! { <input type="hidden" name="next" value=path/> });
    let recover = view! { <a href=ui.link("/recover")>{t!(ui, "sessions.sign_in.recover")}</a> };
    let sign_up = ui.sign_up_open().then(|| {
        let words = rich(&t!(ui, "sessions.sign_in.sign_up"), |inner| {
            view! { <a href=ui.link("/signup")>{inner}</a> }.into_any()
        });
        view! { <span>{words}</span> }
    });
    view! {
        <div class="gate">
            {ruler(30, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "sessions.sign_in.title")}</h1>
                <p class="muted">{lead}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action="/api/sign_in">
                    {next}
                    {input(ui, &flash, Input::email(t!(ui, "sessions.sign_in.email_label")))}
                    {input(ui, &flash, Input::password(t!(ui, "sessions.sign_in.password_label")))}
                    <button class="btn primary wide" type="submit">{t!(ui, "sessions.sign_in.submit")}</button>
                </form>
                <p class="small ways">{recover}{sign_up}</p>
            </section>
        </div>
    }
    .into_any()
}
