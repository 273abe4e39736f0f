//! Which calls were made? Newest first, a page at a time, however many there are.

use std::collections::BTreeMap;

use domain::ids::{CallId, WorkspaceId};
use sea_orm::DbErr;

use super::query::{Condition, Filter, Range};
use super::report::{CallRow, Calls, call_row};
use crate::db::{all, one};

/// What people call a key, revoked ones and the test zone's included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    pub name: String,
    pub masked: String,
    pub test: bool,
    /// The key through which the workspace tries models in the browser.
    pub zone: bool,
}

impl Calls {
    /// Calls that match, newest first, from the one after `before` on: at most `limit`, without their attempts.
    /// Nothing follows a call that is not there, or another workspace's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &Filter,
        before: Option<CallId>,
        limit: u32,
    ) -> Result<Vec<CallRow>, DbErr> {
        let mut condition = Condition::new(workspace, filter);
        if let Some(before) = before {
            let sql = "SELECT created_at FROM call WHERE workspace_id = $1 AND id = $2";
            let values = [workspace.to_string().into(), before.to_string().into()];
            let Some(row) = one(self.db.read(), sql, values).await? else {
                return Ok(Vec::new());
            };
            let at = condition.place(row.try_get::<i64>("", "created_at")?);
            condition.and(
                &format!("(c.created_at, c.id) < ({at}, ?)"),
                before.to_string(),
            );
        }
        let limit = condition.place(i64::from(limit));
        let sql = format!(
            "SELECT c.* FROM call c WHERE {} ORDER BY c.created_at DESC, c.id DESC LIMIT {limit}",
            condition.sql
        );
        let rows = all(self.db.read(), &sql, condition.values).await?;
        rows.iter().map(call_row).collect()
    }

    /// The names of a workspace's keys by their ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn key_names(
        &self,
        workspace: WorkspaceId,
    ) -> Result<BTreeMap<String, KeyName>, DbErr> {
        let sql = "SELECT id, name, masked, test, kind FROM api_key WHERE workspace_id = $1";
        let rows = all(self.db.read(), sql, [workspace.to_string().into()]).await?;
        rows.iter()
            .map(|row| {
                let name = KeyName {
                    name: row.try_get("", "name")?,
                    masked: row.try_get("", "masked")?,
                    test: row.try_get("", "test")?,
                    zone: row.try_get::<String>("", "kind")? == "zone",
                };
                Ok((row.try_get("", "id")?, name))
            })
            .collect()
    }

    /// The models that a workspace called in a range, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn models(&self, workspace: WorkspaceId, range: Range) -> Result<Vec<String>, DbErr> {
        let sql = "SELECT DISTINCT model FROM call
                   WHERE workspace_id = $1 AND created_at >= $2 AND created_at < $3 ORDER BY model";
        let values = [
            workspace.to_string().into(),
            range.from.into(),
            range.to.into(),
        ];
        let rows = all(self.db.read(), sql, values).await?;
        rows.iter().map(|row| row.try_get("", "model")).collect()
    }

    /// Whether a workspace ever called anything.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn any(&self, workspace: WorkspaceId) -> Result<bool, DbErr> {
        let sql = "SELECT 1 AS n FROM call WHERE workspace_id = $1 LIMIT 1";
        let row = one(self.db.read(), sql, [workspace.to_string().into()]).await?;
        Ok(row.is_some())
    }
}
