//! What was used in a range, and by what? Totals, a bar per day or hour, and a line per model, key or status.

use std::collections::BTreeMap;

use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use domain::{Amount, MoneyError};
use sea_orm::{DbErr, QueryResult};

use super::counted::{INPUT, OUTPUT};
use super::parts::Parts;
use super::query::{Condition, Filter, Group, Range, UsageQuery};
use super::report::Calls;
use crate::db::all;

/// Groups drawn apart in the chart; the others are one more.
pub const SERIES_MAX: usize = 5;

/// What some calls came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub cost: Amount,
    pub calls: u64,
    /// All of the prompts, but for what was read from caches.
    pub input: u64,
    pub cached_input: u64,
    /// All of the answers.
    pub output: u64,
    /// Calls that a provider or Farebox ended before they were finished.
    pub errors: u64,
}

impl Tally {
    #[must_use]
    pub const fn tokens(&self) -> u64 {
        self.input
            .saturating_add(self.cached_input)
            .saturating_add(self.output)
    }

    fn add(&mut self, other: &Self) -> Result<(), MoneyError> {
        self.cost = self.cost.plus(other.cost)?;
        self.calls += other.calls;
        self.input += other.input;
        self.cached_input += other.cached_input;
        self.output += other.output;
        self.errors += other.errors;
        Ok(())
    }
}

/// One day or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    pub start: UnixMs,
    pub tally: Tally,
}

/// One model, key or status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupUse {
    /// The model's name, the key's id or the ending's id.
    pub id: String,
    pub tally: Tally,
    /// One tally per part of the report, oldest first.
    pub by_part: Vec<Tally>,
}

/// What was used in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    pub range: Range,
    pub group: Group,
    /// Whether the parts are hours; days otherwise.
    pub hours: bool,
    /// Oldest first, those without a call included.
    pub parts: Vec<Part>,
    /// Dearest first; none when grouped by day, which the parts are.
    pub groups: Vec<GroupUse>,
    pub total: Tally,
}

/// One layer of the bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    /// `None`: all the groups that are not drawn apart.
    pub id: Option<String>,
    pub by_part: Vec<Tally>,
}

impl UsageReport {
    /// The layers of the bars: the dearest groups, and the others together. One layer when grouped by day.
    ///
    /// # Errors
    /// When a sum leaves the range of money.
    pub fn series(&self) -> Result<Vec<Series>, MoneyError> {
        if self.group == Group::Day {
            return Ok(vec![Series {
                id: None,
                by_part: self.parts.iter().map(|part| part.tally).collect(),
            }]);
        }
        let (apart, others) = self.groups.split_at(self.groups.len().min(SERIES_MAX));
        let mut series: Vec<Series> = apart
            .iter()
            .map(|group| Series {
                id: Some(group.id.clone()),
                by_part: group.by_part.clone(),
            })
            .collect();
        if !others.is_empty() {
            let mut rest = vec![Tally::default(); self.parts.len()];
            for group in others {
                for (sum, tally) in rest.iter_mut().zip(&group.by_part) {
                    sum.add(tally)?;
                }
            }
            series.push(Series {
                id: None,
                by_part: rest,
            });
        }
        Ok(series)
    }
}

impl Calls {
    /// What a workspace used in a range, day by day (hour by hour when it is one day), and by what.
    ///
    /// # Errors
    /// When the database cannot be read, or a sum leaves the range of money.
    pub async fn usage(
        &self,
        workspace: WorkspaceId,
        query: &UsageQuery,
    ) -> Result<UsageReport, DbErr> {
        let parts = Parts::of(query.zone, query.range);
        let filter = Filter {
            range: Some(query.range),
            ..query.filter.clone()
        };
        let Condition { sql, values } = Condition::new(workspace, &filter);
        // Grouped by the database: a busy workspace has millions of calls in a month.
        let sql = format!(
            "SELECT {part} AS part, {name} AS name, {sums} FROM call c WHERE {sql} GROUP BY 1, 2",
            sums = sums(),
            part = parts.sql(),
            name = query.group.column(),
        );
        let rows = all(self.db.read(), &sql, values).await?;
        let rows = rows.iter().map(Row::read).collect::<Result<Vec<_>, _>>()?;
        report(query, &parts, &rows).map_err(|wrong| DbErr::Custom(wrong.to_string()))
    }
}

/// The sums of a [`Tally`], as columns.
fn sums() -> String {
    format!(
        "CAST(sum(c.charge_nusd) AS BIGINT) AS cost, count(*) AS calls,
         CAST(sum({INPUT}) AS BIGINT) AS input, CAST(sum(c.cached_input) AS BIGINT) AS cached_input,
         CAST(sum({OUTPUT}) AS BIGINT) AS output,
         CAST(sum(CASE WHEN c.ending IN ('upstream_failed', 'stopped') THEN 1 ELSE 0 END) AS BIGINT) AS errors"
    )
}

struct Row {
    part: i64,
    name: String,
    tally: Tally,
}

impl Row {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let count = |name: &str| row.try_get::<i64>("", name).map(|n| n.unsigned_abs());
        Ok(Self {
            part: row.try_get("", "part")?,
            name: row.try_get("", "name")?,
            tally: Tally {
                cost: Amount::from_nanos(row.try_get("", "cost")?),
                calls: count("calls")?,
                input: count("input")?,
                cached_input: count("cached_input")?,
                output: count("output")?,
                errors: count("errors")?,
            },
        })
    }
}

fn report(query: &UsageQuery, parts: &Parts, rows: &[Row]) -> Result<UsageReport, MoneyError> {
    let empty = vec![Tally::default(); parts.starts.len()];
    let (mut by_part, mut total) = (empty.clone(), Tally::default());
    let mut groups: BTreeMap<&str, GroupUse> = BTreeMap::new();
    for row in rows {
        let at = parts.index(row.part);
        total.add(&row.tally)?;
        if let Some(part) = by_part.get_mut(at) {
            part.add(&row.tally)?;
        }
        if query.group == Group::Day {
            continue;
        }
        let group = groups.entry(&row.name).or_insert_with(|| GroupUse {
            id: row.name.clone(),
            tally: Tally::default(),
            by_part: empty.clone(),
        });
        group.tally.add(&row.tally)?;
        if let Some(part) = group.by_part.get_mut(at) {
            part.add(&row.tally)?;
        }
    }
    let mut groups: Vec<GroupUse> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let key = |group: &GroupUse| (group.tally.cost, group.tally.calls);
        key(b).cmp(&key(a)).then_with(|| a.id.cmp(&b.id))
    });
    let parts = parts.starts.iter().zip(by_part);
    Ok(UsageReport {
        range: query.range,
        group: query.group,
        hours: query.range.by_hours(),
        parts: parts
            .map(|(start, tally)| Part {
                start: *start,
                tally,
            })
            .collect(),
        groups,
        total,
    })
}
