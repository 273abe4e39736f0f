//! How does the whole installation do? A few sums over every account, for the operator. Read at one moment, changes nothing.

use domain::Amount;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use crate::clock::Clock;
use crate::db::{Db, one};
use crate::night::{self, Run};

/// Reads the sums. Cheap to clone.
#[derive(Clone)]
pub struct Figures {
    db: Db,
    clock: Clock,
}

/// The sums. "Today" is the UTC day; "days" are UTC days that end with today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub accounts: u64,
    /// Of them, those whose address is not proved.
    pub unverified: u64,
    pub blocked: u64,
    /// What all wallets hold together: what is owed to customers in service.
    pub liabilities: Amount,
    pub today: Spent,
    pub last_7_days: Spent,
    pub last_30_days: Spent,
    /// Credit given away as bonus, ever.
    pub bonus: Amount,
    /// Adjustments, ever: given less taken back. Below zero when more was taken.
    pub adjustments: Amount,
    /// Served and not charged, ever.
    pub operator_loss: Amount,
    pub loss_today: Amount,
    pub loss_30_days: Amount,
    /// The newest check of the books that came to an end.
    pub checked: Option<Run>,
    /// Mails that were given up.
    pub mail_failed: u64,
    /// Mails on their way.
    pub mail_waiting: u64,
}

/// What was earned and refused in a range of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub amount: Amount,
    pub calls: u64,
    /// Calls that were refused before they cost anything.
    pub refused: u64,
}

const DAY_MS: UnixMs = 24 * 60 * 60 * 1_000;

impl Figures {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// Every sum, of one moment.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sums(&self) -> Result<Sums, DbErr> {
        let now = self.clock.now_ms();
        let today = now - now.rem_euclid(DAY_MS);
        let at = Moment(self.db.snapshot().await?);
        let sums = Sums {
            accounts: at.count("account").await?,
            unverified: at.count("account WHERE verified_at IS NULL").await?,
            blocked: at.count("account WHERE blocked_at IS NOT NULL").await?,
            liabilities: at.sum("posted", "book WHERE kind = 'wallet'").await?,
            today: at.spent(today).await?,
            last_7_days: at.spent(today - 6 * DAY_MS).await?,
            last_30_days: at.spent(today - 29 * DAY_MS).await?,
            bonus: at.debited("bonus").await?,
            adjustments: at.debited("adjustment").await?,
            operator_loss: at.debited("operator_loss").await?,
            loss_today: operator_loss(&at.0, today).await?,
            loss_30_days: operator_loss(&at.0, today - 29 * DAY_MS).await?,
            checked: night::newest(&at.0).await?,
            mail_failed: at.count("mail WHERE failed_at IS NOT NULL").await?,
            mail_waiting: at
                .count("mail WHERE sent_at IS NULL AND failed_at IS NULL")
                .await?,
        };
        at.0.rollback().await?;
        Ok(sums)
    }
}

/// What the operator lost since `from`: served, and charged to nobody.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn operator_loss<C: ConnectionTrait>(
    conn: &C,
    from: UnixMs,
) -> Result<Amount, DbErr> {
    let sql = "SELECT CAST(coalesce(sum(t.amount), 0) AS BIGINT) AS n FROM transfer t JOIN book b ON b.id = t.debit_id
               WHERE b.kind = 'operator_loss' AND b.currency = 'USD' AND t.created_at >= $1";
    let row = one(conn, sql, [from.into()]).await?;
    row.map_or(Ok(0), |row| row.try_get("", "n"))
        .map(Amount::from_nanos)
}

/// One moment of the database.
struct Moment(DatabaseTransaction);

impl Moment {
    async fn number(&self, sql: &str, values: Vec<sea_orm::Value>) -> Result<i64, DbErr> {
        let row = one(&self.0, sql, values).await?;
        row.map_or(Ok(0), |row| row.try_get("", "n"))
    }

    async fn count(&self, rows: &str) -> Result<u64, DbErr> {
        let n = self
            .number(&format!("SELECT count(*) AS n FROM {rows}"), Vec::new())
            .await?;
        Ok(u64::try_from(n).unwrap_or(0))
    }

    async fn sum(&self, what: &str, rows: &str) -> Result<Amount, DbErr> {
        let sql = format!("SELECT CAST(coalesce(sum({what}), 0) AS BIGINT) AS n FROM {rows}");
        self.number(&sql, Vec::new()).await.map(Amount::from_nanos)
    }

