//! A price says whether the provider's tools are meant to cost nothing, or nobody thought of them.

use sea_orm_migration::prelude::*;

use crate::dialect::{any, run};

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
            // 1: a price of zero for `tool_calls` is meant. A price that was published before goes on as it was promised, and
            // no price is ever changed: hence the default. `farebox doctor` names those that give tools away.
            &[
                "ALTER TABLE price ADD COLUMN tools_free BIGINT NOT NULL DEFAULT 1 CHECK (tools_free IN (0, 1))",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Before anything is touched.
        if refuses_tools(manager).await? {
            return Err(DbErr::Migration(REFUSES.to_owned()));
        }
        run(manager, &["ALTER TABLE price DROP COLUMN tools_free"]).await
    }
}

const REFUSES: &str = "a price of a model that answers says nothing of the tools that providers run, so calls with them are \
    refused; this would forget that, and going up again would give them away: nothing was changed";

/// Whether a price would come back as one that gives tools away.
async fn refuses_tools(manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
    let sql = "SELECT 1 AS refuses FROM price WHERE tools_free = 0 AND tool_calls = 0 AND output > 0 LIMIT 1";
    any(manager, sql).await
}
