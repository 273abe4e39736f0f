//! Is it really them? One path for every answer, so that its length and its words tell nobody who has an account.

use std::net::IpAddr;

use domain::views::{AccountView, UnixMs};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};

use super::beat::Beat;
use super::delay::{self, At, whole_seconds};
use super::password::{self, Verdict};
use super::table::account;
use super::{Accounts, Email, Inner, SignInError, device, second_factor};
use crate::mail::{Mail, Message};
use crate::secrets::Secret;

/// The password was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub account: AccountView,
    /// Whether a second factor is in force and must be asked for before anything is shown.
    pub second_factor: bool,
    /// The new content of the cookie by which this browser is known. Set it only once the second factor was given too.
    pub device: String,
}

/// Where a sign-in comes from.
struct Caller<'a> {
    from: IpAddr,
    device: Option<&'a str>,
    agent: &'a str,
}

impl Accounts {
    /// Checks e-mail and password. `from` is the caller's own address (behind a proxy: as the trusted proxy reports it),
    /// `device` the content of the known-device cookie, `agent` the browser's name or its `User-Agent`. A browser that
    /// is not known is told to the owner by mail, but for the very first sign-in.
    ///
    /// # Errors
    /// [`SignInError`]; which of unknown e-mail, no password yet and wrong password it was is not told.
    pub async fn sign_in(
        &self,
        mail: &Mail,
        email: &str,
        password: Secret,
        from: IpAddr,
        device: Option<&str>,
        agent: &str,
    ) -> Result<SignedIn, SignInError> {
        let beat = Beat::for_passwords();
        let caller = Caller {
            from,
            device,
            agent,
        };
        let outcome = self.admit(mail, email, password, &caller).await;
        if outcome == Err(SignInError::Wrong) {
            beat.rest().await;
        }
        outcome
    }

    async fn admit(
        &self,
        mail: &Mail,
        email: &str,
        password: Secret,
        caller: &Caller<'_>,
    ) -> Result<SignedIn, SignInError> {
        let Inner { db, ring, gate, .. } = &*self.0;
        let now = self.0.clock.now_ms();
        // What cannot be an address is asked for all the same, under a name that no account has: the work is equal.
        let parsed = Email::parse(email).ok();
        let key = parsed.as_ref().map_or("@", Email::key);
        let row = account::Entity::find()
            .filter(account::Column::EmailKey.eq(key))
            .one(db.read())
            .await?;
        let id = row.as_ref().map_or("nobody", |row| &row.id);
        let epoch = row.as_ref().map_or(0, |row| row.epoch);
        let known = device::known(ring, id, epoch, caller.device.unwrap_or_default());
        let subject = match known {
            Some(name) => delay::subject(ring, At::KnownDevice, &format!("{id}\0{name}")),
            None => delay::subject(ring, At::SignIn, key),
        };

        // A known browser has its own delay: neither its neighbours nor guesses from elsewhere keep it out.
        if known.is_none() {
            gate.enter(caller.from, now).map_err(too_many)?;
        }
        let outcome = self.check(row, password, &subject, now).await;
        let guess = matches!(
            outcome,
            Err(SignInError::Wrong | SignInError::TooMany { .. })
        );
        if known.is_none() && !guess {
            gate.forgive(caller.from);
        }
        self.welcome_back(mail, outcome?, known.is_some(), caller, now)
            .await
    }

    /// The account, when the password is right.
    async fn check(
        &self,
        row: Option<account::Model>,
        password: Secret,
        subject: &str,
        now: UnixMs,
    ) -> Result<account::Model, SignInError> {
        let Inner { db, hasher, .. } = &*self.0;
        // The place first: a try that is turned away for lack of room must not count as a failure.
        let place = hasher.place()?;
        delay::count(db, subject, now).await?.map_err(too_many)?;
        let stored = row.as_ref().and_then(|row| row.password_hash.clone());
        let known = stored.is_some() && password.expose().len() <= password::LONGEST_BYTES;
        let stored = stored.filter(|_| known);
        let verdict = hasher
            .verify(
                place,
                password.clone(),
                stored.unwrap_or_else(|| password::DUMMY.to_owned()),
            )
            .await?;
        // Whoever signs up with a stranger's address chooses a password too. If it opened anything before the address is
        // proved, it would tell whether the address has an account already.
        let right = known && verdict != Verdict::Wrong;
        let Some(row) = row.filter(|row| right && !row.waits_for_its_owner()) else {
            return Err(SignInError::Wrong);
        };
        delay::reset(db.write(), subject).await?;
        if verdict == Verdict::Outdated {
            self.rehash(&row, password).await;
        }
        if row.blocked_at.is_some() {
            return Err(SignInError::Blocked);
        }
        Ok(row)
    }

    /// Notes the sign-in, and tells the owner about a browser that was never seen.
    async fn welcome_back(
        &self,
        mail: &Mail,
        row: account::Model,
        known: bool,
        caller: &Caller<'_>,
        now: UnixMs,
    ) -> Result<SignedIn, SignInError> {
        let device = device::issue(&self.0.ring, &row.id, row.epoch).map_err(|error| {
            tracing::error!(%error, "a browser cannot be remembered");
            SignInError::Unavailable
        })?;
        let first = row.signed_in_at.is_none();
        let tx = self.0.db.begin().await?;
        account::Entity::update_many()
            .col_expr(account::Column::SignedInAt, Expr::value(now))
            .filter(account::Column::Id.eq(&row.id))
            .exec(&tx)
            .await?;
        let second_factor = second_factor::in_force(&tx, &row.id).await?;
        let account = row.view()?;
        if !known && !first {
            let message = Message::NewDevice {
                agent: crate::sessions::agent(caller.agent),
                network: crate::audit::network(caller.from),
            };
            mail.queue(&tx, &mail.recipient(&account), &message).await?;
        }
        tx.commit().await?;
        Ok(SignedIn {
            account,
            second_factor,
            device,
        })
    }

    /// Today's parameters for a password that was just proved right. A failure only means trying again next time.
    pub(super) async fn rehash(&self, row: &account::Model, password: Secret) {
        let Ok(fresh) = self.0.hasher.hash(password).await else {
            return;
        };
        let updated: Result<_, DbErr> = account::Entity::update_many()
            .col_expr(account::Column::PasswordHash, Expr::value(fresh))
            .filter(account::Column::Id.eq(&row.id))
            // Not when it was changed meanwhile: the old password must not come back.
            .filter(account::Column::PasswordHash.eq(row.password_hash.clone()))
            .exec(self.0.db.write())
            .await;
        if let Err(error) = updated {
            tracing::warn!(%error, "a password could not be hashed anew; the next sign-in tries again");
        }
    }
}

fn too_many(wait: std::time::Duration) -> SignInError {
    SignInError::TooMany {
        retry_after: whole_seconds(wait),
    }
}
