//! What makes flushes quick on PostgreSQL. SQLite has nothing of it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::run;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        run(
            manager,
            &[
                APPLY,
                // Rows that every flush writes anew find room on their page: then no index is touched.
                "ALTER TABLE book SET (fillfactor = 60)",
                "ALTER TABLE lease SET (fillfactor = 60)",
                "ALTER TABLE lot SET (fillfactor = 60)",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        run(
            manager,
            &[
                "ALTER TABLE lot RESET (fillfactor)",
                "ALTER TABLE lease RESET (fillfactor)",
                "ALTER TABLE book RESET (fillfactor)",
                APPLY_ONE_BY_ONE,
            ],
        )
        .await
    }
}

/// Wallets' balances move once per statement, however many transfers it writes, all of them at once: two statements for
/// each wallet took longer than the transfers. Each is found by its key, whatever the planner believes of the table when
/// the session begins: that is what the settings are for. Only wallets are a workspace's; said by their kind, an index of
/// all of them would look cheap.
pub const APPLY: &str = "CREATE OR REPLACE FUNCTION transfers_apply() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    DECLARE strangers BIGINT;
    BEGIN
        WITH moved AS MATERIALIZED (
            SELECT book, currency, CAST(sum(amount) AS BIGINT) AS amount FROM (
                SELECT credit_id AS book, currency, amount FROM added UNION ALL SELECT debit_id, currency, -amount FROM added
            ) legs GROUP BY book, currency ORDER BY book
        ), of_wallets AS (
            UPDATE book SET posted = book.posted + moved.amount FROM moved
            WHERE book.id = moved.book AND book.workspace_id IS NOT NULL
        )
        SELECT count(*) INTO strangers FROM moved LEFT JOIN book ON book.id = moved.book
            WHERE book.currency IS DISTINCT FROM moved.currency;
        IF strangers > 0 THEN
            RAISE EXCEPTION 'a transfer stays within its currency';
        END IF;
        RETURN NULL;
    END $$";

/// As migration 17 made it.
const APPLY_ONE_BY_ONE: &str = "CREATE OR REPLACE FUNCTION transfers_apply() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE moved RECORD; found TEXT;
    BEGIN
        FOR moved IN
            SELECT book, currency, CAST(sum(amount) AS BIGINT) AS amount FROM (
                SELECT credit_id AS book, currency, amount FROM added UNION ALL SELECT debit_id, currency, -amount FROM added
            ) legs GROUP BY book, currency ORDER BY book
        LOOP
            SELECT currency INTO found FROM book WHERE id = moved.book;
            IF found IS DISTINCT FROM moved.currency THEN
                RAISE EXCEPTION 'a transfer stays within its currency';
            END IF;
            UPDATE book SET posted = posted + moved.amount WHERE id = moved.book AND kind = 'wallet';
        END LOOP;
        RETURN NULL;
    END $$";
