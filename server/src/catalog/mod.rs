//! What is for sale, and what does it cost? Models and their price versions, read without locking.

mod snapshot;
mod store;
#[cfg(test)]
mod tests;

pub use snapshot::{Model, PriceVersion, Route, Snapshot};
pub use store::{CatalogError, ModelView, NewModel, NewPrice, PriceView};

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::clock::Clock;
use crate::db::Db;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    snapshot: ArcSwap<Snapshot>,
}

impl Catalog {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            snapshot: ArcSwap::default(),
        }))
    }

    /// Reads everything anew; callers in flight keep what they pinned.
    ///
    /// # Errors
    /// When the database cannot be read; the old snapshot stays.
    pub async fn reload(&self) -> Result<(), DbErr> {
        self.0
            .snapshot
            .store(Arc::new(snapshot::load(&self.0.db).await?));
        Ok(())
    }

    /// The catalogue as last read.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.snapshot.load_full()
    }

    /// Every model with its price of now, by id; one without a price in force is not for sale.
    #[must_use]
    pub fn models(&self) -> Vec<ModelView> {
        let now = self.0.clock.now_ms();
        self.snapshot()
            .models()
            .filter_map(|model| ModelView::of(model, now))
            .collect()
    }

    /// Adds a model, its route and its first price.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn create_model(&self, new: NewModel) -> Result<ModelView, CatalogError> {
        let view = store::create_model(&self.0.db, new, self.0.clock.now_ms()).await?;
        self.reload().await?;
        Ok(view)
    }

    /// Publishes a new price version, in force from `from` (now when `None`). Calls in flight keep theirs.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn set_price(
        &self,
        model: &str,
        price: NewPrice,
        from: Option<UnixMs>,
    ) -> Result<PriceView, CatalogError> {
        let view = store::set_price(&self.0.db, model, price, from, self.0.clock.now_ms()).await?;
        self.reload().await?;
        Ok(view)
    }
}
