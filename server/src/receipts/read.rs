//! Which receipts are there, and what stands on one?

use domain::fx::{Coins, Rate, Source};
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use domain::{Amount, Currency};
use sea_orm::{DbErr, Value};
use texts::{Locale, Texts};

use super::issue::{Kind, RateLine};
use super::number::ReceiptNumber;
use super::printed::{Facts, Printed, print};
use super::seal::{COLUMNS, Row};
use super::seller::{Buyer, SellerFacts};
use crate::db::{Db, all, one};

/// A receipt or a credit note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub number: ReceiptNumber,
    pub kind: Kind,
    pub order_id: String,
    pub workspace: WorkspaceId,
    pub issued_at: UnixMs,
    pub provider: String,
    pub paid: Coins,
    pub credited: Amount,
    pub bonus: Amount,
    pub rate: Option<RateLine>,
    pub seller: SellerFacts,
    pub buyer: Buyer,
    /// As it was given to the customer, in their language: kept word for word.
    pub original: Printed,
}

impl Receipt {
    /// What stands on it in a language: the original in its own, else a translation with the words of today.
    #[must_use]
    pub fn printed(&self, texts: &Texts, locale: Locale) -> Printed {
        if locale.code() == self.original.locale {
            return self.original.clone();
        }
        let facts = Facts {
            kind: &self.kind,
            number: &self.number,
            order_id: &self.order_id,
            provider: &self.provider,
            paid: self.paid,
            credited: self.credited,
            bonus: self.bonus,
            rate: self.rate,
            issued_at: self.issued_at,
            seller: &self.seller,
            buyer: &self.buyer,
        };
        print(&facts, texts, locale)
    }

    /// Credit and bonus together: what the wallet got, or what was taken out of it.
    #[must_use]
    pub fn arrived(&self) -> Amount {
        self.credited.plus(self.bonus).unwrap_or(Amount::MAX)
    }
}

/// Reads receipts. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    db: Db,
}

impl Receipts {
    #[must_use]
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    /// A receipt of this workspace; somebody else's is as if there were none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        number: &ReceiptNumber,
    ) -> Result<Option<Receipt>, DbErr> {
        let found = self.any(number).await?;
        Ok(found.filter(|receipt| receipt.workspace == workspace))
    }

    /// The receipt of this number, whosever it is. For administrators.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn any(&self, number: &ReceiptNumber) -> Result<Option<Receipt>, DbErr> {
        let sql = format!("SELECT {COLUMNS} FROM receipt WHERE series = $1 AND no = $2");
        let values = [number.series.clone().into(), number.no.into()];
        let row = one(self.db.read(), &sql, values).await?;
        row.map(|row| receipt(Row::of(&row)?)).transpose()
    }

    /// A workspace's receipts and credit notes, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, workspace: WorkspaceId, limit: u32) -> Result<Vec<Receipt>, DbErr> {
        let values = [workspace.to_string().into(), i64::from(limit).into()];
        self.rows("workspace_id = $1", "LIMIT $2", values).await
    }

    /// Everybody's, newest first, at most `limit`. For administrators.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn all(&self, limit: u32) -> Result<Vec<Receipt>, DbErr> {
        self.rows("1 = 1", "LIMIT $1", [i64::from(limit).into()])
            .await
    }

    /// The receipts of some orders and their credit notes, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of_orders(
        &self,
        workspace: WorkspaceId,
        orders: &[&str],
    ) -> Result<Vec<Receipt>, DbErr> {
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (2..orders.len() + 2).map(|n| format!("${n}")).collect();
        let filter = format!("workspace_id = $1 AND order_id IN ({})", places.join(", "));
        let workspace = std::iter::once(Value::from(workspace.to_string()));
        let values = workspace.chain(orders.iter().map(|order| Value::from(*order)));
        let mut receipts = self.rows(&filter, "", values).await?;
        receipts.reverse();
        Ok(receipts)
    }

    async fn rows(
        &self,
        filter: &str,
        limit: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Receipt>, DbErr> {
        let sql = format!(
            "SELECT {COLUMNS} FROM receipt WHERE {filter}
             ORDER BY issued_at DESC, CASE WHEN of_no IS NULL THEN 1 ELSE 0 END, series DESC, no DESC {limit}"
        );
        let rows = all(self.db.read(), &sql, values).await?;
        rows.iter().map(|row| receipt(Row::of(row)?)).collect()
    }
}

fn receipt(row: Row) -> Result<Receipt, DbErr> {
    let broken = |column: &str| DbErr::Type(format!("receipt.{column} cannot be read"));
    let currency: Currency = row.currency.parse().map_err(|_| broken("currency"))?;
    let rate = match (row.rate_e9, row.rate_source, row.rate_date) {
        (Some(e9), Some(source), Some(date)) => Some(RateLine {
            rate: Rate::from_e9(e9).map_err(|_| broken("rate_e9"))?,
            spread_bp: row
                .spread_bp
                .and_then(|bp| bp.try_into().ok())
                .ok_or_else(|| broken("spread_bp"))?,
            source: source
                .parse::<Source>()
                .map_err(|_| broken("rate_source"))?,
            date,
        }),
        _ => None,
    };
    let kind = match (row.of_series, row.of_no) {
        (Some(series), Some(no)) => Kind::CreditNote {
            of: ReceiptNumber { series, no },
        },
        _ => Kind::Receipt,
    };
    Ok(Receipt {
        number: ReceiptNumber {
            series: row.series,
            no: row.no,
        },
        kind,
        order_id: row.order_id,
        workspace: row
            .workspace_id
            .parse()
            .map_err(|_| broken("workspace_id"))?,
        issued_at: row.issued_at,
        provider: row.provider,
        paid: Coins::new(currency, row.paid_coins).map_err(|_| broken("paid_coins"))?,
        credited: Amount::from_nanos(row.credited_nusd),
        bonus: Amount::from_nanos(row.bonus_nusd),
        rate,
        seller: serde_json::from_str(&row.seller).map_err(|_| broken("seller"))?,
        buyer: serde_json::from_str(&row.buyer).map_err(|_| broken("buyer"))?,
        original: serde_json::from_str(&row.fields).map_err(|_| broken("fields"))?,
    })
}
