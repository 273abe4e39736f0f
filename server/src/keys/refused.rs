//! Which calls were turned away? Counted in memory per key, hour and reason, and written every few seconds: a flood
//! makes a number, not rows.

use std::collections::HashMap;
use std::time::Duration;

use domain::ids::{KeyId, WorkspaceId};
use domain::views::UnixMs;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{KeyError, Keys};
use crate::db;

const WRITE_EVERY: Duration = Duration::from_secs(5);
const HOUR_MS: i64 = 3_600_000;
/// Longer than the longest range that anybody can look at.
pub const KEPT_MS: i64 = 400 * 24 * HOUR_MS;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Kind {
    workspace: WorkspaceId,
    key: KeyId,
    /// The moment at which the hour began.
    hour: UnixMs,
    code: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    count: i64,
    last_at: UnixMs,
}

/// Refusals since the last writing.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<Kind, Count>>);

impl Refusals {
    fn add(&self, kind: Kind, more: Count) {
        let mut counts = self.0.lock();
        let count = counts.entry(kind).or_insert(Count {
            count: 0,
            last_at: more.last_at,
        });
        count.count = count.count.saturating_add(more.count);
        count.last_at = count.last_at.max(more.last_at);
    }
}

impl Keys {
    /// Notes that a call with this key was refused now, before it cost anything; `code` is the problem's. No IO.
    pub fn refused(&self, workspace: WorkspaceId, key: KeyId, code: &'static str) {
        let now = self.inner.clock.now_ms();
        let kind = Kind {
            workspace,
            key,
            hour: now - now.rem_euclid(HOUR_MS),
            code,
        };
        let one = Count {
            count: 1,
            last_at: now,
        };
        self.inner.refusals.add(kind, one);
    }

    /// Writes what was counted, in one transaction, and says how many rows that were. When it fails nothing is lost.
    ///
    /// # Errors
    /// No database.
    pub async fn write_refusals(&self) -> Result<usize, KeyError> {
        let counted = std::mem::take(&mut *self.inner.refusals.0.lock());
        if counted.is_empty() {
            return Ok(0);
        }
        // In one order on every node, as touches are.
        let mut rows: Vec<_> = counted.into_iter().collect();
        rows.sort_unstable_by_key(|(kind, _)| *kind);
        let written = self.write_counts(&rows).await;
        if written.is_err() {
            for (kind, count) in &rows {
                self.inner.refusals.add(*kind, *count);
            }
        }
        written.map(|()| rows.len())
    }

    async fn write_counts(&self, rows: &[(Kind, Count)]) -> Result<(), KeyError> {
        let sql = "INSERT INTO refused_call (workspace_id, key_id, hour, code, count, last_at)
                   VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (workspace_id, key_id, hour, code) DO UPDATE SET
                       count = refused_call.count + excluded.count,
                       last_at = CASE WHEN excluded.last_at > refused_call.last_at
                                      THEN excluded.last_at ELSE refused_call.last_at END";
        let tx = self.inner.db.begin().await?;
        for (kind, count) in rows {
            let values = [
                kind.workspace.to_string().into(),
                kind.key.to_string().into(),
                kind.hour.into(),
                kind.code.into(),
                count.count.into(),
                count.last_at.into(),
            ];
            db::exec(&tx, sql, values).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Deletes counts of hours that nobody can look at any more, and answers how many there were.
    ///
    /// # Errors
    /// No database.
    pub async fn sweep_refusals(&self) -> Result<u64, KeyError> {
        let sql = "DELETE FROM refused_call WHERE hour < $1";
        let oldest: UnixMs = self.inner.clock.now_ms().saturating_sub(KEPT_MS);
        let swept = db::exec(self.inner.db.write(), sql, [oldest.into()]).await?;
        Ok(swept.rows_affected())
    }

    /// Writes every few seconds until told to stop, and once more then. The binary runs it beside the server.
    pub async fn keep_refusals(self, stop: CancellationToken) {
        loop {
            let stopping = tokio::time::timeout(WRITE_EVERY, stop.cancelled())
                .await
                .is_ok();
            if let Err(error) = self.write_refusals().await {
                tracing::warn!(%error, "refused calls could not be written; tried again in a few seconds");
            }
            if stopping {
                return;
            }
        }
    }
}
