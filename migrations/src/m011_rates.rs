//! What currencies are worth: rates as they were published, never changed, and when each source is asked again.

use sea_orm_migration::prelude::*;

use crate::dialect::{append_only, drop_append_only, run, serial};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let id = serial(manager);
        run(
            manager,
            &[
                // So many billionths of `quote` for one `base`, as the source printed it: the ECB per euro, the central
                // bank of Russia roubles per unit, openexchangerates and administrators per dollar. Crosses are made when
                // the rows are read. `source_date` is the first moment, in UTC, of the day that the source says;
                // `raw_sha256` is of the document. Zero ends a rate that was set by hand.
                &format!(
                    "CREATE TABLE fx_rate (
                        id {id},
                        base TEXT NOT NULL,
                        quote TEXT NOT NULL,
                        rate_e9 BIGINT NOT NULL,
                        source TEXT NOT NULL,
                        source_date BIGINT NOT NULL,
                        fetched_at BIGINT NOT NULL,
                        raw_sha256 TEXT NOT NULL,
                        CHECK (base <> quote),
                        CHECK (rate_e9 > 0 OR (rate_e9 = 0 AND source = 'manual'))
                    )"
                ),
                "CREATE INDEX fx_rate_newest ON fx_rate (source, base, quote, source_date, id)",
                // One row per source that is asked. `taken_until`: a node is asking it. `last_modified` is what the
                // source wrote, to be sent back; `refused` is what was wrong with its last answer.
                "CREATE TABLE fx_source (
                    source TEXT PRIMARY KEY,
                    taken_until BIGINT NOT NULL DEFAULT 0,
                    next_at BIGINT NOT NULL DEFAULT 0,
                    checked_at BIGINT,
                    last_modified TEXT,
                    refused TEXT
                )",
            ],
        )
        .await?;
        append_only(manager, "fx_rate").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, "fx_rate").await?;
        run(manager, &["DROP TABLE fx_source"]).await
    }
}
