//! What if nobody tells us? The provider is asked after 1, 2, 5, 15 and 60 minutes, then hourly for two days; then once
//! more, and the order expires.
//!
//! Several nodes look at the same rows: moving `next_look_at` is how one of them takes the question.

use domain::fx::day_of;
use domain::order::{OrderStatus, ProviderId};
use domain::views::UnixMs;
use futures::StreamExt;
use sea_orm::DbErr;

use super::Orders;
use super::provider::{Fault, Observed, Provider};
use super::rows::{self, Row};
use super::settle::{News, Outcome};
use crate::db::exec;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const FIRST_MINUTES: [i64; 5] = [1, 2, 5, 15, 60];
/// So long a payment is waited for.
const WAIT_MS: i64 = 48 * HOUR_MS;
/// A bank transfer takes days, and people take weeks.
const WAIT_BY_HAND_MS: i64 = 30 * DAY_MS;
/// When the last question gets no answer it is asked again: nothing expires unasked.
pub(super) const AGAIN_MS: i64 = 10 * MINUTE_MS;
/// Orders of one round, and how many of them are asked about at once.
const HANDFUL: i64 = 32;
const AT_ONCE: usize = 4;

/// When an order that is made now is looked at first: one that nobody can be asked about when it has waited long enough.
pub(super) const fn first_look(online: bool, now: UnixMs) -> UnixMs {
    if online {
        now.saturating_add(FIRST_MINUTES[0] * MINUTE_MS)
    } else {
        now.saturating_add(WAIT_BY_HAND_MS)
    }
}

/// The look after the one of now; `None` when this one is the last.
fn next_look(created_at: UnixMs, now: UnixMs) -> Option<UnixMs> {
    let age = now.saturating_sub(created_at);
    if age >= WAIT_MS {
        return None;
    }
    let early = FIRST_MINUTES
        .iter()
        .map(|minutes| minutes * MINUTE_MS)
        .find(|after| *after > age);
    let after = early.unwrap_or_else(|| (age / HOUR_MS + 1) * HOUR_MS);
    Some(created_at.saturating_add(after))
}

impl Orders {
    /// One round; how many orders were asked about.
    ///
    /// # Errors
    /// When the database refuses; what was done before stays done.
    pub(super) async fn poll(&self) -> Result<usize, DbErr> {
        let due = rows::due(self.0.db.read(), self.0.clock.now_ms(), HANDFUL).await?;
        let asked: Vec<Result<bool, DbErr>> = futures::stream::iter(due)
            .map(|row| self.look_after(row))
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut mine = 0;
        for done in asked {
            mine += usize::from(done?);
        }
        Ok(mine)
    }

    /// False when another node has it.
    async fn look_after(&self, row: Row) -> Result<bool, DbErr> {
        let (now, view) = (self.0.clock.now_ms(), &row.view);
        let next = next_look(view.created_at, now);
        let sql = "UPDATE orders SET next_look_at = $2, looks = looks + 1
                   WHERE id = $1 AND next_look_at = $3 AND looks = $4 AND settled_at IS NULL";
        let values = [
            view.id.to_string().into(),
            next.unwrap_or(now + AGAIN_MS).into(),
            row.next_look_at.into(),
            row.looks.into(),
        ];
        if exec(self.0.db.write(), sql, values).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let Some(provider) = self.0.registry.get(view.provider) else {
            // Not set up any more: it may be again.
            return Ok(true);
        };
        if !provider.caps().online {
            self.end_waiting(&row, now).await?;
            return Ok(true);
        }
        let answered = match self.ask(provider.as_ref(), view.provider, &row).await {
            Ok(Some(observed)) => {
                let news = News {
                    provider: view.provider,
                    observed: &observed,
                    event: None,
                };
                // Paid without a rate to credit it by: not over.
                self.settle(&news).await? != Outcome::Waiting
            }
            // It never heard of it.
            Ok(None) | Err(Fault::Unknown) => true,
            Err(fault) => {
                tracing::info!(order = %view.id, provider = %view.provider, %fault, "A provider of payments was asked about an order in vain; asked again later");
                false
            }
        };
        if answered && next.is_none() {
            self.end_waiting(&row, now).await?;
        }
        Ok(true)
    }

    /// How the payment of an order is; `None` when there is none.
    async fn ask(
        &self,
        provider: &dyn Provider,
        id: ProviderId,
        row: &Row,
    ) -> Result<Option<Observed>, Fault> {
        if let Some(object) = row.view.provider_ref.clone() {
            return provider.fetch(object).await.map(Some);
        }
        // We stopped before the answer came that has its name: it is found by ours.
        let (made, ours) = (row.view.created_at, row.view.id.to_string());
        let mut days = vec![day_of(made), day_of(made + HOUR_MS)];
        days.dedup();
        for day in days {
            let listed = provider.list_day(day).await?;
            if let Some(observed) = listed
                .payments
                .into_iter()
                .find(|seen| seen.reference == ours)
            {
                tracing::info!(order = %row.view.id, provider = %id, "An order's payment was found in the provider's list");
                return Ok(Some(observed));
            }
        }
        Ok(None)
    }

    /// The last look brought nothing. What is not paid expires, and is looked at once more a day later; what the provider
    /// says is on its way is asked about daily.
    async fn end_waiting(&self, row: &Row, now: UnixMs) -> Result<(), DbErr> {
        let sql = "UPDATE orders SET
                next_look_at = CASE WHEN status IN ('created', 'pending', 'processing') AND $3 = 1 THEN CAST($2 AS BIGINT) ELSE NULL END,
                status = CASE WHEN status IN ('created', 'pending') THEN 'expired' ELSE status END
             WHERE id = $1 AND settled_at IS NULL";
        let online = i64::from(row.view.provider != ProviderId::Manual);
        let values = [
            row.view.id.to_string().into(),
            (now + DAY_MS).into(),
            online.into(),
        ];
        exec(self.0.db.write(), sql, values).await?;
        if row.view.status.is_open() && row.view.status != OrderStatus::Processing {
            tracing::info!(order = %row.view.id, provider = %row.view.provider, "An order was never paid: it has expired");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_looks_are_those_that_were_promised() {
        let created = 1_795_132_800_000;
        let (mut at, mut looks) = (first_look(true, created), Vec::new());
        loop {
            looks.push((at - created) / MINUTE_MS);
            match next_look(created, at) {
                Some(next) => {
                    assert!(next > at, "a look is never due at once again");
                    at = next;
                }
                None => break,
            }
        }
        assert_eq!(looks[..7], [1, 2, 5, 15, 60, 120, 180]);
        assert_eq!(looks.last(), Some(&(48 * 60)));
        assert_eq!(looks.len(), 5 + 47);
        // A node that was away for a while goes on with the next one.
        assert_eq!(
            next_look(created, created + 16 * MINUTE_MS),
            Some(created + HOUR_MS)
        );
        assert_eq!(next_look(created, created + WAIT_MS), None);
    }
}
