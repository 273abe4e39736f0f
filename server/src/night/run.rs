//! Who checks the books of a day, and what came of it? One row a day: making it is how a node takes the day.

use std::convert::Infallible;
use std::time::Duration;

use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::Night;
use crate::db::{exec, one};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// A check that nobody kept for so long was broken off with its node.
const TAKEN_OVER_AFTER_MS: i64 = 60 * 60 * 1_000;
/// How often a node that checks says so.
const KEPT_EVERY: Duration = Duration::from_secs(10 * 60);
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

    /// Keeps the day for this node as long as it is waited for: of many calls a check takes hours.
    pub(super) async fn keep_day(&self, day: UnixMs) -> Infallible {
        loop {
            tokio::time::sleep(KEPT_EVERY).await;
            if let Err(error) = self.say_so(day).await {
                tracing::warn!(%error, "Other nodes could not be told that this one checks the books; told again in ten minutes");
            }
        }
    }

    async fn say_so(&self, day: UnixMs) -> Result<(), DbErr> {
        let now = self.0.clock.now_ms();
        let sql =
            "UPDATE verify_run SET began_at = $3 WHERE day = $1 AND node = $2 AND ended_at IS NULL";
        let values = [day.into(), self.0.node.clone().into(), now.into()];
        exec(self.0.db.write(), sql, values).await.map(|_| ())
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn a_day_is_taken_over_from_a_node_that_says_nothing_for_an_hour() {
        const MINUTE_MS: i64 = 60 * 1_000;
        let db = crate::testing::db().await;
        let clock = Clock::fixed(DAY_MS);
        let node = |name| Night::new(db.db.clone(), clock.clone(), name);
        let (one, other) = (node("one"), node("other"));
        assert!(one.take(DAY_MS).await.unwrap());
        for _ in 0..3 {
            clock.advance(50 * MINUTE_MS);
            one.say_so(DAY_MS).await.unwrap();
            assert!(!other.take(DAY_MS).await.unwrap());
        }
        clock.advance(61 * MINUTE_MS);
        assert!(other.take(DAY_MS).await.unwrap());
        // It goes on as if nothing had happened, and keeps nothing.
        one.say_so(DAY_MS).await.unwrap();
        assert!(!one.end(db.write(), DAY_MS, true, "[]").await.unwrap());
        assert!(other.end(db.write(), DAY_MS, true, "[]").await.unwrap());
    }
}
