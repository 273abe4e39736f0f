//! How does a receipt come to be? In the transaction of what it proves, with the next number of its series.

use domain::Amount;
use domain::fx::{Coins, Rate, Source};
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};
use texts::Locale;

use super::number::{ReceiptNumber, series};
use super::printed::{Facts, print};
use super::seal::{COLUMNS, Row};
use super::seller::{Buyer, Seller};
use crate::db::{exec, for_update, one};

/// Which of the two papers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What was paid for an order, and what arrived. One for each order.
    Receipt,
    /// What went back to the customer, and what left the wallet for it. As many as there are refunds.
    CreditNote { of: ReceiptNumber },
}

impl Kind {
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::CreditNote { .. } => "credit_note",
        }
    }
}

/// The rate by which coins became dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLine {
    /// Dollars for one unit of the paid currency, the spread taken off.
    pub rate: Rate,
    /// What the operator kept of the middle rate, in hundredths of a per cent.
    pub spread_bp: u16,
    pub source: Source,
    /// The day of the rate: its first moment in UTC.
    pub date: UnixMs,
}

/// What a receipt is about.
#[derive(Debug, Clone)]
pub struct NewReceipt<'a> {
    pub kind: Kind,
    pub order_id: &'a str,
    pub workspace_id: WorkspaceId,
    /// The provider's name or code: `manual` and `sandbox` are described in words.
    pub provider: &'a str,
    /// What was paid; in a credit note, what went back.
    pub paid: Coins,
    /// What arrived for it; in a credit note, what left the wallet.
    pub credited: Amount,
    pub bonus: Amount,
    /// `None` when dollars were paid.
    pub rate: Option<RateLine>,
    /// The customer's language; one that is not there becomes English.
    pub locale: &'a str,
    pub now: UnixMs,
}

/// Writes a receipt or a credit note and returns its number. `conn` must be in a transaction: the series' row stays
/// locked until it ends, and a rollback gives the number back. An order that has its receipt keeps it: the number of
/// that one is returned. A credit note is written every time, so its caller must have settled that the refund is new.
///
/// # Errors
/// When the database fails.
pub async fn issue<C: ConnectionTrait>(
    conn: &C,
    new: &NewReceipt<'_>,
    seller: &Seller,
) -> Result<ReceiptNumber, DbErr> {
    let prefix = match new.kind {
        Kind::Receipt => &seller.facts.receipt_prefix,
        Kind::CreditNote { .. } => &seller.facts.credit_note_prefix,
    };
    let series = series(prefix, new.now);
    // The lock comes first: whoever writes the same receipt at the same moment is seen by the question after it.
    let no = next(conn, &series).await?;
    if new.kind == Kind::Receipt
        && let Some(there) = of_order(conn, new.order_id).await?
    {
        return Ok(there);
    }
    let number = ReceiptNumber { series, no };
    insert(conn, &row(conn, new, &number, seller).await?).await?;
    exec(
        conn,
        "UPDATE receipt_series SET next_no = next_no + 1 WHERE series = $1",
        [number.series.clone().into()],
    )
    .await?;
    Ok(number)
}

/// The receipt of an order, if it has one.
///
/// # Errors
/// When the database fails.
pub async fn of_order<C: ConnectionTrait>(
    conn: &C,
    order_id: &str,
) -> Result<Option<ReceiptNumber>, DbErr> {
    let sql = "SELECT series, no FROM receipt WHERE order_id = $1 AND kind = 'receipt'";
    let row = one(conn, sql, [order_id.into()]).await?;
    row.map(|row| {
        Ok(ReceiptNumber {
            series: row.try_get("", "series")?,
            no: row.try_get("", "no")?,
        })
    })
    .transpose()
}

