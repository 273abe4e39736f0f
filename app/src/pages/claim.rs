//! Who opens the one-time link? Whoever does sets e-mail and password of the first administrator. Looking at the page
//! uses nothing up: mail scanners and previews look too.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::accounts::SHORTEST_PASSWORD;

use super::form::{Input, fault_words, input};
use super::{anyone, error};
use crate::flash::Field;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond, rich, ruler};

pub async fn claim(Path(token): Path<String>, reader: Reader) -> Response {
    let open = reader.services.accounts.claim_open(&token).await;
    let ui = anyone(reader).await;
    let aside = |title, body| Page {
        frame: Frame::Aside,
        title,
        description: None,
        body,
    };
    match open {
        Ok(true) => respond(&ui, StatusCode::OK, |ui| {
            aside(
                t!(ui, "account.claim.title", brand = ui.site().brand),
                form(ui, token),
            )
        }),
        Ok(false) => respond(&ui, StatusCode::GONE, |ui| {
            aside(t!(ui, "account.claim.open_title"), closed(ui))
        }),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn form(ui: &Ui, token: String) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let hint = t!(
        ui,
        "account.claim.password_hint",
        min = SHORTEST_PASSWORD.to_string()
    );
    view! {
        <div class="gate">
            {ruler(1, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "account.claim.title", brand = ui.site().brand)}</h1>
                <p class="muted">{t!(ui, "account.claim.lead")}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action="/api/claim">
                    <input type="hidden" name="token" value=token/>
                    {input(ui, &flash, Input::email(t!(ui, "account.claim.email_label")).hint(t!(ui, "account.claim.email_hint")))}
                    {input(ui, &flash, Input::password(t!(ui, "account.claim.password_label")).autocomplete("new-password").hint(hint))}
                    <button class="btn primary wide" type="submit">{t!(ui, "account.claim.submit")}</button>
                </form>
                {sign_in_instead(ui)}
            </section>
        </div>
    }
    .into_any()
}

fn closed(ui: &Ui) -> AnyView {
    view! {
        <div class="gate">
            {ruler(0, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "account.claim.open_title")}</h1>
                <p class="muted">{t!(ui, "account.claim.open_body", brand = ui.site().brand)}</p>
                {sign_in_instead(ui)}
            </section>
        </div>
    }
    .into_any()
}

fn sign_in_instead(ui: &Ui) -> AnyView {
    let login = ui.link("/login");
    let words = rich(&t!(ui, "account.claim.sign_in_instead"), |inner| {
        view! { <a href=login>{inner}</a> }.into_any()
    });
    view! { <p class="small">{words}</p> }.into_any()
}
