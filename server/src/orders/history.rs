//! What did the provider say about an order by itself, and what came of it? For administrators.

use domain::ids::OrderId;
use domain::views::UnixMs;
use sea_orm::DbErr;

use super::Orders;
use crate::db::all;

/// The most messages of one order.
const MOST: i64 = 100;

/// One message of a provider. What it said is not kept, only what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderEvent {
    /// The provider's name for it.
    pub id: String,
    /// In the provider's words: `payment.paid`.
    pub kind: String,
    pub received_at: UnixMs,
    /// `credited`, `changed`, `nothing`, `mismatch` or another code; `None` while it is still to be followed.
    pub outcome: Option<String>,
}

impl Orders {
    /// The messages about an order, newest first, at most a hundred: those that were followed to it, and those that name its
    /// payment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn events(&self, id: OrderId) -> Result<Vec<OrderEvent>, DbErr> {
        let sql =
            "SELECT e.event_id, e.kind, e.received_at, e.outcome FROM orders o JOIN payment_event e
                ON e.provider = o.provider AND (e.order_id = o.id OR e.object_ref = o.provider_ref)
             WHERE o.id = $1 ORDER BY e.received_at DESC, e.event_id LIMIT $2";
        let rows = all(self.0.db.read(), sql, [id.to_string().into(), MOST.into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(OrderEvent {
                    id: row.try_get("", "event_id")?,
                    kind: row.try_get("", "kind")?,
                    received_at: row.try_get("", "received_at")?,
                    outcome: row.try_get("", "outcome")?,
                })
            })
            .collect()
    }
}
