//! What now, after a form that sends a mail? The same page for everybody, whoever has an account here and whoever has not.

use axum::extract::Query;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;

use super::anyone;
use super::form::{Input, input};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, respond, rich, ruler};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// `reset`: the mail is about a new password.
    about: String,
}

pub async fn check_mail(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let ui = anyone(reader).await;
    let reset = asked.about == "reset";
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Aside,
        title: t!(ui, "signup.check_mail.title"),
        description: None,
        body: content(ui, reset),
    })
}

fn content(ui: &Ui, reset: bool) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let lead = if reset {
        t!(ui, "recover.check_mail")
    } else {
        t!(ui, "signup.check_mail.lead")
    };
    let outbox = ui.site().local.then(|| {
        let words = rich(&t!(ui, "signup.check_mail.outbox"), |inner| {
            view! { <a href="/outbox">{inner}</a> }.into_any()
        });
        view! { <p class="offer">{words}</p> }
    });
    let (action, email) = if reset {
        ("/api/ask_reset", t!(ui, "recover.email_label"))
    } else {
        ("/api/resend_verification", t!(ui, "signup.email_label"))
    };
    let email = Input {
        focus: false,
        autocomplete: "email",
        ..Input::email(email)
    };
    view! {
        <div class="gate">
            {ruler(10, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "signup.check_mail.title")}</h1>
                <p class="muted">{lead}</p>
                {outbox}
                <p class="hint">{t!(ui, "signup.check_mail.spam")}</p>
                <form class="form" method="post" action=action>
                    {input(ui, &flash, email)}
                    <button class="btn wide" type="submit">{t!(ui, "verify.resend")}</button>
                </form>
            </section>
        </div>
    }
    .into_any()
}
