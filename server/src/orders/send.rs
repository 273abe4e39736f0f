//! When does a refund end? The provider is asked until it says yes or no; each end is booked once, whoever hears of it.

use domain::order::OrderStatus;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::provider::{Back, Fault, Provider, Wanting};
use super::refund::{FIRST_MS, Sending, bonus_due};
use super::rows::{self, Row};
use super::{Orders, receipt, tell};
use crate::db::{all, exec};
use crate::ledger::payments::{self, Refund};

const LONGEST_WAIT_MS: i64 = 3_600_000;
const HANDFUL: i64 = 16;

impl Orders {
    /// Refunds whose provider has not answered yet; how many this node asked about. One that fails does not stop the others.
    ///
    /// # Errors
    /// When the database cannot say which there are.
    pub(super) async fn send_refunds(&self) -> Result<usize, DbErr> {
        let sql =
            "SELECT id, order_id, coins, nusd, bonus_nusd, attempts, not_before FROM order_refund
                   WHERE status = 'sending' AND not_before <= $1 ORDER BY not_before LIMIT $2";
        let values = [self.0.clock.now_ms().into(), HANDFUL.into()];
        let due = all(self.0.db.read(), sql, values).await?;
        let mut mine = 0;
        for row in &due {
            match self.send_again(row).await {
                Ok(asked) => mine += usize::from(asked),
                Err(error) => {
                    tracing::warn!(%error, "A refund could not be looked after; tried again later");
                }
            }
        }
        Ok(mine)
    }

    /// False when another node has it.
    async fn send_again(&self, row: &QueryResult) -> Result<bool, DbErr> {
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
        if exec(self.0.db.write(), sql, values).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.send(&sending).await?;
        Ok(true)
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
        let missing = bonus_due(conn, &row.view, refund.credit).await?;
        let late = refund.finish(conn, missing).await?;
        let sql = "UPDATE order_refund SET bonus_nusd = bonus_nusd + $2 WHERE id = $1";
        exec(
            conn,
            sql,
            [sending.id.to_string().into(), late.nanos().into()],
        )
        .await?;
        let void = sending
            .bonus
            .plus(late)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
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
        let sql = "UPDATE orders SET status = $2, refunded_coins = refunded_coins + $3, refunded_nusd = refunded_nusd + $4 WHERE id = $1";
        let values = [
            row.view.id.to_string().into(),
            next.code().into(),
            refund.coins.minor().into(),
            refund.credit.nanos().into(),
        ];
        exec(conn, sql, values).await?;
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
        refund.give_back(&tx, sending.bonus).await?;
        let sql = "UPDATE order_refund SET bonus_nusd = 0 WHERE id = $1";
        exec(&tx, sql, [sending.id.to_string().into()]).await?;
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
}
