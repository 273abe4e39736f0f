//! Do the pages hold together? Whole requests against the router over an embedded database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod books;
mod chart;
mod docs;
mod doors;
mod forms;
mod keys;
mod matrix;
mod outbox;
mod pages;
mod palette;
mod policies;
mod prefs;
mod rates;
mod receipts;
mod settings;
mod statement;
mod usage;
mod wallet;
mod world;

pub use world::ring;
