//! Which credit is spent first? Lots, in the published order: priority, then the earliest expiry, then bonus and
//! adjustment credit before paid credit (so that refunds stay possible), then age.

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use crate::db::{all, exec};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LotKind {
    Adjustment,
    Bonus,
}

impl LotKind {
    const fn id(self) -> &'static str {
        match self {
            Self::Adjustment => "adjustment",
            Self::Bonus => "bonus",
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
        exec(
            conn,
            "UPDATE lot SET remaining = remaining - $2 WHERE id = $1",
            [lot.into(), part.into()],
        )
        .await?;
        let sql = "INSERT INTO lot_part (transfer_id, lot_id, amount) VALUES ($1, $2, $3)";
        exec(conn, sql, [transfer.into(), lot.into(), part.into()]).await?;
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
