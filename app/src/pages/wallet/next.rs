//! What does somebody do now to pay? Go to the provider's page, or transfer money to an account.

use domain::order::{ManualDetails, Next, OrderView};
use leptos::prelude::*;
use server::orders::OrderError;

use super::coins;
use crate::reader::Ui;
use crate::shell::{copy_button, icon, notice};

/// What the provider says to do about an order that is still to be paid.
pub fn next(ui: &Ui, order: &OrderView, next: &Result<Next, OrderError>) -> AnyView {
    match next {
        Ok(Next::Redirect(url)) => pay_page(ui, url),
        Ok(Next::Instructions(details)) => transfer(ui, details),
        Err(_) => {
            let again = format!("/wallet/orders/{}", order.id);
            let words = t!(ui, "wallet.order.provider_silent");
            let link = view! { <a href=again>{t!(ui, "wallet.order.try_again")}</a> };
            notice(ui, "danger", view! { {words}" "{link} })
        }
    }
}

/// A link and no form: our pages' forms lead nowhere but here.
fn pay_page(ui: &Ui, url: &str) -> AnyView {
    view! {
        <p>{t!(ui, "wallet.order.pay_lead")}</p>
        <p class="row">
            <a class="btn primary" href=url.to_owned()>{t!(ui, "wallet.order.pay")}{icon(ui, "arrow-right", "flip")}</a>
        </p>
    }
    .into_any()
}

/// What to write into the transfer; each line that is typed elsewhere can be copied.
fn transfer(ui: &Ui, details: &ManualDetails) -> AnyView {
    let lines: Vec<_> = details
        .lines
        .iter()
        .map(|line| view! { <li>{copied(ui, line.clone(), t!(ui, "wallet.order.copy_line"))}</li> })
        .collect();
    let reference = copied(
        ui,
        details.reference.to_string(),
        t!(ui, "wallet.order.copy_reference"),
    );
    let holder = copied(
        ui,
        details.holder.clone(),
        t!(ui, "wallet.order.copy_holder"),
    );
    let amount = coins(ui, details.amount);
    view! {
        <p>{t!(ui, "wallet.order.transfer_lead")}</p>
        <dl class="bill">
            <div><dt>{t!(ui, "wallet.order.amount")}</dt><dd><strong class="num">{amount}</strong></dd></div>
            <div><dt>{t!(ui, "wallet.order.reference")}</dt><dd>{reference}</dd></div>
            <div><dt>{t!(ui, "wallet.order.holder")}</dt><dd>{holder}</dd></div>
            <div><dt>{t!(ui, "wallet.order.account")}</dt><dd><ul class="lines-of">{lines}</ul></dd></div>
        </dl>
        <p class="hint">{t!(ui, "wallet.order.transfer_hint")}</p>
    }
    .into_any()
}

fn copied(ui: &Ui, text: String, label: String) -> AnyView {
    view! {
        <span class="copied-line" data-copyable="">
            <bdi class="mono" translate="no" data-copy="">{text}</bdi>
            {copy_button(ui, label)}
        </span>
    }
    .into_any()
}
