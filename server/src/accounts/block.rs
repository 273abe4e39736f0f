//! Who is kept out? An operator's "no": the account's sessions end and its keys stop, in one transaction.

use std::net::IpAddr;

use domain::ids::AccountId;
use domain::views::AccountView;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::table::account::{Column, Entity};
use super::{AccountError, Accounts};
use crate::audit::{Act, Actor, Audit};
use crate::changes::{Topic, bump};
use crate::mail::{Mail, Message};

impl Accounts {
    /// Shuts an account: its sessions end, nobody can sign in, its keys are refused within seconds. The owner is told
    /// by mail, without the `reason`, which is for operators. Blocking a blocked account changes nothing.
    ///
    /// # Errors
    /// [`AccountError::NotFound`], no database.
    pub async fn block(
        &self,
        mail: &Mail,
        audit: &Audit,
        actor: Actor,
        account: AccountId,
        reason: &str,
        from: Option<IpAddr>,
    ) -> Result<AccountView, AccountError> {
        let now = self.0.clock.now_ms();
        let tx = self.0.db.begin().await?;
        let changed = Entity::update_many()
            .col_expr(Column::BlockedAt, Expr::value(now))
            .col_expr(Column::BlockedReason, Expr::value(reason))
            .filter(Column::Id.eq(account.to_string()))
            .filter(Column::BlockedAt.is_null())
            .exec(&tx)
            .await?;
        let view = view(&tx, account).await?;
        if changed.rows_affected == 1 {
            crate::sessions::end_all(&tx, &account.to_string()).await?;
            let act = act(
                "account.block",
                actor,
                account,
                json!({"reason": reason}),
                from,
            );
            told(&tx, audit, &act).await?;
            mail.queue(&tx, &mail.recipient(&view), &Message::AccountBlocked)
                .await?;
        }
        tx.commit().await?;
        Ok(view)
    }

    /// Opens a blocked account again. Its sessions stay ended, its keys work.
    ///
    /// # Errors
    /// [`AccountError::NotFound`], no database.
    pub async fn unblock(
        &self,
        audit: &Audit,
        actor: Actor,
        account: AccountId,
        from: Option<IpAddr>,
    ) -> Result<AccountView, AccountError> {
        let tx = self.0.db.begin().await?;
        let changed = Entity::update_many()
            .col_expr(Column::BlockedAt, Expr::value(None::<i64>))
            .col_expr(Column::BlockedReason, Expr::value(None::<String>))
            .filter(Column::Id.eq(account.to_string()))
            .filter(Column::BlockedAt.is_not_null())
            .exec(&tx)
            .await?;
        let view = view(&tx, account).await?;
        if changed.rows_affected == 1 {
            let act = act("account.unblock", actor, account, json!({}), from);
            told(&tx, audit, &act).await?;
        }
        tx.commit().await?;
        Ok(view)
    }

    /// Why an account is blocked, in the operator's words; `None` when it is not.
    ///
    /// # Errors
    /// No database.
    pub async fn blocked_reason(&self, account: AccountId) -> Result<Option<String>, AccountError> {
        let row = Entity::find_by_id(account.to_string())
            .one(self.0.db.read())
            .await?;
        Ok(row.and_then(|row| row.blocked_reason))
    }
}

async fn view<C: ConnectionTrait>(
    conn: &C,
    account: AccountId,
) -> Result<AccountView, AccountError> {
    let row = Entity::find_by_id(account.to_string()).one(conn).await?;
    Ok(row.ok_or(AccountError::NotFound)?.view()?)
}

/// Written down, and seen by every running server: keys remember for some seconds whose they are.
async fn told<C: ConnectionTrait>(conn: &C, audit: &Audit, act: &Act) -> Result<(), DbErr> {
    audit.note(conn, act).await?;
    bump(conn, Topic::Keys).await?;
    bump(conn, Topic::Accounts).await
}

fn act(
    action: &'static str,
    actor: Actor,
    account: AccountId,
    detail: Value,
    from: Option<IpAddr>,
) -> Act {
    Act {
        actor,
        action,
        subject: Some(account),
        target: Some(account.to_string()),
        detail,
        from,
    }
}
