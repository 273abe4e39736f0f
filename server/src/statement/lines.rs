//! Which lines has a statement, and what does the wallet hold after each? Oldest first, a page at a time.

use std::fmt;

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::Statements;
use super::read::{DayUse, Statement, amount, minus, moves, plus};
use crate::db::{all, one};

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub place: Place,
    /// When it was booked; of a day's usage, when the last of it was.
    pub at: UnixMs,
    /// `usage`, `bonus`, `adjustment` …
    pub kind: String,
    /// More than zero came in, less than zero went out.
    pub amount: Amount,
    /// What the wallet holds after this line.
    pub balance: Amount,
    pub what: What,
}

/// What a line is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// All calls that were charged on a day.
    Usage(DayUse),
    /// One transfer.
    Movement {
        /// The transfer's row.
        id: i64,
        /// What made it happen once: `order:…`, `grant:…`.
        txn: String,
        /// The operator's reason.
        note: Option<String>,
    },
}

/// Where a line stands among the others of its statement. As text, `1795273440000.17`; a day's usage is the last of
/// its day, `1795301999999.u`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    at: UnixMs,
    /// The transfer's row; usage comes after all of them.
    id: i64,
}

const USAGE: i64 = i64::MAX;

impl Place {
    const fn of_day(day: &DayUse) -> Self {
        Self {
            at: day.end - 1,
            id: USAGE,
        }
    }

    /// Reads what [`Place`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let id = if id == "u" { USAGE } else { id.parse().ok()? };
        Some(Self {
            at: at.parse().ok()?,
            id,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.id == USAGE {
            write!(f, "{}.u", self.at)
        } else {
            write!(f, "{}.{}", self.at, self.id)
        }
    }
}

/// Movements of the statement's period that have lines of their own. `$1` … `$4` are book, beginning, end and moment.
fn own_lines() -> String {
    format!(
        "FROM {} WHERE m.created_at < $3 AND m.id <= $4",
        // The index `transfer_own` has exactly these.
        moves("code <> 'usage'")
    )
}

impl Statements {
    /// The lines behind `after` (from the first on when `None`), at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read, or a balance leaves the range of money.
    pub async fn lines(
        &self,
        statement: &Statement,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Line>, DbErr> {
        let after = after.unwrap_or(Place {
            at: i64::MIN,
            id: i64::MIN,
        });
        let moment = self.moment().await?;
        let balance = balance_at(&moment, statement, after).await;
        let movements = movements(&moment, statement, after, limit).await;
        moment.rollback().await?;
        let mut balance = balance?;
        let mut movements = movements?.into_iter();
        let mut movement = movements.next();
        let mut days = statement
            .days
            .iter()
            .filter(|day| Place::of_day(day) > after)
            .peekable();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut lines = Vec::new();
        while lines.len() < wanted {
            let day_is_next = match (days.peek(), &movement) {
                (Some(day), Some(movement)) => Place::of_day(day) < movement.place,
                (day, _) => day.is_some(),
            };
            let mut line = if day_is_next {
                let Some(day) = days.next() else { break };
                of_day(day)?
            } else {
                let Some(line) = movement.take() else { break };
                movement = movements.next();
                line
            };
            balance = plus(balance, line.amount)?;
            line.balance = balance;
            lines.push(line);
        }
        Ok(lines)
    }
}

/// What the wallet holds after the line at a place.
async fn balance_at<C: ConnectionTrait>(
    conn: &C,
    statement: &Statement,
    place: Place,
) -> Result<Amount, DbErr> {
    let sql = format!(
        "SELECT CAST(coalesce(sum(m.amount), 0) AS BIGINT) AS moved {} AND (m.created_at, m.id) <= ($5, $6)",
        own_lines()
    );
    let values = [
        statement.book.into(),
        statement.range.from.into(),
        statement.range.to.into(),
        statement.as_of.into(),
        place.at.into(),
        place.id.into(),
    ];
    let row = one(conn, &sql, values).await?;
    let moved = row.map_or(Ok(Amount::ZERO), |row| amount(&row, "moved"))?;
    let days = statement.days.iter();
    days.filter(|day| Place::of_day(day) <= place)
        .try_fold(plus(statement.opening, moved)?, |balance, day| {
            minus(balance, day.charged)
        })
}

/// The next movements, their balances not yet known.
async fn movements<C: ConnectionTrait>(
    conn: &C,
    statement: &Statement,
    after: Place,
    limit: u32,
) -> Result<Vec<Line>, DbErr> {
    let sql = format!(
        "SELECT m.* {} AND (m.created_at, m.id) > ($5, $6) ORDER BY m.created_at, m.id LIMIT $7",
        own_lines()
    );
    let values = [
        statement.book.into(),
        // What lies before it is not even looked at.
        after.at.max(statement.range.from).into(),
        statement.range.to.into(),
        statement.as_of.into(),
        after.at.into(),
        after.id.into(),
        i64::from(limit).into(),
    ];
    let rows = all(conn, &sql, values).await?;
    rows.iter().map(of_movement).collect()
}

fn of_day(day: &DayUse) -> Result<Line, DbErr> {
    Ok(Line {
        place: Place::of_day(day),
        at: day.last,
        kind: "usage".to_owned(),
        amount: minus(Amount::ZERO, day.charged)?,
        balance: Amount::ZERO,
        what: What::Usage(*day),
    })
}

fn of_movement(row: &QueryResult) -> Result<Line, DbErr> {
    let (at, id) = (row.try_get("", "created_at")?, row.try_get("", "id")?);
    Ok(Line {
        place: Place { at, id },
        at,
        kind: row.try_get("", "code")?,
        amount: amount(row, "amount")?,
        balance: Amount::ZERO,
        what: What::Movement {
            id,
            txn: row.try_get("", "txn_id")?,
            note: row.try_get("", "note")?,
        },
    })
}
