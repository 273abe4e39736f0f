//! When does a refund end? The provider is asked until it says yes or no; each end is booked once, whoever hears of it.

use domain::Amount;
use domain::order::OrderStatus;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::provider::{Back, Fault, Provider, Wanting};
use super::refund::{FIRST_MS, Sending};
use super::rows::{self, Row};
use super::{Orders, receipt, tell};
use crate::db::{all, exec, one};
use crate::ledger::payments::{self, Refund};

const LONGEST_WAIT_MS: i64 = 3_600_000;
const HANDFUL: i64 = 16;

impl Orders {
    /// Refunds whose provider has not answered yet; how many this node asked about.
    ///
    /// # Errors
    /// When the database refuses.
    pub(super) async fn send_refunds(&self) -> Result<usize, DbErr> {
        let sql = "SELECT id, order_id, coins, nusd, attempts, not_before FROM order_refund
                   WHERE status = 'sending' AND not_before <= $1 ORDER BY not_before LIMIT $2";
        let values = [self.0.clock.now_ms().into(), HANDFUL.into()];
        let due = all(self.0.db.read(), sql, values).await?;
        let mut mine = 0;
        for row in &due {
            let sending = Sending::of(row)?;
            let wait = FIRST_MS
                .saturating_mul(1 << sending.attempts.clamp(0, 10))
                .min(LONGEST_WAIT_MS);
            let sql = "UPDATE order_refund SET not_before = $2, attempts = attempts + 1
                       WHERE id = $1 AND status = 'sending' AND attempts = $3 AND not_before = $4";
            let values = [
                sending.id.to_string().into(),
                (self.0.clock.now_ms() + wait).into(),
                sending.attempts.into(),
                sending.not_before.into(),
            ];
            if exec(self.0.db.write(), sql, values).await?.rows_affected() == 1 {
                self.send(&sending).await?;
                mine += 1;
            }
        }
        Ok(mine)
    }

    /// Asks the provider to send the money, and does what its answer means. No answer means asking again later.
    pub(super) async fn send(&self, sending: &Sending) -> Result<(), DbErr> {
        let Some(row) = rows::by_id(self.0.db.write(), sending.order).await? else {
            return Ok(());
        };
        let Some(provider) = self.0.registry.get(row.view.provider) else {
            return Ok(());
        };
        let (Some(object), Some(refund)) = (
            row.view.provider_ref.clone(),
            sending.of_order(&row, self.0.clock.now_ms()),
        ) else {
            return Ok(());
        };
        let wanting = Wanting {
            object: object.clone(),
            refund: sending.id,
            coins: refund.coins,
        };
        match provider.refund(wanting).await {
            Ok(Back::Sent) => self.sent(sending).await,
            Ok(Back::Waiting) => Ok(()),
            Ok(Back::Refused) => {
                self.refused(provider.as_ref(), &row, &refund, object, sending)
                    .await
            }
            Err(fault) => {
                tracing::warn!(order = %sending.order, provider = %row.view.provider, %fault, "A refund has no answer yet; asked again later");
                Ok(())
            }
        }
    }

    /// A "no" after a question whose answer was lost may mean "not again": the payment itself tells.
    async fn refused(
        &self,
        provider: &dyn Provider,
        row: &Row,
        refund: &Refund,
        object: String,
        sending: &Sending,
    ) -> Result<(), DbErr> {
        let expected = row.view.refunded.coins.minor() + refund.coins.minor();
        match provider.fetch(object).await {
            Ok(observed)
                if observed
                    .refunded
                    .is_some_and(|back| back.minor() >= expected) =>
            {
                self.sent(sending).await
            }
            Ok(_) | Err(Fault::Unknown) => self.failed(sending).await,
            Err(fault) => {
                tracing::warn!(order = %sending.order, provider = %row.view.provider, %fault, "A refund was refused, and the payment cannot be looked at; asked again later");
                Ok(())
            }
        }
    }

    async fn sent(&self, sending: &Sending) -> Result<(), DbErr> {
        let tx = self.0.db.begin().await?;
        if self.finish(&tx, sending).await? {
            tx.commit().await?;
            tracing::info!(order = %sending.order, refund = %sending.id, "Money of an order went back");
        }
        Ok(())
    }

