//! What happened in this one request, and why did it cost that? Its tokens, its formula, its attempts.

use axum::extract::Path;
use axum::response::Response;
use domain::{Bucket, Formula, Rule};
use http::StatusCode;
use leptos::prelude::*;
use server::calls::{AttemptRow, CallDetail};

use super::words::{self, Names};
use super::{error, signed_in, unavailable};
use crate::pages::prices::words::bucket;
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, copy_button, icon, respond, rich};

/// `/usage/calls/{id}`. Another workspace's call, or none at all, is not there.
pub async fn call(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(id) = id.parse() else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    let detail = match services.calls.one(account.workspace, id).await {
        Ok(Some(detail)) => detail,
        Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
        Err(error) => return unavailable(&ui, &error),
    };
    let names = match services.calls.key_names(account.workspace).await {
        Ok(names) => names,
        Err(error) => return unavailable(&ui, &error),
    };
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "usage.call.title"),
        description: None,
        body: content(ui, &detail, &names),
    })
}

fn content(ui: &Ui, detail: &CallDetail, names: &Names) -> AnyView {
    view! {
        <nav class="crumbs" aria-label=t!(ui, "keys.crumbs")>
            <ol><li><a href="/usage/calls">{icon(ui, "arrow-left", "flip")}{t!(ui, "usage.call.back")}</a></li></ol>
        </nav>
        <h1>{t!(ui, "usage.call.title")}</h1>
        {facts(ui, detail, names)}
        {cost(ui, detail)}
        {attempts(ui, &detail.call.attempts)}
    }
    .into_any()
}

fn facts(ui: &Ui, detail: &CallDetail, names: &Names) -> AnyView {
    let call = &detail.call;
    let key = (
        words::key(ui, names, &call.key_id),
        names.get(&call.key_id).is_some_and(|key| !key.zone),
    );
    let streamed = if call.streamed {
        t!(ui, "usage.call.streamed_yes")
    } else {
        t!(ui, "usage.call.streamed_no")
    };
    let first_byte = call.first_byte_ms.map(|ms| {
        view! { <div><dt>{t!(ui, "usage.call.first_byte")}</dt><dd class="num">{words::duration(ui, ms)}</dd></div> }
    });
    let reasoning = u64::try_from(call.reasoning_tokens).unwrap_or_default();
    let reasoning = (reasoning > 0).then(|| {
        view! { <div><dt>{t!(ui, "usage.call.reasoning")}</dt><dd class="num">{ui.number(reasoning)}</dd></div> }
    });
    view! {
        <section class="sheet" aria-label=t!(ui, "usage.call.title")>
            <p class="endpoint" data-copyable="">
                <span class="hint">{t!(ui, "usage.call.id")}</span>
                <code data-copy="" dir="ltr" translate="no">{call.id.clone()}</code>
                {copy_button(ui, t!(ui, "usage.call.id"))}
            </p>
            <dl class="kv">
                <div>
                    <dt>{t!(ui, "usage.call.time")}</dt>
                    <dd><time datetime=ui.zone().iso(call.created_at)>{ui.date_time(call.created_at)}</time></dd>
                </div>
                <div><dt>{t!(ui, "usage.call.model")}</dt><dd><bdi translate="no">{call.model.clone()}</bdi></dd></div>
                <div><dt>{t!(ui, "usage.call.key")}</dt><dd>{words::named(key)}</dd></div>
                <div><dt>{t!(ui, "usage.call.status")}</dt><dd>{words::status_pill(ui, &call.ending)}</dd></div>
                <div><dt>{t!(ui, "usage.call.http")}</dt><dd class="num">{call.status.to_string()}</dd></div>
                <div><dt>{t!(ui, "usage.call.streamed")}</dt><dd>{streamed}</dd></div>
                {first_byte}
                <div><dt>{t!(ui, "usage.call.duration")}</dt><dd class="num">{words::duration(ui, call.duration_ms)}</dd></div>
                {reasoning}
            </dl>
        </section>
    }
    .into_any()
}

