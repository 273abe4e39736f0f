//! Whose balance fell below what they asked to be told at? Looked up once a minute; one mail per crossing.
//!
//! Judged by what the wallet holds, not by what is available: what running calls hold comes back, and a mail per dip
//! would be noise.

use std::time::Duration;

use domain::Amount;
use domain::ids::AccountId;
use sea_orm::{DbErr, QueryResult};
use tokio_util::sync::CancellationToken;

use super::{Mail, Message, Recipient};
use crate::db;

const EVERY: Duration = Duration::from_secs(60);
/// Mails of one look; the rest follows a minute later.
const AT_ONCE: i64 = 500;

struct Low {
    account: AccountId,
    email: String,
    locale: Option<String>,
    below: i64,
    balance: i64,
}

impl Mail {
    /// Tells people until `stop`.
    pub async fn watch_balances(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = self.tell_low_balances().await {
                tracing::warn!(%error, "Low balances could not be looked up; tried again in a minute");
            }
        }
    }

    /// One look: queues what is to be told, and arms again whoever is above the line; how many mails.
    ///
    /// # Errors
    /// When the database refuses; what was queued before stays queued.
    pub async fn tell_low_balances(&self) -> Result<usize, DbErr> {
        db::exec(
            self.0.db.write(),
            "UPDATE account SET low_balance_told_at = NULL
             WHERE low_balance_told_at IS NOT NULL AND (low_balance_nusd IS NULL OR low_balance_nusd <=
                (SELECT b.posted FROM book b WHERE b.workspace_id = account.workspace_id AND b.kind = 'wallet'))",
            [],
        )
        .await?;
        let low = db::all(
            self.0.db.read(),
            "SELECT a.id, a.email, a.locale, a.low_balance_nusd, b.posted FROM account a
             JOIN book b ON b.workspace_id = a.workspace_id AND b.kind = 'wallet'
             WHERE a.low_balance_nusd > b.posted AND a.low_balance_told_at IS NULL
               AND a.verified_at IS NOT NULL AND a.blocked_at IS NULL
             ORDER BY a.id LIMIT $1",
            [AT_ONCE.into()],
        )
        .await?;
        let mut told = 0;
        for row in &low {
            told += usize::from(self.tell(&Low::of(row)?).await?);
        }
        Ok(told)
    }

    /// One person, once: another node, or a line that was moved meanwhile, makes it false.
    async fn tell(&self, low: &Low) -> Result<bool, DbErr> {
        let tx = self.0.db.begin().await?;
        let mine = db::exec(
            &tx,
            "UPDATE account SET low_balance_told_at = $1 WHERE id = $2 AND low_balance_told_at IS NULL AND low_balance_nusd = $3",
            [
                self.0.clock.now_ms().into(),
                low.account.to_string().into(),
                low.below.into(),
            ],
        )
        .await?
        .rows_affected()
            == 1;
        if mine {
            let to = Recipient {
                account: Some(low.account),
                address: low.email.clone(),
                locale: self.locale(low.locale.as_deref()),
            };
            let message = Message::LowBalance {
                balance: Amount::from_nanos(low.balance),
                below: Amount::from_nanos(low.below),
            };
            self.queue(&tx, &to, &message).await?;
        }
        tx.commit().await?;
        Ok(mine)
    }
}

impl Low {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        let id: String = row.try_get("", "id")?;
        Ok(Self {
            account: id
                .parse()
                .map_err(|_| DbErr::Type("account.id holds something that is not an id".into()))?,
            email: row.try_get("", "email")?,
            locale: row.try_get("", "locale")?,
            below: row.try_get("", "low_balance_nusd")?,
            balance: row.try_get("", "posted")?,
        })
    }
}
