//! Who may see a secret again? Its owner, who is told by mail that somebody did; the audit log remembers it.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{KeyId, WorkspaceId};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::json;

use super::table::{Column, Entity, Model};
use super::{KeyError, KeySecret, Keys, row_name};
use crate::audit::{Act, Actor, Audit};
use crate::mail::{Mail, Message, Recipient};
use crate::secrets::{CannotOpen, Purpose};

impl Keys {
    /// Shows the secret of a key of this workspace. The note in the audit log and the mail to its owner are written in
    /// the transaction that reads it: without them there is no secret.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`], [`KeyError::NoCopy`], key files that do not fit, no database.
    #[expect(
        clippy::too_many_arguments,
        reason = "who asks, for what, and who is told"
    )]
    pub async fn reveal(
        &self,
        mail: &Mail,
        audit: &Audit,
        workspace: WorkspaceId,
        id: KeyId,
        actor: Actor,
        to: &Recipient,
        from: IpAddr,
    ) -> Result<KeySecret, KeyError> {
        let tx = self.inner.db.begin().await?;
        let row = self.working(&tx, workspace, id).await?;
        let secret = self.open(workspace, id, &row)?;
        let act = Act {
            actor,
            action: "key.reveal",
            subject: to.account,
            target: Some(id.to_string()),
            detail: json!({}),
            from: Some(from),
        };
        audit.note(&tx, &act).await?;
        let message = Message::KeyRevealed {
            name: row.name,
            masked: row.masked,
        };
        mail.queue(&tx, to, &message).await?;
        tx.commit().await?;
        Ok(secret)
    }

    /// The secret, without telling anybody: for the welcome of a local installation, whose reader made the key a
    /// moment ago. Pages use [`Keys::reveal`].
    ///
    /// # Errors
    /// As [`Keys::reveal`].
    pub async fn unseal(&self, workspace: WorkspaceId, id: KeyId) -> Result<KeySecret, KeyError> {
        let row = self.working(self.inner.db.read(), workspace, id).await?;
        self.open(workspace, id, &row)
    }

    /// Destroys every copy that was kept, and says how many there were: the operator wants none any more.
    ///
    /// # Errors
    /// No database.
    pub async fn destroy_copies(&self) -> Result<u64, KeyError> {
        let destroyed = Entity::update_many()
            .col_expr(Column::Sealed, Expr::value(Option::<String>::None))
            .filter(Column::Sealed.is_not_null())
            .exec(self.inner.db.write())
            .await?;
        Ok(destroyed.rows_affected)
    }

    fn open(&self, workspace: WorkspaceId, id: KeyId, row: &Model) -> Result<KeySecret, KeyError> {
        let sealed = row.sealed.as_deref().ok_or(KeyError::NoCopy)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| CannotOpen)?;
        let plain =
            self.inner
                .ring
                .unseal(Purpose::ApiKeyAead, &row_name(id, workspace), &sealed)?;
        Ok(KeySecret::opened(&plain).ok_or(CannotOpen)?)
    }
}
