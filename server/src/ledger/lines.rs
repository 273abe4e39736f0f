//! What happened to a wallet? Its movements, newest first, as an accountant writes them: a sign, a kind, a reason.

use domain::Amount;
use domain::ids::WorkspaceId;
use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::db::{Db, all};

/// One movement of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Grows with age; where the next page goes on.
    pub id: i64,
    pub at: UnixMs,
    /// More than zero came in, less than zero went out.
    pub amount: Amount,
    /// `usage`, `bonus`, `adjustment` …
    pub code: String,
    /// The operator's reason.
    pub note: Option<String>,
}

pub(super) async fn lines(
    db: &Db,
    workspace: WorkspaceId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Line>, DbErr> {
    let sql = "SELECT t.id, t.created_at, t.code, t.note, CASE WHEN t.credit_id = b.id THEN t.amount ELSE -t.amount END AS amount
               FROM book b JOIN transfer t ON t.debit_id = b.id OR (t.credit_id = b.id AND t.code <> 'usage')
               WHERE b.kind = 'wallet' AND b.workspace_id = $1 AND t.id < $2 ORDER BY t.id DESC LIMIT $3";
    let values = [
        workspace.to_string().into(),
        before.unwrap_or(i64::MAX).into(),
        i64::from(limit).into(),
    ];
    let rows = all(db.read(), sql, values).await?;
    rows.iter()
        .map(|row| {
            Ok(Line {
                id: row.try_get("", "id")?,
                at: row.try_get("", "created_at")?,
                amount: Amount::from_nanos(row.try_get("", "amount")?),
                code: row.try_get("", "code")?,
                note: row.try_get("", "note")?,
            })
        })
        .collect()
}
