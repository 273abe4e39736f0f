//! What calls the endpoint: keys, findable by a keyed hash and readable again only with the key files.

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
                // `lookup` is HMAC-SHA256 of the key (hexadecimal): constant work, useless without the pepper file.
                // `sealed` is the key itself, encrypted for exactly this id and workspace (base64), so that its owner
                // can see it again; NULL once revoked. `masked` is enough to recognise it, not to use it.
                "CREATE TABLE api_key (
                    id TEXT PRIMARY KEY,
                    workspace_id TEXT NOT NULL REFERENCES workspace(id),
                    name TEXT NOT NULL,
                    test BOOLEAN NOT NULL,
                    lookup TEXT NOT NULL UNIQUE,
                    sealed TEXT,
                    masked TEXT NOT NULL,
                    created_at BIGINT NOT NULL,
                    expires_at BIGINT,
                    last_used_at BIGINT,
                    revoked_at BIGINT,
                    CHECK ((sealed IS NULL) = (revoked_at IS NOT NULL))
                )",
                "CREATE INDEX api_key_of_workspace ON api_key (workspace_id, created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP TABLE api_key"]).await
    }
}
