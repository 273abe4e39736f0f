//! How is a key replaced without a moment of darkness? The new one works at once, the old one for a while longer.

use std::time::Duration;

use domain::KeyLimits;
use domain::ids::{KeyId, WorkspaceId};
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::{Set, Unchanged};

use super::table::ActiveModel;
use super::{KeyError, Keys, NewKey};
use crate::changes::{self, Topic};

/// The longest time that both keys may work: a month.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(31 * 24 * 3600);

impl Keys {
    /// Makes a successor with the same name, kind and limits. The old key works for `overlap` longer, or until its own
    /// end if that is sooner; with no overlap it stops now. Overlaps above [`LONGEST_OVERLAP`] are cut to it.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`], [`KeyError::Replaced`], no database.
    pub async fn roll(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
        overlap: Duration,
    ) -> Result<NewKey, KeyError> {
        let now = self.inner.clock.now_ms();
        let overlap = overlap.min(LONGEST_OVERLAP).as_millis();
        let until = now + i64::try_from(overlap).expect("a month fits");
        let tx = self.inner.db.begin().await?;
        let old = self.working(&tx, workspace, id).await?;
        if old.replaced_by.is_some() {
            return Err(KeyError::Replaced);
        }
        let limits = KeyLimits {
            // An end that has passed was the old key's; whoever rolls it wants one that works.
            expires_at: old.expires_at.filter(|end| *end > now),
            ..old.limits()?
        };
        let (row, secret) = self
            .insert(&tx, workspace, &old.name, old.test, &limits, now)
            .await?;
        let replaced = ActiveModel {
            id: Unchanged(id.to_string()),
            expires_at: Set(Some(old.expires_at.map_or(until, |end| end.min(until)))),
            replaced_by: Set(Some(row.id.clone())),
            ..Default::default()
        };
        replaced.update(&tx).await?;
        changes::bump(&tx, Topic::Keys).await?;
        let frozen = self.is_frozen(&tx, workspace).await?;
        tx.commit().await?;
        self.forget_all();
        Ok(NewKey {
            view: row.view(frozen, now)?,
            secret,
        })
    }
}
