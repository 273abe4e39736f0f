//! What would arrive? The offer of this moment, and the button that orders it.

use domain::Currency;
use domain::ids::OrderId;
use domain::order::ProviderId;
use leptos::prelude::*;
use server::ids::NewId;
use server::orders::Offer;

use super::choose::Choice;
use super::{Terms, fact, terms};
use crate::reader::Ui;
use crate::shell::{icon, notice};

pub fn offer(ui: &Ui, choice: &Choice, offer: &Offer) -> AnyView {
    let quote = &offer.quote;
    let pinned = (quote.paid.currency() != Currency::Usd).then(|| {
        let until = view! { <span>{ui.date_time(quote.valid_until)}</span> };
        fact(t!(ui, "wallet.terms.valid_until"), until)
    });
    let bonus = (!offer.bonus.is_zero())
        .then(|| view! { <p class="hint">{t!(ui, "wallet.terms.bonus_hint")}</p> });
    let total = quote.credited.plus(offer.bonus).unwrap_or(quote.credited);
    // What has to arrive at least: the server orders nothing when it would be less.
    let shown = total.to_usd_string();
    let (note, button) = match choice.method.provider {
        ProviderId::Sandbox => (
            Some(notice(ui, "", t!(ui, "wallet.offer.play_money"))),
            t!(ui, "wallet.offer.order"),
        ),
        ProviderId::Manual => (None, t!(ui, "wallet.offer.order_transfer")),
    };
    let amount = quote.paid.to_string();
    let amount = amount.split(' ').next().unwrap_or_default().to_owned();
    let announced = ui.exact(total);
    view! {
        <section class="sheet quoted" aria-labelledby="offer">
            <h2 id="offer">{t!(ui, "wallet.offer.title", amount = announced)}</h2>
            <dl class="bill">{terms(ui, &Terms::offered(quote, offer.bonus))}{pinned}</dl>
            {bonus}
            <p class="hint">{t!(ui, "wallet.offer.hint")}</p>
            {note}
            <form method="post" action="/api/create_order">
                <input type="hidden" name="provider" value=choice.method.provider.code()/>
                <input type="hidden" name="currency" value=quote.paid.currency().code()/>
                <input type="hidden" name="amount" value=amount/>
                <input type="hidden" name="shown" value=shown/>
                // Names this filled-in form: sent twice, it makes one order.
                <input type="hidden" name="once" value=OrderId::new().to_string()/>
                <button class="btn primary wide" type="submit">{button}{icon(ui, "arrow-right", "flip")}</button>
            </form>
        </section>
    }
    .into_any()
}
