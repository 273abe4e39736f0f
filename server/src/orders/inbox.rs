//! What happens to a webhook? It is checked, its name is kept, and it is answered at once; a worker asks the provider
//! what is true. What it says beyond "look at this payment" is read by nobody, and never kept.

use domain::order::ProviderId;
use domain::views::UnixMs;
use futures::StreamExt;
use sea_orm::{DbErr, QueryResult};
use sha2::{Digest, Sha256};

use super::provider::{Fault, Hint, RawWebhook};
use super::settle::{News, close_event};
use super::{Orders, rows};
use crate::db::{all, exec};

/// A node that has an event in hand keeps it longer than a provider may take to answer.
const TAKEN_MS: i64 = 60_000;
const LONGEST_WAIT_MS: i64 = 3_600_000;
/// After so many tries nobody will answer any more: a minute, two … an hour, two days.
const TRIES_MAX: i64 = 55;
/// A payment that the provider does not know after so many tries is none.
const UNKNOWN_TRIES: i64 = 6;
const HANDFUL: i64 = 32;
const AT_ONCE: usize = 8;

/// What the sender of a webhook is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookAnswer {
    /// 200: we have it.
    Taken,
    /// 404: there is no such provider here.
    NotHere,
    /// 400: it is not genuine, or not of now.
    NotGenuine,
    /// 503: we have it, and do not know the order yet; or we cannot keep it. To be sent again.
    Again,
}

/// An event in this node's hands.
struct Taken {
    provider: ProviderId,
    event: String,
    object: String,
    attempts: i64,
}

impl Orders {
    /// Takes what was sent to the hook of `provider`: its raw body, and its headers by their small names.
    pub async fn hook<'a>(
        &self,
        provider: &str,
        body: &'a [u8],
        header: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    ) -> HookAnswer {
        let Ok(id) = provider.parse::<ProviderId>() else {
            return HookAnswer::NotHere;
        };
        let Some(takes) = self.0.registry.get(id).filter(|takes| takes.caps().online) else {
            return HookAnswer::NotHere;
        };
        let now = self.0.clock.now_ms();
        match takes.parse_webhook(&RawWebhook { body, header }, now) {
            Err(reject) => {
                self.count_rejected();
                tracing::warn!(provider = %id, %reject, "A webhook was not believed");
                HookAnswer::NotGenuine
            }
            Ok(None) => HookAnswer::Taken,
            Ok(Some(hint)) => self.keep_hint(id, &hint, body, now).await.unwrap_or_else(|error| {
                tracing::warn!(provider = %id, %error, "A webhook could not be kept; its sender is asked to try again");
                HookAnswer::Again
            }),
        }
    }

    async fn keep_hint(
        &self,
        provider: ProviderId,
        hint: &Hint,
        body: &[u8],
        now: UnixMs,
    ) -> Result<HookAnswer, DbErr> {
        let sql = "INSERT INTO payment_event (provider, event_id, kind, object_ref, body_sha256, received_at, not_before)
                   VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (provider, event_id) DO NOTHING";
        let sha256: String = Sha256::digest(body)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let values = [
            provider.code().into(),
            hint.event.as_str().into(),
            hint.kind.as_str().into(),
            hint.object.as_str().into(),
            sha256.into(),
            now.into(),
        ];
        if exec(self.0.db.write(), sql, values).await?.rows_affected() == 0 {
            // A copy: the first of them is worked on, or done.
            return Ok(HookAnswer::Taken);
        }
        self.0.wake.notify_one();
        // It may be faster than the answer in which the provider tells us the payment's name.
        let known = rows::by_object(self.0.db.write(), provider, &hint.object).await?;
        Ok(if known.is_some() {
            HookAnswer::Taken
        } else {
            HookAnswer::Again
        })
    }

    /// One round through the inbox; how many events this node had in hand.
    ///
    /// # Errors
    /// When the database refuses; what was done before stays done.
    pub(super) async fn empty_inbox(&self) -> Result<usize, DbErr> {
        // Events of a provider that cannot be asked here wait for a node that can, and stand in nobody's way.
        let here: Vec<String> = self
            .0
            .registry
            .all()
            .into_iter()
            .map(|(id, _)| format!("'{}'", id.code()))
            .collect();
        if here.is_empty() {
            return Ok(0);
        }
        let sql = format!(
            "SELECT provider, event_id, object_ref, attempts, not_before FROM payment_event
             WHERE processed_at IS NULL AND not_before <= $1 AND provider IN ({}) ORDER BY not_before LIMIT $2",
            here.join(", ")
        );
        let values = [self.0.clock.now_ms().into(), HANDFUL.into()];
        let due = all(self.0.db.read(), &sql, values).await?;
        let done: Vec<Result<bool, DbErr>> = futures::stream::iter(due)
            .map(|row| self.work_on(row))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut mine = 0;
        for taken in done {
            mine += usize::from(taken?);
        }
        Ok(mine)
    }

    /// False when another node has it.
    async fn work_on(&self, row: QueryResult) -> Result<bool, DbErr> {
        let Some(taken) = self.take(&row).await? else {
            return Ok(false);
        };
        let Some(provider) = self.0.registry.get(taken.provider) else {
            return Ok(true);
        };
        match provider.fetch(taken.object.clone()).await {
            Ok(observed) => {
                let news = News {
                    provider: taken.provider,
                    observed: &observed,
                    event: Some(&taken.event),
                };
                self.settle(&news).await?;
            }
            Err(Fault::Unknown) if taken.attempts >= UNKNOWN_TRIES => {
                self.give_up(&taken, "unknown").await?;
            }
            Err(fault) if taken.attempts >= TRIES_MAX => {
                tracing::warn!(provider = %taken.provider, %fault, "A provider of payments was asked about a webhook of its own for two days, in vain");
                self.give_up(&taken, "gave_up").await?;
            }
            Err(fault) => {
                tracing::info!(provider = %taken.provider, %fault, "A provider of payments was asked about a webhook of its own in vain; asked again later");
            }
        }
        Ok(true)
    }

    /// Moving `not_before` takes the event: of several nodes that read the same row, one.
    async fn take(&self, row: &QueryResult) -> Result<Option<Taken>, DbErr> {
        let text = |column: &str| row.try_get::<String>("", column);
        let number = |column: &str| row.try_get::<i64>("", column);
        // One that a newer version wrote is left to it.
        let Ok(provider) = text("provider")?.parse::<ProviderId>() else {
            return Ok(None);
        };
        let (attempts, event) = (number("attempts")?, text("event_id")?);
        let wait = TAKEN_MS
            .saturating_mul(1 << attempts.clamp(0, 10))
            .min(LONGEST_WAIT_MS);
        let sql = "UPDATE payment_event SET not_before = $3, attempts = attempts + 1
                   WHERE provider = $1 AND event_id = $2 AND processed_at IS NULL AND attempts = $4 AND not_before = $5";
        let values = [
            provider.code().into(),
            event.as_str().into(),
            (self.0.clock.now_ms() + wait).into(),
            attempts.into(),
            number("not_before")?.into(),
        ];
        if exec(self.0.db.write(), sql, values).await?.rows_affected() == 0 {
            return Ok(None);
        }
        Ok(Some(Taken {
            provider,
            event,
            object: text("object_ref")?,
            attempts: attempts + 1,
        }))
    }

    async fn give_up(&self, taken: &Taken, outcome: &str) -> Result<(), DbErr> {
        let (write, now) = (self.0.db.write(), self.0.clock.now_ms());
        close_event(write, taken.provider, &taken.event, outcome, None, now)
            .await
            .map(|_| ())
    }
}
