//! Who is this customer, and what happened to their money? One account with its wallet, keys, calls and books, and the
//! two things an administrator may do to it.

use axum::extract::{Path, Query};
use axum::response::Response;
use domain::ids::{AccountId, AuditId};
use domain::views::{AccountView, BalanceView};
use leptos::prelude::*;
use serde::Deserialize;
use server::audit::{AuditFilter, AuditRow};
use server::calls::CallRow;
use server::ids::NewId;
use server::keys::FoundKey;
use server::ledger::Line;

use super::accounts::states;
use super::link::with_query;
use super::{act, admin, crumbs, fact, keys, missing, older, page, scrolled, unavailable};
use crate::api::AdminField;
use crate::flash::{Field, Flash};
use crate::pages::form::{Input, input, select};
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::icon;

/// Rows of each list on the page.
const FEW: u32 = 10;
const LINES: u32 = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The ledger's lines before this one.
    lines: String,
}

/// What the page shows.
struct Facts {
    account: AccountView,
    balance: BalanceView,
    keys: Vec<FoundKey>,
    calls: Vec<CallRow>,
    lines: Vec<Line>,
    acts: Vec<AuditRow>,
    /// Names the credit form that is on this page: sent twice, it moves money once. Any new id would do.
    once: String,
}

/// `GET /admin/accounts/{id}`
pub async fn account(
    Path(id): Path<String>,
    reader: Reader,
    Query(asked): Query<Asked>,
) -> Response {
    let services = reader.services.clone();
    let (ui, administrator) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(id) = id.parse::<AccountId>() else {
        return missing(&ui);
    };
    let account = match services.accounts.by_id(id).await {
        Ok(Some(account)) => account,
        Ok(None) => return missing(&ui),
        Err(error) => return unavailable(&ui, &error),
    };
    match read(&services, account, asked.lines.parse().ok()).await {
        Ok(facts) => page(&ui, facts.account.email.clone(), |ui| {
            content(ui, &facts, administrator.id)
        }),
        Err(error) => unavailable(&ui, error.as_ref()),
    }
}

async fn read(
    services: &Services,
    account: AccountView,
    before: Option<i64>,
) -> Result<Facts, Box<dyn std::error::Error + Send + Sync>> {
    let workspace = account.workspace;
    let theirs = AuditFilter {
        subject: Some(account.id),
        ..AuditFilter::default()
    };
    let balance = services.ledger.balance(workspace).await?;
    Ok(Facts {
        balance: balance.unwrap_or_default(),
        keys: services
            .keys
            .search(&workspace.to_string(), None, 100)
            .await?,
        calls: services.calls.list(workspace, FEW).await?,
        lines: services.ledger.lines(workspace, before, LINES).await?,
        acts: services.audit.page(&theirs, None, FEW).await?,
        once: AuditId::new().to_string(),
        account,
    })
}

fn content(ui: &Ui, facts: &Facts, administrator: AccountId) -> AnyView {
    let account = &facts.account;
    view! {
        {crumbs(ui, "/admin/accounts", t!(ui, "admin.accounts.title"))}
        <div class="head"><h1><bdi translate="no">{account.email.clone()}</bdi></h1>{states(ui, account)}</div>
        <div class="split">
            {profile(ui, facts)}
            <div class="admin-pile">
                {credit(ui, facts)}
                {block(ui, account, administrator)}
            </div>
        </div>
        {key_list(ui, facts)}
        {calls(ui, facts)}
        {lines(ui, facts)}
        {acts(ui, facts)}
    }
    .into_any()
}

