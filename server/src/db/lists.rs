//! How does one statement say the same of many rows? As parameters of its own for each value on SQLite; on PostgreSQL as
//! one array for each column.
//!
//! A statement of thousands of parameters is another one for each number of rows, and PostgreSQL reads, plans and keeps
//! each of them on each connection anew: for 256 rows that took longer than writing them. Arrays leave one short text.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, Statement, Value};

use super::exec;

/// The rows as a query, for `WITH name (columns) AS (…)`, and its values, which must be all that the statement has. Where
/// they are few lengths of lists that a database meets, it may keep their plans: so on SQLite the last row is repeated up
/// to a power of two, which must be harmless.
pub(crate) fn table<C: ConnectionTrait, const N: usize>(
    conn: &C,
    mut rows: Vec<[Value; N]>,
) -> Result<(String, Vec<Value>), DbErr> {
    if is_postgres(conn) {
        return arrays(&rows, 1);
    }
    pad(&mut rows);
    let sql = format!("VALUES {}", brackets(rows.len(), N));
    Ok((sql, rows.into_iter().flatten().collect()))
}

/// `column = ANY (…)` of these values, and what stands in it: all values that the statement has. There must be one at
/// least.
pub(crate) fn among<C: ConnectionTrait>(
    conn: &C,
    column: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<(String, Vec<Value>), DbErr> {
    let mut placed = Vec::new();
    let those = also_among(conn, column, values, &mut placed)?;
    Ok((those, placed))
}

/// The same in a statement that has other values already, after which it places its own.
pub(crate) fn also_among<C: ConnectionTrait>(
    conn: &C,
    column: &str,
    values: impl IntoIterator<Item = Value>,
    placed: &mut Vec<Value>,
) -> Result<String, DbErr> {
    let mut values: Vec<Value> = values.into_iter().collect();
    if is_postgres(conn) {
        let (array, kind) = array(values.iter())?;
        placed.push(array.into());
        let first = placed.len();
        return Ok(format!("{column} = ANY (CAST(${first} AS {kind}[]))"));
    }
    pad(&mut values);
    let places = vec!["?"; values.len()].join(", ");
    placed.extend(values);
    Ok(format!("{column} IN ({places})"))
}

/// Inserts the rows, in their order. `into` names table and columns, `rest` is what follows the values.
///
/// # Errors
/// When the database refuses.
pub async fn insert_all<C: ConnectionTrait, const N: usize>(
    conn: &C,
    into: &str,
    rows: Vec<[Value; N]>,
    rest: &str,
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    if is_postgres(conn) {
        let (query, values) = arrays(&rows, 1)?;
        let sql = format!("INSERT INTO {into} {query} {rest}");
        return exec(conn, &sql, values).await.map(|_| ());
    }
    for some in sqlite_parts(&rows) {
        insert_some(conn, into, some, rest).await?;
    }
    Ok(())
}

/// The same on SQLite, of a table that numbers its rows; answers their numbers. Only one connection writes there, so those
/// of one statement follow each other, and to return each of them took longer than to write it.
pub(crate) async fn insert_numbered<C: ConnectionTrait, const N: usize>(
    conn: &C,
    into: &str,
    rows: &[[Value; N]],
) -> Result<Vec<i64>, DbErr> {
    let mut numbers = Vec::with_capacity(rows.len());
    for some in sqlite_parts(rows) {
        let last = insert_some(conn, into, some, "").await?.last_insert_id();
        let last = i64::try_from(last).map_err(|_| DbErr::RecordNotInserted)?;
        let count = i64::try_from(some.len()).map_err(|_| DbErr::RecordNotInserted)?;
        numbers.extend(last - count + 1..=last);
    }
    Ok(numbers)
}

async fn insert_some<C: ConnectionTrait, const N: usize>(
    conn: &C,
    into: &str,
    rows: &[[Value; N]],
    rest: &str,
) -> Result<ExecResult, DbErr> {
    let rows_of_places = brackets(rows.len(), N);
    let sql = format!("INSERT INTO {into} VALUES {rows_of_places} {rest}");
    exec(conn, &sql, rows.iter().flatten().cloned()).await
}

/// Several statements that PostgreSQL runs as one: all see what was there before, and their triggers come after the last.
/// One way to the server and back instead of many, while others wait for the rows that are locked.
#[derive(Default)]
pub(crate) struct AtOnce {
    steps: Vec<String>,
    values: Vec<Value>,
}

impl AtOnce {
    /// One more step. `sql` is given the query of the rows, and its result is known to later steps by the step's `name`.
    /// Nothing happens when there are no rows.
    pub(crate) fn step<const N: usize>(
        &mut self,
        name: &str,
        rows: &[[Value; N]],
        sql: impl FnOnce(&str) -> String,
    ) -> Result<(), DbErr> {
        if rows.is_empty() {
            return Ok(());
        }
        let (query, values) = arrays(rows, self.values.len() + 1)?;
        self.steps.push(format!("{name} AS ({})", sql(&query)));
        self.values.extend(values);
        Ok(())
    }

    pub(crate) async fn run<C: ConnectionTrait>(self, conn: &C) -> Result<(), DbErr> {
        if self.steps.is_empty() {
            return Ok(());
        }
        let sql = format!("WITH {} SELECT 1", self.steps.join(", "));
        let backend = conn.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, self.values);
        conn.execute_raw(statement).await.map(|_| ())
    }
}

