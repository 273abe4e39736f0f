//! What is the balance now? The overview asks when it is rendered; the live balance asks again.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::Refusal;

/// The moving figures of the overview, as finished strings in the reader's language and currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    pub balance: String,
    /// To the nano-dollar.
    pub exact: String,
    /// What running calls hold; empty when they hold nothing.
    pub reserved: String,
    pub today: String,
    pub week: String,
    pub month: String,
    pub calls: String,
    pub tokens: String,
    /// "About 9 days left at this week's pace".
    pub left: String,
    /// The filled part of the ruler, in thousandths.
    pub width: String,
    /// The ruler in words.
    pub label: String,
}

/// The signed-in account's balance and spend.
///
/// # Errors
/// [`Refusal::Unavailable`] when the database cannot be read.
#[server(prefix = "/api", endpoint = "balance")]
pub async fn balance() -> Result<Figures, Refusal> {
    use super::call::Asker;
    use crate::reader::Ui;

    let asker = Asker::current();
    let failed = |refusal, status| {
        asker.reply.fail(status);
        refusal
    };
    let Some(account) = asker.account.clone() else {
        return Err(failed(Refusal::SignedOut, http::StatusCode::UNAUTHORIZED));
    };
    let ui = Ui::of_prefs(&asker.services, asker.prefs);
    let (balance, spend) = read(&asker.services, account.workspace, ui.zone())
        .await
        .map_err(|_| failed(Refusal::Unavailable, http::StatusCode::SERVICE_UNAVAILABLE))?;
    Ok(Figures::of(&ui, &balance, &spend))
}

#[cfg(feature = "ssr")]
mod figures {
    use domain::Amount;
    use domain::ids::WorkspaceId;
    use domain::views::{BalanceView, DaySpend, SpendView, UnixMs};

    use texts::format::Zone;

    use super::Figures;
    use crate::reader::Ui;
    use crate::services::Services;
    use crate::session::Unavailable;

    /// The ruler's length in days: what is left beyond them does not show.
    pub const RULER_DAYS: u32 = 30;

    /// The days whose pace the forecast goes by: those of [`SpendView::last_7_days`].
    const PACE_DAYS: usize = 7;
    const DAY_MS: i128 = 24 * 60 * 60 * 1_000;

    /// Wallet and spend of a workspace, in the days of a time zone.
    pub async fn read(
        services: &Services,
        workspace: WorkspaceId,
        zone: Zone,
    ) -> Result<(BalanceView, SpendView), Unavailable> {
        let failed = |error| {
            tracing::error!(%error, "balance and spend cannot be read");
            Unavailable
        };
        let balance = services
            .ledger
            .balance(workspace)
            .await
            .map_err(failed)?
            .unwrap_or_default();
        let spend = services
            .calls
            .spend(workspace, zone)
            .await
            .map_err(failed)?;
        Ok((balance, spend))
    }

    /// How many whole days the money lasts at the pace of the last seven; nothing when nothing was spent.
    pub fn days_left(available: Amount, spend: &SpendView, now: UnixMs) -> Option<u64> {
        let (available, spent) = (
            i128::from(available.nanos()).max(0),
            i128::from(spend.last_7_days.nanos()),
        );
        if spent <= 0 {
            return None;
        }
        let took = took_ms(&spend.days, now);
        // Rounded up: money lasts rather longer than was said.
        let pace = (spent * DAY_MS + took - 1) / took;
        Some(u64::try_from(available / pace).unwrap_or(u64::MAX))
    }

    /// In what time the last seven days' spend was spent. Days before the first call set no pace, and of today only
    /// what has passed; but a first hour says nothing about a day, so it is one at least.
    fn took_ms(days: &[DaySpend], now: UnixMs) -> i128 {
        let window = days.len().saturating_sub(PACE_DAYS);
        let first = days.iter().position(|day| day.calls > 0).unwrap_or(window);
        let since = days.get(first.max(window)).map_or(now, |day| day.day_start);
        (i128::from(now) - i128::from(since)).max(DAY_MS)
    }

    /// The filled part of the ruler in days. Without a pace a full wallet is a full ruler.
    pub fn filled(balance: &BalanceView, days: Option<u64>) -> u32 {
        match days {
            _ if balance.available.nanos() <= 0 => 0,
            // Something is left: never an empty ruler.
            Some(days) => u32::try_from(days)
                .unwrap_or(RULER_DAYS)
                .clamp(1, RULER_DAYS),
            None => RULER_DAYS,
        }
    }

