//! Recorded documents, one file each in `documents/`, and a database of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod documents;
mod handle;
mod sanity;

use domain::Currency;
use domain::fx::Rate;
use domain::views::UnixMs;

use super::document::Document;

const ECB_FRIDAY: &[u8] = include_bytes!("documents/ecb-friday.xml");
const ECB_MONDAY: &[u8] = include_bytes!("documents/ecb-monday.xml");
const ECB_BOM: &[u8] = include_bytes!("documents/ecb-bom.xml");
const ECB_BOMB: &[u8] = include_bytes!("documents/ecb-bomb.xml");
const CBR_SATURDAY: &[u8] = include_bytes!("documents/cbr-saturday.xml");
const CBR_OLD: &[u8] = include_bytes!("documents/cbr-old.xml");
const OPENEXCHANGERATES: &[u8] = include_bytes!("documents/openexchangerates.json");

/// Friday, 20 November 2026, 00:00 UTC.
const FRIDAY: UnixMs = 1_795_132_800_000;

/// A document with something else in it.
fn with(raw: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = raw
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .expect("the document has this");
    [&raw[..at], to.as_bytes(), &raw[at + from.len()..]].concat()
}

/// The rate of a currency against the anchor, as it was read.
fn rate_of(document: &Document, currency: Currency) -> Option<i64> {
    document
        .rates
        .iter()
        .find(|rate| rate.base == currency || rate.quote == currency)
        .map(|rate| Rate::e9(rate.rate))
}
