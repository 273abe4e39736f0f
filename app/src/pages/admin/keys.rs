//! Whose key is that? A search by what is left of a key in lists, and the question before one is ended.

use axum::extract::{Path, Query};
use axum::response::Response;
use domain::ids::KeyId;
use domain::views::KeyStatus;
use leptos::prelude::*;
use serde::Deserialize;
use server::keys::FoundKey;

use super::link::with_query;
use super::{PAGE, admin, crumbs, filter, missing, older, page, scrolled, unavailable};
use crate::flash::Field;
use crate::guard::{safe_next, with_next};
use crate::pages::form::{Input, input};
use crate::pages::keys::pill;
use crate::reader::{Reader, Ui};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    before: String,
    next: String,
}

/// `GET /admin/keys`
pub async fn keys(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let before = asked.before.parse().ok();
    match services.keys.search(&asked.q, before, PAGE).await {
        Ok(found) => page(&ui, t!(ui, "admin.keys.title"), |ui| {
            content(ui, &asked, &found)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

fn content(ui: &Ui, asked: &Asked, found: &[FoundKey]) -> AnyView {
    let search = filter::text(
        "q",
        t!(ui, "admin.keys.search"),
        &asked.q,
        Some(t!(ui, "admin.keys.search_hint")),
    );
    let list = if found.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.keys.none")}</p> }.into_any()
    } else {
        table(ui, found, true)
    };
    let more = found.last().filter(|_| found.len() == PAGE as usize);
    let more = more.map(|last| {
        let last = last.key.id.to_string();
        older(
            ui,
            with_query("/admin/keys", &[("q", &asked.q), ("before", &last)]),
        )
    });
    view! {
        <h1>{t!(ui, "admin.keys.title")}</h1>
        <section class="sheet" aria-label=t!(ui, "admin.keys.title")>
            {filter::form(ui, "/admin/keys", search, !asked.q.is_empty())}
            {list}
            {more}
        </section>
    }
    .into_any()
}

/// Keys, with whose they are when they are of several people.
pub fn table(ui: &Ui, found: &[FoundKey], owners: bool) -> AnyView {
    let owner = owners.then(|| view! { <th scope="col">{t!(ui, "admin.keys.owner")}</th> });
    let head = view! {
        <th scope="col">{t!(ui, "admin.keys.key")}</th>
        {owner}
        <th scope="col">{t!(ui, "admin.keys.state")}</th>
        <th scope="col" class="wide">{t!(ui, "admin.keys.last_used")}</th>
        <th scope="col"><span class="vh">{t!(ui, "admin.keys.revoke")}</span></th>
    };
    let rows = found.iter().map(|found| line(ui, found, owners)).collect();
    scrolled(t!(ui, "admin.keys.title"), head.into_any(), rows)
}

fn line(ui: &Ui, found: &FoundKey, owners: bool) -> AnyView {
    let key = &found.key;
    let owner = owners.then(|| match (&found.account, &found.email) {
        (Some(id), Some(email)) => view! {
            <td><a href=format!("/admin/accounts/{id}")><bdi translate="no">{email.clone()}</bdi></a></td>
        }
        .into_any(),
        _ => view! { <td><bdi class="mono" translate="no">{found.workspace.to_string()}</bdi></td> }
            .into_any(),
    });
    let used = key
        .last_used_at
        .map_or_else(|| t!(ui, "keys.list.never_used"), |at| ui.ago(at));
    let revoke = (key.status != KeyStatus::Revoked).then(|| {
        let href = with_next(&format!("/admin/keys/{}", key.id), ui.asked());
        let label = t!(ui, "admin.keys.revoke_named", key = key.masked);
        view! { <a class="btn slim danger" href=href aria-label=label>{t!(ui, "admin.keys.revoke")}</a> }
    });
    view! {
        <tr>
            <th scope="row">
                <bdi translate="no">{key.name.clone()}</bdi>
                <bdi class="under mono" translate="no">{key.masked.clone()}</bdi>
            </th>
            {owner}
            <td>{pill(ui, key)}</td>
            <td class="wide">{used}</td>
            <td class="n">{revoke}</td>
        </tr>
    }
    .into_any()
}

/// `GET /admin/keys/{id}`: the question before a key is ended.
pub async fn key(Path(id): Path<String>, reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(id) = id.parse::<KeyId>() else {
        return missing(&ui);
    };
    let found = match services.keys.search(&id.to_string(), None, 1).await {
        Ok(mut found) => match found.pop() {
            Some(found) if found.key.id == id => found,
            _ => return missing(&ui),
        },
        Err(error) => return unavailable(&ui, &error),
    };
    let back = safe_next(&asked.next)
        .filter(|path| path.starts_with("/admin/"))
        .unwrap_or("/admin/keys");
    page(&ui, t!(ui, "admin.keys.one_title"), |ui| {
        question(ui, &found, back)
    })
}

fn question(ui: &Ui, found: &FoundKey, back: &str) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let key = &found.key;
    let form = if key.status == KeyStatus::Revoked {
        view! {
            <p class="muted">{t!(ui, "admin.keys.revoked_already")}</p>
            <a class="btn" href=back.to_owned()>{t!(ui, "admin.keys.back")}</a>
        }
        .into_any()
    } else {
        let reason =
            Input::new(Field::Reason, t!(ui, "admin.reason")).hint(t!(ui, "admin.reason_hint"));
        view! {
            <p class="muted">{t!(ui, "admin.keys.revoke_body")}</p>
            <form class="form" method="post" action="/api/admin_revoke_key">
                <input type="hidden" name="key" value=key.id.to_string()/>
                <input type="hidden" name="back" value=back.to_owned()/>
                {input(ui, &flash, reason)}
                <div class="row">
                    <a class="btn" href=back.to_owned()>{t!(ui, "admin.keys.back")}</a>
                    <button class="btn danger" type="submit">{t!(ui, "admin.keys.revoke")}</button>
                </div>
            </form>
        }
        .into_any()
    };
    let owner = found
        .email
        .clone()
        .unwrap_or_else(|| found.workspace.to_string());
    view! {
        {crumbs(ui, "/admin/keys", t!(ui, "admin.keys.title"))}
        <section class="sheet narrow" aria-labelledby="question">
            <h1 id="question">{t!(ui, "admin.keys.one_title")}</h1>
            <dl class="facts-list">
                {super::fact(t!(ui, "admin.keys.key"), view! { <bdi translate="no">{key.name.clone()}</bdi><bdi class="mono" translate="no">{key.masked.clone()}</bdi> })}
                {super::fact(t!(ui, "admin.keys.owner"), view! { <bdi translate="no">{owner}</bdi> })}
                {super::fact(t!(ui, "admin.keys.state"), pill(ui, key))}
            </dl>
            {form}
        </section>
    }
    .into_any()
}
