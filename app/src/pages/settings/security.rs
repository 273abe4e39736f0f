//! What keeps others out? The password, and a second factor for who wants one.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::accounts::{SHORTEST_PASSWORD, SecondFactorView};

use super::framed;
use crate::flash::Field;
use crate::pages::form::{Input, input};
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, respond};

pub async fn security(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(factor) = services.accounts.second_factor(account.id).await else {
        return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
    };
    respond(&ui, StatusCode::OK, |ui| {
        let body = view! {
            <div class="columns">
                {password(ui)}
                {second_factor(ui, factor)}
            </div>
        };
        framed(ui, t!(ui, "settings.tabs.security"), body.into_any())
    })
}

fn password(ui: &Ui) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let email = ui
        .account()
        .map(|account| account.email.clone())
        .unwrap_or_default();
    let current = Input::password(t!(ui, "settings.password.current"));
    let fresh = Input {
        field: Field::NewPassword,
        ..Input::password(t!(ui, "settings.password.new"))
    };
    let hint = t!(
        ui,
        "signup.password_hint",
        min = SHORTEST_PASSWORD.to_string()
    );
    view! {
        <section class="sheet" aria-labelledby="password-title">
            <header><h2 id="password-title">{t!(ui, "settings.password.title")}</h2></header>
            <p class="muted">{t!(ui, "settings.password.lead")}</p>
            <form class="form" method="post" action="/api/change_password">
                // For password managers: whose password it is.
                <input type="email" name="email" value=email autocomplete="username" readonly hidden/>
                {input(ui, &flash, current)}
                {input(ui, &flash, fresh.autocomplete("new-password").hint(hint))}
                <button class="btn" type="submit">{t!(ui, "settings.password.submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn second_factor(ui: &Ui, factor: SecondFactorView) -> AnyView {
    let (state, left, words) = if factor.on {
        let pill =
            view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "second_factor.on")}</span> };
        let left = n!(ui, "second_factor.codes_left", factor.recovery_left);
        (
            pill.into_any(),
            Some(view! { <p class="hint">{left}</p> }),
            t!(ui, "second_factor.manage"),
        )
    } else {
        let pill = view! { <span class="pill off">{t!(ui, "second_factor.off")}</span> };
        (pill.into_any(), None, t!(ui, "second_factor.set_up"))
    };
    view! {
        <section class="sheet" aria-labelledby="factor-title">
            <header><h2 id="factor-title">{t!(ui, "second_factor.title")}</h2>{state}</header>
            <p class="muted">{t!(ui, "second_factor.lead")}</p>
            {left}
            <p><a class="btn" href="/settings/second-factor">{icon(ui, "shield-check", "")}{words}</a></p>
        </section>
    }
    .into_any()
}
