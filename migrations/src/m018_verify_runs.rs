//! What goes on by itself: when was ended credit last looked for, and did the books hold each night?

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
                // Which credit has ended. Most never does.
                "CREATE INDEX lot_ending ON lot (expires_at) WHERE expires_at IS NOT NULL AND remaining > 0",
                // What was taken from one lot: asked for each, every night.
                "CREATE INDEX lot_part_of_lot ON lot_part (lot_id)",
                // One row: the newest moment at which every wallet was looked at for it.
                "CREATE TABLE expiry_look (id BIGINT PRIMARY KEY, looked_at BIGINT NOT NULL)",
                "INSERT INTO expiry_look (id, looked_at) VALUES (1, 0)",
                // One row a day (UTC). Making it is how a node takes the check of that day; `found` says in JSON what was
                // violated and by which rows.
                "CREATE TABLE verify_run (
                    day BIGINT PRIMARY KEY,
                    node TEXT NOT NULL,
                    began_at BIGINT NOT NULL,
                    ended_at BIGINT,
                    holds BIGINT,
                    found TEXT,
                    CHECK ((ended_at IS NULL) = (holds IS NULL) AND (ended_at IS NULL) = (found IS NULL))
                )",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP TABLE verify_run",
                "DROP TABLE expiry_look",
                "DROP INDEX lot_part_of_lot",
                "DROP INDEX lot_ending",
            ],
        )
        .await
    }
}
