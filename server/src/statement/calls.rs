//! What is a usage line made of? By model and key, and call by call with the price of each.

use std::fmt;

use domain::ids::CallId;
use domain::views::UnixMs;
use domain::{Amount, Formula, Price, Rule};
use sea_orm::{DbErr, QueryResult, Value};

use super::Statements;
use super::read::{Statement, amount};
use crate::calls::counted::{INPUT, OUTPUT};
use crate::calls::{CallRow, call_row};
use crate::catalog::row;
use crate::db::all;

/// The calls of one model made with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub model: String,
    pub key_id: String,
    pub calls: u64,
    /// All of the prompts, but for what was read from caches.
    pub input: u64,
    pub cached_input: u64,
    /// All of the answers.
    pub output: u64,
    pub charged: Amount,
}

/// A call that was charged, with what its charge is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedCall {
    pub place: CallPlace,
    /// When its charge was booked: the moment of its usage line, a little after the call began.
    pub booked_at: UnixMs,
    pub call: CallRow,
    /// The price version it was charged by; `None` when that is gone.
    pub price: Option<Price>,
}

impl BookedCall {
    /// Tokens × price, bucket by bucket; `None` when the price version is gone.
    #[must_use]
    pub fn formula(&self) -> Option<Formula> {
        let charges = Rule::from_id(&self.call.rule).is_some_and(Rule::charges);
        let price = self.price.filter(|_| charges)?;
        Formula::of(&price, &self.call.usage()).ok()
    }
}

/// Where a call stands among the others of its statement: `1795273440000.17.call_…` as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallPlace {
    at: UnixMs,
    transfer: i64,
    call: String,
}

impl CallPlace {
    /// Reads what [`CallPlace`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let at = parts.next()?.parse().ok()?;
        let transfer = parts.next()?.parse().ok()?;
        let call: CallId = parts.next()?.parse().ok()?;
        Some(Self {
            at,
            transfer,
            call: call.to_string(),
        })
    }
}

impl fmt::Display for CallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.at, self.transfer, self.call)
    }
}

/// The calls whose charges are the usage of a statement. `$1` … `$4` are book, beginning, end and moment.
const CHARGED: &str = "FROM transfer t JOIN call c ON c.txn_id = t.txn_id LEFT JOIN price p ON p.id = c.price_id
    WHERE t.debit_id = $1 AND t.code = 'usage' AND t.created_at >= $2 AND t.created_at < $3 AND t.id <= $4 AND c.charge_nusd + c.reversed_nusd > 0";

impl Statements {
    /// What the usage of a statement came to by model and key, dearest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn parts(&self, statement: &Statement) -> Result<Vec<Part>, DbErr> {
        let sql = format!(
            "SELECT c.model, c.key_id, count(*) AS calls, CAST(sum({INPUT}) AS BIGINT) AS input,
                CAST(sum(c.cached_input) AS BIGINT) AS cached_input, CAST(sum({OUTPUT}) AS BIGINT) AS output,
                CAST(sum(c.charge_nusd + c.reversed_nusd) AS BIGINT) AS charged
             {CHARGED} GROUP BY c.model, c.key_id ORDER BY charged DESC, c.model, c.key_id"
        );
        let moment = self.moment().await?;
        let rows = all(&moment, &sql, frame(statement)).await;
        moment.rollback().await?;
        rows?.iter().map(part).collect()
    }

    /// The charged calls behind `after` (from the first on when `None`), as they were booked, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn calls(
        &self,
        statement: &Statement,
        after: Option<&CallPlace>,
        limit: u32,
    ) -> Result<Vec<BookedCall>, DbErr> {
        let sql = format!(
            "SELECT c.*, t.id AS t_id, t.created_at AS booked_at, {}
             {CHARGED} AND (t.created_at, t.id, c.id) > ($5, $6, $7) ORDER BY t.created_at, t.id, c.id LIMIT $8",
            row::columns("p")
        );
        let mut values = Vec::from(frame(statement));
        if let Some(place) = after {
            // What lies before it is not even looked at: a page costs the same wherever it is.
            values[1] = place.at.max(statement.range.from).into();
        }
        let place: [Value; 4] = [
            after.map_or(i64::MIN, |place| place.at).into(),
            after.map_or(i64::MIN, |place| place.transfer).into(),
            after.map_or("", |place| place.call.as_str()).into(),
            i64::from(limit).into(),
        ];
        values.extend(place);
        let moment = self.moment().await?;
        let rows = all(&moment, &sql, values).await;
        moment.rollback().await?;
        rows?.iter().map(booked).collect()
    }
}

fn frame(statement: &Statement) -> [Value; 4] {
    [
        statement.book.into(),
        statement.range.from.into(),
        statement.range.to.into(),
        statement.as_of.into(),
    ]
}

fn part(row: &QueryResult) -> Result<Part, DbErr> {
    let count = |name: &str| row.try_get::<i64>("", name).map(i64::unsigned_abs);
    Ok(Part {
        model: row.try_get("", "model")?,
        key_id: row.try_get("", "key_id")?,
        calls: count("calls")?,
        input: count("input")?,
        cached_input: count("cached_input")?,
        output: count("output")?,
        charged: amount(row, "charged")?,
    })
}

fn booked(row: &QueryResult) -> Result<BookedCall, DbErr> {
    let mut call = call_row(row)?;
    // What went back later is a line of its own.
    call.charge_nusd = Amount::sum([call.charge_nusd, call.reversed_nusd])
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    let booked_at = row.try_get("", "booked_at")?;
    Ok(BookedCall {
        place: CallPlace {
            at: booked_at,
            transfer: row.try_get("", "t_id")?,
            call: call.id.clone(),
        },
        booked_at,
        call,
        price: row::read(row, "p")?,
    })
}
