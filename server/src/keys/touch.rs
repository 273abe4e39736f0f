//! When was each key last used? Noted in memory on every call, written at most once a minute.

use std::collections::HashMap;
use std::time::Duration;

use domain::ids::KeyId;
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use tokio_util::sync::CancellationToken;

use super::table::{Column, Entity};
use super::{KeyError, Keys};

const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Keys used since the last writing. As many entries as there are keys in use.
#[derive(Default)]
pub(super) struct Touches(Mutex<HashMap<KeyId, UnixMs>>);

impl Keys {
    /// Notes that a key was used now. No IO: the hot path calls it.
    pub fn touch(&self, id: KeyId) {
        let now = self.inner.clock.now_ms();
        self.inner.touches.0.lock().insert(id, now);
    }

    /// Writes what was noted, in one transaction, and says how many keys that were. When it fails nothing is lost.
    ///
    /// # Errors
    /// No database.
    pub async fn write_touches(&self) -> Result<usize, KeyError> {
        let noted = std::mem::take(&mut *self.inner.touches.0.lock());
        if noted.is_empty() {
            return Ok(0);
        }
        let written = self.write(&noted).await;
        if written.is_err() {
            let mut newer = self.inner.touches.0.lock();
            for (&id, &at) in &noted {
                newer.entry(id).or_insert(at);
            }
        }
        written.map(|()| noted.len())
    }

    async fn write(&self, noted: &HashMap<KeyId, UnixMs>) -> Result<(), KeyError> {
        // In one order on every node: two nodes that update the same rows crosswise would wait for each other.
        let mut noted: Vec<_> = noted.iter().collect();
        noted.sort_unstable();
        let tx = self.inner.db.begin().await?;
        for (id, &at) in noted {
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::value(at))
                .filter(Column::Id.eq(id.to_string()))
                // Another node may have seen it later.
                .filter(
                    Condition::any()
                        .add(Column::LastUsedAt.is_null())
                        .add(Column::LastUsedAt.lt(at)),
                )
                .exec(&tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Writes once a minute until told to stop, and once more then. The binary runs it beside the server.
    pub async fn keep_touches(self, stop: CancellationToken) {
        loop {
            let stopping = tokio::time::timeout(WRITE_EVERY, stop.cancelled())
                .await
                .is_ok();
            if let Err(error) = self.write_touches().await {
                tracing::warn!(%error, "when keys were last used could not be written; tried again in a minute");
            }
            if stopping {
                return;
            }
        }
    }
}
