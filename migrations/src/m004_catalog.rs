//! What is for sale: upstreams, models, the routes between them, and immutable price versions.

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
                // A provider of models. `sealed_key` is the credential, encrypted for this row.
                "CREATE TABLE upstream (
                    id TEXT PRIMARY KEY,
                    name TEXT NOT NULL UNIQUE,
                    dialect TEXT NOT NULL,
                    base_url TEXT NOT NULL,
                    sealed_key TEXT,
                    created_at BIGINT NOT NULL
                )",
                // A model as callers name it; `context` is how many tokens prompt and answer may have together.
                "CREATE TABLE model (
                    id TEXT PRIMARY KEY,
                    context BIGINT NOT NULL CHECK (context > 0),
                    created_at BIGINT NOT NULL
                )",
                // Which upstream serves a model, under which name there. Lower priority is tried first.
                "CREATE TABLE route (
                    model_id TEXT NOT NULL REFERENCES model(id),
                    upstream_id TEXT NOT NULL REFERENCES upstream(id),
                    upstream_model TEXT NOT NULL,
                    priority BIGINT NOT NULL DEFAULT 50,
                    weight BIGINT NOT NULL DEFAULT 1 CHECK (weight > 0),
                    PRIMARY KEY (model_id, upstream_id)
                )",
                // What a model costs from `effective_from` on, in micro-dollars per million tokens. Never changed:
                // a new price is a new row, and every call names the row it was charged by. `cost_*` is what the
                // operator pays the upstream, where known.
                "CREATE TABLE price (
                    id TEXT PRIMARY KEY,
                    model_id TEXT NOT NULL REFERENCES model(id),
                    input BIGINT NOT NULL CHECK (input >= 0),
                    cached_input BIGINT NOT NULL CHECK (cached_input >= 0),
                    output BIGINT NOT NULL CHECK (output >= 0),
                    cost_input BIGINT,
                    cost_cached_input BIGINT,
                    cost_output BIGINT,
                    effective_from BIGINT NOT NULL,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX price_of_model ON price (model_id, effective_from)",
            ],
        )
        .await?;
        append_only(manager, "price").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_append_only(manager, "price").await?;
        run(
            manager,
            &[
                "DROP TABLE route",
                "DROP TABLE model",
                "DROP TABLE upstream",
            ],
        )
        .await
    }
}
