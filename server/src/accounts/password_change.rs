//! Are you still you? Whoever is signed in proves it by the password, for a new password or before something that matters.

use domain::ids::AccountId;
use sea_orm::EntityTrait;

use super::delay::{self, At, whole_seconds};
use super::password::{self, Verdict};
use super::reset::set_password;
use super::table::account;
use super::{Accounts, ChangePasswordError, ConfirmError, Email};
use crate::mail::{Mail, Message};
use crate::secrets::Secret;

impl Accounts {
    /// Whether this is the password of somebody who is signed in (the "step-up"). Five wrong ones are free, then each
    /// doubles the delay; guesses at the sign-in form do not count here, so that they keep nobody from their settings.
    ///
    /// # Errors
    /// [`ConfirmError`].
    pub async fn confirm(&self, account: AccountId, password: Secret) -> Result<(), ConfirmError> {
        self.confirmed(account, password).await.map(|_| ())
    }

    /// Sets a new password. All sessions of the account end; the answer is its new epoch, by which the one that asked
    /// goes on. Told by mail.
    ///
    /// # Errors
    /// [`ChangePasswordError`].
    pub async fn change_password(
        &self,
        mail: &Mail,
        account: AccountId,
        current: Secret,
        new: Secret,
    ) -> Result<i64, ChangePasswordError> {
        let row = self.confirmed(account, current).await?;
        let email = Email::parse(&row.email).map_err(|_| ChangePasswordError::Unavailable)?;
        self.judge(&new, &email, &row.name).await??;
        let hash = self.0.hasher.hash(new).await?;
        let tx = self.0.db.begin().await?;
        set_password(&tx, &row.id, &hash).await?;
        let epoch = crate::sessions::end_all(&tx, &row.id).await?;
        self.noted(&tx, account, "password.change").await?;
        let to = mail.recipient(&row.view()?);
        mail.queue(&tx, &to, &Message::PasswordChanged).await?;
        tx.commit().await?;
        Ok(epoch)
    }

    async fn confirmed(
        &self,
        account: AccountId,
        password: Secret,
    ) -> Result<account::Model, ConfirmError> {
        let id = account.to_string();
        let place = self.0.hasher.place()?;
        let subject = delay::subject(&self.0.ring, At::Confirmation, &id);
        delay::count(&self.0.db, &subject, self.0.clock.now_ms())
            .await?
            .map_err(|wait| ConfirmError::TooMany {
                retry_after: whole_seconds(wait),
            })?;
        let row = account::Entity::find_by_id(id)
            .one(self.0.db.read())
            .await?;
        let row = row
            .filter(|_| password.expose().len() <= password::LONGEST_BYTES)
            .ok_or(ConfirmError::Wrong)?;
        let stored = row.password_hash.clone().ok_or(ConfirmError::Wrong)?;
        match self.0.hasher.verify(place, password, stored).await? {
            Verdict::Wrong => Err(ConfirmError::Wrong),
            Verdict::Right | Verdict::Outdated => {
                delay::reset(self.0.db.write(), &subject).await?;
                Ok(row)
            }
        }
    }
}

impl From<ConfirmError> for ChangePasswordError {
    fn from(error: ConfirmError) -> Self {
        match error {
            ConfirmError::Wrong => Self::Wrong,
            ConfirmError::TooMany { retry_after } => Self::TooMany { retry_after },
            ConfirmError::Busy => Self::Busy,
            ConfirmError::Unavailable => Self::Unavailable,
        }
    }
}
