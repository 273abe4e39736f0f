//! Who is still signed in? Sessions of browsers, in the database, so that ending one ends it everywhere.
//!
//! The cookie's value is never stored, only its SHA-256: a copy of the database signs nobody in. Sessions end after a
//! time without use and after a time in any case, sooner for administrators. This folder knows nothing of cookies or
//! HTTP; the app's store translates.

mod agent;
mod lifetime;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use domain::ids::AccountId;
use domain::views::UnixMs;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use sha2::{Digest, Sha256};
use thiserror::Error;

pub use agent::{Seen, agent};
pub use lifetime::{ABSOLUTE_MS, ADMIN_ABSOLUTE_MS, ADMIN_IDLE_MS, IDLE_MS, MOST_PER_ACCOUNT};

use crate::clock::Clock;
use crate::db::{Db, one};
use crate::secrets::hex;
use lifetime::{TOUCH_EVERY_MS, expiry, expiry_in_sql};
use table::{ActiveModel, Column, Entity, Model};

/// Whose session it is; decides how long it may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    pub account: AccountId,
    pub admin: bool,
}

/// A session that is alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `None`: nobody is signed in here.
    pub account: Option<AccountId>,
    /// JSON text, meaningful to the app alone.
    pub data: String,
    /// When it ends unless it is used.
    pub expires_at: UnixMs,
}

/// A session as its owner's list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Names the session for [`Sessions::end`]; useless as a cookie.
    pub handle: String,
    /// `Firefox, Linux`; empty when the browser does not say.
    pub agent: String,
    /// `203.0.113.0/24`: the network it came from, never the address.
    pub network: String,
    pub created_at: UnixMs,
    /// Exact to a minute.
    pub last_seen: UnixMs,
    pub expires_at: UnixMs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SessionError {
    /// Another session has this id: draw a new one.
    #[error("another session has this id")]
    Taken,
    #[error("the database cannot be reached")]
    Unavailable,
}

impl From<DbErr> for SessionError {
    fn from(error: DbErr) -> Self {
        tracing::error!(%error, "sessions: the database failed");
        Self::Unavailable
    }
}

/// The sessions of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
}

