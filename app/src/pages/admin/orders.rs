//! Which top-ups are there, and which of them want somebody to look? Everybody's orders, newest first.

use axum::extract::Query;
use axum::response::Response;
use domain::order::{OrderStatus, ProviderId};
use leptos::prelude::*;
use serde::Deserialize;
use server::accounts::{AccountError, Accounts, Email};
use server::orders::{OrderFilter, OrderRow};

use super::link::with_query;
use super::{PAGE, admin, filter, older, page, scrolled, unavailable};
use crate::pages::form::choice;
use crate::pages::wallet::{coins, pill, provider_words, status_words};
use crate::reader::{Reader, Ui};

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    status: String,
    provider: String,
    attention: String,
    before: String,
}

/// `GET /admin/orders`
pub async fn orders(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let filter = match read(&services.accounts, &asked).await {
        Ok(filter) => filter,
        Err(error) => return unavailable(&ui, &error),
    };
    let found = match &filter {
        Some(filter) => services.orders.all(filter).await,
        // No order and nobody is called that.
        None => Ok(Vec::new()),
    };
    match found {
        Ok(found) => page(&ui, t!(ui, "admin.orders.title"), |ui| {
            content(ui, &asked, &found)
        }),
        Err(error) => unavailable(&ui, &error),
    }
}

/// The filter that was asked for; `None` when it names no order and nobody.
async fn read(accounts: &Accounts, asked: &Asked) -> Result<Option<OrderFilter>, AccountError> {
    let mut filter = OrderFilter {
        status: asked.status.parse().ok(),
        provider: asked.provider.parse().ok(),
        attention: !asked.attention.is_empty(),
        before: asked.before.parse().ok(),
        limit: PAGE,
        ..OrderFilter::default()
    };
    let text = asked.q.trim();
    if text.is_empty() {
        return Ok(Some(filter));
    }
    if let Ok(reference) = text.parse() {
        filter.reference = Some(reference);
        return Ok(Some(filter));
    }
    let Ok(email) = Email::parse(text) else {
        return Ok(None);
    };
    let account = accounts.by_email(&email).await?;
    Ok(account.map(|account| {
        filter.workspace = Some(account.workspace);
        filter
    }))
}

fn content(ui: &Ui, asked: &Asked, found: &[OrderRow]) -> AnyView {
    let any = || (String::new(), t!(ui, "admin.orders.any"));
    let mut states = vec![any()];
    states.extend(OrderStatus::ALL.map(|of| (of.code().to_owned(), status_words(ui, of))));
    let mut providers = vec![any()];
    providers.extend(ProviderId::ALL.map(|of| (of.code().to_owned(), provider_words(ui, of))));
    let attention = !asked.attention.is_empty();
    let fields = view! {
        {filter::text("q", t!(ui, "admin.orders.search"), &asked.q, Some(t!(ui, "admin.orders.search_hint")))}
        {choice("status", t!(ui, "admin.orders.state"), states, &asked.status)}
        {choice("provider", t!(ui, "wallet.topup.method"), providers, &asked.provider)}
        <div class="item">
            <label class="tick">
                <input type="checkbox" name="attention" value="1" checked=attention/>
                <span>{t!(ui, "admin.orders.attention_only")}</span>
            </label>
        </div>
    };
    let narrowed = [&asked.q, &asked.status, &asked.provider, &asked.attention]
        .iter()
        .any(|text| !text.is_empty());
    let list = if found.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.orders.none")}</p> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.orders.order")}</th>
            <th scope="col">{t!(ui, "admin.orders.state")}</th>
            <th scope="col" class="n">{t!(ui, "admin.orders.paid")}</th>
            <th scope="col" class="wide">{t!(ui, "wallet.topup.method")}</th>
            <th scope="col" class="wide">{t!(ui, "admin.audit.when")}</th>
        };
        let rows = found.iter().map(|row| line(ui, row)).collect();
        scrolled(t!(ui, "admin.orders.title"), head.into_any(), rows)
    };
    let more = found.last().filter(|_| found.len() == PAGE as usize);
    let more = more.map(|last| {
        let before = last.order.id.to_string();
        let filters = [
            ("q", asked.q.as_str()),
            ("status", &asked.status),
            ("provider", &asked.provider),
            ("attention", &asked.attention),
            ("before", &before),
        ];
        older(ui, with_query("/admin/orders", &filters))
    });
    view! {
        <h1>{t!(ui, "admin.orders.title")}</h1>
        <section class="sheet" aria-label=t!(ui, "admin.orders.title")>
            {filter::form(ui, "/admin/orders", fields.into_any(), narrowed)}
            {list}
            {more}
        </section>
    }
    .into_any()
}

fn line(ui: &Ui, row: &OrderRow) -> AnyView {
    let order = &row.order;
    let paid = order
        .settled
        .map_or(order.quote.paid, |settled| settled.paid);
    let who = row
        .email
        .clone()
        .unwrap_or_else(|| t!(ui, "admin.orders.nobody"));
    let attention = order
        .attention
        .map(|_| view! { <span class="pill danger">{t!(ui, "admin.orders.attention")}</span> });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/orders/{}", order.id)><bdi class="mono" translate="no">{order.reference.to_string()}</bdi></a>
                <bdi class="under" translate="no">{who}</bdi>
            </th>
            <td><span class="row tight">{pill(ui, order.status)}{attention}</span></td>
            <td class="n num">{coins(ui, paid)}</td>
            <td class="wide">{provider_words(ui, order.provider)}</td>
            <td class="when wide">{ui.date_time(order.created_at)}</td>
        </tr>
    }
    .into_any()
}
