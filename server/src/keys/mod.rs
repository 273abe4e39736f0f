//! Which key is calling? Keys: made, shown again, revoked, and recognised on every call.
//!
//! A call asks [`Keys::authenticate`]: format and checksum without any look-up (`format`), then memory for a few
//! seconds (`cache`), then one indexed read by a keyed hash. The key itself is stored only encrypted, for its owner.

mod cache;
mod error;
mod format;
mod table;
#[cfg(test)]
mod tests;
mod touch;

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::{KeyView, UnixMs};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, Select};

pub use error::{AuthError, KeyError};
pub use format::{KeySecret, LENGTH, PATTERN};

use crate::changes::{self, Topic};
use crate::clock::Clock;
use crate::db::Db;
use crate::ids::NewId;
use crate::secrets::{CannotOpen, KeyRing, Purpose, hex};
use cache::Cache;
use table::{ActiveModel, Column, Entity, Model};
use touch::Touches;

/// The longest name of a key, in characters.
pub const LONGEST_NAME: usize = 64;

/// What a call needs to know of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub id: KeyId,
    pub workspace: WorkspaceId,
    /// Test keys spend nothing and reach only the sandbox.
    pub test: bool,
    pub name: String,
    /// From this time on calls are refused; whoever serves the call looks at its clock.
    pub expires_at: Option<UnixMs>,
}

/// A key just made; the only time its secret is handed out without asking for it.
#[derive(Debug)]
pub struct NewKey {
    pub view: KeyView,
    pub secret: KeySecret,
}

/// The keys of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ring: KeyRing,
    cache: Cache,
    touches: Touches,
}

