//! Which credit is spent first? Lots, in the published order: priority, then the earliest expiry, then bonus and
//! adjustment credit before paid credit (so that refunds stay possible), then age.

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use crate::db::{all, exec, one};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LotKind {
    Adjustment,
    Bonus,
    Paid,
}

impl LotKind {
    const fn id(self) -> &'static str {
        match self {
            Self::Adjustment => "adjustment",
            Self::Bonus => "bonus",
            Self::Paid => "paid",
        }
    }
}

/// A portion of credit that enters a wallet.
pub(super) struct NewLot<'a> {
    pub(super) book: i64,
    pub(super) kind: LotKind,
    pub(super) amount: Amount,
    /// The movement that brought it.
    pub(super) txn: &'a str,
    /// `None` does not expire.
    pub(super) expires_at: Option<UnixMs>,
    pub(super) now: UnixMs,
}

pub(super) async fn open<C: ConnectionTrait>(conn: &C, lot: &NewLot<'_>) -> Result<(), DbErr> {
    let sql = "INSERT INTO lot (book_id, kind, original, remaining, txn_id, expires_at, created_at)
               VALUES ($1, $2, $3, $3, $4, $5, $6)";
    let values = [
        lot.book.into(),
        lot.kind.id().into(),
        lot.amount.nanos().into(),
        lot.txn.into(),
        lot.expires_at.into(),
        lot.now.into(),
    ];
    exec(conn, sql, values).await?;
    Ok(())
}

/// Takes `amount` out of the book's lots in the published order and notes what was taken from which.
///
/// # Errors
/// When the lots hold less than `amount`: the wallet and its lots disagree, so nothing may be committed.
pub(super) async fn consume<C: ConnectionTrait>(
    conn: &C,
    book: i64,
    transfer: i64,
    amount: Amount,
) -> Result<(), DbErr> {
    let sql = "SELECT id, remaining FROM lot WHERE book_id = $1 AND remaining > 0
               ORDER BY priority, coalesce(expires_at, 9223372036854775807), CASE WHEN kind = 'paid' THEN 1 ELSE 0 END, id";
    let mut left = amount.nanos();
    for row in all(conn, sql, [book.into()]).await? {
        if left == 0 {
            break;
        }
        let (lot, remaining): (i64, i64) = (row.try_get("", "id")?, row.try_get("", "remaining")?);
        let part = left.min(remaining);
        take(conn, lot, transfer, Amount::from_nanos(part)).await?;
        left -= part;
    }
    if left == 0 {
        Ok(())
    } else {
        Err(DbErr::Custom(format!(
            "the lots of book {book} hold {left} nano-dollars less than the wallet"
        )))
    }
}

/// One lot as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lot {
    pub(super) id: i64,
    pub(super) remaining: Amount,
}

/// The lot that a movement brought into the book. Its wallet is locked by the caller.
pub(super) async fn of_txn<C: ConnectionTrait>(
    conn: &C,
    book: i64,
    txn: &str,
) -> Result<Option<Lot>, DbErr> {
    let sql = "SELECT id, remaining FROM lot WHERE txn_id = $2 AND book_id = $1";
    one(conn, sql, [book.into(), txn.into()])
        .await?
        .map(|row| {
            Ok(Lot {
                id: row.try_get("", "id")?,
                remaining: Amount::from_nanos(row.try_get("", "remaining")?),
            })
        })
        .transpose()
}

/// Takes so much out of this one lot.
///
/// # Errors
/// When there is less in it: the schema refuses.
pub(super) async fn take<C: ConnectionTrait>(
    conn: &C,
    lot: i64,
    transfer: i64,
    amount: Amount,
) -> Result<(), DbErr> {
    let sql = "UPDATE lot SET remaining = remaining - $2 WHERE id = $1";
    moved(conn, sql, lot, transfer, amount).await
}

/// Puts so much back into the lot that it was taken from. The movement that did it is one into the wallet, which tells
/// its part from one that was taken.
///
/// # Errors
/// When more would be in it than ever was: the schema refuses.
pub(super) async fn put_back<C: ConnectionTrait>(
    conn: &C,
    lot: i64,
    transfer: i64,
    amount: Amount,
) -> Result<(), DbErr> {
    let sql = "UPDATE lot SET remaining = remaining + $2 WHERE id = $1";
    moved(conn, sql, lot, transfer, amount).await
}

async fn moved<C: ConnectionTrait>(
    conn: &C,
    update: &str,
    lot: i64,
    transfer: i64,
    amount: Amount,
) -> Result<(), DbErr> {
    exec(conn, update, [lot.into(), amount.nanos().into()]).await?;
    let sql = "INSERT INTO lot_part (transfer_id, lot_id, amount) VALUES ($1, $2, $3)";
    let values = [transfer.into(), lot.into(), amount.nanos().into()];
    exec(conn, sql, values).await?;
    Ok(())
}
