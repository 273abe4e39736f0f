//! Which keys are there? Those that work first, each with how it begins and ends, its limit, and when it was used.

use axum::response::{IntoResponse, Response};
use domain::ids::WorkspaceId;
use domain::views::{KeyStatus, KeyView};
use http::StatusCode;
use leptos::prelude::*;

use super::meter::{Used, meter, tightest, used};
use super::{page, pill, rank};
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::{icon, notice, respond};

/// A key and how far its limits are used.
struct Row {
    key: KeyView,
    used: Vec<Used>,
}

/// `GET /keys`
pub async fn list(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let read = async {
        let keys = services.keys.list(account.workspace).await;
        let frozen = services.keys.frozen(account.workspace).await;
        let (keys, frozen) = (
            keys.map_err(|_| Unavailable)?,
            frozen.map_err(|_| Unavailable)?,
        );
        Ok::<_, Unavailable>((rows(&services, account.workspace, keys).await?, frozen))
    };
    match read.await {
        Ok((rows, frozen)) => respond(&ui, StatusCode::OK, |ui| {
            page(t!(ui, "keys.list.title"), content(ui, &rows, frozen))
        }),
        Err(_) => error::page(&ui, StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn rows(
    services: &Services,
    workspace: WorkspaceId,
    mut keys: Vec<KeyView>,
) -> Result<Vec<Row>, Unavailable> {
    keys.sort_by_key(rank);
    let mut rows = Vec::with_capacity(keys.len());
    for key in keys {
        let used = if key.status == KeyStatus::Revoked {
            Vec::new()
        } else {
            used(services, workspace, &key).await?
        };
        rows.push(Row { key, used });
    }
    Ok(rows)
}

fn content(ui: &Ui, rows: &[Row], frozen: bool) -> AnyView {
    let (gone, there): (Vec<&Row>, Vec<&Row>) = rows
        .iter()
        .partition(|row| row.key.status == KeyStatus::Revoked);
    let revoked = (!gone.is_empty()).then(|| {
        let count = u64::try_from(gone.len()).unwrap_or(u64::MAX);
        view! {
            <details class="more">
                <summary>{icon(ui, "chevron-down", "")}{n!(ui, "keys.list.revoked", count)}</summary>
                {table(ui, &gone, t!(ui, "keys.list.revoked_title"))}
            </details>
        }
    });
    let create = view! {
        <a class="btn primary" href="/keys/new">{icon(ui, "plus", "")}{t!(ui, "keys.new.action")}</a>
    };
    let there = if there.is_empty() {
        empty(ui)
    } else {
        table(ui, &there, t!(ui, "keys.list.title"))
    };
    view! {
        <div class="head"><h1>{t!(ui, "keys.list.title")}</h1>{create}</div>
        {frozen.then(|| thaw(ui))}
        <section class="sheet keylist" aria-label=t!(ui, "keys.list.title")>{there}{revoked}</section>
        {(!frozen && !rows.is_empty()).then(|| emergency(ui))}
    }
    .into_any()
}

fn empty(ui: &Ui) -> AnyView {
    view! {
        <div class="empty">
            <h2>{t!(ui, "keys.empty.title")}</h2>
            <p>{t!(ui, "keys.empty.body")}</p>
            <a class="btn" href="/keys/new">{icon(ui, "plus", "")}{t!(ui, "keys.new.action")}</a>
        </div>
    }
    .into_any()
}

fn table(ui: &Ui, rows: &[&Row], caption: String) -> AnyView {
    let label = caption.clone();
    let rows: Vec<_> = rows.iter().map(|row| line(ui, row)).collect();
    view! {
        <div class="tablewrap" role="group" aria-label=label tabindex="0">
            <table class="keys">
                <caption class="vh">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "keys.list.name_and_key")}</th>
                        <th scope="col">{t!(ui, "keys.list.limit")}</th>
                        <th scope="col" class="wide">{t!(ui, "keys.list.last_used")}</th>
                        <th scope="col" class="wider">{t!(ui, "keys.list.created")}</th>
                        <th scope="col" class="wide">{t!(ui, "keys.list.expires")}</th>
                        <th scope="col">{t!(ui, "keys.list.status")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn line(ui: &Ui, row: &Row) -> AnyView {
    let key = &row.key;
    let last = key
        .last_used_at
        .map_or_else(|| t!(ui, "keys.list.never_used"), |at| ui.ago(at));
    let expires = key
        .expires_at
        .map_or_else(|| t!(ui, "keys.list.no_end"), |at| ui.date(at));
    let limit = tightest(&row.used).map_or_else(
        || view! { <span class="hint">{t!(ui, "keys.list.no_limit")}</span> }.into_any(),
        |used| meter(ui, used),
    );
    view! {
        <tr>
            <th scope="row">
                <a class="name" href=format!("/keys/{}", key.id)><bdi translate="no">{key.name.clone()}</bdi></a>
                <bdi class="masked mono" translate="no">{key.masked.clone()}</bdi>
            </th>
            <td>{limit}</td>
            <td class="wide">{last}</td>
            <td class="wider">{ui.date(key.created_at)}</td>
            <td class="wide">{expires}</td>
            <td>{pill(ui, key)}</td>
        </tr>
    }
    .into_any()
}

/// All keys are stopped: said on top, with the way back.
fn thaw(ui: &Ui) -> AnyView {
    let content = view! {
        <strong>{t!(ui, "keys.freeze.frozen_title")}</strong>" "{t!(ui, "keys.freeze.frozen_body")}
    };
    view! {
        {notice(ui, "warn", content)}
        <form method="post" action="/api/unfreeze_keys">
            <button class="btn" type="submit">{t!(ui, "keys.freeze.undo")}</button>
        </form>
    }
    .into_any()
}

/// Something is wrong and nobody knows which key it is.
fn emergency(ui: &Ui) -> AnyView {
    view! {
        <section class="aside" aria-labelledby="emergency">
            <h2 id="emergency">{t!(ui, "keys.freeze.title")}</h2>
            <p class="muted">{t!(ui, "keys.freeze.lead")}</p>
            <a class="btn danger" href="/keys/freeze">{t!(ui, "keys.freeze.ask")}</a>
        </section>
    }
    .into_any()
}