/// Locks a series and says which number is next.
async fn next<C: ConnectionTrait>(conn: &C, series: &str) -> Result<i64, DbErr> {
    exec(
        conn,
        "INSERT INTO receipt_series (series, next_no) VALUES ($1, 1) ON CONFLICT (series) DO NOTHING",
        [series.into()],
    )
    .await?;
    let sql = format!(
        "SELECT next_no FROM receipt_series WHERE series = $1{}",
        for_update(conn)
    );
    let row = one(conn, &sql, [series.into()]).await?;
    row.ok_or_else(|| DbErr::RecordNotFound(format!("series {series}")))?
        .try_get("", "next_no")
}

async fn row<C: ConnectionTrait>(
    conn: &C,
    new: &NewReceipt<'_>,
    number: &ReceiptNumber,
    seller: &Seller,
) -> Result<Row, DbErr> {
    let buyer = buyer(conn, new.workspace_id).await?;
    let locale = seller.texts.locale(new.locale).unwrap_or(Locale::EN);
    let facts = Facts {
        kind: &new.kind,
        number,
        order_id: new.order_id,
        provider: new.provider,
        paid: new.paid,
        credited: new.credited,
        bonus: new.bonus,
        rate: new.rate,
        issued_at: new.now,
        seller: &seller.facts,
        buyer: &buyer,
    };
    let printed = print(&facts, &seller.texts, locale);
    let of = match &new.kind {
        Kind::Receipt => None,
        Kind::CreditNote { of } => Some(of),
    };
    let mut row = Row {
        series: number.series.clone(),
        no: number.no,
        kind: new.kind.code().to_owned(),
        order_id: new.order_id.to_owned(),
        workspace_id: new.workspace_id.to_string(),
        of_series: of.map(|of| of.series.clone()),
        of_no: of.map(|of| of.no),
        issued_at: new.now,
        locale: locale.code().to_owned(),
        provider: new.provider.to_owned(),
        currency: new.paid.currency().code().to_owned(),
        paid_coins: new.paid.minor(),
        credited_nusd: new.credited.nanos(),
        bonus_nusd: new.bonus.nanos(),
        rate_e9: new.rate.map(|rate| rate.rate.e9()),
        spread_bp: new.rate.map(|rate| i64::from(rate.spread_bp)),
        rate_source: new.rate.map(|rate| rate.source.code().to_owned()),
        rate_date: new.rate.map(|rate| rate.date),
        seller: json(&seller.facts)?,
        buyer: json(&buyer)?,
        fields: json(&printed)?,
        sha256: String::new(),
    };
    row.sha256 = row.seal();
    Ok(row)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, DbErr> {
    serde_json::to_string(value).map_err(|error| DbErr::Json(error.to_string()))
}

/// Who pays into this wallet, as they call themselves today.
async fn buyer<C: ConnectionTrait>(conn: &C, workspace: WorkspaceId) -> Result<Buyer, DbErr> {
    let sql = "SELECT name, email FROM account WHERE workspace_id = $1";
    let Some(row) = one(conn, sql, [workspace.to_string().into()]).await? else {
        return Ok(Buyer::default());
    };
    Ok(Buyer {
        name: row.try_get("", "name")?,
        email: row.try_get("", "email")?,
    })
}

async fn insert<C: ConnectionTrait>(conn: &C, row: &Row) -> Result<(), DbErr> {
    let sql = format!(
        "INSERT INTO receipt ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
         $20, $21, $22)"
    );
    let row = row.clone();
    exec(
        conn,
        &sql,
        [
            row.series.into(),
            row.no.into(),
            row.kind.into(),
            row.order_id.into(),
            row.workspace_id.into(),
            row.of_series.into(),
            row.of_no.into(),
            row.issued_at.into(),
            row.locale.into(),
            row.provider.into(),
            row.currency.into(),
            row.paid_coins.into(),
            row.credited_nusd.into(),
            row.bonus_nusd.into(),
            row.rate_e9.into(),
            row.spread_bp.into(),
            row.rate_source.into(),
            row.rate_date.into(),
            row.seller.into(),
            row.buyer.into(),
            row.fields.into(),
            row.sha256.into(),
        ],
    )
    .await?;
    Ok(())
}
