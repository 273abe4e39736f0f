//! What does one model cost, since when, and who serves it? Its price with preview and history, context and routes.

use axum::extract::{Path, Query};
use axum::response::Response;
use domain::{Bucket, Price};
use leptos::prelude::*;
use server::catalog::{InForce, ModelDetail, PriceRow};
use server::upstreams::UpstreamRow;

use super::link::model_path;
use super::models::state;
use super::price::{self, Typed};
use super::{admin, crumbs, missing, page, routes, scrolled, unavailable};
use crate::api::AdminField;
use crate::flash::Field;
use crate::pages::form::{Input, input};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, rich};

/// `GET /admin/models/{id}`
pub async fn model(Path(id): Path<String>, reader: Reader, Query(typed): Query<Typed>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let model = match services.catalog.detail(&id.replace('\0', "")).await {
        Ok(Some(model)) => model,
        Ok(None) => return missing(&ui),
        Err(error) => return unavailable(&ui, &error),
    };
    match services.upstreams.rows().await {
        Ok(upstreams) => page(&ui, model.id.clone(), |ui| {
            content(ui, &model, &upstreams, &typed)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

fn content(ui: &Ui, model: &ModelDetail, upstreams: &[UpstreamRow], typed: &Typed) -> AnyView {
    view! {
        {crumbs(ui, "/admin/models", t!(ui, "admin.models.title"))}
        <div class="head">
            <h1><bdi class="mono" translate="no">{model.id.clone()}</bdi></h1>
            {state(ui, model.disabled_at.is_some())}
        </div>
        <div class="split">
            {new_price(ui, model, typed)}
            <div class="admin-pile">
                {context(ui, model)}
                {switch(ui, model)}
            </div>
        </div>
        {history(ui, model)}
        {routes::routes(ui, model, upstreams)}
    }
    .into_any()
}

/// The form begins with what the newest version was made from, where that is known.
fn before(model: &ModelDetail) -> Typed {
    let Some(newest) = model.prices.first() else {
        return Typed::default();
    };
    let cost = |price: Option<domain::PricePerMtok>| {
        price.map_or(String::new(), domain::PricePerMtok::to_usd_string)
    };
    Typed {
        cost_input: cost(newest.cost.input),
        cost_cached: cost(newest.cost.cached_input),
        cost_output: cost(newest.cost.output),
        markup: newest
            .markup
            .map_or(String::new(), |markup| markup.to_string()),
        ..Typed::default()
    }
}

fn in_force(model: &ModelDetail) -> Option<&Price> {
    let now = |row: &&PriceRow| row.in_force == InForce::Now;
    model.prices.iter().find(now).map(|row| &row.price)
}

/// Whether a version has prices that the form knows nothing of.
fn has_more(row: &PriceRow) -> bool {
    let tells = |bucket: Bucket| !bucket.is_usual() && row.price.tells(bucket);
    !row.variants.is_empty() || Bucket::ALL.into_iter().any(tells)
}

fn new_price(ui: &Ui, model: &ModelDetail, typed: &Typed) -> AnyView {
    let flash = typed.flash(ui);
    let mut starts = Input::new(
        Field::Admin(AdminField::StartsOn),
        t!(ui, "admin.price.starts_on"),
    )
    .hint(t!(
        ui,
        "admin.price.starts_on_hint",
        zone = ui.zone().name()
    ));
    starts.kind = "date";
    starts.ltr = true;
    let path = model_path(&model.id);
    let more = model.prices.first().filter(|row| has_more(row)).map(|_| {
        let words = t!(ui, "admin.price.more", command = "farebox admin price set");
        let marked = rich(&words, |command| {
            view! { <code dir="ltr" translate="no">{command}</code> }.into_any()
        });
        view! { <p class="note">{marked}</p> }
    });
    view! {
        <section class="sheet" aria-labelledby="new-price">
            <h2 id="new-price">{t!(ui, "admin.price.new_title")}</h2>
            {more}
            <form class="form" method="post" action="/api/admin_publish_price">
                <input type="hidden" name="model" value=model.id.clone()/>
                {price::fields(ui, &flash, &before(model))}
                <div class="admin-fields">{input(ui, &flash, starts)}</div>
                {typed.preview(ui, in_force(model))}
                <div class="row">
                    <button class="btn" type="submit" formmethod="get" formaction=path>{t!(ui, "admin.price.show")}</button>
                    <button class="btn primary" type="submit">{t!(ui, "admin.price.publish")}</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}

fn history(ui: &Ui, model: &ModelDetail) -> AnyView {
    let head = view! {
        <th scope="col">{t!(ui, "admin.price.from")}</th>
        <th scope="col" class="n">{t!(ui, "admin.price.input")}</th>
        <th scope="col" class="n">{t!(ui, "admin.price.cached")}</th>
        <th scope="col" class="n">{t!(ui, "admin.price.output")}</th>
        <th scope="col" class="n">{t!(ui, "admin.price.markup_short")}</th>
        <th scope="col">{t!(ui, "admin.models.state")}</th>
    };
    let rows = model.prices.iter().map(|row| version(ui, row)).collect();
    view! {
        <section class="sheet" aria-labelledby="history">
            <header>
                <h2 id="history">{t!(ui, "admin.price.history")}</h2>
                <span class="hint">{t!(ui, "admin.price.history_hint")}</span>
            </header>
            {scrolled(t!(ui, "admin.price.history"), head.into_any(), rows)}
        </section>
    }
    .into_any()
}

fn version(ui: &Ui, row: &PriceRow) -> AnyView {
    let markup = row.markup.map(|markup| ui.percent(i64::from(markup.bp())));
    let state = match row.in_force {
        InForce::Now => {
            view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "admin.price.in_force")}</span> }.into_any()
        }
        InForce::NotYet => {
            view! { <span class="pill test">{t!(ui, "admin.price.coming")}</span> }.into_any()
        }
        InForce::NoLonger => {
            view! { <span class="pill off">{t!(ui, "admin.price.replaced")}</span> }.into_any()
        }
    };
    view! {
        <tr>
            <th scope="row" class="when">{ui.date_time(row.effective_from)}</th>
            <td class="n num">{price::exact(ui, row.price.input)}</td>
            <td class="n num">{price::exact(ui, row.price.cached_input)}</td>
            <td class="n num">{price::exact(ui, row.price.output)}</td>
            <td class="n num">{markup}</td>
            <td>{state}</td>
        </tr>
    }
    .into_any()
}

fn context(ui: &Ui, model: &ModelDetail) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let mut tokens = Input::new(
        Field::Admin(AdminField::Context),
        t!(ui, "admin.models.context"),
    )
    .hint(t!(ui, "admin.models.context_hint"))
    .value(model.context.to_string());
    tokens.inputmode = Some("numeric");
    tokens.ltr = true;
    view! {
        <section class="sheet" aria-label=t!(ui, "admin.models.context")>
            <form class="form" method="post" action="/api/admin_set_context">
                <input type="hidden" name="model" value=model.id.clone()/>
                {input(ui, &flash, tokens)}
                <button class="btn" type="submit">{t!(ui, "admin.save")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn switch(ui: &Ui, model: &ModelDetail) -> AnyView {
    let id = model.id.clone();
    let form = if model.disabled_at.is_some() {
        view! {
            <form method="post" action="/api/admin_switch_model">
                <input type="hidden" name="model" value=id/>
                <input type="hidden" name="on" value="true"/>
                <button class="btn" type="submit">{t!(ui, "admin.models.switch_on")}</button>
            </form>
        }
        .into_any()
    } else {
        view! {
            <details class="more">
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.models.switch_off")}</summary>
                <form class="form" method="post" action="/api/admin_switch_model">
                    <input type="hidden" name="model" value=id/>
                    <input type="hidden" name="on" value="false"/>
                    <p class="muted">{t!(ui, "admin.models.switch_off_body")}</p>
                    <button class="btn danger" type="submit">{t!(ui, "admin.models.switch_off_submit")}</button>
                </form>
            </details>
        }
        .into_any()
    };
    view! { <section class="sheet" aria-label=t!(ui, "admin.models.state")>{form}</section> }
        .into_any()
}
