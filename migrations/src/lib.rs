//! Where does the schema come from? One file per migration, in order; each goes up and down.
//!
//! SQL is written by hand and valid on SQLite and PostgreSQL alike; what differs is named in [`dialect`].
//! Times are milliseconds since 1970 UTC, ids are their public text, money is nano-dollars.

pub use sea_orm_migration::prelude::MigratorTrait;
use sea_orm_migration::prelude::*;

mod dialect;
mod m001_ledger;
mod m002_accounts;
mod m003_keys;
mod m004_catalog;
mod m005_calls;
mod m006_people;
mod m007_mail;
mod m008_key_limits;
mod m009_audit;
mod m010_catalog_margin;
mod m011_rates;
mod m012_orders;
mod m013_receipts;
mod m014_policies;
mod m015_status;
mod m016_statement;
mod m017_ledger;
mod m018_verify_runs;
mod m019_price_buckets;
mod m020_response_pins;
mod m021_flush;
mod m022_settle;
mod m023_tools_free;
mod m024_lean;
mod m025_released;
mod m026_key_calls;

/// All migrations, oldest first.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m001_ledger::Migration),
            Box::new(m002_accounts::Migration),
            Box::new(m003_keys::Migration),
            Box::new(m004_catalog::Migration),
            Box::new(m005_calls::Migration),
            Box::new(m006_people::Migration),
            Box::new(m007_mail::Migration),
            Box::new(m008_key_limits::Migration),
            Box::new(m009_audit::Migration),
            Box::new(m010_catalog_margin::Migration),
            Box::new(m011_rates::Migration),
            Box::new(m012_orders::Migration),
            Box::new(m013_receipts::Migration),
            Box::new(m016_statement::Migration),
            Box::new(m015_status::Migration),
            Box::new(m014_policies::Migration),
            Box::new(m017_ledger::Migration),
            Box::new(m018_verify_runs::Migration),
            Box::new(m019_price_buckets::Migration),
            Box::new(m021_flush::Migration),
            Box::new(m020_response_pins::Migration),
            Box::new(m022_settle::Migration),
            Box::new(m023_tools_free::Migration),
            Box::new(m024_lean::Migration),
            Box::new(m025_released::Migration),
            Box::new(m026_key_calls::Migration),
        ]
    }
}
