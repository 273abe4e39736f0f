//! The catalogue in memory: what a call reads on its way, without a lock and without the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::ids::{PriceId, UpstreamId};
use domain::price_rule::{Asked, Tier};
use domain::views::UnixMs;
use domain::{Price, Terms, Usage};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use super::row;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceVersion {
    pub id: PriceId,
    /// Of calls that no variant is for.
    pub price: Price,
    pub variants: Arc<[Variant]>,
    /// The provider's tools are given away, knowingly: their price is zero because somebody said so.
    pub tools_free: bool,
    pub effective_from: UnixMs,
}

/// Another price of a version, for some of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    pub id: PriceId,
    pub terms: Terms,
    pub price: Price,
}

impl Variant {
    /// The one of a version's that a call is charged by; `None` for the version itself.
    pub(super) fn for_call<'a>(
        variants: &'a [Self],
        asked: Asked,
        usage: &Usage,
    ) -> Option<&'a Self> {
        let terms = variants.iter().map(|variant| variant.terms);
        let chosen = Terms::choose(terms, asked, usage.served, usage.prompt());
        chosen.and_then(|place| variants.get(place))
    }
}

/// Whether each price of a version says what a use of the provider's tools costs.
pub(super) fn all_price_tools<'a>(
    base: &'a Price,
    variants: impl Iterator<Item = &'a Price>,
) -> bool {
    std::iter::once(base)
        .chain(variants)
        .all(|price| price.tool_calls.micro_usd() > 0)
}

impl PriceVersion {
    /// A price that is the same for all calls.
    #[must_use]
    pub fn plain(id: PriceId, price: Price) -> Self {
        Self {
            id,
            price,
            variants: Arc::default(),
            tools_free: true,
            effective_from: 0,
        }
    }

    /// Whether it is said what the provider's tools cost, be it nothing: whatever a call comes to be charged by.
    #[must_use]
    pub fn prices_tools(&self) -> bool {
        let variants = self.variants.iter().map(|variant| &variant.price);
        self.tools_free || all_price_tools(&self.price, variants)
    }

    /// The one row that a call is charged by, chosen once, when it is settled: by what was asked for, how the upstream
    /// says it was served, and how long the prompt was.
    #[must_use]
    pub fn for_call(&self, asked: Asked, usage: &Usage) -> (PriceId, &Price) {
        match Variant::for_call(&self.variants, asked, usage) {
            Some(variant) => (variant.id, &variant.price),
            None => (self.id, &self.price),
        }
    }

    /// Enough for the call however it comes to be served, with a prompt of at most so many tokens: the dearest of every
    /// bucket among the prices that [`Self::for_call`] may choose. For the hold, never for the charge.
    #[must_use]
    pub fn dearest(&self, asked: Asked, prompt_at_most: u64) -> Price {
        let served = std::iter::once(None).chain(Tier::ALL.into_iter().map(Some));
        let lengths = self
            .variants
            .iter()
            .map(|variant| variant.terms.prompt_from);
        let lengths: Vec<u64> = lengths
            .filter(|from| *from <= prompt_at_most)
            .chain([0])
            .collect();
        served
            .flat_map(|served| lengths.iter().map(move |prompt| (served, *prompt)))
            .map(|(served, input)| {
                let usage = Usage {
                    input,
                    served,
                    ..Usage::default()
                };
                *self.for_call(asked, &usage).1
            })
            .reduce(|one, other| one.or_dearer(&other))
            .unwrap_or(self.price)
    }
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
    let mut variants = variants(&moment).await?;
    let sql = format!(
        "SELECT p.id, p.model_id, p.effective_from, p.tools_free, {} FROM price p WHERE p.version_id IS NULL
         ORDER BY p.effective_from DESC, p.id DESC",
        row::columns("p")
    );
    for row in all(&moment, &sql, []).await? {
        if let Some(model) = models.get_mut(&row.try_get::<String>("", "model_id")?) {
            let id: String = row.try_get("", "id")?;
            model.prices.push(PriceVersion {
                variants: variants.remove(&id).unwrap_or_default().into(),
                id: parsed(&id)?,
                price: row::read_always(&row, "p")?,
                tools_free: row.try_get::<i64>("", "tools_free")? != 0,
                effective_from: row.try_get("", "effective_from")?,
            });
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

/// The variants of every version, by its id.
pub(super) async fn variants<C: ConnectionTrait>(
    conn: &C,
) -> Result<BTreeMap<String, Vec<Variant>>, DbErr> {
    let sql = format!(
        "SELECT p.id, p.version_id, p.tier, p.effort, p.prompt_from, {} FROM price p WHERE p.version_id IS NOT NULL ORDER BY p.id",
        row::columns("p")
    );
    let mut found: BTreeMap<String, Vec<Variant>> = BTreeMap::new();
    for row in all(conn, &sql, []).await? {
        let of = found.entry(row.try_get("", "version_id")?).or_default();
        of.push(Variant {
            id: parsed(&row.try_get::<String>("", "id")?)?,
            terms: row::terms(&row)?,
            price: row::read_always(&row, "p")?,
        });
    }
    Ok(found)
}

pub(super) fn parsed<T: std::str::FromStr<Err = domain::ids::IdError>>(
    text: &str,
) -> Result<T, DbErr> {
    text.parse()
        .map_err(|error: domain::ids::IdError| DbErr::Type(error.to_string()))
}