fn cost(ui: &Ui, detail: &CallDetail) -> AnyView {
    let call = &detail.call;
    let (rule, hint) = words::rule(ui, &call.rule);
    let by_rule = Rule::from_id(&call.rule).map(|rule| {
        let link = ui.link(&rule.docs_path());
        let words = t!(ui, "usage.call.by_rule", rule = rule.id());
        let linked = rich(&words, |id| {
            view! { <a href=link><code dir="ltr" translate="no">{id}</code></a> }.into_any()
        });
        view! { <p class="hint">{linked}</p> }
    });
    let formula = match &detail.formula {
        Some(formula) => lines(ui, detail, formula),
        None => view! { <p class="hint">{t!(ui, "usage.call.no_price")}</p> }.into_any(),
    };
    let nothing = (!detail.charges).then(|| view! { <p>{t!(ui, "usage.call.nothing")}</p> });
    let unbilled = (!call.unbilled_nusd.is_zero())
        .then(|| view! { <p class="hint">{t!(ui, "usage.call.unbilled_hint")}</p> });
    let estimated = call
        .estimated
        .then(|| view! { <p class="hint">{t!(ui, "usage.call.estimated")}</p> });
    let flagged = call
        .flagged
        .then(|| view! { <p class="hint">{t!(ui, "usage.call.flagged")}</p> });
    view! {
        <section class="sheet wide" aria-labelledby="formula">
            <header>
                <h2 id="formula">{t!(ui, "usage.call.formula")}</h2>
                <span class="num big" title=ui.exact(call.charge_nusd)>{ui.money(call.charge_nusd)}</span>
            </header>
            <p><strong>{rule}</strong>" "<span class="muted">{hint}</span></p>
            {by_rule}
            {formula}
            {nothing}
            {unbilled}
            {estimated}
            {flagged}
            <p class="hint">{t!(ui, "usage.call.price_version")}" "<code dir="ltr" translate="no">{call.price_version.clone()}</code></p>
        </section>
    }
    .into_any()
}

/// Tokens × price, bucket by bucket, the sum, and what was made of it. What is not charged is shown as numbers only.
fn lines(ui: &Ui, detail: &CallDetail, formula: &Formula) -> AnyView {
    let call = &detail.call;
    let rows: Vec<_> = formula
        .parts
        .iter()
        .map(|part| {
            let name = match part.bucket {
                Bucket::Input => t!(ui, "usage.call.input"),
                Bucket::CachedInput => t!(ui, "usage.call.cached_input"),
                Bucket::Output => t!(ui, "usage.call.output"),
                other => bucket(ui, other, formula.unit),
            };
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td class="n num">{ui.number(part.count)}</td>
                    <td class="n num">{ui.exact_picos(i128::from(part.price.micro_usd()) * 1_000_000)}</td>
                    <td class="n num">{ui.exact_picos(part.picos)}</td>
                </tr>
            }
        })
        .collect();
    let sum = |words: String, amount: String| {
        view! { <tr><th scope="row" colspan="3">{words}</th><td class="n num">{amount}</td></tr> }
    };
    let unbilled = (!call.unbilled_nusd.is_zero())
        .then(|| sum(t!(ui, "usage.call.unbilled"), ui.exact(call.unbilled_nusd)));
    let reversed = (!call.reversed_nusd.is_zero())
        .then(|| sum(t!(ui, "usage.call.reversed"), ui.exact(call.reversed_nusd)));
    let rounding = detail.charges.then(|| {
        let words = if formula.rounded() {
            t!(ui, "usage.call.rounded")
        } else {
            t!(ui, "usage.call.not_rounded")
        };
        view! { <p class="hint">{words}</p> }
    });
    view! {
        <div class="tablewrap" role="group" aria-labelledby="formula" tabindex="0">
            <table class="lines">
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "usage.call.bucket")}</th>
                        <th scope="col" class="n">{t!(ui, "usage.call.count")}</th>
                        <th scope="col" class="n">{t!(ui, "usage.call.price")}</th>
                        <th scope="col" class="n">{t!(ui, "usage.call.amount")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
                <tfoot>
                    {sum(t!(ui, "usage.call.sum"), ui.exact_picos(formula.picos))}
                    {unbilled}
                    {reversed}
                    {sum(t!(ui, "usage.call.charged"), ui.exact(call.charge_nusd))}
                </tfoot>
            </table>
        </div>
        {rounding}
    }
    .into_any()
}

fn attempts(ui: &Ui, attempts: &[AttemptRow]) -> AnyView {
    if attempts.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            let status = attempt
                .status
                .map_or_else(|| "–".to_owned(), |status| status.to_string());
            view! {
                <tr>
                    <th scope="row"><bdi translate="no">{attempt.upstream.clone()}</bdi></th>
                    <td>{words::outcome(ui, &attempt.outcome)}</td>
                    <td class="n num hide-narrow">{status}</td>
                    <td class="n num">{words::duration(ui, attempt.duration_ms)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="sheet wide" aria-labelledby="attempts">
            <header><h2 id="attempts">{t!(ui, "usage.call.attempts")}</h2></header>
            <div class="tablewrap" role="group" aria-labelledby="attempts" tabindex="0">
                <table class="lines">
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "usage.call.attempt")}</th>
                            <th scope="col">{t!(ui, "usage.call.outcome")}</th>
                            <th scope="col" class="n hide-narrow">{t!(ui, "usage.call.http")}</th>
                            <th scope="col" class="n">{t!(ui, "usage.call.duration")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
