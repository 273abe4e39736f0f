//! How does a batch reach the database? PostgreSQL gets all of it in one statement: others wait for the wallets while it is
//! written, and every statement more is a way to the server and back. SQLite has no way to go, and gets one for each table.

use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, Value};

use crate::calls::{self, Booked, Repeated};
use crate::db::{AtOnce, exec, insert_numbered, table};

use super::books::{INTO_TRANSFERS, Movement, movement_rows};
use super::leases;
use super::lots::{self, INTO_PARTS, Part};

/// What is written of many flushes.
pub(super) struct Batch<'a> {
    pub(super) now: UnixMs,
    /// Each with what it spent, what it was given in addition, the number of its flush and that one's hash.
    pub(super) leases: Vec<[Value; 5]>,
    pub(super) movements: Vec<Movement<'a>>,
    /// Each names its movement by its place among them.
    pub(super) parts: Vec<Part>,
    pub(super) calls: Vec<Booked<'a>>,
}

/// What becomes of the leases, which stand in `flush`. One that has not been taken back lives on, as after a heartbeat.
fn spend<C: ConnectionTrait>(conn: &C) -> String {
    let [expires_at, reclaim_after] = leases::ends(conn);
    format!(
        "UPDATE lease SET spent = lease.spent + flush.spent, granted = lease.granted + flush.more,
            last_flush = flush.number, last_hash = flush.hash,
            expires_at = CASE WHEN lease.state = 'active' THEN {expires_at} ELSE lease.expires_at END,
            reclaim_after = CASE WHEN lease.state = 'active' THEN {reclaim_after} ELSE lease.reclaim_after END"
    )
}

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

    /// The database moves what wallets hold and reserve by a trigger, which comes after everything here.
    async fn at_once<C: ConnectionTrait>(&self, conn: &C) -> Result<(), DbErr> {
        let mut all = AtOnce::default();
        all.step("leases", &self.leases, |rows| {
            format!("{} FROM ({rows}) flush (lease, spent, more, number, hash) WHERE lease.id = flush.lease", spend(conn))
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
                "WITH flush (lease, spent, more, number, hash) AS ({rows}) {} FROM flush WHERE lease.id = flush.lease",
                spend(conn)
            );
            exec(conn, &sql, values).await?;
        }
        let movements = movement_rows(self.now, &self.movements);
        let ids = insert_numbered(conn, INTO_TRANSFERS, &movements).await?;
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
