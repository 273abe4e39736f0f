//! How does an account get its owner? By a one-time link, on which e-mail and password are set.

use std::fmt;

use domain::ids::AccountId;
use domain::views::AccountView;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::delay::{self, At};
use super::error::unique;
use super::{AccountError, Accounts, ClaimError, Email, table};
use crate::secrets::{Purpose, Secret, hex};

/// How long a link works: one day.
pub const SETUP_LIFETIME_MS: i64 = 24 * 60 * 60 * 1_000;

/// The secret part of a one-time link. `Display` is the text for the link, `Debug` hides it.
#[derive(Clone)]
pub struct SetupToken(Secret);

impl fmt::Display for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.expose())
    }
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken(***)")
    }
}

impl Accounts {
    /// Makes a link for this account; earlier ones stop working. Whoever opens it becomes the account's owner, with an
    /// e-mail and password of their own and the rights of an administrator.
    ///
    /// # Errors
    /// [`AccountError::NotFound`], or no database.
    pub async fn setup_link(&self, account: AccountId) -> Result<SetupToken, AccountError> {
        use table::setup_token::{ActiveModel, Column, Entity};
        let now = self.0.clock.now_ms();
        let token = Secret::random_token().map_err(|error| {
            tracing::error!(%error, "no one-time link can be made");
            AccountError::Unavailable
        })?;
        let tx = self.0.db.begin().await?;
        if table::account::Entity::find_by_id(account.to_string())
            .count(&tx)
            .await?
            == 0
        {
            return Err(AccountError::NotFound);
        }
        Entity::delete_many()
            .filter(Column::AccountId.eq(account.to_string()))
            .exec(&tx)
            .await?;
        ActiveModel {
            token_hash: Set(self.token_hash(token.expose())),
            account_id: Set(account.to_string()),
            expires_at: Set(now + SETUP_LIFETIME_MS),
            used_at: Set(None),
            created_at: Set(now),
        }
        .insert(&tx)
        .await?;
        tx.commit().await?;
        Ok(SetupToken(token))
    }

    /// Whether the link still works. Looking does not use it up: mail scanners open links too.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn claim_open(&self, token: &str) -> Result<bool, AccountError> {
        use table::setup_token::{Column, Entity};
        let open = Entity::find_by_id(self.token_hash(token))
            .filter(Column::UsedAt.is_null())
            .filter(Column::ExpiresAt.gt(self.0.clock.now_ms()))
            .count(self.0.db.read())
            .await?;
        Ok(open == 1)
    }

    /// Sets e-mail and password of the link's account and makes it an administrator. The link works once, however many
    /// try at the same moment; when the claim fails for another reason it can be tried again. The account's sessions end.
    ///
    /// # Errors
    /// [`ClaimError::Closed`] when the link does not work (any more), the password's rules, a taken e-mail, no database.
    pub async fn claim(
        &self,
        token: &str,
        email: &Email,
        password: Secret,
    ) -> Result<AccountView, ClaimError> {
        use table::{account, setup_token};
        // Before the expensive work: guessing links must cost the guesser more than us.
        if !self
            .claim_open(token)
            .await
            .map_err(|_| ClaimError::Unavailable)?
        {
            return Err(ClaimError::Closed);
        }
        self.judge(&password, email, "").await??;
        let password_hash = self.0.hasher.hash(password).await?;
        let token_hash = self.token_hash(token);
        let now = self.0.clock.now_ms();

        let tx = self.0.db.begin().await?;
        // The winner is whoever changes this row; the database lets only one.
        let won = setup_token::Entity::update_many()
            .col_expr(setup_token::Column::UsedAt, Expr::value(now))
            .filter(setup_token::Column::TokenHash.eq(&token_hash))
            .filter(setup_token::Column::UsedAt.is_null())
            .filter(setup_token::Column::ExpiresAt.gt(now))
            .exec(&tx)
            .await?;
        if won.rows_affected != 1 {
            return Err(ClaimError::Closed);
        }
        let link = setup_token::Entity::find_by_id(token_hash)
            .one(&tx)
            .await?
            .ok_or(ClaimError::Closed)?;
        account::Entity::update_many()
            .col_expr(account::Column::Email, Expr::value(email.as_str()))
            .col_expr(account::Column::EmailKey, Expr::value(email.key()))
            .col_expr(account::Column::PasswordHash, Expr::value(password_hash))
            .col_expr(account::Column::Admin, Expr::value(true))
            .filter(account::Column::Id.eq(&link.account_id))
            .exec(&tx)
            .await
            .map_err(|error| {
                if unique(&error) {
                    ClaimError::EmailTaken
                } else {
                    error.into()
                }
            })?;
        crate::sessions::end_all(&tx, &link.account_id).await?;
        crate::changes::bump(&tx, crate::changes::Topic::Accounts).await?;
        let row = account::Entity::find_by_id(link.account_id)
            .one(&tx)
            .await?
            .ok_or(ClaimError::Closed)?
            .view()?;
        self.noted(&tx, row.id, "account.claim").await?;
        tx.commit().await?;
        // The new owner starts with a clean sheet even if others guessed at this address before.
        let subject = delay::subject(&self.0.ring, At::SignIn, email.key());
        delay::reset(self.0.db.write(), &subject).await?;
        Ok(row)
    }

    fn token_hash(&self, token: &str) -> String {
        hex(&self
            .0
            .ring
            .hmac(Purpose::Token, &[b"setup\0", token.as_bytes()].concat()))
    }
}
