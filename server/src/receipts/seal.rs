//! Is a receipt what it was when it was written? The hash over all its columns says so.

use sea_orm::{DbErr, QueryResult};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::secrets::hex;

/// One row of the table, as it is stored.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub series: String,
    pub no: i64,
    pub kind: String,
    pub order_id: String,
    pub workspace_id: String,
    pub of_series: Option<String>,
    pub of_no: Option<i64>,
    pub issued_at: i64,
    pub locale: String,
    pub provider: String,
    pub currency: String,
    pub paid_coins: i64,
    pub credited_nusd: i64,
    pub bonus_nusd: i64,
    pub rate_e9: Option<i64>,
    pub spread_bp: Option<i64>,
    pub rate_source: Option<String>,
    pub rate_date: Option<i64>,
    pub seller: String,
    pub buyer: String,
    pub fields: String,
    /// Not part of itself.
    #[serde(skip)]
    pub sha256: String,
}

pub(super) const COLUMNS: &str = "series, no, kind, order_id, workspace_id, of_series, of_no, issued_at, locale, provider, \
     currency, paid_coins, credited_nusd, bonus_nusd, rate_e9, spread_bp, rate_source, rate_date, seller, buyer, fields, sha256";

impl Row {
    pub(super) fn of(row: &QueryResult) -> Result<Self, DbErr> {
        let text = |name: &str| row.try_get::<String>("", name);
        let number = |name: &str| row.try_get::<i64>("", name);
        let maybe = |name: &str| row.try_get::<Option<i64>>("", name);
        Ok(Self {
            series: text("series")?,
            no: number("no")?,
            kind: text("kind")?,
            order_id: text("order_id")?,
            workspace_id: text("workspace_id")?,
            of_series: row.try_get("", "of_series")?,
            of_no: maybe("of_no")?,
            issued_at: number("issued_at")?,
            locale: text("locale")?,
            provider: text("provider")?,
            currency: text("currency")?,
            paid_coins: number("paid_coins")?,
            credited_nusd: number("credited_nusd")?,
            bonus_nusd: number("bonus_nusd")?,
            rate_e9: maybe("rate_e9")?,
            spread_bp: maybe("spread_bp")?,
            rate_source: row.try_get("", "rate_source")?,
            rate_date: maybe("rate_date")?,
            seller: text("seller")?,
            buyer: text("buyer")?,
            fields: text("fields")?,
            sha256: text("sha256")?,
        })
    }

    /// SHA-256 over the JSON of every other column, in the order of the table, as hexadecimal digits.
    pub(super) fn seal(&self) -> String {
        let json = serde_json::to_vec(self).expect("texts and numbers are always JSON");
        hex(&Sha256::digest(json))
    }
}
