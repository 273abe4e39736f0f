//! People: who they are and how they like their pages, the one-time links they are mailed, their second factor, what a
//! session shows of itself, and who got welcome credit.

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
                "ALTER TABLE account ADD COLUMN name TEXT NOT NULL DEFAULT ''",
                // The name in lower case, for operators' search: SQLite, and PostgreSQL in some locales, fold ASCII only.
                "ALTER TABLE account ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
                // Since when the address is known to be theirs; NULL until the mailed link was used.
                "ALTER TABLE account ADD COLUMN verified_at BIGINT",
                // An operator shut the account; `blocked_reason` is for operators only.
                "ALTER TABLE account ADD COLUMN blocked_at BIGINT",
                "ALTER TABLE account ADD COLUMN blocked_reason TEXT",
                // When terms were accepted and when consent was given: two boxes, two times.
                "ALTER TABLE account ADD COLUMN terms_at BIGINT",
                "ALTER TABLE account ADD COLUMN consent_at BIGINT",
                // What the person chose; NULL is "as the browser or the installation has it".
                "ALTER TABLE account ADD COLUMN locale TEXT",
                "ALTER TABLE account ADD COLUMN currency TEXT",
                "ALTER TABLE account ADD COLUMN time_zone TEXT",
                "ALTER TABLE account ADD COLUMN theme TEXT",
                "ALTER TABLE account ADD COLUMN shortcuts BOOLEAN NOT NULL DEFAULT TRUE",
                // Below `low_balance_nusd` a mail is sent, once per crossing: `low_balance_told_at` is set when it was
                // queued and cleared when the balance is above again. NULL means no mail.
                "ALTER TABLE account ADD COLUMN low_balance_nusd BIGINT",
                "ALTER TABLE account ADD COLUMN low_balance_told_at BIGINT",
                // When somebody last signed in; NULL until the first time.
                "ALTER TABLE account ADD COLUMN signed_in_at BIGINT",
                // Counts what makes earlier proofs worthless: a new password, a second factor set up or ended, "sign out
                // everywhere". A session and a known browser count for the epoch in which they were proved.
                "ALTER TABLE account ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0",
                // Whom the operator made by hand is vouched for.
                "UPDATE account SET verified_at = created_at",
                // A one-time link that was mailed. `purpose`: verify, reset, email_confirm, email_undo. `email` is the
                // address that the link is about, `network` a keyed hash of where it was asked for; only a keyed hash of
                // the token is here.
                "CREATE TABLE account_link (
                    token_hash TEXT PRIMARY KEY,
                    account_id TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
                    purpose TEXT NOT NULL,
                    email TEXT,
                    network TEXT NOT NULL DEFAULT '',
                    expires_at BIGINT NOT NULL,
                    used_at BIGINT,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX account_link_of_account ON account_link (account_id, purpose)",
                // The secret of an authenticator app, encrypted; in force once a first code proved it. `last_step` is the
                // newest time step that was used: a code works once.
                "CREATE TABLE second_factor (
                    account_id TEXT PRIMARY KEY REFERENCES account(id) ON DELETE CASCADE,
                    sealed TEXT NOT NULL,
                    confirmed_at BIGINT,
                    last_step BIGINT NOT NULL DEFAULT 0,
                    created_at BIGINT NOT NULL
                )",
                // For the day the app is lost: keyed hashes, each good once.
                "CREATE TABLE recovery_code (
                    code_hash TEXT PRIMARY KEY,
                    account_id TEXT NOT NULL REFERENCES account(id) ON DELETE CASCADE,
                    used_at BIGINT,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX recovery_code_of_account ON recovery_code (account_id)",
                // What the list of sessions shows: browser and system, and the network (not the address) it came from.
                "ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT ''",
                "ALTER TABLE session ADD COLUMN network TEXT NOT NULL DEFAULT ''",
                // Welcome credit is given once per person: `person` is a keyed hash of the mailbox behind the address,
                // `network` a keyed hash of where the sign-up came from.
                "CREATE TABLE welcome_credit (
                    person TEXT PRIMARY KEY,
                    account_id TEXT NOT NULL,
                    network TEXT NOT NULL,
                    created_at BIGINT NOT NULL
                )",
                "CREATE INDEX welcome_credit_of_network ON welcome_credit (network, created_at)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(
            manager,
            &[
                "DROP TABLE welcome_credit",
                "ALTER TABLE session DROP COLUMN network",
                "ALTER TABLE session DROP COLUMN agent",
                "DROP TABLE recovery_code",
                "DROP TABLE second_factor",
                "DROP TABLE account_link",
                "ALTER TABLE account DROP COLUMN epoch",
                "ALTER TABLE account DROP COLUMN signed_in_at",
                "ALTER TABLE account DROP COLUMN low_balance_told_at",
                "ALTER TABLE account DROP COLUMN low_balance_nusd",
                "ALTER TABLE account DROP COLUMN shortcuts",
                "ALTER TABLE account DROP COLUMN theme",
                "ALTER TABLE account DROP COLUMN time_zone",
                "ALTER TABLE account DROP COLUMN currency",
                "ALTER TABLE account DROP COLUMN locale",
                "ALTER TABLE account DROP COLUMN consent_at",
                "ALTER TABLE account DROP COLUMN terms_at",
                "ALTER TABLE account DROP COLUMN blocked_reason",
                "ALTER TABLE account DROP COLUMN blocked_at",
                "ALTER TABLE account DROP COLUMN verified_at",
                "ALTER TABLE account DROP COLUMN name_key",
                "ALTER TABLE account DROP COLUMN name",
            ],
        )
        .await
    }
}
