//! What statements need: the movements of a wallet by their time, without reading those before.

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
                // Its first column does what the index before did. Credits of a wallet are few: theirs stays.
                "CREATE INDEX transfer_debit_at ON transfer (debit_id, created_at)",
                "DROP INDEX transfer_debit",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "CREATE INDEX transfer_debit ON transfer (debit_id)",
                "DROP INDEX transfer_debit_at",
            ],
        )
        .await
    }
}
