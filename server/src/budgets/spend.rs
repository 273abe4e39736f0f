//! What has a key spent in a period? The sum of its calls' charges, by the moment in which each call began.
//!
//! Summing a month of calls for one question would take longer the more a key is used, so the sum of a limited key is a
//! row (`key_spend`), made when somebody first asks. From then on the database itself adds every call to it. Making it
//! excludes flushes of the key's workspace: a call that is being committed is in the sum or added to it, never neither.

use domain::Amount;
use domain::ids::{KeyId, WorkspaceId};
use domain::period::{KeySpend, Period, Span};
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::db::{all, exec, one};
use crate::ledger;

/// Where one limit of a key stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) span: Span,
    /// `MAX` when the key has no such limit any more.
    pub(super) limit: Amount,
    /// Charged to calls that began in the span, as far as they are committed.
    pub(super) spent: Amount,
    /// Granted to nodes and not spent.
    pub(super) granted: Amount,
}

impl Standing {
    /// What may still be granted.
    pub(super) fn room(&self) -> Amount {
        self.limit
            .minus_or_zero(self.spent)
            .minus_or_zero(self.granted)
    }
}

/// Where the limits of these spans stand. The caller has locked the key's row, so no grant is made meanwhile. `None` when
/// a sum must be made and flushes are not excluded: the wallet is locked before the key, in flushes too, so that none of
/// two waits for the other.
///
/// Sums and grants are read in one statement: a commit moves a charge from the one to the other, and must not be seen
/// half.
pub(super) async fn standings<C: ConnectionTrait>(
    conn: &C,
    key: KeyId,
    limits: &Limits,
    spans: &[Span],
    flushes: Flushes,
) -> Result<Option<Vec<Standing>>, DbErr> {
    let mut found = read(conn, key).await?;
    let new = missing(&found, spans);
    if !new.is_empty() {
        if flushes == Flushes::Run {
            return Ok(None);
        }
        for span in &new {
            count(conn, key, *span).await?;
        }
        found = read(conn, key).await?;
    }
    let standings: Result<Vec<Standing>, DbErr> = spans
        .iter()
        .map(|span| {
            let row = found.iter().find(|row| row.is_of(span)).ok_or_else(|| {
                DbErr::RecordNotFound(format!("what {key} spent per {}", span.period.id()))
            })?;
            Ok(Standing {
                span: *span,
                limit: limits.of(span.period),
                spent: row.spent,
                granted: row.granted,
            })
        })
        .collect();
    standings.map(Some)
}

/// Can calls of the key be committed meanwhile?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushes {
    /// The wallet is locked, and was before the key.
    Excluded,
    Run,
}

impl Flushes {
    /// Keeps them out if a sum of these spans has to be made, as far as can be seen before the key is locked.
    pub(super) async fn of<C: ConnectionTrait>(
        conn: &C,
        key: KeyId,
        workspace: WorkspaceId,
        spans: &[Span],
    ) -> Result<Self, DbErr> {
        if missing(&read(conn, key).await?, spans).is_empty() {
            return Ok(Self::Run);
        }
        ledger::exclude_flushes(conn, workspace).await?;
        Ok(Self::Excluded)
    }
}

fn missing(found: &[Row], spans: &[Span]) -> Vec<Span> {
    let known = |span: &&Span| found.iter().any(|row| row.is_of(span));
    spans.iter().filter(|span| !known(span)).copied().collect()
}

struct Row {
    period: String,
    start: UnixMs,
    spent: Amount,
    granted: Amount,
}

impl Row {
    fn is_of(&self, span: &Span) -> bool {
        self.start == span.start && self.period == span.period.id()
    }
}

