//! How does a queued mail leave? A task takes what is due, hands it to the mail server, and notes what became of it.
//!
//! Several nodes may run it on one database: a mail belongs to whoever moved its `taken_until` first. A mail is sent at
//! least once: when the server took it and its row could not be marked, it is sent again under the same Message-ID.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use domain::views::UnixMs;
use sea_orm::{DbErr, QueryResult};
use tokio_util::sync::CancellationToken;

use super::envelope::{host_of, message};
use super::smtp::{Conversation, Refusal, Smtp};
use super::{Figures, Mail};
use crate::db;

/// How many mails one node has in hand at once; they share a conversation with the server.
const HANDFUL: i64 = 5;
/// How long a handful is this node's alone. Longer than the server can take over all of it (see [`super::smtp`]).
const TAKEN_MS: i64 = 6 * 60_000;
/// How often the table is asked, for mails that other processes queued or that are due again.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After a mail was queued here, until its transaction is committed.
const LOOK_SOON: Duration = Duration::from_millis(40);
const SOON: Duration = Duration::from_secs(2);
/// A running conversation gets this long when the server stops; what is cut is sent again later.
const LAST_WORDS: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// A mail that could not be delivered for so long is given up: most links in mails live a day.
pub(super) const GIVE_UP_MS: i64 = 48 * 60 * 60 * 1_000;
const FIRST_WAIT_MS: i64 = 4_000;
const LONGEST_WAIT_MS: i64 = 30 * 60_000;
/// How often a row's outcome is tried to be written: not having written "sent" means sending twice.
const NOTES: u32 = 5;

/// A mail in hand.
struct Taken {
    id: String,
    address: String,
    sealed: String,
    attempts: i64,
    created_at: UnixMs,
    taken_until: i64,
}

impl Mail {
    /// Sends what is due until `stop`. Without SMTP settings it only forgets old mails.
    pub async fn run(self, stop: CancellationToken) {
        let host = host_of(&self.0.config.public_url);
        let smtp = match self
            .0
            .config
            .smtp
            .clone()
            .map(|config| Smtp::new(config, &host))
        {
            Some(Ok(smtp)) => Some(smtp),
            Some(Err(error)) => {
                tracing::error!(%error, "Mail cannot be encrypted with these settings; nothing is sent");
                None
            }
            None => None,
        };
        let mut swept: Option<Instant> = None;
        let mut soon_until = Instant::now();
        while !stop.is_cancelled() {
            if swept.is_none_or(|at| at.elapsed() > SWEEP_EVERY) {
                swept = Some(Instant::now());
                if let Err(error) = self.sweep().await {
                    tracing::warn!(%error, "Old mails could not be forgotten; tried again later");
                }
            }
            if let Some(smtp) = &smtp {
                let cut = async {
                    stop.cancelled().await;
                    tokio::time::sleep(LAST_WORDS).await;
                };
                tokio::select! {
                    () = self.send_all(smtp, &stop) => {}
                    () = cut => return,
                }
            }
            let pause = if Instant::now() < soon_until {
                LOOK_SOON
            } else {
                LOOK_EVERY
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.wake.notified() => soon_until = Instant::now() + SOON,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Handful after handful, until nothing is due.
    async fn send_all(&self, smtp: &Smtp, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.round(smtp).await {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "The outbox cannot be read; tried again in a second");
                    return;
                }
            }
        }
    }

    /// Takes a handful and sends it; how many were in it.
    pub(super) async fn round(&self, smtp: &Smtp) -> Result<usize, DbErr> {
        let taken = self.take().await?;
        let mut conversation: Option<Result<Conversation, String>> = None;
        for mail in &taken {
            let outcome = self.deliver(smtp, &mut conversation, mail).await;
            self.note(mail, outcome).await;
        }
        if let Some(Ok(open)) = conversation {
            open.close().await;
        }
        Ok(taken.len())
    }

    /// What is due and in nobody's hand. The update decides between nodes that read the same rows.
    async fn take(&self) -> Result<Vec<Taken>, DbErr> {
        let now = self.0.clock.now_ms();
        let open = "sent_at IS NULL AND failed_at IS NULL";
        let due = db::all(
            self.0.db.read(),
            &format!(
                "SELECT id, address, sealed, attempts, created_at, taken_until FROM mail
                 WHERE {open} AND due_at <= $1 AND taken_until <= $1 ORDER BY due_at LIMIT $2"
            ),
            [now.into(), HANDFUL.into()],
        )
        .await?;
        let mut taken = Vec::with_capacity(due.len());
        for row in &due {
            let mut mail = Taken::of(row)?;
            let until = now + TAKEN_MS;
            let mine = db::exec(
                self.0.db.write(),
                &format!(
                    "UPDATE mail SET taken_until = $1, attempts = attempts + 1 WHERE id = $2 AND taken_until = $3 AND attempts = $4 AND {open}"
                ),
                [until.into(), mail.id.clone().into(), mail.taken_until.into(), mail.attempts.into()],
            )
            .await?
            .rows_affected()
                == 1;
            if mine {
                mail.taken_until = until;
                mail.attempts += 1;
                taken.push(mail);
            }
        }
        Ok(taken)
    }

