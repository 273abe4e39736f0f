//! What is money worth in another currency? Rates, where they come from, and quotes for who pays in one of them.
//!
//! Whole numbers only: rates are billionths, sums are i128, and every result is divided once, at the end. Wallets are
//! held in US dollars; a converted amount is either shown (rounded half to even, marked with "≈") or quoted (rounded
//! down, once, and pinned).

mod coins;
mod quote;
mod rate;
mod refund;
mod source;
mod table;

pub use coins::{Coins, CoinsError};
pub use quote::{AFTER_MS, Quote, QuoteError, Spread};
pub use rate::{ONE_E9, PerUsd, Rate, RateError};
pub use refund::{RefundError, Refunded, refund};
pub use source::{Source, SourceError};
pub use table::{Charging, DAY_MS, Known, Table, day_of};
