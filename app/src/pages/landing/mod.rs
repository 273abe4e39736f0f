//! What does a stranger see first? What this is, the call that works here, true facts, prices, how the money works.

mod models;
mod words;

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::catalog::ModelView;

use super::anyone;
use super::snippets::{Call, KEY_PLACEHOLDER, snippets};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, respond};

/// What the examples name while the catalogue is empty. The sandbox has it in every installation.
pub const FALLBACK_MODEL: &str = "sandbox-echo";

pub async fn landing(reader: Reader) -> Response {
    let models = reader.services.catalog.models();
    let ui = anyone(reader).await;
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "landing.meta.title", brand = ui.site().brand),
        description: Some(t!(ui, "landing.meta.description")),
        body: content(ui, &models),
    })
}

/// The model to show first: a real one before the sandbox's.
pub fn first_model(models: &[ModelView]) -> Option<&ModelView> {
    models
        .iter()
        .find(|model| !model.id.starts_with("sandbox-"))
        .or_else(|| models.first())
}

pub fn content(ui: &Ui, models: &[ModelView]) -> AnyView {
    view! {
        <div class="landing">
            {words::other_language(ui)}
            {hero(ui, models)}
            {first_model(models).map(|model| models::sample(ui, model))}
            {words::facts(ui)}
            {(!models.is_empty()).then(|| models::prices(ui, models))}
            {words::money(ui)}
            {words::questions(ui)}
            {words::closing(ui)}
        </div>
    }
    .into_any()
}

fn hero(ui: &Ui, models: &[ModelView]) -> AnyView {
    let call = Call {
        base_url: ui.site().api_base(),
        model: first_model(models)
            .map_or_else(|| FALLBACK_MODEL.to_owned(), |model| model.id.clone()),
        key: KEY_PLACEHOLDER.to_owned(),
    };
    view! {
        <section class="hero">
            <div class="words">
                <h1>{t!(ui, "landing.hero.title")}</h1>
                <p class="lead">{t!(ui, "landing.hero.lead")}</p>
                <p class="row">
                    {call_to_action(ui)}
                    <a class="btn" href="#money">{t!(ui, "landing.money.title")}</a>
                </p>
            </div>
            <div class="sheet">
                <h2 class="vh">{t!(ui, "landing.api.title")}</h2>
                {snippets(ui, &call, false)}
            </div>
        </section>
    }
    .into_any()
}

/// In, for strangers; on, for those who are in.
fn call_to_action(ui: &Ui) -> AnyView {
    let (href, words) = if ui.account().is_some() {
        ("/overview".to_owned(), t!(ui, "landing.cta.overview"))
    } else if ui.sign_up_open() {
        (ui.link("/signup"), t!(ui, "landing.cta.sign_up"))
    } else {
        (ui.link("/login"), t!(ui, "landing.cta.sign_in"))
    };
    view! { <a class="btn primary" href=href>{words}{icon(ui, "arrow-right", "flip")}</a> }
        .into_any()
}