    /// Hands one mail over, in the conversation that is open or a new one. A server that could not be reached for one
    /// mail is not asked again for the rest of the handful.
    async fn deliver(
        &self,
        smtp: &Smtp,
        conversation: &mut Option<Result<Conversation, String>>,
        mail: &Taken,
    ) -> Result<(), Refusal> {
        if self.0.clock.now_ms() - mail.created_at > GIVE_UP_MS {
            return Err(Refusal::Never("too_late".to_owned()));
        }
        let letter = self
            .unseal(&mail.id, &mail.sealed)
            .map_err(|_| Refusal::Never("cannot_open".to_owned()))?;
        let message = message(
            &self.0.config,
            smtp.from(),
            &mail.id,
            &mail.address,
            mail.created_at,
            letter,
        )?;
        if conversation.is_none() {
            *conversation = Some(smtp.open().await);
        }
        let sent = match conversation.as_mut().expect("opened above") {
            Ok(open) => open.send(&message).await,
            Err(code) => return Err(Refusal::Later(code.clone())),
        };
        if sent.is_err() {
            // lettre hangs up after a refusal.
            *conversation = None;
        }
        sent
    }

    /// Writes the outcome into the row.
    async fn note(&self, mail: &Taken, outcome: Result<(), Refusal>) {
        let now = self.0.clock.now_ms();
        let figures = &self.0.figures;
        let (sql, values) = match &outcome {
            Ok(()) => {
                figures.sent.fetch_add(1, Ordering::Relaxed);
                // Whoever has it in hand by now: it is sent.
                let sql = "UPDATE mail SET sent_at = $1, sealed = NULL, last_error = NULL, failed_at = NULL WHERE id = $2 AND sent_at IS NULL";
                (sql, vec![now.into(), mail.id.clone().into()])
            }
            Err(refusal) => {
                let wait = wait_ms(mail.attempts, roll());
                let (code, again) = match refusal {
                    Refusal::Later(code) => (code, now + wait - mail.created_at <= GIVE_UP_MS),
                    Refusal::Never(code) => (code, false),
                };
                let id = &mail.id;
                if again {
                    figures.postponed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(
                        mail = id,
                        code,
                        seconds = wait / 1_000,
                        "A mail was not taken; tried again"
                    );
                    let sql = "UPDATE mail SET due_at = $1, last_error = $2, taken_until = 0 WHERE id = $3 AND taken_until = $4 AND sent_at IS NULL";
                    (
                        sql,
                        vec![
                            (now + wait).into(),
                            code.clone().into(),
                            id.clone().into(),
                            mail.taken_until.into(),
                        ],
                    )
                } else {
                    figures.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(
                        mail = id,
                        code,
                        "A mail could not be delivered and was given up"
                    );
                    let sql = "UPDATE mail SET failed_at = $1, last_error = $2, sealed = NULL WHERE id = $3 AND taken_until = $4 AND sent_at IS NULL";
                    (
                        sql,
                        vec![
                            now.into(),
                            code.clone().into(),
                            id.clone().into(),
                            mail.taken_until.into(),
                        ],
                    )
                }
            }
        };
        for attempt in 1..=NOTES {
            match db::exec(self.0.db.write(), sql, values.clone()).await {
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, mail = mail.id, "What became of a mail could not be written");
                    tokio::time::sleep(Duration::from_millis(200) * attempt).await;
                }
            }
        }
    }

    /// What this process sent since it started.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let figures = &self.0.figures;
        Figures {
            sent: figures.sent.load(Ordering::Relaxed),
            postponed: figures.postponed.load(Ordering::Relaxed),
            failed: figures.failed.load(Ordering::Relaxed),
        }
    }
}

impl Taken {
    fn of(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            address: row.try_get("", "address")?,
            sealed: row
                .try_get::<Option<String>>("", "sealed")?
                .unwrap_or_default(),
            attempts: row.try_get("", "attempts")?,
            created_at: row.try_get("", "created_at")?,
            taken_until: row.try_get("", "taken_until")?,
        })
    }
}

/// How long to wait after the `attempts`-th try: doubled each time up to half an hour, and a quarter more or less, so
/// that mails which failed together do not come back together. `roll` is any number.
pub(super) fn wait_ms(attempts: i64, roll: u16) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    let wait = (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS);
    wait * 3 / 4 + wait / 2 * i64::from(roll) / i64::from(u16::MAX)
}

fn roll() -> u16 {
    let mut bytes = [0_u8; 2];
    // Without randomness the waits are only less scattered.
    let _ = getrandom::fill(&mut bytes);
    u16::from_ne_bytes(bytes)
}
