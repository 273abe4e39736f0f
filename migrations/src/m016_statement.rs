//! What statements need: the movements of a wallet by their time, without reading those before, nor usage where it
//! is folded into its day.

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
                // What lines of their own show of it: nearly all the others are usage.
                "CREATE INDEX transfer_own ON transfer (debit_id, created_at) WHERE code <> 'usage'",
                // Calls that were served above their hold are few.
                "CREATE INDEX call_unbilled ON call (workspace_id, created_at) WHERE unbilled_nusd <> 0",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX call_unbilled",
                "DROP INDEX transfer_own",
                "CREATE INDEX transfer_debit ON transfer (debit_id)",
                "DROP INDEX transfer_debit_at",
            ],
        )
        .await
    }
}
