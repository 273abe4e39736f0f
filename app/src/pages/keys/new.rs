//! What may a new key do? A name is enough; everything else has a sensible answer already.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use leptos::prelude::*;

use super::form::{kinds, limits, name_input, problems};
use super::{crumbs, page};
use crate::api::KeyForm;
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::shell::respond;

/// `GET /keys/new`
pub async fn new(reader: Reader) -> Response {
    let models = reader.services.catalog.models();
    let models: Vec<String> = models.into_iter().map(|model| model.id).collect();
    match signed_in(reader).await {
        Ok((ui, _)) => respond(&ui, StatusCode::OK, |ui| {
            page(t!(ui, "keys.new.title"), content(ui, &models))
        }),
        Err(elsewhere) => elsewhere.into_response(),
    }
}

fn content(ui: &Ui, models: &[String]) -> AnyView {
    if !ui.account().is_some_and(|account| account.verified) {
        return view! {
            {crumbs(ui, None)}
            <h1>{t!(ui, "keys.new.title")}</h1>
            <div class="empty"><p>{t!(ui, "keys.unverified")}</p></div>
        }
        .into_any();
    }
    let flash = ui.flash().cloned().unwrap_or_default();
    let form = KeyForm::empty().or_typed(&flash);
    view! {
        {crumbs(ui, None)}
        <h1>{t!(ui, "keys.new.title")}</h1>
        <section class="sheet narrow" aria-label=t!(ui, "keys.new.title")>
            {problems(ui, &flash)}
            <form class="form" method="post" action="/api/create_key">
                {name_input(ui, &flash, &form, true)}
                {kinds(ui, &form)}
                {limits(ui, &flash, &form, models)}
                <div class="row"><button class="btn primary" type="submit">{t!(ui, "keys.new.submit")}</button></div>
                <p class="hint">{t!(ui, "keys.new.hint")}</p>
            </form>
        </section>
    }
    .into_any()
}
