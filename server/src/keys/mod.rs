//! Which key is calling, and what may it do? Keys: made, limited, shown again, rolled, ended, and recognised on every call.
//!
//! A call asks [`Keys::authenticate`]: format and checksum without any look-up (`format`), then memory for a few
//! seconds (`cache`), then one indexed read by a keyed hash. The key itself is stored only encrypted, for its owner, or
//! not at all where the operator says so. Every verb names the workspace: another's key does not exist there.

mod admin;
mod cache;
mod change;
mod create;
mod end;
mod error;
mod find;
mod format;
mod limits;
mod record;
mod refused;
mod reveal;
mod roll;
mod shown;
mod table;
#[cfg(test)]
mod tests;
mod touch;
mod zone;

use std::sync::Arc;

use domain::KeyLimits;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::KeyView;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

pub use admin::FoundKey;
pub use error::{AuthError, KeyError};
pub use format::{KeySecret, LENGTH, PATTERN};
pub use record::KeyRecord;
pub use refused::KEPT_MS as REFUSALS_KEPT_MS;
pub use roll::LONGEST_OVERLAP;
pub use shown::SHOWN_MS;

use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::{KeyRing, Purpose};
use cache::Cache;
use refused::Refusals;
use table::{Column, Entity, Model};
use touch::Touches;

/// The longest name of a key, in characters.
pub const LONGEST_NAME: usize = 64;

/// What its owner says about a key that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewKeyForm {
    pub name: String,
    /// Test keys begin with `sk-fb_test_`, spend nothing and reach only the sandbox.
    pub test: bool,
    pub limits: KeyLimits,
}

impl NewKeyForm {
    /// A live key of this name without limits.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// A test key of this name without limits.
    #[must_use]
    pub fn test(name: &str) -> Self {
        Self {
            test: true,
            ..Self::named(name)
        }
    }
}

/// A key just made; the only time its secret is handed out without asking for it.
#[derive(Debug)]
pub struct NewKey {
    pub view: KeyView,
    pub secret: KeySecret,
}

/// The keys of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
    /// Whether a copy of each new secret is kept, for its owner to see again.
    copies: bool,
}

struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    cache: Cache,
    touches: Touches,
    refusals: Refusals,
}

impl Keys {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                clock,
                ring,
                cache: Cache::new(),
                touches: Touches::default(),
                refusals: Refusals::default(),
            }),
            copies: true,
        }
    }

    /// Whether secrets can be shown again. Without, no copy of a new secret is kept.
    #[must_use]
    pub fn with_reveal(mut self, copies: bool) -> Self {
        self.copies = copies;
        self
    }

    /// Whether secrets of new keys can be shown again.
    #[must_use]
    pub const fn reveals(&self) -> bool {
        self.copies
    }

    /// Forgets every remembered answer: the change counter of keys moved.
    pub fn forget_all(&self) {
        self.inner.cache.forget_all();
    }

    fn lookup(&self, key: &str) -> [u8; 32] {
        self.inner.ring.hmac(Purpose::ApiKeyHmac, key.as_bytes())
    }

    /// The row of a key of this workspace that is still somebody's to change: revoked ones are not, nor the test zone's.
    /// Locked where databases know that: of two changes at once the second sees what the first made of it.
    async fn working<C: ConnectionTrait>(
        &self,
        conn: &C,
        workspace: WorkspaceId,
        id: KeyId,
    ) -> Result<Model, KeyError> {
        let row = one_of(workspace, id)
            .lock_exclusive()
            .one(conn)
            .await?
            .ok_or(KeyError::NotFound)?;
        if row.revoked_at.is_some() {
            return Err(KeyError::Revoked);
        }
        Ok(row)
    }
}

/// The question for one key of a workspace, whatever its state.
fn one_of(workspace: WorkspaceId, id: KeyId) -> sea_orm::Select<Entity> {
    Entity::find_by_id(id.to_string())
        .filter(Column::WorkspaceId.eq(workspace.to_string()))
        .filter(Column::Kind.eq(table::KEY))
}

/// What a sealed key is bound to. Both ids have a fixed length, so no two rows can spell the same.
fn row_name(id: KeyId, workspace: WorkspaceId) -> Vec<u8> {
    format!("apikey\0{id}{workspace}").into_bytes()
}
