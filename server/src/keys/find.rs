//! Which key is that? For calls by its secret, for its owner by its id.

use std::sync::Arc;

use domain::ids::{KeyId, WorkspaceId};
use domain::views::KeyView;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
};

use super::table::{Column, Entity, KEY, Model, Stops};
use super::{AuthError, KeyError, KeyRecord, Keys, format, one_of};
use crate::db;
use crate::secrets::hex;

/// A key with what stops all keys of its workspace, in one read.
const WITH_STOPS: &str = "SELECT k.*, w.frozen_at,
        (SELECT MAX(a.blocked_at) FROM account a WHERE a.workspace_id = k.workspace_id) AS blocked_at,
        (SELECT MIN(a.locale) FROM account a WHERE a.workspace_id = k.workspace_id) AS owner_locale
     FROM api_key k JOIN workspace w ON w.id = k.workspace_id
     WHERE k.revoked_at IS NULL AND";

impl Keys {
    /// Recognises the key a caller presented. Junk is refused without touching the database; answers are remembered for
    /// a few seconds, under the whole hash. A key that is found may still be off, past its end or stopped.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] only when format or database say no; [`AuthError::Unavailable`] when the database is silent.
    pub async fn authenticate(&self, presented: &str) -> Result<Arc<KeyRecord>, AuthError> {
        if !format::plausible(presented) {
            return Err(AuthError::Invalid);
        }
        let lookup = self.lookup(presented);
        if let Some(known) = self.inner.cache.get(&lookup) {
            return known.ok_or(AuthError::Invalid);
        }
        let asked = self.inner.cache.asking();
        let conn = self.inner.db.read();
        let found = by_secret(conn, &hex(&lookup)).await.map_err(|error| {
            tracing::error!(%error, "keys: the database failed");
            AuthError::Unavailable
        })?;
        self.inner.cache.put(lookup, found.clone(), asked);
        found.ok_or(AuthError::Invalid)
    }

    /// A key of this workspace, whatever its state; `None` also for another one's.
    ///
    /// # Errors
    /// No database.
    pub async fn get(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
    ) -> Result<Option<KeyView>, KeyError> {
        let conn = self.inner.db.read();
        let Some(row) = one_of(workspace, id).one(conn).await? else {
            return Ok(None);
        };
        let frozen = self.is_frozen(conn, workspace).await?;
        Ok(Some(row.view(frozen, self.inner.clock.now_ms())?))
    }

    /// Whose key this is, for a command: pages know their workspace.
    ///
    /// # Errors
    /// No database.
    pub async fn workspace_of(&self, id: KeyId) -> Result<Option<WorkspaceId>, KeyError> {
        let row = Entity::find_by_id(id.to_string())
            .filter(Column::Kind.eq(KEY))
            .one(self.inner.db.read())
            .await?;
        Ok(row.map(|row| row.owner()).transpose()?)
    }

    /// A workspace's keys, newest first, revoked ones included; without the test zone's.
    ///
    /// # Errors
    /// No database.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<KeyView>, KeyError> {
        let conn = self.inner.db.read();
        let rows = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.to_string()))
            .filter(Column::Kind.eq(KEY))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(conn)
            .await?;
        let frozen = self.is_frozen(conn, workspace).await?;
        let now = self.inner.clock.now_ms();
        Ok(rows
            .into_iter()
            .map(|row| row.view(frozen, now))
            .collect::<Result<_, _>>()?)
    }
}

/// The key that a secret of this hash opens: its own, or the one before the last roll.
async fn by_secret<C: ConnectionTrait>(
    conn: &C,
    hash: &str,
) -> Result<Option<Arc<KeyRecord>>, DbErr> {
    let condition = "(k.lookup = $1 OR k.previous_lookup = $1)";
    with_stops(conn, condition, hash, Some(hash)).await
}

/// The key through which a workspace tries models: it has no secret.
pub(super) async fn zone_of<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
) -> Result<Option<Arc<KeyRecord>>, DbErr> {
    let condition = "k.workspace_id = $1 AND k.kind = 'zone'";
    with_stops(conn, condition, &workspace.to_string(), None).await
}

/// The working key that `condition` on `$1` selects, as calls need it.
async fn with_stops<C: ConnectionTrait>(
    conn: &C,
    condition: &str,
    value: &str,
    presented: Option<&str>,
) -> Result<Option<Arc<KeyRecord>>, DbErr> {
    let sql = format!("{WITH_STOPS} {condition}");
    let Some(row) = db::one(conn, &sql, [value.into()]).await? else {
        return Ok(None);
    };
    let since = |column| row.try_get::<Option<i64>>("", column);
    let stops = Stops {
        frozen: since("frozen_at")?.is_some(),
        blocked: since("blocked_at")?.is_some(),
    };
    let mut record = Model::from_query_result(&row, "")?.record(presented, stops)?;
    record.locale = row
        .try_get::<Option<String>>("", "owner_locale")?
        .map(Arc::from);
    Ok(Some(Arc::new(record)))
}
