//! Integration: the real router on a real listener, the real binary in a real process, fresh databases, an upstream that
//! does what providers do at their worst. One test binary; one file per noun.
//!
//! Tests marked `on_both!` run on SQLite, and on PostgreSQL when `TEST_POSTGRES_URL` names a server (`make it` does).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod arrows;
mod binary;
mod budgets;
mod calls;
mod canary;
mod cli;
mod data_map;
mod drain;
mod drills;
mod endings;
mod front;
mod hosted;
mod limits;
mod lots;
mod mail;
mod media;
mod migrations;
mod models;
mod moving_in;
mod night;
mod openapi;
mod orders;
mod payments;
mod people;
mod policies;
mod postgres;
mod price_rows;
mod prices;
mod rates;
mod receipts;
mod reconcile;
mod responses;
mod socket;
mod statement;
mod top_up;
mod translated;
mod trial;
mod upgrade;
mod upstream;
mod usage;
