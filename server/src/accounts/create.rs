//! How does an account begin? With a workspace of its own and that workspace's wallet, all or nothing.

use domain::ids::{AccountId, WorkspaceId};
use domain::views::{AccountView, UnixMs};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr};
use serde_json::json;

use super::error::unique;
use super::{AccountError, Accounts, Email, table};
use crate::audit::{Act, Actor};
use crate::ids::NewId;
use crate::secrets::Secret;

/// What a new account's row says beside what every row begins with.
pub(super) struct NewAccount<'a> {
    pub(super) email: &'a Email,
    pub(super) name: &'a str,
    pub(super) password_hash: Option<String>,
    pub(super) admin: bool,
    pub(super) created_at: UnixMs,
    pub(super) verified_at: Option<UnixMs>,
    /// When terms were accepted and consent was given, on the sign-up form.
    pub(super) agreed_at: Option<UnixMs>,
    pub(super) locale: Option<&'a str>,
}

impl NewAccount<'_> {
    /// Writes it down within the caller's transaction. A taken address is a [`unique`] violation, after which a
    /// transaction of PostgreSQL can only be rolled back.
    pub(super) async fn insert<C: ConnectionTrait>(self, conn: &C) -> Result<AccountView, DbErr> {
        let (id, workspace) = (AccountId::new(), WorkspaceId::new());
        table::workspace::ActiveModel {
            id: Set(workspace.to_string()),
            created_at: Set(self.created_at),
        }
        .insert(conn)
        .await?;
        let row = table::account::ActiveModel {
            id: Set(id.to_string()),
            workspace_id: Set(workspace.to_string()),
            email: Set(self.email.as_str().to_owned()),
            email_key: Set(self.email.key().to_owned()),
            password_hash: Set(self.password_hash),
            admin: Set(self.admin),
            created_at: Set(self.created_at),
            name: Set(self.name.to_owned()),
            name_key: Set(self.name.to_lowercase()),
            verified_at: Set(self.verified_at),
            terms_at: Set(self.agreed_at),
            consent_at: Set(self.agreed_at),
            locale: Set(self.locale.map(str::to_owned)),
            shortcuts: Set(true),
            ..Default::default()
        }
        .insert(conn)
        .await?;
        crate::ledger::open_wallet(conn, workspace, self.created_at).await?;
        row.view()
    }
}

impl Accounts {
    /// Makes an account with its workspace and wallet, all or nothing. Without a password nobody can sign in until a
    /// one-time link ([`Accounts::setup_link`]) was used.
    ///
    /// # Errors
    /// [`AccountError::EmailTaken`], a password against the rules, too much work at once, or no database.
    pub async fn create(
        &self,
        email: &Email,
        password: Option<Secret>,
        admin: bool,
    ) -> Result<AccountView, AccountError> {
        let password_hash = match password {
            Some(password) => {
                self.judge(&password, email, "").await??;
                Some(self.0.hasher.hash(password).await?)
            }
            None => None,
        };
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let new = NewAccount {
            email,
            name: "",
            password_hash,
            admin,
            created_at: now,
            // Made by the operator, who vouches for the address.
            verified_at: Some(now),
            agreed_at: None,
            locale: None,
        };
        let account = new.insert(&tx).await.map_err(|error| {
            if unique(&error) {
                AccountError::EmailTaken
            } else {
                error.into()
            }
        })?;
        if admin {
            let act = Act {
                actor: Actor::Operator,
                action: "account.create_admin",
                subject: Some(account.id),
                target: None,
                detail: json!({}),
                from: None,
            };
            self.audit().note(&tx, &act).await?;
        }
        tx.commit().await?;
        Ok(account)
    }
}
