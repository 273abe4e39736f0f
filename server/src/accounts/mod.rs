//! Who is this person? Accounts: made, found, signed in, and handed over by one-time links.
//!
//! - beginning: `create` (by the operator), `sign_up`, `verify`, `import`, `setup` (one-time link), `welcome` (credit)
//! - coming in: `sign_in`, `password`, `device`, `second_factor`, `recovery`; slowed down by `delay`, `gate`, `beat`
//! - changing: `profile`, `email_change`, `password_change`, `reset`; mailed links in `link`, their number in `limits`
//! - for operators: `search`, `block`
//!
//! Passwords are argon2id; wrong password, unknown e-mail and an account without a password are one and the same answer,
//! and so are a sign-up with a new address and with a known one.

mod beat;
mod block;
mod common;
mod create;
mod delay;
mod device;
mod email;
mod email_change;
mod error;
mod gate;
mod import;
mod limits;
mod link;
mod password;
mod password_change;
mod profile;
mod recovery;
mod reset;
mod search;
mod second_factor;
mod setup;
mod sign_in;
mod sign_up;
mod table;
#[cfg(test)]
mod tests;
mod verify;
mod welcome;

use std::sync::Arc;

use domain::ids::AccountId;
use domain::views::AccountView;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use serde_json::json;

pub use delay::MEMORY_MS as DELAY_KEPT_MS;
pub use email::{Email, EmailError};
pub use error::{
    AccountError, ChangePasswordError, ClaimError, ConfirmError, EmailChangeError, LinkError,
    ProfileError, ResetError, SecondFactorError, SignInError, SignUpError,
};
pub use import::{Import, ImportError, ImportFault};
pub use link::LinkPurpose;
pub use password::{LONGEST as LONGEST_PASSWORD, PasswordError, SHORTEST as SHORTEST_PASSWORD};
pub use second_factor::{Enrolment, SecondFactorView};
pub use setup::{SETUP_LIFETIME_MS, SetupToken};
pub use sign_in::SignedIn;
pub use sign_up::SignUp;
pub use welcome::WelcomeRule;

use crate::audit::{Act, Actor, Audit};
use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::KeyRing;
use gate::Gate;
use limits::Limits;
use password::Hasher;

/// The longest name of a person, in characters.
pub const LONGEST_NAME: usize = 100;

/// The accounts of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    hasher: Arc<Hasher>,
    gate: Arc<Gate>,
    limits: Arc<Limits>,
    /// The operator's name: no good password for an account here.
    brand: String,
    welcome: Option<WelcomeRule>,
}

impl Accounts {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing) -> Self {
        Self(Arc::new(Inner {
            db,
            ring,
            hasher: Arc::new(Hasher::new()),
            gate: Arc::default(),
            limits: Arc::new(Limits::new(clock.clone())),
            clock,
            brand: String::new(),
            welcome: None,
        }))
    }

    /// With the operator's name, for judging passwords.
    #[must_use]
    pub fn with_brand(mut self, brand: &str) -> Self {
        brand.clone_into(&mut Arc::make_mut(&mut self.0).brand);
        self
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

    fn audit(&self) -> Audit {
        Audit::new(self.0.db.clone(), self.0.clock.clone())
    }

    /// Writes down that somebody changed how their account is kept safe.
    async fn noted<C: ConnectionTrait>(
        &self,
        conn: &C,
        account: AccountId,
        action: &'static str,
    ) -> Result<(), DbErr> {
        self.noted_by(conn, Actor::Account(account), account, action)
            .await
    }

    async fn noted_by<C: ConnectionTrait>(
        &self,
        conn: &C,
        actor: Actor,
        account: AccountId,
        action: &'static str,
    ) -> Result<(), DbErr> {
        let act = Act {
            actor,
            action,
            subject: Some(account),
            target: None,
            detail: json!({}),
            from: None,
        };
        self.audit().note(conn, &act).await
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
