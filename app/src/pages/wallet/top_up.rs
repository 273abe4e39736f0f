//! `/wallet/top-up`: how, in which currency, how much? The form asks with its address, and the same page shows what would
//! arrive; only the button below that orders anything.

use axum::response::{IntoResponse, Response};
use domain::Currency;
use domain::fx::Coins;
use domain::order::Method;
use http::StatusCode;
use leptos::prelude::*;
use server::orders::{Ask, Offer, OrderError};

use super::choose::{Asked, Choice, Wrong, presets};
use super::offer::offer;
use super::{TOP_UP, coins, crumbs, page, provider_words, unavailable};
use crate::api::top_up_path;
use crate::flash::Field;
use crate::pages::signed_in;
use crate::reader::{Reader, Ui};
use crate::shell::{currency_words, icon, notice, respond, rich};

/// What the page shows.
struct Facts {
    choice: Choice,
    methods: Vec<Method>,
    presets: Vec<Coins>,
    /// What would arrive, or why nothing is offered.
    offer: Option<Result<Offer, OrderError>>,
}

/// `GET /wallet/top-up`
pub async fn top_up(reader: Reader) -> Response {
    let services = reader.services.clone();
    let rates = reader.rates.clone();
    let (ui, account) = match signed_in(reader).await {
        Ok(known) => known,
        Err(elsewhere) => return elsewhere.into_response(),
    };
    let title = t!(ui, "wallet.topup.title");
    let said = |words: AnyView| {
        respond(&ui, StatusCode::OK, |ui| {
            let body = view! {
                {crumbs(ui, false)}
                <h1>{title.clone()}</h1>
                <div class="empty">{words}</div>
            };
            page(title.clone(), body.into_any())
        })
    };
    if !account.verified {
        let words = t!(ui, "wallet.topup.unverified");
        return said(view! { <p>{words}</p> }.into_any());
    }
    let methods = services.orders.methods();
    let asked = Asked::read(ui.asked());
    let Some(choice) = asked.choice(&methods, ui.prefs().currency) else {
        return said(nobody(&ui));
    };
    let offer = choice.paid.map(|paid| {
        services.orders.quote(&Ask {
            provider: choice.method.provider,
            paid,
        })
    });
    if let Some(Err(error @ OrderError::Database(_))) = &offer {
        return unavailable(&ui, error);
    }
    let per_usd = rates.known(choice.limits.currency()).rate.e9();
    let facts = Facts {
        presets: presets(&choice.limits, per_usd),
        choice,
        methods,
        offer,
    };
    respond(&ui, StatusCode::OK, |ui| page(title, content(ui, &facts)))
}

/// Nobody can pay here: whom to ask instead.
fn nobody(ui: &Ui) -> AnyView {
    let words = match ui.site().support.clone() {
        Some(address) => rich(&t!(ui, "first_run.money_support"), |inner| {
            view! { <a href=format!("mailto:{address}")>{inner}</a> }.into_any()
        }),
        None => t!(ui, "first_run.money_operator").into_any(),
    };
    view! { <p>{words}</p> }.into_any()
}

fn content(ui: &Ui, facts: &Facts) -> AnyView {
    let offered = match &facts.offer {
        Some(Ok(offered)) => Some(offer(ui, &facts.choice, offered)),
        Some(Err(error)) => Some(notice(ui, "danger", refusal_words(ui, error))),
        None => None,
    };
    view! {
        {crumbs(ui, false)}
        <h1>{t!(ui, "wallet.topup.title")}</h1>
        <div class="topup">
            <section class="sheet" aria-labelledby="choose">
                <h2 id="choose">{t!(ui, "wallet.topup.choose")}</h2>
                {methods(ui, facts)}
                {form(ui, facts)}
                {round(ui, facts)}
                {too_old(ui, facts)}
            </section>
            {offered}
        </div>
    }
    .into_any()
}

/// The ways to pay, when there are several: links, because each has currencies of its own.
fn methods(ui: &Ui, facts: &Facts) -> Option<AnyView> {
    if facts.methods.len() < 2 {
        return None;
    }
    let links: Vec<_> = facts
        .methods
        .iter()
        .map(|method| {
            let provider = method.provider;
            let current = (provider == facts.choice.method.provider).then_some("true");
            let currency = facts.choice.limits.currency();
            let currency = method.limits(currency).map_or("", |_| currency.code());
            let href = top_up_path(provider.code(), currency, &facts.choice.amount);
            view! { <li><a class="btn slim" href=href aria-current=current>{provider_words(ui, provider)}</a></li> }
        })
        .collect();
    let ways = view! {
        <nav aria-label=t!(ui, "wallet.topup.method")><ul class="row ways">{links}</ul></nav>
    };
    Some(ways.into_any())
}

