//! Is it really them? One path for every answer, so that its length and its words tell nobody who has an account.

use std::net::IpAddr;
use std::time::Duration;

use domain::views::{AccountView, UnixMs};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::password::{self, Verdict};
use super::{Accounts, Email, Inner, SignInError, delay, table};
use crate::secrets::Secret;

/// The password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub account: AccountView,
    /// Whether a second factor is in force and must be asked for before anything is shown.
    pub second_factor: bool,
    /// The new content of the cookie by which this browser is known (to be set once the second factor was given too).
    pub device: String,
}

impl Accounts {
    /// Checks e-mail and password. `from` is the caller's own address (behind a proxy: as the trusted proxy reports it).
    ///
    /// # Errors
    /// [`SignInError`]; which of unknown e-mail, no password yet and wrong password it was is not told.
    pub async fn sign_in(
        &self,
        mail: &crate::mail::Mail,
        email: &str,
        password: Secret,
        from: IpAddr,
        device: Option<&str>,
        agent: &str,
    ) -> Result<SignedIn, SignInError> {
        let now = self.0.clock.now_ms();
        self.0.gate.enter(from, now).map_err(too_many)?;
        let outcome = self.check(email, password, now).await;
        if !matches!(
            outcome,
            Err(SignInError::Wrong | SignInError::TooMany { .. })
        ) {
            self.0.gate.forgive(from);
        }
        outcome.map(|account| SignedIn {
            account,
            second_factor: false,
            device: String::new(),
        })
    }

    async fn check(
        &self,
        email: &str,
        password: Secret,
        now: UnixMs,
    ) -> Result<AccountView, SignInError> {
        let Inner {
            db, ring, hasher, ..
        } = &*self.0;
        // What cannot be an address is asked for all the same, under a name that no account has: the work is equal.
        let parsed = Email::parse(email).ok();
        let key = parsed.as_ref().map_or("@", Email::key);

        // The place first: a try that is turned away for lack of room must not count as a failure.
        let place = hasher.place()?;
        let subject = delay::subject(ring, key);
        delay::count(db, &subject, now).await?.map_err(too_many)?;

        let row = table::account::Entity::find()
            .filter(table::account::Column::EmailKey.eq(key))
            .one(db.read())
            .await?;
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let known = stored.is_some() && password.expose().len() <= password::LONGEST;
        let verdict = hasher
            .verify(
                place,
                password.clone(),
                stored.unwrap_or_else(|| password::DUMMY.to_owned()),
            )
            .await?;
        let Some(row) = row.filter(|_| known && verdict != Verdict::Wrong) else {
            return Err(SignInError::Wrong);
        };

        delay::reset(db, &subject).await?;
        if verdict == Verdict::Outdated {
            self.rehash(&row, password).await;
        }
        Ok(row.view()?)
    }

    /// Today's parameters for a password that was just proved right. A failure only means trying again next time.
    async fn rehash(&self, row: &table::account::Model, password: Secret) {
        let Ok(fresh) = self.0.hasher.hash(password).await else {
            return;
        };
        let updated: Result<_, DbErr> = table::account::Entity::update_many()
            .col_expr(table::account::Column::PasswordHash, Expr::value(fresh))
            .filter(table::account::Column::Id.eq(&row.id))
            // Not when it was changed meanwhile: the old password must not come back.
            .filter(table::account::Column::PasswordHash.eq(row.password_hash.clone()))
            .exec(self.0.db.write())
            .await;
        if let Err(error) = updated {
            tracing::warn!(%error, "a password could not be hashed anew; the next sign-in tries again");
        }
    }
}

/// Whole seconds, rounded up: `Retry-After` has no fractions.
fn too_many(wait: Duration) -> SignInError {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    SignInError::TooMany {
        retry_after: Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)),
    }
}
