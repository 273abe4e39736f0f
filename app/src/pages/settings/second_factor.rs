//! How is the second factor set up, renewed and ended? The QR code and its secret, the first code, the recovery codes.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use domain::views::AccountView;
use http::StatusCode;
use leptos::prelude::*;
use server::accounts::{Enrolment, SecondFactorView};

use super::framed;
use super::qr::qr;
use crate::api::CODES;
use crate::guard::with_next;
use crate::pages::form::input;
use crate::pages::step::{Asked, code_input};
use crate::pages::{confirmed, error, let_in};
use crate::reader::{Reader, Ui};
use crate::shell::{copy_button, icon, notice, respond};

pub async fn second_factor(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (reader, known) = match let_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let proved = known.second_factor;
    let Ok(factor) = services.accounts.second_factor(known.account.id).await else {
        return error::page(
            &reader.ui(Some(known.account)),
            StatusCode::SERVICE_UNAVAILABLE,
        );
    };
    if factor.on && !proved {
        // In force, but this session has not given a code yet.
        return Redirect::to(&with_next("/login/code", asked.next())).into_response();
    }
    let (ui, account) = match confirmed(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    if factor.on {
        return respond(&ui, StatusCode::OK, |ui| {
            framed(ui, t!(ui, "second_factor.title"), in_force(ui, factor))
        });
    }
    let begun = services
        .accounts
        .begin_second_factor(account.id, &ui.site().brand)
        .await;
    match begun {
        Ok(enrolment) => respond(&ui, StatusCode::OK, |ui| {
            let body = enrol(ui, &account, &enrolment, asked.next());
            framed(ui, t!(ui, "second_factor.title"), body)
        }),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn enrol(ui: &Ui, account: &AccountView, enrolment: &Enrolment, next: &str) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let for_admins = account
        .admin
        .then(|| notice(ui, "warn", t!(ui, "second_factor.for_admins")));
    // In groups of four, as people read it aloud; spaces are not part of it.
    let secret: Vec<_> = enrolment
        .secret_base32
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect();
    view! {
        {for_admins}
        <section class="sheet enrol" aria-labelledby="factor-title">
            <header><h2 id="factor-title">{t!(ui, "second_factor.enrol.title")}</h2></header>
            <p class="muted">{t!(ui, "second_factor.enrol.lead")}</p>
            <ol class="enrol-steps">
                <li>
                    <h3>{t!(ui, "second_factor.enrol.scan")}</h3>
                    {qr(&enrolment.otpauth, t!(ui, "second_factor.enrol.qr"))}
                </li>
                <li data-copyable="">
                    <h3>{t!(ui, "second_factor.enrol.type")}</h3>
                    <p class="secret"><code data-copy="" dir="ltr" translate="no">{secret.join(" ")}</code></p>
                    {copy_button(ui, t!(ui, "second_factor.enrol.copy"))}
                </li>
                <li>
                    <h3>{t!(ui, "second_factor.enrol.prove")}</h3>
                    <form class="form" method="post" action="/api/finish_second_factor">
                        <input type="hidden" name="next" value=next.to_owned()/>
                        {input(ui, &flash, code_input(ui))}
                        <button class="btn primary" type="submit">{t!(ui, "second_factor.enrol.submit")}</button>
                    </form>
                </li>
            </ol>
        </section>
    }
    .into_any()
}

fn in_force(ui: &Ui, factor: SecondFactorView) -> AnyView {
    let few =
        (factor.recovery_left <= 3).then(|| notice(ui, "warn", t!(ui, "second_factor.few_codes")));
    view! {
        {few}
        <div class="columns">
            <section class="sheet" aria-labelledby="codes-title">
                <header>
                    <h2 id="codes-title">{t!(ui, "second_factor.codes.title")}</h2>
                    <span class="hint">{n!(ui, "second_factor.codes_left", factor.recovery_left)}</span>
                </header>
                <p class="muted">{t!(ui, "second_factor.codes.lead")}</p>
                <form class="form" method="post" action="/api/new_recovery_codes">
                    <button class="btn" type="submit">{t!(ui, "second_factor.codes.renew")}</button>
                </form>
                <p class="hint">{t!(ui, "second_factor.codes.renew_hint")}</p>
            </section>
            <section class="sheet" aria-labelledby="end-title">
                <header>
                    <h2 id="end-title">{t!(ui, "second_factor.end.title")}</h2>
                    <span class="pill">{icon(ui, "check", "")}{t!(ui, "second_factor.on")}</span>
                </header>
                <p class="muted">{t!(ui, "second_factor.end.lead")}</p>
                <form class="form" method="post" action="/api/end_second_factor">
                    <button class="btn danger" type="submit">{t!(ui, "second_factor.end.submit")}</button>
                </form>
            </section>
        </div>
    }
    .into_any()
}

/// The codes that were just made, for ten minutes, to the session that made them.
pub async fn recovery_codes(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let (services, session, now) = (
        reader.services.clone(),
        reader.session.clone(),
        reader.prefs.now,
    );
    let (ui, _) = match confirmed(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match crate::session::kept(&session, &services.ring, CODES, now).await {
        Ok(Some(codes)) => respond(&ui, StatusCode::OK, |ui| {
            let body = codes_shown(ui, &codes, asked.next());
            framed(ui, t!(ui, "second_factor.codes.title"), body)
        }),
        Ok(None) => Redirect::to("/settings/second-factor").into_response(),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn codes_shown(ui: &Ui, codes: &str, next: &str) -> AnyView {
    let next = if next == "/overview" {
        "/settings/security"
    } else {
        next
    };
    let lines = codes.replace(' ', "\n");
    view! {
        <section class="sheet narrow printed" aria-labelledby="codes-title" data-copyable="">
            <header><h2 id="codes-title">{t!(ui, "second_factor.codes.title")}</h2></header>
            {notice(ui, "warn", t!(ui, "second_factor.codes.once"))}
            <p class="muted">{t!(ui, "second_factor.codes.lead")}</p>
            <pre class="codes" dir="ltr" tabindex="0" translate="no" aria-labelledby="codes-title" role="group"><code data-copy="">{lines}</code></pre>
            <p class="row">
                <a class="btn primary" href=next.to_owned()>{t!(ui, "second_factor.codes.saved")}</a>
                {copy_button(ui, t!(ui, "second_factor.codes.copy"))}
            </p>
            <p class="hint">{t!(ui, "second_factor.codes.print")}</p>
        </section>
    }
    .into_any()
}
