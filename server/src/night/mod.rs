//! Do the books hold, night after night? One node checks them once a day, writes down what came of it, and when they do
//! not hold tells the administrators by mail.
//!
//! - `run`: the row of a day, and who takes it. `check`: what is asked. `tell`: the mail.

mod check;
mod run;
mod tell;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use domain::Amount;
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::db::Db;
use crate::figures;
use crate::ledger::Ledger;
use crate::mail::Mail;
use crate::orders::Orders;

pub use run::{Run, newest};

/// How often a node looks whether a check is due, and reads what others found.
const EVERY: Duration = Duration::from_secs(60);
const MINUTE_MS: i64 = 60_000;

/// A minute of the day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    const fn after_midnight_ms(self) -> i64 {
        self.0 as i64 * MINUTE_MS
    }
}

impl FromStr for TimeOfDay {
    type Err = String;

    /// Reads `03:30`.
    fn from_str(text: &str) -> Result<Self, String> {
        let two = |part: &str, below: u16| {
            (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse().ok())
                .flatten()
                .filter(|number: &u16| *number < below)
        };
        text.split_once(':')
            .and_then(|(hours, minutes)| Some((two(hours, 24)?, two(minutes, 60)?)))
            .map(|(hours, minutes)| Self(hours * 60 + minutes))
            .ok_or_else(|| "write a time of the day in UTC, like 03:30, or off".to_owned())
    }
}

/// What a check needs of the rest of the business.
#[derive(Clone)]
pub struct Parts {
    pub ledger: Ledger,
    pub orders: Orders,
    pub mail: Mail,
}

/// What a node knows for `/metrics`, as last read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// The newest check that came to an end, of any node.
    pub run: Option<Run>,
    /// What was served and not charged since the first day.
    pub operator_loss: Amount,
}

/// The nightly check. Cheap to clone.
#[derive(Clone)]
pub struct Night(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    node: String,
    seen: Mutex<Seen>,
}

impl Night {
    /// `node` is what this server is called among those of the same database.
    #[must_use]
    pub fn new(db: Db, clock: Clock, node: &str) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            node: node.to_owned(),
            seen: Mutex::default(),
        }))
    }

    /// Checks every day from `at` on until `stop`; without `at` it only reads what others found. A day that was missed
    /// because no server ran is checked at the next start.
    pub async fn keep(self, parts: Parts, at: Option<TimeOfDay>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Some(at) = at {
                match stop
                    .run_until_cancelled(self.check_if_due(&parts, at))
                    .await
                {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::warn!(%error, "The books could not be checked; tried again in a minute");
                    }
                    None => {
                        // Another node, or the next start, takes the day at once.
                        if let Err(error) = self.release().await {
                            tracing::warn!(%error, "A check of the books that was broken off is taken up again in an hour");
                        }
                        return;
                    }
                }
            }
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "The outcome of the last check could not be read");
            }
        }
    }

    /// Reads the newest outcome and the operator's losses.
    ///
    /// # Errors
    /// When the database cannot be read; what was read last stays.
    pub async fn look(&self) -> Result<(), DbErr> {
        let conn = self.0.db.read();
        let seen = Seen {
            run: newest(conn).await?,
            operator_loss: figures::operator_loss(conn, UnixMs::MIN).await?,
        };
        *self.0.seen.lock() = seen;
        Ok(())
    }

    /// What was read last. Asks no database.
    #[must_use]
    pub fn seen(&self) -> Seen {
        *self.0.seen.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_day_has_two_digits_twice() {
        for (text, minutes) in [
            ("00:00", Some(0)),
            ("03:30", Some(210)),
            ("23:59", Some(1_439)),
            ("24:00", None),
            ("03:60", None),
            ("3:30", None),
            ("+3:30", None),
            ("03:30:00", None),
            ("off", None),
            ("", None),
        ] {
            let read = text.parse::<TimeOfDay>().ok();
            assert_eq!(read.map(|at| at.0), minutes, "{text:?}");
        }
    }
}