/// Values of one insert on SQLite: more in one are no quicker.
const SQLITE_VALUES: usize = 1_024;

fn is_postgres<C: ConnectionTrait>(conn: &C) -> bool {
    conn.get_database_backend() == DbBackend::Postgres
}

/// `$1, $2, $3` for three values: what stands in the brackets of IN.
pub(crate) fn places(count: usize) -> String {
    let places: Vec<String> = (1..=count).map(|at| format!("${at}")).collect();
    places.join(", ")
}

/// `(?, ?), (?, ?)` for two rows of two columns: what follows VALUES on SQLite. Places with a number have a name there,
/// which is looked up in the list of all of them: what 256 rows take would grow with the square of their columns.
fn brackets(count: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; count].join(", ")
}

/// The rows in parts for one statement each.
fn sqlite_parts<const N: usize>(rows: &[[Value; N]]) -> impl Iterator<Item = &[[Value; N]]> {
    let most = 1 << (SQLITE_VALUES / N.max(1)).max(1).ilog2();
    rows.chunks(most).flat_map(in_powers)
}

/// The list in parts whose lengths are powers of two.
fn in_powers<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let length = 1_usize << rest.len().checked_ilog2()?;
        let (part, after) = rest.split_at(length);
        rest = after;
        Some(part)
    })
}

fn pad<T: Clone>(list: &mut Vec<T>) {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
}

/// The columns of the rows as arrays that PostgreSQL unfolds; `first` is the number of the first one's place.
fn arrays<const N: usize>(
    rows: &[[Value; N]],
    first: usize,
) -> Result<(String, Vec<Value>), DbErr> {
    let (mut columns, mut values) = (Vec::with_capacity(N), Vec::with_capacity(N));
    for column in 0..N {
        let (array, kind) = array(rows.iter().map(|row| &row[column]))?;
        columns.push(format!("CAST(${} AS {kind}[])", first + column));
        values.push(array.into());
    }
    let sql = format!("SELECT * FROM unnest({})", columns.join(", "));
    Ok((sql, values))
}

/// One array as PostgreSQL reads it from a text, and the type of what is in it: all are numbers, or all are texts.
fn array<'a>(values: impl Iterator<Item = &'a Value>) -> Result<(String, &'static str), DbErr> {
    let mut text = String::from("{");
    let mut kind = "BIGINT";
    for value in values {
        if text.len() > 1 {
            text.push(',');
        }
        match value {
            Value::BigInt(Some(number)) => text.push_str(&number.to_string()),
            Value::String(Some(word)) => {
                kind = "TEXT";
                quote(&mut text, word);
            }
            Value::String(None) => {
                kind = "TEXT";
                text.push_str("NULL");
            }
            Value::BigInt(None) => text.push_str("NULL"),
            other => return Err(DbErr::Type(format!("no list is made of {other:?}"))),
        }
    }
    text.push('}');
    Ok((text, kind))
}

fn quote(text: &mut String, word: &str) {
    text.push('"');
    for letter in word.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn an_array_is_read_as_it_was_written() {
        let words = [
            Value::from("plain"),
            Value::from("a,b {c} \"d\" \\e\nNULL"),
            Value::String(None),
            Value::from(""),
        ];
        let (text, kind) = array(words.iter()).unwrap();
        assert_eq!(kind, "TEXT");
        assert_eq!(
            text,
            "{\"plain\",\"a,b {c} \\\"d\\\" \\\\e\nNULL\",NULL,\"\"}"
        );
        let numbers = [Value::from(-1_i64), Value::BigInt(None), i64::MAX.into()];
        let (text, kind) = array(numbers.iter()).unwrap();
        assert_eq!(
            (text.as_str(), kind),
            ("{-1,NULL,9223372036854775807}", "BIGINT")
        );
        assert!(array([Value::from(true)].iter()).is_err());
    }

    #[test]
    fn lists_are_cut_into_powers_of_two() {
        let list: Vec<u32> = (0..13).collect();
        let parts: Vec<usize> = in_powers(&list).map(<[u32]>::len).collect();
        assert_eq!(parts, [8, 4, 1]);
        assert_eq!(in_powers(&list).flatten().count(), 13);
        let mut padded = vec![1, 2, 3];
        pad(&mut padded);
        assert_eq!(padded, [1, 2, 3, 3]);
    }
}
