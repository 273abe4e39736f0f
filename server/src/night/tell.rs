//! Who hears that the books do not hold? Every administrator, once a day, by a mail that names what breaks them.

use domain::ids::AccountId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr};

use super::{Night, Parts};
use crate::db::all;
use crate::ledger::Report;
use crate::mail::{Message, Recipient};

/// Rows that a mail names; `farebox ledger verify` names more.
const NAMED: usize = 20;

impl Night {
    /// Queues the mails, in the transaction that writes the outcome down.
    pub(super) async fn tell<C: ConnectionTrait>(
        &self,
        conn: &C,
        parts: &Parts,
        day: UnixMs,
        report: &Report,
    ) -> Result<(), DbErr> {
        let message = violated(report);
        // Whoever is blocked has no say any more; an address that is not proved may be a stranger's.
        let sql = "SELECT id, email, locale FROM account WHERE admin AND verified_at IS NOT NULL AND blocked_at IS NULL ORDER BY id";
        let administrators = all(conn, sql, []).await?;
        if administrators.is_empty() {
            tracing::error!("There is no administrator to tell that the books do not hold");
        }
        for row in administrators {
            let id: String = row.try_get("", "id")?;
            let account: AccountId = id
                .parse()
                .map_err(|_| DbErr::Type("account.id holds something that is not an id".into()))?;
            let locale: Option<String> = row.try_get("", "locale")?;
            let to = Recipient {
                account: Some(account),
                address: row.try_get("", "email")?,
                locale: parts.mail.locale(locale.as_deref()),
            };
            let dedupe = format!("ledger_violated:{day}:{account}");
            parts.mail.queue_once(conn, &to, &message, &dedupe).await?;
        }
        Ok(())
    }
}

fn violated(report: &Report) -> Message {
    let mut all: Vec<(String, String)> = report
        .checks
        .iter()
        .filter(|check| !check.holds)
        .flat_map(|check| {
            check
                .offenders
                .iter()
                .map(|offender| (check.id.to_owned(), offender.clone()))
        })
        .collect();
    let more = all.len().saturating_sub(NAMED) as u64;
    all.truncate(NAMED);
    Message::LedgerViolated { found: all, more }
}
