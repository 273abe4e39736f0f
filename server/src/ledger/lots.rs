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
    pub(super) amount: Amount,
}

/// What one movement takes out of one lot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Which of the consumptions asked for it, or the movement's row.
    pub(super) of: i64,
    pub(super) lot: i64,
    pub(super) nanos: i64,
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
    let mut parts = choose(conn, &[Consumption { book, amount }]).await?;
    parts.iter_mut().for_each(|part| part.of = transfer);
    take_parts(conn, &parts).await
}

/// What each consumption takes from which lot, in their order; nothing is written yet. The wallets are locked.
///
/// # Errors
/// As [`consume`].
pub(super) async fn choose<C: ConnectionTrait>(
    conn: &C,
    consumed: &[Consumption],
) -> Result<Vec<Part>, DbErr> {
    if consumed.is_empty() {
        return Ok(Vec::new());
    }
    let mut lots = full(conn, consumed.iter().map(|taken| taken.book).collect()).await?;
    let mut parts = Vec::with_capacity(consumed.len());
    for (of, taken) in (0_i64..).zip(consumed) {
        let of_book = lots.entry(taken.book).or_default();
        let mut left = taken.amount.nanos();
        while left > 0 {
            let Some((lot, remaining)) = of_book.front_mut() else {
                return Err(DbErr::Custom(format!(
                    "the lots of book {} hold {left} nano-dollars less than the wallet",
                    taken.book
                )));
            };
            let nanos = left.min(*remaining);
            let lot = *lot;
            parts.push(Part { of, lot, nanos });
            left -= nanos;
            *remaining -= nanos;
            if *remaining == 0 {
                of_book.pop_front();
            }
        }
    }
    Ok(parts)
}

/// Takes the parts out of their lots and notes them. By now they name their movements' rows.
pub(super) async fn take_parts<C: ConnectionTrait>(conn: &C, parts: &[Part]) -> Result<(), DbErr> {
    for parts in parts.chunks(PARTS_MAX) {
        let (taken, values) = table(conn, by_lot(parts))?;
        let sql = format!(
            "WITH taken (lot, amount) AS ({taken})
             UPDATE lot SET remaining = lot.remaining - taken.amount FROM taken WHERE lot.id = taken.lot"
        );
        exec(conn, &sql, values).await?;
        note_parts(conn, parts).await?;
    }
    Ok(())
}

/// What is taken from each lot: its id and nano-dollars.
pub(super) fn by_lot(parts: &[Part]) -> Vec<[Value; 2]> {
    let mut by_lot: BTreeMap<i64, i64> = BTreeMap::new();
    for part in parts {
        let sum = by_lot.entry(part.lot).or_default();
        *sum = sum.saturating_add(part.nanos);
    }
    let rows = by_lot.into_iter();
    rows.map(|(lot, nanos)| [lot.into(), nanos.into()])
        .collect()
}

/// Lots touched by one statement: what databases admit in values is more.
const PARTS_MAX: usize = 2_000;

/// The lots of these books that still hold something, in the published order. That is said twice, because the index of
/// them is by `open` on PostgreSQL, by `remaining` on SQLite.
async fn full<C: ConnectionTrait>(
    conn: &C,
    books: BTreeSet<i64>,
) -> Result<BTreeMap<i64, VecDeque<(i64, i64)>>, DbErr> {
    let (those, values) = among(conn, "book_id", books.into_iter().map(Value::from))?;
    let sql = format!(
        "SELECT id, book_id, remaining FROM lot WHERE {those} AND remaining > 0 AND open = 1
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

async fn note_parts<C: ConnectionTrait>(conn: &C, parts: &[Part]) -> Result<(), DbErr> {
    let rows = parts
        .iter()
        .map(|part| [part.of.into(), part.lot.into(), part.nanos.into()]);
    insert_all(conn, INTO_PARTS, rows.collect(), "")
        .await
        .map(|_| ())
}

/// Table and columns of what was taken from which lot.
pub(super) const INTO_PARTS: &str = "lot_part (transfer_id, lot_id, amount)";

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
    let part = Part {
        of: transfer,
        lot,
        nanos: amount.nanos(),
    };
    note_parts(conn, &[part]).await
}
