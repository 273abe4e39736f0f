//! Do the receipts hold? Questions for `farebox ledger verify`: every series is whole, every paper is as it was written.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};

use super::number::ReceiptNumber;
use super::seal::{COLUMNS, Row};
use crate::db::all;

/// Receipts read at once; memory stays flat however many there are.
const PAGE: i64 = 1_000;
const OFFENDERS_MAX: usize = 100;

/// Each names the rows that break its rule; none is the answer wanted.
pub(crate) const QUESTIONS: [(&str, &str, &str); 1] = [(
    "I10",
    "the numbers of every series of receipts go from one to the last without a gap, and every credit note is of a \
     receipt of its order, never above it",
    "SELECT 'series ' || s.series || ': next is ' || s.next_no || ', but ' || coalesce(r.papers, 0) || ' numbers from '
            || coalesce(r.first, 0) || ' to ' || coalesce(r.last, 0) AS offender
     FROM receipt_series s
     LEFT JOIN (SELECT series, count(*) AS papers, min(no) AS first, max(no) AS last FROM receipt GROUP BY series) r
        ON r.series = s.series
     WHERE s.next_no <> coalesce(r.papers, 0) + 1 OR coalesce(r.last, 0) <> coalesce(r.papers, 0)
        OR coalesce(r.first, 1) <> 1
     UNION ALL SELECT 'credit note ' || n.series || ' number ' || n.no || ': of another order, wallet or currency'
     FROM receipt n JOIN receipt r ON r.series = n.of_series AND r.no = n.of_no
     WHERE n.kind = 'credit_note' AND (r.kind <> 'receipt' OR r.order_id <> n.order_id
        OR r.workspace_id <> n.workspace_id OR r.currency <> n.currency)
     UNION ALL SELECT 'receipt ' || r.series || ' number ' || r.no || ': more went back than was paid'
     FROM receipt r JOIN (SELECT of_series, of_no, sum(paid_coins) AS back FROM receipt WHERE kind = 'credit_note'
        GROUP BY of_series, of_no) n ON n.of_series = r.series AND n.of_no = r.no
     WHERE n.back > r.paid_coins",
)];

/// Credited orders and their receipts, where they differ.
const OF_ORDERS: &str = "SELECT 'order ' || o.id || ': ' || CASE WHEN r.order_id IS NULL THEN 'no receipt'
            ELSE 'its receipt says something else' END AS offender
     FROM orders o LEFT JOIN receipt r ON r.order_id = o.id AND r.kind = 'receipt'
     WHERE o.settled_at IS NOT NULL AND (r.order_id IS NULL OR r.workspace_id <> o.workspace_id OR r.currency <> o.currency
        OR r.paid_coins <> o.paid_coins OR r.credited_nusd <> o.credited_nusd OR r.bonus_nusd <> o.bonus_nusd)
     UNION ALL SELECT 'receipt ' || r.series || ' number ' || r.no || ': of an order that was not credited'
     FROM receipt r LEFT JOIN orders o ON o.id = r.order_id WHERE o.settled_at IS NULL";

/// Credited orders without a receipt of what was credited, and receipts of orders that were not.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn wrong_orders<C: ConnectionTrait>(conn: &C) -> Result<Vec<String>, DbErr> {
    let there = match conn.get_database_backend() {
        DbBackend::Postgres => {
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'orders'"
        }
        _ => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'orders'",
    };
    if all(conn, there, []).await?.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{OF_ORDERS} LIMIT {OFFENDERS_MAX}");
    let rows = all(conn, &sql, []).await?;
    rows.iter().map(|row| row.try_get("", "offender")).collect()
}

/// Receipts that are not what they were when they were written.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn broken_seals<C: ConnectionTrait>(conn: &C) -> Result<Vec<String>, DbErr> {
    let sql = format!(
        "SELECT {COLUMNS} FROM receipt WHERE series > $1 OR (series = $1 AND no > $2) ORDER BY series, no LIMIT $3"
    );
    let mut offenders = Vec::new();
    let (mut series, mut no) = (String::new(), 0_i64);
    loop {
        let rows = all(conn, &sql, [series.clone().into(), no.into(), PAGE.into()]).await?;
        for row in &rows {
            let row = Row::of(row)?;
            let intact = row.seal() == row.sha256;
            (series, no) = (row.series, row.no);
            if !intact && offenders.len() < OFFENDERS_MAX {
                let number = ReceiptNumber {
                    series: series.clone(),
                    no,
                };
                offenders.push(format!("receipt {number}"));
            }
        }
        if rows.is_empty() {
            return Ok(offenders);
        }
    }
}
