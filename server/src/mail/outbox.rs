//! What waits, and what became of it? Mails are rows: written with their reason, read by the sender and the outbox page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ids::MailId;
use domain::views::UnixMs;
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::render::{Letter, letter};
use super::{Mail, Message, Recipient};
use crate::db;
use crate::ids::NewId;
use crate::secrets::{CannotOpen, Purpose};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long the row of a mail that is done with is kept: to answer "did you ever send it?".
pub const KEPT_MS: i64 = 30 * DAY_MS;

/// A mail as the outbox page of a local installation shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMail {
    pub id: MailId,
    pub to: String,
    /// The code of its language.
    pub locale: String,
    /// `None` once it was sent by SMTP or given up: then only the row is left.
    pub content: Option<OutboxContent>,
    pub sent: bool,
    pub failed: bool,
    pub created_at: UnixMs,
}

/// What the plain-text version of a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxContent {
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// Queues a mail in the caller's transaction: it is sent once that is committed, and not at all otherwise.
    ///
    /// # Errors
    /// When the database refuses, or the operating system gives no randomness.
    pub async fn queue<C: ConnectionTrait>(
        &self,
        conn: &C,
        to: &Recipient,
        message: &Message,
    ) -> Result<(), DbErr> {
        self.insert(conn, to, message, None).await.map(|_| ())
    }

    /// The same, but only one mail is ever queued under one `dedupe`; false when there was one already.
    ///
    /// # Errors
    /// As [`Mail::queue`].
    pub async fn queue_once<C: ConnectionTrait>(
        &self,
        conn: &C,
        to: &Recipient,
        message: &Message,
        dedupe: &str,
    ) -> Result<bool, DbErr> {
        self.insert(conn, to, message, Some(dedupe)).await
    }

    async fn insert<C: ConnectionTrait>(
        &self,
        conn: &C,
        to: &Recipient,
        message: &Message,
        dedupe: Option<&str>,
    ) -> Result<bool, DbErr> {
        let inner = &self.0;
        let (id, now) = (MailId::new(), inner.clock.now_ms());
        let letter = letter(&inner.texts, &inner.config, to.locale, message, now);
        let inserted = db::exec(
            conn,
            "INSERT INTO mail (id, account_id, address, kind, locale, sealed, dedupe, due_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) ON CONFLICT (dedupe) DO NOTHING",
            [
                id.to_string().into(),
                to.account.map(|id| id.to_string()).into(),
                to.address.clone().into(),
                message.kind().into(),
                to.locale.code().into(),
                self.seal(&id.to_string(), &letter)?.into(),
                dedupe.map(str::to_owned).into(),
                now.into(),
            ],
        )
        .await?
        .rows_affected()
            == 1;
        // The sender looks again until the caller has committed.
        inner.wake.notify_one();
        Ok(inserted)
    }

    fn seal(&self, id: &str, letter: &Letter) -> Result<String, DbErr> {
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(letter).map_err(|error| DbErr::Custom(error.to_string()))?,
        );
        let sealed = self
            .0
            .ring
            .seal(Purpose::Mail, &bound_to(id), &plain)
            .map_err(|error| DbErr::Custom(error.to_string()))?;
        Ok(STANDARD.encode(sealed))
    }

    pub(super) fn unseal(&self, id: &str, sealed: &str) -> Result<Letter, CannotOpen> {
        let sealed = STANDARD.decode(sealed).map_err(|_| CannotOpen)?;
        let plain = self.0.ring.unseal(Purpose::Mail, &bound_to(id), &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| CannotOpen)
    }

    /// The newest mails, newest first, for the outbox page of a local installation: whoever sees it can use every link.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest(&self, limit: u32) -> Result<Vec<OutboxMail>, DbErr> {
        let rows = db::all(
            self.0.db.read(),
            "SELECT id, address, locale, sealed, sent_at, failed_at, created_at FROM mail ORDER BY created_at DESC, id DESC LIMIT $1",
            [i64::from(limit).into()],
        )
        .await?;
        rows.iter().map(|row| self.shown(row)).collect()
    }

    fn shown(&self, row: &QueryResult) -> Result<OutboxMail, DbErr> {
        let id: String = row.try_get("", "id")?;
        let sealed: Option<String> = row.try_get("", "sealed")?;
        let content = sealed.and_then(|sealed| self.unseal(&id, &sealed).ok());
        Ok(OutboxMail {
            to: row.try_get("", "address")?,
            locale: row.try_get("", "locale")?,
            content: content.map(|letter| OutboxContent {
                subject: letter.subject,
                text: letter.text,
            }),
            sent: row.try_get::<Option<i64>>("", "sent_at")?.is_some(),
            failed: row.try_get::<Option<i64>>("", "failed_at")?.is_some(),
            created_at: row.try_get("", "created_at")?,
            id: id
                .parse()
                .map_err(|_| DbErr::Type("mail.id holds something that is not an id".into()))?,
        })
    }

    /// Forgets mails that were done with a month ago, and on a local installation without SMTP those shown that long.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep(&self) -> Result<u64, DbErr> {
        let old = self.0.clock.now_ms() - KEPT_MS;
        let done = "sent_at < $1 OR failed_at < $1";
        let sql = if self.0.config.smtp.is_none() {
            format!("DELETE FROM mail WHERE {done} OR created_at < $1")
        } else {
            format!("DELETE FROM mail WHERE {done}")
        };
        Ok(db::exec(self.0.db.write(), &sql, [old.into()])
            .await?
            .rows_affected())
    }
}

/// A sealed mail opens only in its own row.
fn bound_to(id: &str) -> Vec<u8> {
    format!("mail\0{id}").into_bytes()
}
