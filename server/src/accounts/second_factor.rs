//! What does a stolen password not open? An account with an authenticator app: a code of six digits, new every 30 seconds.
//!
//! The app's secret is encrypted for its account's row alone. A code works once: the newest step that was used is kept,
//! and no code of it or of an earlier one counts again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::AccountId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use super::delay::{self, At, whole_seconds};
use super::table::account;
use super::table::second_factor::{ActiveModel, Column, Entity, Model};
use super::{Accounts, SecondFactorError, recovery};
use crate::audit::Actor;
use crate::mail::{Mail, Message, Recipient};
use crate::secrets::Purpose;

/// Length of an app's secret: the 160 bits that RFC 4226 recommends.
const SECRET: usize = 20;

/// The state of an account's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorView {
    pub on: bool,
    /// Recovery codes that were not used yet.
    pub recovery_left: u64,
}

/// What an authenticator app needs to know. Not `Debug`: it is a secret.
pub struct Enrolment {
    /// For typing.
    pub secret_base32: String,
    /// For the QR code: `otpauth://totp/…`.
    pub otpauth: String,
}

impl Accounts {
    /// Whether a second factor is in force, and how many recovery codes are left.
    ///
    /// # Errors
    /// No database.
    pub async fn second_factor(
        &self,
        account: AccountId,
    ) -> Result<SecondFactorView, SecondFactorError> {
        let id = account.to_string();
        Ok(SecondFactorView {
            on: in_force(self.0.db.read(), &id).await?,
            recovery_left: recovery::left(self.0.db.read(), &id).await?,
        })
    }

    /// Makes the secret for an authenticator app; the same one until a first code proved that the app has it. `brand` is
    /// how the app shows whose code it is.
    ///
    /// # Errors
    /// [`SecondFactorError::AlreadyOn`], no such account ([`SecondFactorError::NotBegun`]), no database.
    pub async fn begin_second_factor(
        &self,
        account: AccountId,
        brand: &str,
    ) -> Result<Enrolment, SecondFactorError> {
        let id = account.to_string();
        let owner = account::Entity::find_by_id(&id)
            .one(self.0.db.read())
            .await?
            .ok_or(SecondFactorError::NotBegun)?;
        let mut secret = Zeroizing::new([0_u8; SECRET]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| SecondFactorError::Unavailable)?;
        let sealed = self
            .0
            .ring
            .seal(Purpose::SecondFactor, id.as_bytes(), secret.as_slice())
            .map_err(|_| SecondFactorError::Unavailable)?;
        let row = ActiveModel {
            account_id: Set(id.clone()),
            sealed: Set(STANDARD.encode(sealed)),
            confirmed_at: Set(None),
            last_step: Set(0),
            created_at: Set(self.0.clock.now_ms()),
        };
        Entity::insert(row)
            .on_conflict(
                OnConflict::column(Column::AccountId)
                    .do_nothing()
                    .to_owned(),
            )
            .exec_without_returning(self.0.db.write())
            .await?;
        let row = Entity::find_by_id(&id).one(self.0.db.write()).await?;
        let row = row.ok_or(SecondFactorError::NotBegun)?;
        if row.confirmed_at.is_some() {
            return Err(SecondFactorError::AlreadyOn);
        }
        let totp = self.totp(&row, brand, &owner.email)?;
        Ok(Enrolment {
            secret_base32: totp.secret().to_base32(),
            otpauth: totp.to_url().map_err(broken)?,
        })
    }

