//! Mail that has to go out, and did: written in the transaction that is its reason, sent afterwards.

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
                // `sealed` is subject, text and HTML, encrypted (links in them are as good as passwords); NULL once sent
                // by SMTP. `due_at` is when it is tried next. `taken_until` is set by the one sender that has it in hand.
                // `dedupe` makes queueing the same mail twice harmless.
                "CREATE TABLE mail (
                    id TEXT PRIMARY KEY,
                    account_id TEXT REFERENCES account(id) ON DELETE CASCADE,
                    address TEXT NOT NULL,
                    kind TEXT NOT NULL,
                    locale TEXT NOT NULL,
                    sealed TEXT,
                    dedupe TEXT UNIQUE,
                    attempts BIGINT NOT NULL DEFAULT 0,
                    due_at BIGINT NOT NULL,
                    taken_until BIGINT NOT NULL DEFAULT 0,
                    sent_at BIGINT,
                    failed_at BIGINT,
                    last_error TEXT,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX mail_due ON mail (due_at) WHERE sent_at IS NULL AND failed_at IS NULL",
                "CREATE INDEX mail_of_account ON mail (account_id, created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP TABLE mail"]).await
    }
}