fn profile(ui: &Ui, facts: &Facts) -> AnyView {
    let (account, balance) = (&facts.account, &facts.balance);
    let name = if account.name.is_empty() {
        t!(ui, "admin.account.no_name")
    } else {
        account.name.clone()
    };
    let money = |amount| view! { <span class="num">{ui.exact(amount)}</span> };
    view! {
        <section class="sheet" aria-labelledby="profile">
            <h2 id="profile">{t!(ui, "admin.account.profile")}</h2>
            <dl class="kv">
                {fact(t!(ui, "admin.account.available"), money(balance.available))}
                {fact(t!(ui, "admin.account.reserved"), money(balance.reserved))}
                {fact(t!(ui, "admin.account.posted"), money(balance.posted))}
            </dl>
            <dl class="facts-list">
                {fact(t!(ui, "admin.account.name"), view! { <bdi>{name}</bdi> })}
                {fact(t!(ui, "admin.account.created"), ui.date_time(account.created_at))}
                {fact(t!(ui, "admin.account.id"), view! { <bdi class="mono" translate="no">{account.id.to_string()}</bdi> })}
                {fact(t!(ui, "admin.account.workspace"), view! { <bdi class="mono" translate="no">{account.workspace.to_string()}</bdi> })}
            </dl>
        </section>
    }
    .into_any()
}

fn key_list(ui: &Ui, facts: &Facts) -> AnyView {
    let list = if facts.keys.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.keys.none")}</p> }.into_any()
    } else {
        keys::table(ui, &facts.keys, false)
    };
    section("keys", t!(ui, "admin.keys.title"), list)
}

fn calls(ui: &Ui, facts: &Facts) -> AnyView {
    if facts.calls.is_empty() {
        let none = view! { <p class="muted">{t!(ui, "admin.account.no_calls")}</p> };
        return section("calls", t!(ui, "admin.account.calls"), none.into_any());
    }
    let head = view! {
        <th scope="col">{t!(ui, "admin.audit.when")}</th>
        <th scope="col">{t!(ui, "admin.account.model")}</th>
        <th scope="col" class="n">{t!(ui, "admin.account.status")}</th>
        <th scope="col" class="n">{t!(ui, "admin.account.charge")}</th>
    };
    let rows = facts.calls.iter().map(|call| {
        view! {
            <tr>
                <td class="when">{ui.date_time(call.created_at)}</td>
                <th scope="row"><bdi class="mono" translate="no">{call.model.clone()}</bdi></th>
                <td class="n num">{call.status.to_string()}</td>
                <td class="n num">{ui.exact(call.charge_nusd)}</td>
            </tr>
        }
        .into_any()
    });
    let table = scrolled(
        t!(ui, "admin.account.calls"),
        head.into_any(),
        rows.collect(),
    );
    section("calls", t!(ui, "admin.account.calls"), table)
}

fn lines(ui: &Ui, facts: &Facts) -> AnyView {
    let head = view! {
        <th scope="col">{t!(ui, "admin.audit.when")}</th>
        <th scope="col">{t!(ui, "admin.account.kind")}</th>
        <th scope="col">{t!(ui, "admin.reason")}</th>
        <th scope="col" class="n">{t!(ui, "admin.account.amount")}</th>
    };
    let rows = facts.lines.iter().map(|line| {
        let kind = match line.code.as_str() {
            "usage" => t!(ui, "admin.account.usage"),
            "bonus" => t!(ui, "admin.account.bonus"),
            "adjustment" => t!(ui, "admin.account.adjustment"),
            "expiry" => t!(ui, "admin.account.expiry"),
            other => other.to_owned(),
        };
        view! {
            <tr>
                <td class="when">{ui.date_time(line.at)}</td>
                <th scope="row">{kind}</th>
                <td><bdi>{line.note.clone()}</bdi></td>
                <td class="n num">{ui.exact(line.amount)}</td>
            </tr>
        }
        .into_any()
    });
    let list = if facts.lines.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.account.no_lines")}</p> }.into_any()
    } else {
        scrolled(
            t!(ui, "admin.account.lines"),
            head.into_any(),
            rows.collect(),
        )
    };
    let more = facts
        .lines
        .last()
        .filter(|_| facts.lines.len() == LINES as usize);
    let more = more.map(|last| {
        let path = format!("/admin/accounts/{}", facts.account.id);
        older(ui, with_query(&path, &[("lines", &last.id.to_string())]))
    });
    let body = view! { {list}{more} };
    section("lines", t!(ui, "admin.account.lines"), body.into_any())
}

