//! What administrators need of the catalogue and the calls: what a price was made from, what is switched off for now,
//! and what everybody spent.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

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
                // Basis points on top of `cost_*` that the price was computed with when it was published; NULL when
                // the price was typed.
                "ALTER TABLE price ADD COLUMN markup_bp BIGINT",
                // Since when callers cannot name the model; NULL is for sale.
                "ALTER TABLE model ADD COLUMN disabled_at BIGINT",
                // Since when no call is sent there; NULL is in use.
                "ALTER TABLE upstream ADD COLUMN disabled_at BIGINT",
                // What everybody spent in a month is summed from the index alone.
                "CREATE INDEX call_at ON call (created_at, charge_nusd)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX call_at",
                "ALTER TABLE upstream DROP COLUMN disabled_at",
                "ALTER TABLE model DROP COLUMN disabled_at",
                "ALTER TABLE price DROP COLUMN markup_bp",
            ],
        )
        .await
    }
}
