//! What does it come to? Three amounts, how they come about bucket by bucket, and the same at other models.

use domain::{Amount, Bucket, Currency};
use leptos::prelude::*;

use super::asked::{Costs, Wanted};
use crate::pages::prices::exact;
use crate::pages::prices::words::bucket;
use crate::reader::Ui;
use crate::shell::ruler;

/// Ticks of the ruler, filled as far as input makes the cost.
const TICKS: u32 = 40;

pub fn costs(ui: &Ui, costs: &Costs) -> AnyView {
    let converted = ui.prefs().currency != Currency::Usd;
    let figure = |words: String, amount: Amount| {
        let dollars = converted.then(|| view! { <dd class="num hint">{ui.exact(amount)}</dd> });
        view! { <div><dt>{words}</dt><dd class="num" title=ui.exact(amount)>{ui.money(amount)}</dd>{dollars}</div> }
    };
    let formula = &costs.formula;
    let rows: Vec<_> = formula
        .parts
        .iter()
        .map(|part| {
            let name = bucket(ui, part.bucket, formula.unit);
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="n num">{ui.number(part.count)}</td>
                    <td class="n num">{exact(ui, part.price)}</td>
                    <td class="n num">{ui.exact_picos(part.picos)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="sheet" aria-labelledby="cost">
            <h2 id="cost">{t!(ui, "calculator.result.title")}</h2>
            {ruler(share_of_input(costs), TICKS, None)}
            <dl class="kv costs">
                {figure(t!(ui, "calculator.result.call"), formula.charge)}
                {figure(t!(ui, "calculator.result.day"), costs.day)}
                {figure(t!(ui, "calculator.result.month"), costs.month)}
            </dl>
            <h3 id="formula">{t!(ui, "calculator.result.how")}</h3>
            <div class="tablewrap" role="group" aria-labelledby="formula" tabindex="0">
                <table aria-labelledby="formula">
                    <thead><tr>
                        <th scope="col">{t!(ui, "prices.one.what")}</th>
                        <th scope="col" class="n">{t!(ui, "calculator.result.count")}</th>
                        <th scope="col" class="n">{t!(ui, "prices.one.per_million")}</th>
                        <th scope="col" class="n">{t!(ui, "calculator.result.amount")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                    <tfoot><tr>
                        <th scope="row" colspan="3">{t!(ui, "calculator.result.sum")}</th>
                        <td class="n num">{ui.exact(formula.charge)}</td>
                    </tr></tfoot>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// How many ticks of the cost the input makes.
fn share_of_input(costs: &Costs) -> u32 {
    let output = costs.formula.parts.iter();
    let output = output.filter(|part| Bucket::ANSWER.contains(&part.bucket));
    let output: i128 = output.map(|part| part.picos).sum();
    let all = costs.formula.picos.max(1);
    u32::try_from((costs.formula.picos - output) * i128::from(TICKS) / all).unwrap_or(TICKS)
}

pub fn others(ui: &Ui, wanted: &Wanted, chosen: &str, all: &[(&str, Costs)]) -> Option<AnyView> {
    if all.iter().all(|(id, _)| *id == chosen) {
        return None;
    }
    let money =
        |amount: Amount| view! { <td class="n num" title=ui.exact(amount)>{ui.money(amount)}</td> };
    let rows: Vec<_> = all
        .iter()
        .map(|(id, costs)| {
            let current = (*id == chosen).then_some("true");
            let name = (*id).to_owned();
            view! {
                <tr>
                    <th scope="row">
                        <a href=wanted.at(ui, id) aria-current=current><bdi class="mono" translate="no">{name}</bdi></a>
                    </th>
                    {money(costs.formula.charge)}
                    {money(costs.month)}
                </tr>
            }
        })
        .collect();
    let view = view! {
        <section class="sheet" aria-labelledby="others">
            <header>
                <h2 id="others">{t!(ui, "calculator.compare.title")}</h2>
                <span class="hint">{t!(ui, "calculator.compare.hint")}</span>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="others" tabindex="0">
                <table class="prices" aria-labelledby="others">
                    <thead><tr>
                        <th scope="col">{t!(ui, "landing.models.model")}</th>
                        <th scope="col" class="n">{t!(ui, "calculator.result.call")}</th>
                        <th scope="col" class="n">{t!(ui, "calculator.result.month")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    };
    Some(view.into_any())
}
