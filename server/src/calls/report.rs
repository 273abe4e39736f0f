//! What do people ask about calls? A list, and what was spent.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::WorkspaceId;
use domain::views::{DaySpend, ModelSpend, SpendView, UnixMs};
use domain::{Amount, Usage};
use sea_orm::{DbErr, QueryResult};
use serde::Serialize;
use texts::format::Zone;

use super::counted::TOKENS;
use super::folded::{self, Folded, Older};
use super::parts::Parts;
use super::query::{Condition, Filter, Range};
use crate::clock::Clock;
use crate::db::{Db, all};

/// Reads calls. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    pub(super) db: Db,
    clock: Clock,
    folded: Arc<Folded>,
}

/// One call as its owner and the command line see it. Money is nano-dollars, as strings in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRow {
    pub id: String,
    pub created_at: UnixMs,
    pub model: String,
    pub key_id: String,
    /// The HTTP status the caller got.
    pub status: i64,
    pub ending: String,
    pub streamed: bool,
    pub input_tokens: i64,
    pub cached_input_tokens: i64,
    pub output_tokens: i64,
    pub reasoning_tokens: i64,
    /// Written into the provider's cache: for five minutes, or as long as it says; and for an hour.
    pub cache_write_tokens: i64,
    pub cache_write_1h_tokens: i64,
    pub audio_input_tokens: i64,
    pub image_input_tokens: i64,
    pub audio_output_tokens: i64,
    pub image_output_tokens: i64,
    /// Uses of tools that the provider charges for.
    pub tool_calls: i64,
    /// Milliseconds, characters or images; the price tells which.
    pub units: i64,
    /// True when something in the upstream's report was absurd, and was not taken as it stood.
    pub flagged: bool,
    /// The price version that the charge was computed from.
    pub price_version: String,
    pub charge_nusd: Amount,
    /// Served above the hold and not charged; the operator's loss.
    pub unbilled_nusd: Amount,
    /// Charged, and given back because the caller had been told that nothing is charged.
    pub reversed_nusd: Amount,
    /// The settlement rule.
    pub rule: String,
    /// True when the tokens were counted here because the upstream reported none.
    pub estimated: bool,
    pub first_byte_ms: Option<i64>,
    pub duration_ms: i64,
    pub attempts: Vec<AttemptRow>,
}

/// One try at an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptRow {
    pub upstream: String,
    pub outcome: String,
    pub status: Option<i64>,
    pub duration_ms: i64,
}

const DAYS_SHOWN: i32 = 30;
/// Models drawn apart in the chart; the others are one "other" that the page adds up.
const MODELS_SHOWN: usize = 5;

impl Calls {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self {
            db,
            clock,
            folded: Arc::new(Folded::new()),
        }
    }

    /// The newest calls of a workspace first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, workspace: WorkspaceId, limit: u32) -> Result<Vec<CallRow>, DbErr> {
        let sql =
            "SELECT * FROM call WHERE workspace_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2";
        let rows = all(
            self.db.read(),
            sql,
            [workspace.to_string().into(), i64::from(limit).into()],
        )
        .await?;
        let mut calls = rows.iter().map(call_row).collect::<Result<Vec<_>, _>>()?;
        let sql = "SELECT a.*, coalesce(u.name, a.upstream_id) AS upstream FROM attempt a
                   LEFT JOIN upstream u ON u.id = a.upstream_id
                   WHERE a.call_id IN (SELECT id FROM call WHERE workspace_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)
                   ORDER BY a.call_id, a.seq";
        let mut attempts: BTreeMap<String, Vec<AttemptRow>> = BTreeMap::new();
        for row in all(
            self.db.read(),
            sql,
            [workspace.to_string().into(), i64::from(limit).into()],
        )
        .await?
        {
            attempts
                .entry(row.try_get("", "call_id")?)
                .or_default()
                .push(AttemptRow::read(&row)?);
        }
        for call in &mut calls {
            call.attempts = attempts.remove(&call.id).unwrap_or_default();
        }
        Ok(calls)
    }

    /// What was spent today, in the last 7 and 30 days (the zone's days, today included), per day and per model.
    ///
    /// # Errors
    /// When the database cannot be read, or a sum leaves the range of money.
    pub async fn spend(&self, workspace: WorkspaceId, zone: Zone) -> Result<SpendView, DbErr> {
        let now = self.clock.now_ms();
        let range = Range::last_days(zone, now, DAYS_SHOWN);
        let days = Parts::of(zone, range);
        let of = Older {
            workspace,
            zone: zone.name(),
            from: range.from,
            boundary: folded::boundary(now).max(range.from),
        };
        let older = self.older(of, &days).await?;
        // Without an end: a call of the future (a clock set back) counts as today's.
        let newer = self.day_rows(workspace, &days, of.boundary, None).await?;
        summarise(&days, older.iter().chain(&newer))
            .map_err(|wrong| DbErr::Custom(wrong.to_string()))
    }

    /// The sums of calls that change no more: read once, then remembered.
    async fn older(&self, of: Older, days: &Parts) -> Result<Arc<Vec<DayRow>>, DbErr> {
        if let Some(rows) = self.folded.get(&of) {
            return Ok(rows);
        }
        let rows = self
            .day_rows(of.workspace, days, of.from, Some(of.boundary))
            .await?;
        Ok(self.folded.put(of, rows))
    }

    /// A row per day and model. Grouped by the database: a busy workspace has millions of calls in a month.
    async fn day_rows(
        &self,
        workspace: WorkspaceId,
        days: &Parts,
        from: UnixMs,
        to: Option<UnixMs>,
    ) -> Result<Vec<DayRow>, DbErr> {
        let mut condition = Condition::new(workspace, &Filter::default());
        condition.and("c.created_at >= ?", from);
        if let Some(to) = to {
            condition.and("c.created_at < ?", to);
        }
        let sql = format!(
            "SELECT {} AS day, c.model AS model, CAST(sum(c.charge_nusd) AS BIGINT) AS spent, count(*) AS calls,
                CAST(sum({TOKENS}) AS BIGINT) AS tokens
             FROM call c WHERE {} GROUP BY 1, 2",
            days.sql(),
            condition.sql
        );
        let rows = all(self.db.read(), &sql, condition.values).await?;
        rows.iter().map(DayRow::read).collect()
    }
}

