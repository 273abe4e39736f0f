//! How does openexchangerates.org say it? `{"timestamp": 1795190400, "base": "USD", "rates": {"EUR": 0.862401, …}}`.
//!
//! Its numbers are taken as the text they are: a binary float would change them.

use std::collections::HashMap;

use domain::Currency;
use domain::fx::{Rate, Source, day_of};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::document::{Collector, Document, DocumentError};

#[derive(Deserialize)]
struct Answer<'a> {
    timestamp: i64,
    base: String,
    #[serde(borrow)]
    rates: HashMap<String, &'a RawValue>,
}

pub(super) fn parse(raw: &[u8]) -> Result<Document, DocumentError> {
    let answer: Answer<'_> =
        serde_json::from_slice(raw).map_err(|error| DocumentError::Syntax(error.to_string()))?;
    let anchor = Currency::Usd;
    if answer.base != anchor.code() {
        return Err(DocumentError::Anchor(anchor));
    }
    let date = answer
        .timestamp
        .checked_mul(1_000)
        .filter(|at| *at > 0)
        .map(day_of)
        .ok_or(DocumentError::NoDay)?;
    let mut found = Collector::new(Source::OpenExchangeRates);
    for currency in Currency::ALL {
        if let Some(number) = answer.rates.get(currency.code()) {
            found.add(currency.code(), |currency| {
                Rate::parse(number.get(), '.').map_err(|_| DocumentError::Rate(currency))
            })?;
        }
    }
    found.finish(date, raw)
}
