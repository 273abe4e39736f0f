//! Which upstream keeps a stored response, and who may ask for it? A response belongs to the workspace that had it made,
//! and only one upstream can go on from it. What it says is kept there, never here.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::ids::{UpstreamId, WorkspaceId};
use sea_orm::DbErr;

use crate::clock::Clock;
use crate::db::{Db, bounded, exec, one};

/// Providers keep stored responses for thirty days.
pub const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Longer than any provider's ids.
const ID_MAX: usize = 200;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Pins(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
}

/// Where a stored response is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub upstream: UpstreamId,
    /// As its caller named it.
    pub model: String,
    /// How many tokens the conversation has, this answer included.
    pub tokens: u64,
}

/// A response that an upstream just stored.
#[derive(Debug, Clone)]
pub struct NewPin {
    /// The upstream's own name for it.
    pub id: String,
    pub workspace: WorkspaceId,
    /// Made with a test key.
    pub test: bool,
    pub upstream: UpstreamId,
    pub model: String,
    /// As for [`Pin`].
    pub tokens: u64,
}

/// Whether a text can name a response. What cannot is kept nowhere, and put into no address.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=ID_MAX).contains(&text.len()) && text.bytes().all(plain)
}

impl Pins {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner { db, clock }))
    }

    /// Remembers where a response is. The same id twice names the newer one. One that is no id is not kept.
    ///
    /// # Errors
    /// When the database refuses or does not answer.
    pub async fn keep(&self, new: NewPin) -> Result<(), DbErr> {
        if !is_id(&new.id) {
            return Ok(());
        }
        let now = self.0.clock.now_ms();
        let sql = "INSERT INTO response_pin (workspace_id, id, test, upstream_id, model, tokens, created_at, expires_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                   ON CONFLICT (workspace_id, id) DO UPDATE SET test = excluded.test, upstream_id = excluded.upstream_id,
                   model = excluded.model, tokens = excluded.tokens, created_at = excluded.created_at, expires_at = excluded.expires_at";
        let values = [
            new.workspace.to_string().into(),
            new.id.into(),
            i64::from(new.test).into(),
            new.upstream.to_string().into(),
            new.model.into(),
            i64::try_from(new.tokens).unwrap_or(i64::MAX).into(),
            now.into(),
            now.saturating_add(KEPT_MS).into(),
        ];
        bounded(exec(self.0.db.write(), sql, values))
            .await
            .map(|_| ())
    }

    /// Where a response of this workspace and this kind of key is; `None` for one that is unknown, past its end, or
    /// somebody else's: which of these is not told.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        test: bool,
        id: &str,
    ) -> Result<Option<Pin>, DbErr> {
        if !is_id(id) {
            return Ok(None);
        }
        let sql = "SELECT upstream_id, model, tokens FROM response_pin
                   WHERE workspace_id = $1 AND id = $2 AND test = $3 AND expires_at > $4";
        let values = [
            workspace.to_string().into(),
            id.into(),
            i64::from(test).into(),
            self.0.clock.now_ms().into(),
        ];
        let Some(row) = bounded(one(self.0.db.read(), sql, values)).await? else {
            return Ok(None);
        };
        let upstream: String = row.try_get("", "upstream_id")?;
        Ok(Some(Pin {
            upstream: upstream
                .parse()
                .map_err(|_| DbErr::Custom("an upstream's id cannot be read".to_owned()))?,
            model: row.try_get("", "model")?,
            tokens: u64::try_from(row.try_get::<i64>("", "tokens")?).unwrap_or(0),
        }))
    }

    /// Forgets a response: its upstream has deleted it.
    ///
    /// # Errors
    /// When the database refuses or does not answer.
    pub async fn forget(&self, workspace: WorkspaceId, id: &str) -> Result<(), DbErr> {
        let sql = "DELETE FROM response_pin WHERE workspace_id = $1 AND id = $2";
        let values = [workspace.to_string().into(), id.into()];
        bounded(exec(self.0.db.write(), sql, values))
            .await
            .map(|_| ())
    }

    /// Deletes those past their end, and says how many. They are found no more already; this is for tidiness.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep(&self) -> Result<u64, DbErr> {
        let sql = "DELETE FROM response_pin WHERE expires_at <= $1";
        exec(self.0.db.write(), sql, [self.0.clock.now_ms().into()])
            .await
            .map(|done| done.rows_affected())
    }
}
