//! What the ledger at full strength needs: charges that were taken back, and finding leases that are asked for or over.

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
        run(
            manager,
            &[
                // What was charged before its caller was told that it is not. It went back by a transfer of its own.
                "ALTER TABLE call ADD COLUMN reversed_nusd BIGINT NOT NULL DEFAULT 0 CHECK (reversed_nusd >= 0)",
                // Every node asks ten times a second which of its leases are wanted back: nearly always none.
                "CREATE INDEX lease_recalled ON lease (node_id) WHERE recall = 1 AND state IN ('active', 'draining')",
                "CREATE INDEX lease_expired ON lease (expires_at) WHERE state = 'active'",
            ],
        )
        .await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            run(
                manager,
                &[
                    APPLY_ALL,
                    "DROP TRIGGER transfer_apply ON transfer",
                    EACH_STATEMENT,
                ],
            )
            .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let undo = [
                "DROP TRIGGER transfer_apply ON transfer",
                "DROP FUNCTION transfers_apply()",
                EACH_ROW,
            ];
            run(manager, &undo).await?;
        }
        run(
            manager,
            &[
                "DROP INDEX lease_expired",
                "DROP INDEX lease_recalled",
                "ALTER TABLE call DROP COLUMN reversed_nusd",
            ],
        )
        .await
    }
}

/// Wallets' balances move once per statement, however many transfers it writes, each by its key: joined with the table of
/// all books, plans differ by what was in it when the session began.
const APPLY_ALL: &str = "CREATE FUNCTION transfers_apply() RETURNS trigger LANGUAGE plpgsql AS $$
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
const EACH_STATEMENT: &str = "CREATE TRIGGER transfer_apply AFTER INSERT ON transfer
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION transfers_apply()";
/// As the first migration made it.
const EACH_ROW: &str = "CREATE TRIGGER transfer_apply AFTER INSERT ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_apply()";