impl CallRow {
    /// What it used, by bucket.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        Usage {
            input: count(self.input_tokens),
            cached_input: count(self.cached_input_tokens),
            cache_write: count(self.cache_write_tokens),
            cache_write_1h: count(self.cache_write_1h_tokens),
            audio_input: count(self.audio_input_tokens),
            image_input: count(self.image_input_tokens),
            output: count(self.output_tokens),
            reasoning: count(self.reasoning_tokens),
            audio_output: count(self.audio_output_tokens),
            image_output: count(self.image_output_tokens),
            tool_calls: count(self.tool_calls),
            units: count(self.units),
            served: None,
            flagged: self.flagged,
        }
    }
}

impl AttemptRow {
    pub(super) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            upstream: row.try_get("", "upstream")?,
            outcome: row.try_get("", "outcome")?,
            status: row.try_get("", "status")?,
            duration_ms: row.try_get("", "duration_ms")?,
        })
    }
}

/// What the calls of one model came to on one day.
pub(super) struct DayRow {
    day: i64,
    model: String,
    spent: Amount,
    calls: u64,
    tokens: u64,
}

impl DayRow {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let count = |name: &str| row.try_get::<i64>("", name).map(|n| n.unsigned_abs());
        Ok(Self {
            day: row.try_get("", "day")?,
            model: row.try_get("", "model")?,
            spent: Amount::from_nanos(row.try_get("", "spent")?),
            calls: count("calls")?,
            tokens: count("tokens")?,
        })
    }
}

/// Adds up rows; a day and model may come more than once.
fn summarise<'a>(
    parts: &Parts,
    rows: impl Iterator<Item = &'a DayRow>,
) -> Result<SpendView, domain::MoneyError> {
    let mut days: Vec<DaySpend> = parts
        .starts
        .iter()
        .map(|start| DaySpend {
            day_start: *start,
            amount: Amount::ZERO,
            calls: 0,
            tokens: 0,
        })
        .collect();
    let mut models: BTreeMap<&str, ModelSpend> = BTreeMap::new();
    for row in rows {
        let index = parts.index(row.day);
        let day = &mut days[index];
        day.amount = day.amount.plus(row.spent)?;
        day.calls += row.calls;
        day.tokens += row.tokens;
        let model = models.entry(&row.model).or_insert_with(|| ModelSpend {
            model: row.model.clone(),
            by_day: vec![Amount::ZERO; days.len()],
            amount: Amount::ZERO,
        });
        model.by_day[index] = model.by_day[index].plus(row.spent)?;
        model.amount = model.amount.plus(row.spent)?;
    }
    let mut models: Vec<ModelSpend> = models.into_values().collect();
    models.sort_by(|a, b| b.amount.cmp(&a.amount).then_with(|| a.model.cmp(&b.model)));
    models.truncate(MODELS_SHOWN);
    let last = |count: usize| Amount::sum(days.iter().rev().take(count).map(|day| day.amount));
    let (today_spend, last_7_days, last_30_days) = (last(1)?, last(7)?, last(30)?);
    let (calls_today, tokens_today) = days.last().map_or((0, 0), |day| (day.calls, day.tokens));
    Ok(SpendView {
        today: today_spend,
        last_7_days,
        last_30_days,
        calls_today,
        tokens_today,
        days,
        models,
    })
}

pub(crate) fn call_row(row: &QueryResult) -> Result<CallRow, DbErr> {
    let rule: String = row.try_get("", "rule")?;
    Ok(CallRow {
        id: row.try_get("", "id")?,
        created_at: row.try_get("", "created_at")?,
        model: row.try_get("", "model")?,
        key_id: row.try_get("", "key_id")?,
        status: row.try_get("", "http_status")?,
        ending: row.try_get("", "ending")?,
        streamed: row.try_get::<i64>("", "streamed")? != 0,
        input_tokens: row.try_get("", "input")?,
        cached_input_tokens: row.try_get("", "cached_input")?,
        output_tokens: row.try_get("", "output")?,
        reasoning_tokens: row.try_get("", "reasoning")?,
        cache_write_tokens: row.try_get("", "cache_write")?,
        cache_write_1h_tokens: row.try_get("", "cache_write_1h")?,
        audio_input_tokens: row.try_get("", "audio_input")?,
        image_input_tokens: row.try_get("", "image_input")?,
        audio_output_tokens: row.try_get("", "audio_output")?,
        image_output_tokens: row.try_get("", "image_output")?,
        tool_calls: row.try_get("", "tool_calls")?,
        units: row.try_get("", "units")?,
        flagged: row.try_get::<i64>("", "flagged")? != 0,
        price_version: row.try_get("", "price_id")?,
        charge_nusd: Amount::from_nanos(row.try_get("", "charge_nusd")?),
        unbilled_nusd: Amount::from_nanos(row.try_get("", "unbilled_nusd")?),
        reversed_nusd: Amount::from_nanos(row.try_get("", "reversed_nusd")?),
        estimated: rule == domain::Rule::Estimated.id(),
        rule,
        first_byte_ms: row.try_get("", "first_byte_ms")?,
        duration_ms: row.try_get("", "duration_ms")?,
        attempts: Vec::new(),
    })
}
