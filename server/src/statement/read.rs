//! What did the wallet hold before and after a period, and what came and went in it?

use std::collections::BTreeMap;

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Value};
use texts::format::Zone;

use super::Statements;
use crate::calls::counted::TOKENS;
use crate::calls::{Parts, Range};
use crate::db::{all, one};

/// The frame of a statement: what is known without its single lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub workspace: WorkspaceId,
    /// Whole days of the zone.
    pub range: Range,
    pub zone: Zone,
    /// The wallet's newest transfer from the period's beginning on when the statement was made; 0 when there is none.
    /// Later ones are not in it.
    pub as_of: i64,
    /// What the wallet held when the period began.
    pub opening: Amount,
    /// What it held when the period ended; while it runs, what it holds.
    pub closing: Amount,
    /// What came in and what went out, per kind: the opening balance and all of them are the closing balance.
    pub totals: Vec<Total>,
    /// Days on which calls were charged, oldest first.
    pub days: Vec<DayUse>,
    pub(super) book: i64,
}

/// All movements of one kind and direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// `usage`, `bonus`, `adjustment` …
    pub kind: String,
    /// More than zero came in, less than zero went out.
    pub amount: Amount,
    /// Lines with it.
    pub lines: u64,
}

/// The usage of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayUse {
    pub start: UnixMs,
    /// The next day's beginning.
    pub end: UnixMs,
    /// What was charged: more than zero, though it went out.
    pub charged: Amount,
    /// Calls that cost something.
    pub calls: u64,
    /// Their tokens of every bucket together.
    pub tokens: u64,
    /// When the last of them was booked.
    pub last: UnixMs,
}

/// A wallet's movements from `$2` on as a table `m`, signed as its owner sees them; `$1` is its book. Of those that took
/// something only the ones of `taken`, a condition: what usage took is folded into its day, and is most of the table. No
/// usage comes into a wallet, which is what the index of those that did says.
pub(super) fn moves(taken: &str) -> String {
    format!(
        "(SELECT id, txn_id, code, note, created_at, -amount AS amount FROM transfer
            WHERE debit_id = $1 AND created_at >= $2 AND {taken}
          UNION ALL SELECT id, txn_id, code, note, created_at, amount FROM transfer
            WHERE credit_id = $1 AND code <> 'usage' AND created_at >= $2) m"
    )
}

impl Statements {
    /// The statement of the days of `range`, which begins and ends at midnights of the zone. `None` when the workspace
    /// has no wallet.
    ///
    /// # Errors
    /// When the database cannot be read, or a sum leaves the range of money.
    pub async fn read(
        &self,
        workspace: WorkspaceId,
        range: Range,
        zone: Zone,
    ) -> Result<Option<Statement>, DbErr> {
        let moment = self.moment().await?;
        let read = read(&moment, workspace, range, zone).await;
        moment.rollback().await?;
        read
    }

    /// A view of one moment in which queries may take longer than others that somebody waits for: a year of a busy
    /// workspace is added up by reading it.
    pub(super) async fn moment(&self) -> Result<DatabaseTransaction, DbErr> {
        let moment = self.db.snapshot().await?;
        if self.db.backend() == DbBackend::Postgres {
            moment
                .execute_unprepared("SET LOCAL statement_timeout = '30s'")
                .await?;
        }
        Ok(moment)
    }

    /// What calls of the period were served and not charged: it is not in any balance. Dated by the calls' own time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn given_away(&self, statement: &Statement) -> Result<Amount, DbErr> {
        let sql = "SELECT CAST(coalesce(sum(unbilled_nusd), 0) AS BIGINT) AS given FROM call
                   WHERE workspace_id = $1 AND created_at >= $2 AND created_at < $3 AND unbilled_nusd <> 0";
        let values = [
            statement.workspace.to_string().into(),
            statement.range.from.into(),
            statement.range.to.into(),
        ];
        let moment = self.moment().await?;
        let row = one(&moment, sql, values).await;
        moment.rollback().await?;
        row?.map_or(Ok(Amount::ZERO), |row| amount(&row, "given"))
    }
}

