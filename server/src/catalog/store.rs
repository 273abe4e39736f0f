//! How do models and prices get into the catalogue? By an operator's command, each in one transaction.

use domain::ids::PriceId;
use domain::views::UnixMs;
use domain::{Price, PricePerMtok};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
use thiserror::Error;

use crate::changes::{Topic, bump};
use crate::db::{Db, exec, one};
use crate::ids::NewId;

use super::snapshot::Model;

/// What an operator gives to add a model.
#[derive(Debug, Clone)]
pub struct NewModel {
    pub id: String,
    /// The upstream's name.
    pub upstream: String,
    /// The model's name there; the same as `id` when `None`.
    pub upstream_model: Option<String>,
    pub price: NewPrice,
    /// Tokens that prompt and answer may have together.
    pub context: u64,
}

/// What an operator gives to publish a price.
#[derive(Debug, Clone, Copy, Default)]
pub struct NewPrice {
    pub input: PricePerMtok,
    /// The price of `input` when `None`.
    pub cached_input: Option<PricePerMtok>,
    pub output: PricePerMtok,
    /// What the operator pays, where known.
    pub cost_input: Option<PricePerMtok>,
    pub cost_cached_input: Option<PricePerMtok>,
    pub cost_output: Option<PricePerMtok>,
}

/// A model with its price of now. Prices are micro-dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelView {
    pub id: String,
    pub context: u64,
    pub created_at: UnixMs,
    pub price_version: PriceId,
    pub price: Price,
}

impl ModelView {
    pub(super) fn of(model: &Model, now: UnixMs) -> Option<Self> {
        let version = model.price_at(now)?;
        Some(Self {
            id: model.id.clone(),
            context: model.context,
            created_at: model.created_at,
            price_version: version.id,
            price: version.price,
        })
    }
}

/// A published price version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceView {
    pub id: PriceId,
    pub model: String,
    pub price: Price,
    pub effective_from: UnixMs,
}

/// Why the catalogue did not take it.
#[derive(Debug, Error)]
pub enum CatalogError {
    #[error(
        "a model id is 1 to 200 characters without spaces; letters, digits and . _ - / : @ are usual"
    )]
    ModelId,
    #[error("there is a model {0} already; `farebox admin price set` changes its price")]
    ModelExists(String),
    #[error("there is no model {0}; `farebox admin model create` adds one")]
    NoModel(String),
    #[error("there is no upstream {0}; `farebox admin upstream create` adds one")]
    NoUpstream(String),
    #[error("the context must be between 1 and 1000000000 tokens")]
    Context,
    #[error(
        "a price cannot start in the past: charges already made would no longer follow from it"
    )]
    PriceInThePast,
    #[error("the database refused")]
    Database(#[from] DbErr),
}

pub(super) async fn create_model(
    db: &Db,
    new: NewModel,
    now: UnixMs,
) -> Result<ModelView, CatalogError> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    if new.id.is_empty() || new.id.len() > 200 || !new.id.chars().all(plain) {
        return Err(CatalogError::ModelId);
    }
    let context = i64::try_from(new.context)
        .ok()
        .filter(|tokens| (1..=1_000_000_000).contains(tokens))
        .ok_or(CatalogError::Context)?;
    let tx = db.begin().await?;
    let upstream: String = one(
        &tx,
        "SELECT id FROM upstream WHERE name = $1",
        [new.upstream.clone().into()],
    )
    .await?
    .ok_or(CatalogError::NoUpstream(new.upstream))?
    .try_get("", "id")?;
    let sql = "INSERT INTO model (id, context, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
    if exec(
        &tx,
        sql,
        [new.id.clone().into(), context.into(), now.into()],
    )
    .await?
    .rows_affected()
        == 0
    {
        return Err(CatalogError::ModelExists(new.id));
    }
    let upstream_model = new.upstream_model.unwrap_or_else(|| new.id.clone());
    let sql = "INSERT INTO route (model_id, upstream_id, upstream_model) VALUES ($1, $2, $3)";
    exec(
        &tx,
        sql,
        [
            new.id.clone().into(),
            upstream.into(),
            upstream_model.into(),
        ],
    )
    .await?;
    let version = insert_price(&tx, &new.id, new.price, now, now).await?;
    bump(&tx, Topic::Catalog).await?;
    tx.commit().await?;
    Ok(ModelView {
        id: new.id,
        context: new.context,
        created_at: now,
        price_version: version.id,
        price: version.price,
    })
}

pub(super) async fn set_price(
    db: &Db,
    model: &str,
    price: NewPrice,
    from: Option<UnixMs>,
    now: UnixMs,
) -> Result<PriceView, CatalogError> {
    let from = from.unwrap_or(now);
    if from < now {
        return Err(CatalogError::PriceInThePast);
    }
    let tx = db.begin().await?;
    if one(&tx, "SELECT id FROM model WHERE id = $1", [model.into()])
        .await?
        .is_none()
    {
        return Err(CatalogError::NoModel(model.to_owned()));
    }
    let version = insert_price(&tx, model, price, from, now).await?;
    bump(&tx, Topic::Catalog).await?;
    tx.commit().await?;
    Ok(version)
}

async fn insert_price<C: ConnectionTrait>(
    conn: &C,
    model: &str,
    new: NewPrice,
    from: UnixMs,
    now: UnixMs,
) -> Result<PriceView, DbErr> {
    let id = PriceId::new();
    let price = Price {
        input: new.input,
        cached_input: new.cached_input.unwrap_or(new.input),
        output: new.output,
    };
    let cost = |price: Option<PricePerMtok>| price.map(PricePerMtok::micro_usd).into();
    let sql = "INSERT INTO price (id, model_id, input, cached_input, output, cost_input, cost_cached_input, cost_output,
                   effective_from, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = [
        id.to_string().into(),
        model.into(),
        price.input.micro_usd().into(),
        price.cached_input.micro_usd().into(),
        price.output.micro_usd().into(),
        cost(new.cost_input),
        cost(new.cost_cached_input),
        cost(new.cost_output),
        from.into(),
        now.into(),
    ];
    exec(conn, sql, values).await?;
    Ok(PriceView {
        id,
        model: model.to_owned(),
        price,
        effective_from: from,
    })
}
