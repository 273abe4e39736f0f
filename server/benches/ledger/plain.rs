//! What is the limit? The rows that settling leaves, inserted in batches on one connection, and nothing else.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::Amount;
use domain::ids::LeaseId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement, Value};
use server::calls::{self, Booked, CallRecord, Repeated};
use server::clock::Clock;
use server::db::insert_all;
use server::ids::NewId;

use super::bank::{Bank, Place, run};
use super::per_second;

/// Calls of one batch: as many as the ledger's writer puts into one commit.
const BATCH: usize = 256;

/// Which rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Calls, their attempts, the movements that they are in, and what these take from lots.
    All,
    /// Calls and their attempts.
    OfCalls,
}

/// What settling only reads or updates, of one wallet.
struct Wallet {
    book: i64,
    lot: i64,
    /// Rows name the leases of their wallets: values that come again are dearer to index than new ones.
    lease: LeaseId,
}

/// Calls per second.
pub async fn plain_inserts(place: &Place, wallets: usize, rows: Rows, measured: Duration) -> u128 {
    let bank = Bank::open(place, wallets).await;
    let accounts = accounts(&bank).await;
    // Movements move balances by a trigger. That is the ledger's work.
    let trigger = match bank.db.backend() {
        DbBackend::Postgres => "DROP TRIGGER transfer_apply ON transfer",
        _ => "DROP TRIGGER transfer_apply",
    };
    run(&bank.db, trigger).await;
    bank.settle_down().await;
    let revenue = number(&bank, "SELECT id AS n FROM book WHERE kind = 'revenue'").await;
    // One connection inserts, so they are numbered one after the other.
    let mut moved = number(&bank, "SELECT max(id) AS n FROM transfer").await;
    let begun = Instant::now();
    let mut done = 0_usize;
    while begun.elapsed() < measured {
        // As the settlers go round.
        let mut flushes: BTreeMap<usize, Vec<CallRecord>> = BTreeMap::new();
        for settler in 0..BATCH {
            let at = (settler * wallets / BATCH + done / BATCH) % wallets;
            flushes
                .entry(at)
                .or_default()
                .push(bank.call(bank.wallets[at]));
        }
        let flushes: Vec<Flush<'_>> = flushes
            .into_iter()
            .map(|(at, calls)| Flush {
                // As the ledger names it.
                txn: format!("flush:{}", calls[0].id),
                wallet: &accounts[at],
                calls,
            })
            .collect();
        let tx = bank.db.begin().await.unwrap();
        if rows == Rows::All {
            insert_movements(&tx, revenue, moved, &flushes).await;
            moved += i64::try_from(flushes.len()).unwrap();
        }
        let booked: Vec<Booked<'_>> = flushes.iter().flat_map(Flush::booked).collect();
        calls::insert(&tx, &booked, Repeated::Refused)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        done += BATCH;
    }
    let rate = per_second(done as u128, begun.elapsed());
    place.drop_database(bank.db).await;
    rate
}

/// The calls of one wallet in one batch.
struct Flush<'a> {
    txn: String,
    wallet: &'a Wallet,
    calls: Vec<CallRecord>,
}

impl Flush<'_> {
    fn booked(&self) -> impl Iterator<Item = Booked<'_>> {
        self.calls.iter().map(|record| Booked {
            record,
            charge: record.cost,
            unbilled: Amount::ZERO,
            lease: Some(self.wallet.lease),
            txn: Some(&self.txn),
        })
    }

    fn amount(&self) -> i64 {
        let costs = self.calls.iter().map(|call| call.cost);
        Amount::sum(costs).unwrap().nanos()
    }
}

/// One movement of each flush, and its part of a lot. `last` is the number of the newest movement.
async fn insert_movements(
    tx: &DatabaseTransaction,
    revenue: i64,
    last: i64,
    flushes: &[Flush<'_>],
) {
    let now = Clock::system().now_ms();
    let movement = |flush: &Flush<'_>| -> [Value; 9] {
        [
            flush.txn.clone().into(),
            0_i64.into(),
            flush.wallet.book.into(),
            revenue.into(),
            "USD".into(),
            flush.amount().into(),
            flush.amount().into(),
            "usage".into(),
            now.into(),
        ]
    };
    let into =
        "transfer (txn_id, seq, debit_id, credit_id, currency, amount, released, code, created_at)";
    let movements = flushes.iter().map(movement).collect();
    insert_all(tx, into, movements, "").await.unwrap();
    let parts = flushes.iter().zip(last + 1..);
    let parts =
        parts.map(|(flush, id)| [id.into(), flush.wallet.lot.into(), flush.amount().into()]);
    let into = "lot_part (transfer_id, lot_id, amount)";
    insert_all(tx, into, parts.collect(), "").await.unwrap();
}

/// In the order of the bank's wallets, which were opened one after the other.
async fn accounts(bank: &Bank) -> Vec<Wallet> {
    let sql =
        "SELECT b.id AS book, l.id AS lot FROM book b JOIN lot l ON l.book_id = b.id ORDER BY b.id";
    let statement = Statement::from_string(bank.db.backend(), sql);
    let rows = bank.db.read().query_all_raw(statement).await.unwrap();
    let wallets = rows.iter().map(|row| Wallet {
        book: row.try_get("", "book").unwrap(),
        lot: row.try_get("", "lot").unwrap(),
        lease: LeaseId::new(),
    });
    wallets.collect()
}

async fn number(bank: &Bank, sql: &str) -> i64 {
    let statement = Statement::from_string(bank.db.backend(), sql);
    let row = bank.db.read().query_one_raw(statement).await.unwrap();
    row.unwrap().try_get("", "n").unwrap()
}
