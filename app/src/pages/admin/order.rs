//! What happened with this top-up, and what is to be done? Everything about one order; a bank transfer is confirmed or
//! rejected here, and money goes back.

use axum::extract::Path;
use axum::response::Response;
use domain::ids::{OrderId, RefundId};
use domain::order::{Attention, OrderStatus, OrderView, ProviderId};
use leptos::prelude::*;
use server::ids::NewId;
use server::orders::{OrderEvent, OrderRow, Refundable};

use super::{admin, crumbs, fact, missing, page, scrolled, unavailable};
use crate::api::OrderField;
use crate::flash::{Field, Flash};
use crate::pages::form::{Input, input, summary, tick};
use crate::pages::wallet::{Terms, coins, pill, provider_words, terms};
use crate::reader::{Reader, Ui};
use crate::shell::{icon, notice};

/// `GET /admin/orders/{id}`
pub async fn order(Path(id): Path<String>, reader: Reader) -> Response {
    let services = reader.services.clone();
    let (ui, _) = match admin(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere,
    };
    let Ok(id) = id.parse::<OrderId>() else {
        return missing(&ui);
    };
    let row = match services.orders.any(id).await {
        Ok(Some(row)) => row,
        Ok(None) => return missing(&ui),
        Err(error) => return unavailable(&ui, &error),
    };
    let back = if row.order.status.was_credited() {
        match services.orders.refundable(id).await {
            Ok(back) => Some(back),
            Err(error) => return unavailable(&ui, &error),
        }
    } else {
        None
    };
    let events = match services.orders.events(id).await {
        Ok(events) => events,
        Err(error) => return unavailable(&ui, &error),
    };
    let title = t!(
        ui,
        "wallet.order.title",
        reference = row.order.reference.to_string()
    );
    page(&ui, title.clone(), |ui| {
        content(ui, title, &row, back, &events)
    })
}

fn content(
    ui: &Ui,
    title: String,
    row: &OrderRow,
    back: Option<Refundable>,
    events: &[OrderEvent],
) -> AnyView {
    let order = &row.order;
    let flash = ui.flash().cloned().unwrap_or_default();
    let attention = order
        .attention
        .map(|why| notice(ui, "danger", attention_words(ui, why)));
    let seen = order
        .attention
        .map(|_| seen(ui, &flash, &order.id.to_string()));
    let manual = order.provider == ProviderId::Manual;
    let by_hand = manual || order.attention == Some(Attention::Amount);
    let confirm = (by_hand && order.status.may_become(OrderStatus::Credited))
        .then(|| confirm(ui, &flash, order));
    let reject =
        (manual && order.status.is_open()).then(|| reject(ui, &flash, &order.id.to_string()));
    let refund = back
        .filter(|back| !back.credit.is_zero() && !order.refunding)
        .map(|back| refund(ui, &flash, order, back));
    view! {
        {crumbs(ui, "/admin/orders", t!(ui, "admin.orders.title"))}
        <div class="head"><h1>{title}</h1>{pill(ui, order.status)}</div>
        {attention}
        {summary(ui, &flash)}
        <div class="split">
            <div class="admin-pile">{bill(ui, order)}{facts(ui, row)}</div>
            <div class="admin-pile">{confirm}{reject}{refund}{seen}</div>
        </div>
        {told(ui, events)}
    }
    .into_any()
}

fn attention_words(ui: &Ui, why: Attention) -> String {
    match why {
        Attention::Amount => t!(ui, "admin.orders.why.amount"),
        Attention::Currency => t!(ui, "admin.orders.why.currency"),
        Attention::Reference => t!(ui, "admin.orders.why.reference"),
        Attention::Mode => t!(ui, "admin.orders.why.mode"),
        Attention::Rate => t!(ui, "admin.orders.why.rate"),
        Attention::Refund => t!(ui, "admin.orders.why.refund"),
    }
}

fn bill(ui: &Ui, order: &OrderView) -> AnyView {
    let offered = Terms::offered(&order.quote, order.bonus);
    let valid = view! { <span>{ui.date_time(order.quote.valid_until)}</span> };
    let settled = order.settled.as_ref().map(|settled| {
        let at = view! { <span>{ui.date_time(settled.at)}</span> };
        view! {
            <section class="sheet" aria-labelledby="settled">
                <h2 id="settled">{t!(ui, "admin.orders.settled")}</h2>
                <dl class="bill">
                    {terms(ui, &Terms::settled(settled))}
                    {fact(t!(ui, "admin.orders.settled_at"), at)}
                </dl>
            </section>
        }
    });
    view! {
        <section class="sheet" aria-labelledby="offered">
            <h2 id="offered">{t!(ui, "admin.orders.offered")}</h2>
            <dl class="bill">
                {terms(ui, &offered)}
                {fact(t!(ui, "wallet.terms.valid_until"), valid)}
            </dl>
        </section>
        {settled}
    }
    .into_any()
}

