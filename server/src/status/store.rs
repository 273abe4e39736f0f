//! How are the figures kept? Rows per hour, written so that several nodes may do it at once.

use std::collections::BTreeMap;

use domain::views::UnixMs;
use sea_orm::DbErr;

use super::history::{DAYS, hour_of};
use super::{DAY_MS, HOUR_MS, Part, family};
use crate::db::{Db, all, exec, one};

/// Calls are counted so often, by one node.
const TURN_MS: i64 = 5 * 60_000;

/// Minutes of an hour, the first the lowest bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bits {
    pub up: i64,
    pub down: i64,
}

pub async fn put_minutes(db: &Db, part: Part, hour: UnixMs, bits: Bits) -> Result<(), DbErr> {
    let sql = "INSERT INTO status_minutes (part, hour, up, down) VALUES ($1, $2, $3, $4)
               ON CONFLICT (part, hour) DO UPDATE SET up = status_minutes.up | excluded.up,
                   down = status_minutes.down | excluded.down";
    let values = [
        part.id().into(),
        hour.into(),
        bits.up.into(),
        bits.down.into(),
    ];
    exec(db.write(), sql, values).await.map(|_| ())
}

/// Whether this node is the one that counts now. A node that dies while it counts is followed at the next turn.
pub async fn take_turn(db: &Db, now: UnixMs) -> Result<bool, DbErr> {
    let sql = "UPDATE status_turn SET next_at = $1 WHERE id = 1 AND next_at <= $2";
    let done = exec(db.write(), sql, [(now + TURN_MS).into(), now.into()]).await?;
    Ok(done.rows_affected() == 1)
}

/// Counts the calls of the hours in which something may have changed, and forgets what is too old to be shown.
///
/// A call is written at most some eleven minutes after it began, so the hour before the last count is the oldest. After
/// a long stop the last day is counted at most.
pub async fn count_calls(db: &Db, now: UnixMs) -> Result<(), DbErr> {
    let sql = "SELECT counted_to FROM status_turn WHERE id = 1";
    let row = one(db.read(), sql, []).await?;
    let counted_to: i64 = row.map_or(Ok(0), |row| row.try_get("", "counted_to"))?;
    let from = hour_of((counted_to - HOUR_MS).max(now - DAY_MS));
    // Calls of test keys are not the service's. What a caller ended, or did wrong, is no failure.
    let sql = "SELECT model, (created_at / 3600000) * 3600000 AS hour,
                   CAST(SUM(CASE WHEN ending = 'finished' THEN 1 ELSE 0 END) AS BIGINT) AS answered,
                   CAST(SUM(CASE WHEN ending = 'upstream_failed'
                       AND (http_status < 400 OR http_status = 429 OR http_status >= 500) THEN 1 ELSE 0 END) AS BIGINT) AS failed
               FROM call WHERE created_at >= $1 AND rule <> 'test_key'
               GROUP BY model, (created_at / 3600000) * 3600000";
    let mut sums: BTreeMap<(String, i64), (i64, i64)> = BTreeMap::new();
    for row in all(db.read(), sql, [from.into()]).await? {
        let model: Option<String> = row.try_get("", "model")?;
        let Some(model) = model else { continue };
        let key = (family(&model).to_owned(), row.try_get("", "hour")?);
        let sum = sums.entry(key).or_default();
        sum.0 += row.try_get::<i64>("", "answered")?;
        sum.1 += row.try_get::<i64>("", "failed")?;
    }
    let tx = db.begin().await?;
    for ((family, hour), (answered, failed)) in sums {
        let sql = "INSERT INTO status_calls (family, hour, answered, failed) VALUES ($1, $2, $3, $4)
                   ON CONFLICT (family, hour) DO UPDATE SET answered = excluded.answered, failed = excluded.failed";
        let values = [family.into(), hour.into(), answered.into(), failed.into()];
        exec(&tx, sql, values).await?;
    }
    let oldest = now - (i64::from(DAYS) + 1) * DAY_MS;
    for table in ["status_minutes", "status_calls"] {
        let sql = format!("DELETE FROM {table} WHERE hour < $1");
        exec(&tx, &sql, [oldest.into()]).await?;
    }
    let sql = "UPDATE status_turn SET counted_to = $1 WHERE id = 1";
    exec(&tx, sql, [now.into()]).await?;
    tx.commit().await
}
