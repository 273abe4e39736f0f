//! How is a key made? Its secret exists here, in the answer to its owner, and sealed in its row.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::KeyLimits;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::UnixMs;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait};

use super::table::{self, ActiveModel, KEY, Model};
use super::{KeyError, KeySecret, Keys, LONGEST_NAME, NewKey, NewKeyForm, limits, row_name};
use crate::changes::{self, Topic};
use crate::ids::NewId;
use crate::secrets::{Purpose, hex};

impl Keys {
    /// Makes a key of a workspace.
    ///
    /// # Errors
    /// A name or limits against the rules, an unknown workspace, no database.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        form: &NewKeyForm,
    ) -> Result<NewKey, KeyError> {
        let name = checked_name(&form.name)?;
        let now = self.inner.clock.now_ms();
        let limits = limits::canonical(&form.limits, None, now)?;
        let tx = self.inner.db.begin().await?;
        let (row, secret) = self
            .insert(&tx, workspace, name, form.test, &limits, now)
            .await?;
        changes::bump(&tx, Topic::Keys).await?;
        let frozen = self.is_frozen(&tx, workspace).await?;
        tx.commit().await?;
        Ok(NewKey {
            view: row.view(frozen, now)?,
            secret,
        })
    }

    /// Writes a key with a fresh secret, in the caller's transaction.
    pub(super) async fn insert<C: ConnectionTrait>(
        &self,
        conn: &C,
        workspace: WorkspaceId,
        name: &str,
        test: bool,
        limits: &KeyLimits,
        now: UnixMs,
    ) -> Result<(Model, KeySecret), KeyError> {
        let id = KeyId::new();
        let (secret, kept) = self.fresh_secret(id, workspace, test)?;
        let row = ActiveModel {
            id: Set(id.to_string()),
            workspace_id: Set(workspace.to_string()),
            kind: Set(KEY.to_owned()),
            name: Set(name.to_owned()),
            test: Set(test),
            lookup: Set(kept.lookup),
            sealed: Set(kept.sealed),
            masked: Set(secret.masked()),
            created_at: Set(now),
            ..limited(limits)
        };
        let row = row
            .insert(conn)
            .await
            .map_err(|error| match error.sql_err() {
                Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => KeyError::NoWorkspace,
                _ => error.into(),
            })?;
        Ok((row, secret))
    }

    /// A new secret for a key, and what its row keeps of it.
    pub(super) fn fresh_secret(
        &self,
        id: KeyId,
        workspace: WorkspaceId,
        test: bool,
    ) -> Result<(KeySecret, Kept), KeyError> {
        let secret = KeySecret::generate(test)?;
        let sealed = if self.copies {
            let sealed = self.inner.ring.seal(
                Purpose::ApiKeyAead,
                &row_name(id, workspace),
                secret.expose().as_bytes(),
            )?;
            Some(STANDARD.encode(sealed))
        } else {
            None
        };
        let lookup = hex(&self.lookup(secret.expose()));
        Ok((secret, Kept { lookup, sealed }))
    }
}

/// What a row keeps of a secret: a keyed hash to find it by, and an encrypted copy where the operator keeps one.
pub(super) struct Kept {
    pub(super) lookup: String,
    pub(super) sealed: Option<String>,
}

/// The columns that limits are stored in.
pub(super) fn limited(limits: &KeyLimits) -> ActiveModel {
    let amount = |amount: Option<domain::Amount>| Set(amount.map(|amount| amount.nanos()));
    let rate = |rate: Option<u32>| Set(rate.map(i64::from));
    ActiveModel {
        scopes: Set(limits.scopes.to_string()),
        models: Set(table::stored(&limits.models)),
        ip_ranges: Set(table::stored(&limits.ip_ranges)),
        day_nusd: amount(limits.day),
        week_nusd: amount(limits.week),
        month_nusd: amount(limits.month),
        total_nusd: amount(limits.total),
        requests_per_minute: rate(limits.requests_per_minute),
        tokens_per_minute: rate(limits.tokens_per_minute),
        concurrency: rate(limits.concurrency),
        expires_at: Set(limits.expires_at),
        ..Default::default()
    }
}

/// A name without the blanks around it, if it can be one.
pub(super) fn checked_name(name: &str) -> Result<&str, KeyError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
    {
        return Err(KeyError::Name);
    }
    Ok(name)
}
