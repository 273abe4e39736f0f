//! A movement says how much of what its wallet had reserved it uses up, so that one update of the wallet does both.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::run;
use crate::{m001_ledger, m022_settle};

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
                // Of movements before, wallets were told by a statement of its own: nothing of theirs is left to tell.
                "ALTER TABLE transfer ADD COLUMN released BIGINT NOT NULL DEFAULT 0 CHECK (released >= 0 AND released <= amount)",
            ],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            return run(manager, &[APPLY]).await;
        }
        run(manager, &["DROP TRIGGER transfer_apply", APPLY_ROW]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, &[&m022_settle::apply()]).await?;
        } else {
            run(
                manager,
                &["DROP TRIGGER transfer_apply", m001_ledger::APPLY_ROW],
            )
            .await?;
        }
        run(manager, &["ALTER TABLE transfer DROP COLUMN released"]).await
    }
}

/// As before, with what is released beside the amount. Each book is found by its key, whatever the planner believes of the
/// table when the session begins: that is what the settings are for.
const APPLY: &str = "CREATE OR REPLACE FUNCTION transfers_apply() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    DECLARE strangers BIGINT;
    BEGIN
        WITH moved AS MATERIALIZED (
            SELECT book, currency, CAST(sum(amount) AS BIGINT) AS amount, CAST(sum(released) AS BIGINT) AS released FROM (
                SELECT credit_id AS book, currency, amount, 0 AS released FROM added
                UNION ALL SELECT debit_id, currency, -amount, released FROM added
            ) legs GROUP BY book, currency ORDER BY book
        ), of_wallets AS (
            UPDATE book SET posted = book.posted + moved.amount, reserved = book.reserved - moved.released FROM moved
            WHERE book.id = moved.book AND book.workspace_id IS NOT NULL
        )
        SELECT count(*) INTO strangers FROM moved LEFT JOIN book ON book.id = moved.book
            WHERE book.currency IS DISTINCT FROM moved.currency;
        IF strangers > 0 THEN
            RAISE EXCEPTION 'a transfer stays within its currency' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$";

const APPLY_ROW: &str = "CREATE TRIGGER transfer_apply AFTER INSERT ON transfer BEGIN
        SELECT CASE WHEN (SELECT count(*) FROM book WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency = NEW.currency) <> 2
            THEN RAISE(ABORT, 'a transfer stays within its currency') END;
        UPDATE book SET posted = posted - NEW.amount, reserved = reserved - NEW.released WHERE id = NEW.debit_id AND kind = 'wallet';
        UPDATE book SET posted = posted + NEW.amount WHERE id = NEW.credit_id AND kind = 'wallet';
     END";