    /// Puts the second factor in force by a first code of the app. Returns the recovery codes: nobody can see them again.
    /// All sessions end, for they began without it; the one that asked goes on by the epoch that is returned too.
    ///
    /// # Errors
    /// [`SecondFactorError`].
    pub async fn finish_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
        code: &str,
    ) -> Result<(Vec<String>, i64), SecondFactorError> {
        let id = account.to_string();
        let row = Entity::find_by_id(&id).one(self.0.db.read()).await?;
        let row = row.ok_or(SecondFactorError::NotBegun)?;
        if row.confirmed_at.is_some() {
            return Err(SecondFactorError::AlreadyOn);
        }
        let subject = self.count_code(&id).await?;
        let step = self.step(&row, code)?.ok_or(SecondFactorError::Wrong)?;
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let won = Entity::update_many()
            .col_expr(Column::ConfirmedAt, Expr::value(now))
            .col_expr(Column::LastStep, Expr::value(step))
            .filter(Column::AccountId.eq(&id))
            .filter(Column::ConfirmedAt.is_null())
            // Not when the secret was made anew meanwhile.
            .filter(Column::Sealed.eq(&row.sealed))
            .exec(&tx)
            .await?;
        if won.rows_affected != 1 {
            return Err(SecondFactorError::Wrong);
        }
        let codes = recovery::renew(&tx, &self.0.ring, &id, now).await?;
        delay::reset(&tx, &subject).await?;
        let epoch = crate::sessions::end_all(&tx, &id).await?;
        self.noted(&tx, account, "second_factor.on").await?;
        let to = recipient(&tx, mail, &id).await?;
        mail.queue(&tx, &to, &Message::SecondFactorOn).await?;
        tx.commit().await?;
        Ok((codes, epoch))
    }

    /// Checks a code of the app, or a recovery code in its place; both work once. Five wrong ones are free, then each
    /// doubles the delay. A recovery code is told by mail.
    ///
    /// # Errors
    /// [`SecondFactorError`]; [`SecondFactorError::NotBegun`] when none is in force.
    pub async fn check_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
        code_or_recovery: &str,
    ) -> Result<(), SecondFactorError> {
        let id = account.to_string();
        let row = Entity::find_by_id(&id)
            .filter(Column::ConfirmedAt.is_not_null())
            .one(self.0.db.read())
            .await?
            .ok_or(SecondFactorError::NotBegun)?;
        let subject = self.count_code(&id).await?;
        let tx = self.0.db.begin().await?;
        if let Some(step) = self.step(&row, code_or_recovery)? {
            let fresh = Entity::update_many()
                .col_expr(Column::LastStep, Expr::value(step))
                .filter(Column::AccountId.eq(&id))
                .filter(Column::Sealed.eq(&row.sealed))
                .filter(Column::LastStep.lt(step))
                .exec(&tx)
                .await?;
            if fresh.rows_affected != 1 {
                return Err(SecondFactorError::Wrong);
            }
        } else {
            let now = self.0.clock.now_ms();
            let left = recovery::take(&tx, &self.0.ring, &id, code_or_recovery, now).await?;
            let left = left.ok_or(SecondFactorError::Wrong)?;
            let to = recipient(&tx, mail, &id).await?;
            mail.queue(&tx, &to, &Message::RecoveryCodeUsed { left })
                .await?;
        }
        delay::reset(&tx, &subject).await?;
        Ok(tx.commit().await?)
    }

    /// Ends the second factor and its recovery codes: its owner does, or an operator for somebody who lost both (`actor`
    /// says so in the audit log). Told by mail. All sessions end, and the one that asked goes on by
    /// the epoch that is returned. When there is none nothing happens; one that was only begun is forgotten without a
    /// mail.
    ///
    /// # Errors
    /// No database.
    pub async fn end_second_factor(
        &self,
        mail: &Mail,
        account: AccountId,
        actor: Actor,
    ) -> Result<Option<i64>, SecondFactorError> {
        let id = account.to_string();
        let tx = self.0.db.begin().await?;
        let on = in_force(&tx, &id).await?;
        forget(&tx, &id).await?;
        let mut epoch = None;
        if on {
            // A session that once gave a code must not count as proved for the next factor.
            epoch = Some(crate::sessions::end_all(&tx, &id).await?);
            self.noted_by(&tx, actor, account, "second_factor.off")
                .await?;
            let to = recipient(&tx, mail, &id).await?;
            mail.queue(&tx, &to, &Message::SecondFactorOff).await?;
        }
        tx.commit().await?;
        Ok(epoch)
    }

    /// Makes new recovery codes; the earlier ones stop working. Told by mail.
    ///
    /// # Errors
    /// [`SecondFactorError::NotBegun`] when no second factor is in force, no database.
    pub async fn new_recovery_codes(
        &self,
        mail: &Mail,
        account: AccountId,
    ) -> Result<Vec<String>, SecondFactorError> {
        let id = account.to_string();
        let tx = self.0.db.begin().await?;
        if !in_force(&tx, &id).await? {
            return Err(SecondFactorError::NotBegun);
        }
        let codes = recovery::renew(&tx, &self.0.ring, &id, self.0.clock.now_ms()).await?;
        let to = recipient(&tx, mail, &id).await?;
        mail.queue(&tx, &to, &Message::RecoveryCodesRenewed).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Counts a try before the code is looked at, and says under which name.
    async fn count_code(&self, account: &str) -> Result<String, SecondFactorError> {
        let subject = delay::subject(&self.0.ring, At::SecondFactor, account);
        delay::count(&self.0.db, &subject, self.0.clock.now_ms())
            .await?
            .map_err(|wait| SecondFactorError::TooMany {
                retry_after: whole_seconds(wait),
            })?;
        Ok(subject)
    }

    /// Of which 30 seconds a code is, if it is one of now or of one step before or after.
    fn step(&self, row: &Model, code: &str) -> Result<Option<i64>, SecondFactorError> {
        let seconds = self.0.clock.now_ms().div_euclid(1_000).unsigned_abs();
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let step = self.totp(row, "", "")?.check(&digits, seconds);
        Ok(step.and_then(|step| i64::try_from(step).ok()))
    }

    /// SHA-1, six digits, 30 seconds, one step of tolerance: what every app understands.
    fn totp(&self, row: &Model, brand: &str, email: &str) -> Result<Totp, SecondFactorError> {
        let sealed = STANDARD.decode(&row.sealed).map_err(broken)?;
        let secret = self
            .0
            .ring
            .unseal(Purpose::SecondFactor, row.account_id.as_bytes(), &sealed)
            .map_err(broken)?;
        // A colon ends the issuer in the address that the QR code shows.
        let plain = |text: &str| text.replace(':', " ").trim().to_owned();
        let issuer = Some(plain(brand)).filter(|brand| !brand.is_empty());
        Builder::new()
            .with_secret(secret.to_vec())
            .with_issuer(issuer)
            .with_account_name(plain(email))
            .build()
            .map_err(broken)
    }
}

