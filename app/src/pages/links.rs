//! What is behind a mailed link? A page with a button: opening it uses nothing up, because mail scanners and previews
//! open links too. One that no longer opens anything says so.

use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::accounts::{LinkPurpose, SHORTEST_PASSWORD};

use super::form::{Input, fault_words, input};
use super::{anyone, error};
use crate::flash::Field;
use crate::guard::keep_to_itself;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond, rich, ruler};

/// What a link's page says and does.
struct Words {
    title: String,
    lead: String,
    submit: String,
    action: &'static str,
    /// How far along the way it is, in thirtieths of the ruler.
    way: u32,
}

pub async fn verify(Path(token): Path<String>, reader: Reader) -> Response {
    page(reader, token, LinkPurpose::Verify).await
}

pub async fn confirm_email(Path(token): Path<String>, reader: Reader) -> Response {
    page(reader, token, LinkPurpose::EmailConfirm).await
}

pub async fn undo_email(Path(token): Path<String>, reader: Reader) -> Response {
    page(reader, token, LinkPurpose::EmailUndo).await
}

pub async fn reset(Path(token): Path<String>, reader: Reader) -> Response {
    page(reader, token, LinkPurpose::Reset).await
}

async fn page(reader: Reader, token: String, purpose: LinkPurpose) -> Response {
    let open = reader.services.accounts.link_open(purpose, &token).await;
    let ui = anyone(reader).await;
    let Ok(open) = open else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    let status = if open {
        StatusCode::OK
    } else {
        StatusCode::GONE
    };
    let answer = respond(&ui, status, |ui| {
        let words = words(ui, purpose);
        let (title, body) = if open {
            let title = words.title.clone();
            (title, button(ui, purpose, words, token))
        } else {
            (t!(ui, "verify.closed.title"), closed(ui, purpose))
        };
        Page {
            frame: Frame::Aside,
            title,
            description: None,
            body,
        }
    });
    keep_to_itself(ui.site(), answer)
}

fn words(ui: &Ui, purpose: LinkPurpose) -> Words {
    match purpose {
        LinkPurpose::Verify => Words {
            title: t!(ui, "verify.title"),
            lead: t!(ui, "verify.lead", brand = ui.site().brand),
            submit: t!(ui, "verify.submit"),
            action: "/api/verify",
            way: 20,
        },
        LinkPurpose::EmailConfirm => Words {
            title: t!(ui, "verify.email.title"),
            lead: t!(ui, "verify.email.lead"),
            submit: t!(ui, "verify.email.submit"),
            action: "/api/confirm_email",
            way: 20,
        },
        LinkPurpose::EmailUndo => Words {
            title: t!(ui, "verify.undo.title"),
            lead: t!(ui, "verify.undo.lead"),
            submit: t!(ui, "verify.undo.submit"),
            action: "/api/undo_email",
            way: 10,
        },
        LinkPurpose::Reset => Words {
            title: t!(ui, "recover.reset.title"),
            lead: t!(ui, "recover.reset.lead"),
            submit: t!(ui, "recover.reset.submit"),
            action: "/api/reset",
            way: 20,
        },
    }
}

fn button(ui: &Ui, purpose: LinkPurpose, words: Words, token: String) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let password = (purpose == LinkPurpose::Reset).then(|| {
        let hint = t!(
            ui,
            "signup.password_hint",
            min = SHORTEST_PASSWORD.to_string()
        );
        let password = Input {
            focus: true,
            ..Input::password(t!(ui, "recover.reset.password_label"))
        };
        input(ui, &flash, password.autocomplete("new-password").hint(hint))
    });
    view! {
        <div class="gate">
            {ruler(words.way, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{words.title}</h1>
                <p class="muted">{words.lead}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action=words.action>
                    <input type="hidden" name="token" value=token/>
                    {password}
                    <button class="btn primary wide" type="submit">{words.submit}</button>
                </form>
            </section>
        </div>
    }
    .into_any()
}

fn closed(ui: &Ui, purpose: LinkPurpose) -> AnyView {
    let (text, href) = if purpose == LinkPurpose::Reset {
        (t!(ui, "verify.closed.again"), ui.link("/recover"))
    } else {
        (t!(ui, "verify.closed.sign_in"), ui.link("/login"))
    };
    let words = rich(&text, |inner| view! { <a href=href>{inner}</a> }.into_any());
    view! {
        <div class="gate">
            {ruler(0, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "verify.closed.title")}</h1>
                <p class="muted">{t!(ui, "verify.closed.body")}</p>
                <p class="small">{words}</p>
            </section>
        </div>
    }
    .into_any()
}
