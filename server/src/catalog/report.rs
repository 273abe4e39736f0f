//! How does the catalogue look to an administrator? Every model, what it costs, where it is served, and what was
//! published when. Read from the database, because the snapshot that calls use leaves out what is switched off.

use std::collections::BTreeMap;

use domain::ids::{PriceId, UpstreamId};
use domain::views::UnixMs;
use domain::{Markup, Price, PricePerMtok};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};

use crate::db::{Db, all, one};

use super::row;
use super::snapshot::{Variant, parsed, variants};

/// A model in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRow {
    pub id: String,
    /// Tokens that prompt and answer may have together.
    pub context: u64,
    pub created_at: UnixMs,
    /// Since when it is switched off.
    pub disabled_at: Option<UnixMs>,
    /// The version in force.
    pub price: Option<PriceRow>,
    /// When the next version starts.
    pub next_price_at: Option<UnixMs>,
    /// Names of its upstreams, first choice first.
    pub upstreams: Vec<String>,
}

/// A model with everything about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDetail {
    pub id: String,
    pub context: u64,
    pub created_at: UnixMs,
    pub disabled_at: Option<UnixMs>,
    /// First choice first.
    pub routes: Vec<RouteRow>,
    /// The latest start first.
    pub prices: Vec<PriceRow>,
}

/// One upstream that serves a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteRow {
    pub upstream: UpstreamId,
    pub name: String,
    /// The model's name there.
    pub upstream_model: String,
    pub priority: u32,
    pub weight: u32,
    /// Whether the upstream itself is switched off.
    pub off: bool,
}

/// What the operator pays, where known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub input: Option<PricePerMtok>,
    pub cached_input: Option<PricePerMtok>,
    pub output: Option<PricePerMtok>,
}

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    pub id: PriceId,
    pub price: Price,
    /// Its prices for other tiers, efforts and lengths of prompt.
    pub variants: Vec<Variant>,
    pub cost: Cost,
    pub markup: Option<Markup>,
    pub effective_from: UnixMs,
    pub created_at: UnixMs,
    pub in_force: InForce,
}

/// Whether calls are charged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    NotYet,
    Now,
    NoLonger,
}

pub(super) async fn rows(db: &Db, now: UnixMs) -> Result<Vec<ModelRow>, DbErr> {
    let moment = db.snapshot().await?;
    let mut prices = prices(&moment, None, now).await?;
    let mut routes = routes(&moment, None).await?;
    let sql = "SELECT id, context, created_at, disabled_at FROM model ORDER BY id";
    let mut models = Vec::new();
    for row in all(&moment, sql, []).await? {
        let id: String = row.try_get("", "id")?;
        let prices = prices.remove(&id).unwrap_or_default();
        let upstreams = routes.remove(&id).unwrap_or_default();
        let coming = prices.iter().filter(|p| p.in_force == InForce::NotYet);
        models.push(ModelRow {
            context: count(&row, "context")?,
            created_at: row.try_get("", "created_at")?,
            disabled_at: row.try_get("", "disabled_at")?,
            price: prices.iter().find(|p| p.in_force == InForce::Now).cloned(),
            next_price_at: coming.map(|p| p.effective_from).min(),
            upstreams: upstreams.into_iter().map(|route| route.name).collect(),
            id,
        });
    }
    moment.rollback().await?;
    Ok(models)
}

pub(super) async fn detail(
    db: &Db,
    model: &str,
    now: UnixMs,
) -> Result<Option<ModelDetail>, DbErr> {
    let moment = db.snapshot().await?;
    let sql = "SELECT context, created_at, disabled_at FROM model WHERE id = $1";
    let Some(row) = one(&moment, sql, [model.into()]).await? else {
        return Ok(None);
    };
    let found = ModelDetail {
        id: model.to_owned(),
        context: count(&row, "context")?,
        created_at: row.try_get("", "created_at")?,
        disabled_at: row.try_get("", "disabled_at")?,
        routes: routes(&moment, Some(model))
            .await?
            .remove(model)
            .unwrap_or_default(),
        prices: prices(&moment, Some(model), now)
            .await?
            .remove(model)
            .unwrap_or_default(),
    };
    moment.rollback().await?;
    Ok(Some(found))
}