async fn read<C: ConnectionTrait>(
    conn: &C,
    workspace: WorkspaceId,
    range: Range,
    zone: Zone,
) -> Result<Option<Statement>, DbErr> {
    let sql = "SELECT id, posted FROM book WHERE kind = 'wallet' AND workspace_id = $1";
    let Some(wallet) = one(conn, sql, [workspace.to_string().into()]).await? else {
        return Ok(None);
    };
    let book: i64 = wallet.try_get("", "id")?;
    let sql = format!(
        "SELECT m.code AS code, max(m.id) AS newest,
            CAST(sum(CASE WHEN m.created_at < $3 THEN m.amount ELSE 0 END) AS BIGINT) AS within,
            CAST(sum(CASE WHEN m.created_at < $3 THEN 1 ELSE 0 END) AS BIGINT) AS movements,
            CAST(sum(CASE WHEN m.created_at < $3 THEN 0 ELSE m.amount END) AS BIGINT) AS later
         FROM {} GROUP BY m.code, CASE WHEN m.amount > 0 THEN 0 ELSE 1 END
         ORDER BY CASE WHEN m.amount > 0 THEN 0 ELSE 1 END, m.code",
        moves("amount > 0")
    );
    let values = [book.into(), range.from.into(), range.to.into()];
    let rows = all(conn, &sql, values).await?;
    let days = days(conn, book, range, zone).await?;
    let mut statement = Statement {
        workspace,
        range,
        zone,
        as_of: 0,
        opening: Amount::ZERO,
        closing: amount(&wallet, "posted")?,
        totals: Vec::new(),
        days,
        book,
    };
    let mut change = Amount::ZERO;
    for row in &rows {
        statement.as_of = statement.as_of.max(row.try_get("", "newest")?);
        statement.closing = minus(statement.closing, amount(row, "later")?)?;
        let movements = row.try_get::<i64>("", "movements")?.unsigned_abs();
        if movements == 0 {
            continue;
        }
        let within = amount(row, "within")?;
        change = plus(change, within)?;
        let kind: String = row.try_get("", "code")?;
        let folded = kind == "usage" && within < Amount::ZERO;
        let lines = if folded {
            count(statement.days.len())
        } else {
            movements
        };
        statement.totals.push(Total {
            kind,
            amount: within,
            lines,
        });
    }
    statement.opening = minus(statement.closing, change)?;
    Ok(Some(statement))
}

async fn days<C: ConnectionTrait>(
    conn: &C,
    book: i64,
    range: Range,
    zone: Zone,
) -> Result<Vec<DayUse>, DbErr> {
    let parts = Parts::days(zone, range);
    let day = parts.sql_of("t.created_at");
    let of_period =
        "t.debit_id = $1 AND t.code = 'usage' AND t.created_at >= $2 AND t.created_at < $3";
    let values: [Value; 3] = [book.into(), range.from.into(), range.to.into()];
    // Sums are the transfers': they are what moved the balance. Calls only tell how many.
    let sql = format!(
        "SELECT {day} AS day, CAST(sum(t.amount) AS BIGINT) AS charged, max(t.created_at) AS last
         FROM transfer t WHERE {of_period} GROUP BY 1 ORDER BY 1"
    );
    let sums = all(conn, &sql, values.clone()).await?;
    let sql = format!(
        "SELECT {day} AS day, count(*) AS calls, CAST(sum({TOKENS}) AS BIGINT) AS tokens
         FROM transfer t JOIN call c ON c.txn_id = t.txn_id WHERE {of_period} AND c.charge_nusd + c.reversed_nusd > 0 GROUP BY 1"
    );
    let counts = all(conn, &sql, values).await?;
    let mut counted = BTreeMap::new();
    for row in &counts {
        let number = |name: &str| row.try_get::<i64>("", name).map(i64::unsigned_abs);
        counted.insert(
            row.try_get::<i64>("", "day")?,
            (number("calls")?, number("tokens")?),
        );
    }
    sums.iter()
        .map(|row| {
            let day: i64 = row.try_get("", "day")?;
            let start = parts.starts.get(parts.index(day)).copied();
            let start = start.unwrap_or(range.from);
            let (calls, tokens) = counted.get(&day).copied().unwrap_or_default();
            Ok(DayUse {
                start,
                end: zone.next_day(start),
                charged: amount(row, "charged")?,
                calls,
                tokens,
                last: row.try_get("", "last")?,
            })
        })
        .collect()
}

pub(super) fn amount(row: &QueryResult, name: &str) -> Result<Amount, DbErr> {
    row.try_get("", name).map(Amount::from_nanos)
}

pub(super) fn plus(a: Amount, b: Amount) -> Result<Amount, DbErr> {
    a.plus(b).map_err(|wrong| DbErr::Custom(wrong.to_string()))
}

pub(super) fn minus(a: Amount, b: Amount) -> Result<Amount, DbErr> {
    a.minus(b).map_err(|wrong| DbErr::Custom(wrong.to_string()))
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
