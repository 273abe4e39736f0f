//! `/prices/{model}`: what does one model cost now, what did it cost before, and how is it called?

use axum::extract::Path;
use axum::response::Response;
use domain::{Bucket, Currency, PricePerMtok};
use http::StatusCode;
use leptos::prelude::*;
use server::catalog::{InForce, Published, PublishedPrice, Variant};

use super::{PATH, cell, exact, rates_hint, words};
use crate::pages::snippets::{Call, KEY_PLACEHOLDER, snippets};
use crate::pages::{anyone, calculator, error};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, notice, respond};

/// `GET /prices/{model}`
pub async fn model(Path(id): Path<String>, reader: Reader) -> Response {
    let found = reader.services.catalog.published_model(&id);
    let ui = anyone(reader).await;
    let Some(model) = found else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "prices.one.title", model = model.id),
        description: Some(t!(ui, "prices.one.description", model = model.id)),
        body: content(ui, &model),
    })
}

fn content(ui: &Ui, model: &Published) -> AnyView {
    let call = Call {
        base_url: ui.site().api_base(),
        model: model.id.clone(),
        key: KEY_PLACEHOLDER.to_owned(),
    };
    let next = model.next().map(|version| {
        let words = t!(ui, "prices.one.next", date = ui.date_time(version.from));
        notice(ui, "", words)
    });
    view! {
        <div class="prices-page">
            <nav class="crumbs" aria-label=t!(ui, "prices.one.crumbs")>
                <ol><li><a href=ui.link(PATH)>{icon(ui, "arrow-left", "flip")}{t!(ui, "prices.title")}</a></li></ol>
            </nav>
            <div class="head">
                <h1><bdi class="mono" translate="no">{model.id.clone()}</bdi></h1>
                <a class="btn primary" href=calculator::of_model(ui, &model.id)>{t!(ui, "prices.one.calculate")}</a>
            </div>
            {next}
            <div class="pair">
                {now(ui, model)}
                <section class="sheet" aria-labelledby="use">
                    <h2 id="use">{t!(ui, "prices.one.use")}</h2>
                    {snippets(ui, &call, false)}
                </section>
            </div>
            {variants(ui, &model.now)}
            {history(ui, model)}
            <div class="stack">
                {rates_hint(ui)}
                <p class="hint">{t!(ui, "prices.rounding")}</p>
            </div>
        </div>
    }
    .into_any()
}

/// The version in force: in the reader's currency, and beside that in dollars.
fn now(ui: &Ui, model: &Published) -> AnyView {
    let price = &model.now.price;
    let converted = ui.prefs().currency != Currency::Usd;
    let line = |name: String, price: PricePerMtok| {
        let dollars = converted.then(|| view! { <td class="n num">{exact(ui, price)}</td> });
        view! { <tr><th scope="row">{name}</th>{cell(ui, price)}{dollars}</tr> }
    };
    let lines: Vec<_> = Bucket::ALL
        .into_iter()
        .filter(|bucket| price.tells(*bucket))
        .map(|bucket| line(words::bucket(ui, bucket, price.unit), price.get(bucket)))
        .collect();
    let dollars =
        converted.then(|| view! { <th scope="col" class="n">{t!(ui, "prices.one.exact")}</th> });
    view! {
        <section class="sheet" aria-labelledby="now">
            <h2 id="now">{t!(ui, "prices.one.now")}</h2>
            <div class="tablewrap" role="group" aria-labelledby="now" tabindex="0">
                <table aria-labelledby="now">
                    <thead><tr>
                        <th scope="col">{t!(ui, "prices.one.what")}</th>
                        <th scope="col" class="n">{t!(ui, "prices.one.per_million")}</th>
                        {dollars}
                    </tr></thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
            <dl class="kv">
                <div><dt>{t!(ui, "prices.one.context")}</dt><dd class="num">{ui.number(model.context)}</dd></div>
                <div><dt>{t!(ui, "prices.one.since")}</dt><dd>{ui.date(model.now.from)}</dd></div>
            </dl>
        </section>
    }
    .into_any()
}

