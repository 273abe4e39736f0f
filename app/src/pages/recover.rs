//! The password is gone: what now? An address, to which a link for a new one is mailed.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

use super::anyone;
use super::form::{Input, fault_words, input};
use crate::flash::Field;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond, rich, ruler};

pub async fn recover(reader: Reader) -> Response {
    let ui = anyone(reader).await;
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "recover.title"),
        description: Some(t!(ui, "landing.meta.description")),
        body: content(ui),
    })
}

fn content(ui: &Ui) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let login = ui.link("/login");
    let back = rich(&t!(ui, "recover.sign_in_instead"), |inner| {
        view! { <a href=login>{inner}</a> }.into_any()
    });
    // Without mail there is no link to send; the operator makes one by hand.
    let form = if ui.sign_up_open() {
        view! {
            <form class="form" method="post" action="/api/ask_reset">
                {input(ui, &flash, Input::email(t!(ui, "recover.email_label")))}
                <button class="btn primary wide" type="submit">{t!(ui, "recover.submit")}</button>
            </form>
        }
        .into_any()
    } else {
        notice(ui, "", t!(ui, "recover.no_mail"))
    };
    view! {
        <div class="gate">
            {ruler(5, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "recover.title")}</h1>
                <p class="muted">{t!(ui, "recover.lead")}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                {form}
                <p class="small">{back}</p>
            </section>
        </div>
    }
    .into_any()
}