async fn read<C: ConnectionTrait>(conn: &C, key: KeyId) -> Result<Vec<Row>, DbErr> {
    let sql = "SELECT s.period, s.period_start, s.spent,
                   CAST(coalesce((SELECT sum(g.granted - g.spent) FROM key_grant g
                       WHERE g.key_id = s.key_id AND g.period = s.period AND g.period_start = s.period_start), 0) AS BIGINT) AS granted
               FROM key_spend s WHERE s.key_id = $1";
    let rows = all(conn, sql, [key.to_string().into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                period: row.try_get("", "period")?,
                start: row.try_get("", "period_start")?,
                spent: Amount::from_nanos(row.try_get("", "spent")?),
                granted: Amount::from_nanos(row.try_get("", "granted")?),
            })
        })
        .collect()
}

/// From the index alone: the wallet is locked meanwhile.
pub(super) const COUNT: &str = "INSERT INTO key_spend (key_id, period, period_start, period_end, spent)
    SELECT $1, $2, CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST(coalesce(sum(charge_nusd + reversed_nusd), 0) AS BIGINT) FROM call
    WHERE key_id = $1 AND created_at >= $3 AND created_at < $4
    ON CONFLICT (key_id, period, period_start) DO NOTHING";

/// Makes the sum of one span; flushes are excluded. Spans before the last one are forgotten: if a call that began in
/// one of them still runs and asks, its sum is made again.
async fn count<C: ConnectionTrait>(conn: &C, key: KeyId, span: Span) -> Result<(), DbErr> {
    let forget = "DELETE FROM key_spend WHERE key_id = $1 AND period = $2 AND period_end < $3";
    let values = [
        key.to_string().into(),
        span.period.id().into(),
        span.start.into(),
    ];
    exec(conn, forget, values).await?;
    let values = [
        key.to_string().into(),
        span.period.id().into(),
        span.start.into(),
        span.end.unwrap_or(UnixMs::MAX).into(),
    ];
    exec(conn, COUNT, values).await?;
    Ok(())
}

/// The spend limits of a key as its row has them now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits([Option<Amount>; 4]);

impl Limits {
    /// Of a key that has no row any more.
    pub(super) const NONE: Self = Self([None; 4]);

    pub(super) fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let of = |column: &str| -> Result<Option<Amount>, DbErr> {
            let nanos: Option<i64> = row.try_get("", column)?;
            Ok(nanos.map(Amount::from_nanos))
        };
        Ok(Self([
            of("day_nusd")?,
            of("week_nusd")?,
            of("month_nusd")?,
            of("total_nusd")?,
        ]))
    }

    fn of(&self, period: Period) -> Amount {
        let [day, week, month, total] = self.0;
        let limit = match period {
            Period::Day => day,
            Period::Week => week,
            Period::Month => month,
            Period::Total => total,
        };
        limit.unwrap_or(Amount::MAX)
    }
}

/// What a key of this workspace has spent in the periods around `now`; nothing for a key of another one.
pub(super) async fn spent<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    key: KeyId,
    now: UnixMs,
) -> Result<KeySpend, DbErr> {
    let mut sums = [Amount::ZERO; 4];
    for (period, sum) in Period::ALL.into_iter().zip(&mut sums) {
        let span = period.span(now);
        // The sum if there is one, else the calls.
        let sql = "SELECT CAST(coalesce(
                       (SELECT spent FROM key_spend WHERE key_id = $1 AND period = $3 AND period_start = $4),
                       (SELECT sum(charge_nusd + reversed_nusd) FROM call WHERE key_id = $1 AND created_at >= $4 AND created_at < $5),
                       0) AS BIGINT) AS spent
                   FROM api_key WHERE id = $1 AND workspace_id = $2";
        let values = [
            key.to_string().into(),
            workspace.to_string().into(),
            period.id().into(),
            span.start.into(),
            span.end.unwrap_or(UnixMs::MAX).into(),
        ];
        if let Some(row) = one(conn, sql, values).await? {
            *sum = Amount::from_nanos(row.try_get("", "spent")?);
        }
    }
    let [day, week, month, total] = sums;
    Ok(KeySpend::at(now, day, week, month, total))
}
