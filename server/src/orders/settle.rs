//! When does an order become credit? Here, and nowhere else: webhook worker, return page, poller and administrators bring
//! their news to the same function.
//!
//! Everything that a provider says about a payment must fit our own row, or nothing moves. Credit then passes three
//! fences in one transaction: the event is marked as done once, the order leaves a state without credit once, and the
//! ledger takes each transaction's name once. Whoever is second at any of them changes nothing.

use domain::ids::OrderId;
use domain::order::{Attention, OrderStatus, PaymentStatus, ProviderId};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::Orders;
use super::credit::Paid;
use super::fits::fits;
use super::poll::AGAIN_MS;
use super::provider::Observed;
use super::rows::{self, Row};
use crate::db::exec;
use crate::ledger::payments;

/// What a provider says, and how we came to hear of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    /// Whom we asked.
    pub(super) provider: ProviderId,
    pub(super) observed: &'a Observed,
    /// The event in the inbox that made us ask.
    pub(super) event: Option<&'a str>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The credit is in the wallet now.
    Credited,
    /// The order is in another state now.
    Changed,
    /// It was known, or comes too late to change anything.
    Nothing,
    /// It does not fit; somebody has to look.
    Mismatch(Attention),
    /// It names no order of ours.
    Unknown,
    /// Paid, but there is no rate to credit it by; asked again later.
    Waiting,
    /// Another node had this event already.
    Taken,
}

impl Outcome {
    /// As the inbox keeps it; `None` when the event stays open.
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Credited => Some("credited"),
            Self::Changed => Some("changed"),
            Self::Nothing => Some("nothing"),
            Self::Mismatch(_) => Some("mismatch"),
            Self::Unknown => Some("unknown"),
            Self::Waiting | Self::Taken => None,
        }
    }
}

impl Orders {
    /// Makes of a provider's word what it is worth. Harmless to repeat, in any order, on any number of nodes.
    ///
    /// # Errors
    /// When the database refuses: nothing happened.
    pub(super) async fn settle(&self, news: &News<'_>) -> Result<Outcome, DbErr> {
        let (observed, now) = (news.observed, self.0.clock.now_ms());
        let named: Option<OrderId> = observed.reference.parse().ok();
        let tx = self.0.db.begin().await?;
        let known = match named {
            Some(id) => rows::by_id(&tx, id).await?,
            None => None,
        };
        let Some(known) = known else {
            // It names nothing of ours; but it may be the payment of one of our orders.
            let owner = rows::by_object(&tx, news.provider, &observed.object).await?;
            let outcome = match &owner {
                Some(owner) => {
                    mark(&tx, owner.view.id, Some(Attention::Reference)).await?;
                    Outcome::Mismatch(Attention::Reference)
                }
                None => Outcome::Unknown,
            };
            return self.end(tx, news, owner.as_ref(), outcome).await;
        };
        // The wallet before the order, as everywhere.
        payments::lock(&tx, known.view.workspace).await?;
        let row = rows::locked(&tx, known.view.id)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound(format!("order {}", known.view.id)))?;
        let outcome = match self.judge(&tx, news, &row).await? {
            Err(attention) => {
                mark(&tx, row.view.id, Some(attention)).await?;
                Outcome::Mismatch(attention)
            }
            Ok(()) => {
                own(&tx, &row, &observed.object).await?;
                self.follow(&tx, news, &row, now).await?
            }
        };
        self.end(tx, news, Some(&row), outcome).await
    }

    /// Does what the provider says fit our own row?
    async fn judge(
        &self,
        tx: &DatabaseTransaction,
        news: &News<'_>,
        row: &Row,
    ) -> Result<Result<(), Attention>, DbErr> {
        let (view, observed) = (&row.view, news.observed);
        let live = self
            .0
            .registry
            .get(news.provider)
            .map(|provider| provider.caps().live);
        if let Err(attention) = fits(row, news.provider, observed, live) {
            return Ok(Err(attention));
        }
        let owner = rows::by_object(tx, news.provider, &observed.object).await?;
        Ok(match owner {
            Some(owner) if owner.view.id != view.id => {
                // Neither of the two fits any more.
                mark(tx, owner.view.id, Some(Attention::Reference)).await?;
                Err(Attention::Reference)
            }
            _ => Ok(()),
        })
    }

    async fn follow(
        &self,
        tx: &DatabaseTransaction,
        news: &News<'_>,
        row: &Row,
        now: UnixMs,
    ) -> Result<Outcome, DbErr> {
        let (view, observed) = (&row.view, news.observed);
        if view.status.was_credited() {
            let more = observed.refunded.is_some_and(|refunded| {
                refunded.minor() > view.refunded.coins.minor() && !view.refunding
            });
            // Its money is gone again, and ours is not.
            let undone = matches!(
                observed.status,
                PaymentStatus::Failed | PaymentStatus::Canceled | PaymentStatus::Expired
            ) && view.status != OrderStatus::Refunded;
            if more || undone {
                mark(tx, view.id, Some(Attention::Refund)).await?;
                return Ok(Outcome::Mismatch(Attention::Refund));
            }
            return Ok(Outcome::Nothing);
        }
        match view.status.after(observed.status) {
            None => Ok(Outcome::Nothing),
            Some(OrderStatus::Credited) => {
                let paid = Paid {
                    coins: view.quote.paid,
                    // A payment that was made in time is not late because we hear of it late.
                    at: observed.paid_at.unwrap_or(now),
                };
                Ok(match self.credit(tx, row, paid, now).await? {
                    Ok(_) => Outcome::Credited,
                    Err(attention) => {
                        mark(tx, view.id, Some(attention)).await?;
                        if attention == Attention::Rate {
                            look_again(tx, view.id, now).await?;
                            Outcome::Waiting
                        } else {
                            Outcome::Mismatch(attention)
                        }
                    }
                })
            }
            Some(next) => {
                let sql = "UPDATE orders SET status = $2 WHERE id = $1 AND status = $3";
                let values = [
                    view.id.to_string().into(),
                    next.code().into(),
                    view.status.code().into(),
                ];
                let changed = exec(tx, sql, values).await?.rows_affected() == 1;
                Ok(if changed {
                    Outcome::Changed
                } else {
                    Outcome::Nothing
                })
            }
        }
    }

    /// The first fence, and the commit: an event is done with once. What changed the order passed the other fences and is
    /// kept also when the event was closed meanwhile.
    async fn end(
        &self,
        tx: DatabaseTransaction,
        news: &News<'_>,
        row: Option<&Row>,
        outcome: Outcome,
    ) -> Result<Outcome, DbErr> {
        if let (Some(event), Some(code)) = (news.event, outcome.code()) {
            let order = row.map(|row| row.view.id);
            let now = self.0.clock.now_ms();
            let closed = close_event(&tx, news.provider, event, code, order, now).await?;
            if !closed && !matches!(outcome, Outcome::Credited | Outcome::Changed) {
                tx.rollback().await?;
                return Ok(Outcome::Taken);
            }
        }
        tx.commit().await?;
        self.count(outcome);
        let order = row.map_or_else(|| "?".to_owned(), |row| row.view.id.to_string());
        // Said once, not each time that somebody looks.
        let said = row.and_then(|row| row.view.attention);
        match outcome {
            Outcome::Mismatch(what) if said == Some(what) => {}
            Outcome::Waiting if said == Some(Attention::Rate) => {}
            Outcome::Credited => {
                tracing::info!(order, provider = %news.provider, "An order was paid: its credit is in the wallet");
            }
            Outcome::Mismatch(what) => {
                tracing::warn!(order, provider = %news.provider, what = what.code(), "What a provider of payments says does not fit the order: nothing was credited; look at it under /admin/orders");
            }
            Outcome::Unknown => {
                tracing::warn!(provider = %news.provider, "A provider of payments speaks of an order that is not ours");
            }
            Outcome::Waiting => {
                tracing::warn!(order, provider = %news.provider, "An order was paid so late that the rate of now counts, and that one is too old to charge by: credited once there is a newer one");
            }
            Outcome::Changed | Outcome::Nothing | Outcome::Taken => {}
        }
        Ok(outcome)
    }
}

