//! What proves an order's money? A receipt in the transaction that credits it, a credit note in the one that refunds.

use domain::Amount;
use domain::fx::{Quote, Rate, Source, Spread};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::Row;
use crate::ledger::payments::{Payment, Refund};
use crate::receipts::{self, Kind, NewReceipt, RateLine, Seller};

/// The rate that stands on the paper; none for dollars, which are not exchanged.
fn line(rate: Rate, spread: Spread, source: Source, date: Option<UnixMs>) -> Option<RateLine> {
    date.map(|date| RateLine {
        rate,
        spread_bp: spread.bp(),
        source,
        date,
    })
}

pub(super) async fn issue<C: ConnectionTrait>(
    seller: &Seller,
    conn: &C,
    row: &Row,
    payment: &Payment,
    by: &Quote,
) -> Result<(), DbErr> {
    let order = payment.order.to_string();
    let new = NewReceipt {
        kind: Kind::Receipt,
        order_id: &order,
        workspace_id: payment.workspace,
        provider: payment.provider.code(),
        paid: payment.paid,
        credited: payment.credited,
        bonus: payment.bonus,
        rate: line(by.rate, by.spread, by.source, by.date),
        locale: &row.locale,
        now: payment.now,
    };
    receipts::issue(conn, &new, seller).await.map(|_| ())
}

/// `void` is what went of the bonus.
pub(super) async fn credit_note<C: ConnectionTrait>(
    seller: &Seller,
    conn: &C,
    row: &Row,
    refund: &Refund,
    void: Amount,
) -> Result<(), DbErr> {
    let order = refund.order.to_string();
    let of = receipts::of_order(conn, &order)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("receipt of {order}")))?;
    let rate = row
        .view
        .settled
        .and_then(|by| line(by.rate, by.spread, by.source, by.date));
    let new = NewReceipt {
        kind: Kind::CreditNote { of },
        order_id: &order,
        workspace_id: refund.workspace,
        provider: refund.provider.code(),
        paid: refund.coins,
        credited: refund.credit,
        bonus: void,
        rate,
        locale: &row.locale,
        now: refund.now,
    };
    receipts::issue(conn, &new, seller).await.map(|_| ())
}
