//! Who is this person? Accounts: made, found, signed in, and handed over by one-time links.
//!
//! Every account begins with a workspace of its own and that workspace's wallet, in one transaction. Passwords are
//! argon2id; wrong password, unknown e-mail and an account without a password are one and the same answer.

mod common;
mod delay;
mod email;
mod error;
mod gate;
mod password;
mod setup;
mod sign_in;
mod stub;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::ids::{AccountId, WorkspaceId};
use domain::views::{AccountView, Chosen};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};

pub use email::{Email, EmailError};
pub use error::{
    AccountError, ChangePasswordError, ClaimError, ConfirmError, EmailChangeError, LinkError,
    ProfileError, ResetError, SecondFactorError, SignInError, SignUpError,
};
pub use password::{LONGEST as LONGEST_PASSWORD, PasswordError, SHORTEST as SHORTEST_PASSWORD};
pub use setup::{SETUP_LIFETIME_MS, SetupToken};
pub use sign_in::SignedIn;
pub use stub::*;

use crate::clock::Clock;
use crate::db::Db;
use crate::ids::NewId;
use crate::secrets::{KeyRing, Secret};
use error::unique;
use gate::Gate;
use password::Hasher;

/// The longest name of a person, in characters.
pub const LONGEST_NAME: usize = 100;

/// The accounts of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    hasher: Hasher,
    gate: Gate,
}

impl Accounts {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            ring,
            hasher: Hasher::new(),
            gate: Gate::default(),
        }))
    }

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
                password::check(&password, email)?;
                Some(self.0.hasher.hash(password).await?)
            }
            None => None,
        };
        let now = self.0.clock.now_ms();
        let (id, workspace) = (AccountId::new(), WorkspaceId::new());

        let tx = self.0.db.begin().await?;
        table::workspace::ActiveModel {
            id: Set(workspace.to_string()),
            created_at: Set(now),
        }
        .insert(&tx)
        .await?;
        table::account::ActiveModel {
            id: Set(id.to_string()),
            workspace_id: Set(workspace.to_string()),
            email: Set(email.as_str().to_owned()),
            email_key: Set(email.key().to_owned()),
            password_hash: Set(password_hash),
            admin: Set(admin),
            created_at: Set(now),
            // Made by the operator, who vouches for the address.
            verified_at: Set(Some(now)),
            ..Default::default()
        }
        .insert(&tx)
        .await
        .map_err(|error| {
            if unique(&error) {
                AccountError::EmailTaken
            } else {
                error.into()
            }
        })?;
        crate::ledger::open_wallet(&tx, workspace, now).await?;
        tx.commit().await?;
        Ok(AccountView {
            id,
            workspace,
            email: email.as_str().to_owned(),
            name: String::new(),
            admin,
            verified: true,
            blocked: false,
            created_at: now,
            chosen: Chosen::default(),
            low_balance: None,
        })
    }

    /// # Errors
    /// When the database cannot be read.
    pub async fn by_email(&self, email: &Email) -> Result<Option<AccountView>, AccountError> {
        let row = table::account::Entity::find()
            .filter(table::account::Column::EmailKey.eq(email.key()))
            .one(self.0.db.read())
            .await?;
        Ok(row.map(table::account::Model::view).transpose()?)
    }

    /// # Errors
    /// When the database cannot be read.
    pub async fn by_id(&self, id: AccountId) -> Result<Option<AccountView>, AccountError> {
        let row = table::account::Entity::find_by_id(id.to_string())
            .one(self.0.db.read())
            .await?;
        Ok(row.map(table::account::Model::view).transpose()?)
    }

    /// Whether anybody has an account here yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn any(&self) -> Result<bool, AccountError> {
        Ok(table::account::Entity::find()
            .count(self.0.db.read())
            .await?
            > 0)
    }

    /// The oldest administrator without a password: the account of the first look, until somebody claimed it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unclaimed_admin(&self) -> Result<Option<AccountView>, AccountError> {
        let row = table::account::Entity::find()
            .filter(table::account::Column::Admin.eq(true))
            .filter(table::account::Column::PasswordHash.is_null())
            .order_by_asc(table::account::Column::CreatedAt)
            .one(self.0.db.read())
            .await?;
        Ok(row.map(table::account::Model::view).transpose()?)
    }
}
