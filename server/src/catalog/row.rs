//! How does a price stand in the database? One column per bucket, named by it.

use domain::price_rule::{Effort, Tier};
use domain::{Bucket, Price, PricePerMtok, Terms, Unit};
use sea_orm::{DbErr, QueryResult, Value};

/// The columns of a price, in the order of [`values`]. A table's are asked for as `t.input AS t_input`, so that a call
/// and its price can stand in one row.
pub(crate) fn columns(table: &str) -> String {
    let names = Bucket::ALL.into_iter().map(Bucket::id).chain(["unit"]);
    let columns: Vec<String> = names
        .map(|name| format!("{table}.{name} AS {table}_{name}"))
        .collect();
    columns.join(", ")
}

/// Reads what [`columns`] asked for; `None` where an outer join found no price.
pub(crate) fn read(row: &QueryResult, table: &str) -> Result<Option<Price>, DbErr> {
    let mut price = Price::default();
    for bucket in Bucket::ALL {
        let name = format!("{table}_{}", bucket.id());
        let Some(micro_usd) = row.try_get::<Option<i64>>("", &name)? else {
            return Ok(None);
        };
        let read = PricePerMtok::from_micro_usd(micro_usd);
        price.set(
            bucket,
            read.map_err(|wrong| DbErr::Type(wrong.to_string()))?,
        );
    }
    let unit: Option<String> = row.try_get("", &format!("{table}_unit"))?;
    price.unit = unit
        .map(|id| word("unit", &id, Unit::from_id))
        .transpose()?;
    Ok(Some(price))
}

/// The same where there is one in every row.
pub(crate) fn read_always(row: &QueryResult, table: &str) -> Result<Price, DbErr> {
    read(row, table)?.ok_or_else(|| DbErr::Type("a price without its buckets".to_owned()))
}

/// The names of the columns of a new row, in the order of [`values`].
pub(super) fn names() -> String {
    let names: Vec<&str> = Bucket::ALL.into_iter().map(Bucket::id).collect();
    format!("{}, unit", names.join(", "))
}

pub(super) fn values(price: &Price) -> impl Iterator<Item = Value> {
    let unit: Value = price.unit.map(Unit::id).into();
    Bucket::ALL
        .map(|bucket| Value::from(price.get(bucket).micro_usd()))
        .into_iter()
        .chain([unit])
}

/// Which calls a row is for.
pub(super) fn terms(row: &QueryResult) -> Result<Terms, DbErr> {
    let effort: Option<String> = row.try_get("", "effort")?;
    Ok(Terms {
        tier: word("tier", &row.try_get::<String>("", "tier")?, Tier::from_id)?,
        effort: effort
            .map(|id| word("effort", &id, Effort::from_id))
            .transpose()?,
        prompt_from: u64::try_from(row.try_get::<i64>("", "prompt_from")?).unwrap_or(u64::MAX),
    })
}

fn word<T>(what: &str, id: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, DbErr> {
    read(id).ok_or_else(|| DbErr::Type(format!("a price has an unknown {what}: {id}")))
}