impl Keys {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ring: KeyRing) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            ring,
            cache: Cache::new(),
            touches: Touches::default(),
        }))
    }

    /// Makes a key of a workspace. `test` keys begin with `sk-fb_test_`.
    ///
    /// # Errors
    /// A name against the rules, an unknown workspace, no database.
    pub async fn create(
        &self,
        workspace: WorkspaceId,
        name: &str,
        test: bool,
    ) -> Result<NewKey, KeyError> {
        let name = name.trim();
        if name.is_empty()
            || name.chars().count() > LONGEST_NAME
            || name.chars().any(char::is_control)
        {
            return Err(KeyError::Name);
        }
        let secret = KeySecret::generate(test)?;
        let id = KeyId::new();
        let sealed = self.0.ring.seal(
            Purpose::ApiKeyAead,
            &row_name(id, workspace),
            secret.expose().as_bytes(),
        )?;
        let row = ActiveModel {
            id: Set(id.to_string()),
            workspace_id: Set(workspace.to_string()),
            name: Set(name.to_owned()),
            test: Set(test),
            lookup: Set(hex(&self.lookup(secret.expose()))),
            sealed: Set(Some(STANDARD.encode(sealed))),
            masked: Set(secret.masked()),
            created_at: Set(self.0.clock.now_ms()),
            expires_at: Set(None),
            last_used_at: Set(None),
            revoked_at: Set(None),
        };
        let tx = self.0.db.begin().await?;
        let row = row
            .insert(&tx)
            .await
            .map_err(|error| match error.sql_err() {
                Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => KeyError::NoWorkspace,
                _ => error.into(),
            })?;
        changes::bump(&tx, Topic::Keys).await?;
        tx.commit().await?;
        Ok(NewKey {
            view: row.view()?,
            secret,
        })
    }

    /// Shows a key's secret again, to a command. Pages use [`Keys::reveal_in`].
    ///
    /// # Errors
    /// Unknown or revoked key, key files that do not fit, no database.
    pub async fn reveal(&self, id: KeyId) -> Result<KeySecret, KeyError> {
        self.open(Entity::find_by_id(id.to_string())).await
    }

    /// Shows the secret of a key of this workspace; a key of another one does not exist here.
    ///
    /// # Errors
    /// As [`Keys::reveal`].
    pub async fn reveal_in(
        &self,
        workspace: WorkspaceId,
        id: KeyId,
    ) -> Result<KeySecret, KeyError> {
        self.open(
            Entity::find_by_id(id.to_string())
                .filter(Column::WorkspaceId.eq(workspace.to_string())),
        )
        .await
    }

    async fn open(&self, row: Select<Entity>) -> Result<KeySecret, KeyError> {
        let row = row.one(self.0.db.read()).await?.ok_or(KeyError::NotFound)?;
        let sealed = row.sealed.clone().ok_or(KeyError::Revoked)?;
        let sealed = STANDARD.decode(sealed).map_err(|_| CannotOpen)?;
        let record = row.record()?;
        let plain = self.0.ring.unseal(
            Purpose::ApiKeyAead,
            &row_name(record.id, record.workspace),
            &sealed,
        )?;
        Ok(KeySecret::opened(&plain).ok_or(CannotOpen)?)
    }

    /// Ends a key for good, for a command. `false` when it was revoked before or never existed. Other nodes and a
    /// running server notice within five seconds, this process at once.
    ///
    /// # Errors
    /// No database.
    pub async fn revoke(&self, id: KeyId) -> Result<bool, KeyError> {
        self.end(id, None).await
    }

    /// Ends a key of this workspace; `false` also when it is another one's.
    ///
    /// # Errors
    /// No database.
    pub async fn revoke_in(&self, workspace: WorkspaceId, id: KeyId) -> Result<bool, KeyError> {
        self.end(id, Some(workspace)).await
    }

    async fn end(&self, id: KeyId, only_in: Option<WorkspaceId>) -> Result<bool, KeyError> {
        let mut revoke = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(self.0.clock.now_ms()))
            .col_expr(Column::Sealed, Expr::value(Option::<String>::None))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::RevokedAt.is_null());
        if let Some(workspace) = only_in {
            revoke = revoke.filter(Column::WorkspaceId.eq(workspace.to_string()));
        }
        let tx = self.0.db.begin().await?;
        let revoked = revoke.exec(&tx).await?.rows_affected == 1;
        if revoked {
            changes::bump(&tx, Topic::Keys).await?;
        }
        tx.commit().await?;
        if revoked {
            self.forget_all();
        }
        Ok(revoked)
    }

    /// A workspace's keys, newest first, revoked ones included.
    ///
    /// # Errors
    /// No database.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<KeyView>, KeyError> {
        let rows = Entity::find()
            .filter(Column::WorkspaceId.eq(workspace.to_string()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .all(self.0.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(Model::view)
            .collect::<Result<_, _>>()?)
    }

    /// Recognises the key a caller presented. Junk is refused without touching the database; answers are remembered for
    /// a few seconds, under the whole hash.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] only when format or database say no; [`AuthError::Unavailable`] when the database is silent.
    pub async fn authenticate(&self, presented: &str) -> Result<Arc<KeyRecord>, AuthError> {
        if !format::plausible(presented) {
            return Err(AuthError::Invalid);
        }
        let lookup = self.lookup(presented);
        if let Some(known) = self.0.cache.get(&lookup) {
            return known.ok_or(AuthError::Invalid);
        }
        let asked = self.0.cache.asking();
        let found = self.find(&lookup).await.map_err(|error| {
            tracing::error!(%error, "keys: the database failed");
            AuthError::Unavailable
        })?;
        self.0.cache.put(lookup, found.clone(), asked);
        found.ok_or(AuthError::Invalid)
    }

    async fn find(&self, lookup: &[u8; 32]) -> Result<Option<Arc<KeyRecord>>, DbErr> {
        let row = Entity::find()
            .filter(Column::Lookup.eq(hex(lookup)))
            .filter(Column::RevokedAt.is_null())
            .one(self.0.db.read())
            .await?;
        row.map(|row| row.record().map(Arc::new)).transpose()
    }

    /// Forgets every remembered answer: the change counter of keys moved.
    pub fn forget_all(&self) {
        self.0.cache.forget_all();
    }

    fn lookup(&self, key: &str) -> [u8; 32] {
        self.0.ring.hmac(Purpose::ApiKeyHmac, key.as_bytes())
    }
}

/// What a sealed key is bound to. Both ids have a fixed length, so no two rows can spell the same.
fn row_name(id: KeyId, workspace: WorkspaceId) -> Vec<u8> {
    format!("apikey\0{id}{workspace}").into_bytes()
}
