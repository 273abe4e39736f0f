//! What can an administrator do to upstreams? Each verb is one transaction: the change, its line in the audit log
//! (never a credential), and the counter that tells running servers.

use domain::ids::UpstreamId;
use domain::views::UnixMs;
use sea_orm::DatabaseTransaction;
use serde_json::{Value, json};

use crate::audit::{Act, By};
use crate::changes::{Topic, bump};
use crate::db::{exec, one};
use crate::ids::NewId;
use crate::secrets::Secret;

use super::store::{self, Credential, EditUpstream, NewUpstream, Row, UpstreamError, UpstreamView};
use super::{SANDBOX_URL, Upstreams};

/// The upstreams in somebody's hands.
pub struct Desk<'a> {
    pub(super) upstreams: &'a Upstreams,
    pub(super) by: By,
}

impl Desk<'_> {
    /// Adds an upstream; its credential is sealed to this row and this address.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn create(&self, new: NewUpstream) -> Result<UpstreamView, UpstreamError> {
        check_name(&new.name)?;
        let base_url = self.checked(&new.base_url)?;
        let id = UpstreamId::new();
        let sealed = self.sealed(id, &base_url, new.api_key.as_ref())?;
        let (now, tx) = self.begin().await?;
        let sql = "INSERT INTO upstream (id, name, dialect, base_url, sealed_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)
                   ON CONFLICT (name) DO NOTHING";
        let has_api_key = sealed.is_some();
        let values = [
            id.to_string().into(),
            new.name.clone().into(),
            new.dialect.id().into(),
            base_url.clone().into(),
            sealed.into(),
            now.into(),
        ];
        if exec(&tx, sql, values).await?.rows_affected() == 0 {
            return Err(UpstreamError::NameTaken(new.name));
        }
        let view = UpstreamView {
            id,
            name: new.name,
            dialect: new.dialect,
            base_url,
            has_api_key,
            disabled_at: None,
        };
        self.end(tx, "upstream.create", id, json!({"after": told(&view)}))
            .await?;
        Ok(view)
    }

    /// Changes name, address or credential. Another address never gets the old credential: it has to be given anew.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn edit(
        &self,
        id: UpstreamId,
        edit: EditUpstream,
    ) -> Result<UpstreamView, UpstreamError> {
        check_name(&edit.name)?;
        let base_url = self.checked(&edit.base_url)?;
        let (_, tx) = self.begin().await?;
        let before = self.row(&tx, id).await?.view();
        let moved = before.base_url != base_url;
        let (credential, sealed) = match &edit.credential {
            Credential::Keep if moved && before.has_api_key => {
                return Err(UpstreamError::CredentialNeeded);
            }
            Credential::Keep => ("kept", None),
            Credential::Remove => ("removed", Some(None)),
            Credential::Set(key) => ("replaced", Some(self.sealed(id, &base_url, Some(key))?)),
        };
        let taken = one(
            &tx,
            "SELECT id FROM upstream WHERE name = $1 AND id <> $2",
            [edit.name.clone().into(), id.to_string().into()],
        );
        if taken.await?.is_some() {
            return Err(UpstreamError::NameTaken(edit.name));
        }
        let sql = "UPDATE upstream SET name = $2, base_url = $3 WHERE id = $1";
        let values = [
            id.to_string().into(),
            edit.name.clone().into(),
            base_url.clone().into(),
        ];
        exec(&tx, sql, values).await?;
        let mut view = UpstreamView {
            name: edit.name,
            base_url,
            ..before.clone()
        };
        if let Some(sealed) = sealed {
            view.has_api_key = sealed.is_some();
            let sql = "UPDATE upstream SET sealed_key = $2 WHERE id = $1";
            exec(&tx, sql, [id.to_string().into(), sealed.into()]).await?;
        }
        let detail = json!({
            "before": told(&before),
            "after": told(&view),
            "credential": credential,
        });
        self.end(tx, "upstream.edit", id, detail).await?;
        Ok(view)
    }

    /// Sends no call there any more, or again. Calls in flight end as they would have.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn switch(&self, id: UpstreamId, on: bool) -> Result<(), UpstreamError> {
        let (now, tx) = self.begin().await?;
        let before = self.row(&tx, id).await?;
        // The same twice changes nothing, and is no second act.
        if before.disabled_at.is_none() == on {
            return Ok(());
        }
        let at = (!on).then_some(now);
        let sql = "UPDATE upstream SET disabled_at = $2 WHERE id = $1";
        exec(&tx, sql, [id.to_string().into(), at.into()]).await?;
        let action = if on {
            "upstream.enable"
        } else {
            "upstream.disable"
        };
        self.end(tx, action, id, json!({"name": before.name})).await
    }

    async fn row(&self, tx: &DatabaseTransaction, id: UpstreamId) -> Result<Row, UpstreamError> {
        let mut rows = store::rows(tx).await?;
        let at = rows.iter().position(|row| row.id == id);
        at.map(|at| rows.swap_remove(at))
            .ok_or(UpstreamError::NotFound)
    }

    /// The address as it is kept, if it may be called.
    fn checked(&self, base_url: &str) -> Result<String, UpstreamError> {
        if base_url == SANDBOX_URL {
            return Ok(SANDBOX_URL.to_owned());
        }
        let base = self.upstreams.0.rule.check(base_url)?;
        Ok(base.as_str().to_owned())
    }

    fn sealed(
        &self,
        id: UpstreamId,
        base_url: &str,
        key: Option<&Secret>,
    ) -> Result<Option<String>, UpstreamError> {
        key.map(|key| store::seal(&self.upstreams.0.ring, id, base_url, key))
            .transpose()
    }

    async fn begin(&self) -> Result<(UnixMs, DatabaseTransaction), UpstreamError> {
        let inner = &self.upstreams.0;
        Ok((inner.clock.now_ms(), inner.db.begin().await?))
    }

    /// Writes the act down, tells running servers, commits, and reads the upstreams anew.
    async fn end(
        &self,
        tx: DatabaseTransaction,
        action: &'static str,
        id: UpstreamId,
        detail: Value,
    ) -> Result<(), UpstreamError> {
        let act = Act {
            actor: self.by.actor,
            action,
            subject: None,
            target: Some(id.to_string()),
            detail,
            from: self.by.from,
        };
        self.upstreams.0.audit.note(&tx, &act).await?;
        bump(&tx, Topic::Catalog).await?;
        tx.commit().await?;
        Ok(self.upstreams.reload().await?)
    }
}

fn check_name(name: &str) -> Result<(), UpstreamError> {
    if name.trim() != name || name.is_empty() || name.len() > 100 {
        return Err(UpstreamError::Name);
    }
    Ok(())
}

/// An upstream for the audit log: never its credential.
fn told(view: &UpstreamView) -> Value {
    json!({"name": view.name, "base_url": view.base_url, "has_api_key": view.has_api_key})
}
