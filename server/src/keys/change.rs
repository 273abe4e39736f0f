//! What can its owner change about a key? Its name, its limits, and whether it is on.

use domain::KeyLimits;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::{KeyView, UnixMs};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::{ActiveModelTrait, DatabaseTransaction};

use super::create::{checked_name, limited};
use super::table::ActiveModel;
use super::{KeyError, Keys, limits};
use crate::changes::{self, Topic};

impl Keys {
    /// Sets the name and all limits of a key of this workspace. Every server knows within five seconds.
    ///
    /// # Errors
    /// A name or limits against the rules, [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
    pub async fn update(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
        name: &str,
        limits: &KeyLimits,
    ) -> Result<KeyView, KeyError> {
        let name = checked_name(name)?;
        let tx = self.inner.db.begin().await?;
        let before = self.working(&tx, workspace, id).await?.expires_at;
        let limits = limits::canonical(limits, before, self.inner.clock.now_ms())?;
        let change = ActiveModel {
            name: Set(name.to_owned()),
            ..limited(&limits)
        };
        self.change(tx, workspace, id, change).await
    }

    /// Gives a key of this workspace another name.
    ///
    /// # Errors
    /// A name against the rules, [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
    pub async fn rename(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
        name: &str,
    ) -> Result<KeyView, KeyError> {
        let name = checked_name(name)?;
        let tx = self.inner.db.begin().await?;
        self.working(&tx, workspace, id).await?;
        let change = ActiveModel {
            name: Set(name.to_owned()),
            ..Default::default()
        };
        self.change(tx, workspace, id, change).await
    }

    /// Switches a key of this workspace off; once more changes nothing.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
    pub async fn disable(&self, workspace: WorkspaceId, id: KeyId) -> Result<KeyView, KeyError> {
        let now = self.inner.clock.now_ms();
        self.switch(workspace, id, |since| Some(since.unwrap_or(now)))
            .await
    }

    /// Switches a key of this workspace on again.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
    pub async fn enable(&self, workspace: WorkspaceId, id: KeyId) -> Result<KeyView, KeyError> {
        self.switch(workspace, id, |_| None).await
    }

    async fn switch(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
        disabled_at: impl FnOnce(Option<UnixMs>) -> Option<UnixMs>,
    ) -> Result<KeyView, KeyError> {
        let tx = self.inner.db.begin().await?;
        let since = self.working(&tx, workspace, id).await?.disabled_at;
        let change = ActiveModel {
            disabled_at: Set(disabled_at(since)),
            ..Default::default()
        };
        self.change(tx, workspace, id, change).await
    }

    /// Writes a change of a key that was just read in this transaction, and tells every server.
    pub(super) async fn change(
        &self,
        tx: DatabaseTransaction,
        workspace: WorkspaceId,
        id: KeyId,
        mut change: ActiveModel,
    ) -> Result<KeyView, KeyError> {
        change.id = Unchanged(id.to_string());
        let row = change.update(&tx).await?;
        changes::bump(&tx, Topic::Keys).await?;
        let frozen = self.is_frozen(&tx, workspace).await?;
        tx.commit().await?;
        self.forget_all();
        Ok(row.view(frozen, self.inner.clock.now_ms())?)
    }
}
