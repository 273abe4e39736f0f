//! Who checks the books of a day, and what came of it? One row a day: making it is how a node takes the day.

use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::Night;
use crate::db::{exec, one};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A check that did not end after this was broken off with its node.
const TAKEN_OVER_AFTER_MS: i64 = 60 * 60 * 1_000;
/// How long outcomes are kept.
const KEPT_MS: i64 = 90 * DAY_MS;

/// A check that came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    pub ended_at: UnixMs,
    /// Whether every invariant held.
    pub holds: bool,
}

/// The newest check that came to an end, of any node.
///
/// # Errors
/// When the database cannot be read.
pub async fn newest<C: ConnectionTrait>(conn: &C) -> Result<Option<Run>, DbErr> {
    let sql = "SELECT ended_at, holds FROM verify_run WHERE ended_at IS NOT NULL ORDER BY day DESC LIMIT 1";
    one(conn, sql, [])
        .await?
        .map(|row| {
            Ok(Run {
                ended_at: row.try_get("", "ended_at")?,
                holds: row.try_get::<i64>("", "holds")? != 0,
            })
        })
        .transpose()
}

impl Night {
    /// Whether this node is the one that checks the books of `day`.
    pub(super) async fn take(&self, day: UnixMs) -> Result<bool, DbErr> {
        let (db, now) = (&self.0.db, self.0.clock.now_ms());
        let broken_off = now - TAKEN_OVER_AFTER_MS;
        let sql = "SELECT 1 AS known FROM verify_run WHERE day = $1 AND (ended_at IS NOT NULL OR began_at >= $2)";
        let known = one(db.read(), sql, [day.into(), broken_off.into()]).await?;
        if known.is_some() {
            return Ok(false);
        }
        let sql = "INSERT INTO verify_run (day, node, began_at) VALUES ($1, $2, $3)
                   ON CONFLICT (day) DO UPDATE SET node = excluded.node, began_at = excluded.began_at
                   WHERE verify_run.ended_at IS NULL AND verify_run.began_at < $4";
        let values = [
            day.into(),
            self.0.node.clone().into(),
            now.into(),
            broken_off.into(),
        ];
        Ok(exec(db.write(), sql, values).await?.rows_affected() == 1)
    }

    /// Writes down what came of it, and forgets what is too old. False when another node has taken the day over.
    pub(super) async fn end<C: ConnectionTrait>(
        &self,
        conn: &C,
        day: UnixMs,
        holds: bool,
        found: &str,
    ) -> Result<bool, DbErr> {
        let now = self.0.clock.now_ms();
        let sql = "UPDATE verify_run SET ended_at = $3, holds = $4, found = $5 WHERE day = $1 AND node = $2 AND ended_at IS NULL";
        let values = [
            day.into(),
            self.0.node.clone().into(),
            now.into(),
            i64::from(holds).into(),
            found.into(),
        ];
        if exec(conn, sql, values).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let sql = "DELETE FROM verify_run WHERE day < $1";
        exec(conn, sql, [(now - KEPT_MS).into()]).await?;
        Ok(true)
    }

    /// Gives back the day that this node has taken and not ended.
    pub(super) async fn release(&self) -> Result<(), DbErr> {
        let sql = "UPDATE verify_run SET began_at = 0 WHERE node = $1 AND ended_at IS NULL";
        exec(self.0.db.write(), sql, [self.0.node.clone().into()])
            .await
            .map(|_| ())
    }
}