fn acts(ui: &Ui, facts: &Facts) -> AnyView {
    let list = if facts.acts.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.audit.none")}</p> }.into_any()
    } else {
        let rows = facts.acts.iter().map(|row| act::line(ui, row)).collect();
        let all = with_query(
            "/admin/audit",
            &[("subject", &facts.account.id.to_string())],
        );
        let table = scrolled(t!(ui, "admin.audit.title"), act::head(ui), rows);
        view! { {table}<p><a href=all>{t!(ui, "admin.account.all_acts")}</a></p> }.into_any()
    };
    section("acts", t!(ui, "admin.audit.title"), list)
}

fn credit(ui: &Ui, facts: &Facts) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let direction = select(
        &flash,
        Field::Admin(AdminField::Direction),
        t!(ui, "admin.credit.direction"),
        vec![
            ("give".to_owned(), t!(ui, "admin.credit.give")),
            ("take".to_owned(), t!(ui, "admin.credit.take")),
        ],
        "give",
    );
    let mut amount = Input::new(Field::Amount, t!(ui, "admin.credit.amount"))
        .hint(t!(ui, "admin.credit.amount_hint"));
    amount.inputmode = Some("decimal");
    amount.ltr = true;
    let reason =
        Input::new(Field::Reason, t!(ui, "admin.reason")).hint(t!(ui, "admin.reason_hint"));
    view! {
        <section class="sheet" aria-labelledby="credit">
            <h2 id="credit">{t!(ui, "admin.credit.title")}</h2>
            <form class="form" method="post" action="/api/admin_adjust_credit">
                <input type="hidden" name="account" value=facts.account.id.to_string()/>
                <input type="hidden" name="once" value=facts.once.clone()/>
                {direction}
                {input(ui, &flash, amount)}
                {input(ui, &flash, reason)}
                <button class="btn primary" type="submit">{t!(ui, "admin.credit.submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

/// Blocking is folded away: whoever opens it means it.
fn block(ui: &Ui, account: &AccountView, administrator: AccountId) -> AnyView {
    let id = account.id.to_string();
    if account.blocked {
        return view! {
            <section class="sheet" aria-labelledby="block">
                <h2 id="block">{t!(ui, "admin.block.blocked_title")}</h2>
                <p class="muted">{t!(ui, "admin.block.blocked_body")}</p>
                <form method="post" action="/api/admin_unblock_account">
                    <input type="hidden" name="account" value=id/>
                    <button class="btn" type="submit">{t!(ui, "admin.block.unblock")}</button>
                </form>
            </section>
        }
        .into_any();
    }
    if account.id == administrator {
        return view! { <p class="hint">{t!(ui, "admin.block.yourself")}</p> }.into_any();
    }
    let flash: Flash = ui.flash().cloned().unwrap_or_default();
    let field = Field::Admin(AdminField::BlockReason);
    let reason = Input::new(field, t!(ui, "admin.reason")).hint(t!(ui, "admin.block.reason_hint"));
    view! {
        <section class="sheet" aria-labelledby="block">
            <h2 id="block">{t!(ui, "admin.block.title")}</h2>
            <details class="more" open=flash.of(field).is_some()>
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.block.open")}</summary>
                <form class="form" method="post" action="/api/admin_block_account">
                    <input type="hidden" name="account" value=id/>
                    <p class="muted">{t!(ui, "admin.block.body")}</p>
                    {input(ui, &flash, reason)}
                    <button class="btn danger" type="submit">{t!(ui, "admin.block.submit")}</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}

fn section(id: &'static str, title: String, body: AnyView) -> AnyView {
    view! {
        <section class="sheet" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            {body}
        </section>
    }
    .into_any()
}
