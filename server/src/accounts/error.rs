//! What can go wrong with an account? Short lists, so that a page can have a sentence for each entry.

use std::time::Duration;

use sea_orm::{DbErr, SqlErr};
use thiserror::Error;

use super::password::{HashError, PasswordError};

/// Making or reading an account failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AccountError {
    #[error("this e-mail has an account already")]
    EmailTaken,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("there is no such account")]
    NotFound,
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// A sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignInError {
    /// Unknown e-mail, no password set yet, or the wrong one: not told apart.
    #[error("the e-mail or the password is wrong")]
    Wrong,
    /// Too many failures of this account or from this network; whole seconds, at least one.
    #[error("too many failed sign-ins, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    /// The queue for checking passwords is full (503).
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// Using a one-time link failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaimError {
    /// The link is unknown, used, replaced by a newer one or too old.
    #[error("this link was used already, replaced by a newer one, or is too old")]
    Closed,
    #[error("this e-mail belongs to another account")]
    EmailTaken,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// The cause goes to the log, where the operator looks; the caller only learns that it is not their doing.
fn report(error: &DbErr) {
    tracing::error!(%error, "accounts: the database failed");
}

macro_rules! from_lower {
    ($($name:ident),*) => {
        $(
            impl From<DbErr> for $name {
                fn from(error: DbErr) -> Self {
                    report(&error);
                    Self::Unavailable
                }
            }

            impl From<HashError> for $name {
                fn from(error: HashError) -> Self {
                    match error {
                        HashError::Busy => Self::Busy,
                        HashError::Failed => Self::Unavailable,
                    }
                }
            }
        )*
    };
}

from_lower!(AccountError, SignInError, ClaimError);

/// Whether the database refused a second row of the same name.
pub(super) fn unique(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
