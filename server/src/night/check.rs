//! What is asked every night? Every invariant of the ledger, and of providers that can be asked whether they have the same
//! payments.

use domain::fx::day_of;
use domain::views::UnixMs;
use sea_orm::DbErr;

use super::{Night, Parts, TimeOfDay};
use crate::ledger::{Check, Report, verify};

/// Days of payments that are compared: the one that ended, whole, and what there is of the new one.
const DAYS: u16 = 2;

impl Night {
    /// Checks the books when today's time has come and no node has done it; whether they hold, `None` when there was
    /// nothing to do.
    ///
    /// # Errors
    /// When the database refuses: then nothing is known, and the day is open again.
    pub async fn check_if_due(&self, parts: &Parts, at: TimeOfDay) -> Result<Option<bool>, DbErr> {
        let now = self.0.clock.now_ms();
        let day = day_of(now);
        if now < day + at.after_midnight_ms() || !self.take(day).await? {
            return Ok(None);
        }
        let outcome = tokio::select! {
            outcome = self.check(parts, day) => outcome,
            never = self.keep_day(day) => match never {},
        };
        match outcome {
            Ok(holds) => Ok(Some(holds)),
            Err(error) => {
                self.release().await?;
                Err(error)
            }
        }
    }

    async fn check(&self, parts: &Parts, day: UnixMs) -> Result<bool, DbErr> {
        // What ended in the night shall not be found in wallets only because this comes first.
        if let Err(error) = parts.ledger.expire_lots().await {
            tracing::warn!(%error, "Credit that has ended could not be taken out of every wallet before the check");
        }
        let mut report = verify(&self.0.db).await?;
        let reconciled = parts.orders.reconcile(DAYS).await?;
        for why in &reconciled.unasked {
            tracing::warn!(
                provider = why,
                "A provider of payments could not be asked whether it has the same payments"
            );
        }
        report.checks.push(Check::online(reconciled.offenders));
        let holds = report.holds();
        let found = found(&report)?;
        let tx = self.0.db.begin().await?;
        if self.end(&tx, day, holds, &found).await? && !holds {
            self.tell(&tx, parts, day, &report).await?;
        }
        tx.commit().await?;
        if holds {
            tracing::info!("The books were checked, and hold");
        } else {
            tracing::error!(
                found,
                "The books do not hold: stop serving and run `farebox ledger verify`"
            );
        }
        Ok(holds)
    }
}

/// What was violated, and by which rows, as JSON.
fn found(report: &Report) -> Result<String, DbErr> {
    let violated: Vec<&Check> = report.checks.iter().filter(|check| !check.holds).collect();
    serde_json::to_string(&violated).map_err(|error| DbErr::Custom(error.to_string()))
}
