//! Which period is it, and what does it come to? Presets and dates, files to take away, and the balances around it.

use domain::Amount;
use leptos::prelude::*;
use server::statement::Total;

use super::query::{Period, Query};
use super::{Facts, PATH, words};
use crate::reader::Ui;
use crate::shell::{icon, notice, rich};

/// Title, periods and files.
pub(super) fn head(ui: &Ui, query: &Query) -> AnyView {
    let wrong = query
        .wrong_dates
        .then(|| notice(ui, "warn", t!(ui, "statement.period.wrong")));
    let too_long = query
        .too_long
        .then(|| notice(ui, "warn", t!(ui, "statement.export.too_long")));
    view! {
        <nav class="crumbs" aria-label=t!(ui, "statement.crumbs")>
            <ol><li><a href="/wallet">{icon(ui, "arrow-left", "flip")}{t!(ui, "receipts.wallet")}</a></li></ol>
        </nav>
        <div class="usage-head statement-head">
            <h1>{t!(ui, "statement.title")}</h1>
            <p class="lead">{t!(ui, "statement.intro")}</p>
            {wrong}
            {too_long}
            {periods(ui, query)}
            {form(ui, query)}
        </div>
    }
    .into_any()
}

fn periods(ui: &Ui, query: &Query) -> AnyView {
    let presets: Vec<_> = Period::PRESETS
        .into_iter()
        .map(|period| {
            let words = match period {
                Period::LastMonth => t!(ui, "statement.period.last_month"),
                Period::Days30 => t!(ui, "statement.period.days_30"),
                Period::Year => t!(ui, "statement.period.year"),
                Period::ThisMonth | Period::Between(..) => t!(ui, "statement.period.this_month"),
            };
            let current = (period == query.period).then_some("true");
            view! { <li><a class="btn slim" href=Query::preset(period) aria-current=current>{words}</a></li> }
        })
        .collect();
    let zone = t!(
        ui,
        "statement.period.zone",
        zone = words::zone(ui, query.range.from)
    );
    let zone = rich(&zone, |words| {
        view! { <a href="/settings">{words}</a> }.into_any()
    });
    view! {
        <div class="ranges">
            <nav aria-label=t!(ui, "statement.period.label")><ul class="row tight presets">{presets}</ul></nav>
            <p class="hint">{zone}</p>
        </div>
    }
    .into_any()
}

/// Other days: a form that asks for an address.
fn form(ui: &Ui, query: &Query) -> AnyView {
    let today = query.zone.iso_day(ui.prefs().now);
    let (from, to) = query.days();
    let date = |id: &'static str, label: String, value: String| {
        view! {
            <div class="item">
                <label for=id>{label}</label>
                <input class="field" type="date" id=id name=id value=value/>
            </div>
        }
    };
    // The last day of a period that is not over lies ahead.
    let to = if to > today { today } else { to };
    view! {
        <form class="filters" method="get" action=PATH aria-label=t!(ui, "statement.period.form")>
            {date("from", t!(ui, "statement.period.from"), from)}
            {date("to", t!(ui, "statement.period.to"), to)}
            <div class="item go"><button class="btn" type="submit">{t!(ui, "statement.period.show")}</button></div>
        </form>
    }
    .into_any()
}

/// The days that are shown: `November 1, 2026 – November 30, 2026`.
pub(super) fn shown_days(ui: &Ui, query: &Query) -> String {
    let (from, to) = (ui.date(query.range.from), ui.date(query.range.to - 1));
    if from == to {
        from
    } else {
        t!(ui, "statement.period.shown", from = from, to = to)
    }
}

/// What the balance at the end of a period is called: it is not over yet, or it is.
pub(super) fn closing_words(ui: &Ui, query: &Query) -> String {
    if query.range.to > ui.prefs().now {
        t!(ui, "statement.balance.now")
    } else {
        t!(ui, "statement.balance.closing")
    }
}

/// Opening balance, what came and went, closing balance; and the files.
pub(super) fn totals(ui: &Ui, query: &Query, facts: &Facts) -> AnyView {
    let statement = &facts.statement;
    let kinds: Vec<_> = statement
        .totals
        .iter()
        .map(|total| of_kind(ui, total))
        .collect();
    let given_away = (!facts.given_away.is_zero()).then(|| {
        let amount = ui.exact(facts.given_away);
        view! { <p class="hint">{t!(ui, "statement.given_away", amount = amount)}</p> }
    });
    let rates = ui
        .rates_date()
        .map(|date| view! { <p class="hint">{t!(ui, "statement.about", date = date)}</p> });
    let file = |format: &'static str, words: String| {
        let href = query.dated(&format!("{PATH}/export/{format}"));
        view! { <li><a class="btn slim" href=href>{icon(ui, "download", "")}{words}</a></li> }
    };
    let with_calls = |format: &'static str, words: String| {
        let href = query.dated(&format!("{PATH}/export/{format}"));
        view! { <li><a class="btn slim" href=format!("{href}&detail=calls")>{icon(ui, "download", "")}{words}</a></li> }
    };
    view! {
        <section class="sheet statement-totals" aria-labelledby="totals">
            <header><h2 id="totals">{shown_days(ui, query)}</h2></header>
            <dl class="sums">
                {sum(ui, t!(ui, "statement.balance.opening"), statement.opening, "edge")}
                {kinds}
                {sum(ui, closing_words(ui, query), statement.closing, "edge")}
            </dl>
            {given_away}
            {rates}
            <div class="files">
                <h3>{t!(ui, "statement.export.title")}</h3>
                <ul class="row tight">
                    {file("pdf", t!(ui, "statement.export.pdf"))}
                    {file("csv", t!(ui, "statement.export.csv"))}
                    {file("json", t!(ui, "statement.export.json"))}
                    {with_calls("csv", t!(ui, "statement.export.csv_calls"))}
                    {with_calls("json", t!(ui, "statement.export.json_calls"))}
                </ul>
                <p class="hint">{t!(ui, "statement.export.hint")}</p>
            </div>
        </section>
    }
    .into_any()
}

fn of_kind(ui: &Ui, total: &Total) -> AnyView {
    sum(
        ui,
        words::kind(ui, &total.kind, total.amount),
        total.amount,
        "",
    )
}

fn sum(ui: &Ui, words: String, amount: Amount, class: &'static str) -> AnyView {
    let about = words::about(ui, amount).map(|about| view! { <span class="about">{about}</span> });
    view! {
        <div class=class>
            <dt>{words}</dt>
            <dd><span class="num">{ui.exact(amount)}</span>{about}</dd>
        </div>
    }
    .into_any()
}