    /// What one of the system's books paid out, less what came back.
    async fn debited(&self, book: &'static str) -> Result<Amount, DbErr> {
        let rows = |side: &str| {
            format!(
                "transfer t JOIN book b ON b.id = t.{side} WHERE b.kind = '{book}' AND b.currency = 'USD' AND t.code <> 'usage'"
            )
        };
        let out = self.sum("t.amount", &rows("debit_id")).await?;
        let back = self.sum("t.amount", &rows("credit_id")).await?;
        out.minus(back)
            .map_err(|error| DbErr::Custom(error.to_string()))
    }

    async fn spent(&self, from: UnixMs) -> Result<Spent, DbErr> {
        let sql = "SELECT CAST(coalesce(sum(charge_nusd), 0) AS BIGINT) AS charged, count(*) AS calls FROM call
                   WHERE created_at >= $1";
        let row = one(&self.0, sql, [from.into()])
            .await?
            .ok_or_else(|| DbErr::RecordNotFound("a sum".to_owned()))?;
        // Refusals are counted by the hour; a day begins with one.
        let sql = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) AS n FROM refused_call WHERE hour >= $1";
        let refused = self.number(sql, vec![from.into()]).await?;
        Ok(Spent {
            amount: Amount::from_nanos(row.try_get("", "charged")?),
            calls: u64::try_from(row.try_get::<i64>("", "calls")?).unwrap_or(0),
            refused: u64::try_from(refused).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use domain::ids::WorkspaceId;

    use super::*;
    use crate::db::exec;
    use crate::ids::NewId;
    use crate::ledger::{Ledger, LedgerConfig, give_bonus, open_wallet};

    #[tokio::test]
    async fn the_sums_are_those_of_the_books() {
        let now = 100 * DAY_MS + 5;
        let (db, clock) = (crate::testing::db().await, Clock::fixed(now));
        let ledger = Ledger::new(db.db.clone(), clock.clone(), LedgerConfig::default());
        let (one, two) = (WorkspaceId::new(), WorkspaceId::new());
        for workspace in [one, two] {
            open_wallet(db.write(), workspace, now).await.unwrap();
        }
        let amount = Amount::from_nanos;
        ledger.grant(one, amount(1_000), "r", None).await.unwrap();
        let tx = db.begin().await.unwrap();
        give_bonus(&tx, two, amount(30), "b", "n", None, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        // A call of today, one of the last moment of yesterday, one too old to count.
        for (n, (at, charge)) in [(now, 7), (100 * DAY_MS - 1, 20), (70 * DAY_MS, 400)]
            .into_iter()
            .enumerate()
        {
            let sql = "INSERT INTO call (id, workspace_id, key_id, model, price_id, ending, rule, http_status, streamed, input,
                           cached_input, output, reasoning, charge_nusd, duration_ms, created_at)
                       VALUES ($1, 'w', 'k', 'm', 'p', 'finished', 'reported', 200, 0, 0, 0, 0, 0, $2, 1, $3)";
            let values = [
                format!("call_{n}").into(),
                i64::from(charge).into(),
                at.into(),
            ];
            exec(db.write(), sql, values).await.unwrap();
        }
        let sql = "INSERT INTO refused_call (workspace_id, key_id, hour, code, count, last_at) VALUES ('w', 'k', $1, 'c', 4, $1)";
        exec(db.write(), sql, [(100 * DAY_MS).into()])
            .await
            .unwrap();
        let sums = Figures::new(db.db.clone(), clock).sums().await.unwrap();
        assert_eq!(sums.liabilities, amount(1_030));
        assert_eq!(
            (sums.bonus, sums.adjustments, sums.operator_loss),
            (amount(30), amount(1_000), Amount::ZERO)
        );
        assert_eq!(
            sums.today,
            Spent {
                amount: amount(7),
                calls: 1,
                refused: 4
            }
        );
        assert_eq!(
            sums.last_7_days,
            Spent {
                amount: amount(27),
                calls: 2,
                refused: 4
            }
        );
        assert_eq!(sums.last_30_days.calls, 2);
        assert_eq!(sums.checked, None);
        assert_eq!(sums.accounts, 0);
    }
}
