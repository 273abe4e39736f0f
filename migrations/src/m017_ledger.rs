//! What the ledger at full strength needs: charges that were taken back, and finding leases that are asked for or over.

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
                // What was charged before its caller was told that it is not. It went back by a transfer of its own.
                "ALTER TABLE call ADD COLUMN reversed_nusd BIGINT NOT NULL DEFAULT 0 CHECK (reversed_nusd >= 0)",
                // Every node asks ten times a second which of its leases are wanted back: nearly always none.
                "CREATE INDEX lease_recalled ON lease (node_id) WHERE recall = 1 AND state IN ('active', 'draining')",
                "CREATE INDEX lease_expired ON lease (expires_at) WHERE state = 'active'",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX lease_expired",
                "DROP INDEX lease_recalled",
                "ALTER TABLE call DROP COLUMN reversed_nusd",
            ],
        )
        .await
    }
}
