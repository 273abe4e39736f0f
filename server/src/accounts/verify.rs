//! Is the address theirs? Whoever has the mailed link reads mail there.

use domain::ids::AccountId;
use domain::views::UnixMs;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::link::{self, LinkPurpose};
use super::table::account;
use super::{Accounts, Email, LinkError};

impl Accounts {
    /// Uses the link of a sign-up: the address is proved, and welcome credit given where the operator offers it.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the link does not work (any more), no database.
    pub async fn verify(&self, token: &str) -> Result<AccountId, LinkError> {
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let link = link::take(&tx, &self.0.ring, LinkPurpose::Verify, token, now)
            .await?
            .ok_or(LinkError::Closed)?;
        let row = about(&tx, &link).await?.ok_or(LinkError::Closed)?;
        let id = row.id.parse().map_err(|_| LinkError::Unavailable)?;
        self.prove(&tx, row, &link.network, now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Marks the address of an account as proved, within the caller's transaction. The first time is the time for
    /// welcome credit.
    pub(super) async fn prove<C: ConnectionTrait>(
        &self,
        conn: &C,
        row: account::Model,
        network: &str,
        now: UnixMs,
    ) -> Result<(), DbErr> {
        if row.verified_at.is_some() {
            return Ok(());
        }
        account::Entity::update_many()
            .col_expr(account::Column::VerifiedAt, Expr::value(now))
            .filter(account::Column::Id.eq(&row.id))
            .exec(conn)
            .await?;
        self.give_welcome(conn, &row.view()?, network, now).await
    }
}

/// The account of a link, when it still has the address that the link is about and is not blocked.
pub(super) async fn about<C: ConnectionTrait>(
    conn: &C,
    link: &super::table::account_link::Model,
) -> Result<Option<account::Model>, DbErr> {
    let row = account::Entity::find_by_id(&link.account_id)
        .one(conn)
        .await?;
    let email = link
        .email
        .as_deref()
        .and_then(|text| Email::parse(text).ok());
    Ok(row.filter(|row| {
        row.blocked_at.is_none() && email.is_some_and(|email| email.key() == row.email_key)
    }))
}
