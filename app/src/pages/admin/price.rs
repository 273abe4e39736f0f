//! What will people pay? The part of a form that holds cost and mark-up, and the preview of what they make.

use domain::{Price, PricePerMtok};
use leptos::prelude::*;
use serde::Deserialize;

use crate::api::{AdminField, Priced, read_price};
use crate::flash::{Field, Flash};
use crate::pages::form::{Input, input};
use crate::reader::Ui;

/// What a preview was asked for with: the form's fields, in the address.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Typed {
    pub cost_input: String,
    pub cost_cached: String,
    pub cost_output: String,
    pub markup: String,
    pub starts_on: String,
    pub model: String,
    pub upstream: String,
    pub upstream_model: String,
    pub context: String,
}

impl Typed {
    fn priced(&self) -> Priced<'_> {
        Priced {
            cost_input: &self.cost_input,
            cost_cached: &self.cost_cached,
            cost_output: &self.cost_output,
            markup: &self.markup,
        }
    }

    fn is_asked(&self) -> bool {
        ![&self.cost_input, &self.cost_output, &self.markup]
            .iter()
            .all(|text| text.is_empty())
    }

    /// What the form says now: what a failed publication left, else what the preview was asked for with.
    pub fn flash(&self, ui: &Ui) -> Flash {
        let left = ui.flash().cloned().unwrap_or_default();
        if !left.faults.is_empty() || !self.is_asked() {
            return left;
        }
        let mut flash = self.priced().typed(left);
        for (field, text) in [
            (AdminField::StartsOn, &self.starts_on),
            (AdminField::ModelId, &self.model),
            (AdminField::Upstream, &self.upstream),
            (AdminField::UpstreamModel, &self.upstream_model),
            (AdminField::Context, &self.context),
        ] {
            flash = flash.typed(Field::Admin(field), text);
        }
        flash
            .faults
            .extend(read_price(&self.priced()).err().unwrap_or_default());
        flash
    }

    /// What callers would pay, once cost and mark-up make sense.
    pub fn preview(&self, ui: &Ui, now: Option<&Price>) -> Option<AnyView> {
        let price = read_price(&self.priced()).ok()?.price();
        Some(preview(ui, &price, now))
    }
}

/// A price per million tokens in US dollars, exactly.
pub fn exact(ui: &Ui, price: PricePerMtok) -> String {
    ui.exact(domain::Amount::from_nanos(
        price.micro_usd().saturating_mul(1_000),
    ))
}

/// Cost and mark-up. `before` is what they were.
pub fn fields(ui: &Ui, flash: &Flash, before: &Typed) -> AnyView {
    let line = |field, label, hint: Option<String>, value: &str| {
        let mut line = Input::new(Field::Admin(field), label).value(value);
        line.hint = hint;
        line.inputmode = Some("decimal");
        line.ltr = true;
        input(ui, flash, line)
    };
    let cached = t!(ui, "admin.price.cost_cached_hint");
    let markup = t!(ui, "admin.price.markup_hint");
    view! {
        <fieldset class="group">
            <legend>{t!(ui, "admin.price.cost")}</legend>
            <p class="hint">{t!(ui, "admin.price.cost_hint")}</p>
            <div class="admin-fields">
                {line(AdminField::CostInput, t!(ui, "admin.price.input"), None, &before.cost_input)}
                {line(AdminField::CostCached, t!(ui, "admin.price.cached"), Some(cached), &before.cost_cached)}
                {line(AdminField::CostOutput, t!(ui, "admin.price.output"), None, &before.cost_output)}
                {line(AdminField::Markup, t!(ui, "admin.price.markup"), Some(markup), &before.markup)}
            </div>
            <p class="hint">{t!(ui, "admin.price.tools_hint")}</p>
        </fieldset>
    }
    .into_any()
}

/// What callers would pay, beside what they pay now.
fn preview(ui: &Ui, price: &Price, now: Option<&Price>) -> AnyView {
    let rows: Vec<_> = buckets(ui, price, now)
        .into_iter()
        .map(|(name, price, now)| {
            let now = now.map(|now| view! { <td class="n num">{exact(ui, now)}</td> });
            view! { <tr><th scope="row">{name}</th>{now}<td class="n num"><strong>{exact(ui, price)}</strong></td></tr> }
        })
        .collect();
    let head = now.map(|_| view! { <th scope="col" class="n">{t!(ui, "admin.price.now")}</th> });
    view! {
        <div class="admin-preview" role="status">
            <h3 id="preview">{t!(ui, "admin.price.preview")}</h3>
            <table aria-labelledby="preview">
                <thead><tr>
                    <th scope="col">{t!(ui, "admin.price.per_mtok")}</th>
                    {head}
                    <th scope="col" class="n">{t!(ui, "admin.price.then")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <p class="hint">{t!(ui, "admin.price.preview_hint")}</p>
        </div>
    }
    .into_any()
}

type Bucket = (String, PricePerMtok, Option<PricePerMtok>);

fn buckets(ui: &Ui, price: &Price, now: Option<&Price>) -> [Bucket; 3] {
    [
        (
            t!(ui, "admin.price.input"),
            price.input,
            now.map(|now| now.input),
        ),
        (
            t!(ui, "admin.price.cached"),
            price.cached_input,
            now.map(|now| now.cached_input),
        ),
        (
            t!(ui, "admin.price.output"),
            price.output,
            now.map(|now| now.output),
        ),
    ]
}