/// The routes of one model, or of all.
async fn routes<C: ConnectionTrait>(
    conn: &C,
    model: Option<&str>,
) -> Result<BTreeMap<String, Vec<RouteRow>>, DbErr> {
    let sql = "SELECT r.model_id, r.upstream_id, r.upstream_model, r.priority, r.weight, u.name, u.disabled_at
               FROM route r JOIN upstream u ON u.id = r.upstream_id
               WHERE $1 = '' OR r.model_id = $1 ORDER BY r.priority, r.weight DESC, r.upstream_id";
    let mut found: BTreeMap<String, Vec<RouteRow>> = BTreeMap::new();
    for row in all(conn, sql, [model.unwrap_or_default().into()]).await? {
        let route = RouteRow {
            upstream: parsed(&row.try_get::<String>("", "upstream_id")?)?,
            name: row.try_get("", "name")?,
            upstream_model: row.try_get("", "upstream_model")?,
            priority: small(&row, "priority")?,
            weight: small(&row, "weight")?,
            off: row.try_get::<Option<i64>>("", "disabled_at")?.is_some(),
        };
        found
            .entry(row.try_get("", "model_id")?)
            .or_default()
            .push(route);
    }
    Ok(found)
}

/// The price versions of one model, or of all; the latest start first. Of two with the same start, the one published
/// later counts, as in the snapshot.
async fn prices<C: ConnectionTrait>(
    conn: &C,
    model: Option<&str>,
    now: UnixMs,
) -> Result<BTreeMap<String, Vec<PriceRow>>, DbErr> {
    let sql = format!(
        "SELECT p.id, p.model_id, {}, p.cost_input, p.cost_cached_input, p.cost_output, p.markup_bp, p.effective_from, p.created_at
         FROM price p WHERE ($1 = '' OR p.model_id = $1) AND p.version_id IS NULL ORDER BY p.effective_from DESC, p.id DESC",
        row::columns("p")
    );
    let mut variants = variants(conn).await?;
    let mut found: BTreeMap<String, Vec<PriceRow>> = BTreeMap::new();
    for row in all(conn, &sql, [model.unwrap_or_default().into()]).await? {
        let variants = variants.remove(&row.try_get::<String>("", "id")?);
        let versions = found.entry(row.try_get("", "model_id")?).or_default();
        let effective_from: UnixMs = row.try_get("", "effective_from")?;
        let in_force = if effective_from > now {
            InForce::NotYet
        } else if versions.iter().any(|p| p.in_force == InForce::Now) {
            InForce::NoLonger
        } else {
            InForce::Now
        };
        versions.push(PriceRow {
            variants: variants.unwrap_or_default(),
            ..price(&row, effective_from, in_force)?
        });
    }
    Ok(found)
}

fn price(row: &QueryResult, effective_from: UnixMs, in_force: InForce) -> Result<PriceRow, DbErr> {
    let wrong = |error: domain::MoneyError| DbErr::Type(error.to_string());
    let maybe = |name: &str| {
        row.try_get::<Option<i64>>("", name)?
            .map(PricePerMtok::from_micro_usd)
            .transpose()
            .map_err(wrong)
    };
    Ok(PriceRow {
        id: parsed(&row.try_get::<String>("", "id")?)?,
        price: row::read_always(row, "p")?,
        variants: Vec::new(),
        cost: Cost {
            input: maybe("cost_input")?,
            cached_input: maybe("cost_cached_input")?,
            output: maybe("cost_output")?,
        },
        markup: row
            .try_get::<Option<i64>>("", "markup_bp")?
            .map(Markup::from_bp)
            .transpose()
            .map_err(wrong)?,
        effective_from,
        created_at: row.try_get("", "created_at")?,
        in_force,
    })
}

fn count(row: &QueryResult, name: &str) -> Result<u64, DbErr> {
    Ok(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
}

fn small(row: &QueryResult, name: &str) -> Result<u32, DbErr> {
    Ok(u32::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
}
