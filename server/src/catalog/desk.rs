//! What can an administrator do to the catalogue? Each verb is one transaction: the change, its line in the audit log,
//! and the counter that tells running servers.

use domain::ids::UpstreamId;
use domain::views::UnixMs;
use domain::{Markup, Price};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::{Value, json};

use crate::audit::{Act, By};
use crate::changes::{Topic, bump};
use crate::db::{exec, for_update, one};

use super::Catalog;
use super::store::{
    CatalogError, ModelView, NewModel, NewPrice, NewRoute, PriceView, checked_context,
    insert_price, is_model_name,
};

/// The catalogue in somebody's hands.
pub struct Desk<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) by: By,
}

impl Desk<'_> {
    /// Adds a model, its route and its first price.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn create_model(&self, new: NewModel) -> Result<ModelView, CatalogError> {
        if !is_model_name(&new.id) {
            return Err(CatalogError::ModelId);
        }
        let context = checked_context(new.context)?;
        let upstream_model = new.upstream_model.unwrap_or_else(|| new.id.clone());
        if !is_model_name(&upstream_model) {
            return Err(CatalogError::UpstreamModel);
        }
        let (now, tx) = self.begin().await?;
        let upstream: String = one(
            &tx,
            "SELECT id FROM upstream WHERE name = $1",
            [new.upstream.clone().into()],
        )
        .await?
        .ok_or_else(|| CatalogError::NoUpstream(new.upstream.clone()))?
        .try_get("", "id")?;
        let sql = "INSERT INTO model (id, context, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING";
        let values = [new.id.clone().into(), context.into(), now.into()];
        if exec(&tx, sql, values).await?.rows_affected() == 0 {
            return Err(CatalogError::ModelExists(new.id));
        }
        let sql = "INSERT INTO route (model_id, upstream_id, upstream_model) VALUES ($1, $2, $3)";
        let values = [
            new.id.clone().into(),
            upstream.into(),
            upstream_model.clone().into(),
        ];
        exec(&tx, sql, values).await?;
        let version = insert_price(&tx, &new.id, &new.price, now, now).await?;
        let detail = json!({
            "context": new.context,
            "upstream": new.upstream,
            "upstream_model": upstream_model,
            "price": told(&new.price, &version),
        });
        self.end(tx, "model.create", &new.id, detail).await?;
        Ok(ModelView {
            id: new.id,
            context: new.context,
            created_at: now,
            price_version: version.id,
            price: version.price,
        })
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
        let (now, tx) = self.begin().await?;
        let from = from.unwrap_or(now);
        if from < now {
            return Err(CatalogError::PriceInThePast);
        }
        context_of(&tx, model).await?;
        let version = insert_price(&tx, model, &price, from, now).await?;
        self.end(tx, "price.publish", model, told(&price, &version))
            .await?;
        Ok(version)
    }

    /// Publishes what a mark-up makes of the operator's cost; see [`NewPrice::from_cost`] for how it will look.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn publish_price(
        &self,
        model: &str,
        cost: Price,
        markup: Markup,
        from: Option<UnixMs>,
    ) -> Result<PriceView, CatalogError> {
        self.set_price(model, NewPrice::from_cost(cost, markup)?, from)
            .await
    }

    /// Switches a model off (callers are told that there is no such model) or on again. Calls in flight end as they
    /// would have.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn switch_model(&self, model: &str, on: bool) -> Result<(), CatalogError> {
        let (now, tx) = self.begin().await?;
        context_of(&tx, model).await?;
        let sql = "UPDATE model SET disabled_at = $2 WHERE id = $1 AND (disabled_at IS NULL) <> ($2 IS NULL)";
        let at = (!on).then_some(now);
        // The same twice changes nothing, and is no second act.
        if exec(&tx, sql, [model.into(), at.into()])
            .await?
            .rows_affected()
            == 0
        {
            return Ok(());
        }
        let action = if on { "model.enable" } else { "model.disable" };
        self.end(tx, action, model, json!({})).await
    }

    /// Says how many tokens prompt and answer may have together.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn set_context(&self, model: &str, tokens: u64) -> Result<(), CatalogError> {
        let context = checked_context(tokens)?;
        let (_, tx) = self.begin().await?;
        let before = context_of(&tx, model).await?;
        if before == context {
            return Ok(());
        }
        let sql = "UPDATE model SET context = $2 WHERE id = $1";
        exec(&tx, sql, [model.into(), context.into()]).await?;
        let detail = json!({"before": before, "after": context});
        self.end(tx, "model.context", model, detail).await
    }

    /// Has a model served by an upstream, or changes how it is.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn put_route(&self, model: &str, route: NewRoute) -> Result<(), CatalogError> {
        route.check()?;
        let (_, tx) = self.begin().await?;
        context_of(&tx, model).await?;
        let upstream = route.upstream.to_string();
        let name = upstream_name(&tx, route.upstream).await?;
        let before = route_of(&tx, model, &upstream).await?;
        let sql = "INSERT INTO route (model_id, upstream_id, upstream_model, priority, weight) VALUES ($1, $2, $3, $4, $5)
                   ON CONFLICT (model_id, upstream_id) DO UPDATE
                   SET upstream_model = excluded.upstream_model, priority = excluded.priority, weight = excluded.weight";
        let values = [
            model.into(),
            upstream.into(),
            route.upstream_model.clone().into(),
            i64::from(route.priority).into(),
            i64::from(route.weight).into(),
        ];
        exec(&tx, sql, values).await?;
        let after = json!({
            "upstream_model": route.upstream_model,
            "priority": route.priority,
            "weight": route.weight,
        });
        if before.as_ref() == Some(&after) {
            return Ok(());
        }
        let detail = json!({"upstream": name, "before": before, "after": after});
        self.end(tx, "route.set", model, detail).await
    }

    /// Takes an upstream away from a model that has another one.
    ///
    /// # Errors
    /// See [`CatalogError`].
    pub async fn remove_route(
        &self,
        model: &str,
        upstream: UpstreamId,
    ) -> Result<(), CatalogError> {
        let (_, tx) = self.begin().await?;
        context_of(&tx, model).await?;
        let id = upstream.to_string();
        let before = route_of(&tx, model, &id)
            .await?
            .ok_or(CatalogError::NoRoute)?;
        let name = upstream_name(&tx, upstream).await?;
        let sql = "DELETE FROM route WHERE model_id = $1 AND upstream_id = $2";
        exec(&tx, sql, [model.into(), id.into()]).await?;
        let sql = "SELECT upstream_id FROM route WHERE model_id = $1";
        if one(&tx, sql, [model.into()]).await?.is_none() {
            return Err(CatalogError::LastRoute);
        }
        let detail = json!({"upstream": name, "before": before});
        self.end(tx, "route.remove", model, detail).await
    }

    async fn begin(&self) -> Result<(UnixMs, DatabaseTransaction), CatalogError> {
        let inner = &self.catalog.0;
        Ok((inner.clock.now_ms(), inner.db.begin().await?))
    }

    /// Writes the act down, tells running servers, commits, and reads the catalogue anew.
    async fn end(
        &self,
        tx: DatabaseTransaction,
        action: &'static str,
        model: &str,
        detail: Value,
    ) -> Result<(), CatalogError> {
        let act = Act {
            actor: self.by.actor,
            action,
            subject: None,
            target: Some(model.to_owned()),
            detail,
            from: self.by.from,
        };
        self.catalog.0.audit.note(&tx, &act).await?;
        bump(&tx, Topic::Catalog).await?;
        tx.commit().await?;
        Ok(self.catalog.reload().await?)
    }
}

