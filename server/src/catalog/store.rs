//! What does an operator give to put models and prices into the catalogue, and what is refused?

use domain::ids::{PriceId, UpstreamId};
use domain::views::UnixMs;
use domain::{Markup, MoneyError, Price, PricePerMtok};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
use thiserror::Error;

use crate::db::exec;
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
    /// What the prices were computed with from the costs; `None` when they were typed.
    pub markup: Option<Markup>,
}

impl NewPrice {
    /// The price that a mark-up makes of what the operator pays: what a preview shows, and what is published.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the price would be beyond reason.
    pub fn from_cost(cost: Price, markup: Markup) -> Result<Self, MoneyError> {
        let price = markup.on_price(&cost)?;
        Ok(Self {
            input: price.input,
            cached_input: Some(price.cached_input),
            output: price.output,
            cost_input: Some(cost.input),
            cost_cached_input: Some(cost.cached_input),
            cost_output: Some(cost.output),
            markup: Some(markup),
        })
    }

    /// What callers pay, per bucket.
    #[must_use]
    pub fn price(&self) -> Price {
        Price {
            input: self.input,
            cached_input: self.cached_input.unwrap_or(self.input),
            output: self.output,
        }
    }
}

/// What an operator gives to have a model served by an upstream.
#[derive(Debug, Clone)]
pub struct NewRoute {
    pub upstream: UpstreamId,
    /// The model's name there.
    pub upstream_model: String,
    /// Lower is tried first: 0 to 1 000.
    pub priority: u32,
    /// Share among the routes of one priority: 1 to 1 000.
    pub weight: u32,
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
    #[error("the model's name at the upstream is 1 to 200 characters without spaces")]
    UpstreamModel,
    #[error("the priority must be between 0 and 1000")]
    Priority,
    #[error("the weight must be between 1 and 1000")]
    Weight,
    #[error("the model is not served by this upstream")]
    NoRoute,
    #[error("this is the model's only upstream; switch the model off instead")]
    LastRoute,
    #[error("the price is out of range")]
    Price(#[from] MoneyError),
    #[error("the database refused")]
    Database(#[from] DbErr),
}

/// Names that callers and upstreams can be given.
pub(super) fn is_model_name(name: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control();
    (1..=200).contains(&name.len()) && name.chars().all(plain)
}

/// A context as the database keeps it.
pub(super) fn checked_context(tokens: u64) -> Result<i64, CatalogError> {
    i64::try_from(tokens)
        .ok()
        .filter(|tokens| (1..=1_000_000_000).contains(tokens))
        .ok_or(CatalogError::Context)
}

impl NewRoute {
    pub(super) fn check(&self) -> Result<(), CatalogError> {
        if !is_model_name(&self.upstream_model) {
            Err(CatalogError::UpstreamModel)
        } else if self.priority > 1_000 {
            Err(CatalogError::Priority)
        } else if !(1..=1_000).contains(&self.weight) {
            Err(CatalogError::Weight)
        } else {
            Ok(())
        }
    }
}

pub(super) async fn insert_price<C: ConnectionTrait>(
    conn: &C,
    model: &str,
    new: &NewPrice,
    from: UnixMs,
    now: UnixMs,
) -> Result<PriceView, DbErr> {
    let id = PriceId::new();
    let price = new.price();
    let cost = |price: Option<PricePerMtok>| price.map(PricePerMtok::micro_usd).into();
    let sql = "INSERT INTO price (id, model_id, input, cached_input, output, cost_input, cost_cached_input, cost_output,
                   markup_bp, effective_from, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = [
        id.to_string().into(),
        model.into(),
        price.input.micro_usd().into(),
        price.cached_input.micro_usd().into(),
        price.output.micro_usd().into(),
        cost(new.cost_input),
        cost(new.cost_cached_input),
        cost(new.cost_output),
        new.markup.map(|markup| i64::from(markup.bp())).into(),
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
