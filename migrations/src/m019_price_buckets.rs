//! Everything that providers count apart has a price, and a version may have more than one: for another tier, another
//! effort, or a long prompt.

use sea_orm_migration::prelude::*;

use crate::dialect::{any, append_only, run, thaw};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "ALTER TABLE call ADD COLUMN cache_write BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN cache_write_1h BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN audio_input BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN image_input BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN audio_output BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN image_output BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN tool_calls BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE call ADD COLUMN units BIGINT NOT NULL DEFAULT 0",
                // 1: the upstream's report was negative or absurd in something, and was not taken as it stood.
                "ALTER TABLE call ADD COLUMN flagged BIGINT NOT NULL DEFAULT 0",
                // Micro-dollars per million, as the others.
                "ALTER TABLE price ADD COLUMN cache_write BIGINT NOT NULL DEFAULT 0 CHECK (cache_write >= 0)",
                "ALTER TABLE price ADD COLUMN cache_write_1h BIGINT NOT NULL DEFAULT 0 CHECK (cache_write_1h >= 0)",
                "ALTER TABLE price ADD COLUMN audio_input BIGINT NOT NULL DEFAULT 0 CHECK (audio_input >= 0)",
                "ALTER TABLE price ADD COLUMN image_input BIGINT NOT NULL DEFAULT 0 CHECK (image_input >= 0)",
                "ALTER TABLE price ADD COLUMN reasoning BIGINT NOT NULL DEFAULT 0 CHECK (reasoning >= 0)",
                "ALTER TABLE price ADD COLUMN audio_output BIGINT NOT NULL DEFAULT 0 CHECK (audio_output >= 0)",
                "ALTER TABLE price ADD COLUMN image_output BIGINT NOT NULL DEFAULT 0 CHECK (image_output >= 0)",
                "ALTER TABLE price ADD COLUMN tool_calls BIGINT NOT NULL DEFAULT 0 CHECK (tool_calls >= 0)",
                "ALTER TABLE price ADD COLUMN units BIGINT NOT NULL DEFAULT 0 CHECK (units >= 0)",
                "ALTER TABLE price ADD COLUMN call BIGINT NOT NULL DEFAULT 0 CHECK (call >= 0)",
                // What `units` counts; NULL where nothing is counted so.
                "ALTER TABLE price ADD COLUMN unit TEXT",
                // The version that the row is a variant of; NULL for the version itself. A variant is for the calls of one
                // tier, one effort (NULL: any other) and prompts of so many tokens or more.
                "ALTER TABLE price ADD COLUMN version_id TEXT",
                "ALTER TABLE price ADD COLUMN tier TEXT NOT NULL DEFAULT 'default'",
                "ALTER TABLE price ADD COLUMN effort TEXT",
                "ALTER TABLE price ADD COLUMN prompt_from BIGINT NOT NULL DEFAULT 0 CHECK (prompt_from >= 0)",
            ],
        )
        .await?;
        // What was published before charged everything as plain input and output, and says so from now on.
        thaw(manager, "price").await?;
        run(
            manager,
            &[
                "UPDATE price SET cache_write = input, cache_write_1h = input, audio_input = input, image_input = input,
                    reasoning = output, audio_output = output, image_output = output",
            ],
        )
        .await?;
        append_only(manager, "price").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Before anything is touched.
        if is_used(manager).await? {
            return Err(DbErr::Migration(USED.to_owned()));
        }
        thaw(manager, "price").await?;
        run(
            manager,
            &[
                // A version before knows no variants: it would take them for versions.
                "DELETE FROM price WHERE version_id IS NOT NULL",
                "ALTER TABLE price DROP COLUMN prompt_from",
                "ALTER TABLE price DROP COLUMN effort",
                "ALTER TABLE price DROP COLUMN tier",
                "ALTER TABLE price DROP COLUMN version_id",
                "ALTER TABLE price DROP COLUMN unit",
                "ALTER TABLE price DROP COLUMN call",
                "ALTER TABLE price DROP COLUMN units",
                "ALTER TABLE price DROP COLUMN tool_calls",
                "ALTER TABLE price DROP COLUMN image_output",
                "ALTER TABLE price DROP COLUMN audio_output",
                "ALTER TABLE price DROP COLUMN reasoning",
                "ALTER TABLE price DROP COLUMN image_input",
                "ALTER TABLE price DROP COLUMN audio_input",
                "ALTER TABLE price DROP COLUMN cache_write_1h",
                "ALTER TABLE price DROP COLUMN cache_write",
                "ALTER TABLE call DROP COLUMN flagged",
                "ALTER TABLE call DROP COLUMN units",
                "ALTER TABLE call DROP COLUMN tool_calls",
                "ALTER TABLE call DROP COLUMN image_output",
                "ALTER TABLE call DROP COLUMN audio_output",
                "ALTER TABLE call DROP COLUMN image_input",
                "ALTER TABLE call DROP COLUMN audio_input",
                "ALTER TABLE call DROP COLUMN cache_write_1h",
                "ALTER TABLE call DROP COLUMN cache_write",
            ],
        )
        .await?;
        append_only(manager, "price").await
    }
}

const USED: &str = "calls were charged by what this would delete (prices of tiers, efforts and long prompts; uses of caches, \
    audio, images, tools and units), and could not be proved any more: nothing was changed";

/// Whether a charge follows from what a version before cannot keep.
async fn is_used(manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
    let sql = "SELECT 1 AS used FROM call c JOIN price p ON p.id = c.price_id
        WHERE c.rule IN ('reported', 'estimated') AND (p.version_id IS NOT NULL OR p.call > 0
            OR c.cache_write > 0 OR c.cache_write_1h > 0 OR c.audio_input > 0 OR c.image_input > 0 OR c.audio_output > 0
            OR c.image_output > 0 OR c.tool_calls > 0 OR c.units > 0 OR (c.reasoning > 0 AND p.reasoning <> p.output))
        LIMIT 1";
    any(manager, sql).await
}