impl Sessions {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner { db, clock }))
    }

    /// Begins a session under `id` (the cookie's value: at least 128 random bits). The owner's oldest sessions beyond
    /// [`MOST_PER_ACCOUNT`] end.
    ///
    /// # Errors
    /// [`SessionError::Taken`] when the id is in use; no database.
    pub async fn create(
        &self,
        id: &str,
        owner: Option<Owner>,
        data: &str,
        seen: &Seen,
    ) -> Result<(), SessionError> {
        let now = self.0.clock.now_ms();
        let admin = owner.is_some_and(|owner| owner.admin);
        let tx = self.0.db.begin().await?;
        if let Some(owner) = owner {
            make_room(&tx, owner.account, MOST_PER_ACCOUNT - 1).await?;
        }
        let row = ActiveModel {
            id_hash: Set(hash(id)),
            account_id: Set(owner.map(|owner| owner.account.to_string())),
            admin: Set(admin),
            data: Set(data.to_owned()),
            agent: Set(seen.agent.clone()),
            network: Set(seen.network.clone()),
            created_at: Set(now),
            last_seen: Set(now),
            expires_at: Set(expiry(now, now, admin)),
        };
        Entity::insert(row)
            .exec_without_returning(&tx)
            .await
            .map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => SessionError::Taken,
                _ => error.into(),
            })?;
        Ok(tx.commit().await?)
    }

    /// The session under `id`, if it is alive; marks it as used (at most once a minute).
    ///
    /// # Errors
    /// No database.
    pub async fn load(&self, id: &str) -> Result<Option<Session>, SessionError> {
        let now = self.0.clock.now_ms();
        let id_hash = hash(id);
        // A block ends the account's sessions; one that was being made at that moment is none either.
        let open = "NOT EXISTS (SELECT 1 FROM account WHERE account.id = session.account_id AND account.blocked_at IS NOT NULL)";
        let row = Entity::find_by_id(&id_hash)
            .filter(Column::ExpiresAt.gt(now))
            .filter(Expr::cust(open))
            .one(self.0.db.read())
            .await?;
        let Some(mut row) = row else { return Ok(None) };
        if now - row.last_seen >= TOUCH_EVERY_MS {
            row.expires_at = expiry(row.created_at, now, row.admin);
            let touched = Entity::update_many()
                .col_expr(Column::LastSeen, Expr::value(now))
                .col_expr(Column::ExpiresAt, Expr::value(row.expires_at))
                .filter(Column::IdHash.eq(&id_hash))
                .exec(self.0.db.write())
                .await?;
            if touched.rows_affected == 0 {
                // Ended between the two statements.
                return Ok(None);
            }
        }
        row.session().map(Some).map_err(Into::into)
    }

    /// Stores new data and owner of a session that exists; `false` when it does not. Never inserts: that would revive
    /// a session that was ended while its last page was being made.
    ///
    /// # Errors
    /// No database.
    pub async fn save(
        &self,
        id: &str,
        owner: Option<Owner>,
        data: &str,
        seen: &Seen,
    ) -> Result<bool, SessionError> {
        let now = self.0.clock.now_ms();
        let admin = owner.is_some_and(|owner| owner.admin);
        let saved = Entity::update_many()
            .col_expr(
                Column::AccountId,
                Expr::value(owner.map(|owner| owner.account.to_string())),
            )
            .col_expr(Column::Admin, Expr::value(admin))
            .col_expr(Column::Data, Expr::value(data))
            .col_expr(Column::Agent, Expr::value(&seen.agent))
            .col_expr(Column::Network, Expr::value(&seen.network))
            .col_expr(Column::LastSeen, Expr::value(now))
            .col_expr(Column::ExpiresAt, expiry_in_sql(now, admin))
            .filter(Column::IdHash.eq(hash(id)))
            .filter(Column::ExpiresAt.gt(now))
            .exec(self.0.db.write())
            .await?;
        if saved.rows_affected == 0 {
            return Ok(false);
        }
        if let Some(owner) = owner {
            make_room(self.0.db.write(), owner.account, MOST_PER_ACCOUNT).await?;
        }
        Ok(true)
    }

    /// Ends the session under `id` (sign out); `false` when there was none.
    ///
    /// # Errors
    /// No database.
    pub async fn delete(&self, id: &str) -> Result<bool, SessionError> {
        let deleted = Entity::delete_by_id(hash(id))
            .exec(self.0.db.write())
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Ends one session of an account by its handle, as the list shows it; `false` when the account has no such session.
    ///
    /// # Errors
    /// No database.
    pub async fn end(&self, account: AccountId, handle: &str) -> Result<bool, SessionError> {
        // PostgreSQL answers odd bytes with an error, not with "none".
        if !handle.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(false);
        }
        let deleted = Entity::delete_by_id(handle)
            .filter(Column::AccountId.eq(account.to_string()))
            .exec(self.0.db.write())
            .await?;
        Ok(deleted.rows_affected > 0)
    }

    /// Ends all sessions of an account, and answers its new epoch: the session that asked goes on by taking it over.
    ///
    /// # Errors
    /// No database.
    pub async fn delete_all_of(&self, account: AccountId) -> Result<i64, SessionError> {
        let tx = self.0.db.begin().await?;
        let epoch = end_all(&tx, &account.to_string()).await?;
        tx.commit().await?;
        Ok(epoch)
    }

    /// Living sessions of an account, newest first.
    ///
    /// # Errors
    /// No database.
    pub async fn list_of(&self, account: AccountId) -> Result<Vec<SessionView>, SessionError> {
        let rows = Entity::find()
            .filter(Column::AccountId.eq(account.to_string()))
            .filter(Column::ExpiresAt.gt(self.0.clock.now_ms()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::IdHash)
            .all(self.0.db.read())
            .await?;
        Ok(rows.into_iter().map(Model::view).collect())
    }

    /// The handle of the session under `id`: which entry of the list is this browser.
    #[must_use]
    pub fn handle(id: &str) -> String {
        hash(id)
    }

    /// Deletes the rows of ended sessions, and says how many. They are dead already; this is for tidiness.
    ///
    /// # Errors
    /// No database.
    pub async fn sweep(&self) -> Result<u64, SessionError> {
        let ended = Entity::delete_many()
            .filter(Column::ExpiresAt.lte(self.0.clock.now_ms()))
            .exec(self.0.db.write())
            .await?;
        Ok(ended.rows_affected)
    }
}

/// Ends all sessions of an account within the caller's transaction (a changed password, a closed account), and begins a
/// new epoch, which it answers: a sign-in that is on its way, with what was right a moment ago, begins nothing.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn end_all<C: ConnectionTrait>(conn: &C, account: &str) -> Result<i64, DbErr> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(account))
        .exec(conn)
        .await?;
    let sql = "UPDATE account SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch";
    match one(conn, sql, [account.into()]).await? {
        Some(row) => row.try_get("", "epoch"),
        None => Ok(0),
    }
}

/// Ends the oldest sessions of an account until at most `keep` are left.
async fn make_room<C: ConnectionTrait>(
    conn: &C,
    account: AccountId,
    keep: u64,
) -> Result<(), DbErr> {
    let account = account.to_string();
    let beyond: Vec<String> = Entity::find()
        .select_only()
        .column(Column::IdHash)
        .filter(Column::AccountId.eq(&account))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::LastSeen)
        .offset(keep)
        // SQLite knows no OFFSET without LIMIT; more than these go next time.
        .limit(1_000)
        .into_tuple()
        .all(conn)
        .await?;
    if !beyond.is_empty() {
        Entity::delete_many()
            .filter(Column::IdHash.is_in(beyond))
            .exec(conn)
            .await?;
    }
    Ok(())
}

fn hash(id: &str) -> String {
    hex(&Sha256::digest(id.as_bytes()))
}