/// A price for the audit log, in micro-dollars per million tokens.
fn told(price: &NewPrice, version: &PriceView) -> Value {
    json!({
        "price_version": version.id,
        "price": version.price,
        "variants": version.variants,
        "cost_input": price.cost_input,
        "cost_cached_input": price.cost_cached_input,
        "cost_output": price.cost_output,
        "markup_bp": price.markup,
        "effective_from": version.effective_from,
    })
}

/// The model's context; its row is locked until commit.
async fn context_of<C: ConnectionTrait>(conn: &C, model: &str) -> Result<i64, CatalogError> {
    let sql = format!(
        "SELECT context FROM model WHERE id = $1{}",
        for_update(conn)
    );
    let row = one(conn, &sql, [model.into()])
        .await?
        .ok_or_else(|| CatalogError::NoModel(model.to_owned()))?;
    Ok(row.try_get("", "context")?)
}

async fn upstream_name<C: ConnectionTrait>(
    conn: &C,
    upstream: UpstreamId,
) -> Result<String, CatalogError> {
    let sql = "SELECT name FROM upstream WHERE id = $1";
    let row = one(conn, sql, [upstream.to_string().into()])
        .await?
        .ok_or_else(|| CatalogError::NoUpstream(upstream.to_string()))?;
    Ok(row.try_get("", "name")?)
}

async fn route_of<C: ConnectionTrait>(
    conn: &C,
    model: &str,
    upstream: &str,
) -> Result<Option<Value>, CatalogError> {
    let sql = "SELECT upstream_model, priority, weight FROM route WHERE model_id = $1 AND upstream_id = $2";
    let Some(row) = one(conn, sql, [model.into(), upstream.into()]).await? else {
        return Ok(None);
    };
    Ok(Some(json!({
        "upstream_model": row.try_get::<String>("", "upstream_model")?,
        "priority": row.try_get::<i64>("", "priority")?,
        "weight": row.try_get::<i64>("", "weight")?,
    })))
}
