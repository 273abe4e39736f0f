//! What does everybody see of the catalogue? Models for sale with every version of their price: those that were, the
//! one in force, and those announced. From the snapshot that calls use, so that nothing else is shown than charged.

use std::sync::Arc;

use domain::ids::PriceId;
use domain::price_rule::Asked;
use domain::views::UnixMs;
use domain::{Price, Usage};

use super::report::InForce;
use super::snapshot::{Model, PriceVersion, Variant};

/// A model for sale. What the operator pays, and whom, is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub id: String,
    /// Tokens that prompt and answer may have together.
    pub context: u64,
    pub now: PublishedPrice,
    /// Every version, the latest start first; `now` is among them.
    pub versions: Vec<PublishedPrice>,
}

/// A version of a price and when it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPrice {
    pub id: PriceId,
    pub price: Price,
    /// Its prices for other tiers, efforts and lengths of prompt.
    pub variants: Arc<[Variant]>,
    pub from: UnixMs,
    /// The start of the version after it, if there is one. The same as `from` when two were published for one moment:
    /// the later publication counts.
    pub until: Option<UnixMs>,
    pub in_force: InForce,
}

impl Published {
    /// `None` for a model without a price in force: it cannot be called.
    pub(super) fn of(model: &Model, now: UnixMs) -> Option<Self> {
        let current = model.price_at(now)?.id;
        let mut until = None;
        let versions: Vec<_> = model
            .versions()
            .iter()
            .map(|version| {
                let shown = PublishedPrice::of(version, until, current, now);
                until = Some(version.effective_from);
                shown
            })
            .collect();
        Some(Self {
            id: model.id.clone(),
            context: model.context,
            now: versions
                .iter()
                .find(|version| version.id == current)?
                .clone(),
            versions,
        })
    }

    /// The version that follows the one in force.
    #[must_use]
    pub fn next(&self) -> Option<&PublishedPrice> {
        // Of two that start together the first counts: it was published later.
        let start = self.now.until?;
        self.versions.iter().find(|version| version.from == start)
    }
}

impl PublishedPrice {
    /// What a call that asks for no tier and no effort, and uses so much, is charged by.
    #[must_use]
    pub fn for_usage(&self, usage: &Usage) -> &Price {
        let variant = Variant::for_call(&self.variants, Asked::default(), usage);
        variant.map_or(&self.price, |variant| &variant.price)
    }

    fn of(version: &PriceVersion, until: Option<UnixMs>, current: PriceId, now: UnixMs) -> Self {
        let in_force = if version.effective_from > now {
            InForce::NotYet
        } else if version.id == current {
            InForce::Now
        } else {
            InForce::NoLonger
        };
        Self {
            id: version.id,
            price: version.price,
            variants: Arc::clone(&version.variants),
            from: version.effective_from,
            until,
            in_force,
        }
    }
}
