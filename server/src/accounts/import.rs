//! How do people move in from another system? With their old hashes, so that nobody has to choose a new password.
//!
//! All or nothing: half an import is worse than none. An old hash becomes one of ours at the first sign-in.

use std::collections::BTreeSet;

use domain::views::UnixMs;
use serde_json::json;
use thiserror::Error;

use super::create::NewAccount;
use super::error::unique;
use super::{AccountError, Accounts, Email, password, profile};
use crate::audit::{Act, Actor, Audit};

/// An account that another system had.
pub struct Import {
    pub email: Email,
    /// May be empty.
    pub name: String,
    /// argon2id or bcrypt.
    pub password_hash: String,
    /// Whether the other system proved the address.
    pub verified: bool,
    /// `None`: now.
    pub created_at: Option<UnixMs>,
}

/// What is wrong with one account of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportFault {
    #[error(
        "the name is longer than {} characters, or has characters that do not show",
        super::LONGEST_NAME
    )]
    Name,
    #[error(
        "password_hash is neither argon2id nor bcrypt ($2a$, $2b$, $2y$), or asks for too much work"
    )]
    Hash,
    #[error("the same e-mail stands above already")]
    Twice,
    #[error("this e-mail has an account already")]
    EmailTaken,
}

/// Nothing was imported.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The place of each bad account, counted from zero, and what is wrong with it.
    #[error("{} account(s) cannot be imported", .0.len())]
    Faults(Vec<(usize, ImportFault)>),
    #[error("the database cannot be reached")]
    Unavailable,
}

impl From<AccountError> for ImportError {
    fn from(_: AccountError) -> Self {
        Self::Unavailable
    }
}

impl Accounts {
    /// Makes all of these accounts, or none of them. Nobody gets mail or welcome credit.
    ///
    /// # Errors
    /// [`ImportError`].
    pub async fn import(
        &self,
        audit: &Audit,
        actor: Actor,
        people: &[Import],
    ) -> Result<u64, ImportError> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for (place, person) in people.iter().enumerate() {
            let fault = if !person.name.is_empty() && profile::name(&person.name).is_none() {
                Some(ImportFault::Name)
            } else if !password::importable(&person.password_hash) {
                Some(ImportFault::Hash)
            } else if !seen.insert(person.email.key()) {
                Some(ImportFault::Twice)
            } else if self.by_email(&person.email).await?.is_some() {
                Some(ImportFault::EmailTaken)
            } else {
                None
            };
            faults.extend(fault.map(|fault| (place, fault)));
        }
        if !faults.is_empty() {
            return Err(ImportError::Faults(faults));
        }

        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await.map_err(AccountError::from)?;
        for (place, person) in people.iter().enumerate() {
            let created_at = person.created_at.unwrap_or(now);
            let name = profile::name(&person.name).unwrap_or_default();
            let new = NewAccount {
                email: &person.email,
                name: &name,
                password_hash: Some(person.password_hash.clone()),
                admin: false,
                created_at,
                verified_at: person.verified.then_some(created_at),
                agreed_at: None,
                locale: None,
            };
            new.insert(&tx).await.map_err(|error| {
                if unique(&error) {
                    // Somebody signed up a moment ago.
                    ImportError::Faults(vec![(place, ImportFault::EmailTaken)])
                } else {
                    AccountError::from(error).into()
                }
            })?;
        }
        let count = u64::try_from(people.len()).unwrap_or(u64::MAX);
        let act = Act {
            actor,
            action: "account.import",
            subject: None,
            target: None,
            detail: json!({"accounts": count}),
            from: None,
        };
        audit.note(&tx, &act).await.map_err(AccountError::from)?;
        tx.commit().await.map_err(AccountError::from)?;
        Ok(count)
    }
}
