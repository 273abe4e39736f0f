//! The business, one folder per noun. No axum, no leptos: pages, proxy and commands use the same verbs.

pub mod accounts;
pub mod calls;
pub mod catalog;
pub mod changes;
pub mod clock;
pub mod db;
pub mod ids;
pub mod keys;
pub mod ledger;
pub mod secrets;
pub mod sessions;
#[cfg(test)]
pub(crate) mod testing;
pub mod upstreams;
