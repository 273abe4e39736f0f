//! Whose accounts are there? A search by e-mail, name or id, newest first.

use axum::extract::Query;
use axum::response::Response;
use domain::views::AccountView;
use leptos::prelude::*;
use serde::Deserialize;

use super::link::with_query;
use super::{PAGE, admin, filter, older, page, scrolled, unavailable};
use crate::reader::{Reader, Ui};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    before: String,
}

/// `GET /admin/accounts`
pub async fn accounts(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let before = asked.before.parse().ok();
    match services.accounts.search(&asked.q, before, PAGE).await {
        Ok(found) => page(&ui, t!(ui, "admin.accounts.title"), |ui| {
            content(ui, &asked, &found)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

fn content(ui: &Ui, asked: &Asked, found: &[AccountView]) -> AnyView {
    let search = filter::text(
        "q",
        t!(ui, "admin.accounts.search"),
        &asked.q,
        Some(t!(ui, "admin.accounts.search_hint")),
    );
    let list = if found.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.accounts.none")}</p> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.accounts.account")}</th>
            <th scope="col">{t!(ui, "admin.accounts.state")}</th>
            <th scope="col" class="wide">{t!(ui, "admin.accounts.created")}</th>
        };
        let rows = found.iter().map(|account| line(ui, account)).collect();
        scrolled(t!(ui, "admin.accounts.title"), head.into_any(), rows)
    };
    let more = found.last().filter(|_| found.len() == PAGE as usize);
    let more = more.map(|last| {
        let last = last.id.to_string();
        older(
            ui,
            with_query("/admin/accounts", &[("q", &asked.q), ("before", &last)]),
        )
    });
    view! {
        <h1>{t!(ui, "admin.accounts.title")}</h1>
        <section class="sheet" aria-label=t!(ui, "admin.accounts.title")>
            {filter::form(ui, "/admin/accounts", search, !asked.q.is_empty())}
            {list}
            {more}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, account: &AccountView) -> AnyView {
    let name = (!account.name.is_empty())
        .then(|| view! { <bdi class="under" translate="no">{account.name.clone()}</bdi> });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/accounts/{}", account.id)><bdi translate="no">{account.email.clone()}</bdi></a>
                {name}
            </th>
            <td>{states(ui, account)}</td>
            <td class="wide">{ui.date(account.created_at)}</td>
        </tr>
    }
    .into_any()
}

/// What is special about an account, in pills; that it is in order, when nothing is.
pub fn states(ui: &Ui, account: &AccountView) -> AnyView {
    let blocked = account
        .blocked
        .then(|| view! { <span class="pill danger">{t!(ui, "admin.accounts.blocked")}</span> });
    let unverified = (!account.verified)
        .then(|| view! { <span class="pill warn">{t!(ui, "admin.accounts.unverified")}</span> });
    let administrator = account
        .admin
        .then(|| view! { <span class="pill test">{t!(ui, "admin.accounts.administrator")}</span> });
    let fine = (!account.blocked && account.verified)
        .then(|| view! { <span class="pill">{t!(ui, "admin.accounts.active")}</span> });
    view! { <span class="row tight">{blocked}{unverified}{fine}{administrator}</span> }.into_any()
}
