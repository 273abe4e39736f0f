//! Which requests were turned away, why, and what helps?

use axum::response::Response;
use http::StatusCode;
use leptos::prelude::*;
use server::calls::RefusedCalls;

use super::table::with_more;
use super::words::{self};
use super::{Asking, Tab, asking, head, unavailable};
use crate::reader::Reader;
use crate::shell::{Frame, Page, icon, respond};

/// `/usage/refused`
pub async fn refused(reader: Reader) -> Response {
    let asking = match asking(reader, Tab::Refused).await {
        Ok(asking) => asking,
        Err(elsewhere) => return elsewhere,
    };
    let (ui, query) = (&asking.ui, &asking.query);
    let calls = &asking.services.calls;
    let workspace = asking.account.workspace;
    let rows = match calls.refused(workspace, query.range, query.key).await {
        Ok(rows) => rows,
        Err(error) => return unavailable(ui, &error),
    };
    respond(ui, StatusCode::OK, |ui| Page {
        frame: Frame::Account,
        title: t!(ui, "usage.refused.title"),
        description: None,
        body: content(&asking, &rows),
    })
}

fn content(asking: &Asking, rows: &[RefusedCalls]) -> AnyView {
    let ui = &asking.ui;
    let list = if rows.is_empty() {
        view! {
            <div class="empty">
                <h2>{t!(ui, "usage.refused.empty_title")}</h2>
                <p>{t!(ui, "usage.refused.empty_body")}</p>
            </div>
        }
        .into_any()
    } else {
        list(asking, rows)
    };
    view! {
        {head(asking, Tab::Refused, &[])}
        {list}
    }
    .into_any()
}

fn list(asking: &Asking, rows: &[RefusedCalls]) -> AnyView {
    let (ui, names) = (&asking.ui, &asking.names);
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let (reason, todo) = words::refused(ui, &row.code);
            let key = (
                words::key(ui, names, &row.key_id),
                names.get(&row.key_id).is_some_and(|key| !key.zone),
            );
            view! {
                <tr>
                    <th scope="row" class="name">{words::named(key)}</th>
                    <td class="reason">{reason}" "<code class="hint" translate="no">{row.code.clone()}</code></td>
                    <td class="reason hide-mid">{todo}</td>
                    <td class="n num">{ui.number(row.count)}</td>
                    <td class="n hide-mid"><time datetime=ui.zone().iso(row.last_at)>{ui.date_time(row.last_at)}</time></td>
                </tr>
            }
        })
        .collect();
    let csv = format!(
        "{}of=refused",
        with_more(asking.query.at("/usage/export.csv"))
    );
    view! {
        <section class="sheet wide" aria-labelledby="refused">
            <header>
                <h2 id="refused">{t!(ui, "usage.refused.title")}</h2>
                <a class="btn slim" href=csv download="">{icon(ui, "download", "")}{t!(ui, "usage.table.csv")}</a>
            </header>
            <p class="hint">{t!(ui, "usage.refused.lead")}</p>
            <div class="tablewrap" role="group" aria-labelledby="refused" tabindex="0">
                <table class="lines">
                    <caption class="vh">{t!(ui, "usage.refused.caption")}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t!(ui, "usage.refused.key")}</th>
                            <th scope="col">{t!(ui, "usage.refused.reason")}</th>
                            <th scope="col" class="hide-mid">{t!(ui, "usage.refused.todo")}</th>
                            <th scope="col" class="n">{t!(ui, "usage.refused.count")}</th>
                            <th scope="col" class="n hide-mid">{t!(ui, "usage.refused.last")}</th>
                        </tr>
                    </thead>
                    <tbody>{lines}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
