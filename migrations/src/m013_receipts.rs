//! What was given for money: receipts and credit notes, numbered without a gap and never changed.

use sea_orm_migration::prelude::*;

use crate::dialect::{append_only, drop_append_only, run};

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
                // The next number of each series. Whoever takes one holds the row until commit, and a rollback gives it
                // back: a sequence of the database would leave gaps.
                "CREATE TABLE receipt_series (
                    series TEXT PRIMARY KEY,
                    next_no BIGINT NOT NULL,
                    CHECK (next_no >= 1)
                )",
                // A receipt says what was paid for an order and what arrived; a credit note what went back, and of which
                // receipt. `seller`, `buyer` and `fields` (the words as printed, in `locale`) are JSON of that moment.
                // `rate_e9`: billionths of a dollar per unit of `currency`, `spread_bp` taken off, by `rate_source` on
                // `rate_date`; none when dollars were paid. `sha256` is of all other columns.
                "CREATE TABLE receipt (
                    series TEXT NOT NULL REFERENCES receipt_series(series),
                    no BIGINT NOT NULL,
                    kind TEXT NOT NULL,
                    order_id TEXT NOT NULL,
                    workspace_id TEXT NOT NULL REFERENCES workspace(id),
                    of_series TEXT,
                    of_no BIGINT,
                    issued_at BIGINT NOT NULL,
                    locale TEXT NOT NULL,
                    provider TEXT NOT NULL,
                    currency TEXT NOT NULL,
                    paid_coins BIGINT NOT NULL,
                    credited_nusd BIGINT NOT NULL,
                    bonus_nusd BIGINT NOT NULL,
                    rate_e9 BIGINT,
                    spread_bp BIGINT,
                    rate_source TEXT,
                    rate_date BIGINT,
                    seller TEXT NOT NULL,
                    buyer TEXT NOT NULL,
                    fields TEXT NOT NULL,
                    sha256 TEXT NOT NULL,
                    PRIMARY KEY (series, no),
                    FOREIGN KEY (of_series, of_no) REFERENCES receipt (series, no),
                    CHECK (no >= 1),
                    CHECK (kind IN ('receipt', 'credit_note')),
                    CHECK ((kind = 'credit_note') = (of_no IS NOT NULL)),
                    CHECK ((of_series IS NULL) = (of_no IS NULL)),
                    CHECK (paid_coins >= 0 AND credited_nusd >= 0 AND bonus_nusd >= 0)
                )",
                "CREATE UNIQUE INDEX receipt_of_order ON receipt (order_id) WHERE kind = 'receipt'",
                "CREATE INDEX receipt_notes_of_order ON receipt (order_id)",
                "CREATE INDEX receipt_of_workspace ON receipt (workspace_id, issued_at)",
                "CREATE INDEX receipt_issued ON receipt (issued_at)",
            ],
        )
        .await?;
        append_only(manager, "receipt").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, "receipt").await?;
        run(manager, &["DROP TABLE receipt_series"]).await
    }
}
