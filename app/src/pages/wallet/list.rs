//! `/wallet/orders`: every top-up, newest first.

use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use domain::order::OrderView;
use http::StatusCode;
use leptos::prelude::*;
use serde::Deserialize;
use server::orders::OrderError;

use super::{TOP_UP, coins, crumbs, page, pill, unavailable};
use crate::pages::admin::with_query;
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::shell::{icon, respond};

/// Rows on one page.
const PAGE: u32 = 50;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// The last order of the page before.
    before: String,
}

/// `GET /wallet/orders`
pub async fn list(reader: Reader, Query(asked): Query<Asked>) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let before = asked.before.parse().ok();
    match services.orders.list(account.workspace, before, PAGE).await {
        Ok(orders) => respond(&ui, StatusCode::OK, |ui| {
            page(t!(ui, "wallet.orders.title"), content(ui, &orders))
        }),
        Err(error) => unavailable(&ui, &OrderError::Database(error)),
    }
}

fn content(ui: &Ui, orders: &[OrderView]) -> AnyView {
    let rows = if orders.is_empty() {
        view! {
            <div class="empty">
                <p>{t!(ui, "wallet.orders.none")}</p>
                <a class="btn primary" href=TOP_UP>{icon(ui, "plus", "")}{t!(ui, "wallet.topup.action")}</a>
            </div>
        }
        .into_any()
    } else {
        table(ui, orders)
    };
    let older = orders.last().filter(|_| orders.len() == PAGE as usize);
    let older = older.map(|last| {
        let href = with_query("/wallet/orders", &[("before", &last.id.to_string())]);
        view! { <p><a class="btn" href=href>{t!(ui, "wallet.orders.older")}</a></p> }
    });
    view! {
        {crumbs(ui, false)}
        <h1>{t!(ui, "wallet.orders.title")}</h1>
        <section class="sheet" aria-label=t!(ui, "wallet.orders.title")>{rows}{older}</section>
    }
    .into_any()
}

/// Orders as rows; each name leads to its page.
pub fn table(ui: &Ui, orders: &[OrderView]) -> AnyView {
    let rows: Vec<_> = orders.iter().map(|order| row(ui, order)).collect();
    let caption = t!(ui, "wallet.orders.caption");
    let label = caption.clone();
    view! {
        <div class="tablewrap" role="group" aria-label=label tabindex="0">
            <table class="orders">
                <caption class="vh">{caption}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t!(ui, "wallet.orders.order")}</th>
                        <th scope="col">{t!(ui, "wallet.orders.state")}</th>
                        <th scope="col" class="n">{t!(ui, "wallet.orders.paid")}</th>
                        <th scope="col" class="n wide">{t!(ui, "wallet.orders.credit")}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(ui: &Ui, order: &OrderView) -> AnyView {
    let (paid, credit) = order
        .settled
        .map_or((order.quote.paid, order.quote.credited), |settled| {
            (settled.paid, settled.credited)
        });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/wallet/orders/{}", order.id)><bdi class="mono" translate="no">{order.reference.to_string()}</bdi></a>
                <span class="under">{ui.date_time(order.created_at)}</span>
            </th>
            <td>{pill(ui, order.status)}</td>
            <td class="n num">{coins(ui, paid)}</td>
            <td class="n num wide">{ui.exact(credit)}</td>
        </tr>
    }
    .into_any()
}
