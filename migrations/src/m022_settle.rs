//! What makes settling many wallets quick: what every row of a flush asked for is asked once per flush.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::run;
use crate::m021_flush;

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
                // Every heartbeat moves both times of every lease: what is over is looked for among the live ones, which
                // `lease_live` has.
                "DROP INDEX lease_expired",
                "DROP INDEX lease_reclaim",
            ],
        )
        .await?;
        if manager.get_database_backend() != DbBackend::Postgres {
            let open = "ALTER TABLE lot ADD COLUMN open BIGINT GENERATED ALWAYS AS (CASE WHEN remaining > 0 THEN 1 ELSE 0 END) VIRTUAL";
            return run(manager, &[open]).await;
        }
        let apply = apply();
        run(
            manager,
            &[
                // A foreign key asks once per row, and locks the row it finds. The same, once per statement: `transfer_apply`
                // finds both books, `lot_part_names` both rows of a part, and neither books nor lots ever go.
                &apply,
                "CREATE FUNCTION rows_stay() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'the rows of % stay: movements name them', TG_TABLE_NAME; END $$",
                "CREATE TRIGGER book_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF id ON book
                 FOR EACH STATEMENT EXECUTE FUNCTION rows_stay()",
                "CREATE TRIGGER lot_stays BEFORE DELETE OR TRUNCATE OR UPDATE OF id ON lot
                 FOR EACH STATEMENT EXECUTE FUNCTION rows_stay()",
                PART_NAMES,
                "CREATE TRIGGER lot_part_names AFTER INSERT ON lot_part
                 REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lot_part_names()",
                "ALTER TABLE transfer DROP CONSTRAINT transfer_debit_id_fkey",
                "ALTER TABLE transfer DROP CONSTRAINT transfer_credit_id_fkey",
                "ALTER TABLE lot_part DROP CONSTRAINT lot_part_transfer_id_fkey",
                "ALTER TABLE lot_part DROP CONSTRAINT lot_part_lot_id_fkey",
                // What no index names may change without touching any: `remaining` does in every flush, `open` once.
                "ALTER TABLE lot ADD COLUMN open BIGINT GENERATED ALWAYS AS (CASE WHEN remaining > 0 THEN 1 ELSE 0 END) STORED",
                "DROP INDEX lot_open",
                "DROP INDEX lot_ending",
                "CREATE INDEX lot_open ON lot (book_id) WHERE open = 1",
                "CREATE INDEX lot_ending ON lot (expires_at) WHERE expires_at IS NOT NULL AND open = 1",
            ],
        )
        .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            run(
                manager,
                &[
                    "DROP INDEX lot_ending",
                    "DROP INDEX lot_open",
                    "CREATE INDEX lot_open ON lot (book_id) WHERE remaining > 0",
                    "CREATE INDEX lot_ending ON lot (expires_at) WHERE expires_at IS NOT NULL AND remaining > 0",
                    "ALTER TABLE lot_part ADD CONSTRAINT lot_part_lot_id_fkey FOREIGN KEY (lot_id) REFERENCES lot(id)",
                    "ALTER TABLE lot_part ADD CONSTRAINT lot_part_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES transfer(id)",
                    "ALTER TABLE transfer ADD CONSTRAINT transfer_credit_id_fkey FOREIGN KEY (credit_id) REFERENCES book(id)",
                    "ALTER TABLE transfer ADD CONSTRAINT transfer_debit_id_fkey FOREIGN KEY (debit_id) REFERENCES book(id)",
                    "DROP TRIGGER lot_part_names ON lot_part",
                    "DROP FUNCTION lot_part_names()",
                    "DROP TRIGGER lot_stays ON lot",
                    "DROP TRIGGER book_stays ON book",
                    "DROP FUNCTION rows_stay()",
                    m021_flush::APPLY,
                ],
            )
            .await?;
        }
        run(
            manager,
            &[
                "ALTER TABLE lot DROP COLUMN open",
                "CREATE INDEX lease_reclaim ON lease (reclaim_after) WHERE state IN ('active', 'draining')",
                "CREATE INDEX lease_expired ON lease (expires_at) WHERE state = 'active'",
            ],
        )
        .await
    }
}

/// What moves the wallets' balances, as this migration leaves it.
pub fn apply() -> String {
    m021_flush::APPLY.replace(REFUSAL, REFUSAL_AS_CHECK)
}

/// A book that is not there has no currency either: the same refusal as a foreign key's, which is never tried again.
const REFUSAL: &str = "RAISE EXCEPTION 'a transfer stays within its currency';";
const REFUSAL_AS_CHECK: &str =
    "RAISE EXCEPTION 'a transfer stays within its currency' USING ERRCODE = 'check_violation';";

/// Found by their keys, whatever the planner believes of the tables when the session begins: that is what the settings
/// are for.
const PART_NAMES: &str = "CREATE FUNCTION lot_part_names() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM added LEFT JOIN transfer ON transfer.id = added.transfer_id LEFT JOIN lot ON lot.id = added.lot_id
            WHERE transfer.id IS NULL OR lot.id IS NULL) THEN
            RAISE EXCEPTION 'a part names a transfer and a lot' USING ERRCODE = 'foreign_key_violation';
        END IF;
        RETURN NULL;
    END $$";
