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
    #[error("too many mails, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// A sign-up, or a wish for a new password, was not taken. None of them says whether the address has an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignUpError {
    #[error(
        "a name has between 1 and {} characters, all of them visible",
        super::LONGEST_NAME
    )]
    Name,
    #[error(transparent)]
    Email(#[from] super::EmailError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the terms were not accepted")]
    Terms,
    #[error("consent was not given")]
    Consent,
    /// Of this network, for this address, or of everybody together; whole seconds, at least one.
    #[error("too many tries, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
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
    /// The operator shut this account. Told only to whoever knows the password.
    #[error("this account is blocked")]
    Blocked,
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

/// Using a mailed link failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The link is unknown, used, replaced by a newer one, too old, or about an address the account no longer has.
    #[error("this link was used already, replaced by a newer one, or is too old")]
    Closed,
    #[error("this e-mail belongs to another account")]
    EmailTaken,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// Setting a new password by a mailed link failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResetError {
    /// As [`LinkError::Closed`].
    #[error("this link was used already, replaced by a newer one, or is too old")]
    Closed,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// A change of e-mail was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmailChangeError {
    #[error(transparent)]
    Email(#[from] super::EmailError),
    #[error("this is the account's e-mail already")]
    Same,
    #[error("too many mails, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    #[error("there is no such account")]
    NotFound,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// A password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ChangePasswordError {
    #[error("the current password is wrong")]
    Wrong,
    #[error("too many wrong passwords, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// The signed-in person could not prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ConfirmError {
    #[error("the password is wrong")]
    Wrong,
    #[error("too many wrong passwords, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    #[error("too many sign-ins at this moment")]
    Busy,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// Something about the second factor failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecondFactorError {
    /// Wrong, or used already.
    #[error("the code is wrong, or was used already")]
    Wrong,
    #[error("too many wrong codes, try again in {} seconds", retry_after.as_secs())]
    TooMany { retry_after: Duration },
    /// There is no second factor: neither in force nor begun, whichever the verb needs.
    #[error("no second factor is set up")]
    NotBegun,
    /// One is in force: it has to be ended before another can begin.
    #[error("a second factor is in force already")]
    AlreadyOn,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// A change of a person's settings was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProfileError {
    #[error(
        "a name has between 1 and {} characters, all of them visible",
        super::LONGEST_NAME
    )]
    Name,
    /// A language, currency, time zone or theme that there is not.
    #[error("there is no such language, currency, time zone or theme")]
    Choice,
    #[error("an amount below which a mail is sent cannot be negative")]
    Amount,
    #[error("there is no such account")]
    NotFound,
    #[error("the database cannot be reached")]
    Unavailable,
}

/// The cause goes to the log, where the operator looks; the caller only learns that it is not their doing.
fn report(error: &DbErr) {
    tracing::error!(%error, "accounts: the database failed");
}

macro_rules! from_database {
    ($($name:ident),*) => {
        $(
            impl From<DbErr> for $name {
                fn from(error: DbErr) -> Self {
                    report(&error);
                    Self::Unavailable
                }
            }
        )*
    };
}

macro_rules! from_hashing {
    ($($name:ident),*) => {
        $(
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

from_database!(
    AccountError,
    SignUpError,
    SignInError,
    ClaimError,
    LinkError,
    ResetError,
    EmailChangeError,
    ChangePasswordError,
    ConfirmError,
    SecondFactorError,
    ProfileError
);
from_hashing!(
    AccountError,
    SignUpError,
    SignInError,
    ClaimError,
    ResetError,
    ChangePasswordError,
    ConfirmError
);

/// Whether the database refused a second row of the same name.
pub(super) fn unique(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
