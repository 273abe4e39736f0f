//! What does the ledger ask of a database? Eight questions, so that tests can answer them from a simulated one.
//!
//! A lost answer is asked for again: flushes, reversals and what ends a lease happen once however often they are sent.

use domain::Amount;
use domain::ids::{CallId, LeaseId, WorkspaceId};
use domain::views::UnixMs;
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr};
use tokio::sync::OnceCell;

use crate::db::{Db, SILENCE, bounded, exec, is_locked, silent};

use super::books::OfFlushes;
use super::flush::{self, Flush};
use super::leases;
use super::reversal;

pub(super) type Answer<'a, T, E = DbErr> = BoxFuture<'a, Result<T, E>>;

/// Where wallets, leases and charges are kept.
pub(super) trait Store: Send + Sync {
    /// Takes credit from a wallet, as a new lease or more of one.
    fn ask<'a>(&'a self, asking: Asking<'a>) -> Answer<'a, Asked>;

    /// Says that the node lives and what the calls on its leases hold; answers for each, but for those that somebody has
    /// locked for too long.
    fn beat<'a>(&'a self, held: &'a [Held]) -> Answer<'a, Vec<Option<Beat>>>;

    /// Which of the node's leases are wanted back by others.
    fn recalled<'a>(&'a self, node: &'a str) -> Answer<'a, Vec<LeaseId>>;

    /// Answers a recall: gives back what is not held, which may be nothing. False when the lease is no longer the node's.
    /// Not to be repeated with the same amount: it would be given back twice.
    fn shrink(&self, held: Held, free: Amount) -> Answer<'_, bool>;

    /// Gives back everything that was not spent, and ends the lease.
    fn close(&self, lease: LeaseId, book: i64) -> Answer<'_, ()>;

    /// Takes back what dead nodes have: of leases that are over what nothing holds, and all of those on which no call
    /// can run any more. With `all_are_dead` everything. Answers how many leases changed; none is none left.
    fn reclaim(&self, all_are_dead: bool) -> Answer<'_, u64>;

    /// Gets a connection that may write. Waiting for it is not sending.
    fn begin(&self) -> Answer<'_, Box<dyn Writing>>;
}

/// A place to write one batch.
pub(super) trait Writing: Send + 'static {
    /// Charges the calls of each flush and writes their rows; renews their leases, and answers for each whether it is wanted
    /// elsewhere. With little patience nothing is answered, nor written, of those whose wallet somebody has locked.
    fn flush<'a>(
        self: Box<Self>,
        now: UnixMs,
        flushes: &'a [Flush],
        patience: Patience,
    ) -> Answer<'a, Vec<Option<Flushed>>, Failure>;

    /// Gives charges back whose callers were told that they are not charged. Never waits for long.
    fn reverse<'a>(self: Box<Self>, now: UnixMs, calls: &'a [CallId]) -> Answer<'a, (), Failure>;
}

/// A wish for credit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) node: &'a str,
    pub(super) workspace: WorkspaceId,
    /// The lease to enlarge.
    pub(super) existing: Option<LeaseId>,
    /// Less is of no use.
    pub(super) need: Amount,
    /// More is not wanted.
    pub(super) want: Amount,
    pub(super) attempt: Attempt,
}

/// How often a call has asked already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Every other lease of the wallet is asked what it does not use, whatever it said before.
    First,
    /// Only those that have not answered since, or have something again.
    Again,
    /// Where the wallet holds too little in all, what leases have said by now is believed.
    Last,
}

/// What asking for credit brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// So much, on this lease.
    Granted {
        lease: LeaseId,
        book: i64,
        amount: Amount,
    },
    /// The wallet holds too little, whoever asks. `available` is what it could cover: what no lease has taken, and what
    /// other leases do not hold.
    Insufficient { available: Amount },
    /// The wallet holds enough, but other leases have it; they were asked to give back what they do not use.
    Elsewhere,
    /// The lease to enlarge is no longer this node's.
    LeaseLost,
}

/// What the calls of a lease hold: those that run, and those that are settled and not yet committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) lease: LeaseId,
    pub(super) book: i64,
    pub(super) amount: Amount,
}

/// What a heartbeat answered for one lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beat {
    /// Still ours.
    pub(super) alive: bool,
    /// Another node, or an administrator, wants credit: give back what is not held.
    pub(super) recall: bool,
}

/// What a flush answered for its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flushed {
    pub(super) recall: bool,
    /// The lease lives as long from now on as after a heartbeat. Not one that has been taken back in part, nor by a flush
    /// that was there already.
    pub(super) renewed: bool,
}

/// How long a batch waits for rows that somebody has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Two seconds, as every statement.
    Usual,
    /// Not at all for wallets, and a tenth of a second for the rest.
    Short,
}