fn form(ui: &Ui, facts: &Facts) -> AnyView {
    let choice = &facts.choice;
    let wrong_at = |field: Field| {
        let wrong = choice.wrong.filter(|wrong| place(*wrong) == field)?;
        Some(wrong_words(ui, wrong))
    };
    let (wrong_currency, wrong_amount) = (wrong_at(Field::Currency), wrong_at(Field::Amount));
    let limits = t!(
        ui,
        "wallet.topup.limits",
        min = coins(ui, choice.limits.min),
        max = coins(ui, choice.limits.max)
    );
    let currency_invalid = wrong_currency.is_some().then_some("true");
    let amount_invalid = wrong_amount.is_some().then_some("true");
    let currency_described = wrong_currency.is_some().then_some("currency-wrong");
    let amount_described = if wrong_amount.is_some() {
        "amount-wrong amount-hint"
    } else {
        "amount-hint"
    };
    let wrong_currency =
        wrong_currency.map(|words| view! { <p class="wrong" id="currency-wrong">{words}</p> });
    let wrong_amount =
        wrong_amount.map(|words| view! { <p class="wrong" id="amount-wrong">{words}</p> });
    view! {
        <form class="form" method="get" action=TOP_UP>
            <input type="hidden" name="provider" value=choice.method.provider.code()/>
            <div class="item">
                <label for="currency">{t!(ui, "currency.label")}</label>
                <select class="field" id="currency" name="currency" aria-describedby=currency_described
                    aria-invalid=currency_invalid>{currencies(ui, facts)}</select>
                {wrong_currency}
            </div>
            <div class="item">
                <label for="amount">{t!(ui, "wallet.topup.amount")}</label>
                <input class="field" id="amount" name="amount" type="text" inputmode="decimal" dir="ltr" autocomplete="off"
                    value=choice.amount.clone() aria-describedby=amount_described aria-invalid=amount_invalid/>
                {wrong_amount}
                <p class="hint" id="amount-hint">{limits}</p>
            </div>
            <button class="btn primary" type="submit">{t!(ui, "wallet.topup.show")}</button>
        </form>
    }
    .into_any()
}

/// What can be paid in, and after it what cannot be now.
fn currencies(ui: &Ui, facts: &Facts) -> AnyView {
    let chosen = facts.choice.limits.currency();
    let entries: Vec<_> = facts
        .choice
        .method
        .currencies
        .iter()
        .map(|limits| {
            let currency = limits.currency();
            let selected = currency == chosen;
            view! { <option value=currency.code() selected=selected>{currency_words(ui, currency)}</option> }
        })
        .collect();
    let closed: Vec<_> = facts
        .choice
        .method
        .closed
        .iter()
        .map(|(currency, _)| {
            let words = t!(
                ui,
                "wallet.topup.closed_option",
                currency = currency_words(ui, *currency)
            );
            view! { <option value=currency.code() disabled>{words}</option> }
        })
        .collect();
    view! { {entries}{closed} }.into_any()
}

/// Why some currencies cannot be chosen.
fn too_old(ui: &Ui, facts: &Facts) -> Option<AnyView> {
    let closed: Vec<_> = facts
        .choice
        .method
        .closed
        .iter()
        .map(|(currency, since)| view! { <li>{old_words(ui, *currency, *since)}</li> })
        .collect();
    (!closed.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{icon(ui, "chevron-down", "")}{t!(ui, "wallet.topup.closed_title")}</summary>
                <ul class="hint">{closed}</ul>
            </details>
        }
        .into_any()
    })
}

fn old_words(ui: &Ui, currency: Currency, since: i64) -> String {
    let currency = currency_words(ui, currency);
    t!(
        ui,
        "wallet.topup.too_old",
        currency = currency,
        date = texts::format::date(ui.locale(), since, texts::format::Zone::UTC)
    )
}

/// Round amounts: each a link that asks for it.
fn round(ui: &Ui, facts: &Facts) -> Option<AnyView> {
    let choice = &facts.choice;
    let currency = choice.limits.currency();
    let links: Vec<_> = facts
        .presets
        .iter()
        .map(|preset| {
            let text = preset.to_string();
            // Without the currency's code behind it.
            let amount = text.split(' ').next().unwrap_or_default();
            let href = top_up_path(choice.method.provider.code(), currency.code(), amount);
            let current = (choice.paid == Some(*preset)).then_some("true");
            view! { <li><a class="btn slim num" href=href aria-current=current>{coins(ui, *preset)}</a></li> }
        })
        .collect();
    (!links.is_empty()).then(|| {
        view! {
            <nav aria-labelledby="round">
                <p class="hint" id="round">{t!(ui, "wallet.topup.presets")}</p>
                <ul class="row ways">{links}</ul>
            </nav>
        }
        .into_any()
    })
}

/// At which field something is wrong.
const fn place(wrong: Wrong) -> Field {
    match wrong {
        Wrong::Currency(_) | Wrong::TooOld(..) => Field::Currency,
        Wrong::Amount | Wrong::OutOfBounds(_) => Field::Amount,
    }
}

fn wrong_words(ui: &Ui, wrong: Wrong) -> String {
    match wrong {
        Wrong::Currency(currency) => t!(
            ui,
            "wallet.topup.wrong_currency",
            currency = currency_words(ui, currency)
        ),
        Wrong::TooOld(currency, since) => old_words(ui, currency, since),
        Wrong::Amount => t!(ui, "form.amount_invalid"),
        Wrong::OutOfBounds(limits) => t!(
            ui,
            "wallet.topup.out_of_bounds",
            min = coins(ui, limits.min),
            max = coins(ui, limits.max)
        ),
    }
}

/// Why nothing is offered, although what was typed is in order: the rates have changed since the page began.
fn refusal_words(ui: &Ui, error: &OrderError) -> String {
    match error {
        OrderError::OutOfBounds(limits) => wrong_words(ui, Wrong::OutOfBounds(*limits)),
        _ => t!(ui, "wallet.topup.no_offer"),
    }
}
