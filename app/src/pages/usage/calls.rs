//! Which requests were made, one by one? Newest first, fifty at a time.

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::calls::CallRow;

use super::query::Query;
use super::table::with_more;
use super::words::{self, Names};
use super::{Asking, Tab, asking, error, head, nothing, unavailable};
use crate::reader::{Reader, Ui};
use crate::shell::{Frame, Page, icon, respond};

/// Requests on one page.
pub const SHOWN: u32 = 50;

/// `/usage/calls`
pub async fn calls(reader: Reader) -> Response {
    let asking = match asking(reader, Tab::Calls).await {
        Ok(asking) => asking,
        Err(elsewhere) => return elsewhere,
    };
    let (ui, query, workspace) = (&asking.ui, &asking.query, asking.account.workspace);
    let calls = &asking.services.calls;
    let (filter, before) = (query.filter(), query.before);
    // One more than is shown tells whether there are older ones.
    let rows = match calls.page(workspace, &filter, before, SHOWN + 1).await {
        Ok(rows) => rows,
        Err(error) => return unavailable(ui, &error),
    };
    let models = match calls.models(workspace, query.range).await {
        Ok(models) => models,
        Err(error) => return unavailable(ui, &error),
    };
    let never = match calls.any(workspace).await {
        Ok(any) => !any,
        Err(error) => return unavailable(ui, &error),
    };
    if rows.is_empty() && before.is_some() {
        return error::page(ui, StatusCode::NOT_FOUND);
    }
    respond(ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "usage.calls.title"),
        description: None,
        body: content(&asking, rows, &models, never),
    })
}

fn content(asking: &Asking, mut rows: Vec<CallRow>, models: &[String], never: bool) -> AnyView {
    let (ui, query) = (&asking.ui, &asking.query);
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let more = rows.len() > shown;
    rows.truncate(shown);
    let list = if rows.is_empty() {
        nothing(asking, never)
    } else {
        list(ui, query, &rows, &asking.names, more)
    };
    view! {
        {head(asking, Tab::Calls, models)}
        {list}
    }
    .into_any()
}

fn list(ui: &Ui, query: &Query, rows: &[CallRow], names: &Names, more: bool) -> AnyView {
    let older = rows.last().filter(|_| more).map(|last| {
        let next = Query {
            before: last.id.parse().ok(),
            ..query.clone()
        };
        view! { <a class="btn" rel="next" href=next.at("/usage/calls")>{t!(ui, "usage.calls.older")}</a> }
    });
    let newest = query.before.map(|_| {
        let first = Query {
            before: None,
            ..query.clone()
        };
        view! { <a class="btn" href=first.at("/usage/calls")>{t!(ui, "usage.calls.newest")}</a> }
    });
    let whole = Query {
        before: None,
        ..query.clone()
    };
    let csv = format!("{}of=calls", with_more(whole.at("/usage/export.csv")));
    let lines: Vec<_> = rows.iter().map(|row| line(ui, row, names)).collect();
    view! {
        <section class="sheet wide" aria-labelledby="requests">
            <header>
                <h2 id="requests">{t!(ui, "usage.calls.title")}</h2>
                <a class="btn slim" href=csv download="" aria-describedby="csv-hint">{icon(ui, "download", "")}{t!(ui, "usage.table.csv")}</a>
            </header>
            <div class="tablewrap" role="group" aria-labelledby="requests" tabindex="0">
                <table class="lines">
                    <caption class="vh">{t!(ui, "usage.calls.caption")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "usage.calls.time")}</th>
                            <th scope="col">{t!(ui, "usage.filter.model")}</th>
                            <th scope="col" class="hide-mid">{t!(ui, "usage.filter.key")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.calls.input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.calls.cached_input")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.calls.output")}</th>
                            <th scope="col" class="n hide-wide">{t!(ui, "usage.calls.first_byte")}</th>
                            <th scope="col" class="n hide-wide">{t!(ui, "usage.calls.duration")}</th>
                            <th scope="col" class="hide-mid">{t!(ui, "usage.filter.status")}</th>
                            <th scope="col" class="hide-widest">{t!(ui, "usage.calls.rule")}</th>
                            <th scope="col" class="n">{t!(ui, "usage.calls.cost")}</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
            <p class="hint" id="csv-hint">{t!(ui, "usage.calls.csv_hint")}</p>
            <p class="row">{newest}{older}</p>
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, row: &CallRow, names: &Names) -> AnyView {
    let (rule, rule_hint) = words::rule(ui, &row.rule);
    let count = |tokens: i64| ui.number(u64::try_from(tokens).unwrap_or_default());
    let href = format!("/usage/calls/{}", row.id);
    let first_byte = row
        .first_byte_ms
        .map_or_else(|| "–".to_owned(), |ms| words::duration(ui, ms));
    let key = (
        words::key(ui, names, &row.key_id),
        names.get(&row.key_id).is_some_and(|key| !key.zone),
    );
    view! {
        <tr>
            <th scope="row" class="when">
                <a href=href.clone()>
                    <time datetime=ui.zone().iso(row.created_at) title=ui.date_time(row.created_at)>
                        <span>{ui.day(row.created_at)}</span>" "<span class="num">{ui.time_seconds(row.created_at)}</span>
                    </time>
                </a>
            </th>
            <td class="name"><bdi translate="no">{row.model.clone()}</bdi></td>
            <td class="name hide-mid">{words::named(key)}</td>
            <td class="n num hide-mid">{count(row.input_tokens)}</td>
            <td class="n num hide-mid">{count(row.cached_input_tokens)}</td>
            <td class="n num hide-mid">{count(row.output_tokens)}</td>
            <td class="n num hide-wide">{first_byte}</td>
            <td class="n num hide-wide">{words::duration(ui, row.duration_ms)}</td>
            <td class="hide-mid">{words::status_pill(ui, &row.ending)}</td>
            <td class="hide-widest" title=rule_hint>{rule}</td>
            <td class="n num"><a href=format!("{href}#formula") title=ui.exact(row.charge_nusd)>{ui.money(row.charge_nusd)}</a></td>
        </tr>
    }
    .into_any()
}
