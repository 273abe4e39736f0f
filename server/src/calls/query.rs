//! Which calls are asked for? A range in the reader's time zone, and the filters that a page or a program names.

use domain::Ending;
use domain::ids::{KeyId, WorkspaceId};
use domain::views::UnixMs;
use sea_orm::Value;
use texts::format::Zone;

/// From the first moment on, to just before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub from: UnixMs,
    pub to: UnixMs,
}

/// The longest range of one report, in days.
pub const RANGE_DAYS_MAX: i64 = 366;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

impl Range {
    /// The running hour and the 23 before it.
    #[must_use]
    pub fn last_24_hours(zone: Zone, now: UnixMs) -> Self {
        Self {
            from: zone.hour_start(now - 23 * HOUR),
            to: zone.next_hour(now),
        }
    }

    /// Today and the days before it, `days` in all.
    #[must_use]
    pub fn last_days(zone: Zone, now: UnixMs, days: i32) -> Self {
        Self {
            from: zone.plus_days(now, 1 - days),
            to: zone.next_day(now),
        }
    }

    /// From the beginning of the day of `first` to the end of the day of `last`; `None` when that is no range, or one
    /// of more than [`RANGE_DAYS_MAX`] days.
    #[must_use]
    pub fn days(zone: Zone, first: UnixMs, last: UnixMs) -> Option<Self> {
        let range = Self {
            from: zone.day_start(first),
            to: zone.next_day(last),
        };
        // An hour more or less: clocks change.
        let length = range.to.checked_sub(range.from)?;
        (length > 0 && length <= RANGE_DAYS_MAX * DAY + 2 * HOUR).then_some(range)
    }

    /// Whether it is short enough to be shown hour by hour.
    #[must_use]
    pub const fn by_hours(&self) -> bool {
        self.to - self.from <= 26 * HOUR
    }
}

/// By what a report is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    #[default]
    Model,
    Key,
    Day,
    Status,
}

impl Group {
    pub const ALL: [Self; 4] = [Self::Model, Self::Key, Self::Day, Self::Status];

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Key => "key",
            Self::Day => "day",
            Self::Status => "status",
        }
    }

    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.id() == id)
    }

    /// The column, as text.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Model => "c.model",
            Self::Key => "c.key_id",
            Self::Day => "''",
            Self::Status => "c.ending",
        }
    }
}

/// Which calls count; nothing named means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    pub range: Option<Range>,
    pub model: Option<String>,
    pub key: Option<KeyId>,
    pub ending: Option<Ending>,
    /// Only calls of test keys, or only of the others.
    pub test: Option<bool>,
}

/// What a report is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    pub range: Range,
    pub group: Group,
    pub zone: Zone,
    /// Its range is not looked at: the report has its own.
    pub filter: Filter,
}

/// A condition on `call c`, with its values; `$1` is the workspace.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Condition {
    pub(super) fn new(workspace: WorkspaceId, filter: &Filter) -> Self {
        let mut condition = Self {
            sql: "c.workspace_id = $1".to_owned(),
            values: vec![workspace.to_string().into()],
        };
        if let Some(range) = filter.range {
            condition.and("c.created_at >= ?", range.from);
            condition.and("c.created_at < ?", range.to);
        }
        if let Some(model) = &filter.model {
            condition.and("c.model = ?", model.clone());
        }
        if let Some(key) = filter.key {
            condition.and("c.key_id = ?", key.to_string());
        }
        if let Some(ending) = filter.ending {
            condition.and("c.ending = ?", ending.id());
        }
        if let Some(test) = filter.test {
            condition.and(
                "c.key_id IN (SELECT k.id FROM api_key k WHERE k.workspace_id = $1 AND k.test = ?)",
                test,
            );
        }
        condition
    }

    /// One more condition; its `?` becomes the value's number.
    pub(super) fn and(&mut self, sql: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&sql.replace('?', &place));
    }

    /// Takes a value, and answers its number in the statement.
    pub(super) fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }
}
