//! Which calls were refused before they cost anything, and why?

use domain::ids::{KeyId, WorkspaceId};
use domain::views::UnixMs;
use sea_orm::{DbErr, Value};

use super::query::Range;
use super::report::Calls;
use crate::db::all;

/// How often one key was refused for one reason within a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCalls {
    pub key_id: String,
    /// The code of a problem.
    pub code: String,
    pub count: u64,
    pub last_at: UnixMs,
}

const HOUR_MS: i64 = 3_600_000;

impl Calls {
    /// Refused calls per key and reason, the latest first. They are counted by the hour: of an hour that lies across
    /// the range's border, the moment of the last one decides.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn refused(
        &self,
        workspace: WorkspaceId,
        range: Range,
        key: Option<KeyId>,
    ) -> Result<Vec<RefusedCalls>, DbErr> {
        // The last one of an hour lies within it, so the hours tell the index where to begin and to end.
        let mut values: Vec<Value> = vec![
            workspace.to_string().into(),
            range.from.into(),
            range.to.into(),
            range.from.saturating_sub(HOUR_MS).into(),
        ];
        let of_key = key.map_or("", |key| {
            values.push(key.to_string().into());
            " AND key_id = $5"
        });
        let sql = format!(
            "SELECT key_id, code, CAST(sum(count) AS BIGINT) AS count, max(last_at) AS last_at FROM refused_call
             WHERE workspace_id = $1 AND hour >= $4 AND hour < $3 AND last_at >= $2 AND last_at < $3{of_key}
             GROUP BY key_id, code ORDER BY 4 DESC, 1, 2"
        );
        let rows = all(self.db.read(), &sql, values).await?;
        rows.iter()
            .map(|row| {
                Ok(RefusedCalls {
                    key_id: row.try_get("", "key_id")?,
                    code: row.try_get("", "code")?,
                    count: row.try_get::<i64>("", "count")?.unsigned_abs(),
                    last_at: row.try_get("", "last_at")?,
                })
            })
            .collect()
    }
}
