//! Money: books, the append-only transfers between them, the lots a wallet is made of, and the leases of nodes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::dialect::{append_only, drop_append_only, run, serial};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true) // sea-orm's default leaves a failed migration half applied on SQLite
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let serial = serial(manager);
        let book = format!(
            // A book is an account of the ledger. Only wallets keep a cached balance: a row that every call of every
            // node would update is a queue. `posted` is credits less debits, `reserved` what live leases may still spend.
            // The CHECKs are the last fence: no bug above the SQL can overdraw a wallet.
            "CREATE TABLE book (
                id {serial},
                kind TEXT NOT NULL,
                workspace_id TEXT,
                currency TEXT NOT NULL,
                exponent BIGINT NOT NULL,
                posted BIGINT NOT NULL DEFAULT 0,
                reserved BIGINT NOT NULL DEFAULT 0,
                created_at BIGINT NOT NULL,
                CHECK (reserved >= 0),
                CHECK (kind <> 'wallet' OR (posted >= 0 AND posted - reserved >= 0)),
                CHECK ((kind = 'wallet') = (workspace_id IS NOT NULL))
            )"
        );
        let transfer = format!(
            // One row is one movement: debit one book, credit another, so every row balances by construction.
            // `txn_id` groups the legs of one event and makes repeating it harmless; `note` is an operator's reason.
            "CREATE TABLE transfer (
                id {serial},
                txn_id TEXT NOT NULL,
                seq BIGINT NOT NULL,
                debit_id BIGINT NOT NULL REFERENCES book(id),
                credit_id BIGINT NOT NULL REFERENCES book(id),
                currency TEXT NOT NULL,
                amount BIGINT NOT NULL CHECK (amount > 0),
                code TEXT NOT NULL,
                note TEXT,
                reverses_id BIGINT REFERENCES transfer(id),
                created_at BIGINT NOT NULL,
                UNIQUE (txn_id, seq),
                CHECK (debit_id <> credit_id)
            )"
        );
        let lot = format!(
            // A portion of credit with its own kind and expiry; a wallet's posted balance is the sum of `remaining`.
            "CREATE TABLE lot (
                id {serial},
                book_id BIGINT NOT NULL REFERENCES book(id),
                kind TEXT NOT NULL CHECK (kind IN ('paid', 'bonus', 'adjustment')),
                priority BIGINT NOT NULL DEFAULT 50,
                expires_at BIGINT,
                original BIGINT NOT NULL,
                remaining BIGINT NOT NULL,
                txn_id TEXT NOT NULL,
                created_at BIGINT NOT NULL,
                CHECK (0 <= remaining AND remaining <= original)
            )"
        );
        run(
            manager,
            &[
                &book,
                "CREATE UNIQUE INDEX book_wallet ON book (workspace_id) WHERE kind = 'wallet'",
                "CREATE UNIQUE INDEX book_system ON book (kind, currency) WHERE kind <> 'wallet'",
                &transfer,
                "CREATE INDEX transfer_debit ON transfer (debit_id)",
                "CREATE INDEX transfer_credit ON transfer (credit_id)",
                &lot,
                "CREATE INDEX lot_open ON lot (book_id) WHERE remaining > 0",
                // Which lots a transfer consumed.
                "CREATE TABLE lot_part (
                    transfer_id BIGINT NOT NULL REFERENCES transfer(id),
                    lot_id BIGINT NOT NULL REFERENCES lot(id),
                    amount BIGINT NOT NULL CHECK (amount > 0),
                    PRIMARY KEY (transfer_id, lot_id)
                )",
                // Credit that one node may spend in memory. `last_flush` and `last_hash` make a repeated flush harmless
                // and a changed one an error; `held` is what running calls hold, as last reported.
                "CREATE TABLE lease (
                    id TEXT PRIMARY KEY,
                    book_id BIGINT NOT NULL REFERENCES book(id),
                    node_id TEXT NOT NULL,
                    granted BIGINT NOT NULL CHECK (granted > 0),
                    spent BIGINT NOT NULL DEFAULT 0,
                    held BIGINT NOT NULL DEFAULT 0,
                    state TEXT NOT NULL CHECK (state IN ('active', 'draining', 'closed', 'reclaimed')),
                    expires_at BIGINT NOT NULL,
                    reclaim_after BIGINT NOT NULL,
                    last_flush BIGINT NOT NULL DEFAULT 0,
                    last_hash TEXT,
                    recall BIGINT NOT NULL DEFAULT 0,
                    created_at BIGINT NOT NULL,
                    CHECK (0 <= spent AND spent <= granted)
                )",
                "CREATE INDEX lease_live ON lease (book_id) WHERE state IN ('active', 'draining')",
                "CREATE INDEX lease_reclaim ON lease (reclaim_after) WHERE state IN ('active', 'draining')",
                // A running server polls these counters to learn what a command or another node changed.
                "CREATE TABLE change_counter (topic TEXT PRIMARY KEY, value BIGINT NOT NULL)",
                // The system's own books: revenue earned, credit given away, usage served and not charged.
                "INSERT INTO book (kind, currency, exponent, created_at) VALUES
                    ('revenue', 'USD', 9, 0), ('adjustment', 'USD', 9, 0), ('bonus', 'USD', 9, 0), ('operator_loss', 'USD', 9, 0)",
            ],
        )
        .await?;
        append_only(manager, "transfer").await?;
        append_only(manager, "lot_part").await?;
        apply_transfers(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &["DROP TABLE change_counter", "DROP TABLE lease"]).await?;
        drop_append_only(manager, "lot_part").await?;
        run(manager, &["DROP TABLE lot"]).await?;
        drop_append_only(manager, "transfer").await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            run(manager, &["DROP FUNCTION transfer_apply()"]).await?;
        }
        run(manager, &["DROP TABLE book"]).await
    }
}

/// The database itself keeps the wallets' cached balances, so no code path can forget to.
async fn apply_transfers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statements: &[&str] = match manager.get_database_backend() {
        DbBackend::Postgres => &[
            "CREATE FUNCTION transfer_apply() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                IF (SELECT count(*) FROM book WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency = NEW.currency) <> 2 THEN
                    RAISE EXCEPTION 'a transfer stays within its currency';
                END IF;
                UPDATE book SET posted = posted - NEW.amount WHERE id = NEW.debit_id AND kind = 'wallet';
                UPDATE book SET posted = posted + NEW.amount WHERE id = NEW.credit_id AND kind = 'wallet';
                RETURN NEW;
             END $$",
            "CREATE TRIGGER transfer_apply AFTER INSERT ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_apply()",
        ],
        _ => &[APPLY_ROW],
    };
    run(manager, statements).await
}

/// The same on SQLite.
pub const APPLY_ROW: &str = "CREATE TRIGGER transfer_apply AFTER INSERT ON transfer BEGIN
        SELECT CASE WHEN (SELECT count(*) FROM book WHERE id IN (NEW.debit_id, NEW.credit_id) AND currency = NEW.currency) <> 2
            THEN RAISE(ABORT, 'a transfer stays within its currency') END;
        UPDATE book SET posted = posted - NEW.amount WHERE id = NEW.debit_id AND kind = 'wallet';
        UPDATE book SET posted = posted + NEW.amount WHERE id = NEW.credit_id AND kind = 'wallet';
     END";
