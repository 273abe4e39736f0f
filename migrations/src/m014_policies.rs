//! Which texts of the policies were shown here, and who accepted which of them? Never changed afterwards.

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
                // The texts that this installation had when it started. `sha256` is of the file, before facts were filled
                // in: settings may change without a new version, words may not. A second row of one version and language
                // is a text that was changed all the same. `effective_at` is the first moment, in UTC, of its day.
                "CREATE TABLE policy_version (
                    name TEXT NOT NULL,
                    version BIGINT NOT NULL,
                    locale TEXT NOT NULL,
                    sha256 TEXT NOT NULL,
                    effective_at BIGINT NOT NULL,
                    first_seen_at BIGINT NOT NULL,
                    PRIMARY KEY (name, version, locale, sha256)
                )",
                // What people read when they accepted, with the facts of that day, once per text. `sha256` is of `markdown`.
                "CREATE TABLE policy_text (
                    sha256 TEXT PRIMARY KEY,
                    markdown TEXT NOT NULL,
                    first_seen_at BIGINT NOT NULL
                )",
                // One row per person and version. `sha256` is of the file (policy_version), `text_sha256` of what was shown
                // (policy_text). `how`: sign_up or asked. No foreign key: the row outlives the account, and names nobody then.
                "CREATE TABLE policy_acceptance (
                    account_id TEXT NOT NULL,
                    name TEXT NOT NULL,
                    version BIGINT NOT NULL,
                    locale TEXT NOT NULL,
                    sha256 TEXT NOT NULL,
                    text_sha256 TEXT NOT NULL,
                    accepted_at BIGINT NOT NULL,
                    how TEXT NOT NULL,
                    PRIMARY KEY (account_id, name, version)
                )",
            ],
        )
        .await?;
        for table in ["policy_version", "policy_text", "policy_acceptance"] {
            append_only(manager, table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["policy_version", "policy_text", "policy_acceptance"] {
            drop_append_only(manager, table).await?;
        }
        Ok(())
    }
}
