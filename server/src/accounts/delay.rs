//! How long must this account wait? Five failures are free, then each doubles the delay, up to a quarter of an hour.
//!
//! A delay, never a lock: whoever knows an e-mail could otherwise keep its owner out for good. Counted per keyed hash
//! of the e-mail, whether or not an account has it, so that the counter tells nobody who has an account. A browser that
//! is known, a confirmation and the second factor are counted apart.

use std::time::Duration;

use domain::views::UnixMs;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};

use super::table::sign_in_delay::{ActiveModel, Column, Entity};
use crate::db::Db;
use crate::secrets::{KeyRing, Purpose, hex};

/// Failures in a row that cost nothing.
pub(super) const FREE: i64 = 5;
/// The longest delay.
pub(super) const LONGEST_MS: i64 = 15 * 60 * 1_000;
/// Failures older than this are forgotten.
pub const MEMORY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What is guessed at. Each has failures of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// The password of an address.
    SignIn,
    /// The same from a browser that is known: see [`super::device`].
    KnownDevice,
    /// The password of somebody who is signed in.
    Confirmation,
    /// The code of a second factor.
    SecondFactor,
}

/// Whose failures are counted: a keyed hash, so that the table holds no address.
pub(super) fn subject(ring: &KeyRing, at: At, who: &str) -> String {
    let at: &[u8] = match at {
        At::SignIn => b"sign-in\0",
        At::KnownDevice => b"known-device\0",
        At::Confirmation => b"confirmation\0",
        At::SecondFactor => b"second-factor\0",
    };
    hex(&ring.hmac(Purpose::Token, &[at, who.as_bytes()].concat()))
}

/// Counts a try before the password is looked at (so that many at once cannot all slip through), or says how long to
/// wait. A success takes it back with [`reset`].
///
/// # Errors
/// When the database fails.
pub(super) async fn count(
    db: &Db,
    subject: &str,
    now: UnixMs,
) -> Result<Result<(), Duration>, DbErr> {
    loop {
        let row = Entity::find_by_id(subject).one(db.read()).await?;
        let Some(row) = row.filter(|row| row.updated_at > now - MEMORY_MS) else {
            Entity::delete_many()
                .filter(Column::UpdatedAt.lte(now - MEMORY_MS))
                .exec(db.write())
                .await?;
            let first = ActiveModel {
                subject: Set(subject.to_owned()),
                failures: Set(1),
                blocked_until: Set(0),
                updated_at: Set(now),
            };
            let inserted = Entity::insert(first)
                .on_conflict(OnConflict::column(Column::Subject).do_nothing().to_owned())
                .exec_without_returning(db.write())
                .await?;
            if inserted == 1 {
                return Ok(Ok(()));
            }
            continue;
        };
        if row.blocked_until > now {
            return Ok(Err(Duration::from_millis(
                (row.blocked_until - now).unsigned_abs(),
            )));
        }
        let failures = row.failures.saturating_add(1);
        // Only if nobody else counted in between: two tries at once must not count as one.
        let counted = Entity::update_many()
            .col_expr(Column::Failures, Expr::value(failures))
            .col_expr(
                Column::BlockedUntil,
                Expr::value(delay_ms(failures).map_or(0, |delay| now + delay)),
            )
            .col_expr(Column::UpdatedAt, Expr::value(now))
            .filter(Column::Subject.eq(subject))
            .filter(Column::Failures.eq(row.failures))
            .filter(Column::BlockedUntil.eq(row.blocked_until))
            .exec(db.write())
            .await?;
        if counted.rows_affected == 1 {
            return Ok(Ok(()));
        }
    }
}

/// Forgets the failures: the owner is in.
///
/// # Errors
/// When the database fails.
pub(super) async fn reset<C: ConnectionTrait>(conn: &C, subject: &str) -> Result<(), DbErr> {
    Entity::delete_by_id(subject).exec(conn).await.map(|_| ())
}

/// Whole seconds, rounded up, at least one: `Retry-After` has no fractions.
pub(super) fn whole_seconds(wait: Duration) -> Duration {
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
}

/// How long to wait after this many failures in a row.
pub(super) fn delay_ms(failures: i64) -> Option<i64> {
    let beyond = u32::try_from(failures - FREE).ok()?;
    Some(2_i64.checked_pow(beyond + 1).map_or(LONGEST_MS, |seconds| {
        seconds.saturating_mul(1_000).min(LONGEST_MS)
    }))
}
