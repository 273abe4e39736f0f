//! What may an administrator do with anybody's keys? Find them by what is left of them in lists, and end them, with a
//! reason that the audit log keeps.

use domain::ids::{AccountId, KeyId, WorkspaceId};
use domain::views::KeyView;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, FromQueryResult, QueryFilter, QueryResult};
use serde_json::json;

use super::table::{Column, Entity, KEY, Model};
use super::{KeyError, Keys};
use crate::audit::{Act, Audit, By};
use crate::changes::{self, Topic};
use crate::db::{all, one};

/// A key and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundKey {
    pub key: KeyView,
    pub workspace: WorkspaceId,
    /// The account whose own workspace it is, while there is one.
    pub account: Option<AccountId>,
    pub email: Option<String>,
}

impl Keys {
    /// Keys of every workspace, newest first: those whose masked text or owner's address contains `query`, or whose own
    /// or workspace's id it is; all of them when it is empty. Those older than `before`, at most `limit`.
    ///
    /// # Errors
    /// No database.
    pub async fn search(
        &self,
        query: &str,
        before: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<FoundKey>, KeyError> {
        let sql = "SELECT k.*, w.frozen_at, a.id AS account_id, a.email FROM api_key k
                   JOIN workspace w ON w.id = k.workspace_id LEFT JOIN account a ON a.workspace_id = k.workspace_id
                   WHERE k.kind = 'key' AND ($1 = '' OR k.id = $1 OR k.workspace_id = $1
                       OR k.masked LIKE $2 ESCAPE '!'
                       OR k.previous_masked LIKE $2 ESCAPE '!' OR lower(a.email) LIKE lower($2) ESCAPE '!')
                       AND ($3 = '' OR k.id < $3)
                   ORDER BY k.id DESC LIMIT $4";
        let query = query.trim();
        let values = [
            query.into(),
            format!("%{}%", escaped(query)).into(),
            before.map(|id| id.to_string()).unwrap_or_default().into(),
            i64::from(limit).into(),
        ];
        let rows = all(self.inner.db.read(), sql, values).await?;
        let now = self.inner.clock.now_ms();
        let found: Result<Vec<_>, DbErr> = rows.iter().map(|row| read(row, now)).collect();
        Ok(found?)
    }

    /// Ends anybody's key for good, as [`Keys::revoke`] does, and writes down who did and why, in one transaction.
    ///
    /// # Errors
    /// [`KeyError::NotFound`], [`KeyError::Revoked`] when it was revoked before, no database.
    pub async fn revoke_audited(
        &self,
        id: KeyId,
        reason: &str,
        by: By,
        audit: &Audit,
    ) -> Result<(), KeyError> {
        let tx = self.inner.db.begin().await?;
        let row = Entity::find_by_id(id.to_string())
            .filter(Column::Kind.eq(KEY))
            .one(&tx)
            .await?
            .ok_or(KeyError::NotFound)?;
        let revoked = Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(self.inner.clock.now_ms()))
            .col_expr(Column::Sealed, Expr::value(Option::<String>::None))
            .filter(Column::Id.eq(id.to_string()))
            .filter(Column::RevokedAt.is_null())
            .exec(&tx)
            .await?;
        if revoked.rows_affected == 0 {
            return Err(KeyError::Revoked);
        }
        let sql = "SELECT id FROM account WHERE workspace_id = $1";
        let owner = one(&tx, sql, [row.workspace_id.clone().into()]).await?;
        let owner = owner
            .map(|row| row.try_get::<String>("", "id"))
            .transpose()?;
        let act = Act {
            actor: by.actor,
            action: "key.revoke",
            subject: owner.and_then(|id| id.parse().ok()),
            target: Some(id.to_string()),
            detail: json!({"masked": row.masked, "reason": reason}),
            from: by.from,
        };
        audit.note(&tx, &act).await?;
        changes::bump(&tx, Topic::Keys).await?;
        tx.commit().await?;
        self.forget_all();
        Ok(())
    }
}