/// Why a batch is not known to be committed.
#[derive(Debug)]
pub(super) enum Failure {
    /// It failed before COMMIT: nothing of it is in the database.
    NotCommitted(DbErr),
    /// So did this, because somebody has locked rows of it.
    Locked(DbErr),
    /// COMMIT was sent and its answer lost: all of it is there, or nothing. Sending it again finds out.
    Unknown(DbErr),
}

/// The real one.
pub(super) struct DbStore {
    db: Db,
    books: OnceCell<OfFlushes>,
}

impl DbStore {
    pub(super) fn new(db: Db) -> Self {
        Self {
            db,
            books: OnceCell::new(),
        }
    }

    async fn books(&self) -> Result<OfFlushes, DbErr> {
        let books = self
            .books
            .get_or_try_init(|| OfFlushes::read(self.db.read()));
        books.await.copied()
    }
}

impl Store for DbStore {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> Answer<'a, Asked> {
        Box::pin(bounded(leases::ask(&self.db, asking)))
    }

    fn beat<'a>(&'a self, held: &'a [Held]) -> Answer<'a, Vec<Option<Beat>>> {
        Box::pin(bounded(leases::beat(&self.db, held)))
    }

    fn recalled<'a>(&'a self, node: &'a str) -> Answer<'a, Vec<LeaseId>> {
        Box::pin(bounded(leases::recalled(&self.db, node)))
    }

    fn shrink(&self, held: Held, free: Amount) -> Answer<'_, bool> {
        Box::pin(bounded(leases::shrink(&self.db, held, free)))
    }

    fn close(&self, lease: LeaseId, book: i64) -> Answer<'_, ()> {
        Box::pin(bounded(leases::close(&self.db, lease, book)))
    }

    fn reclaim(&self, all_are_dead: bool) -> Answer<'_, u64> {
        Box::pin(leases::reclaim(&self.db, all_are_dead))
    }

    fn begin(&self) -> Answer<'_, Box<dyn Writing>> {
        Box::pin(async {
            let books = bounded(self.books()).await?;
            let tx = bounded(self.db.begin()).await?;
            let writing: Box<dyn Writing> = Box::new(DbWriting { tx, books });
            Ok(writing)
        })
    }
}

struct DbWriting {
    tx: DatabaseTransaction,
    books: OfFlushes,
}

impl Writing for DbWriting {
    fn flush<'a>(
        self: Box<Self>,
        now: UnixMs,
        flushes: &'a [Flush],
        patience: Patience,
    ) -> Answer<'a, Vec<Option<Flushed>>, Failure> {
        Box::pin(async move {
            let writing = async {
                if patience == Patience::Short {
                    wait_less(&self.tx).await?;
                }
                flush::apply(&self.tx, now, self.books, flushes, patience).await
            };
            let flushed = bounded(writing).await.map_err(Failure::before_commit)?;
            commit(self.tx).await?;
            Ok(flushed)
        })
    }

    fn reverse<'a>(self: Box<Self>, now: UnixMs, calls: &'a [CallId]) -> Answer<'a, (), Failure> {
        Box::pin(async move {
            let writing = async {
                wait_less(&self.tx).await?;
                reversal::apply(&self.tx, now, calls).await
            };
            bounded(writing).await.map_err(Failure::before_commit)?;
            commit(self.tx).await
        })
    }
}

/// This transaction waits for no lock longer than a moment.
async fn wait_less<C: ConnectionTrait>(conn: &C) -> Result<(), DbErr> {
    if conn.get_database_backend() == DbBackend::Postgres {
        exec(conn, "SET LOCAL lock_timeout = '100ms'", []).await?;
    }
    Ok(())
}

impl Failure {
    fn before_commit(error: DbErr) -> Self {
        if is_locked(&error) {
            Self::Locked(error)
        } else {
            Self::NotCommitted(error)
        }
    }
}

async fn commit(tx: DatabaseTransaction) -> Result<(), Failure> {
    match tokio::time::timeout(SILENCE, tx.commit()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if was_answered(&error) => Err(Failure::NotCommitted(error)),
        Ok(Err(error)) => Err(Failure::Unknown(error)),
        Err(_) => Err(Failure::Unknown(silent())),
    }
}

/// The low byte of SQLite's extended codes is the kind of error; PostgreSQL's codes have five characters.
fn is_sqlite_ioerr(code: &str) -> bool {
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| code & 0xff == 10)
}

/// The database itself said that it did not commit; anything else may be a lost answer.
fn was_answered(error: &DbErr) -> bool {
    use sea_orm::RuntimeErr::SqlxError;
    let (DbErr::Conn(SqlxError(source))
    | DbErr::Exec(SqlxError(source))
    | DbErr::Query(SqlxError(source))) = error
    else {
        return false;
    };
    let sea_orm::SqlxError::Database(database) = source.as_ref() else {
        return false;
    };
    // SQLite's disk failed after it may have written the commit: only reading it again tells.
    !database.code().is_some_and(|code| is_sqlite_ioerr(&code))
}
