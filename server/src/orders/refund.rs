//! How does money go back? The credit leaves the wallet first, then the provider is asked, and asked again until it says
//! yes or no; at no moment can the same credit be spent and sent back.
//!
//! An order has at most one refund on its way. The provider knows each by our own name, so asking twice sends once.

use domain::Amount;
use domain::fx::{self, Coins, Refunded};
use domain::ids::{OrderId, RefundId};
use domain::order::{OrderStatus, OrderView, ProviderId};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::provider::{Back, Provider, Wanting};
use super::rows::{self, Row};
use super::{OrderError, Orders, receipt, tell};
use crate::db::{all, exec, one};
use crate::ids::NewId;
use crate::ledger::payments::{self, Refund};

/// Whoever asks for a refund gets so long for the provider's answer, before the job asks too.
const FIRST_MS: i64 = 30_000;
const LONGEST_WAIT_MS: i64 = 3_600_000;
const HANDFUL: i64 = 16;

/// What is to go back.
#[derive(Debug, Clone)]
pub struct RefundAsk {
    /// Of the credit; `None` is as much as can go back.
    pub credit: Option<Amount>,
    /// Why, for the audit log.
    pub note: String,
    /// Made with the form: sending it twice refunds once. At most 64 characters.
    pub idempotency_key: String,
}

/// What could go back now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refundable {
    /// Of the credit: what is left of it, and not held by running calls.
    pub credit: Amount,
    /// What it is in the currency that was paid.
    pub coins: Coins,
}

/// A refund that has no answer yet.
pub(super) struct Sending {
    pub(super) id: RefundId,
    order: OrderId,
    coins: i64,
    credit: Amount,
    attempts: i64,
    not_before: UnixMs,
}

impl Sending {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        let wrong = || DbErr::Type("order_refund holds something that is not an id".into());
        let text = |column: &str| row.try_get::<String>("", column);
        let number = |column: &str| row.try_get::<i64>("", column);
        Ok(Self {
            id: text("id")?.parse().map_err(|_| wrong())?,
            order: text("order_id")?.parse().map_err(|_| wrong())?,
            coins: number("coins")?,
            credit: Amount::from_nanos(number("nusd")?),
            attempts: number("attempts")?,
            not_before: number("not_before")?,
        })
    }

    pub(super) const fn credit(&self) -> Amount {
        self.credit
    }

    /// Smallest coins of the currency that was paid.
    pub(super) const fn coins(&self) -> i64 {
        self.coins
    }

    /// As the books know it. `None` when the order is not there, or never had credit.
    fn of_order(&self, row: &Row, now: UnixMs) -> Option<Refund> {
        let settled = row.view.settled?;
        Some(Refund {
            workspace: row.view.workspace,
            order: self.order,
            refund: self.id,
            reference: row.view.reference,
            provider: row.view.provider,
            coins: Coins::new(settled.paid.currency(), self.coins).ok()?,
            credit: self.credit,
            now,
        })
    }
}

/// May money of an order in this state go back?
const fn allows(status: OrderStatus) -> bool {
    matches!(
        status,
        OrderStatus::Credited | OrderStatus::PartiallyRefunded
    )
}

impl Orders {
    /// What of an order could go back now.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Database`].
    pub async fn refundable(&self, id: OrderId) -> Result<Refundable, OrderError> {
        let view = self.find_written(id).await?;
        let nothing = Refundable {
            credit: Amount::ZERO,
            coins: Refunded::nothing_of(view.quote.paid).coins,
        };
        let Some(settled) = view.settled.filter(|_| allows(view.status)) else {
            return Ok(nothing);
        };
        let credit = payments::refundable(self.0.db.read(), view.workspace, id).await?;
        let coins = fx::refund(settled.paid, settled.credited, &view.refunded, credit);
        Ok(coins.map_or(nothing, |coins| Refundable { credit, coins }))
    }

    /// Takes the credit out of the wallet and notes the refund, in the caller's transaction. `None` when this form was
    /// used before.
    pub(super) async fn take_back<C: ConnectionTrait>(
        &self,
        conn: &C,
        view: &OrderView,
        ask: &RefundAsk,
        now: UnixMs,
    ) -> Result<Option<Sending>, OrderError> {
        payments::lock(conn, view.workspace).await?;
        let row = rows::locked(conn, view.id)
            .await?
            .ok_or(OrderError::NotFound)?;
        let sql =
            "SELECT 1 AS there FROM order_refund WHERE order_id = $1 AND idempotency_key = $2";
        let values = [
            view.id.to_string().into(),
            ask.idempotency_key.as_str().into(),
        ];
        if one(conn, sql, values).await?.is_some() {
            return Ok(None);
        }
        if row.view.refunding {
            return Err(OrderError::Refunding);
        }
        let status = row.view.status;
        let Some(settled) = row.view.settled.filter(|_| allows(status)) else {
            return Err(OrderError::Status(status));
        };
        let most = payments::refundable(conn, view.workspace, view.id).await?;
        let credit = ask.credit.unwrap_or(most);
        if credit <= Amount::ZERO || credit > most {
            return Err(OrderError::NotRefundable { most });
        }
        let coins = fx::refund(settled.paid, settled.credited, &row.view.refunded, credit)
            .map_err(|_| OrderError::NotRefundable { most })?;
        if coins.minor() == 0 {
            return Err(OrderError::NoCoin);
        }
        // Where the provider is not at hand, whoever has it shall not wait.
        let here = self.0.registry.get(view.provider).is_some();
        let sending = Sending {
            id: RefundId::new(),
            order: view.id,
            coins: coins.minor(),
            credit,
            attempts: 0,
            not_before: now + if here { FIRST_MS } else { 0 },
        };
        let sql = "INSERT INTO order_refund (id, order_id, status, coins, nusd, note, idempotency_key, not_before, created_at)
                   VALUES ($1, $2, 'sending', $3, $4, $5, $6, $7, $8)";
        let values = [
            sending.id.to_string().into(),
            view.id.to_string().into(),
            sending.coins.into(),
            credit.nanos().into(),
            ask.note.trim().into(),
            ask.idempotency_key.as_str().into(),
            sending.not_before.into(),
            now.into(),
        ];
        exec(conn, sql, values).await?;
        let refund = sending
            .of_order(&row, now)
            .ok_or(OrderError::Status(status))?;
        if !refund.take(conn).await? {
            return Err(OrderError::NotRefundable { most });
        }
        Ok(Some(sending))
    }

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
            Ok(_) | Err(super::provider::Fault::Unknown) => self.failed(sending).await,
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

/// By whom refunds are sent: by hand where nobody can be asked.
pub(super) fn by_hand(orders: &Orders, provider: ProviderId) -> bool {
    orders
        .0
        .registry
        .get(provider)
        .map_or(provider == ProviderId::Manual, |provider| {
            !provider.caps().online
        })
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
