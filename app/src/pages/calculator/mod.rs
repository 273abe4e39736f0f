//! What will it cost me? One call, a day and a month of them, at one model and beside it at all others. A form that
//! asks with its address: it works without a script.

mod asked;
mod result;

use axum::response::Response;
use domain::MoneyError;
use http::StatusCode;
use leptos::prelude::*;
use server::catalog::{ModelView, Published};

use self::asked::{Asked, Costs, FIELDS, MOST, Wanted};
use super::admin::with_query;
use super::anyone;
use super::landing::first_model;
use super::prices::rates_hint;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, notice, respond};

/// Where it is, without the language.
pub const PATH: &str = "/calculator";

/// The address that works out usual calls of a model.
pub fn of_model(ui: &Ui, model: &str) -> String {
    with_query(&ui.link(PATH), &[("model", model)])
}

/// `GET /calculator`
pub async fn calculator(reader: Reader) -> Response {
    let catalog = &reader.services.catalog;
    let (models, for_sale) = (catalog.published(), catalog.models());
    let ui = anyone(reader).await;
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Public,
        title: t!(ui, "calculator.title"),
        description: Some(t!(ui, "calculator.meta.description")),
        body: content(ui, &models, &for_sale),
    })
}

fn content(ui: &Ui, models: &[Published], for_sale: &[ModelView]) -> AnyView {
    let asked = Asked::read(ui.asked());
    let find = |id: &str| models.iter().find(|model| model.id == id);
    let named = asked.model.as_deref().and_then(find);
    let usual = || first_model(for_sale).and_then(|first| find(&first.id));
    let body = match named.or_else(usual) {
        None => view! { <div class="empty"><p>{t!(ui, "prices.empty")}</p></div> }.into_any(),
        Some(model) => {
            let strange = asked.model.is_some() && named.is_none();
            worked_out(ui, &asked, model, models, strange)
        }
    };
    view! {
        <div class="prices-page">
            <header class="intro">
                <h1>{t!(ui, "calculator.title")}</h1>
                <p class="measure">{t!(ui, "calculator.lead")}</p>
            </header>
            {body}
        </div>
    }
    .into_any()
}

/// `strange`: a model was asked for that is not there, and this is another one.
fn worked_out(
    ui: &Ui,
    asked: &Asked,
    model: &Published,
    models: &[Published],
    strange: bool,
) -> AnyView {
    let strange = strange.then(|| notice(ui, "warn", t!(ui, "calculator.wrong.model")));
    let wanted = asked.wanted();
    let costs = wanted.map(|wanted| wanted.costs(model.now.for_usage(&wanted.usage)));
    let shown = match (wanted, costs) {
        (Some(wanted), Some(Ok(costs))) => {
            let tight = (!fits(model, &wanted)).then(|| {
                let count = ui.number(model.context);
                let words = t!(
                    ui,
                    "calculator.wrong.context",
                    model = model.id,
                    count = count
                );
                notice(ui, "warn", words)
            });
            let others = compared(models, &wanted);
            view! {
                {tight}
                {result::costs(ui, &costs)}
                {result::others(ui, &wanted, &model.id, &others)}
            }
            .into_any()
        }
        (_, Some(Err(_))) => notice(ui, "danger", t!(ui, "calculator.wrong.dear")),
        _ => notice(ui, "warn", t!(ui, "calculator.result.nothing")),
    };
    view! {
        {strange}
        <div class="calc">
            {form(ui, asked, model, models)}
            <div class="answer">{shown}{rates_hint(ui)}</div>
        </div>
    }
    .into_any()
}

/// Whether so many tokens fit into one call.
fn fits(model: &Published, wanted: &Wanted) -> bool {
    wanted.usage.total() <= model.context
}

/// What the same comes to at every model that can do it, the cheapest first.
fn compared<'a>(models: &'a [Published], wanted: &Wanted) -> Vec<(&'a str, Costs)> {
    let costs = |model: &'a Published| -> Result<_, MoneyError> {
        Ok((
            model.id.as_str(),
            wanted.costs(model.now.for_usage(&wanted.usage))?,
        ))
    };
    let mut all: Vec<_> = models
        .iter()
        .filter(|model| fits(model, wanted))
        .filter_map(|model| costs(model).ok())
        .collect();
    all.sort_by_key(|(id, costs)| (costs.formula.picos, *id));
    all
}

fn form(ui: &Ui, asked: &Asked, model: &Published, models: &[Published]) -> AnyView {
    let entries: Vec<_> = models
        .iter()
        .map(|one| {
            let selected = one.id == model.id;
            view! { <option value=one.id.clone() selected=selected>{one.id.clone()}</option> }
        })
        .collect();
    let labels = [
        (
            t!(ui, "calculator.form.input"),
            Some(t!(ui, "calculator.form.input_hint")),
        ),
        (t!(ui, "calculator.form.cached"), None),
        (
            t!(ui, "calculator.form.output"),
            Some(t!(ui, "calculator.form.output_hint")),
        ),
        (t!(ui, "calculator.form.calls"), None),
    ];
    let fields: Vec<_> = FIELDS
        .into_iter()
        .zip(labels)
        .zip(asked.typed())
        .zip(asked.numbers())
        .map(|(((name, (label, hint)), typed), number)| {
            field(ui, name, label, hint, typed, number.is_none())
        })
        .collect();
    view! {
        <section class="sheet" aria-label=t!(ui, "calculator.form.title")>
            <form class="form" method="get" action=ui.link(PATH)>
                <div class="item">
                    <label for="model">{t!(ui, "landing.models.model")}</label>
                    <select class="field" id="model" name="model" translate="no">{entries}</select>
                </div>
                {fields}
                <button class="btn primary" type="submit">{t!(ui, "calculator.form.submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn field(
    ui: &Ui,
    name: &'static str,
    label: String,
    hint: Option<String>,
    typed: String,
    wrong: bool,
) -> AnyView {
    let (hint_id, wrong_id) = (format!("{name}-hint"), format!("{name}-wrong"));
    let described: Vec<_> = [(wrong, &wrong_id), (hint.is_some(), &hint_id)]
        .into_iter()
        .filter_map(|(there, id)| there.then_some(id.as_str()))
        .collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let invalid = wrong.then_some("true");
    let wrong = wrong.then(|| {
        let words = t!(ui, "calculator.wrong.number", max = ui.number(MOST));
        view! { <p class="wrong" id=wrong_id.clone()>{words}</p> }
    });
    let hint = hint.map(|words| view! { <p class="hint" id=hint_id.clone()>{words}</p> });
    view! {
        <div class="item">
            <label for=name>{label}</label>
            <input class="field" id=name name=name type="text" inputmode="numeric" dir="ltr" autocomplete="off"
                value=typed aria-describedby=described aria-invalid=invalid/>
            {wrong}
            {hint}
        </div>
    }
    .into_any()
}
