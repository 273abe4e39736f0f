//! How do I stand? Balance and how long it lasts, what was spent on what, the keys, and the lines for the first call.

mod balance;
mod chart;
mod checklist;
mod keys;
pub(super) mod scale;

use axum::response::{IntoResponse, Response};
use domain::views::{AccountView, BalanceView, KeyView, SpendView};
use http::StatusCode;
use leptos::prelude::*;
use server::catalog::ModelView;
use texts::format::Zone;

pub use checklist::{Steps, called};

use super::landing::first_model;
use super::snippets::{Call, KEY_PLACEHOLDER, snippets};
use super::{error, signed_in};
use crate::api::read_balance;
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{Frame, Page, copy_button, notice, respond};

/// What the page shows, read at one go.
pub struct Facts {
    pub balance: BalanceView,
    pub spend: SpendView,
    pub keys: Vec<KeyView>,
    pub models: Vec<ModelView>,
    pub steps: Steps,
}

pub async fn overview(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    match read(&services, &account, ui.zone()).await {
        Ok(facts) => respond(&ui, StatusCode::OK, |ui| Page {
            frame: Frame::Account,
            title: t!(ui, "overview.title"),
            description: None,
            body: content(ui, &facts),
        }),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn read(
    services: &Services,
    account: &AccountView,
    zone: Zone,
) -> Result<Facts, Unavailable> {
    let (balance, spend) = read_balance(services, account.workspace, zone).await?;
    let keys = services
        .keys
        .list(account.workspace)
        .await
        .map_err(|_| Unavailable)?;
    let called = called(services, account.workspace).await?;
    Ok(Facts {
        steps: Steps::of(
            account,
            &balance,
            &keys,
            called,
            !services.orders.methods().is_empty(),
        ),
        balance,
        spend,
        keys,
        models: services.catalog.models(),
    })
}

pub fn content(ui: &Ui, facts: &Facts) -> AnyView {
    // The list of first steps says it, too, and what to do.
    let is_empty = facts.balance.available.nanos() <= 0 && facts.steps.are_done();
    let first_run = (!facts.steps.are_done()).then(|| checklist::checklist(ui, facts.steps));
    view! {
        <h1>{t!(ui, "overview.title")}</h1>
        {is_empty.then(|| balance::empty(ui)).flatten()}
        {ui.site().local.then(|| notice(ui, "", t!(ui, "overview.local_note")))}
        {first_run}
        {balance::balance(ui, &facts.balance, &facts.spend)}
        <div class="split">
            {chart::spend(ui, &facts.spend)}
            {keys::keys(ui, &facts.keys)}
        </div>
        {quick_start(ui, facts)}
    }
    .into_any()
}

fn quick_start(ui: &Ui, facts: &Facts) -> AnyView {
    let base_url = ui.site().api_base();
    let key = facts
        .keys
        .iter()
        .find(|key| key.revoked_at.is_none())
        .map_or(KEY_PLACEHOLDER.to_owned(), |key| key.masked.clone());
    let model = first_model(&facts.models)
        .map_or_else(|| "sandbox-echo".to_owned(), |model| model.id.clone());
    let hint = t!(ui, "quickstart.key_placeholder_hint", placeholder = key);
    let call = Call {
        base_url: base_url.clone(),
        model,
        key,
    };
    view! {
        <section class="sheet" aria-labelledby="quick-start">
            <header><h2 id="quick-start">{t!(ui, "quickstart.title")}</h2></header>
            <p class="endpoint" data-copyable="">
                <span class="hint">{t!(ui, "quickstart.base_url")}</span>
                <code data-copy="" dir="ltr" translate="no">{base_url}</code>
                {copy_button(ui, t!(ui, "quickstart.base_url"))}
            </p>
            {snippets(ui, &call, true)}
            <p class="hint">{hint}</p>
        </section>
    }
    .into_any()
}
