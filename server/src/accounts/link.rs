//! What is a mailed link good for? One purpose, one address, one use, and not for long.
//!
//! A link is made in the transaction that queues its mail and used up in the one that does what it is for. Looking at
//! it ([`Accounts::link_open`]) uses nothing up: scanners of mail open links too.

use domain::views::UnixMs;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::table::account_link::{ActiveModel, Column, Entity, Model};
use super::{AccountError, Accounts};
use crate::secrets::{KeyRing, Purpose, Secret, hex};

/// What a mailed link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The address of a sign-up is theirs.
    Verify,
    /// A new password.
    Reset,
    /// A new address is theirs.
    EmailConfirm,
    /// Back to the old address.
    EmailUndo,
}

impl LinkPurpose {
    /// As the rows name it.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::EmailConfirm => "email_confirm",
            Self::EmailUndo => "email_undo",
        }
    }

    /// How long it works, in milliseconds.
    pub(super) const fn lifetime_ms(self) -> i64 {
        const MINUTE: i64 = 60 * 1_000;
        const HOUR: i64 = 60 * MINUTE;
        match self {
            Self::Reset => 30 * MINUTE,
            Self::Verify | Self::EmailConfirm => 24 * HOUR,
            Self::EmailUndo => 72 * HOUR,
        }
    }

    /// The page that a mail leads to.
    pub(super) fn path(self, token: &Secret) -> String {
        let page = match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::EmailConfirm => "email/confirm",
            Self::EmailUndo => "email/undo",
        };
        format!("/{page}/{}", token.expose())
    }
}

/// A link to be made.
pub(super) struct NewLink<'a> {
    pub(super) account: &'a str,
    pub(super) purpose: LinkPurpose,
    /// The address it is about.
    pub(super) email: &'a str,
    /// A keyed hash of where it was asked for; empty when that is not known.
    pub(super) network: &'a str,
}

impl NewLink<'_> {
    /// Makes the link and returns its path. Earlier ones of the account for the same purpose stop working, but for
    /// those that undo: each leads back to another address.
    pub(super) async fn make<C: ConnectionTrait>(
        &self,
        conn: &C,
        ring: &KeyRing,
        now: UnixMs,
    ) -> Result<String, DbErr> {
        let token = Secret::random_token().map_err(|error| DbErr::Custom(error.to_string()))?;
        if self.purpose != LinkPurpose::EmailUndo {
            close(conn, self.account, &[self.purpose]).await?;
        }
        ActiveModel {
            token_hash: Set(token_hash(ring, self.purpose, token.expose())),
            account_id: Set(self.account.to_owned()),
            purpose: Set(self.purpose.id().to_owned()),
            email: Set(Some(self.email.to_owned())),
            network: Set(self.network.to_owned()),
            expires_at: Set(now + self.purpose.lifetime_ms()),
            used_at: Set(None),
            created_at: Set(now),
        }
        .insert(conn)
        .await?;
        Ok(self.purpose.path(&token))
    }
}

/// Uses a link up, if it works: of many at the same moment one wins, because the database lets only one change the row.
pub(super) async fn take<C: ConnectionTrait>(
    conn: &C,
    ring: &KeyRing,
    purpose: LinkPurpose,
    token: &str,
    now: UnixMs,
) -> Result<Option<Model>, DbErr> {
    let hash = token_hash(ring, purpose, token);
    let won = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::TokenHash.eq(&hash))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .exec(conn)
        .await?;
    if won.rows_affected != 1 {
        return Ok(None);
    }
    Entity::find_by_id(hash).one(conn).await
}

/// A link that works, without using it up.
pub(super) async fn look<C: ConnectionTrait>(
    conn: &C,
    ring: &KeyRing,
    purpose: LinkPurpose,
    token: &str,
    now: UnixMs,
) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(token_hash(ring, purpose, token))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .one(conn)
        .await
}

/// Ends an account's links for these purposes.
pub(super) async fn close<C: ConnectionTrait>(
    conn: &C,
    account: &str,
    purposes: &[LinkPurpose],
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(account))
        .filter(Column::Purpose.is_in(purposes.iter().map(|purpose| purpose.id())))
        .exec(conn)
        .await
        .map(|_| ())
}

/// Ends the ways back that were mailed after this one was: they lead to addresses that the account got from whoever
/// took it away.
pub(super) async fn close_undo_since<C: ConnectionTrait>(
    conn: &C,
    undone: &Model,
) -> Result<(), DbErr> {
    Entity::delete_many()
        .filter(Column::AccountId.eq(&undone.account_id))
        .filter(Column::Purpose.eq(LinkPurpose::EmailUndo.id()))
        .filter(Column::CreatedAt.gte(undone.created_at))
        .exec(conn)
        .await
        .map(|_| ())
}

/// Bound to the purpose: a link for one thing is no link for another.
pub(super) fn token_hash(ring: &KeyRing, purpose: LinkPurpose, token: &str) -> String {
    let bound = [b"link\0", purpose.id().as_bytes(), b"\0", token.as_bytes()].concat();
    hex(&ring.hmac(Purpose::Token, &bound))
}

impl Accounts {
    /// Whether a mailed link still works. Looking does not use it up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn link_open(&self, purpose: LinkPurpose, token: &str) -> Result<bool, AccountError> {
        let open = look(
            self.0.db.read(),
            &self.0.ring,
            purpose,
            token,
            self.0.clock.now_ms(),
        )
        .await?;
        Ok(open.is_some())
    }

    /// Deletes the rows of mailed links that ended a day ago or longer, and of one-time links that ended, and says how
    /// many. They do nothing any more; this is for tidiness.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_links(&self) -> Result<u64, AccountError> {
        use super::table::setup_token;
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        let now = self.0.clock.now_ms();
        let claims = setup_token::Entity::delete_many()
            .filter(setup_token::Column::ExpiresAt.lte(now))
            .exec(self.0.db.write())
            .await?;
        let ended = Entity::delete_many()
            .filter(Column::ExpiresAt.lte(now - DAY_MS))
            .exec(self.0.db.write())
            .await?;
        Ok(ended.rows_affected + claims.rows_affected)
    }
}