/// What other calls cost, when some do: those of a tier, an effort, or with a long prompt.
fn variants(ui: &Ui, version: &PublishedPrice) -> Option<AnyView> {
    if version.variants.is_empty() {
        return None;
    }
    let columns: Vec<Bucket> = Bucket::ALL
        .into_iter()
        .filter(|bucket| {
            let tells = |variant: &Variant| variant.price.tells(*bucket);
            version.variants.iter().any(tells)
        })
        .collect();
    let heads: Vec<_> = columns
        .iter()
        .map(|bucket| {
            let name = words::bucket(ui, *bucket, version.price.unit);
            view! { <th scope="col" class="n">{name}</th> }
        })
        .collect();
    let rows: Vec<_> = version
        .variants
        .iter()
        .map(|variant| {
            let pills: Vec<_> = words::terms(ui, &variant.terms)
                .into_iter()
                .map(|word| view! { <span class="pill">{word}</span>" " })
                .collect();
            let prices: Vec<_> = columns
                .iter()
                .map(|bucket| cell(ui, variant.price.get(*bucket)))
                .collect();
            view! {
                <tr>
                    <th scope="row">{pills}</th>
                    {prices}
                    <td><bdi class="mono small" translate="no">{variant.id.to_string()}</bdi></td>
                </tr>
            }
        })
        .collect();
    let view = view! {
        <section class="sheet" aria-labelledby="variants">
            <header>
                <h2 id="variants">{t!(ui, "prices.variants.title")}</h2>
                <span class="hint">{t!(ui, "prices.variants.hint")}</span>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="variants" tabindex="0">
                <table class="prices" aria-labelledby="variants">
                    <thead><tr>
                        <th scope="col">{t!(ui, "prices.variants.calls")}</th>
                        {heads}
                        <th scope="col">{t!(ui, "prices.variants.version")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    };
    Some(view.into_any())
}

fn history(ui: &Ui, model: &Published) -> AnyView {
    let rows: Vec<_> = model
        .versions
        .iter()
        .map(|version| line(ui, version))
        .collect();
    view! {
        <section class="sheet" aria-labelledby="history">
            <header>
                <h2 id="history">{t!(ui, "prices.history.title")}</h2>
                <span class="hint">{t!(ui, "prices.history.hint")}</span>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="history" tabindex="0">
                <table class="prices" aria-labelledby="history">
                    <thead><tr>
                        <th scope="col">{t!(ui, "prices.history.from")}</th>
                        <th scope="col" class="n">{t!(ui, "landing.models.input")}</th>
                        <th scope="col" class="n">{t!(ui, "landing.models.cached_input")}</th>
                        <th scope="col" class="n">{t!(ui, "landing.models.output")}</th>
                        <th scope="col">{t!(ui, "prices.history.state")}</th>
                        <th scope="col">{t!(ui, "prices.history.version")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, version: &PublishedPrice) -> AnyView {
    let state = match version.in_force {
        InForce::Now => {
            view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "prices.history.in_force")}</span> }.into_any()
        }
        InForce::NotYet => {
            view! { <span class="pill test">{t!(ui, "prices.history.announced")}</span> }.into_any()
        }
        InForce::NoLonger => {
            view! { <span class="pill off">{t!(ui, "prices.history.replaced")}</span> }.into_any()
        }
    };
    view! {
        <tr>
            <th scope="row" class="when">{ui.date_time(version.from)}</th>
            {cell(ui, version.price.input)}
            {cell(ui, version.price.cached_input)}
            {cell(ui, version.price.output)}
            <td>{state}</td>
            <td><bdi class="mono small" translate="no">{version.id.to_string()}</bdi></td>
        </tr>
    }
    .into_any()
}
