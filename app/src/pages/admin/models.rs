//! What is for sale? Every model with its price and margin, those switched off too; and how one is added.

use axum::extract::Query;
use axum::response::Response;
use leptos::prelude::*;
use server::catalog::ModelRow;
use server::upstreams::UpstreamRow;

use super::link::model_path;
use super::price::{self, Typed};
use super::{admin, crumbs, page, scrolled, unavailable};
use crate::api::AdminField;
use crate::flash::Field;
use crate::pages::form::{Input, input, select};
use crate::reader::{Reader, Ui};
use crate::shell::icon;

/// What most models have.
const CONTEXT: &str = "128000";

/// `GET /admin/models`
pub async fn models(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match services.catalog.rows().await {
        Ok(rows) => page(&ui, t!(ui, "admin.models.title"), |ui| list(ui, &rows)),
        Err(error) => unavailable(&ui, &error),
    }
}

/// `GET /admin/models/new`
pub async fn new_model(reader: Reader, Query(typed): Query<Typed>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    match services.upstreams.rows().await {
        Ok(upstreams) => page(&ui, t!(ui, "admin.models.new_title"), |ui| {
            new_form(ui, &upstreams, &typed)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

fn list(ui: &Ui, rows: &[ModelRow]) -> AnyView {
    let table = if rows.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.models.none")}</p> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.models.model")}</th>
            <th scope="col" class="n">{t!(ui, "admin.price.input")}</th>
            <th scope="col" class="n">{t!(ui, "admin.price.output")}</th>
            <th scope="col" class="n">{t!(ui, "admin.price.markup_short")}</th>
            <th scope="col">{t!(ui, "admin.models.upstreams")}</th>
            <th scope="col">{t!(ui, "admin.models.state")}</th>
        };
        let lines = rows.iter().map(|row| line(ui, row)).collect();
        scrolled(t!(ui, "admin.models.title"), head.into_any(), lines)
    };
    view! {
        <div class="head">
            <h1>{t!(ui, "admin.models.title")}</h1>
            <a class="btn primary" href="/admin/models/new">{icon(ui, "plus", "")}{t!(ui, "admin.models.add")}</a>
        </div>
        <section class="sheet" aria-label=t!(ui, "admin.models.title")>
            <p class="muted">{t!(ui, "admin.models.lead")}</p>
            {table}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, row: &ModelRow) -> AnyView {
    let money = |price: Option<String>| {
        let shown = price.unwrap_or_else(|| t!(ui, "admin.models.no_price"));
        view! { <td class="n num">{shown}</td> }
    };
    let input = row
        .price
        .as_ref()
        .map(|version| price::exact(ui, version.price.input));
    let output = row
        .price
        .as_ref()
        .map(|version| price::exact(ui, version.price.output));
    let markup = row.price.as_ref().and_then(|version| version.markup);
    let markup = markup.map(|markup| ui.percent(i64::from(markup.bp())));
    let next = row.next_price_at.map(|at| {
        let words = t!(ui, "admin.models.next_price", date = ui.date(at));
        view! { <span class="pill test">{words}</span> }
    });
    view! {
        <tr>
            <th scope="row"><a href=model_path(&row.id)><bdi class="mono" translate="no">{row.id.clone()}</bdi></a></th>
            {money(input)}
            {money(output)}
            <td class="n num">{markup}</td>
            <td><bdi translate="no">{row.upstreams.join(", ")}</bdi></td>
            <td><span class="row tight">{state(ui, row.disabled_at.is_some())}{next}</span></td>
        </tr>
    }
    .into_any()
}

/// Whether callers can name the model.
pub fn state(ui: &Ui, off: bool) -> AnyView {
    if off {
        view! { <span class="pill off">{t!(ui, "admin.models.off")}</span> }.into_any()
    } else {
        view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "admin.models.on")}</span> }
            .into_any()
    }
}

fn new_form(ui: &Ui, upstreams: &[UpstreamRow], typed: &Typed) -> AnyView {
    let flash = typed.flash(ui);
    let mut id = Input::new(Field::Admin(AdminField::ModelId), t!(ui, "admin.models.id"))
        .hint(t!(ui, "admin.models.id_hint"));
    id.ltr = true;
    let mut there = Input::new(
        Field::Admin(AdminField::UpstreamModel),
        t!(ui, "admin.models.upstream_model"),
    )
    .hint(t!(ui, "admin.models.upstream_model_hint"));
    there.ltr = true;
    let mut context = Input::new(
        Field::Admin(AdminField::Context),
        t!(ui, "admin.models.context"),
    )
    .hint(t!(ui, "admin.models.context_hint"))
    .value(CONTEXT);
    context.inputmode = Some("numeric");
    context.ltr = true;
    let names = upstreams
        .iter()
        .map(|row| (row.view.name.clone(), row.view.name.clone()))
        .collect();
    let upstream = select(
        &flash,
        Field::Admin(AdminField::Upstream),
        t!(ui, "admin.models.upstream"),
        names,
        "",
    );
    view! {
        {crumbs(ui, "/admin/models", t!(ui, "admin.models.title"))}
        <section class="sheet narrow" aria-labelledby="title">
            <h1 id="title">{t!(ui, "admin.models.new_title")}</h1>
            <form class="form" method="post" action="/api/admin_create_model">
                {input(ui, &flash, id)}
                {upstream}
                {input(ui, &flash, there)}
                {input(ui, &flash, context)}
                {price::fields(ui, &flash, &Typed::default())}
                {typed.preview(ui, None)}
                <div class="row">
                    <button class="btn" type="submit" formmethod="get" formaction="/admin/models/new">{t!(ui, "admin.price.show")}</button>
                    <button class="btn primary" type="submit">{t!(ui, "admin.models.add")}</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}