fn read(row: &QueryResult, now: i64) -> Result<FoundKey, DbErr> {
    let model = Model::from_query_result(row, "")?;
    let workspace = model.owner()?;
    let frozen = row.try_get::<Option<i64>>("", "frozen_at")?.is_some();
    let account: Option<String> = row.try_get("", "account_id")?;
    Ok(FoundKey {
        key: model.view(frozen, now)?,
        workspace,
        account: account.and_then(|id| id.parse().ok()),
        email: row.try_get("", "email")?,
    })
}

/// What people type is text to `LIKE`, not a pattern.
fn escaped(text: &str) -> String {
    text.replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::audit::{Actor, AuditFilter};
    use crate::clock::Clock;
    use crate::db::exec;
    use crate::ids::NewId;
    use crate::keys::NewKeyForm;
    use crate::secrets::{Given, KeyRing, Purpose};

    #[tokio::test]
    async fn anybodys_key_is_found_and_ended_once_with_a_reason() {
        let (db, clock) = (crate::testing::db().await, Clock::fixed(1_000));
        let folder = tempfile::tempdir().unwrap();
        let ring = KeyRing::open(folder.path(), Given::none(), &Purpose::ALL).unwrap();
        let keys = Keys::new(db.db.clone(), clock.clone(), ring);
        let audit = Audit::new(db.db.clone(), clock);
        let (ada, workspace) = (AccountId::new(), WorkspaceId::new());
        let sql = "INSERT INTO workspace (id, created_at) VALUES ($1, 0)";
        exec(db.write(), sql, [workspace.to_string().into()])
            .await
            .unwrap();
        let sql = "INSERT INTO account (id, workspace_id, email, email_key, admin, created_at)
                   VALUES ($1, $2, 'Ada@example.com', 'ada@example.com', FALSE, 0)";
        exec(
            db.write(),
            sql,
            [ada.to_string().into(), workspace.to_string().into()],
        )
        .await
        .unwrap();
        let first = keys
            .create(workspace, &NewKeyForm::named("a"))
            .await
            .unwrap()
            .view;
        let second = keys
            .create(workspace, &NewKeyForm::named("b"))
            .await
            .unwrap()
            .view;
        keys.zone(workspace).await.unwrap();
        let ending: String = first
            .masked
            .chars()
            .rev()
            .take(4)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        for (query, wanted) in [
            ("", vec![second.id, first.id]),
            ("ada@EXAMPLE", vec![second.id, first.id]),
            (&workspace.to_string(), vec![second.id, first.id]),
            (&first.id.to_string(), vec![first.id]),
            (&ending, vec![first.id]),
            ("%", vec![]),
            ("nobody", vec![]),
        ] {
            let found = keys.search(query, None, 10).await.unwrap();
            let ids: Vec<_> = found.iter().map(|found| found.key.id).collect();
            assert_eq!(ids, wanted, "{query}");
            assert!(found.iter().all(|found| found.account == Some(ada)));
        }
        let older = keys.search("", Some(second.id), 10).await.unwrap();
        assert_eq!(older.len(), 1);

        let by = By::OPERATOR;
        keys.revoke_audited(first.id, "leaked", by, &audit)
            .await
            .unwrap();
        let again = keys.revoke_audited(first.id, "leaked", by, &audit).await;
        assert!(matches!(again, Err(KeyError::Revoked)));
        let unknown = keys.revoke_audited(KeyId::new(), "x", by, &audit).await;
        assert!(matches!(unknown, Err(KeyError::NotFound)));
        let acts = audit.page(&AuditFilter::default(), None, 10).await.unwrap();
        assert_eq!(acts.len(), 1);
        assert_eq!(
            (acts[0].actor, acts[0].subject),
            (Actor::Operator, Some(ada))
        );
        assert_eq!(acts[0].detail["reason"], "leaked");
    }
}
