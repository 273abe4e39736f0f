//! What a key's calls were charged is added up from the index alone again, since m017 with what of it was given back.

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
                "DROP INDEX call_of_key",
                // Whoever adds them up has the wallet locked: a row of the table each would take nine times as long.
                "CREATE INDEX call_of_key ON call (key_id, created_at, charge_nusd, reversed_nusd)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX call_of_key",
                "CREATE INDEX call_of_key ON call (key_id, created_at, charge_nusd)",
            ],
        )
        .await
    }
}
