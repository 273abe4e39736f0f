//! How does a key get a new secret without a moment of darkness? The new one works at once, the old one for a while longer.
//!
//! It stays the same key: its limits go on counting, whichever of its secrets is used, and so do its usage pages.

use std::time::Duration;

use domain::ids::{KeyId, WorkspaceId};
use domain::views::KeyView;
use sea_orm::ActiveValue::Set;

use super::table::ActiveModel;
use super::{KeyError, Keys, NewKey};

/// The longest time that both secrets may work: a month.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(31 * 24 * 3600);

impl Keys {
    /// Gives a key of this workspace a new secret. The old one works for `overlap` longer, or until the key's own end if
    /// that is sooner; with no overlap it stops now, and one from an earlier roll too. Overlaps above
    /// [`LONGEST_OVERLAP`] are cut to it.
    ///
    /// # Errors
    /// [`KeyError::Overlap`] while one from an earlier roll works and this one is to work on: a form sent twice must not
    /// stop a secret that was promised another day. [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
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
        if until > now && old.previous_until.is_some_and(|end| end > now) {
            return Err(KeyError::Overlap);
        }
        let (secret, kept) = self.fresh_secret(id, workspace, old.test)?;
        let rolled = ActiveModel {
            lookup: Set(kept.lookup),
            sealed: Set(kept.sealed),
            masked: Set(secret.masked()),
            previous_lookup: Set(Some(old.lookup)),
            previous_masked: Set(Some(old.masked)),
            previous_until: Set(Some(old.expires_at.map_or(until, |end| end.min(until)))),
            // An end that has passed was the old secret's; whoever rolls wants one that works.
            expires_at: Set(old.expires_at.filter(|end| *end > now)),
            ..Default::default()
        };
        let view = self.change(tx, workspace, id, rolled).await?;
        Ok(NewKey { view, secret })
    }

    /// Ends the secret from before the last roll, at once on this server and within five seconds on every other.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`], no database.
    pub async fn end_overlap(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
    ) -> Result<KeyView, KeyError> {
        let tx = self.inner.db.begin().await?;
        self.working(&tx, workspace, id).await?;
        let ended = ActiveModel {
            previous_lookup: Set(None),
            previous_masked: Set(None),
            previous_until: Set(None),
            ..Default::default()
        };
        self.change(tx, workspace, id, ended).await
    }
}
