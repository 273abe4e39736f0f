//! What becomes of credit that has ended? It leaves its wallet: bonus and adjustment credit go back into the book that
//! they were given out of, paid credit (where an operator ever ends it) into `breakage`.
//!
//! Only posted − reserved is touched. What nodes have leased stays until they give it back, and they are asked to; calls
//! that hold it may still spend it, because the earliest end is spent first. Any number of nodes may look at once: each
//! wallet is locked, and its lots are read again under the lock.

use std::time::Duration;

use domain::views::UnixMs;
use domain::{Amount, Currency};
use sea_orm::{ConnectionTrait, DbErr};
use tokio_util::sync::CancellationToken;

use super::Ledger;
use super::books::{System, Transfer, book_of, lock_book, system_book, transfer};
use super::leases;
use super::lots;
use crate::db::{Db, all, exec, is_away, one};

/// How often a node looks.
const EVERY: Duration = Duration::from_secs(60);
/// Where leases hold credit that has ended, the next look comes after this, and then after twice as long each time.
const SOON: Duration = Duration::from_secs(1);
/// Wallets of one question.
const HANDFUL: i64 = 200;
/// A look ends when the database was out of reach so often. A wallet that cannot be looked at, however often, keeps no
/// other one waiting.
const AWAY_MAX: u32 = 3;

/// What one look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expired {
    /// Lots of which something was taken.
    pub lots: u64,
    pub amount: Amount,
    /// Lots of which leases have a part that is not taken yet.
    pub left: u64,
}

impl Expired {
    fn and(self, more: Self) -> Self {
        Self {
            lots: self.lots + more.lots,
            amount: self.amount.plus(more.amount).unwrap_or(self.amount),
            left: self.left + more.left,
        }
    }
}

impl Ledger {
    /// Takes credit that has ended out of its wallets until `stop`.
    pub async fn keep_lots(self, stop: CancellationToken) {
        let mut again = SOON;
        loop {
            let pause = match stop.run_until_cancelled(self.expire_lots()).await {
                None => return,
                Some(Ok(expired)) => {
                    if expired.lots > 0 {
                        tracing::info!(lots = expired.lots, amount = %expired.amount, left = expired.left, "Credit has ended");
                    }
                    if expired.left == 0 {
                        again = SOON;
                        EVERY
                    } else {
                        let pause = again;
                        again = (again * 2).min(EVERY);
                        pause
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "Credit that has ended could not be taken out of every wallet; tried again in a minute");
                    EVERY
                }
            };
            if stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
            {
                return;
            }
        }
    }
}

/// One look at every wallet that holds credit which ended at `now` or before.
///
/// # Errors
/// When a wallet could not be looked at; the others were.
pub(super) async fn expire(db: &Db, now: UnixMs) -> Result<Expired, DbErr> {
    let sql =
        "SELECT DISTINCT book_id FROM lot WHERE remaining > 0 AND open = 1 AND expires_at <= $1 AND book_id > $2
               ORDER BY book_id LIMIT $3";
    let (mut done, mut after) = (Expired::default(), 0_i64);
    let (mut away, mut failed) = (0, None);
    loop {
        let wallets = all(db.read(), sql, [now.into(), after.into(), HANDFUL.into()]).await?;
        let Some(last) = wallets.last() else {
            break;
        };
        after = last.try_get("", "book_id")?;
        for row in &wallets {
            match of_wallet(db, row.try_get("", "book_id")?, now).await {
                Ok(expired) => done = done.and(expired),
                Err(error) => {
                    away += u32::from(is_away(&error));
                    if away == AWAY_MAX {
                        return Err(error);
                    }
                    tracing::warn!(%error, "Credit that has ended could not be taken out of a wallet");
                    failed = Some(error);
                }
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    // What `verify` judges by: a lot that had ended by then, and that nothing held, is one that the job overlooked.
    let sql = "UPDATE expiry_look SET looked_at = $1 WHERE id = 1 AND looked_at < $1";
    exec(db.write(), sql, [now.into()]).await?;
    Ok(done)
}

/// One wallet, in a transaction of its own.
async fn of_wallet(db: &Db, book: i64, now: UnixMs) -> Result<Expired, DbErr> {
    let tx = db.begin().await?;
    let mut free = Amount::from_nanos(lock_book(&tx, book).await?.free());
    let sql = "SELECT id, kind, remaining FROM lot WHERE book_id = $1 AND remaining > 0 AND open = 1 AND expires_at <= $2
               ORDER BY expires_at, id";
    let mut done = Expired::default();
    for row in all(&tx, sql, [book.into(), now.into()]).await? {
        let remaining = Amount::from_nanos(row.try_get("", "remaining")?);
        let part = remaining.min(free);
        if part > Amount::ZERO {
            let lot = Ended {
                id: row.try_get("", "id")?,
                book,
                kind: row.try_get("", "kind")?,
            };
            lot.take(&tx, part, now).await?;
            free = free.minus_or_zero(part);
            done = done.and(Expired {
                lots: 1,
                amount: part,
                left: 0,
            });
        }
        done.left += u64::from(part < remaining);
    }
    if done.left > 0 {
        leases::recall(&tx, book, None, true).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// A lot past its end; its wallet is locked.
struct Ended {
    id: i64,
    book: i64,
    kind: String,
}

impl Ended {
    /// Takes so much of it out of the wallet. Each try is a movement of its own, numbered within the lot.
    async fn take<C: ConnectionTrait>(
        &self,
        conn: &C,
        amount: Amount,
        now: UnixMs,
    ) -> Result<(), DbErr> {
        let txn = format!("expiry:{}", self.id);
        let sql = "SELECT coalesce(max(seq) + 1, 0) AS seq FROM transfer WHERE txn_id = $1";
        let seq = one(conn, sql, [txn.clone().into()])
            .await?
            .map_or(Ok(0), |row| row.try_get("", "seq"))?;
        let movement = Transfer {
            txn: &txn,
            seq,
            debit: self.book,
            credit: self.returns_to(conn, now).await?,
            amount: amount.into(),
            code: "expiry",
            note: None,
            now,
        };
        let row = transfer(conn, &movement).await?;
        lots::take(conn, self.id, row, amount).await
    }

    /// The book that it goes into.
    async fn returns_to<C: ConnectionTrait>(&self, conn: &C, now: UnixMs) -> Result<i64, DbErr> {
        match self.kind.as_str() {
            "bonus" => system_book(conn, System::Bonus).await,
            "adjustment" => system_book(conn, System::Adjustment).await,
            _ => book_of(conn, "breakage", Currency::Usd, 9, now).await,
        }
    }
}
