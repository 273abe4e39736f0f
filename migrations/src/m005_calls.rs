//! What was served: one row per call with its tokens, price and charge, and one per attempt at an upstream.
//!
//! No column can hold prompt or answer: numbers, names from our own catalogue, ids.

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
                // Written in the same commit as its charge. Σ charge_nusd per txn_id is that transfer's amount;
                // `unbilled_nusd` is what the hold did not cover (booked as operator_loss).
                "CREATE TABLE call (
                    id TEXT PRIMARY KEY,
                    workspace_id TEXT NOT NULL,
                    key_id TEXT NOT NULL,
                    lease_id TEXT,
                    txn_id TEXT,
                    model TEXT NOT NULL,
                    price_id TEXT NOT NULL,
                    ending TEXT NOT NULL,
                    rule TEXT NOT NULL,
                    http_status BIGINT NOT NULL,
                    streamed BIGINT NOT NULL,
                    input BIGINT NOT NULL,
                    cached_input BIGINT NOT NULL,
                    output BIGINT NOT NULL,
                    reasoning BIGINT NOT NULL,
                    charge_nusd BIGINT NOT NULL CHECK (charge_nusd >= 0),
                    unbilled_nusd BIGINT NOT NULL DEFAULT 0 CHECK (unbilled_nusd >= 0),
                    first_byte_ms BIGINT,
                    duration_ms BIGINT NOT NULL,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX call_of_workspace ON call (workspace_id, created_at)",
                "CREATE INDEX call_of_txn ON call (txn_id)",
                "CREATE INDEX call_of_lease ON call (lease_id)",
                // One try at an upstream.
                "CREATE TABLE attempt (
                    call_id TEXT NOT NULL REFERENCES call(id),
                    seq BIGINT NOT NULL,
                    upstream_id TEXT NOT NULL,
                    outcome TEXT NOT NULL,
                    status BIGINT,
                    duration_ms BIGINT NOT NULL,
                    PRIMARY KEY (call_id, seq)
                )",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP TABLE attempt", "DROP TABLE call"]).await
    }
}
