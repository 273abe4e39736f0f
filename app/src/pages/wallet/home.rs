//! `/wallet`: how much is there, what came in last, and where is the rest of the story?

use axum::response::{IntoResponse, Response};
use domain::order::OrderView;
use domain::views::{AccountView, BalanceView};
use http::StatusCode;
use leptos::prelude::*;
use server::orders::OrderError;

use super::{TOP_UP, fact, list, page, unavailable};
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::services::Services;
use crate::shell::{icon, notice, respond};

/// Orders on this page.
const FEW: u32 = 5;

/// `GET /wallet`
pub async fn home(reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    match read(&services, &account).await {
        Ok((balance, orders)) => respond(&ui, StatusCode::OK, |ui| {
            page(
                t!(ui, "wallet.home.title"),
                content(ui, &account, &balance, &orders),
            )
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

async fn read(
    services: &Services,
    account: &AccountView,
) -> Result<(BalanceView, Vec<OrderView>), OrderError> {
    let balance = services.ledger.balance(account.workspace).await?;
    let orders = services.orders.list(account.workspace, None, FEW).await?;
    Ok((balance.unwrap_or_default(), orders))
}

fn content(ui: &Ui, account: &AccountView, balance: &BalanceView, orders: &[OrderView]) -> AnyView {
    let recent = if orders.is_empty() {
        view! { <p class="muted">{t!(ui, "wallet.orders.none")}</p> }.into_any()
    } else {
        view! {
            {list::table(ui, orders)}
            <p><a href="/wallet/orders">{t!(ui, "wallet.orders.all")}</a></p>
        }
        .into_any()
    };
    view! {
        <div class="head">
            <h1>{t!(ui, "wallet.home.title")}</h1>
            <a class="btn primary" href=TOP_UP>{icon(ui, "plus", "")}{t!(ui, "wallet.topup.action")}</a>
        </div>
        {low(ui, account, balance)}
        {figures(ui, balance)}
        <section class="sheet" aria-labelledby="orders">
            <h2 id="orders">{t!(ui, "wallet.home.recent")}</h2>
            {recent}
        </section>
        <nav class="row" aria-label=t!(ui, "wallet.home.papers")>
            <a class="btn" href="/wallet/statement">{icon(ui, "book-open", "")}{t!(ui, "wallet.home.statement")}</a>
            <a class="btn" href="/wallet/receipts">{icon(ui, "receipt-text", "")}{t!(ui, "wallet.home.receipts")}</a>
        </nav>
    }
    .into_any()
}

fn figures(ui: &Ui, balance: &BalanceView) -> AnyView {
    let rates = ui.rates_date().map(|date| {
        view! { <p class="hint">{t!(ui, "currency.approximate_hint", date = date)}</p> }
    });
    let money = |amount| view! { <span class="num">{ui.exact(amount)}</span> };
    view! {
        <section class="balance" aria-labelledby="balance">
            <h2 id="balance">{t!(ui, "wallet.balance")}</h2>
            <p class="value">{ui.money(balance.available)}</p>
            <dl class="kv">
                {fact(t!(ui, "wallet.available"), money(balance.available))}
                {fact(t!(ui, "wallet.home.reserved"), money(balance.reserved))}
            </dl>
            {rates}
        </section>
    }
    .into_any()
}

/// Whether it is time to add money: nothing is left, or less than the account wants to be told of.
fn low(ui: &Ui, account: &AccountView, balance: &BalanceView) -> Option<AnyView> {
    if balance.available.nanos() <= 0 {
        let words = view! { <strong>{t!(ui, "wallet.low.empty_title")}</strong>" "{t!(ui, "wallet.low.empty_body")} };
        return Some(notice(ui, "danger", words));
    }
    let below = account.low_balance?;
    (balance.available < below).then(|| {
        let body = t!(ui, "wallet.low.body", threshold = ui.exact(below));
        let words = view! { <strong>{t!(ui, "wallet.low.title")}</strong>" "{body} };
        notice(ui, "warn", words)
    })
}
