//! What happened in one call, and why did it cost what it cost?

use domain::ids::{CallId, WorkspaceId};
use domain::{Amount, Formula, Rule};
use sea_orm::DbErr;

use super::report::{AttemptRow, CallRow, Calls, call_row};
use crate::catalog::row;
use crate::db::{all, one};

/// One call with everything that is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallDetail {
    pub call: CallRow,
    /// Whether it was made with a test key.
    pub test: bool,
    /// Tokens × price, bucket by bucket; `None` when the price version is gone.
    pub formula: Option<Formula>,
    /// Whether the rule takes what the formula gives; otherwise nothing was charged.
    pub charges: bool,
}

impl CallDetail {
    /// Whether what was booked is what formula and rule give: what `ledger verify` asks as I14.
    #[must_use]
    pub fn follows(&self) -> bool {
        let CallRow {
            charge_nusd,
            unbilled_nusd,
            reversed_nusd,
            ..
        } = self.call;
        let booked = Amount::sum([charge_nusd, unbilled_nusd, reversed_nusd]);
        let due = match (self.charges, &self.formula) {
            (false, _) => Some(Amount::ZERO),
            (true, formula) => formula.as_ref().map(|formula| formula.charge),
        };
        due.is_some_and(|due| booked == Ok(due))
    }
}

impl Calls {
    /// One call of a workspace with its attempts; another's is `None`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn one(
        &self,
        workspace: WorkspaceId,
        id: CallId,
    ) -> Result<Option<CallDetail>, DbErr> {
        let sql = format!(
            "SELECT c.*, {}, k.test AS k_test
             FROM call c LEFT JOIN price p ON p.id = c.price_id LEFT JOIN api_key k ON k.id = c.key_id
             WHERE c.workspace_id = $1 AND c.id = $2",
            row::columns("p")
        );
        let values = [workspace.to_string().into(), id.to_string().into()];
        let Some(row) = one(self.db.read(), &sql, values).await? else {
            return Ok(None);
        };
        let mut call = call_row(&row)?;
        let sql = "SELECT a.*, coalesce(u.name, a.upstream_id) AS upstream FROM attempt a
                   LEFT JOIN upstream u ON u.id = a.upstream_id WHERE a.call_id = $1 ORDER BY a.seq";
        let attempts = all(self.db.read(), sql, [id.to_string().into()]).await?;
        call.attempts = attempts
            .iter()
            .map(AttemptRow::read)
            .collect::<Result<_, _>>()?;
        let formula = row::read(&row, "p")?
            .map(|price| Formula::of(&price, &call.usage()))
            .transpose()
            .map_err(|wrong| DbErr::Custom(wrong.to_string()))?;
        Ok(Some(CallDetail {
            charges: Rule::from_id(&call.rule).is_some_and(Rule::charges),
            test: row.try_get::<Option<bool>>("", "k_test")?.unwrap_or(false),
            call,
            formula,
        }))
    }
}
