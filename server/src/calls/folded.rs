//! What did the older calls come to? Open pages ask every few seconds, and a month of calls is not added up each time.
//!
//! A call is written some eleven minutes after it began, at the latest, unless the database was away: what began more than
//! an hour ago changes no more, or is read again within twenty minutes. Its sums are kept in memory, and only the calls since then are read again.

use std::sync::Arc;
use std::time::Duration;

use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use moka::sync::Cache as Moka;

use super::report::DayRow;

const HOUR_MS: i64 = 3_600_000;
const QUARTER_MS: i64 = 900_000;
/// A little longer than a boundary stands.
const KEPT_FOR: Duration = Duration::from_secs(20 * 60);
/// Bounded by rows (a day and model each), not by questions: some twenty megabytes, whatever the number of models.
const MOST_ROWS: u64 = 200_000;

/// Which calls were added up: all of a workspace from one moment to just before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Older {
    pub(super) workspace: WorkspaceId,
    /// The name of the zone whose days were counted: zones that begin a day together may part on another.
    pub(super) zone: &'static str,
    pub(super) from: UnixMs,
    pub(super) boundary: UnixMs,
}

/// The sums that are known.
pub(super) struct Folded(Moka<Older, Arc<Vec<DayRow>>>);

impl Folded {
    pub(super) fn new() -> Self {
        let rows = Moka::builder()
            // One more, so that empty answers are bounded too.
            .weigher(|_: &Older, rows: &Arc<Vec<DayRow>>| {
                u32::try_from(rows.len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(1)
            })
            .max_capacity(MOST_ROWS)
            .time_to_live(KEPT_FOR)
            .build();
        Self(rows)
    }

    pub(super) fn get(&self, of: &Older) -> Option<Arc<Vec<DayRow>>> {
        self.0.get(of)
    }

    pub(super) fn put(&self, of: Older, rows: Vec<DayRow>) -> Arc<Vec<DayRow>> {
        let rows = Arc::new(rows);
        self.0.insert(of, Arc::clone(&rows));
        rows
    }
}

/// Calls before this moment are final. It moves by quarters of an hour, so that one sum serves many questions.
pub(super) fn boundary(now: UnixMs) -> UnixMs {
    let final_at = now.saturating_sub(HOUR_MS);
    final_at.saturating_sub(final_at.rem_euclid(QUARTER_MS))
}
