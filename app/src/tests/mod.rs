//! Do the pages hold together? Whole requests against the router over an embedded database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chart;
mod forms;
mod pages;
mod prefs;
mod world;

pub use world::ring;
