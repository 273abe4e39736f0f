//! At which rate is an order credited, and who says so? The same lines before paying, while paying and afterwards.

use domain::Amount;
use domain::Currency;
use domain::fx::{Coins, Quote, Rate, Source, Spread};
use domain::money::NANOS_PER_USD;
use domain::order::Settled;
use domain::views::UnixMs;
use leptos::prelude::*;
use texts::format::{self, Money};

use super::fact;
use crate::reader::Ui;

/// By what credit is worked out.
pub struct Terms {
    pub paid: Coins,
    pub credited: Amount,
    pub bonus: Amount,
    pub rate: Rate,
    pub spread: Spread,
    pub source: Source,
    pub date: Option<UnixMs>,
}

impl Terms {
    pub fn offered(quote: &Quote, bonus: Amount) -> Self {
        Self {
            paid: quote.paid,
            credited: quote.credited,
            bonus,
            rate: quote.rate,
            spread: quote.spread,
            source: quote.source,
            date: quote.date,
        }
    }

    pub fn settled(settled: &Settled) -> Self {
        Self {
            paid: settled.paid,
            credited: settled.credited,
            bonus: settled.bonus,
            rate: settled.rate,
            spread: settled.spread,
            source: settled.source,
            date: settled.date,
        }
    }
}

/// What somebody pays or gets back, in its own currency, exactly.
pub fn coins(ui: &Ui, coins: Coins) -> String {
    format::money(ui.locale(), &coins.into())
}

/// Who publishes a rate.
fn source_words(ui: &Ui, source: Source) -> String {
    match source {
        Source::First => t!(ui, "wallet.source.first"),
        Source::Ecb => t!(ui, "wallet.source.ecb"),
        Source::Cbr => t!(ui, "wallet.source.cbr"),
        Source::OpenExchangeRates => t!(ui, "wallet.source.openexchangerates"),
        Source::Manual => t!(ui, "wallet.source.manual"),
    }
}

/// What is paid, at which rate, and what arrives: rows of a list of terms and their values.
pub fn terms(ui: &Ui, terms: &Terms) -> AnyView {
    let dollars = terms.paid.currency() == Currency::Usd;
    let rate = (!dollars).then(|| exchange(ui, terms));
    let bonus = (!terms.bonus.is_zero()).then(|| {
        fact(
            t!(ui, "wallet.terms.bonus"),
            view! { <span class="num">{ui.exact(terms.bonus)}</span> },
        )
    });
    let total = terms.credited.plus(terms.bonus).unwrap_or(terms.credited);
    let shown = ui.convert(total);
    // In dollars it would say the same once more.
    let about = shown.approx.then(|| {
        let words = format::money(ui.locale(), &shown);
        view! { <span class="hint num">{words}</span> }
    });
    let total = view! { <strong class="num arrives">{ui.exact(total)}</strong>{about} };
    view! {
        {fact(t!(ui, "wallet.terms.paid"), view! { <span class="num">{coins(ui, terms.paid)}</span> })}
        {rate}
        {bonus}
        {fact(t!(ui, "wallet.terms.arrives"), total)}
    }
    .into_any()
}

fn exchange(ui: &Ui, terms: &Terms) -> AnyView {
    let currency = terms.paid.currency();
    let one = Money {
        nanos: i128::from(NANOS_PER_USD),
        currency,
        approx: false,
    };
    let rate = Money {
        nanos: i128::from(terms.rate.e9()),
        currency: Currency::Usd,
        approx: false,
    };
    let rate = t!(
        ui,
        "wallet.terms.rate_value",
        one = format::money(ui.locale(), &one),
        dollars = format::money_exact(ui.locale(), &rate)
    );
    let spread = (terms.spread.bp() > 0).then(|| {
        let words = t!(
            ui,
            "wallet.terms.spread_value",
            percent = percent(ui, terms.spread)
        );
        view! { <span class="hint">{words}</span> }
    });
    let source = source_words(ui, terms.source);
    let source = match terms.date {
        Some(date) => t!(
            ui,
            "wallet.terms.source_value",
            source = source,
            date = format::date(ui.locale(), date, format::Zone::UTC)
        ),
        None => source,
    };
    view! {
        {fact(t!(ui, "wallet.terms.rate"), view! { <span class="num">{rate}</span>{spread} })}
        {fact(t!(ui, "wallet.terms.source"), source)}
    }
    .into_any()
}

/// A spread in per cent as the language writes it: `1`, `2.5`.
fn percent(ui: &Ui, spread: Spread) -> String {
    format::hundredths(ui.locale(), spread.bp().into())
}
