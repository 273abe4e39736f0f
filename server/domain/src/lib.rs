//! Words and arithmetic: the nouns that the pages, the proxy and the command line share.
//!
//! No IO, no async, no clock: everything here is tested with plain functions and builds for wasm.

pub mod bucket;
pub mod currency;
pub mod dialect;
pub mod formula;
pub mod fx;
pub mod ids;
pub mod key_limits;
#[cfg(test)]
mod laws;
pub mod markup;
pub mod money;
pub mod order;
pub mod period;
pub mod price;
pub mod price_rule;
pub mod problem;
pub mod scope;
pub mod settlement;
pub mod terms;
pub mod usage;
pub mod views;

pub use bucket::{Bucket, Unit};
pub use currency::Currency;
pub use dialect::{Dialect, Speaks};
pub use formula::Formula;
pub use key_limits::{KeyLimits, LimitFault};
pub use markup::Markup;
pub use money::{Amount, MoneyError};
pub use period::Period;
pub use price::{Price, PricePerMtok};
pub use price_rule::PriceRule;
pub use problem::Problem;
pub use scope::{Scope, Scopes};
pub use settlement::{Ending, Rule};
pub use terms::Terms;
pub use usage::Usage;
