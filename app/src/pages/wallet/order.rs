//! `/wallet/orders/{id}`: how far is it, and what is to be done? Everything on the page is in the database, so it says the
//! same after a reload, on another day, in another browser.

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use domain::ids::OrderId;
use domain::order::{Next, OrderStatus, OrderView, ProviderId};
use http::StatusCode;
use leptos::prelude::*;
use server::orders::OrderError;

use super::next::next;
use super::{
    TOP_UP, Terms, coins, crumbs, fact, own, page, pill, provider_words, terms, unavailable,
};
use crate::islands::Wait;
use crate::pages::{error, signed_in};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, notice, respond};

/// `GET /wallet/orders/{id}`
pub async fn order(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let mut order = match own(&services, &ui, &account, &id).await {
        Ok(order) => order,
        Err(elsewhere) => return elsewhere,
    };
    let mut to_do = None;
    if order.status.is_payable() {
        let begun = services.orders.begin(account.workspace, order.id).await;
        // Asking the provider may have told us more than we knew.
        match services.orders.find(account.workspace, order.id).await {
            Ok(Some(now)) => order = now,
            Ok(None) => return error::page(&ui, StatusCode::NOT_FOUND),
            Err(error) => return unavailable(&ui, &OrderError::Database(error)),
        }
        to_do = order.status.is_payable().then_some(begun);
    }
    respond(&ui, StatusCode::OK, |ui| {
        let title = t!(
            ui,
            "wallet.order.title",
            reference = order.reference.to_string()
        );
        page(title.clone(), content(ui, title, &order, to_do.as_ref()))
    })
}

/// `GET /wallet/orders/{id}/return`: where the provider's page leads back to, and what "look again" asks. Nothing in the
/// address is believed: the provider is asked.
pub async fn come_back(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let Ok(id) = id.parse::<OrderId>() else {
        return error::page(&ui, StatusCode::NOT_FOUND);
    };
    match services.orders.look(account.workspace, id).await {
        Ok(order) => Redirect::to(&format!("/wallet/orders/{}", order.id)).into_response(),
        Err(OrderError::NotFound) => error::page(&ui, StatusCode::NOT_FOUND),
        Err(error) => unavailable(&ui, &error),
    }
}

fn content(
    ui: &Ui,
    title: String,
    order: &OrderView,
    to_do: Option<&Result<Next, OrderError>>,
) -> AnyView {
    let to_do = to_do.map(|begun| {
        view! {
            <section class="sheet" aria-labelledby="to-do">
                <h2 id="to-do">{t!(ui, "wallet.order.to_do")}</h2>
                {next(ui, order, begun)}
            </section>
        }
    });
    let bill = order
        .settled
        .as_ref()
        .map_or_else(|| Terms::offered(&order.quote, order.bonus), Terms::settled);
    let valid = order.status.is_open().then(|| {
        let until = view! { <span>{ui.date_time(order.quote.valid_until)}</span> };
        fact(t!(ui, "wallet.terms.valid_until"), until)
    });
    let refunded = (!order.refunded.credit.is_zero()).then(|| {
        let back = t!(
            ui,
            "wallet.order.refunded_value",
            coins = coins(ui, order.refunded.coins),
            credit = ui.exact(order.refunded.credit)
        );
        fact(t!(ui, "wallet.order.refunded"), back)
    });
    view! {
        {crumbs(ui, true)}
        <div class="head"><h1>{title}</h1>{pill(ui, order.status)}</div>
        {state(ui, order)}
        <div class="topup">
            {to_do}
            <section class="sheet" aria-labelledby="bill">
                <h2 id="bill">{t!(ui, "wallet.order.bill")}</h2>
                <dl class="bill">
                    {terms(ui, &bill)}
                    {valid}
                    {refunded}
                    {fact(t!(ui, "wallet.topup.method"), provider_words(ui, order.provider))}
                </dl>
                {late(ui, order)}
            </section>
            <section class="sheet" aria-labelledby="timeline">
                <h2 id="timeline">{t!(ui, "wallet.order.timeline")}</h2>
                {timeline(ui, order)}
                {doings(ui, order)}
            </section>
        </div>
    }
    .into_any()
}

