//! The business, one folder per noun. No axum, no leptos: pages, proxy and commands use the same verbs.

pub mod accounts;
pub mod audit;
pub mod budgets;
pub mod calls;
pub mod catalog;
pub mod changes;
pub mod client_ip;
pub mod clock;
pub mod db;
pub mod figures;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod mail;
pub mod night;
pub mod nodes;
pub mod orders;
mod outbound;
pub mod paper;
pub mod pins;
pub mod policies;
pub mod rates;
pub mod receipts;
pub mod secrets;
pub mod sessions;
pub mod statement;
pub mod status;
#[cfg(test)]
pub(crate) mod testing;
pub mod trial;
pub mod upstreams;
