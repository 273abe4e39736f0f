//! Does it work, and did it work? Looked at every few seconds and counted once a minute, for a page that asks the
//! database nothing.
//!
//! Parts of ours (the API, the pages, the database) are up or down minute by minute, as the nodes saw it themselves; a
//! minute in which no node wrote anything counts as down. Families of models are told by the calls they answered.

mod history;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use domain::views::UnixMs;
use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

pub use history::{DAYS, HOURS, Share};
use history::{History, hour_of};
use store::Bits;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::db::Db;
use crate::ledger::Ledger;

const LOOK_EVERY: Duration = Duration::from_secs(20);
/// A database that takes longer than this is away for callers too.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is older says nothing about now.
const FRESH_MS: i64 = 90_000;
pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
/// How many hours a node remembers for a database that is away.
const PENDING_MAX: usize = 3 * 48;

/// A part of the service that is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What takes calls and charges them.
    Api,
    /// What people see.
    Pages,
    Database,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Api, Self::Pages, Self::Database];

    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Pages => "pages",
            Self::Database => "database",
        }
    }

    fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.id() == id)
    }
}

/// How something does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Works,
    /// Some calls fail.
    Partly,
    Fails,
    /// Nothing was asked of it lately, so nobody knows.
    Quiet,
}

impl State {
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Partly => "partly",
            Self::Fails => "fails",
            Self::Quiet => "quiet",
        }
    }
}

/// Everything the page shows, of one moment.
#[derive(Debug, Clone)]
pub struct Picture {
    pub at: UnixMs,
    /// Since when there are figures.
    pub since: Option<UnixMs>,
    pub parts: Vec<PartPicture>,
    pub families: Vec<FamilyPicture>,
}

#[derive(Debug, Clone)]
pub struct PartPicture {
    pub part: Part,
    pub now: State,
    /// Minutes up and down.
    pub history: Bars,
}

#[derive(Debug, Clone)]
pub struct FamilyPicture {
    /// What the names of its models begin with: `gpt`.
    pub family: String,
    pub now: State,
    /// The middle time until the first byte of the last calls of 24 hours, in milliseconds.
    pub first_byte_ms: Option<u64>,
    /// Calls answered and failed.
    pub history: Bars,
}

/// The last 24 hours and 90 days (of UTC), the oldest first; the last of each is still running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars {
    pub hours: Vec<Share>,
    pub days: Vec<Share>,
}

impl Bars {
    /// All hours together.
    #[must_use]
    pub fn last_day(&self) -> Share {
        Share::sum(&self.hours)
    }

    /// All days together.
    #[must_use]
    pub fn all(&self) -> Share {
        Share::sum(&self.days)
    }
}

/// What was seen at the last look.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    at: UnixMs,
    api: bool,
    database: bool,
}

/// Watches and tells. Cheap to clone.
#[derive(Clone)]
pub struct Status(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    ledger: Ledger,
    catalog: Catalog,
    last: Mutex<Look>,
    /// Minutes that are not written yet, by part and hour.
    pending: Mutex<BTreeMap<(Part, UnixMs), Bits>>,
    history: ArcSwap<History>,
}

impl Status {
    #[must_use]
    pub fn new(db: Db, clock: Clock, ledger: Ledger, catalog: Catalog) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            ledger,
            catalog,
            last: Mutex::default(),
            pending: Mutex::default(),
            history: ArcSwap::default(),
        }))
    }

    /// Looks again and again until told to stop.
    pub async fn keep(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            match stop.run_until_cancelled(self.look()).await {
                // That the database is away is a thing to show here, and said in the log by everybody who needs it.
                Some(Err(error)) => {
                    tracing::debug!(%error, "The status could not be written; it is remembered")
                }
                Some(Ok(())) => {}
                None => return,
            }
        }
    }

    /// Looks once: sees what works, writes it down, counts calls when it is this node's turn, reads the history anew.
    ///
    /// # Errors
    /// When the database is away; what was seen is kept for later, and the picture shows it.
    pub async fn look(&self) -> Result<(), DbErr> {
        let inner = &self.0;
        let answered = tokio::time::timeout(PATIENCE, inner.db.ping()).await;
        let now = inner.clock.now_ms();
        let look = Look {
            at: now,
            api: inner.ledger.is_healthy(),
            database: matches!(answered, Ok(Ok(()))),
        };
        *inner.last.lock() = look;
        self.note(look);
        if !look.database {
            return Err(DbErr::Custom("the database does not answer".to_owned()));
        }
        self.write().await?;
        if store::take_turn(&inner.db, now).await? {
            store::count_calls(&inner.db, now).await?;
        }
        let history = History::read(&inner.db, now).await?;
        inner.history.store(Arc::new(history));
        Ok(())
    }

    fn note(&self, look: Look) {
        let hour = hour_of(look.at);
        let bit = 1_i64 << (look.at - hour).div_euclid(MINUTE_MS);
        let mut pending = self.0.pending.lock();
        for (part, up) in [
            (Part::Api, look.api && look.database),
            (Part::Pages, true),
            (Part::Database, look.database),
        ] {
            let bits = pending.entry((part, hour)).or_default();
            if up {
                bits.up |= bit;
            } else {
                bits.down |= bit;
            }
        }
        while pending.len() > PENDING_MAX {
            pending.pop_first();
        }
    }

    /// Writes what is pending. What comes meanwhile, or could not be written, stays for the next time.
    async fn write(&self) -> Result<(), DbErr> {
        let pending = self.0.pending.lock().clone();
        for ((part, hour), bits) in pending {
            store::put_minutes(&self.0.db, part, hour, bits).await?;
            let mut open = self.0.pending.lock();
            if open.get(&(part, hour)) == Some(&bits) {
                open.remove(&(part, hour));
            }
        }
        Ok(())
    }

    /// What is known now. Asks no database.
    #[must_use]
    pub fn picture(&self) -> Picture {
        let inner = &self.0;
        let now = inner.clock.now_ms();
        let look = *inner.last.lock();
        let fresh = (0..FRESH_MS).contains(&now.saturating_sub(look.at));
        let state = |up: bool| match (fresh, up) {
            (false, _) => State::Quiet,
            (true, true) => State::Works,
            (true, false) => State::Fails,
        };
        let history = inner.history.load();
        let parts = Part::ALL.map(|part| PartPicture {
            part,
            now: match part {
                Part::Api => state(look.api && look.database),
                // Whoever reads this got an answer.
                Part::Pages => State::Works,
                Part::Database => state(look.database),
            },
            history: history.part(part, now),
        });
        let mut names: Vec<String> = inner
            .catalog
            .published()
            .iter()
            .map(|model| family(&model.id).to_owned())
            .collect();
        names.sort();
        names.dedup();
        let families = names.into_iter().map(|name| {
            let bars = history.family(&name, now);
            let recent = Share::sum(&bars.hours[bars.hours.len().saturating_sub(2)..]);
            FamilyPicture {
                now: recent.state(),
                first_byte_ms: history.first_byte(&name),
                history: bars,
                family: name,
            }
        });
        Picture {
            at: if look.at == 0 { now } else { look.at },
            since: history.since,
            families: families.collect(),
            parts: parts.into(),
        }
    }
}

/// What the name of a model begins with, its maker left out: `gpt` of `openai/gpt-5-mini`.
#[must_use]
pub fn family(model: &str) -> &str {
    let name = model.rsplit('/').next().unwrap_or(model);
    name.split(['-', ':', '_', '.', '@'])
        .next()
        .filter(|first| !first.is_empty())
        .unwrap_or(name)
}
