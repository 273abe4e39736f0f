//! Who did what? The audit log with its filters, newest first.

use axum::extract::Query;
use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;
use server::accounts::{AccountError, Accounts, Email};
use server::audit::{Actor, AuditFilter, AuditRow};

use super::link::with_query;
use super::{PAGE, act, admin, filter, older, page, scrolled, unavailable};
use crate::reader::{Reader, Ui};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    actor: String,
    subject: String,
    action: String,
    from: String,
    until: String,
    before: String,
}

/// `GET /admin/audit`
pub async fn audit(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let filter = match read(&ui, &services.accounts, &asked).await {
        Ok(filter) => filter,
        Err(error) => return unavailable(&ui, &error),
    };
    let rows = match &filter {
        Some(filter) => {
            services
                .audit
                .page(filter, asked.before.parse().ok(), PAGE)
                .await
        }
        // Nobody of that name: nothing was done by or to them.
        None => Ok(Vec::new()),
    };
    let actions = services.audit.actions().await;
    match (rows, actions) {
        (Ok(rows), Ok(actions)) => page(&ui, t!(ui, "admin.audit.title"), |ui| {
            content(ui, &asked, &rows, &actions)
        }),
        (Err(error), _) | (_, Err(error)) => unavailable(&ui, &error),
    }
}

/// The filter that was asked for; `None` when it names somebody who is not there.
async fn read(
    ui: &Ui,
    accounts: &Accounts,
    asked: &Asked,
) -> Result<Option<AuditFilter>, AccountError> {
    let mut filter = AuditFilter {
        action: (!asked.action.is_empty()).then(|| asked.action.replace('\0', "")),
        from: ui.zone().parse_day(&asked.from),
        until: ui
            .zone()
            .parse_day(&asked.until)
            .map(|day| ui.zone().next_day(day)),
        ..AuditFilter::default()
    };
    if !asked.actor.trim().is_empty() {
        match named(accounts, &asked.actor).await? {
            None => return Ok(None),
            actor => filter.actor = actor,
        }
    }
    if !asked.subject.trim().is_empty() {
        match named(accounts, &asked.subject).await? {
            Some(Actor::Account(id)) => filter.subject = Some(id),
            _ => return Ok(None),
        }
    }
    Ok(Some(filter))
}

/// An e-mail, an account's id, `operator` or `system`.
async fn named(accounts: &Accounts, text: &str) -> Result<Option<Actor>, AccountError> {
    let text = text.trim();
    if let Ok(actor) = text.parse() {
        return Ok(Some(actor));
    }
    let Ok(email) = Email::parse(text) else {
        return Ok(None);
    };
    let account = accounts.by_email(&email).await?;
    Ok(account.map(|account| Actor::Account(account.id)))
}

fn content(ui: &Ui, asked: &Asked, rows: &[AuditRow], actions: &[String]) -> AnyView {
    let entries: Vec<_> = actions
        .iter()
        .map(|action| {
            view! {
                <option value=action.clone() selected=*action == asked.action>{act::action_words(ui, action)}</option>
            }
        })
        .collect();
    let fields = view! {
        {filter::text("actor", t!(ui, "admin.audit.actor"), &asked.actor, Some(t!(ui, "admin.audit.actor_hint")))}
        {filter::text("subject", t!(ui, "admin.audit.subject"), &asked.subject, None)}
        <div class="item">
            <label for="action">{t!(ui, "admin.audit.action")}</label>
            <select class="field" id="action" name="action">
                <option value="">{t!(ui, "admin.audit.any_action")}</option>
                {entries}
            </select>
        </div>
        {filter::day("from", t!(ui, "admin.audit.from"), &asked.from)}
        {filter::day("until", t!(ui, "admin.audit.until"), &asked.until)}
    };
    let narrowed = [
        &asked.actor,
        &asked.subject,
        &asked.action,
        &asked.from,
        &asked.until,
    ];
    let narrowed = narrowed.iter().any(|text| !text.is_empty());
    let list = if rows.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.audit.none")}</p> }.into_any()
    } else {
        let lines = rows.iter().map(|row| act::line(ui, row)).collect();
        scrolled(t!(ui, "admin.audit.title"), act::head(ui), lines)
    };
    let more = rows.last().filter(|_| rows.len() == PAGE as usize);
    let more = more.map(|last| {
        let before = last.id.to_string();
        let filters = [
            ("actor", asked.actor.as_str()),
            ("subject", &asked.subject),
            ("action", &asked.action),
            ("from", &asked.from),
            ("until", &asked.until),
            ("before", &before),
        ];
        older(ui, with_query("/admin/audit", &filters))
    });
    view! {
        <h1>{t!(ui, "admin.audit.title")}</h1>
        <section class="sheet" aria-label=t!(ui, "admin.audit.title")>
            <p class="muted">{t!(ui, "admin.audit.lead")}</p>
            {filter::form(ui, "/admin/audit", fields.into_any(), narrowed)}
            {list}
            {more}
        </section>
    }
    .into_any()
}
