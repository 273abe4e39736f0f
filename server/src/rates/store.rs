//! Where are rates kept? In `fx_rate`, which only grows; `fx_source` says when each source is asked again, and by whom.

use domain::Currency;
use domain::fx::{Known, Rate, Source, day_of};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use super::document::{Document, Published, known, sha256};
use crate::changes::{Topic, bump};
use crate::db::{self, Db};

/// More than a month of every source; what is older is only history.
const READ_AT_ONCE: i64 = 2_000;
/// How long a source is being asked at most: a node that died in between holds nobody up for longer.
const TAKEN_MS: i64 = 2 * 60_000;
/// A time further ahead than any that is written was written by a clock that was wrong.
const WRONG_MS: i64 = 3 * 3_600_000;

struct Row {
    id: i64,
    source: Source,
    date: UnixMs,
    published: Published,
}

impl Row {
    /// `None` for what a newer version wrote and this one does not know, and for the end of a manual rate.
    fn of(row: &QueryResult) -> Result<Option<Self>, DbErr> {
        let text = |column| row.try_get::<String>("", column);
        let (base, quote) = (text("base")?.parse(), text("quote")?.parse());
        let rate = Rate::from_e9(row.try_get("", "rate_e9")?);
        let (Ok(base), Ok(quote), Ok(rate), Ok(source)) =
            (base, quote, rate, text("source")?.parse())
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            id: row.try_get("", "id")?,
            source,
            date: row.try_get("", "source_date")?,
            published: Published { base, quote, rate },
        }))
    }
}

/// Everything that the table can choose from.
pub(super) async fn load(db: &Db) -> Result<Vec<(Currency, Known)>, DbErr> {
    let mut rows = Vec::new();
    let sql = "SELECT id, base, quote, rate_e9, source, source_date FROM fx_rate
         WHERE id IN (SELECT MAX(id) FROM fx_rate WHERE source <> 'manual' GROUP BY source, base, quote, source_date)
         ORDER BY id DESC LIMIT $1";
    for row in db::all(db.read(), sql, [READ_AT_ONCE.into()]).await? {
        rows.extend(Row::of(&row)?);
    }
    // What was set by hand last holds, whatever day it is of.
    let sql = "SELECT id, base, quote, rate_e9, source, source_date FROM fx_rate
         WHERE id IN (SELECT MAX(id) FROM fx_rate WHERE source = 'manual' GROUP BY base, quote)";
    for row in db::all(db.read(), sql, []).await? {
        rows.extend(Row::of(&row)?);
    }
    rows.sort_by_key(|row| (row.source.code(), row.date, row.id));
    Ok(rows
        .chunk_by(|one, two| one.source == two.source && one.date == two.date)
        .flat_map(|day| {
            let rates: Vec<Published> = day.iter().map(|row| row.published).collect();
            let ids: Vec<i64> = day.iter().map(|row| row.id).collect();
            known(day[0].source, day[0].date, &rates, &ids)
        })
        .collect())
}

/// Stores what is new of a document; how many rates that were. Told to other nodes when any was.
pub(super) async fn store(
    db: &Db,
    document: &Document,
    rates: &[Published],
    now: UnixMs,
) -> Result<usize, DbErr> {
    let tx = db.begin().await?;
    let mut stored = 0;
    for rate in rates {
        let known = db::one(
            &tx,
            "SELECT rate_e9 FROM fx_rate WHERE source = $1 AND base = $2 AND quote = $3 AND source_date = $4
             ORDER BY id DESC LIMIT 1",
            [
                document.source.code().into(),
                rate.base.code().into(),
                rate.quote.code().into(),
                document.date.into(),
            ],
        )
        .await?
        .map(|row| row.try_get::<i64>("", "rate_e9"))
        .transpose()?;
        if known != Some(rate.rate.e9()) {
            let raw = &document.raw_sha256;
            insert(
                &tx,
                rate,
                rate.rate.e9(),
                document.source,
                document.date,
                now,
                raw,
            )
            .await?;
            stored += 1;
        }
    }
    if stored > 0 {
        bump(&tx, Topic::Rates).await?;
    }
    tx.commit().await?;
    Ok(stored)
}

