//! How does a stranger get an account? One card: name, e-mail, password, and two boxes that nobody ticks for them.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use leptos::prelude::*;
use server::accounts::SHORTEST_PASSWORD;
use server::policies::Name;

use super::anyone;
use super::form::{Input, input, summary, tick};
use super::policies::policy_path;
use crate::flash::Field;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, respond, rich, ruler};

pub async fn signup(reader: Reader) -> Response {
    let ui = anyone(reader).await;
    if ui.account().is_some() {
        return Redirect::to("/overview").into_response();
    }
    let open = ui.sign_up_open();
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "signup.title"),
        description: Some(t!(ui, "landing.meta.description")),
        body: if open { form(ui) } else { closed(ui) },
    })
}

fn form(ui: &Ui) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let name = Input {
        autocomplete: "name",
        focus: true,
        ..Input::new(Field::Name, t!(ui, "signup.name_label"))
    };
    let email = Input {
        autocomplete: "email",
        focus: false,
        ..Input::email(t!(ui, "signup.email_label"))
    };
    let hint = t!(
        ui,
        "signup.password_hint",
        min = SHORTEST_PASSWORD.to_string()
    );
    let password = Input::password(t!(ui, "signup.password_label"))
        .autocomplete("new-password")
        .hint(hint);
    let terms = linked(ui, &t!(ui, "policies.sign_up.terms"), Name::Terms);
    let consent = linked(ui, &t!(ui, "policies.sign_up.consent"), Name::Privacy);
    view! {
        <div class="gate">
            {ruler(1, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "signup.title")}</h1>
                <p class="muted">{t!(ui, "signup.lead")}</p>
                {summary(ui, &flash)}
                <form class="form" method="post" action="/api/sign_up">
                    {input(ui, &flash, name.hint(t!(ui, "signup.name_hint")))}
                    {input(ui, &flash, email)}
                    {input(ui, &flash, password)}
                    {tick(ui, &flash, Field::Terms, terms, false)}
                    {tick(ui, &flash, Field::Consent, consent, false)}
                    <button class="btn primary wide" type="submit">{t!(ui, "signup.submit")}</button>
                </form>
                {sign_in_instead(ui)}
            </section>
        </div>
    }
    .into_any()
}

/// A label with a link to the policy it is about; in a tab of its own, so that what was typed stays.
fn linked(ui: &Ui, text: &str, name: Name) -> AnyView {
    let href = ui.link(&policy_path(name));
    let elsewhere = t!(ui, "policies.sign_up.new_tab");
    rich(text, move |inner| {
        view! { <a href=href target="_blank" rel="noopener">{inner}<span class="vh">" "{elsewhere}</span></a> }
            .into_any()
    })
}

/// Without mail nobody could prove an address, so nobody new may come in.
fn closed(ui: &Ui) -> AnyView {
    let support = ui.site().support.clone().map(|address| {
        let words = rich(&t!(ui, "errors.support", email = address), |inner| {
            view! { <a href=format!("mailto:{address}")><bdi>{inner}</bdi></a> }.into_any()
        });
        view! { <p class="small">{words}</p> }
    });
    view! {
        <div class="gate">
            {ruler(0, 30, None)}
            <section class="sheet" aria-labelledby="title">
                <h1 id="title">{t!(ui, "signup.closed.title")}</h1>
                <p class="muted">{t!(ui, "signup.closed.body", brand = ui.site().brand)}</p>
                <p class="hint">{t!(ui, "signup.closed.operator")}</p>
                {support}
                {sign_in_instead(ui)}
            </section>
        </div>
    }
    .into_any()
}

fn sign_in_instead(ui: &Ui) -> AnyView {
    let login = ui.link("/login");
    let words = rich(&t!(ui, "signup.sign_in_instead"), |inner| {
        view! { <a href=login>{inner}</a> }.into_any()
    });
    view! { <p class="small">{words}</p> }.into_any()
}
