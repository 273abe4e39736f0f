//! How is a key stopped? For good by revoking it; all of a workspace, for as long as it takes, by freezing them.

use domain::ids::{KeyId, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::table::{Column, Entity};
use super::{KeyError, Keys};
use crate::changes::{self, Topic};
use crate::db;

impl Keys {
    /// Ends a key of this workspace for good, and destroys the copy of its secret. This process refuses it at once,
    /// every other server within five seconds; calls that run finish.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`] when it was revoked before, no database.
    pub async fn revoke(&self, workspace: WorkspaceId, id: KeyId) -> Result<(), KeyError> {
        let tx = self.inner.db.begin().await?;
        self.working(&tx, workspace, id).await?;
        Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(self.inner.clock.now_ms()))
            .col_expr(Column::Sealed, Expr::value(Option::<String>::None))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::RevokedAt.is_null())
            .exec(&tx)
            .await?;
        changes::bump(&tx, Topic::Keys).await?;
        tx.commit().await?;
        self.forget_all();
        Ok(())
    }

    /// Stops all keys of a workspace at once, the test zone too, until [`Keys::unfreeze`]. For the day when somebody
    /// does not know which key leaked.
    ///
    /// # Errors
    /// [`KeyError::NoWorkspace`], no database.
    pub async fn freeze(&self, workspace: WorkspaceId) -> Result<(), KeyError> {
        let now = self.inner.clock.now_ms();
        self.set_frozen(
            workspace,
            "UPDATE workspace SET frozen_at = COALESCE(frozen_at, $2) WHERE id = $1",
            Some(now),
        )
        .await
    }

    /// Lets the keys of a workspace work again.
    ///
    /// # Errors
    /// [`KeyError::NoWorkspace`], no database.
    pub async fn unfreeze(&self, workspace: WorkspaceId) -> Result<(), KeyError> {
        self.set_frozen(
            workspace,
            "UPDATE workspace SET frozen_at = $2 WHERE id = $1",
            None,
        )
        .await
    }

    /// Whether all keys of a workspace are stopped.
    ///
    /// # Errors
    /// No database.
    pub async fn frozen(&self, workspace: WorkspaceId) -> Result<bool, KeyError> {
        Ok(self.is_frozen(self.inner.db.read(), workspace).await?)
    }

    pub(super) async fn is_frozen<C: ConnectionTrait>(
        &self,
        conn: &C,
        workspace: WorkspaceId,
    ) -> Result<bool, DbErr> {
        let row = db::one(
            conn,
            "SELECT frozen_at FROM workspace WHERE id = $1",
            [workspace.to_string().into()],
        )
        .await?;
        match row {
            Some(row) => Ok(row.try_get::<Option<i64>>("", "frozen_at")?.is_some()),
            None => Ok(false),
        }
    }

    async fn set_frozen(
        &self,
        workspace: WorkspaceId,
        sql: &str,
        at: Option<i64>,
    ) -> Result<(), KeyError> {
        let tx = self.inner.db.begin().await?;
        let values = [workspace.to_string().into(), at.into()];
        if db::exec(&tx, sql, values).await?.rows_affected() == 0 {
            return Err(KeyError::NoWorkspace);
        }
        changes::bump(&tx, Topic::Keys).await?;
        tx.commit().await?;
        self.forget_all();
        Ok(())
    }
}
