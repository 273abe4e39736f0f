//! Is it still you? The code of the second factor after the password, and the password again before something that
//! matters.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;

use super::form::{Input, fault_words, input};
use super::{error, let_in};
use crate::flash::Field;
use crate::guard::{safe_next, with_next};
use crate::reader::{Reader, Ui, localized};
use crate::session::{HalfWay, half_way};
use crate::shell::{Frame, Page, notice, respond, rich, ruler};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    next: Option<String>,
    /// `recovery`: one of the codes on paper instead of the app's.
    with: String,
}

impl Asked {
    pub fn next(&self) -> &str {
        self.next
            .as_deref()
            .and_then(safe_next)
            .unwrap_or("/overview")
    }
}

/// `/login/code`: for who gave the right password, and for sessions from before the factor was set up.
pub async fn code(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let now = reader.prefs.now;
    let waiting = match half_way(&reader.session, &services.accounts, now).await {
        Ok(waiting) => waiting,
        Err(_) => return error::page(&reader.ui(None), StatusCode::SERVICE_UNAVAILABLE),
    };
    let Some(HalfWay { account, .. }) = waiting else {
        let login = localized(reader.prefs.locale, "/login");
        return Redirect::to(&login).into_response();
    };
    match services.accounts.second_factor(account.id).await {
        Ok(view) if view.on => {
            // Nobody is signed in yet: the page is a stranger's.
            let ui = reader.ui(None);
            respond(&ui, StatusCode::OK, |ui| Page {
                frame: Frame::Aside,
                title: t!(ui, "second_factor.sign_in.title"),
                description: None,
                body: code_form(ui, asked.next(), asked.with == "recovery"),
            })
        }
        Ok(_) => Redirect::to(asked.next()).into_response(),
        Err(_) => error::page(&reader.ui(None), StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn code_form(ui: &Ui, next: &str, recovery: bool) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let login = ui.link("/login");
    let back = rich(&t!(ui, "second_factor.sign_in.again"), |inner| {
        view! { <a href=login>{inner}</a> }.into_any()
    });
    let here = with_next("/login/code", next);
    let joint = if here.contains('?') { '&' } else { '?' };
    // Letters are in a recovery code: another field, with another keyboard on a phone.
    let (lead, field, other) = if recovery {
        let field = Input {
            autocomplete: "off",
            inputmode: None,
            label: t!(ui, "second_factor.sign_in.recovery_label"),
            ..code_input(ui)
        };
        (
            t!(ui, "second_factor.sign_in.recovery_lead"),
            field,
            rich(&t!(ui, "second_factor.sign_in.app_instead"), |inner| {
                view! { <a href=here>{inner}</a> }.into_any()
            }),
        )
    } else {
        (
            t!(ui, "second_factor.sign_in.lead"),
            code_input(ui),
            rich(&t!(ui, "second_factor.sign_in.recovery_instead"), |inner| {
                view! { <a href=format!("{here}{joint}with=recovery")>{inner}</a> }.into_any()
            }),
        )
    };
    let with = recovery.then(|| view! { <input type="hidden" name="with" value="recovery"/> });
    view! {
        <div class="gate">
            {ruler(25, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "second_factor.sign_in.title")}</h1>
                <p class="muted">{lead}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action="/api/second_step">
                    <input type="hidden" name="next" value=next.to_owned()/>
                    {with}
                    {input(ui, &flash, field)}
                    <button class="btn primary wide" type="submit">{t!(ui, "sessions.sign_in.submit")}</button>
                </form>
                <p class="small">{other}</p>
                <p class="small">{back}</p>
            </section>
        </div>
    }
    .into_any()
}

/// The field for a code of an authenticator app.
pub fn code_input(ui: &Ui) -> Input {
    Input {
        autocomplete: "one-time-code",
        inputmode: Some("numeric"),
        focus: true,
        ltr: true,
        ..Input::new(Field::Code, t!(ui, "second_factor.code_label"))
    }
}

/// `/confirm`: the password once more.
pub async fn confirm(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let (reader, known) = match let_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    if known.confirmed(reader.prefs.now) {
        return Redirect::to(asked.next()).into_response();
    }
    let ui = reader.ui(Some(known.account));
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Aside,
        title: t!(ui, "confirm.title"),
        description: None,
        body: confirm_form(ui, asked.next()),
    })
}

fn confirm_form(ui: &Ui, next: &str) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let email = ui
        .account()
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let password = Input {
        focus: true,
        ..Input::password(t!(ui, "confirm.password_label"))
    };
    view! {
        <div class="gate">
            {ruler(15, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "confirm.title")}</h1>
                <p class="muted">{t!(ui, "confirm.lead")}</p>
                {flash.of(Field::Form).map(|fault| notice(ui, "danger", fault_words(ui, fault)))}
                <form class="form" method="post" action="/api/confirm">
                    <input type="hidden" name="next" value=next.to_owned()/>
                    // For password managers: whose password it is.
                    <input type="email" name="email" value=email autocomplete="username" readonly hidden/>
                    {input(ui, &flash, password)}
                    <button class="btn primary wide" type="submit">{t!(ui, "confirm.submit")}</button>
                </form>
            </section>
        </div>
    }
    .into_any()
}
