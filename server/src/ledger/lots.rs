//! Which credit is spent first? Lots, in the published order: priority, then the earliest expiry, then bonus and
//! adjustment credit before paid credit (so that refunds stay possible), then age.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, Value};

use crate::db::{all, among, exec, insert_all, one, table};

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

/// What one movement takes out of a wallet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Consumption {
    pub(super) book: i64,
    pub(super) transfer: i64,
    pub(super) amount: Amount,
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
    let consumption = Consumption {
        book,
        transfer,
        amount,
    };
    consume_all(conn, &[consumption]).await
}

/// The same for many movements, in their order: three statements, or a few more where very many lots are touched.
///
/// # Errors
/// As [`consume`].
pub(super) async fn consume_all<C: ConnectionTrait>(
    conn: &C,
    consumed: &[Consumption],
) -> Result<(), DbErr> {
    if consumed.is_empty() {
        return Ok(());
    }
    let mut lots = full(conn, consumed.iter().map(|taken| taken.book).collect()).await?;
    let mut parts = Vec::new();
    for taken in consumed {
        let of_book = lots.entry(taken.book).or_default();
        let mut left = taken.amount.nanos();
        while left > 0 {
            let Some((lot, remaining)) = of_book.front_mut() else {
                return Err(DbErr::Custom(format!(
                    "the lots of book {} hold {left} nano-dollars less than the wallet",
                    taken.book
                )));
            };
            let part = left.min(*remaining);
            parts.push((taken.transfer, *lot, part));
            left -= part;
            *remaining -= part;
            if *remaining == 0 {
                of_book.pop_front();
            }
        }
    }
    for parts in parts.chunks(PARTS_MAX) {
        write_parts(conn, parts).await?;
    }
    Ok(())
}

/// Lots touched by one statement: what databases admit in values is more.
const PARTS_MAX: usize = 2_000;

/// The lots of these books that still hold something, in the published order.
async fn full<C: ConnectionTrait>(
    conn: &C,
    books: BTreeSet<i64>,
) -> Result<BTreeMap<i64, VecDeque<(i64, i64)>>, DbErr> {
    let (those, values) = among(conn, "book_id", books.into_iter().map(Value::from))?;
    let sql = format!(
        "SELECT id, book_id, remaining FROM lot WHERE {those} AND remaining > 0
         ORDER BY book_id, priority, coalesce(expires_at, 9223372036854775807), CASE WHEN kind = 'paid' THEN 1 ELSE 0 END, id"
    );
    let mut lots: BTreeMap<i64, VecDeque<(i64, i64)>> = BTreeMap::new();
    for row in all(conn, &sql, values).await? {
        let lot = (row.try_get("", "id")?, row.try_get("", "remaining")?);
        let book = row.try_get("", "book_id")?;
        lots.entry(book).or_default().push_back(lot);
    }
    Ok(lots)
}

/// Each part is a movement, a lot and nano-dollars.
async fn write_parts<C: ConnectionTrait>(conn: &C, parts: &[(i64, i64, i64)]) -> Result<(), DbErr> {
    let mut by_lot: BTreeMap<i64, i64> = BTreeMap::new();
    for (_, lot, amount) in parts {
        let sum = by_lot.entry(*lot).or_default();
        *sum = sum.saturating_add(*amount);
    }
    let by_lot = by_lot
        .into_iter()
        .map(|(lot, amount)| [lot.into(), amount.into()]);
    let (taken, values) = table(conn, by_lot.collect())?;
    let sql = format!(
        "WITH taken (lot, amount) AS ({taken})
         UPDATE lot SET remaining = lot.remaining - taken.amount FROM taken WHERE lot.id = taken.lot"
    );
    exec(conn, &sql, values).await?;
    note_parts(conn, parts).await
}

async fn note_parts<C: ConnectionTrait>(conn: &C, parts: &[(i64, i64, i64)]) -> Result<(), DbErr> {
    let into = "lot_part (transfer_id, lot_id, amount)";
    let rows = parts
        .iter()
        .map(|(transfer, lot, amount)| [(*transfer).into(), (*lot).into(), (*amount).into()]);
    insert_all(conn, into, rows.collect(), "").await.map(|_| ())
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
    note_parts(conn, &[(transfer, lot, amount.nanos())]).await
}
