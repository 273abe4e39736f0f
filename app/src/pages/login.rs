//! How does somebody come in? One card: e-mail, password, and what went wrong last time.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;

use super::anyone;
use crate::flash::{Fault, Field, Flash, Notice};
use crate::guard::safe_next;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond, ruler};

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
    view! {
        <div class="gate">
            {ruler(30, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "sessions.sign_in.title")}</h1>
                <p class="muted">{lead}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action="/api/sign_in">
                    {next}
                    {email_field(ui, t!(ui, "sessions.sign_in.email_label"), None, &flash)}
                    {password_field(ui, t!(ui, "sessions.sign_in.password_label"), "current-password", None, &flash)}
                    <button class="btn primary wide" type="submit">{t!(ui, "sessions.sign_in.submit")}</button>
                </form>
            </section>
        </div>
    }
    .into_any()
}

/// The e-mail, with what was typed last time. No `required`: the server's own words come in the reader's language.
pub fn email_field(ui: &Ui, label: String, hint: Option<String>, flash: &Flash) -> AnyView {
    let typed = flash.email.clone().unwrap_or_default();
    let input = Input {
        id: "email",
        kind: "email",
        autocomplete: "username",
        value: typed,
        fault: flash.of(Field::Email),
    };
    // Whoever comes back with a typed e-mail goes on with the password.
    let focus = flash.email.is_none() || input.fault.is_some();
    field(ui, label, hint, input, focus)
}

pub fn password_field(
    ui: &Ui,
    label: String,
    autocomplete: &'static str,
    hint: Option<String>,
    flash: &Flash,
) -> AnyView {
    let input = Input {
        id: "password",
        kind: "password",
        autocomplete,
        value: String::new(),
        fault: flash.of(Field::Password),
    };
    let focus = flash.email.is_some() && flash.of(Field::Email).is_none();
    field(ui, label, hint, input, focus)
}

struct Input {
    id: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
    fault: Option<Fault>,
}

fn field(ui: &Ui, label: String, hint: Option<String>, input: Input, focus: bool) -> AnyView {
    let Input {
        id,
        kind,
        autocomplete,
        value,
        fault,
    } = input;
    let (hint_id, wrong_id) = (format!("{id}-hint"), format!("{id}-wrong"));
    let described: Vec<&str> = [
        (fault.is_some(), wrong_id.as_str()),
        (hint.is_some(), hint_id.as_str()),
    ]
    .iter()
    .filter(|(there, _)| *there)
    .map(|(_, id)| *id)
    .collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let wrong = fault.map(|fault| {
        let words = match (id, fault) {
            ("email", Fault::Missing) => t!(ui, "form.email_required"),
            ("password", Fault::Missing) => t!(ui, "form.password_required"),
            _ => fault_words(ui, fault),
        };
        view! { <p class="wrong" id=wrong_id.clone()>{words}</p> }
    });
    view! {
        <div class="item">
            <label for=id>{label}</label>
            <input class="field" id=id name=id type=kind autocomplete=autocomplete value=value autofocus=focus dir="ltr"
                autocapitalize="none" spellcheck="false" aria-describedby=described aria-invalid=fault.map(|_| "true")/>
            {wrong}
            {hint.map(|text| view! { <p class="hint" id=hint_id.clone()>{text}</p> })}
        </div>
    }
    .into_any()
}

/// What is wrong, as a sentence.
pub fn fault_words(ui: &Ui, fault: Fault) -> String {
    use server::accounts::{LONGEST_PASSWORD, SHORTEST_PASSWORD};
    match fault {
        Fault::Missing => t!(ui, "form.required"),
        Fault::Malformed => t!(ui, "form.email_invalid"),
        Fault::Taken => t!(ui, "form.email_taken"),
        Fault::TooShort => t!(
            ui,
            "form.password_too_short",
            min = SHORTEST_PASSWORD.to_string()
        ),
        Fault::TooLong => t!(
            ui,
            "form.password_too_long",
            max = LONGEST_PASSWORD.to_string()
        ),
        Fault::TooWeak => t!(ui, "form.password_too_weak"),
        Fault::Wrong => t!(ui, "sessions.sign_in.wrong"),
        Fault::TooMany { seconds } => n!(ui, "sessions.sign_in.too_many", seconds),
        Fault::Busy => t!(ui, "sessions.sign_in.busy"),
        Fault::Unavailable => t!(ui, "sessions.sign_in.unavailable"),
    }
}
