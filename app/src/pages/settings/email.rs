//! Which address do I sign in with? A new one counts once its mail was answered; the old one is told and can undo it.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

use super::framed;
use crate::pages::confirmed;
use crate::pages::form::{Input, input};
use crate::reader::Reader;
use crate::shell::{notice, respond};

pub async fn email(reader: Reader) -> Response {
    let (ui, account) = match confirmed(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    respond(&ui, StatusCode::OK, |ui| {
        let flash = ui.flash().cloned().unwrap_or_default();
        let email = Input {
            autocomplete: "email",
            ..Input::email(t!(ui, "settings.email.label"))
        };
        let form = if ui.sign_up_open() {
            view! {
                <form class="form" method="post" action="/api/change_email">
                    {input(ui, &flash, email)}
                    <p class="row">
                        <button class="btn primary" type="submit">{t!(ui, "settings.email.submit")}</button>
                        <a class="btn" href="/settings">{t!(ui, "settings.cancel")}</a>
                    </p>
                </form>
            }
            .into_any()
        } else {
            notice(ui, "", t!(ui, "settings.email.no_mail"))
        };
        let body = view! {
            <section class="sheet narrow" aria-labelledby="email-title">
                <header><h2 id="email-title">{t!(ui, "settings.email.title")}</h2></header>
                <p class="muted">{t!(ui, "settings.email.now", email = account.email)}</p>
                <p class="muted">{t!(ui, "settings.email.lead")}</p>
                {form}
            </section>
        };
        framed(ui, t!(ui, "settings.email.title"), body.into_any())
    })
}
