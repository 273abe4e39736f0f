//! How does the service do, hour by hour? What the status page shows for ninety days: no person, no key, no account.

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
                // `up` and `down` are minutes of the hour as bits, the first minute the lowest: nodes put theirs in with
                // `|`, in whatever order and however often.
                "CREATE TABLE status_minutes (
                    part TEXT NOT NULL,
                    hour BIGINT NOT NULL,
                    up BIGINT NOT NULL,
                    down BIGINT NOT NULL,
                    PRIMARY KEY (part, hour)
                )",
                // Calls of a family of models that began in an hour. Counted anew while calls of that hour may still end.
                "CREATE TABLE status_calls (
                    family TEXT NOT NULL,
                    hour BIGINT NOT NULL,
                    answered BIGINT NOT NULL,
                    failed BIGINT NOT NULL,
                    PRIMARY KEY (family, hour)
                )",
                // One row: which node counts, and up to where it has.
                "CREATE TABLE status_turn (
                    id BIGINT PRIMARY KEY,
                    next_at BIGINT NOT NULL,
                    counted_to BIGINT NOT NULL
                )",
                "INSERT INTO status_turn (id, next_at, counted_to) VALUES (1, 0, 0)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP TABLE status_turn",
                "DROP TABLE status_calls",
                "DROP TABLE status_minutes",
            ],
        )
        .await
    }
}