/// How it stands in one sentence, above everything else.
fn state(ui: &Ui, order: &OrderView) -> AnyView {
    match order.status {
        OrderStatus::Created | OrderStatus::Pending => match order.provider {
            ProviderId::Manual => notice(ui, "", t!(ui, "wallet.order.says.transfer")),
            ProviderId::Sandbox => notice(ui, "", t!(ui, "wallet.order.says.pending")),
        },
        OrderStatus::Processing => notice(ui, "", t!(ui, "wallet.order.says.processing")),
        OrderStatus::Credited | OrderStatus::DisputeWon => {
            notice(ui, "ok", t!(ui, "wallet.order.says.credited"))
        }
        OrderStatus::PartiallyRefunded | OrderStatus::Refunded => {
            notice(ui, "", t!(ui, "wallet.order.says.refunded"))
        }
        OrderStatus::Disputed => notice(ui, "warn", t!(ui, "wallet.order.says.disputed")),
        OrderStatus::DisputeLost => notice(ui, "danger", t!(ui, "wallet.order.says.dispute_lost")),
        OrderStatus::Canceled => notice(ui, "", t!(ui, "wallet.order.says.canceled")),
        OrderStatus::Expired => notice(ui, "warn", t!(ui, "wallet.order.says.expired")),
        OrderStatus::Failed => notice(ui, "danger", t!(ui, "wallet.order.says.failed")),
    }
}

/// Whoever paid after the rate had run out learns which one counted.
fn late(ui: &Ui, order: &OrderView) -> Option<AnyView> {
    let settled = order.settled.as_ref()?;
    (settled.rate != order.quote.rate)
        .then(|| view! { <p class="hint">{t!(ui, "wallet.order.late_rate")}</p> }.into_any())
}

/// What has happened and what is awaited, in order.
fn timeline(ui: &Ui, order: &OrderView) -> AnyView {
    let step = |class: &'static str, sign: &'static str, words: String, when: Option<i64>| {
        let when = when.map(|at| view! { <span class="hint">{ui.date_time(at)}</span> });
        view! { <li class=class>{icon(ui, sign, "")}<div><p>{words}</p>{when}</div></li> }
            .into_any()
    };
    let mut steps = vec![step(
        "done",
        "circle-check",
        t!(
            ui,
            "wallet.order.steps.ordered",
            amount = coins(ui, order.quote.paid)
        ),
        Some(order.created_at),
    )];
    if let Some(settled) = &order.settled {
        let total = settled
            .credited
            .plus(settled.bonus)
            .unwrap_or(settled.credited);
        let words = t!(
            ui,
            "wallet.order.steps.credited",
            paid = coins(ui, settled.paid),
            credit = ui.exact(total)
        );
        steps.push(step("done", "circle-check", words, Some(settled.at)));
    }
    let over = super::status_words(ui, order.status);
    match order.status {
        OrderStatus::Created | OrderStatus::Pending => {
            let words = t!(ui, "wallet.order.steps.awaited");
            steps.push(step("now", "circle", words, None));
        }
        OrderStatus::Processing => {
            let words = t!(ui, "wallet.order.steps.underway");
            steps.push(step("now", "circle", words, None));
        }
        OrderStatus::Credited => {}
        OrderStatus::Failed | OrderStatus::Expired | OrderStatus::Canceled => {
            steps.push(step("bad", "circle-alert", over, None));
        }
        _ => steps.push(step("done", "circle-check", over, None)),
    }
    if order.refunding {
        let words = t!(ui, "wallet.order.steps.refunding");
        steps.push(step("now", "circle", words, None));
    }
    view! { <ol class="timeline">{steps}</ol> }.into_any()
}

/// What can be done about it here: look, give it up, or begin anew.
fn doings(ui: &Ui, order: &OrderView) -> Option<AnyView> {
    let again = format!("/wallet/orders/{}/return", order.id);
    if order.status.is_open() {
        let cancel = order.status.is_payable().then(|| {
            view! {
                <form method="post" action="/api/cancel_order">
                    <input type="hidden" name="id" value=order.id.to_string()/>
                    <button class="btn" type="submit">{t!(ui, "wallet.order.cancel")}</button>
                </form>
            }
        });
        let words = t!(ui, "wallet.order.look_again");
        // Only what comes by itself is waited for; a link does without a script.
        let look = if order.status == OrderStatus::Processing {
            let state = order.status.code();
            let link = view! { <a class="btn" href=again data-again=state>{words}</a> };
            view! { <Wait>{link}</Wait> }.into_any()
        } else {
            view! { <a class="btn" href=again>{words}</a> }.into_any()
        };
        let doings = view! {
            <div class="row">
                {look}
                {cancel}
            </div>
        };
        return Some(doings.into_any());
    }
    (!order.status.was_credited()).then(|| {
        view! {
            <div class="row">
                <a class="btn primary" href=TOP_UP>{t!(ui, "wallet.order.anew")}</a>
                <a class="btn" href=again>{t!(ui, "wallet.order.look_again")}</a>
            </div>
        }
        .into_any()
    })
}
