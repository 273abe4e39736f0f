//! How does an operator give credit that ends? As bonus, out of the operator's own pocket, with a day after which what is
//! left of it leaves the wallet again (`expiry`).

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use serde_json::json;
use uuid::Uuid;

use super::books::{balance, lock_wallet};
use super::credit::{self, GrantError, Granted, Wanted, give_bonus};
use crate::audit::{Act, Audit, By};
use crate::db::Db;

/// Bonus credit for one wallet.
#[derive(Debug, Clone, Copy)]
pub struct Bonus<'a> {
    pub workspace: WorkspaceId,
    /// More than zero.
    pub amount: Amount,
    /// Why, for whoever reads the ledger later.
    pub reason: &'a str,
    /// The same id twice gives it once.
    pub id: Option<&'a str>,
    /// `None` does not end.
    pub ends_at: Option<UnixMs>,
}

impl Bonus<'_> {
    /// Gives it, and writes down who did, in one transaction.
    ///
    /// # Errors
    /// See [`GrantError`]; an end that is over is no end of a gift.
    pub async fn give(
        &self,
        db: &Db,
        now: UnixMs,
        by: By,
        audit: &Audit,
    ) -> Result<Granted, GrantError> {
        if self.amount <= Amount::ZERO {
            return Err(GrantError::NotPositive);
        }
        if self.ends_at.is_some_and(|at| at <= now) {
            return Err(GrantError::Over);
        }
        let txn = self.id.map_or_else(
            || format!("bonus:{}", Uuid::now_v7()),
            |id| format!("bonus:{id}"),
        );
        let tx = db.begin().await?;
        let wallet = lock_wallet(&tx, self.workspace)
            .await?
            .ok_or(GrantError::NoWallet)?;
        let wanted = Wanted {
            txn: &txn,
            id: self.id,
            book: wallet.id,
            amount: self.amount,
            reason: self.reason,
            life: self.ends_at.map(|at| at.saturating_sub(now)),
        };
        let mut credited = !credit::is_repeated(&tx, &wanted).await?;
        if credited {
            Amount::from_nanos(wallet.posted).plus(self.amount)?;
            credited = give_bonus(
                &tx,
                self.workspace,
                self.amount,
                &txn,
                self.reason,
                self.ends_at,
                now,
            )
            .await?;
            if !credited {
                // Somebody else was quicker with its name.
                credit::is_repeated(&tx, &wanted).await?;
            }
        }
        if credited {
            let act = Act {
                actor: by.actor,
                action: "credit.bonus",
                subject: credit::owner(&tx, self.workspace).await?,
                target: Some(self.workspace.to_string()),
                detail: json!({"amount_nusd": self.amount, "reason": self.reason, "id": self.id, "ends_at": self.ends_at}),
                from: by.from,
            };
            audit.note(&tx, &act).await?;
        }
        let balance = balance(&tx, self.workspace)
            .await?
            .ok_or(GrantError::NoWallet)?;
        tx.commit().await?;
        Ok(Granted { credited, balance })
    }
}
