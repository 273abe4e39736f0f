//! Who hears of an order's money? The person whose wallet it is, by mail, in the transaction that moves it; nobody else.

use domain::ids::{AccountId, RefundId, WorkspaceId};
use sea_orm::{ConnectionTrait, DbErr};

use super::rows::Row;
use crate::db::one;
use crate::ledger::payments::{Payment, Refund};
use crate::mail::{Mail, Message, Recipient};

/// The credit of an order arrived.
pub(super) async fn credited<C: ConnectionTrait>(
    mail: &Mail,
    conn: &C,
    row: &Row,
    payment: &Payment,
    late: bool,
) -> Result<(), DbErr> {
    let message = Message::OrderCredited {
        reference: payment.reference,
        paid: payment.paid,
        credited: payment.credited,
        bonus: payment.bonus,
        late,
        link: page_of(row),
    };
    let once = format!("order:{}", payment.order);
    send(mail, conn, row.view.workspace, &message, &once).await
}

/// Money of an order went back.
pub(super) async fn refunded<C: ConnectionTrait>(
    mail: &Mail,
    conn: &C,
    row: &Row,
    refund: &Refund,
) -> Result<(), DbErr> {
    let message = Message::OrderRefunded {
        reference: refund.reference,
        coins: refund.coins,
        credit: refund.credit,
        link: page_of(row),
    };
    let id: RefundId = refund.refund;
    send(
        mail,
        conn,
        row.view.workspace,
        &message,
        &format!("refund:{id}"),
    )
    .await
}

fn page_of(row: &Row) -> String {
    format!("/wallet/orders/{}", row.view.id)
}

/// To nobody when the account is gone.
async fn send<C: ConnectionTrait>(
    mail: &Mail,
    conn: &C,
    workspace: WorkspaceId,
    message: &Message,
    once: &str,
) -> Result<(), DbErr> {
    let sql = "SELECT id, email, locale FROM account WHERE workspace_id = $1";
    let Some(account) = one(conn, sql, [workspace.to_string().into()]).await? else {
        return Ok(());
    };
    let id: Option<AccountId> = account.try_get::<String>("", "id")?.parse().ok();
    let chosen: Option<String> = account.try_get("", "locale")?;
    let to = Recipient {
        account: id,
        address: account.try_get("", "email")?,
        locale: mail.locale(chosen.as_deref()),
    };
    mail.queue_once(conn, &to, message, once).await.map(|_| ())
}
