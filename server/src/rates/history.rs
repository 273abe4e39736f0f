//! Which rates did a currency have? What sources published for it, and what was set by hand and ended again.

use domain::Currency;
use domain::fx::{PerUsd, Rate, Source};
use domain::views::UnixMs;
use sea_orm::DbErr;

use super::store;
use crate::db::{self, Db};

/// What was set by hand is little; more than this nobody reads.
const MANUAL_MOST: i64 = 100;

/// One line of a currency's history.
#[derive(Debug, Clone, Copy)]
pub struct Past {
    /// `None` when a rate that was set by hand was ended.
    pub rate: Option<PerUsd>,
    pub source: Source,
    /// The first moment, in UTC, of the day that it is for.
    pub date: UnixMs,
    /// When it was set, for what was set by hand.
    pub set_at: Option<UnixMs>,
}

/// The newest first, at most `limit`.
pub(super) async fn history(db: &Db, currency: Currency, limit: usize) -> Result<Vec<Past>, DbErr> {
    let mut past: Vec<Past> = store::load(db)
        .await?
        .into_iter()
        .filter(|(of, known)| *of == currency && known.source != Source::Manual)
        .map(|(_, known)| Past {
            rate: Some(known.rate),
            source: known.source,
            date: known.date,
            set_at: None,
        })
        .collect();
    let sql = "SELECT rate_e9, source_date, fetched_at FROM fx_rate
         WHERE source = 'manual' AND base = 'USD' AND quote = $1 ORDER BY id DESC LIMIT $2";
    for row in db::all(db.read(), sql, [currency.code().into(), MANUAL_MOST.into()]).await? {
        let rate = Rate::from_e9(row.try_get("", "rate_e9")?).ok();
        past.push(Past {
            rate: rate.map(PerUsd::direct),
            source: Source::Manual,
            date: row.try_get("", "source_date")?,
            set_at: Some(row.try_get("", "fetched_at")?),
        });
    }
    past.sort_by_key(|line| std::cmp::Reverse(line.set_at.unwrap_or(line.date)));
    past.truncate(limit);
    Ok(past)
}
