//! When is a source asked, and what becomes of its answer? Hourly, by one node at a time; what is not believed changes
//! nothing.

use std::time::Duration;

use domain::Currency;
use domain::fx::{Source, day_of};
use domain::views::UnixMs;
use sea_orm::DbErr;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, Client};
use super::document::Document;
use super::{Rates, cbr, ecb, first, openexchange, sane, store};

/// How often we look whether a source is due.
const LOOK: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;
/// After a failure. Not for who counts requests.
const AGAIN_MS: i64 = 10 * 60_000;
/// Up to so much later, so that installations do not all ask at once.
const JITTER_MS: i64 = 6 * 60_000;

/// What asking a source brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The day of the document; `None` when it is the one from before.
    pub date: Option<UnixMs>,
    /// New rates.
    pub stored: usize,
    /// Currencies that keep their old rate, because the new one is not believable.
    pub moved: Vec<Currency>,
}

/// Why nothing was stored.
#[derive(Debug, Error)]
pub enum FetchError {
    #[error("{0} is being asked already")]
    Busy(Source),
    #[error("{0}: {1}; the old rates stay in use")]
    Refused(Source, String),
    #[error(transparent)]
    Database(#[from] DbErr),
}

impl Rates {
    /// Keeps rates fresh until told to stop.
    pub async fn keep(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut today = day_of(self.now());
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            for source in self.0.config.asked() {
                let turn = self.turn(source, false);
                match stop.run_until_cancelled(turn).await {
                    Some(Err(FetchError::Database(error))) => {
                        tracing::warn!(%error, %source, "Rates cannot be kept: the database does not answer; tried again in a minute");
                    }
                    // What was refused has been said.
                    Some(_) => {}
                    None => return,
                }
            }
            // A new day: yesterday's rate for today is in force, and some may have grown too old.
            if day_of(self.now()) != today && self.reload().await.is_ok() {
                today = day_of(self.now());
            }
        }
    }

    /// Asks a source now, whenever it was asked last.
    ///
    /// # Errors
    /// [`FetchError`]; whatever was in use stays.
    pub async fn fetch(&self, source: Source) -> Result<Fetched, FetchError> {
        self.turn(source, true)
            .await?
            .ok_or(FetchError::Busy(source))
    }

    /// `None` when the source is not due.
    pub(super) async fn turn(
        &self,
        source: Source,
        at_once: bool,
    ) -> Result<Option<Fetched>, FetchError> {
        let db = &self.0.db;
        let Some(mut turn) = store::take(db, source, self.now(), at_once).await? else {
            return Ok(None);
        };
        let before = turn.refused.take();
        let outcome = self.ask(source, &mut turn).await;
        let now = self.now();
        let (refused, wait) = match &outcome {
            Ok(fetched) => (moved_words(&fetched.moved), HOUR_MS),
            // It counts requests, a thousand a month for nothing.
            Err(FetchError::Refused(_, reason)) if source == Source::OpenExchangeRates => {
                (Some(reason.clone()), HOUR_MS)
            }
            Err(FetchError::Refused(_, reason)) => (Some(reason.clone()), AGAIN_MS),
            Err(error) => (Some(error.to_string()), AGAIN_MS),
        };
        // Said once, and again when it is something else.
        match &refused {
            Some(reason) if refused != before => {
                tracing::warn!(%source, reason, "Rates were not taken over; those from before stay in use");
            }
            None if before.is_some() => tracing::info!(%source, "Rates are taken over again"),
            _ => {}
        }
        if refused.is_some() && outcome.is_ok() {
            // Asked without condition next time: part of this document is still open.
            turn.last_modified = None;
        }
        turn.refused = refused;
        store::done(db, source, now, now + wait + jitter(), &turn).await?;
        outcome.map(Some)
    }

    async fn ask(&self, source: Source, turn: &mut store::Turn) -> Result<Fetched, FetchError> {
        let refused = |reason: String| FetchError::Refused(source, reason);
        let client = Client::new(&self.0.config).map_err(|error| {
            refused(format!(
                "the client cannot be set up: {}",
                error.without_url()
            ))
        })?;
        let answer = client
            .ask(source, turn.last_modified.as_deref())
            .await
            .map_err(|error| refused(error.to_string()))?;
        let Answer::New { raw, last_modified } = answer else {
            return Ok(Fetched {
                date: None,
                stored: 0,
                moved: Vec::new(),
            });
        };
        let document = read(source, &raw).map_err(refused)?;
        let fetched = self.take_over(&document).await?;
        turn.last_modified = last_modified;
        Ok(fetched)
    }

    /// Stores what is believable of a document, and uses it.
    pub(super) async fn take_over(&self, document: &Document) -> Result<Fetched, FetchError> {
        let db = &self.0.db;
        let (published, now) = (store::load(db).await?, self.now());
        let judged = sane::judge(document, &published, &first::table(), now)
            .map_err(|insane| FetchError::Refused(document.source, insane.to_string()))?;
        let stored = store::store(db, document, &judged.rates, now).await?;
        if stored > 0 {
            tracing::info!(source = %document.source, stored, sha256 = document.raw_sha256, "New rates");
            self.reload().await?;
        }
        Ok(Fetched {
            date: Some(document.date),
            stored,
            moved: judged.moved,
        })
    }
}

/// Reads a source's document; the error is in words.
fn read(source: Source, raw: &[u8]) -> Result<Document, String> {
    match source {
        Source::Ecb => ecb::parse(raw),
        Source::Cbr => cbr::parse(raw),
        Source::OpenExchangeRates => openexchange::parse(raw),
        // Nobody is asked for these.
        Source::First | Source::Manual => return Err("it has no document".to_owned()),
    }
    .map_err(|error| format!("its document is refused: {error}"))
}

fn moved_words(moved: &[Currency]) -> Option<String> {
    let codes: Vec<&str> = moved.iter().map(|currency| currency.code()).collect();
    (!codes.is_empty()).then(|| {
        format!(
            "{} moved by more than 10 % and keep their old rates; confirm a new level with `farebox admin rate set`",
            codes.join(", ")
        )
    })
}

fn jitter() -> i64 {
    let mut bytes = [0_u8; 2];
    // Without randomness the waits are only less scattered.
    let _ = getrandom::fill(&mut bytes);
    JITTER_MS * i64::from(u16::from_ne_bytes(bytes)) / i64::from(u16::MAX)
}
