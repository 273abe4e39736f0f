//! Who did what to whom: every administrative act, and what happened to an account's security.

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
                // `actor` is an account's id, `operator` (a command on the machine) or `system`. `subject` is the account
                // it was done to, `target` the id of the thing (key, model, upstream …). `detail` is JSON of values that
                // are no secrets and no personal data: before, after, amounts, ids. `network` is a shortened address.
                "CREATE TABLE audit (
                    id TEXT PRIMARY KEY,
                    at BIGINT NOT NULL,
                    actor TEXT NOT NULL,
                    action TEXT NOT NULL,
                    subject TEXT,
                    target TEXT,
                    detail TEXT NOT NULL,
                    network TEXT NOT NULL DEFAULT ''
                )",
                "CREATE INDEX audit_at ON audit (at)",
                "CREATE INDEX audit_of_subject ON audit (subject, at)",
                "CREATE INDEX audit_of_actor ON audit (actor, at)",
            ],
        )
        .await?;
        append_only(manager, "audit").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, "audit").await
    }
}