    /// The money went: books, order, credit note and mail. False when that was done before.
    pub(super) async fn finish<C: ConnectionTrait>(
        &self,
        conn: &C,
        sending: &Sending,
    ) -> Result<bool, DbErr> {
        let now = self.0.clock.now_ms();
        let Some((row, refund)) = self.settled_refund(conn, sending, "done", now).await? else {
            return Ok(false);
        };
        let Some(settled) = row.view.settled else {
            return Ok(false);
        };
        let credit = row
            .view
            .refunded
            .credit
            .plus(refund.credit)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        let void = self.bonus_to_void(conn, &row, credit).await?;
        let void = refund.finish(conn, void).await?;
        let next = if credit == settled.credited {
            OrderStatus::Refunded
        } else {
            OrderStatus::PartiallyRefunded
        };
        if row.view.status != next && !row.view.status.may_become(next) {
            return Err(DbErr::Custom(format!(
                "order {} is {} and cannot become {next}",
                row.view.id, row.view.status
            )));
        }
        let sql = "UPDATE orders SET status = $2, refunded_coins = refunded_coins + $3, refunded_nusd = refunded_nusd + $4,
                attention = CASE WHEN attention = 'refund' THEN NULL ELSE attention END WHERE id = $1";
        let values = [
            row.view.id.to_string().into(),
            next.code().into(),
            refund.coins.minor().into(),
            refund.credit.nanos().into(),
        ];
        exec(conn, sql, values).await?;
        let sql = "UPDATE order_refund SET bonus_nusd = $2 WHERE id = $1";
        exec(
            conn,
            sql,
            [sending.id.to_string().into(), void.nanos().into()],
        )
        .await?;
        receipt::credit_note(&self.0.seller, conn, &row, &refund, void).await?;
        tell::refunded(&self.0.mail, conn, &row, &refund).await?;
        Ok(true)
    }

    /// The money will not go: the credit is in the wallet again.
    async fn failed(&self, sending: &Sending) -> Result<(), DbErr> {
        let (tx, now) = (self.0.db.begin().await?, self.0.clock.now_ms());
        let Some((row, refund)) = self.settled_refund(&tx, sending, "failed", now).await? else {
            return Ok(());
        };
        refund.give_back(&tx).await?;
        tx.commit().await?;
        tracing::warn!(order = %row.view.id, provider = %row.view.provider, "A refund was refused by the provider: its credit is in the wallet again");
        Ok(())
    }

    /// Ends a refund that is on its way, once, with the wallet and the order locked. `None` when it had ended.
    async fn settled_refund<C: ConnectionTrait>(
        &self,
        conn: &C,
        sending: &Sending,
        status: &str,
        now: UnixMs,
    ) -> Result<Option<(Row, Refund)>, DbErr> {
        let Some(known) = rows::by_id(conn, sending.order).await? else {
            return Ok(None);
        };
        payments::lock(conn, known.view.workspace).await?;
        let Some(row) = rows::locked(conn, sending.order).await? else {
            return Ok(None);
        };
        let sql = "UPDATE order_refund SET status = $2, done_at = $3 WHERE id = $1 AND status = 'sending'";
        let values = [sending.id.to_string().into(), status.into(), now.into()];
        if exec(conn, sql, values).await?.rows_affected() == 0 {
            return Ok(None);
        }
        Ok(sending.of_order(&row, now).map(|refund| (row, refund)))
    }

    /// How much of an order's bonus goes when so much of its credit went back in all: the same part, rounded up, less
    /// what went before.
    async fn bonus_to_void<C: ConnectionTrait>(
        &self,
        conn: &C,
        row: &Row,
        refunded: Amount,
    ) -> Result<Amount, DbErr> {
        let Some(settled) = row.view.settled.filter(|settled| !settled.bonus.is_zero()) else {
            return Ok(Amount::ZERO);
        };
        let sql = "SELECT CAST(coalesce(sum(bonus_nusd), 0) AS BIGINT) AS gone FROM order_refund WHERE order_id = $1 AND status = 'done'";
        let gone: i64 = match one(conn, sql, [row.view.id.to_string().into()]).await? {
            Some(row) => row.try_get("", "gone")?,
            None => 0,
        };
        Ok(part_of_bonus(settled.bonus, settled.credited, refunded)
            .minus_or_zero(Amount::from_nanos(gone)))
    }
}

fn part_of_bonus(bonus: Amount, credited: Amount, refunded: Amount) -> Amount {
    let (bonus, credited, refunded) = (
        i128::from(bonus.nanos()),
        i128::from(credited.nanos()).max(1),
        i128::from(refunded.nanos()),
    );
    let part = (bonus * refunded + credited - 1) / credited;
    i64::try_from(part.min(bonus)).map_or(Amount::ZERO, Amount::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bonus_goes_with_its_part_of_the_credit() {
        for (bonus, credited, refunded, part) in [
            (10, 100, 0, 0),
            (10, 100, 1, 1),
            (10, 100, 50, 5),
            (10, 100, 99, 10),
            (10, 100, 100, 10),
            (0, 100, 100, 0),
            (i64::MAX, i64::MAX, i64::MAX, i64::MAX),
        ] {
            let amount = Amount::from_nanos;
            assert_eq!(
                part_of_bonus(amount(bonus), amount(credited), amount(refunded)),
                amount(part),
                "{bonus} of {credited}, {refunded} back"
            );
        }
    }
}
