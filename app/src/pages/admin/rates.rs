//! What is a dollar in each currency, who says so, and may somebody pay by it? The rates in force, their sources, and
//! each currency's history with the form that sets its rate by hand.

use axum::extract::Path;
use axum::response::Response;
use domain::Currency;
use domain::fx::{Charging, Known, PerUsd, Source};
use leptos::prelude::*;
use server::rates::{Past, SourceState};
use texts::format::{self, Money, Zone};

use super::{admin, crumbs, fact, missing, page, scrolled, unavailable};
use crate::api::AdminField;
use crate::flash::Field;
use crate::pages::form::{Input, input, tick};
use crate::reader::{Reader, Ui};
use crate::shell::{currency_words, icon, notice};

/// Lines of a currency's history.
const HISTORY: usize = 60;

/// `GET /admin/rates`
pub async fn rates(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let (table, asked) = (services.rates.table(), services.rates.asked());
    match services.rates.sources().await {
        Ok(states) => page(&ui, t!(ui, "admin.rates.title"), |ui| {
            let rows = Currency::ALL
                .into_iter()
                .filter(|currency| *currency != Currency::Usd)
                .map(|currency| row(ui, currency, &table.known(currency)))
                .collect();
            list(ui, rows, sources(ui, &asked, &states))
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

/// `GET /admin/rates/{currency}`
pub async fn rate(Path(code): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let currency = match code.parse::<Currency>() {
        Ok(currency) if currency != Currency::Usd => currency,
        _ => return missing(&ui),
    };
    let known = services.rates.table().known(currency);
    match services.rates.history(currency, HISTORY).await {
        Ok(past) => page(&ui, currency_words(&ui, currency), |ui| {
            one(ui, currency, &known, &past)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

fn list(ui: &Ui, rows: Vec<AnyView>, sources: AnyView) -> AnyView {
    let head = view! {
        <th scope="col">{t!(ui, "admin.rates.currency")}</th>
        <th scope="col" class="n">{t!(ui, "admin.rates.per_usd")}</th>
        <th scope="col">{t!(ui, "admin.rates.source")}</th>
        <th scope="col">{t!(ui, "admin.rates.day")}</th>
        <th scope="col">{t!(ui, "admin.rates.charging")}</th>
    };
    view! {
        <h1>{t!(ui, "admin.rates.title")}</h1>
        <section class="sheet" aria-labelledby="in-force">
            <header>
                <h2 id="in-force">{t!(ui, "admin.rates.in_force")}</h2>
                <span class="hint">{t!(ui, "admin.rates.hint")}</span>
            </header>
            {scrolled(t!(ui, "admin.rates.in_force"), head.into_any(), rows)}
        </section>
        {sources}
    }
    .into_any()
}

fn row(ui: &Ui, currency: Currency, known: &Known) -> AnyView {
    let code = currency.code();
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/rates/{code}")>{currency_words(ui, currency)}</a>
                <span class="under mono" translate="no">{code}</span>
            </th>
            <td class="n num">{written(ui, known.rate, currency)}</td>
            <td>{source_words(ui, known.source)}</td>
            <td class="when">{day(ui, known.date)}<span class="under">{age(ui, known)}</span></td>
            <td>{charging(ui, known)}</td>
        </tr>
    }
    .into_any()
}

/// With every digit it has.
fn written(ui: &Ui, rate: PerUsd, currency: Currency) -> String {
    let worth = Money {
        nanos: rate.e9(),
        currency,
        approx: false,
    };
    format::money_exact(ui.locale(), &worth)
}

/// Days of rates are UTC's, wherever the reader is.
fn day(ui: &Ui, at: domain::views::UnixMs) -> String {
    format::date(ui.locale(), at, Zone::UTC)
}

fn age(ui: &Ui, known: &Known) -> String {
    match known.age_days(ui.prefs().now) {
        0 => t!(ui, "admin.rates.of_today"),
        ahead if ahead < 0 => t!(ui, "admin.rates.ahead"),
        days => n!(ui, "admin.rates.days_old", days.unsigned_abs()),
    }
}

/// Whether somebody may pay by it, and why not.
fn charging(ui: &Ui, known: &Known) -> AnyView {
    let now = ui.prefs().now;
    let why = match known.charging(now) {
        Charging::Chargeable => {
            return view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "admin.rates.chargeable")}</span> }
                .into_any();
        }
        Charging::TooOld { .. } if known.source == Source::First => t!(ui, "admin.rates.built_in"),
        Charging::TooOld { .. } if known.too_far_ahead(now) => t!(ui, "admin.rates.too_far_ahead"),
        Charging::TooOld { .. } => {
            let days = known.source.max_age_days().unsigned_abs();
            n!(ui, "admin.rates.too_old", days)
        }
    };
    view! {
        <span class="pill off">{t!(ui, "admin.rates.shown_only")}</span>
        <span class="under">{why}</span>
    }
    .into_any()
}

fn source_words(ui: &Ui, source: Source) -> String {
    match source {
        Source::First => t!(ui, "admin.rates.from.first"),
        Source::Ecb => t!(ui, "admin.rates.from.ecb"),
        Source::Cbr => t!(ui, "admin.rates.from.cbr"),
        Source::OpenExchangeRates => t!(ui, "admin.rates.from.openexchangerates"),
        Source::Manual => t!(ui, "admin.rates.from.manual"),
    }
}

/// Who is asked, how they did, and a button that asks now.
fn sources(ui: &Ui, asked: &[Source], states: &[SourceState]) -> AnyView {
    if asked.is_empty() {
        return notice(ui, "warn", t!(ui, "admin.rates.nobody_asked"));
    }
    let head = view! {
        <th scope="col">{t!(ui, "admin.rates.source")}</th>
        <th scope="col">{t!(ui, "admin.rates.asked_at")}</th>
        <th scope="col">{t!(ui, "admin.rates.answer")}</th>
        <th scope="col"><span class="vh">{t!(ui, "admin.rates.fetch")}</span></th>
    };
    let rows = asked
        .iter()
        .map(|source| {
            let state = states.iter().find(|state| state.source == source.code());
            let checked = state.and_then(|state| state.checked_at);
            let checked = checked.map_or_else(|| t!(ui, "admin.rates.never"), |at| ui.ago(at));
            let refused = state.and_then(|state| state.refused.clone());
            // The log's own words: they are of this machine, not for everybody.
            let answer = match refused {
                Some(why) => view! { <bdi lang="en" translate="no">{why}</bdi> }.into_any(),
                None => t!(ui, "admin.rates.fine").into_any(),
            };
            view! {
                <tr>
                    <th scope="row">{source_words(ui, *source)}</th>
                    <td>{checked}</td>
                    <td>{answer}</td>
                    <td class="n">
                        <form method="post" action="/api/admin_fetch_rates">
                            <input type="hidden" name="source" value=source.code()/>
                            <button class="btn slim" type="submit">{t!(ui, "admin.rates.fetch")}</button>
                        </form>
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <section class="sheet" aria-labelledby="sources">
            <header>
                <h2 id="sources">{t!(ui, "admin.rates.sources")}</h2>
                <span class="hint">{t!(ui, "admin.rates.sources_hint")}</span>
            </header>
            {scrolled(t!(ui, "admin.rates.sources"), head.into_any(), rows)}
        </section>
    }
    .into_any()
}

fn one(ui: &Ui, currency: Currency, known: &Known, past: &[Past]) -> AnyView {
    let code = currency.code();
    view! {
        {crumbs(ui, "/admin/rates", t!(ui, "admin.rates.title"))}
        <div class="head"><h1>{currency_words(ui, currency)}</h1>{charging(ui, known)}</div>
        <div class="split">
            {set(ui, currency)}
            <section class="sheet" aria-labelledby="in-force">
                <h2 id="in-force">{t!(ui, "admin.rates.in_force")}</h2>
                <dl class="kv">
                    {fact(t!(ui, "admin.rates.per_usd"), view! { <span class="num">{written(ui, known.rate, currency)}</span> })}
                    {fact(t!(ui, "admin.rates.source"), source_words(ui, known.source))}
                    {fact(t!(ui, "admin.rates.day"), day(ui, known.date))}
                    {fact(t!(ui, "admin.rates.age"), age(ui, known))}
                </dl>
                {(known.source == Source::Manual).then(|| clear(ui, code))}
            </section>
        </div>
        {history(ui, currency, past)}
    }
    .into_any()
}

fn set(ui: &Ui, currency: Currency) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let code = currency.code();
    let mut value = Input::new(
        Field::Admin(AdminField::PerUsd),
        t!(ui, "admin.rates.set_label", currency = code),
    )
    .hint(t!(ui, "admin.rates.set_hint"));
    value.inputmode = Some("decimal");
    value.ltr = true;
    let mut from = Input::new(
        Field::Admin(AdminField::RateDay),
        t!(ui, "admin.rates.day_label"),
    )
    .hint(t!(ui, "admin.rates.day_hint"));
    from.kind = "date";
    from.ltr = true;
    let sure = t!(ui, "admin.rates.sure").into_any();
    view! {
        <section class="sheet" aria-labelledby="set">
            <h2 id="set">{t!(ui, "admin.rates.set_title")}</h2>
            <form class="form" method="post" action="/api/admin_set_rate">
                <input type="hidden" name="currency" value=code/>
                {input(ui, &flash, value)}
                {input(ui, &flash, from)}
                {tick(ui, &flash, Field::Admin(AdminField::RateSure), sure, false)}
                <button class="btn primary" type="submit">{t!(ui, "admin.rates.set")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn clear(ui: &Ui, code: &'static str) -> AnyView {
    view! {
        <form method="post" action="/api/admin_clear_rate">
            <input type="hidden" name="currency" value=code/>
            <button class="btn" type="submit">{t!(ui, "admin.rates.clear")}</button>
            <p class="hint">{t!(ui, "admin.rates.clear_hint")}</p>
        </form>
    }
    .into_any()
}

fn history(ui: &Ui, currency: Currency, past: &[Past]) -> AnyView {
    let body = if past.is_empty() {
        view! { <div class="empty"><p>{t!(ui, "admin.rates.history_empty")}</p></div> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.rates.day")}</th>
            <th scope="col" class="n">{t!(ui, "admin.rates.per_usd")}</th>
            <th scope="col">{t!(ui, "admin.rates.source")}</th>
            <th scope="col">{t!(ui, "admin.rates.set_at")}</th>
        };
        let rows = past
            .iter()
            .map(|line| past_row(ui, currency, line))
            .collect();
        scrolled(t!(ui, "admin.rates.history"), head.into_any(), rows)
    };
    view! {
        <section class="sheet" aria-labelledby="history">
            <header>
                <h2 id="history">{t!(ui, "admin.rates.history")}</h2>
                <span class="hint">{t!(ui, "admin.rates.history_hint")}</span>
            </header>
            {body}
        </section>
    }
    .into_any()
}

fn past_row(ui: &Ui, currency: Currency, line: &Past) -> AnyView {
    let rate = line.rate.map_or_else(
        || t!(ui, "admin.rates.ended"),
        |rate| written(ui, rate, currency),
    );
    view! {
        <tr>
            <th scope="row" class="when">{day(ui, line.date)}</th>
            <td class="n num">{rate}</td>
            <td>{source_words(ui, line.source)}</td>
            <td class="when">{line.set_at.map(|at| ui.date_time(at))}</td>
        </tr>
    }
    .into_any()
}
