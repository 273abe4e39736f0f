//! What if the password is forgotten? A link by mail, and everybody who was signed in is out.

use std::net::IpAddr;

use domain::views::AccountView;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::beat::Beat;
use super::delay::{self, At};
use super::link::{self, LinkPurpose, NewLink};
use super::table::account;
use super::verify::about;
use super::{Accounts, Email, ResetError, SignUpError, second_factor};
use crate::mail::{Mail, Message};
use crate::secrets::Secret;

impl Accounts {
    /// Mails a link for a new password, if the address has an account that is not blocked. The answer is the same when
    /// it has none, and takes as long.
    ///
    /// # Errors
    /// [`SignUpError::Email`], [`SignUpError::TooMany`], no database.
    pub async fn ask_reset(
        &self,
        mail: &Mail,
        email: &str,
        from: IpAddr,
    ) -> Result<(), SignUpError> {
        let beat = Beat::begin();
        let email = Email::parse(email)?;
        self.ask_for_mail(Some(from), &email)
            .map_err(|retry_after| SignUpError::TooMany { retry_after })?;
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let row = account::Entity::find()
            .filter(account::Column::EmailKey.eq(email.key()))
            .filter(account::Column::BlockedAt.is_null())
            .one(&tx)
            .await?;
        if let Some(row) = row {
            let link = NewLink {
                account: &row.id,
                purpose: LinkPurpose::Reset,
                email: &row.email,
                network: &self.network_key(from),
            };
            let link = link.make(&tx, &self.0.ring, now).await?;
            let to = mail.recipient(&row.view()?);
            mail.queue(&tx, &to, &Message::Reset { link }).await?;
        }
        tx.commit().await?;
        beat.rest().await;
        Ok(())
    }

    /// Sets a new password by the mailed link. All sessions end; the second factor is still asked for; API keys go on
    /// working. Whoever has the link reads the account's mail, so the address is proved too.
    ///
    /// # Errors
    /// [`ResetError::Closed`] when the link does not work (any more), the password's rules, too much work at once, no
    /// database. When it fails the link can be used again.
    pub async fn reset(
        &self,
        mail: &Mail,
        token: &str,
        password: Secret,
    ) -> Result<AccountView, ResetError> {
        let (db, ring) = (&self.0.db, &self.0.ring);
        let now = self.0.clock.now_ms();
        // Before the expensive work: guessing links must cost the guesser more than us.
        let link = link::look(db.read(), ring, LinkPurpose::Reset, token, now).await?;
        let link = link.ok_or(ResetError::Closed)?;
        let row = about(db.read(), &link).await?.ok_or(ResetError::Closed)?;
        let email = Email::parse(&row.email).map_err(|_| ResetError::Closed)?;
        self.judge(&password, &email, &row.name).await??;
        let hash = self.0.hasher.hash(password).await?;

        let tx = db.begin().await?;
        let link = link::take(&tx, ring, LinkPurpose::Reset, token, now)
            .await?
            .ok_or(ResetError::Closed)?;
        let row = about(&tx, &link).await?.ok_or(ResetError::Closed)?;
        set_password(&tx, &row.id, &hash).await?;
        if row.verified_at.is_none() {
            // Nobody had shown that the address is theirs: a second factor was set up by somebody who had not.
            second_factor::forget(&tx, &row.id).await?;
        }
        crate::sessions::end_all(&tx, &row.id).await?;
        // The owner starts with a clean sheet even if others guessed at this address before.
        delay::reset(&tx, &delay::subject(ring, At::SignIn, &row.email_key)).await?;
        let id = row.id.clone();
        self.prove(&tx, row, &link.network, now).await?;
        let row = account::Entity::find_by_id(id).one(&tx).await?;
        let view = row.ok_or(ResetError::Closed)?.view()?;
        self.noted(&tx, view.id, "password.reset").await?;
        mail.queue(&tx, &mail.recipient(&view), &Message::PasswordChanged)
            .await?;
        tx.commit().await?;
        Ok(view)
    }
}

/// Writes a new password's hash. Links that were asked for under the old one stop working: who knew it may have asked.
pub(super) async fn set_password<C: ConnectionTrait>(
    conn: &C,
    account: &str,
    hash: &str,
) -> Result<(), DbErr> {
    account::Entity::update_many()
        .col_expr(account::Column::PasswordHash, Expr::value(hash))
        .filter(account::Column::Id.eq(account))
        .exec(conn)
        .await?;
    link::close(
        conn,
        account,
        &[LinkPurpose::Reset, LinkPurpose::EmailConfirm],
    )
    .await?;
    // Nor does the secret of an app that was shown but never proved.
    second_factor::forget_begun(conn, account).await?;
    crate::changes::bump(conn, crate::changes::Topic::Accounts).await
}
