//! How many servers share this installation? Each says every few seconds that it lives. Limits per minute are split by
//! it; money is not, which has leases.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sea_orm::{DbBackend, DbErr};
use tokio_util::sync::CancellationToken;

use crate::db::{self, Db, db_now};

const BEAT_EVERY: Duration = Duration::from_secs(3);
/// A node that was silent for so long has gone: three beats and a second.
const LIVES_MS: i64 = 10_000;

/// The servers of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Nodes(Arc<Inner>);

struct Inner {
    db: Db,
    id: String,
    live: AtomicU32,
}

impl Nodes {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Inner {
            db,
            id: format!("node_{}", uuid::Uuid::now_v7().as_simple()),
            live: AtomicU32::new(1),
        }))
    }

    /// How many lived at the last look, this one included; at least one.
    #[must_use]
    pub fn live(&self) -> u32 {
        self.0.live.load(Ordering::Relaxed)
    }

    /// Says that this node lives, forgets those that do not, and counts. Only a server does.
    ///
    /// # Errors
    /// No database; then what was counted last stays.
    pub async fn beat(&self) -> Result<u32, DbErr> {
        let conn = self.0.db.write();
        let now = db_now(conn);
        let sql = format!(
            "INSERT INTO node (id, seen_at) VALUES ($1, {now})
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
        );
        db::exec(conn, &sql, [self.0.id.clone().into()]).await?;
        let sql = format!("DELETE FROM node WHERE seen_at < {now} - $1");
        db::exec(conn, &sql, [LIVES_MS.into()]).await?;
        let row = db::one(conn, "SELECT COUNT(*) AS live FROM node", []).await?;
        let live = row.map_or(Ok(1), |row| row.try_get::<i64>("", "live"))?;
        let live = u32::try_from(live).unwrap_or(1).max(1);
        self.0.live.store(live, Ordering::Relaxed);
        Ok(live)
    }

    /// Takes this node off the list.
    ///
    /// # Errors
    /// No database; the others notice the silence.
    pub async fn leave(&self) -> Result<(), DbErr> {
        let sql = "DELETE FROM node WHERE id = $1";
        db::exec(self.0.db.write(), sql, [self.0.id.clone().into()]).await?;
        Ok(())
    }

    /// Beats until told to stop, and leaves then. An embedded database has one server, which needs no list.
    pub async fn keep(self, stop: CancellationToken) {
        if self.0.db.backend() == DbBackend::Sqlite {
            return;
        }
        let mut tick = tokio::time::interval(BEAT_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.beat().await {
                tracing::warn!(%error, "The list of servers cannot be kept; limits per minute are split as before");
            }
        }
        // Where it fails the others notice within ten seconds.
        self.leave().await.ok();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn nodes_count_each_other_and_forget_the_silent() {
        let db = testing::db().await;
        let (one, two) = (Nodes::new(db.db.clone()), Nodes::new(db.db.clone()));
        assert_eq!(one.live(), 1);
        assert_eq!(one.beat().await.unwrap(), 1);
        assert_eq!(two.beat().await.unwrap(), 2);
        assert_eq!(one.live(), 1, "not looked yet");
        assert_eq!(one.beat().await.unwrap(), 2);
        let silent = "UPDATE node SET seen_at = seen_at - 11000 WHERE id = $1";
        db::exec(db.write(), silent, [two.0.id.clone().into()])
            .await
            .unwrap();
        assert_eq!(one.beat().await.unwrap(), 1);
        assert_eq!(two.beat().await.unwrap(), 2, "it speaks again");
        two.leave().await.unwrap();
        assert_eq!(one.beat().await.unwrap(), 1);
    }
}
