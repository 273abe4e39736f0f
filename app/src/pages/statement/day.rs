//! What is one day's usage made of? By model and key, and call by call; both come to the line of the statement.

use axum::extract::Path;
use axum::response::Response;
use domain::Amount;
use http::StatusCode;
use leptos::prelude::*;
use server::calls::Range;
use server::statement::{BookedCall, CallPlace, Part, Statement};

use super::query::month_start;
use super::{PATH, failed, words};
use crate::pages::usage::words::{self as names, Names};
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::session::Unavailable;
use crate::shell::{Frame, Page, icon, respond};

/// Calls on one page.
const SHOWN: u32 = 50;

/// What the page shows.
struct Facts {
    statement: Statement,
    parts: Vec<Part>,
    calls: Vec<BookedCall>,
    more: bool,
    after: bool,
    names: Names,
    given_away: Amount,
}

/// `/wallet/statement/2026-11-21`
pub async fn day(Path(day): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let zone = ui.zone();
    let range = zone
        .parse_day(&day)
        .and_then(|start| Range::days(zone, start, start));
    let (Some(range), Ok(after)) = (range, behind(ui.asked())) else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    let statements = &services.statements;
    let read = async {
        let statement = statements.read(account.workspace, range, zone).await;
        let Some(statement) = statement.map_err(|error| failed(&error))? else {
            return Ok(None);
        };
        let parts = statements.parts(&statement).await;
        let calls = statements
            .calls(&statement, after.as_ref(), SHOWN + 1)
            .await;
        let mut calls = calls.map_err(|error| failed(&error))?;
        let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
        let more = calls.len() > shown;
        calls.truncate(shown);
        let names = services.calls.key_names(account.workspace).await;
        let given_away = statements.given_away(&statement).await;
        Ok::<_, Unavailable>(Some(Facts {
            parts: parts.map_err(|error| failed(&error))?,
            calls,
            more,
            after: after.is_some(),
            names: names.map_err(|error| failed(&error))?,
            given_away: given_away.map_err(|error| failed(&error))?,
            statement,
        }))
    };
    let facts = match read.await {
        Ok(Some(facts)) => facts,
        Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
        Err(Unavailable) => {
            return error::page(&ui, StatusCode::SERVICE_UNAVAILABLE);
        }
    };
    if facts.calls.is_empty() && facts.after {
        return error::page(&ui, StatusCode::NOT_FOUND);
    }
    respond(&ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "statement.day.title", date = ui.date(range.from)),
        description: None,
        body: content(ui, &facts),
    })
}

/// The call of `?after=`, if any; an error when it cannot be one.
fn behind(asked: &str) -> Result<Option<CallPlace>, ()> {
    let query = asked.split_once('?').map_or("", |(_, query)| query);
    let given = query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("after="))
        .next_back();
    given
        .map(|place| CallPlace::parse(place).ok_or(()))
        .transpose()
}

fn content(ui: &Ui, facts: &Facts) -> AnyView {
    let start = facts.statement.range.from;
    let (zone, day) = (ui.zone(), ui.zone().iso_day(start));
    let month = zone.iso_day(month_start(zone, start));
    let last = zone.iso_day(month_start(zone, zone.plus_days(month_start(zone, start), 31)) - 1);
    let back = format!("{PATH}?from={month}&to={last}");
    let body = match facts.statement.days.first() {
        None => {
            view! { <div class="empty"><p>{t!(ui, "statement.day.nothing")}</p></div> }.into_any()
        }
        Some(used) => {
            let file = |format: &'static str, words: String| {
                let href = format!("{PATH}/export/{format}?from={day}&to={day}&detail=calls");
                view! { <a class="btn slim" href=href>{icon(ui, "download", "")}{words}</a> }
            };
            view! {
                <section class="sheet" aria-labelledby="sum">
                    <header>
                        <h2 id="sum">{t!(ui, "statement.day.charged")}</h2>
                        <span class="num big">{ui.exact(used.charged)}</span>
                    </header>
                    <dl class="kv">
                        <div><dt>{t!(ui, "statement.day.calls")}</dt><dd class="num">{ui.number(used.calls)}</dd></div>
                        <div><dt>{t!(ui, "statement.day.tokens")}</dt><dd class="num">{ui.number(used.tokens)}</dd></div>
                    </dl>
                    <p class="hint">{t!(ui, "statement.day.dated", zone = words::zone(ui, start))}</p>
                    <p class="row">
                        {file("csv", t!(ui, "statement.export.csv"))}
                        {file("json", t!(ui, "statement.export.json"))}
                    </p>
                </section>
                {parts(ui, facts, used.charged)}
                {calls(ui, facts, &day)}
            }
            .into_any()
        }
    };
    let given_away = (!facts.given_away.is_zero()).then(|| {
        let amount = ui.exact(facts.given_away);
        view! { <p class="hint">{t!(ui, "statement.given_away", amount = amount)}</p> }
    });
    view! {
        <nav class="crumbs" aria-label=t!(ui, "statement.crumbs")>
            <ol><li><a href=back>{icon(ui, "arrow-left", "flip")}{t!(ui, "statement.title")}</a></li></ol>
        </nav>
        <h1>{t!(ui, "statement.day.title", date = ui.date(start))}</h1>
        {body}
        {given_away}
    }
    .into_any()
}

