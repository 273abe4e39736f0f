//! How does a batch reach the database? PostgreSQL gets all of it in one statement: others wait for the wallets while it is
//! written, and every statement more is a way to the server and back. SQLite has no way to go, and gets one for each table.

use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};

use crate::calls::{self, Booked, Repeated};
use crate::db::{AtOnce, exec, table};

use super::books::{INTO_TRANSFERS, Movement, move_all, movement_rows};
use super::lots::{self, INTO_PARTS, Part};

/// What is written of many flushes.
pub(super) struct Batch<'a> {
    pub(super) now: UnixMs,
    /// Each with what it spent, what it was given in addition, the number of its flush and that one's hash.
    pub(super) leases: Vec<[Value; 5]>,
    /// Books, and by how much less of them is reserved.
    pub(super) reserved: Vec<[Value; 2]>,
    pub(super) movements: Vec<Movement<'a>>,
    /// Each names its movement by its place among them.
    pub(super) parts: Vec<Part>,
    pub(super) calls: Vec<Booked<'a>>,
}

const SPEND: &str =
    "UPDATE lease SET spent = lease.spent + flush.spent, granted = lease.granted + flush.more,
    last_flush = flush.number, last_hash = flush.hash";
const RELEASE: &str = "UPDATE book SET reserved = book.reserved - flush.less";

impl Batch<'_> {
    /// # Errors
    /// When the database refuses, also because one of the movements or calls was written before.
    pub(super) async fn write<C: ConnectionTrait>(&self, conn: &C) -> Result<(), DbErr> {
        if conn.get_database_backend() == DbBackend::Postgres {
            self.at_once(conn).await
        } else {
            self.one_by_one(conn).await
        }
    }

    /// The database moves the wallets' balances by a trigger, which comes after everything here: less is reserved by then.
    async fn at_once<C: ConnectionTrait>(&self, conn: &C) -> Result<(), DbErr> {
        let mut all = AtOnce::default();
        all.step("leases", &self.leases, |rows| {
            format!("{SPEND} FROM ({rows}) flush (lease, spent, more, number, hash) WHERE lease.id = flush.lease")
        })?;
        all.step("wallets", &self.reserved, |rows| {
            format!("{RELEASE} FROM ({rows}) flush (book, less) WHERE book.id = flush.book")
        })?;
        let movements = movement_rows(self.now, &self.movements);
        all.step("moved", &movements, |rows| {
            format!("INSERT INTO {INTO_TRANSFERS} {rows} RETURNING id, txn_id, seq")
        })?;
        all.step("lots", &lots::by_lot(&self.parts), |rows| {
            format!("UPDATE lot SET remaining = lot.remaining - taken.amount FROM ({rows}) taken (lot, amount) WHERE lot.id = taken.lot")
        })?;
        all.step("parts", &self.named_parts()?, |rows| {
            format!(
                "INSERT INTO {INTO_PARTS} SELECT moved.id, part.lot, part.amount
                 FROM ({rows}) part (txn, seq, lot, amount) JOIN moved ON moved.txn_id = part.txn AND moved.seq = part.seq"
            )
        })?;
        all.step("calls", &calls::call_rows(&self.calls), |rows| {
            format!("INSERT INTO {} {rows}", calls::into_calls())
        })?;
        all.step("attempts", &calls::attempt_rows(&self.calls), |rows| {
            format!("INSERT INTO {} {rows}", calls::INTO_ATTEMPTS)
        })?;
        all.run(conn).await
    }

    /// The parts by their movements' names: their rows have no ids yet.
    fn named_parts(&self) -> Result<Vec<[Value; 4]>, DbErr> {
        let named = self.parts.iter().map(|part| {
            let movement = usize::try_from(part.of)
                .ok()
                .and_then(|of| self.movements.get(of));
            let movement = movement.ok_or(DbErr::RecordNotInserted)?;
            Ok([
                movement.txn.into(),
                movement.seq.into(),
                part.lot.into(),
                part.nanos.into(),
            ])
        });
        named.collect()
    }

    async fn one_by_one<C: ConnectionTrait>(&self, conn: &C) -> Result<(), DbErr> {
        if !self.leases.is_empty() {
            let (rows, values) = table(conn, self.leases.clone())?;
            let sql = format!(
                "WITH flush (lease, spent, more, number, hash) AS ({rows}) {SPEND} FROM flush WHERE lease.id = flush.lease"
            );
            exec(conn, &sql, values).await?;
        }
        if !self.reserved.is_empty() {
            let (rows, values) = table(conn, self.reserved.clone())?;
            let sql = format!(
                "WITH flush (book, less) AS ({rows}) {RELEASE} FROM flush WHERE book.id = flush.book"
            );
            exec(conn, &sql, values).await?;
        }
        let ids = move_all(conn, self.now, &self.movements).await?;
        let moved = self.parts.iter().map(|part| {
            let id = usize::try_from(part.of).ok().and_then(|of| ids.get(of));
            let of = *id.ok_or(DbErr::RecordNotInserted)?;
            Ok(Part { of, ..*part })
        });
        let parts = moved.collect::<Result<Vec<Part>, DbErr>>()?;
        lots::take_parts(conn, &parts).await?;
        calls::insert(conn, &self.calls, Repeated::Refused).await
    }
}