/// Whether the account has a second factor that must be asked for.
pub(super) async fn in_force<C: ConnectionTrait>(conn: &C, account: &str) -> Result<bool, DbErr> {
    let on = Entity::find_by_id(account)
        .filter(Column::ConfirmedAt.is_not_null())
        .count(conn)
        .await?;
    Ok(on == 1)
}

/// Ends an account's second factor and its recovery codes, whatever their state, within the caller's transaction.
pub(super) async fn forget<C: ConnectionTrait>(conn: &C, account: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(account).exec(conn).await?;
    recovery::forget(conn, account).await
}

/// Forgets a secret that no code proved yet: whoever saw it may not be the owner.
pub(super) async fn forget_begun<C: ConnectionTrait>(conn: &C, account: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(account)
        .filter(Column::ConfirmedAt.is_null())
        .exec(conn)
        .await?;
    Ok(())
}

async fn recipient<C: ConnectionTrait>(
    conn: &C,
    mail: &Mail,
    account: &str,
) -> Result<Recipient, SecondFactorError> {
    let row = account::Entity::find_by_id(account).one(conn).await?;
    let view = row.ok_or(SecondFactorError::NotBegun)?.view()?;
    Ok(mail.recipient(&view))
}

/// A stored secret that cannot be read is a defect, or another installation's key file.
fn broken(error: impl std::fmt::Display) -> SecondFactorError {
    tracing::error!(%error, "the secret of a second factor cannot be used");
    SecondFactorError::Unavailable
}
