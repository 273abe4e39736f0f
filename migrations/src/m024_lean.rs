//! What makes flushes of many wallets lean: indexes that every call paid for and next to nobody asked.

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
                // What was taken from a lot is found by its transfers, and added up for all lots at once.
                "DROP INDEX lot_part_of_lot",
                // So is what was charged on a lease.
                "DROP INDEX call_of_lease",
                // What came into a book; usage goes into one that nobody looks into by this.
                "DROP INDEX transfer_credit",
                "CREATE INDEX transfer_in ON transfer (credit_id) WHERE code <> 'usage'",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP INDEX transfer_in",
                "CREATE INDEX transfer_credit ON transfer (credit_id)",
                "CREATE INDEX call_of_lease ON call (lease_id)",
                "CREATE INDEX lot_part_of_lot ON lot_part (lot_id)",
            ],
        )
        .await
    }
}
