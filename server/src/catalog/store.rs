//! What does an operator give to put models and prices into the catalogue, and what is refused?

use domain::ids::{PriceId, UpstreamId};
use domain::price::More;
use domain::price_rule::Effort;
use domain::terms::PriceList;
use domain::views::UnixMs;
use domain::{Markup, MoneyError, Price, PricePerMtok, Terms};
use sea_orm::{ConnectionTrait, DbErr, Value};
use serde::Serialize;
use thiserror::Error;

use crate::db::{exec, places};
use crate::ids::NewId;

use super::row;
use super::snapshot::{Model, all_price_tools};

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
#[derive(Debug, Clone, Default)]
pub struct NewPrice {
    pub input: PricePerMtok,
    /// The price of `input` when `None`.
    pub cached_input: Option<PricePerMtok>,
    pub output: PricePerMtok,
    /// The other buckets.
    pub more: More,
    /// What calls of another tier or effort pay, or those with a long prompt.
    pub variants: Vec<(Terms, Price)>,
    /// The provider's tools cost nothing, and that is meant. Where their price is zero and this is not said, calls that
    /// offer such tools are refused.
    pub tools_free: bool,
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
        let list = PriceList {
            base: markup.on_price(&cost)?,
            variants: Vec::new(),
        };
        Ok(Self {
            cost_input: Some(cost.input),
            cost_cached_input: Some(cost.cached_input),
            cost_output: Some(cost.output),
            markup: Some(markup),
            ..Self::of_list(list)
        })
    }

    /// Exactly these prices.
    #[must_use]
    pub fn of_list(list: PriceList) -> Self {
        let price = list.base;
        Self {
            input: price.input,
            cached_input: Some(price.cached_input),
            output: price.output,
            more: More {
                cache_write: Some(price.cache_write),
                cache_write_1h: Some(price.cache_write_1h),
                audio_input: Some(price.audio_input),
                image_input: Some(price.image_input),
                reasoning: Some(price.reasoning),
                audio_output: Some(price.audio_output),
                image_output: Some(price.image_output),
                tool_calls: Some(price.tool_calls),
                units: Some(price.units),
                call: Some(price.call),
                unit: price.unit,
            },
            variants: list.variants,
            ..Self::default()
        }
    }

    /// Whether it is said what the provider's tools cost, be it nothing: whatever a call comes to be charged by.
    #[must_use]
    pub fn prices_tools(&self) -> bool {
        let variants = self.variants.iter().map(|(_, price)| price);
        self.tools_free || all_price_tools(&self.price(), variants)
    }

    /// What callers pay, per bucket.
    #[must_use]
    pub fn price(&self) -> Price {
        let cached_input = self.cached_input.unwrap_or(self.input);
        Price::stated(self.input, cached_input, self.output, &self.more)
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
    /// What calls of another tier or effort pay, or those with a long prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantView>,
    pub effective_from: UnixMs,
}

/// One of its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantView {
    pub id: PriceId,
    #[serde(flatten)]
    pub terms: Terms,
    pub price: Price,
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
    #[error("two prices of a version are for the same calls")]
    SameCalls,
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

/// Publishes a version: its row, and one for each of its variants.
pub(super) async fn insert_price<C: ConnectionTrait>(
    conn: &C,
    model: &str,
    new: &NewPrice,
    from: UnixMs,
    now: UnixMs,
) -> Result<PriceView, CatalogError> {
    let id = PriceId::new();
    let mut rows = vec![(id, Terms::default(), new.price())];
    for (terms, price) in &new.variants {
        if rows.iter().any(|(_, there, _)| there == terms) {
            return Err(CatalogError::SameCalls);
        }
        rows.push((PriceId::new(), *terms, *price));
    }
    let cost = |price: Option<PricePerMtok>| price.map(PricePerMtok::micro_usd).into();
    let columns = format!(
        "id, model_id, version_id, tier, effort, prompt_from, {}, cost_input, cost_cached_input, cost_output, markup_bp, tools_free, effective_from, created_at",
        row::names()
    );
    let sql = format!(
        "INSERT INTO price ({columns}) VALUES ({})",
        places(columns.split(',').count())
    );
    for (row, terms, price) in &rows {
        let prompt_from = i64::try_from(terms.prompt_from).map_err(|_| MoneyError::Overflow)?;
        let mut values: Vec<Value> = vec![
            row.to_string().into(),
            model.into(),
            (*row != id).then(|| id.to_string()).into(),
            terms.tier.id().into(),
            terms.effort.map(Effort::id).into(),
            prompt_from.into(),
        ];
        values.extend(row::values(price));
        values.extend([
            cost(new.cost_input),
            cost(new.cost_cached_input),
            cost(new.cost_output),
            new.markup.map(|markup| i64::from(markup.bp())).into(),
            i64::from(new.tools_free).into(),
            from.into(),
            now.into(),
        ]);
        exec(conn, &sql, values).await?;
    }
    let variants = rows.split_off(1).into_iter();
    Ok(PriceView {
        id,
        model: model.to_owned(),
        price: new.price(),
        variants: variants
            .map(|(id, terms, price)| VariantView { id, terms, price })
            .collect(),
        effective_from: from,
    })
}
