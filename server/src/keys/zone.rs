//! Through which key does a workspace try models in the browser? One of its own that nobody holds the secret of.

use std::sync::Arc;

use domain::ids::{KeyId, WorkspaceId};

use super::table::ZONE;
use super::{KeyError, KeyRecord, Keys, find};
use crate::db;
use crate::ids::NewId;
use crate::secrets::{Secret, hex};

impl Keys {
    /// The test zone's key of a workspace, made when first asked for. It is found by no secret, in no list, and stopped
    /// with all others by [`Keys::freeze`].
    ///
    /// # Errors
    /// [`KeyError::NoWorkspace`], no database.
    pub async fn zone(&self, workspace: WorkspaceId) -> Result<Arc<KeyRecord>, KeyError> {
        if let Some(zone) = find::zone_of(self.inner.db.read(), workspace).await? {
            return Ok(zone);
        }
        let nobodys = Secret::random_token()?;
        // Two first tries at the same moment: the unique index lets one row in.
        let sql =
            "INSERT INTO api_key (id, workspace_id, kind, name, test, lookup, masked, created_at)
                   SELECT $1, id, $3, '', FALSE, $4, '', $5 FROM workspace WHERE id = $2
                   ON CONFLICT DO NOTHING";
        let values = [
            KeyId::new().to_string().into(),
            workspace.to_string().into(),
            ZONE.into(),
            hex(&self.lookup(nobodys.expose())).into(),
            self.inner.clock.now_ms().into(),
        ];
        db::exec(self.inner.db.write(), sql, values).await?;
        // Read where it was written: a reader may still see the moment before.
        find::zone_of(self.inner.db.write(), workspace)
            .await?
            .ok_or(KeyError::NoWorkspace)
    }
}
