//! What can administrators do to orders? Say that a bank transfer arrived or will not, and send money back. Each act is
//! in the audit log, with its amount and its note.

use domain::fx::Coins;
use domain::ids::OrderId;
use domain::order::{Attention, OrderStatus, OrderView, PaymentStatus, ProviderId};
use domain::views::UnixMs;
use sea_orm::{DatabaseTransaction, DbErr};
use serde_json::{Value, json};

use super::credit::Paid;
use super::refund::by_hand;
use super::settle::{Outcome, mark};
use super::{OrderError, Orders, RefundAsk, rows};
use crate::audit::{Act, By};
use crate::db::exec;
use crate::ledger::payments;

const KEY_MAX: usize = 64;

/// Orders in an administrator's hands.
pub struct Desk<'a> {
    pub(super) orders: &'a Orders,
    pub(super) by: By,
}

/// What arrived on the operator's bank account.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// As the bank's statement says, typed by whoever confirms: it is compared with what was asked for.
    pub received: Coins,
    /// Credit what arrived, although it is not what was asked for.
    pub sure: bool,
    /// When it arrived; `None` is now. It decides by which rate a late payment is credited.
    pub paid_at: Option<UnixMs>,
    /// What the bank's statement says.
    pub note: String,
}

impl Desk<'_> {
    /// A bank transfer arrived: its credit goes into the wallet. Confirming twice is an error, and credits once. So does
    /// another amount than was asked for at a provider that can be asked: it is asked again, and what it says was paid
    /// has to be what was typed.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::NotManual`], [`OrderError::AmountDiffers`], [`OrderError::NoNote`],
    /// [`OrderError::Status`], [`OrderError::NoRate`], [`OrderError::Provider`].
    pub async fn confirm(
        &self,
        id: OrderId,
        confirmation: &Confirmation,
    ) -> Result<OrderView, OrderError> {
        let orders = self.orders;
        let view = self.noted(id, &confirmation.note).await?;
        let (expected, received) = (view.quote.paid, confirmation.received);
        let other_currency = received.currency() != expected.currency();
        if other_currency || received.minor() == 0 || (received != expected && !confirmation.sure) {
            return Err(OrderError::AmountDiffers { expected, received });
        }
        let asked_at = if view.provider == ProviderId::Manual {
            confirmation.paid_at
        } else {
            self.ask_again(&view, received).await?
        };
        let (tx, now) = (orders.0.db.begin().await?, orders.0.clock.now_ms());
        payments::lock(&tx, view.workspace).await?;
        let row = rows::locked(&tx, id).await?.ok_or(OrderError::NotFound)?;
        if !row.view.status.may_become(OrderStatus::Credited) {
            return Err(OrderError::Status(row.view.status));
        }
        let paid = Paid {
            coins: received,
            at: asked_at.unwrap_or(now),
        };
        let credited = match orders.credit(&tx, &row, paid, now).await? {
            Ok(credited) => credited,
            Err(Attention::Rate) => return Err(OrderError::NoRate),
            Err(_) => return Err(OrderError::AmountDiffers { expected, received }),
        };
        let detail = json!({
            "expected": expected.to_string(),
            "received": received.to_string(),
            "credited_nusd": credited.nanos().to_string(),
            "note": confirmation.note.trim(),
        });
        self.note(&tx, "order.confirm", &view, detail).await?;
        tx.commit().await?;
        orders.count(Outcome::Credited);
        orders.find_written(id).await
    }

    /// A bank transfer will not arrive. Should it arrive all the same, it can still be confirmed.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::NotManual`], [`OrderError::NoNote`], [`OrderError::Status`].
    pub async fn reject(&self, id: OrderId, note: &str) -> Result<OrderView, OrderError> {
        let (orders, view) = (self.orders, self.by_hand(id, note).await?);
        let tx = orders.0.db.begin().await?;
        let sql = "UPDATE orders SET status = 'failed', next_look_at = NULL
                   WHERE id = $1 AND status IN ('created', 'pending', 'processing')";
        let changed = exec(&tx, sql, [id.to_string().into()]).await?;
        if changed.rows_affected() == 0 {
            let row = rows::by_id(&tx, id).await?.ok_or(OrderError::NotFound)?;
            return Err(OrderError::Status(row.view.status));
        }
        self.note(&tx, "order.reject", &view, json!({ "note": note.trim() }))
            .await?;
        tx.commit().await?;
        orders.find_written(id).await
    }

    /// Sends money back: by the provider, or, for a bank transfer, written down after it was transferred by hand. When the
    /// provider does not answer, the refund is on its way ([`OrderView::refunding`]) and is asked about again.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::NotRefundable`], [`OrderError::NoCoin`], [`OrderError::Refunding`],
    /// [`OrderError::NoNote`], [`OrderError::Status`], [`OrderError::KeyReused`], [`OrderError::RefundRefused`].
    pub async fn refund(&self, id: OrderId, ask: &RefundAsk) -> Result<OrderView, OrderError> {
        let orders = self.orders;
        let view = orders.find_written(id).await?;
        if ask.note.trim().is_empty() {
            return Err(OrderError::NoNote);
        }
        if ask.idempotency_key.is_empty() || ask.idempotency_key.len() > KEY_MAX {
            return Err(OrderError::KeyReused);
        }
        // A command has no sandbox beside it: the refund is written down, and the server sends it.
        let by_hand = by_hand(orders, view.provider);
        orders.drain(&view, ask).await?;
        let (tx, now) = (orders.0.db.begin().await?, orders.0.clock.now_ms());
        let Some(sending) = orders.take_back(&tx, &view, ask, now).await? else {
            tx.rollback().await?;
            return orders.find_written(id).await;
        };
        let detail = json!({
            "refund": sending.id.to_string(),
            "credit_nusd": sending.credit.nanos().to_string(),
            "coins": sending.coins.to_string(),
            "currency": view.quote.paid.currency().code(),
            "by_hand": by_hand,
            "note": ask.note.trim(),
        });
        self.note(&tx, "order.refund", &view, detail).await?;
        if by_hand && !orders.finish(&tx, &sending).await? {
            return Err(DbErr::RecordNotUpdated.into());
        }
        tx.commit().await?;
        if !by_hand {
            orders.send(&sending).await?;
            if orders.was_refused(&sending).await? {
                return Err(OrderError::RefundRefused);
            }
        }
        orders.find_written(id).await
    }

    /// Somebody has looked at an order that did not fit: it is marked no more, until the provider says so again.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::NoNote`].
    pub async fn seen(&self, id: OrderId, note: &str) -> Result<OrderView, OrderError> {
        let orders = self.orders;
        if note.trim().is_empty() {
            return Err(OrderError::NoNote);
        }
        let view = orders.find_written(id).await?;
        let Some(attention) = view.attention else {
            return Ok(view);
        };
        let tx = orders.0.db.begin().await?;
        mark(&tx, id, None).await?;
        let detail = json!({ "attention": attention.code(), "note": note.trim() });
        self.note(&tx, "order.seen", &view, detail).await?;
        tx.commit().await?;
        orders.find_written(id).await
    }

    /// The order, if it is one that is paid by bank transfer.
    async fn by_hand(&self, id: OrderId, note: &str) -> Result<OrderView, OrderError> {
        let view = self.noted(id, note).await?;
        if view.provider == ProviderId::Manual {
            Ok(view)
        } else {
            Err(OrderError::NotManual)
        }
    }

    async fn noted(&self, id: OrderId, note: &str) -> Result<OrderView, OrderError> {
        let view = self.orders.find_written(id).await?;
        if note.trim().is_empty() {
            return Err(OrderError::NoNote);
        }
        Ok(view)
    }

    /// Does the provider still say that just this was paid, and does all but the amount fit? When it was paid, if it knows.
    async fn ask_again(
        &self,
        view: &OrderView,
        received: Coins,
    ) -> Result<Option<UnixMs>, OrderError> {
        let registry = &self.orders.0.registry;
        let (Some(object), Some(Attention::Amount)) = (view.provider_ref.clone(), view.attention)
        else {
            return Err(OrderError::NotManual);
        };
        let provider = registry
            .get(view.provider)
            .ok_or(OrderError::NoSuchMethod)?;
        let observed = provider.fetch(object.clone()).await.map_err(|fault| {
            tracing::warn!(order = %view.id, provider = %view.provider, %fault, "A provider of payments was asked about an order that is to be confirmed, in vain");
            OrderError::Provider
        })?;
        let ours = observed.object == object && observed.reference == view.id.to_string();
        let untouched = observed.refunded.is_some_and(|back| back.minor() == 0);
        if !ours || !untouched || observed.live != provider.caps().live {
            return Err(OrderError::Provider);
        }
        match observed.paid {
            Some(paid) if observed.status == PaymentStatus::Paid && paid == received => {
                Ok(observed.paid_at)
            }
            _ => Err(OrderError::AmountDiffers {
                expected: observed.paid.unwrap_or(view.quote.paid),
                received,
            }),
        }
    }

    async fn note(
        &self,
        tx: &DatabaseTransaction,
        action: &'static str,
        view: &OrderView,
        detail: Value,
    ) -> Result<(), DbErr> {
        let act = Act {
            actor: self.by.actor,
            action,
            subject: view.account,
            target: Some(view.id.to_string()),
            detail,
            from: self.by.from,
        };
        self.orders.0.audit.note(tx, &act).await
    }
}
