//! How do I like it, and how is my account kept safe? Settings, in pages that are linked as tabs.

mod email;
mod look;
mod policies;
mod profile;
mod qr;
mod second_factor;
mod security;
mod sessions;

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;

pub use email::email;
pub use policies::{accepted_text, policies};
pub use second_factor::{recovery_codes, second_factor};
pub use security::security;
pub use sessions::sessions;

use super::form::fault_words;
use super::signed_in;
use crate::flash::Field;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond};

pub async fn settings(reader: Reader) -> Response {
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    respond(&ui, StatusCode::OK, |ui| {
        let body = view! {
            <div class="columns">
                {profile::profile(ui, &account)}
                {profile::notifications(ui, &account)}
                {look::look(ui, &account)}
            </div>
        };
        framed(ui, t!(ui, "settings.title"), body.into_any())
    })
}

/// One of the pages of the settings: heading, tabs, what the form as a whole has to say.
fn framed(ui: &Ui, title: String, body: AnyView) -> Page {
    let tabs = [
        ("/settings", t!(ui, "settings.tabs.general")),
        ("/settings/security", t!(ui, "settings.tabs.security")),
        ("/settings/sessions", t!(ui, "settings.tabs.sessions")),
        ("/settings/policies", t!(ui, "policies.accepted.tab")),
    ];
    let in_security = ["/settings/second-factor", "/settings/recovery-codes"].contains(&ui.path());
    let tabs: Vec<_> = tabs
        .into_iter()
        .map(|(path, words)| {
            let current = if ui.path() == path {
                Some("page")
            } else if (in_security && path == "/settings/security")
                || (ui.path() == "/settings/email" && path == "/settings")
            {
                Some("true")
            } else {
                None
            };
            view! { <li><a href=path aria-current=current>{words}</a></li> }
        })
        .collect();
    let fault = ui
        .flash()
        .and_then(|flash| flash.of(Field::Form))
        .map(|fault| notice(ui, "danger", fault_words(ui, fault)));
    let body = view! {
        <h1>{t!(ui, "settings.title")}</h1>
        <nav class="subnav" aria-label=t!(ui, "settings.tabs.label")><ul class="subnav-list">{tabs}</ul></nav>
        {fault}
        {body}
    };
    Page {
        frame: Frame::Account,
        title,
        description: None,
        body: body.into_any(),
    }
}
