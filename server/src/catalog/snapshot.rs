//! The catalogue in memory: what a call reads on its way, without a lock and without the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::{PriceId, UpstreamId};
use domain::views::UnixMs;
use domain::{Price, PricePerMtok};
use sea_orm::{DbErr, QueryResult};

use crate::db::{Db, all};

/// All models for sale at one moment, by id. What is switched off is as if it did not exist.
#[derive(Debug, Default)]
pub struct Snapshot {
    models: BTreeMap<String, Arc<Model>>,
}

/// A model as callers name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub id: String,
    /// Tokens that prompt and answer may have together.
    pub context: u64,
    pub created_at: UnixMs,
    /// Where it is served, first choice first.
    pub routes: Vec<Route>,
    /// Price versions, the latest start first.
    prices: Vec<PriceVersion>,
}

/// One upstream that serves the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub upstream: UpstreamId,
    /// The model's name there.
    pub upstream_model: String,
    pub priority: i64,
    pub weight: u32,
}

/// An immutable price with its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceVersion {
    pub id: PriceId,
    pub price: Price,
    pub effective_from: UnixMs,
}

impl Snapshot {
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&Arc<Model>> {
        self.models.get(id)
    }

    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }
}

impl Model {
    /// A model outside the catalogue that costs nothing: one of the sandbox, for test keys.
    #[must_use]
    pub fn free(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            context: 1_000_000,
            created_at: 0,
            routes: Vec::new(),
            prices: Vec::new(),
        }
    }

    /// Every version, the latest start first; of two with the same start, the one published later first.
    #[must_use]
    pub fn versions(&self) -> &[PriceVersion] {
        &self.prices
    }

    /// The version in force at `now`: the one that started last.
    #[must_use]
    pub fn price_at(&self, now: UnixMs) -> Option<&PriceVersion> {
        self.prices
            .iter()
            .find(|version| version.effective_from <= now)
    }
}

pub(super) async fn load(db: &Db) -> Result<Snapshot, DbErr> {
    let moment = db.snapshot().await?;
    let mut models = BTreeMap::new();
    for row in all(
        &moment,
        "SELECT id, context, created_at FROM model WHERE disabled_at IS NULL",
        [],
    )
    .await?
    {
        let id: String = row.try_get("", "id")?;
        let context = u64::try_from(row.try_get::<i64>("", "context")?).unwrap_or(0);
        let created_at = row.try_get("", "created_at")?;
        models.insert(
            id.clone(),
            Model {
                id,
                context,
                created_at,
                routes: Vec::new(),
                prices: Vec::new(),
            },
        );
    }
    let sql = "SELECT model_id, upstream_id, upstream_model, priority, weight FROM route ORDER BY priority, weight DESC, upstream_id";
    for row in all(&moment, sql, []).await? {
        if let Some(model) = models.get_mut(&row.try_get::<String>("", "model_id")?) {
            model.routes.push(route(&row)?);
        }
    }
    // Of two versions with the same start, the one published later counts (ids sort by age).
    let sql = "SELECT id, model_id, input, cached_input, output, effective_from FROM price ORDER BY effective_from DESC, id DESC";
    for row in all(&moment, sql, []).await? {
        if let Some(model) = models.get_mut(&row.try_get::<String>("", "model_id")?) {
            model.prices.push(version(&row)?);
        }
    }
    moment.rollback().await?;
    Ok(Snapshot {
        models: models
            .into_iter()
            .map(|(id, model)| (id, Arc::new(model)))
            .collect(),
    })
}

fn route(row: &QueryResult) -> Result<Route, DbErr> {
    Ok(Route {
        upstream: parsed(&row.try_get::<String>("", "upstream_id")?)?,
        upstream_model: row.try_get("", "upstream_model")?,
        priority: row.try_get("", "priority")?,
        weight: u32::try_from(row.try_get::<i64>("", "weight")?).unwrap_or(1),
    })
}

fn version(row: &QueryResult) -> Result<PriceVersion, DbErr> {
    let price = |name: &str| {
        let micro_usd = row.try_get::<i64>("", name)?;
        PricePerMtok::from_micro_usd(micro_usd).map_err(|error| DbErr::Type(error.to_string()))
    };
    Ok(PriceVersion {
        id: parsed(&row.try_get::<String>("", "id")?)?,
        price: Price {
            input: price("input")?,
            cached_input: price("cached_input")?,
            output: price("output")?,
        },
        effective_from: row.try_get("", "effective_from")?,
    })
}

pub(super) fn parsed<T: std::str::FromStr<Err = domain::ids::IdError>>(
    text: &str,
) -> Result<T, DbErr> {
    text.parse()
        .map_err(|error: domain::ids::IdError| DbErr::Type(error.to_string()))
}
