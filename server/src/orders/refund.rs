//! How does money go back? The credit leaves the wallet first, then the provider is asked, and asked again until it says
//! yes or no; at no moment can the same credit be spent and sent back.
//!
//! An order has at most one refund on its way. The provider knows each by our own name, so asking twice sends once.

use std::time::Duration;

use domain::Amount;
use domain::fx::{self, Coins, Refunded};
use domain::ids::{OrderId, RefundId};
use domain::order::{OrderStatus, OrderView, ProviderId};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::rows::{self, Row};
use super::{OrderError, Orders};
use crate::db::{exec, one};
use crate::ids::NewId;
use crate::ledger::payments::{self, Refund};

/// Whoever asks for a refund gets so long for the provider's answer, before the job asks too.
pub(super) const FIRST_MS: i64 = 30_000;

/// Nodes look at their leases twice a second.
const DRAIN: Duration = Duration::from_millis(400);
const DRAINS: u32 = 5;

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
    pub(super) order: OrderId,
    /// Smallest coins of the currency that was paid.
    pub(super) coins: i64,
    pub(super) credit: Amount,
    /// What went of the bonus with it.
    pub(super) bonus: Amount,
    pub(super) attempts: i64,
    pub(super) not_before: UnixMs,
}

impl Sending {
    pub(super) fn of(row: &QueryResult) -> Result<Self, DbErr> {
        let wrong = || DbErr::Type("order_refund holds something that is not an id".into());
        let text = |column: &str| row.try_get::<String>("", column);
        let number = |column: &str| row.try_get::<i64>("", column);
        Ok(Self {
            id: text("id")?.parse().map_err(|_| wrong())?,
            order: text("order_id")?.parse().map_err(|_| wrong())?,
            coins: number("coins")?,
            credit: Amount::from_nanos(number("nusd")?),
            bonus: Amount::from_nanos(number("bonus_nusd")?),
            attempts: number("attempts")?,
            not_before: number("not_before")?,
        })
    }

    /// As the books know it. `None` when the order is not there, or never had credit.
    pub(super) fn of_order(&self, row: &Row, now: UnixMs) -> Option<Refund> {
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
        let credit = payments::in_sight(self.0.db.read(), view.workspace, id).await?;
        let coins = fx::refund(settled.paid, settled.credited, &view.refunded, credit);
        Ok(coins.map_or(nothing, |coins| Refundable { credit, coins }))
    }

    /// Waits a little until nodes have given back what they leased and no call holds, as far as the refund needs it:
    /// for the credit, and for the bonus that goes with it.
    pub(super) async fn drain(&self, view: &OrderView, ask: &RefundAsk) -> Result<(), DbErr> {
        let db = self.0.db.write();
        for drain in 0..DRAINS {
            let left = payments::left(db, view.workspace, view.id).await?;
            let wanted = match ask.credit {
                Some(credit) => credit,
                None => payments::in_sight(db, view.workspace, view.id).await?,
            };
            let bonus = bonus_due(db, view, wanted).await?.min(left.bonus);
            let enough = wanted.plus(bonus).is_ok_and(|all| left.free >= all);
            if enough || !payments::recall(db, view.workspace, drain == 0).await? {
                return Ok(());
            }
            tokio::time::sleep(DRAIN).await;
        }
        Ok(())
    }

    /// Takes the credit out of the wallet and notes the refund, in the caller's transaction. `None` when this form was
    /// used before, and its refund went or is on its way.
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
            "SELECT status, nusd FROM order_refund WHERE order_id = $1 AND idempotency_key = $2";
        let values = [
            view.id.to_string().into(),
            ask.idempotency_key.as_str().into(),
        ];
        if let Some(before) = one(conn, sql, values).await? {
            let taken = Amount::from_nanos(before.try_get("", "nusd")?);
            if ask.credit.is_some_and(|credit| credit != taken) {
                return Err(OrderError::KeyReused);
            }
            let status: String = before.try_get("", "status")?;
            return if status == "failed" {
                Err(OrderError::RefundRefused)
            } else {
                Ok(None)
            };
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
        let mut sending = Sending {
            id: RefundId::new(),
            order: view.id,
            coins: coins.minor(),
            credit,
            bonus: Amount::ZERO,
            attempts: 0,
            not_before: now + if here { FIRST_MS } else { 0 },
        };
        let refund = sending
            .of_order(&row, now)
            .ok_or(OrderError::Status(status))?;
        let due = bonus_due(conn, &row.view, credit).await?;
        sending.bonus = refund
            .take(conn, due)
            .await?
            .ok_or(OrderError::NotRefundable { most })?;
        let sql = "INSERT INTO order_refund (id, order_id, status, coins, nusd, bonus_nusd, note, idempotency_key, not_before, created_at)
                   VALUES ($1, $2, 'sending', $3, $4, $5, $6, $7, $8, $9)";
        let values = [
            sending.id.to_string().into(),
            view.id.to_string().into(),
            sending.coins.into(),
            credit.nanos().into(),
            sending.bonus.nanos().into(),
            ask.note.trim().into(),
            ask.idempotency_key.as_str().into(),
            sending.not_before.into(),
            now.into(),
        ];
        exec(conn, sql, values).await?;
        Ok(Some(sending))
    }

    /// Was it refused by the provider?
    pub(super) async fn was_refused(&self, sending: &Sending) -> Result<bool, DbErr> {
        let sql = "SELECT status FROM order_refund WHERE id = $1";
        let row = one(self.0.db.write(), sql, [sending.id.to_string().into()]).await?;
        let status: Option<String> = row.map(|row| row.try_get("", "status")).transpose()?;
        Ok(status.as_deref() == Some("failed"))
    }
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

/// How much of an order's bonus goes when so much more of its credit goes back: the part that all of it together makes,
/// rounded up, less what went before.
pub(super) async fn bonus_due<C: ConnectionTrait>(
    conn: &C,
    view: &OrderView,
    credit: Amount,
) -> Result<Amount, DbErr> {
    let Some(settled) = view.settled.filter(|settled| !settled.bonus.is_zero()) else {
        return Ok(Amount::ZERO);
    };
    let sql = "SELECT CAST(coalesce(sum(bonus_nusd), 0) AS BIGINT) AS gone FROM order_refund WHERE order_id = $1";
    let gone: i64 = match one(conn, sql, [view.id.to_string().into()]).await? {
        Some(row) => row.try_get("", "gone")?,
        None => 0,
    };
    // More than all of it is all of it.
    let back = view
        .refunded
        .credit
        .plus(credit)
        .map_or(settled.credited, |back| back.min(settled.credited));
    Ok(
        part_of_bonus(settled.bonus, settled.credited, back)
            .minus_or_zero(Amount::from_nanos(gone)),
    )
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