fn facts(ui: &Ui, row: &OrderRow) -> AnyView {
    let order = &row.order;
    let mono = |text: String| view! { <bdi class="mono" translate="no">{text}</bdi> };
    let who = match (&row.email, order.account) {
        (Some(email), Some(account)) => {
            let href = format!("/admin/accounts/{account}");
            view! { <a href=href><bdi translate="no">{email.clone()}</bdi></a> }.into_any()
        }
        _ => t!(ui, "admin.orders.nobody").into_any(),
    };
    let object = order
        .provider_ref
        .clone()
        .map(|object| fact(t!(ui, "admin.orders.provider_ref"), mono(object)));
    let refunded = (!order.refunded.credit.is_zero()).then(|| {
        let words = t!(
            ui,
            "wallet.order.refunded_value",
            coins = coins(ui, order.refunded.coins),
            credit = ui.exact(order.refunded.credit)
        );
        fact(t!(ui, "wallet.order.refunded"), words)
    });
    let refunding = order
        .refunding
        .then(|| view! { <p class="hint">{t!(ui, "wallet.order.steps.refunding")}</p> });
    view! {
        <section class="sheet" aria-labelledby="facts">
            <h2 id="facts">{t!(ui, "admin.orders.facts")}</h2>
            <dl class="facts-list">
                {fact(t!(ui, "admin.accounts.account"), who)}
                {fact(t!(ui, "wallet.topup.method"), provider_words(ui, order.provider))}
                {fact(t!(ui, "admin.orders.ordered_at"), ui.date_time(order.created_at))}
                {refunded}
                {fact(t!(ui, "admin.orders.id"), mono(order.id.to_string()))}
                {object}
                {fact(t!(ui, "admin.account.workspace"), mono(order.workspace.to_string()))}
            </dl>
            {refunding}
        </section>
    }
    .into_any()
}

/// What the provider said by itself, and what came of it.
fn told(ui: &Ui, events: &[OrderEvent]) -> AnyView {
    let list = if events.is_empty() {
        view! { <p class="muted">{t!(ui, "admin.orders.no_events")}</p> }.into_any()
    } else {
        let head = view! {
            <th scope="col">{t!(ui, "admin.audit.when")}</th>
            <th scope="col">{t!(ui, "admin.orders.event")}</th>
            <th scope="col">{t!(ui, "admin.orders.outcome")}</th>
        };
        let rows = events.iter().map(|event| {
            view! {
                <tr>
                    <td class="when">{ui.date_time(event.received_at)}</td>
                    <th scope="row">
                        <bdi class="mono" translate="no">{event.kind.clone()}</bdi>
                        <bdi class="under mono" translate="no">{event.id.clone()}</bdi>
                    </th>
                    <td>{outcome_words(ui, event.outcome.as_deref())}</td>
                </tr>
            }
            .into_any()
        });
        let caption = t!(ui, "admin.orders.events");
        scrolled(caption, head.into_any(), rows.collect())
    };
    view! {
        <section class="sheet" aria-labelledby="events">
            <h2 id="events">{t!(ui, "admin.orders.events")}</h2>
            {list}
        </section>
    }
    .into_any()
}

fn outcome_words(ui: &Ui, outcome: Option<&str>) -> String {
    match outcome {
        None => t!(ui, "admin.orders.outcomes.open"),
        Some("credited") => t!(ui, "admin.orders.outcomes.credited"),
        Some("changed") => t!(ui, "admin.orders.outcomes.changed"),
        Some("nothing") => t!(ui, "admin.orders.outcomes.nothing"),
        Some("mismatch") => t!(ui, "admin.orders.outcomes.mismatch"),
        Some(_) => t!(ui, "admin.orders.outcomes.unknown"),
    }
}

