//! How much is left? The balance as a meter: the ruler's ticks are days at this week's pace.

use domain::views::{BalanceView, SpendView};
use leptos::prelude::*;

use crate::api::{Figures, RULER_DAYS, days_left, filled};
use crate::islands::Live;
use crate::pages::wallet::TOP_UP;
use crate::reader::Ui;
use crate::shell::{copy_button, icon, ruler};

pub fn balance(ui: &Ui, balance: &BalanceView, spend: &SpendView) -> AnyView {
    let shown = Figures::of(ui, balance, spend);
    let left = days_left(balance.available, spend, ui.prefs().now);
    let days = filled(balance, left);
    let figure = |words: String, name: &'static str, value: String| {
        view! { <div><dt>{words}</dt><dd class="num" data-live=name>{value}</dd></div> }
    };
    let rates = ui.rates_date().map(|date| {
        view! { <p class="hint">{t!(ui, "currency.approximate_hint", date = date)}</p> }
    });
    let moving = view! {
        <p class="value" data-live="balance">{shown.balance}</p>
        {ruler(days, RULER_DAYS, Some(shown.label))}
        <p class="muted" data-live="left">{shown.left}</p>
        <p class="hint row"><span data-live="exact">{shown.exact}</span><span data-live="reserved">{shown.reserved}</span></p>
        <dl class="kv">
            {figure(t!(ui, "spend.today"), "today", shown.today)}
            {figure(t!(ui, "spend.last_7_days"), "week", shown.week)}
            {figure(t!(ui, "spend.last_30_days"), "month", shown.month)}
            {figure(t!(ui, "calls.today"), "calls", shown.calls)}
            {figure(t!(ui, "tokens.today"), "tokens", shown.tokens)}
        </dl>
    };
    view! {
        <section class="balance" aria-labelledby="balance">
            <h2 id="balance">{t!(ui, "wallet.balance")}</h2>
            <Live>{moving}</Live>
            {rates}
            <p class="row">
                <a class="btn slim primary" href=TOP_UP>{icon(ui, "plus", "")}{t!(ui, "wallet.topup.action")}</a>
                <a class="btn slim" href="/wallet">{t!(ui, "wallet.home.title")}</a>
            </p>
        </section>
    }
    .into_any()
}

/// Nothing is left: for an administrator, the one command that changes it. What it means is said above every page.
pub fn empty(ui: &Ui) -> Option<AnyView> {
    let admin = ui.account().filter(|account| account.admin)?;
    let command = format!(
        "farebox admin credit grant --email {} --amount 25.00 --reason top-up --json",
        admin.email
    );
    let view = view! {
        <div class="empty" data-copyable="">
            <p>{t!(ui, "wallet.low.admin_hint")}</p>
            <pre dir="ltr" tabindex="0" translate="no"><code data-copy="">{command}</code></pre>
            {copy_button(ui, t!(ui, "copy.copy_command"))}
        </div>
    };
    Some(view.into_any())
}