/// The payment belongs to this order from now on.
async fn own<C: ConnectionTrait>(conn: &C, row: &Row, object: &str) -> Result<(), DbErr> {
    if row.view.provider_ref.is_some() {
        return Ok(());
    }
    let sql = "UPDATE orders SET provider_ref = $2 WHERE id = $1 AND provider_ref IS NULL";
    exec(conn, sql, [row.view.id.to_string().into(), object.into()]).await?;
    Ok(())
}

/// An order that nobody would ask about any more is asked about again.
async fn look_again<C: ConnectionTrait>(conn: &C, id: OrderId, now: UnixMs) -> Result<(), DbErr> {
    let sql = "UPDATE orders SET next_look_at = coalesce(next_look_at, $2) WHERE id = $1";
    let at = now.saturating_add(AGAIN_MS);
    exec(conn, sql, [id.to_string().into(), at.into()]).await?;
    Ok(())
}

/// Why somebody should look at an order, or that nobody has to any more.
pub(super) async fn mark<C: ConnectionTrait>(
    conn: &C,
    id: OrderId,
    attention: Option<Attention>,
) -> Result<(), DbErr> {
    let sql = "UPDATE orders SET attention = $2 WHERE id = $1";
    let code = attention.map(|attention| attention.code().to_owned());
    exec(conn, sql, [id.to_string().into(), code.into()]).await?;
    Ok(())
}

/// False when it was closed before.
pub(super) async fn close_event<C: ConnectionTrait>(
    conn: &C,
    provider: ProviderId,
    event: &str,
    outcome: &str,
    order: Option<OrderId>,
    now: UnixMs,
) -> Result<bool, DbErr> {
    let sql = "UPDATE payment_event SET processed_at = $3, outcome = $4, order_id = $5
               WHERE provider = $1 AND event_id = $2 AND processed_at IS NULL";
    let values = [
        provider.code().into(),
        event.into(),
        now.into(),
        outcome.into(),
        order.map(|id| id.to_string()).into(),
    ];
    Ok(exec(conn, sql, values).await?.rows_affected() == 1)
}
