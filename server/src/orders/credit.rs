//! How does a paid order become credit? Status, books, lot, bonus, receipt and mail together, or nothing of it.

use domain::Amount;
use domain::fx::{Coins, Quote};
use domain::order::{Attention, OrderStatus};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::rows::Row;
use super::{Orders, receipt, tell};
use crate::db::exec;
use crate::ledger::payments::Payment;

/// A payment that is certain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paid {
    pub(super) coins: Coins,
    /// It decides about the rate.
    pub(super) at: UnixMs,
}

impl Orders {
    /// Puts the credit of an order into its wallet: status, books, lot, bonus, receipt and mail, or nothing of it. The
    /// caller holds the wallet's and the order's rows. What it needs an administrator for is an inner error.
    pub(super) async fn credit(
        &self,
        tx: &DatabaseTransaction,
        row: &Row,
        paid: Paid,
        now: UnixMs,
    ) -> Result<Result<Amount, Attention>, DbErr> {
        let view = &row.view;
        // Of now, and of what was asked for: the rate is what counts.
        let current = self.0.rates.quote(view.quote.paid).ok();
        let at = paid.at.clamp(view.created_at, now.max(view.created_at));
        let Some(by) = view.quote.at_payment(at, current.as_ref()).copied() else {
            return Ok(Err(Attention::Rate));
        };
        let credited = match by.credited_for(paid.coins) {
            Ok(credited) if credited > Amount::ZERO => credited,
            _ => return Ok(Err(Attention::Amount)),
        };
        let bonus = if paid.coins == view.quote.paid {
            view.bonus
        } else {
            self.0.config.bonus_of(credited)
        };
        let payment = Payment {
            workspace: view.workspace,
            order: view.id,
            reference: view.reference,
            provider: view.provider,
            paid: paid.coins,
            credited,
            bonus,
            now,
        };
        if !mark_credited(tx, &payment, &by).await? {
            return Err(DbErr::Custom(format!(
                "order {} was credited by somebody else",
                view.id
            )));
        }
        // The third fence.
        if !payment.book(tx).await? {
            return Err(DbErr::Custom(format!(
                "order {} is in the books without having been credited",
                view.id
            )));
        }
        receipt::issue(&self.0.seller, tx, row, &payment, &by).await?;
        let late = by.rate != view.quote.rate;
        tell::credited(&self.0.mail, tx, row, &payment, late).await?;
        Ok(Ok(credited))
    }
}

/// The second fence: from a state without credit, once.
async fn mark_credited<C: ConnectionTrait>(
    conn: &C,
    payment: &Payment,
    by: &Quote,
) -> Result<bool, DbErr> {
    let from: Vec<String> = OrderStatus::sources_of(OrderStatus::Credited)
        .map(|status| format!("'{status}'"))
        .collect();
    let sql = format!(
        "UPDATE orders SET status = 'credited', paid_coins = $2, credited_nusd = $3, bonus_nusd = $4, used_rate_e9 = $5,
            used_spread_bp = $6, used_source = $7, used_date = $8, used_row = $9, settled_at = $10, next_look_at = NULL, attention = NULL
         WHERE id = $1 AND settled_at IS NULL AND status IN ({})",
        from.join(", ")
    );
    let values = [
        payment.order.to_string().into(),
        payment.paid.minor().into(),
        payment.credited.nanos().into(),
        payment.bonus.nanos().into(),
        by.rate.e9().into(),
        i64::from(by.spread.bp()).into(),
        by.source.code().into(),
        by.date.into(),
        by.row.into(),
        payment.now.into(),
    ];
    Ok(exec(conn, &sql, values).await?.rows_affected() == 1)
}
