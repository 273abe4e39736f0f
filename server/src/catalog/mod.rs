//! What is for sale, and what does it cost? Models and their price versions, read without locking.

mod desk;
mod published;
mod report;
pub(crate) mod row;
mod snapshot;
mod store;
#[cfg(test)]
mod tests;

pub use desk::Desk;
pub use published::{Published, PublishedPrice};
pub use report::{Cost, InForce, ModelDetail, ModelRow, PriceRow, RouteRow};
pub use snapshot::{Model, PriceVersion, Route, Snapshot, Variant};
pub use store::{CatalogError, ModelView, NewModel, NewPrice, NewRoute, PriceView, VariantView};

use std::sync::Arc;

use arc_swap::ArcSwap;
use domain::PricePerMtok;
use domain::views::UnixMs;
use sea_orm::DbErr;

use crate::audit::{Audit, By};
use crate::clock::Clock;
use crate::db::Db;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Catalog(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    audit: Audit,
    snapshot: ArcSwap<Snapshot>,
}

impl Catalog {
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            audit: Audit::new(db.clone(), clock.clone()),
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

    /// The models of now whose answers have a price, and whose price does not say what the tools cost that a provider runs.
    #[must_use]
    pub fn unpriced_tools(&self) -> Vec<String> {
        self.conversing(|version| !version.prices_tools())
    }

    /// Those at which uses of such tools are given away.
    #[must_use]
    pub fn free_tools(&self) -> Vec<String> {
        self.conversing(|version| {
            version.tools_free && version.price.tool_calls == PricePerMtok::FREE
        })
    }

    fn conversing(&self, is_one: impl Fn(&PriceVersion) -> bool) -> Vec<String> {
        let now = self.0.clock.now_ms();
        let is_one =
            |version: &PriceVersion| version.price.output != PricePerMtok::FREE && is_one(version);
        self.snapshot()
            .models()
            .filter(|model| model.price_at(now).is_some_and(is_one))
            .map(|model| model.id.clone())
            .collect()
    }

    /// Every model for sale with all versions of its price, by id: what everybody may see.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        let now = self.0.clock.now_ms();
        self.snapshot()
            .models()
            .filter_map(|model| Published::of(model, now))
            .collect()
    }

    /// The same of one model; `None` when it is not for sale.
    #[must_use]
    pub fn published_model(&self, model: &str) -> Option<Published> {
        Published::of(self.snapshot().model(model)?, self.0.clock.now_ms())
    }

    /// The verbs that change the catalogue, each written into the audit log under this name.
    #[must_use]
    pub fn acting(&self, by: By) -> Desk<'_> {
        Desk { catalog: self, by }
    }

    /// Adds a model, its route and its first price, as Farebox itself.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn create_model(&self, new: NewModel) -> Result<ModelView, CatalogError> {
        self.acting(By::SYSTEM).create_model(new).await
    }

    /// Publishes a new price version, in force from `from` (now when `None`), as Farebox itself. Calls in flight keep
    /// theirs.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn set_price(
        &self,
        model: &str,
        price: NewPrice,
        from: Option<UnixMs>,
    ) -> Result<PriceView, CatalogError> {
        self.acting(By::SYSTEM).set_price(model, price, from).await
    }

    /// Every model, those switched off too, by id: for administrators, read from the database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rows(&self) -> Result<Vec<ModelRow>, DbErr> {
        report::rows(&self.0.db, self.0.clock.now_ms()).await
    }

    /// One model with its routes and every version of its price; `None` when there is no such model.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn detail(&self, model: &str) -> Result<Option<ModelDetail>, DbErr> {
        report::detail(&self.0.db, model, self.0.clock.now_ms()).await
    }
}
