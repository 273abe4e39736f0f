//! Which upstream keeps a stored response, and whose is it?

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
                // Two providers may give out the same id, so it names something only within a workspace. `test` is the
                // kind of key that made it: 1 for test keys. `tokens`: how long the conversation is that it ends, all of which
                // is a prompt again for whoever goes on from it.
                "CREATE TABLE response_pin (
                    workspace_id TEXT NOT NULL REFERENCES workspace (id),
                    id TEXT NOT NULL,
                    test BIGINT NOT NULL CHECK (test IN (0, 1)),
                    upstream_id TEXT NOT NULL,
                    model TEXT NOT NULL,
                    tokens BIGINT NOT NULL,
                    created_at BIGINT NOT NULL,
                    expires_at BIGINT NOT NULL,
                    PRIMARY KEY (workspace_id, id)
                )",
                "CREATE INDEX response_pin_ending ON response_pin (expires_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP TABLE response_pin"]).await
    }
}