/// The amount is typed again from the bank's statement, never filled in beforehand: whoever types it has looked.
fn confirm(ui: &Ui, flash: &Flash, order: &OrderView) -> AnyView {
    let asked = coins(ui, order.quote.paid);
    let currency = order.quote.paid.currency().code();
    let manual = order.provider == ProviderId::Manual;
    let (title, label) = if manual {
        (
            t!(ui, "admin.orders.confirm"),
            t!(ui, "admin.orders.received", currency = currency),
        )
    } else {
        (
            t!(ui, "admin.orders.confirm_online"),
            t!(ui, "admin.orders.received_online", currency = currency),
        )
    };
    let lead = (!manual)
        .then(|| view! { <p class="muted">{t!(ui, "admin.orders.confirm_online_lead")}</p> });
    let received = Input {
        inputmode: Some("decimal"),
        ltr: true,
        ..Input::new(Field::Order(OrderField::Received), label)
    }
    .hint(t!(ui, "admin.orders.received_hint", amount = asked));
    let day = Input {
        kind: "date",
        ltr: true,
        ..Input::new(
            Field::Order(OrderField::PaidOn),
            t!(ui, "admin.orders.paid_on"),
        )
    }
    .hint(t!(ui, "admin.orders.paid_on_hint"));
    // The provider says itself when it was paid.
    let day = if manual {
        input(ui, flash, day)
    } else {
        view! { <input type="hidden" name="paid_on" value=""/> }.into_any()
    };
    let note = Input::new(
        Field::Order(OrderField::ConfirmNote),
        t!(ui, "admin.orders.note"),
    )
    .hint(t!(ui, "admin.orders.confirm_hint"));
    let sure = t!(ui, "admin.orders.sure").into_any();
    view! {
        <section class="sheet" aria-labelledby="confirm">
            <h2 id="confirm">{title}</h2>
            {lead}
            <form class="form" method="post" action="/api/admin_confirm_order">
                <input type="hidden" name="id" value=order.id.to_string()/>
                {input(ui, flash, received)}
                {day}
                {input(ui, flash, note)}
                {tick(ui, flash, Field::Order(OrderField::Sure), sure, false)}
                <button class="btn primary" type="submit">{t!(ui, "admin.orders.confirm_submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

/// Folded away: whoever opens it means it.
fn reject(ui: &Ui, flash: &Flash, id: &str) -> AnyView {
    let field = Field::Order(OrderField::RejectNote);
    let note =
        Input::new(field, t!(ui, "admin.orders.note")).hint(t!(ui, "admin.orders.reject_hint"));
    view! {
        <section class="sheet" aria-labelledby="reject">
            <h2 id="reject">{t!(ui, "admin.orders.reject")}</h2>
            <details class="more" open=flash.of(field).is_some()>
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.orders.reject_open")}</summary>
                <form class="form" method="post" action="/api/admin_reject_order">
                    <input type="hidden" name="id" value=id.to_owned()/>
                    {input(ui, flash, note)}
                    <button class="btn danger" type="submit">{t!(ui, "admin.orders.reject_submit")}</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}

/// Somebody looked at what did not fit.
fn seen(ui: &Ui, flash: &Flash, id: &str) -> AnyView {
    let field = Field::Order(OrderField::SeenNote);
    let note =
        Input::new(field, t!(ui, "admin.orders.note")).hint(t!(ui, "admin.orders.seen_hint"));
    view! {
        <section class="sheet" aria-labelledby="seen">
            <h2 id="seen">{t!(ui, "admin.orders.seen")}</h2>
            <form class="form" method="post" action="/api/admin_seen_order">
                <input type="hidden" name="id" value=id.to_owned()/>
                {input(ui, flash, note)}
                <button class="btn" type="submit">{t!(ui, "admin.orders.seen_submit")}</button>
            </form>
        </section>
    }
    .into_any()
}

fn refund(ui: &Ui, flash: &Flash, order: &OrderView, back: Refundable) -> AnyView {
    let most = t!(
        ui,
        "admin.orders.refund_hint",
        credit = ui.exact(back.credit),
        coins = coins(ui, back.coins)
    );
    let field = Field::Order(OrderField::RefundCredit);
    let credit = Input {
        inputmode: Some("decimal"),
        ltr: true,
        ..Input::new(field, t!(ui, "admin.orders.refund_credit"))
    }
    .hint(most);
    let note_field = Field::Order(OrderField::RefundNote);
    let note = Input::new(note_field, t!(ui, "admin.orders.note"));
    let lead = match order.provider {
        ProviderId::Sandbox => t!(ui, "admin.orders.refund_lead"),
        ProviderId::Manual => t!(ui, "admin.orders.refund_lead_manual"),
    };
    let open = flash.of(field).is_some() || flash.of(note_field).is_some();
    view! {
        <section class="sheet" aria-labelledby="refund">
            <h2 id="refund">{t!(ui, "admin.orders.refund")}</h2>
            <details class="more" open=open>
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "admin.orders.refund_open")}</summary>
                <form class="form" method="post" action="/api/admin_refund_order">
                    <input type="hidden" name="id" value=order.id.to_string()/>
                    // Names this filled-in form: sent twice, it refunds once.
                    <input type="hidden" name="once" value=RefundId::new().to_string()/>
                    <p class="muted">{lead}</p>
                    {input(ui, flash, credit)}
                    {input(ui, flash, note)}
                    <button class="btn danger" type="submit">{t!(ui, "admin.orders.refund_submit")}</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}
