//! Which models are there, and what do they cost? The catalogue's own prices, and one sample call worked out from them.

use domain::Usage;
use leptos::prelude::*;
use server::catalog::ModelView;

use crate::pages::prices::{PATH, price_path};
use crate::reader::Ui;
use crate::shell::ruler;

/// The sample call: about one page in, half a page out.
const SAMPLE: Usage = Usage {
    input: 1_200,
    output: 400,
    ..Usage::ZERO
};

/// One call, metered: what goes in, what comes out, what it costs at this model's price.
pub fn sample(ui: &Ui, model: &ModelView) -> Option<AnyView> {
    let charge = model.price.charge(&SAMPLE).ok()?;
    let filled = u32::try_from(40 * SAMPLE.input / (SAMPLE.input + SAMPLE.output)).unwrap_or(40);
    let figure = |words: String, value: String| view! { <div><dt>{words}</dt><dd class="num">{value}</dd></div> };
    let view = view! {
        <section class="sample" aria-labelledby="sample-title">
            <div class="title">
                <h2 id="sample-title">{t!(ui, "landing.meter.caption")}</h2>
                <bdi class="mono hint" translate="no">{model.id.clone()}</bdi>
            </div>
            {ruler(filled, 40, None)}
            <dl class="figures">
                {figure(t!(ui, "landing.meter.input"), ui.number(SAMPLE.input))}
                {figure(t!(ui, "landing.meter.output"), ui.number(SAMPLE.output))}
                <div class="cost"><dt>{t!(ui, "landing.meter.total")}</dt><dd class="num">{ui.money(charge)}</dd></div>
            </dl>
        </section>
    };
    Some(view.into_any())
}

/// Every model with its prices per million tokens in the reader's currency.
pub fn prices(ui: &Ui, models: &[ModelView]) -> AnyView {
    let rows: Vec<_> = models
        .iter()
        .map(|model| {
            view! {
                <tr>
                    <th scope="row" translate="no"><a href=ui.link(&price_path(&model.id))><bdi class="mono">{model.id.clone()}</bdi></a></th>
                    <td class="n num">{ui.price(model.price.input)}</td>
                    <td class="n num hide-narrow">{ui.price(model.price.cached_input)}</td>
                    <td class="n num">{ui.price(model.price.output)}</td>
                    <td class="n num hide-narrow">{ui.compact(model.context)}</td>
                </tr>
            }
        })
        .collect();
    let rates = ui.rates_date().map(
        |date| view! { <p class="hint">{t!(ui, "currency.approximate_hint", date = date)}</p> },
    );
    view! {
        <section id="models" aria-labelledby="models-title">
            <h2 id="models-title">{t!(ui, "landing.models.title")}</h2>
            <p class="measure">{t!(ui, "landing.models.lead")}</p>
            <div class="pricewrap">
                <div class="tablewrap" role="group" aria-labelledby="models-title" tabindex="0">
                    <table class="prices">
                        <thead>
                            <tr>
                                <th scope="col">{t!(ui, "landing.models.model")}</th>
                                <th scope="col" class="n">{t!(ui, "landing.models.input")}</th>
                                <th scope="col" class="n hide-narrow">{t!(ui, "landing.models.cached_input")}</th>
                                <th scope="col" class="n">{t!(ui, "landing.models.output")}</th>
                                <th scope="col" class="n hide-narrow">{t!(ui, "landing.models.context")}</th>
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </div>
            {rates}
            <p><a href=ui.link(PATH)>{t!(ui, "landing.models.all")}</a></p>
        </section>
    }
    .into_any()
}
