//! Who signs in: accounts and their workspaces, the one-time links that hand an account over, sessions, and the
//! delays that make guessing passwords slow.

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
                // Owner of one wallet, its keys, orders and calls. It outlives the account that it began with.
                "CREATE TABLE workspace (
                    id TEXT PRIMARY KEY,
                    created_at BIGINT NOT NULL
                )",
                // A person who signs in. `email` is as typed, `email_key` is what two spellings of one address share.
                // `password_hash` is an argon2id PHC string, or NULL until a one-time link was used to set it.
                // `workspace_id` is the account's own workspace: what a command means by `--email`.
                "CREATE TABLE account (
                    id TEXT PRIMARY KEY,
                    workspace_id TEXT NOT NULL UNIQUE REFERENCES workspace(id),
                    email TEXT NOT NULL,
                    email_key TEXT NOT NULL UNIQUE,
                    password_hash TEXT,
                    admin BOOLEAN NOT NULL,
                    created_at BIGINT NOT NULL
                )",
                // A one-time link that sets an account's e-mail and password. Only a keyed hash of its token is here.
                // `used_at` is set by the one claim that wins.
                "CREATE TABLE setup_token (
                    token_hash TEXT PRIMARY KEY,
                    account_id TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
                    expires_at BIGINT NOT NULL,
                    used_at BIGINT,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX setup_token_of_account ON setup_token (account_id)",
                // A browser's session, under the hash of its cookie: a copy of this table signs nobody in.
                // `expires_at` is the sooner of the idle and the absolute end; `last_seen` is exact to a minute.
                "CREATE TABLE session (
                    id_hash TEXT PRIMARY KEY,
                    account_id TEXT REFERENCES account(id) ON DELETE CASCADE,
                    admin BOOLEAN NOT NULL,
                    data TEXT NOT NULL,
                    created_at BIGINT NOT NULL,
                    last_seen BIGINT NOT NULL,
                    expires_at BIGINT NOT NULL
                )",
                "CREATE INDEX session_of_account ON session (account_id)",
                "CREATE INDEX session_expiry ON session (expires_at)",
                // Sign-ins in a row that failed, per keyed hash of the e-mail (known or not), and until when the next
                // try has to wait. Deleted by a success, forgotten after a day.
                "CREATE TABLE sign_in_delay (
                    subject TEXT PRIMARY KEY,
                    failures BIGINT NOT NULL,
                    blocked_until BIGINT NOT NULL,
                    updated_at BIGINT NOT NULL
                )",
                "CREATE INDEX sign_in_delay_age ON sign_in_delay (updated_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP TABLE sign_in_delay",
                "DROP TABLE session",
                "DROP TABLE setup_token",
                "DROP TABLE account",
                "DROP TABLE workspace",
            ],
        )
        .await
    }
}
