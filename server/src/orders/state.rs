//! What should an operator know about orders? Whether somebody has to look, and whether providers answer.

use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::db::{Db, one};

/// Counts for `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrdersState {
    /// Orders that do not fit what their provider says.
    pub attention: i64,
    /// Webhooks that were taken ten minutes ago or earlier, and are not followed yet.
    pub stuck_events: i64,
    /// Refunds that have had no answer for an hour.
    pub stuck_refunds: i64,
}

const LATE_EVENT_MS: i64 = 10 * 60_000;
const LATE_REFUND_MS: i64 = 60 * 60_000;

impl OrdersState {
    /// # Errors
    /// When the database cannot be read.
    pub async fn read(db: &Db, now: UnixMs) -> Result<Self, DbErr> {
        let sql = "SELECT (SELECT count(*) FROM orders WHERE attention IS NOT NULL) AS attention,
            (SELECT count(*) FROM payment_event WHERE processed_at IS NULL AND received_at < $1) AS events,
            (SELECT count(*) FROM order_refund WHERE status = 'sending' AND created_at < $2) AS refunds";
        let values = [(now - LATE_EVENT_MS).into(), (now - LATE_REFUND_MS).into()];
        let row = one(db.read(), sql, values)
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("counts".into()))?;
        Ok(Self {
            attention: row.try_get("", "attention")?,
            stuck_events: row.try_get("", "events")?,
            stuck_refunds: row.try_get("", "refunds")?,
        })
    }
}