    impl Figures {
        pub fn of(ui: &Ui, balance: &BalanceView, spend: &SpendView) -> Self {
            let days = days_left(balance.available, spend, ui.prefs().now);
            let left = match days {
                None => t!(ui, "wallet.days_left.unknown"),
                Some(0) => t!(ui, "wallet.days_left.less_than_a_day"),
                Some(days) if days > 365 => t!(ui, "wallet.days_left.more_than_year"),
                Some(days) => n!(ui, "wallet.days_left.left", days),
            };
            let shown = ui.money(balance.available);
            let reserved = if balance.reserved.is_zero() {
                String::new()
            } else {
                t!(ui, "wallet.reserved", amount = ui.money(balance.reserved))
            };
            Self {
                label: format!("{shown}. {left}"),
                balance: shown,
                exact: t!(ui, "wallet.exact", amount = ui.exact(balance.available)),
                reserved,
                today: ui.money(spend.today),
                week: ui.money(spend.last_7_days),
                month: ui.money(spend.last_30_days),
                calls: ui.number(spend.calls_today),
                tokens: ui.compact(spend.tokens_today),
                left,
                width: (1_000 * filled(balance, days) / RULER_DAYS).to_string(),
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn usd(dollars: i64) -> Amount {
            Amount::from_nanos(dollars * domain::money::NANOS_PER_USD)
        }

        const HOUR: UnixMs = 3_600_000;
        /// When today began.
        const TODAY: UnixMs = 20_000 * 24 * HOUR;

        /// A month, of which some days had a call: how many days ago, and what it cost.
        fn spent(calls: &[(usize, Amount)]) -> SpendView {
            let mut days: Vec<DaySpend> = (0..30)
                .map(|at| DaySpend {
                    day_start: TODAY - (29 - at) * 24 * HOUR,
                    amount: Amount::ZERO,
                    calls: 0,
                    tokens: 0,
                })
                .collect();
            let mut week = 0;
            for (ago, amount) in calls {
                let day = &mut days[29 - ago];
                (day.amount, day.calls) = (*amount, 1);
                if *ago < PACE_DAYS {
                    week += amount.nanos();
                }
            }
            SpendView {
                last_7_days: Amount::from_nanos(week),
                days,
                ..SpendView::default()
            }
        }

        #[test]
        fn the_forecast_is_whole_days_at_the_pace_since_the_first_call() {
            let week: Vec<(usize, Amount)> = (0..7).map(|ago| (ago, usd(2))).collect();
            // (what was spent, hours of today, what is left, days)
            for (calls, hours, available, left) in [
                (week.clone(), 24, 18, 9),
                (week.clone(), 24, 1, 0),
                (week.clone(), 24, -5, 0),
                // Of today only the half: $14 in 6.5 days.
                (week.clone(), 12, 18, 8),
                // A first hour counts as a day, and so does a day that has just begun.
                (vec![(0, usd(2))], 1, 18, 9),
                (vec![(0, usd(2))], 0, 18, 9),
                (vec![(1, usd(3))], 12, 18, 9),
                (vec![(3, usd(3)), (1, usd(4))], 12, 18, 9),
                // Who had begun before the seven days did nothing on the others.
                (vec![(6, usd(13))], 12, 18, 9),
                (vec![(20, usd(50)), (0, usd(13))], 12, 18, 9),
            ] {
                assert_eq!(
                    days_left(usd(available), &spent(&calls), TODAY + hours * HOUR),
                    Some(left),
                    "{calls:?} {hours} {available}"
                );
            }
        }

        #[test]
        fn the_forecast_promises_nothing_without_a_pace_and_never_too_much() {
            let now = TODAY + 12 * HOUR;
            let nano = Amount::from_nanos(1);
            assert_eq!(days_left(usd(18), &SpendView::default(), now), None);
            assert_eq!(days_left(usd(18), &spent(&[(9, usd(5))]), now), None);
            let ten = Amount::from_nanos(10);
            let slow = spent(&[(6, nano)]);
            assert_eq!(days_left(ten, &slow, now), Some(10), "less than one a day");
            assert_eq!(
                days_left(Amount::MAX, &slow, now),
                Some(i64::MAX.unsigned_abs())
            );
            // A clock that was set back.
            let today = spent(&[(0, usd(2))]);
            assert_eq!(days_left(usd(18), &today, TODAY - 5 * HOUR), Some(9));
            let no_days = SpendView {
                last_7_days: usd(2),
                ..SpendView::default()
            };
            assert_eq!(days_left(usd(18), &no_days, now), Some(9));
        }

        #[test]
        fn the_ruler_is_empty_only_when_the_wallet_is() {
            let wallet = |available| BalanceView {
                posted: available,
                reserved: Amount::ZERO,
                available,
            };
            assert_eq!(filled(&wallet(Amount::ZERO), None), 0);
            assert_eq!(filled(&wallet(Amount::ZERO), Some(0)), 0);
            assert_eq!(filled(&wallet(usd(1)), Some(0)), 1);
            assert_eq!(filled(&wallet(usd(1)), Some(9)), 9);
            assert_eq!(filled(&wallet(usd(1)), Some(900)), RULER_DAYS);
            assert_eq!(filled(&wallet(usd(1)), None), RULER_DAYS);
        }
    }
}

#[cfg(feature = "ssr")]
pub use figures::{RULER_DAYS, days_left, filled, read};
