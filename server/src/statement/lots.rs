//! Which credit did a movement bring, or take, and which order did it give back? For whoever opens a line.

use std::collections::BTreeMap;

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{DbErr, QueryResult, Value};

use super::Statements;
use super::read::{Statement, amount};
use crate::db::all;

/// One movement's share of one lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotShare {
    /// `paid`, `bonus` or `adjustment`.
    pub kind: String,
    /// What the movement brought into it or took out of it.
    pub share: Amount,
    /// True when the movement opened it.
    pub opened: bool,
    /// What is left of it now.
    pub remaining: Amount,
    /// `None` does not expire.
    pub expires_at: Option<UnixMs>,
}

impl Statements {
    /// The lots of some movements of a statement, by the transfers' ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn lots(
        &self,
        statement: &Statement,
        transfers: &[i64],
    ) -> Result<BTreeMap<i64, Vec<LotShare>>, DbErr> {
        let mut shares: BTreeMap<i64, Vec<LotShare>> = BTreeMap::new();
        if transfers.is_empty() {
            return Ok(shares);
        }
        let places: Vec<String> = (2..transfers.len() + 2).map(|n| format!("${n}")).collect();
        let places = places.join(", ");
        // A top-up and its bonus are two transfers of one event, and a lot each.
        let sql = format!(
            "SELECT t.id AS t_id, l.kind, l.original AS share, CAST(1 AS BIGINT) AS opened, l.remaining, l.expires_at, l.id AS l_id
             FROM transfer t JOIN lot l ON l.txn_id = t.txn_id AND l.book_id = t.credit_id AND l.original = t.amount
             WHERE t.credit_id = $1 AND t.id IN ({places})
             UNION ALL SELECT p.transfer_id, l.kind, p.amount, CAST(0 AS BIGINT), l.remaining, l.expires_at, l.id
             FROM lot_part p JOIN lot l ON l.id = p.lot_id WHERE l.book_id = $1 AND p.transfer_id IN ({places})
             ORDER BY 1, 7"
        );
        let book = std::iter::once(Value::from(statement.book));
        let values = book.chain(transfers.iter().map(|id| Value::from(*id)));
        for row in all(self.db.read(), &sql, values).await? {
            let transfer: i64 = row.try_get("", "t_id")?;
            shares.entry(transfer).or_default().push(share(&row)?);
        }
        Ok(shares)
    }

    /// The orders that some refunds gave back, by the refunds' ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn refunded(
        &self,
        statement: &Statement,
        refunds: &[&str],
    ) -> Result<BTreeMap<String, String>, DbErr> {
        if refunds.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places: Vec<String> = (2..refunds.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            "SELECT r.id, r.order_id FROM order_refund r JOIN orders o ON o.id = r.order_id
             WHERE o.workspace_id = $1 AND r.id IN ({})",
            places.join(", ")
        );
        let workspace = std::iter::once(Value::from(statement.workspace.to_string()));
        let values = workspace.chain(refunds.iter().map(|id| Value::from(*id)));
        let rows = all(self.db.read(), &sql, values).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "id")?, row.try_get("", "order_id")?)))
            .collect()
    }
}

fn share(row: &QueryResult) -> Result<LotShare, DbErr> {
    Ok(LotShare {
        kind: row.try_get("", "kind")?,
        share: amount(row, "share")?,
        opened: row.try_get::<i64>("", "opened")? == 1,
        remaining: amount(row, "remaining")?,
        expires_at: row.try_get("", "expires_at")?,
    })
}
