//! What can go wrong with a key?

use domain::LimitFault;
use sea_orm::DbErr;
use thiserror::Error;

use super::LONGEST_NAME;
use crate::secrets::{CannotOpen, RandomnessFailed};

/// A key could not be made, changed, shown or ended.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// There is none of this id in this workspace.
    #[error("there is no such key")]
    NotFound,
    /// A revoked key's secret is gone for good, and nothing about it can be changed.
    #[error("this key was revoked")]
    Revoked,
    /// No copy of its secret was kept: the operator wants none.
    #[error("no copy of this key is kept")]
    NoCopy,
    /// It was rolled a while ago, and the secret before that still works.
    #[error(
        "the secret from before the last roll still works: end it first, or roll without an overlap"
    )]
    Overlap,
    #[error("a key's name has 1 to {LONGEST_NAME} characters and no control characters")]
    Name,
    #[error(transparent)]
    Limits(#[from] LimitFault),
    #[error("there is no such workspace")]
    NoWorkspace,
    /// The key files are not those that sealed this key, or the row was tampered with.
    #[error(transparent)]
    CannotOpen(#[from] CannotOpen),
    #[error("the database cannot be reached")]
    Unavailable,
}

impl From<DbErr> for KeyError {
    fn from(error: DbErr) -> Self {
        tracing::error!(%error, "keys: the database failed");
        Self::Unavailable
    }
}

impl From<RandomnessFailed> for KeyError {
    fn from(error: RandomnessFailed) -> Self {
        tracing::error!(%error, "no key can be made");
        Self::Unavailable
    }
}

/// A call's key was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AuthError {
    /// Not a key, or none of ours, or revoked (401). Said only after the database said so.
    #[error("the key is not valid")]
    Invalid,
    /// The database could not be asked (503): says nothing about the key.
    #[error("the key cannot be checked now")]
    Unavailable,
}