/// A rate set by hand: so many units for one dollar, or `None` to end it.
pub(super) async fn insert_manual<C: ConnectionTrait>(
    conn: &C,
    currency: Currency,
    rate: Option<Rate>,
    date: UnixMs,
    now: UnixMs,
) -> Result<(), DbErr> {
    let e9 = rate.map_or(0, Rate::e9);
    let pair = Published {
        base: Currency::Usd,
        quote: currency,
        rate: rate.unwrap_or(Rate::ONE),
    };
    let said = format!("USD {currency} {e9} {date}");
    let raw = sha256(said.as_bytes());
    insert(conn, &pair, e9, Source::Manual, date, now, &raw).await?;
    bump(conn, Topic::Rates).await
}

async fn insert<C: ConnectionTrait>(
    conn: &C,
    pair: &Published,
    e9: i64,
    source: Source,
    date: UnixMs,
    now: UnixMs,
    raw: &str,
) -> Result<(), DbErr> {
    db::exec(
        conn,
        "INSERT INTO fx_rate (base, quote, rate_e9, source, source_date, fetched_at, raw_sha256)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            pair.base.code().into(),
            pair.quote.code().into(),
            e9.into(),
            source.code().into(),
            day_of(date).into(),
            now.into(),
            raw.into(),
        ],
    )
    .await?;
    Ok(())
}

/// What is known of a source before it is asked.
pub(super) struct Turn {
    pub(super) last_modified: Option<String>,
    pub(super) refused: Option<String>,
}

/// Takes a source that is due, or whatever the time with `at_once`; `None` when it is not due, or somebody else has it.
/// It stays taken until [`done`], or for two minutes.
pub(super) async fn take(
    db: &Db,
    source: Source,
    now: UnixMs,
    at_once: bool,
) -> Result<Option<Turn>, DbErr> {
    let due = "taken_until <= $2 OR taken_until > $3) AND ($4 OR next_at <= $2 OR next_at > $3)";
    let values = || -> [Value; 4] {
        [
            source.code().into(),
            now.into(),
            (now + WRONG_MS).into(),
            at_once.into(),
        ]
    };
    // Asked first: most looks find nothing to do, and need no write.
    let sql = "SELECT 1 AS there FROM fx_source WHERE source = $1";
    if db::one(db.read(), sql, [source.code().into()])
        .await?
        .is_none()
    {
        let sql = "INSERT INTO fx_source (source) VALUES ($1) ON CONFLICT (source) DO NOTHING";
        db::exec(db.write(), sql, [source.code().into()]).await?;
    }
    let sql = format!("SELECT last_modified, refused FROM fx_source WHERE source = $1 AND ({due}");
    let Some(row) = db::one(db.read(), &sql, values()).await? else {
        return Ok(None);
    };
    let sql = format!("UPDATE fx_source SET taken_until = $5 WHERE source = $1 AND ({due}");
    let mine = values().into_iter().chain([(now + TAKEN_MS).into()]);
    if db::exec(db.write(), &sql, mine).await?.rows_affected() == 0 {
        return Ok(None);
    }
    Ok(Some(Turn {
        last_modified: row.try_get("", "last_modified")?,
        refused: row.try_get("", "refused")?,
    }))
}

/// Gives a source back, with when it is asked next and what was wrong this time.
pub(super) async fn done(
    db: &Db,
    source: Source,
    now: UnixMs,
    next_at: UnixMs,
    turn: &Turn,
) -> Result<(), DbErr> {
    db::exec(
        db.write(),
        "UPDATE fx_source SET taken_until = 0, next_at = $2, checked_at = $3, last_modified = $4, refused = $5 WHERE source = $1",
        [
            source.code().into(),
            next_at.into(),
            now.into(),
            turn.last_modified.clone().into(),
            turn.refused.clone().into(),
        ],
    )
    .await?;
    Ok(())
}

/// How a source did, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    pub source: String,
    /// When it was asked last; `None` before the first time.
    pub checked_at: Option<UnixMs>,
    /// What was wrong then.
    pub refused: Option<String>,
}

/// Every source that was ever asked.
pub(super) async fn states(db: &Db) -> Result<Vec<SourceState>, DbErr> {
    let sql = "SELECT source, checked_at, refused FROM fx_source ORDER BY source";
    db::all(db.read(), sql, [])
        .await?
        .iter()
        .map(|row| {
            Ok(SourceState {
                source: row.try_get("", "source")?,
                checked_at: row.try_get("", "checked_at")?,
                refused: row.try_get("", "refused")?,
            })
        })
        .collect()
}
