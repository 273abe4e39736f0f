//! What is a dollar in the reader's currency, and may somebody pay in it? Rates of the ECB, the central bank of Russia,
//! openexchangerates and administrators, kept as they were published and held in memory.
//!
//! - `client`, `document`, `ecb`, `cbr`, `openexchange`: asking, and reading what comes back.
//! - `sane`: which of it is believed. `store`: the rows. `job`: when.
//! - `desk`: what administrators set. `history`: what held before. `first`: the snapshot in the repository.
//!
//! The arithmetic (tables, crosses, quotes, refunds) is `domain::fx`, without a clock or a database.

mod cbr;
mod client;
mod desk;
mod document;
mod ecb;
mod first;
mod history;
mod job;
mod openexchange;
mod sane;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::fx::{Charging, Coins, Quote, QuoteError, Source, Spread, Table};
use domain::views::UnixMs;
use domain::{Amount, Currency};
use sea_orm::DbErr;

use crate::audit::{Audit, By};
use crate::clock::Clock;
use crate::db::Db;
use crate::secrets::Secret;

pub use desk::{Desk, SetError};
pub use history::Past;
pub use job::{FetchError, Fetched};
pub use store::SourceState;

/// How long a quote holds: half an hour.
pub const QUOTE_MS: i64 = 30 * 60_000;

/// Who is asked, and how.
#[derive(Debug, Clone, Default)]
pub struct RatesConfig {
    /// The central banks that are asked; openexchangerates is when it has a key.
    pub sources: Vec<Source>,
    pub openexchangerates_key: Option<Secret>,
    /// A proxy for these questions alone, where a source cannot be reached directly. It may have a password in it.
    pub proxy: Option<Secret>,
    /// Answers for all sources, on this machine; only where Farebox is local.
    pub stand_in: Option<SocketAddr>,
    pub spreads: Spreads,
}

/// What the operator keeps of the middle rate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spreads {
    pub usual: Spread,
    pub of: BTreeMap<Currency, Spread>,
}

impl Spreads {
    #[must_use]
    pub fn of(&self, currency: Currency) -> Spread {
        self.of.get(&currency).copied().unwrap_or(self.usual)
    }
}

impl RatesConfig {
    /// The sources that are asked.
    #[must_use]
    pub fn asked(&self) -> Vec<Source> {
        let key = self.openexchangerates_key.is_some();
        let mut asked = self.sources.clone();
        asked.extend(key.then_some(Source::OpenExchangeRates));
        asked
    }
}

/// The rates. Cheap to clone.
#[derive(Clone)]
pub struct Rates(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    audit: Audit,
    config: RatesConfig,
    table: ArcSwap<Table>,
}

impl Rates {
    /// With the built-in rates alone, until [`Rates::reload`].
    #[must_use]
    pub fn new(db: Db, clock: Clock, config: RatesConfig) -> Self {
        Self(Arc::new(Inner {
            audit: Audit::new(db.clone(), clock.clone()),
            db,
            clock,
            config,
            table: ArcSwap::from_pointee(first::table()),
        }))
    }

    /// Reads what is stored, and chooses anew for today.
    ///
    /// # Errors
    /// When the database cannot be read; the old table stays.
    pub async fn reload(&self) -> Result<(), DbErr> {
        let published = store::load(&self.0.db).await?;
        let table = first::table().with(&published, self.now());
        self.0.table.store(Arc::new(table));
        Ok(())
    }

    /// The rates in force. Take it once for what is shown together.
    #[must_use]
    pub fn table(&self) -> Arc<Table> {
        self.0.table.load_full()
    }

    /// May somebody pay in this currency now?
    #[must_use]
    pub fn charging(&self, currency: Currency) -> Charging {
        self.table().charging(currency, self.now())
    }

    /// What arrives for these coins, with the operator's spread; holds for half an hour.
    ///
    /// # Errors
    /// [`QuoteError`]: too old, too small, too large.
    pub fn quote(&self, paid: Coins) -> Result<Quote, QuoteError> {
        let spread = self.0.config.spreads.of(paid.currency());
        Quote::for_coins(paid, &self.table(), spread, self.now(), QUOTE_MS)
    }

    /// The fewest coins of `currency` that bring this credit.
    ///
    /// # Errors
    /// As [`Rates::quote`].
    pub fn quote_credit(&self, credit: Amount, currency: Currency) -> Result<Quote, QuoteError> {
        let spread = self.0.config.spreads.of(currency);
        Quote::for_credit(
            credit,
            currency,
            &self.table(),
            spread,
            self.now(),
            QUOTE_MS,
        )
    }

    /// The sources that this installation asks.
    #[must_use]
    pub fn asked(&self) -> Vec<Source> {
        self.0.config.asked()
    }

    /// How each source did when it was asked last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sources(&self) -> Result<Vec<SourceState>, DbErr> {
        store::states(&self.0.db).await
    }

    /// What was published and set for a currency, the newest first, at most `limit` lines.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn history(&self, currency: Currency, limit: usize) -> Result<Vec<Past>, DbErr> {
        history::history(&self.0.db, currency, limit).await
    }

    /// The verbs that change rates, each written into the audit log under this name.
    #[must_use]
    pub fn acting(&self, by: By) -> Desk<'_> {
        Desk { rates: self, by }
    }

    fn now(&self) -> UnixMs {
        self.0.clock.now_ms()
    }
}
