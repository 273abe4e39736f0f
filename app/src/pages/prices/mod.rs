//! What does it cost? Every model with its prices in the reader's currency, found and sorted by links, and a page for
//! each with the history of its price. For everybody, from the prices that calls are charged by.

mod list;
mod one;
mod query;
pub mod words;

use domain::{Amount, PricePerMtok};
use leptos::prelude::*;

pub use list::prices;
pub use one::model;

use crate::pages::admin::encoded;
use crate::reader::Ui;

/// The page of the table.
pub const PATH: &str = "/prices";

/// The page of a model, without the language; a name may have slashes.
pub fn price_path(model: &str) -> String {
    format!("{PATH}/{}", encoded(model, b"/"))
}

/// A price per million tokens in US dollars, exactly.
pub fn exact(ui: &Ui, price: PricePerMtok) -> String {
    ui.exact(Amount::from_nanos(price.micro_usd().saturating_mul(1_000)))
}

/// A cell with a price in the reader's currency; exactly in its title.
fn cell(ui: &Ui, price: PricePerMtok) -> AnyView {
    view! { <td class="n num" title=exact(ui, price)>{ui.price(price)}</td> }.into_any()
}

/// At which rate amounts are shown, when they are not in dollars.
pub fn rates_hint(ui: &Ui) -> Option<AnyView> {
    let date = ui.rates_date()?;
    let words = t!(ui, "currency.approximate_hint", date = date);
    Some(view! { <p class="hint">{words}</p> }.into_any())
}
