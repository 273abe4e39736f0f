//! How much of its limit has a key spent? The ruler in small, filled as far as the limit is used.

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::period::{KeySpend, Period};
use domain::views::{KeyView, UnixMs};
use leptos::prelude::*;

use crate::reader::Ui;
use crate::services::Services;
use crate::session::Unavailable;
use crate::shell::ruler;

/// The ruler's length in ticks.
const TICKS: u32 = 20;

/// One spend limit of a key, and how far it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    period: Period,
    spent: Amount,
    limit: Amount,
    /// When it begins again; a limit in all never does.
    resets_at: Option<UnixMs>,
}

impl Used {
    fn of(spend: &KeySpend, period: Period, limit: Amount) -> Self {
        let (spent, resets_at) = match period {
            Period::Day => (spend.day, Some(spend.day_resets_at)),
            Period::Week => (spend.week, Some(spend.week_resets_at)),
            Period::Month => (spend.month, Some(spend.month_resets_at)),
            Period::Total => (spend.total, None),
        };
        Self {
            period,
            spent,
            limit,
            resets_at,
        }
    }

    /// The used part in ticks: something used is never nothing, and a limit of nothing is used up.
    fn ticks(&self) -> u32 {
        let spent = i128::from(self.spent.nanos()).max(0);
        let limit = i128::from(self.limit.nanos());
        match (spent, limit) {
            (_, limit) if limit <= 0 => TICKS,
            (0, _) => 0,
            (spent, limit) => u32::try_from(i128::from(TICKS) * spent / limit)
                .unwrap_or(TICKS)
                .clamp(1, TICKS),
        }
    }
}

/// What a key has spent of each of its limits; nothing is asked about a key without one.
pub async fn used(
    services: &Services,
    workspace: WorkspaceId,
    key: &KeyView,
) -> Result<Vec<Used>, Unavailable> {
    if key.limits.budgets().next().is_none() {
        return Ok(Vec::new());
    }
    let spend = services.budgets.spent(workspace, key.id).await;
    let spend = spend.map_err(|error| {
        tracing::error!(%error, "what a key has spent cannot be read");
        Unavailable
    })?;
    let budgets = key.limits.budgets();
    Ok(budgets
        .map(|(period, limit)| Used::of(&spend, period, limit))
        .collect())
}

/// The limit that is closest to being used up.
pub fn tightest(used: &[Used]) -> Option<&Used> {
    used.iter().max_by_key(|used| used.ticks())
}

/// The ruler and its words.
pub fn meter(ui: &Ui, used: &Used) -> AnyView {
    let (spent, limit) = (ui.money(used.spent), ui.money(used.limit));
    let words = match used.period {
        Period::Day => t!(ui, "keys.meter.day", spent = spent, limit = limit),
        Period::Week => t!(ui, "keys.meter.week", spent = spent, limit = limit),
        Period::Month => t!(ui, "keys.meter.month", spent = spent, limit = limit),
        Period::Total => t!(ui, "keys.meter.total", spent = spent, limit = limit),
    };
    let full = used.ticks() == TICKS;
    view! {
        <div class=if full { "mini full" } else { "mini" }>
            {ruler(used.ticks(), TICKS, None)}
            <span>{words}</span>
        </div>
    }
    .into_any()
}

/// When a limit begins again, in words.
pub fn again(ui: &Ui, used: &Used) -> Option<String> {
    used.resets_at
        .map(|at| t!(ui, "keys.meter.resets", time = ui.date_time(at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_shows_and_a_limit_of_nothing_is_used_up() {
        let ticks = |spent, limit| {
            Used {
                period: Period::Day,
                spent: Amount::from_nanos(spent),
                limit: Amount::from_nanos(limit),
                resets_at: None,
            }
            .ticks()
        };
        assert_eq!(ticks(0, 100), 0);
        assert_eq!(ticks(1, 1_000_000), 1);
        assert_eq!(ticks(50, 100), 10);
        assert_eq!(ticks(99, 100), 19, "not full before it is");
        assert_eq!(ticks(100, 100), TICKS);
        assert_eq!(ticks(500, 100), TICKS);
        assert_eq!(ticks(0, 0), TICKS);
        assert_eq!(ticks(i64::MAX, i64::MAX), TICKS);
    }
}
