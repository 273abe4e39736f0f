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
    use domain::views::{BalanceView, SpendView};

    use texts::format::Zone;

    use super::Figures;
    use crate::reader::Ui;
    use crate::services::Services;
    use crate::session::Unavailable;

    /// The ruler's length in days: what is left beyond them does not show.
    pub const RULER_DAYS: u32 = 30;

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
    pub fn days_left(available: Amount, last_7_days: Amount) -> Option<u64> {
        let (available, spent) = (
            i128::from(available.nanos()).max(0),
            i128::from(last_7_days.nanos()),
        );
        (spent > 0).then(|| u64::try_from(available * 7 / spent).unwrap_or(u64::MAX))
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
            let days = days_left(balance.available, spend.last_7_days);
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

        #[test]
        fn the_forecast_is_whole_days_at_the_weeks_pace() {
            assert_eq!(days_left(usd(18), usd(14)), Some(9));
            assert_eq!(days_left(usd(1), usd(14)), Some(0));
            assert_eq!(days_left(usd(18), Amount::ZERO), None);
            assert_eq!(days_left(usd(-5), usd(7)), Some(0));
            assert_eq!(
                days_left(Amount::MAX, Amount::from_nanos(1)),
                Some(u64::MAX),
                "beyond what can be counted"
            );
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