fn key_of(ui: &Ui, facts: &Facts, id: &str) -> AnyView {
    let is_name = facts.names.get(id).is_some_and(|key| !key.zone);
    names::named((names::key(ui, &facts.names, id), is_name))
}

fn parts(ui: &Ui, facts: &Facts, charged: Amount) -> AnyView {
    let rows: Vec<_> = facts
        .parts
        .iter()
        .map(|part| {
            view! {
                <tr>
                    <th scope="row"><bdi translate="no">{part.model.clone()}</bdi></th>
                    <td class="name">{key_of(ui, facts, &part.key_id)}</td>
                    <td class="n num hide-mid">{ui.number(part.calls)}</td>
                    <td class="n num hide-mid">{ui.number(part.input)}</td>
                    <td class="n num hide-mid">{ui.number(part.cached_input)}</td>
                    <td class="n num hide-mid">{ui.number(part.output)}</td>
                    <td class="n num">{ui.exact(part.charged)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="sheet wide" aria-labelledby="parts">
            <header><h2 id="parts">{t!(ui, "statement.day.parts")}</h2></header>
            <div class="tablewrap" role="group" aria-labelledby="parts" tabindex="0">
                <table class="lines">
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "statement.day.model")}</th>
                            <th scope="col">{t!(ui, "statement.day.key")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.day.calls")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.day.input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.day.cached_input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.day.output")}</th>
                            <th scope="col" class="n">{t!(ui, "statement.lines.amount")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                    <tfoot>
                        <tr>
                            <th scope="row" colspan="2">{t!(ui, "statement.day.sum")}</th>
                            <td class="hide-mid"></td>
                            <td class="hide-mid"></td>
                            <td class="hide-mid"></td>
                            <td class="hide-mid"></td>
                            <td class="n num">{ui.exact(charged)}</td>
                        </tr>
                    </tfoot>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn calls(ui: &Ui, facts: &Facts, day: &str) -> AnyView {
    let rows: Vec<_> = facts
        .calls
        .iter()
        .map(|call| row(ui, facts, call))
        .collect();
    let next = facts.calls.last().filter(|_| facts.more).map(|call| {
        let href = format!("{PATH}/{day}?after={}", call.place);
        view! { <a class="btn" rel="next" href=href>{t!(ui, "statement.day.next")}</a> }
    });
    let begin = facts.after.then(|| {
        view! { <a class="btn" href=format!("{PATH}/{day}")>{t!(ui, "statement.begin")}</a> }
    });
    view! {
        <section class="sheet wide" aria-labelledby="calls">
            <header><h2 id="calls">{t!(ui, "statement.day.single")}</h2></header>
            <div class="tablewrap" role="group" aria-labelledby="calls" tabindex="0">
                <table class="lines">
                    <caption class="vh">{t!(ui, "statement.day.caption")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "statement.day.booked")}</th>
                            <th scope="col">{t!(ui, "statement.day.model")}</th>
                            <th scope="col" class="hide-mid">{t!(ui, "statement.day.key")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "statement.day.tokens")}</th>
                            <th scope="col" class="hide-wide">{t!(ui, "statement.day.formula")}</th>
                            <th scope="col" class="n">{t!(ui, "statement.lines.amount")}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="hint">{t!(ui, "statement.day.hint")}</p>
            <p class="row">{begin}{next}</p>
        </section>
    }
    .into_any()
}

fn row(ui: &Ui, facts: &Facts, booked: &BookedCall) -> AnyView {
    let call = &booked.call;
    let tokens = call.usage().total();
    let tokens = ui.number(tokens);
    let href = format!("/usage/calls/{}#formula", call.id);
    view! {
        <tr>
            <th scope="row">
                <time class="num" datetime=ui.zone().iso(booked.booked_at)>{ui.time_seconds(booked.booked_at)}</time>
            </th>
            <td class="name"><bdi translate="no">{call.model.clone()}</bdi></td>
            <td class="name hide-mid">{key_of(ui, facts, &call.key_id)}</td>
            <td class="n num hide-mid">{tokens}</td>
            <td class="formula hide-wide">{formula(ui, booked)}</td>
            <td class="n num"><a href=href>{ui.exact(call.charge_nusd)}</a></td>
        </tr>
    }
    .into_any()
}

/// Tokens × price per million for every bucket with tokens: `1,000 × $2.50 + 500 × $10.00`.
fn formula(ui: &Ui, booked: &BookedCall) -> String {
    let Some(formula) = booked.formula() else {
        return "–".to_owned();
    };
    let parts: Vec<_> = formula
        .parts
        .iter()
        .map(|part| {
            let price = ui.exact_picos(i128::from(part.price.micro_usd()) * 1_000_000);
            format!("{}\u{a0}×\u{a0}{price}", ui.number(part.count))
        })
        .collect();
    parts.join(" + ")
}
