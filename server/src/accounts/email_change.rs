//! How does an account get another address? The new one is proved, the old one is told and can take it back for 72 hours.

use domain::ids::AccountId;
use domain::views::AccountView;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::delay::whole_seconds;
use super::error::unique;
use super::link::{self, LinkPurpose, NewLink};
use super::table::account;
use super::{Accounts, Email, EmailChangeError, LinkError, second_factor};
use crate::mail::{Mail, Message, Recipient};
use crate::secrets::Purpose;

impl Accounts {
    /// Mails a link to the new address; nothing changes until it is used. Whether another account has that address is
    /// told only to whoever reads mail there.
    ///
    /// # Errors
    /// What is wrong with the address, too many mails, no such account, no database.
    pub async fn ask_email_change(
        &self,
        mail: &Mail,
        account: AccountId,
        new: &str,
    ) -> Result<(), EmailChangeError> {
        let new = Email::parse(new)?;
        let found = account::Entity::find_by_id(account.to_string())
            .one(self.0.db.read())
            .await?
            .ok_or(EmailChangeError::NotFound)?;
        if found.email == new.as_str() {
            return Err(EmailChangeError::Same);
        }
        // By the account too: one account must not mail the whole world.
        let asker = [b"account\0", found.id.as_bytes()].concat();
        let asker = self.0.ring.hmac(Purpose::Token, &asker);
        let asked = self.0.limits.enter(None, asker).map_err(whole_seconds);
        asked
            .and_then(|()| self.ask_for_mail(None, &new))
            .map_err(|retry_after| EmailChangeError::TooMany { retry_after })?;
        let tx = self.0.db.begin().await?;
        let link = NewLink {
            account: &found.id,
            purpose: LinkPurpose::EmailConfirm,
            email: new.as_str(),
            network: "",
        };
        let link = link.make(&tx, &self.0.ring, self.0.clock.now_ms()).await?;
        let to = Recipient {
            address: new.as_str().to_owned(),
            ..mail.recipient(&found.view()?)
        };
        mail.queue(&tx, &to, &Message::ConfirmEmail { link })
            .await?;
        Ok(tx.commit().await?)
    }

    /// Uses the link that was mailed to the new address: it is the account's from now on. The old address, if it was
    /// proved, gets a link to take it back.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the link does not work (any more), [`LinkError::EmailTaken`], no database.
    pub async fn confirm_email_change(
        &self,
        mail: &Mail,
        token: &str,
    ) -> Result<AccountView, LinkError> {
        let (ring, now) = (&self.0.ring, self.0.clock.now_ms());
        let tx = self.0.db.begin().await?;
        let link = link::take(&tx, ring, LinkPurpose::EmailConfirm, token, now)
            .await?
            .ok_or(LinkError::Closed)?;
        let before = account::Entity::find_by_id(&link.account_id)
            .filter(account::Column::BlockedAt.is_null())
            .one(&tx)
            .await?
            .ok_or(LinkError::Closed)?;
        let verified = before.verified_at.is_some();
        let old = before.view()?;
        let new = self.set_email(&tx, &link, now).await?;
        // An address that nobody proved may be a stranger's: it must not get the account.
        if verified {
            let back = NewLink {
                account: &link.account_id,
                purpose: LinkPurpose::EmailUndo,
                email: &old.email,
                network: "",
            };
            let message = Message::EmailChanged {
                new: new.email.clone(),
                link: back.make(&tx, ring, now).await?,
            };
            mail.queue(&tx, &mail.recipient(&old), &message).await?;
        } else {
            self.give_welcome(&tx, &new, "", now).await?;
        }
        self.noted(&tx, new.id, "email.change").await?;
        tx.commit().await?;
        Ok(new)
    }

    /// Uses the link that was mailed to the old address: it is the account's again, and everybody who was signed in is
    /// out.
    ///
    /// # Errors
    /// As [`Accounts::confirm_email_change`]; the address can have got another account meanwhile.
    pub async fn undo_email_change(
        &self,
        mail: &Mail,
        token: &str,
    ) -> Result<AccountView, LinkError> {
        let (ring, now) = (&self.0.ring, self.0.clock.now_ms());
        let tx = self.0.db.begin().await?;
        let link = link::take(&tx, ring, LinkPurpose::EmailUndo, token, now)
            .await?
            .ok_or(LinkError::Closed)?;
        let before = account::Entity::find_by_id(&link.account_id)
            .one(&tx)
            .await?
            .ok_or(LinkError::Closed)?
            .view()?;
        let account = self.set_email(&tx, &link, now).await?;
        link::close_undo_since(&tx, &link).await?;
        second_factor::forget_begun(&tx, &link.account_id).await?;
        crate::sessions::end_all(&tx, &link.account_id).await?;
        self.noted(&tx, account.id, "email.undo").await?;
        // Both ends hear of it: the one that is back, and the one that was put in its place.
        for to in [&account, &before] {
            mail.queue(&tx, &mail.recipient(to), &Message::EmailChangeUndone)
                .await?;
        }
        tx.commit().await?;
        Ok(account)
    }

    /// Gives the account the address that its link is about. Links that went to another address stop working, but for
    /// those that undo.
    async fn set_email<C: ConnectionTrait>(
        &self,
        conn: &C,
        link: &super::table::account_link::Model,
        now: i64,
    ) -> Result<AccountView, LinkError> {
        let text = link.email.as_deref().ok_or(LinkError::Closed)?;
        let email = Email::parse(text).map_err(|_| LinkError::Closed)?;
        account::Entity::update_many()
            .col_expr(account::Column::Email, Expr::value(email.as_str()))
            .col_expr(account::Column::EmailKey, Expr::value(email.key()))
            .col_expr(account::Column::VerifiedAt, Expr::value(now))
            .filter(account::Column::Id.eq(&link.account_id))
            .exec(conn)
            .await
            .map_err(|error| {
                if unique(&error) {
                    LinkError::EmailTaken
                } else {
                    error.into()
                }
            })?;
        let elsewhere = [
            LinkPurpose::Verify,
            LinkPurpose::Reset,
            LinkPurpose::EmailConfirm,
        ];
        link::close(conn, &link.account_id, &elsewhere).await?;
        crate::changes::bump(conn, crate::changes::Topic::Accounts).await?;
        let row = account::Entity::find_by_id(&link.account_id)
            .one(conn)
            .await?;
        Ok(row.ok_or(LinkError::Closed)?.view()?)
    }
}
