//! Who am I here, and what do I want to be told?

use domain::views::AccountView;
use leptos::prelude::*;

use crate::flash::Field;
use crate::pages::form::{Input, input};
use crate::reader::Ui;
use crate::shell::icon;

pub fn profile(ui: &Ui, account: &AccountView) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let name = Input {
        autocomplete: "name",
        ..Input::new(Field::Name, t!(ui, "settings.profile.name_label"))
    };
    let state = if account.verified {
        view! { <span class="pill">{icon(ui, "check", "")}{t!(ui, "settings.profile.verified")}</span> }.into_any()
    } else {
        view! { <span class="pill off">{t!(ui, "settings.profile.unverified")}</span> }.into_any()
    };
    view! {
        <section class="sheet" aria-labelledby="profile">
            <header><h2 id="profile">{t!(ui, "settings.profile.title")}</h2></header>
            <form class="form" method="post" action="/api/set_name">
                {input(ui, &flash, name.value(account.name.clone()))}
                <button class="btn" type="submit">{t!(ui, "settings.save")}</button>
            </form>
            <dl class="facts-list">
                <div>
                    <dt>{t!(ui, "settings.profile.email")}</dt>
                    <dd><bdi translate="no">{account.email.clone()}</bdi>{state}</dd>
                </div>
                <div>
                    <dt>{t!(ui, "settings.profile.since")}</dt>
                    <dd>{ui.date(account.created_at)}</dd>
                </div>
            </dl>
            <p><a class="btn" href="/settings/email">{t!(ui, "settings.profile.change_email")}</a></p>
        </section>
    }
    .into_any()
}

pub fn notifications(ui: &Ui, account: &AccountView) -> AnyView {
    let flash = ui.flash().cloned().unwrap_or_default();
    let amount = Input {
        inputmode: Some("decimal"),
        ltr: true,
        ..Input::new(Field::Amount, t!(ui, "settings.notifications.label"))
    };
    let below = account
        .low_balance
        .map(|amount| amount.to_string())
        .unwrap_or_default();
    view! {
        <section class="sheet" aria-labelledby="notifications">
            <header><h2 id="notifications">{t!(ui, "settings.notifications.title")}</h2></header>
            <form class="form" method="post" action="/api/set_low_balance">
                {input(ui, &flash, amount.value(below).hint(t!(ui, "settings.notifications.hint")))}
                <button class="btn" type="submit">{t!(ui, "settings.save")}</button>
            </form>
        </section>
    }
    .into_any()
}
