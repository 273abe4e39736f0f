//! Is the money running out? What the line above every page of the signed-in says, unless it was put away for a day.
//!
//! Judged by what the wallet holds, as the mail about it is, so that both say the same.

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::AccountView;

use super::Reader;
use crate::api::days_left;

/// Fewer days than this at the pace of the last ones are few.
const FEW_DAYS: u64 = 3;
const EMPTY: &str = "empty";
const LOW: &str = "low";

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Low {
    /// Nothing is left: calls are refused.
    Empty,
    /// Less than the person's own line.
    Below { balance: Amount, line: Amount },
    /// It lasts for so many whole days only.
    Days { balance: Amount, days: u64 },
}

impl Low {
    /// How urgent it is: what was put away while some was left is said again when nothing is.
    const fn level(self) -> &'static str {
        match self {
            Self::Empty => EMPTY,
            Self::Below { .. } | Self::Days { .. } => LOW,
        }
    }

    /// The cookie's value that hides this from this workspace.
    pub fn hidden(self, workspace: WorkspaceId) -> String {
        hidden(self.level(), workspace)
    }

    /// Whether a cookie with this value hides something from this workspace.
    pub fn hides(value: &str, workspace: WorkspaceId) -> bool {
        [EMPTY, LOW]
            .into_iter()
            .any(|level| hidden(level, workspace) == value)
    }
}

fn hidden(level: &str, workspace: WorkspaceId) -> String {
    format!("{level}.{workspace}")
}

impl Reader {
    /// What is to be said to somebody about their balance. One cheap question more, two when their own line does not
    /// decide it; what cannot be read is not said.
    pub async fn low_balance(&self, account: &AccountView) -> Option<Low> {
        let low = self.judge(account).await?;
        let put_away = self.put_away.as_deref() == Some(low.hidden(account.workspace).as_str());
        (!put_away).then_some(low)
    }

    async fn judge(&self, account: &AccountView) -> Option<Low> {
        let (services, workspace) = (&self.services, account.workspace);
        let balance = services.ledger.balance(workspace).await.ok()??.posted;
        if balance <= Amount::ZERO {
            // Who never had anything is told by the first steps.
            let had = services.ledger.lines(workspace, None, 1).await.ok()?;
            return (!had.is_empty()).then_some(Low::Empty);
        }
        if let Some(line) = account.low_balance.filter(|line| balance < *line) {
            return Some(Low::Below { balance, line });
        }
        let prefs = self
            .prefs
            .of_account(self.prefix, &account.chosen, &services.texts);
        let spend = services.calls.spend(workspace, prefs.zone).await.ok()?;
        let days = days_left(balance, &spend, prefs.now)?;
        (days < FEW_DAYS).then_some(Low::Days { balance, days })
    }
}
