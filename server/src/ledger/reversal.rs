//! How does a charge go back whose caller was told that nothing is charged? Into the same lots, out of the operator's
//! pocket.
//!
//! It happens when COMMIT was sent, its answer never came, and the caller could not be kept waiting: the flush may be in
//! the database or not. When it turns out that it is, what was promised is kept.

use domain::Amount;
use domain::ids::CallId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::db::{all, exec, for_update, one, places};

use super::books::{System, Transfer, system_book, transfer_once};
use super::lots;

/// Gives the charges of these calls back, in the caller's transaction. One that went back before stays so.
///
/// # Errors
/// When the database refuses.
pub(super) async fn apply<C: ConnectionTrait>(
    conn: &C,
    now: UnixMs,
    calls: &[CallId],
) -> Result<(), DbErr> {
    lock_wallets(conn, calls).await?;
    for call in calls {
        reverse(conn, now, *call).await?;
    }
    Ok(())
}

/// All of them first, in the order in which flushes lock them.
async fn lock_wallets<C: ConnectionTrait>(conn: &C, calls: &[CallId]) -> Result<(), DbErr> {
    let sql = format!(
        "SELECT id FROM book WHERE id IN (SELECT t.debit_id FROM call c
            JOIN transfer t ON t.txn_id = c.txn_id AND t.seq = 0 AND t.code = 'usage' WHERE c.id IN ({})) ORDER BY id{}",
        places(calls.len()),
        for_update(conn)
    );
    let ids = calls.iter().map(|call| call.to_string().into());
    all(conn, &sql, ids).await.map(|_| ())
}

async fn reverse<C: ConnectionTrait>(conn: &C, now: UnixMs, call: CallId) -> Result<(), DbErr> {
    let id = call.to_string();
    let sql = "SELECT c.charge_nusd, c.txn_id, t.id AS transfer, t.debit_id AS book FROM call c
               JOIN transfer t ON t.txn_id = c.txn_id AND t.seq = 0 AND t.code = 'usage'
               WHERE c.id = $1 AND c.charge_nusd > 0";
    // Nothing was charged for it, or it went back already.
    let Some(row) = one(conn, sql, [id.clone().into()]).await? else {
        return Ok(());
    };
    let charge = Amount::from_nanos(row.try_get("", "charge_nusd")?);
    let (book, flush): (i64, i64) = (row.try_get("", "book")?, row.try_get("", "transfer")?);
    let txn = format!("reversal:{call}");
    let movement = Transfer {
        txn: &txn,
        seq: 0,
        debit: system_book(conn, System::OperatorLoss).await?,
        credit: book,
        amount: charge.into(),
        code: "reversal",
        note: None,
        now,
    };
    let Some(transfer) = transfer_once(conn, &movement).await? else {
        return Ok(());
    };
    let mut left = charge;
    for part in taken(conn, flush, &row.try_get::<String>("", "txn_id")?).await? {
        let (lot, amount) = read(&part)?;
        let amount = amount.min(left);
        if !amount.is_zero() {
            lots::put_back(conn, lot, transfer, amount).await?;
            left = left.minus_or_zero(amount);
        }
    }
    if !left.is_zero() {
        return Err(DbErr::Custom(format!(
            "the lots that paid for {call} are {left} short of its charge"
        )));
    }
    let sql = "UPDATE call SET reversed_nusd = charge_nusd, charge_nusd = 0 WHERE id = $1";
    exec(conn, sql, [id.into()]).await?;
    tracing::warn!(call.id = %call, "A charge went back: its caller had been told that there is none");
    Ok(())
}

/// What a flush took from each lot and no reversal has put back, the last that was taken first: so the lots are as if the
/// call had never been.
async fn taken<C: ConnectionTrait>(
    conn: &C,
    flush: i64,
    txn: &str,
) -> Result<Vec<QueryResult>, DbErr> {
    let sql = "SELECT p.lot_id, CAST(p.amount - coalesce((SELECT sum(b.amount) FROM lot_part b
                   JOIN transfer r ON r.id = b.transfer_id AND r.code = 'reversal'
                   JOIN call c ON r.txn_id = 'reversal:' || c.id AND c.txn_id = $2
                   WHERE b.lot_id = p.lot_id), 0) AS BIGINT) AS amount
               FROM lot_part p JOIN lot l ON l.id = p.lot_id WHERE p.transfer_id = $1
               ORDER BY l.priority DESC, coalesce(l.expires_at, 9223372036854775807) DESC,
                   CASE WHEN l.kind = 'paid' THEN 1 ELSE 0 END DESC, l.id DESC";
    all(conn, sql, [flush.into(), txn.into()]).await
}

fn read(row: &QueryResult) -> Result<(i64, Amount), DbErr> {
    let amount = Amount::from_nanos(row.try_get("", "amount")?);
    Ok((row.try_get("", "lot_id")?, amount))
}
