//! What does the customer do to pay? The provider is asked for its page, after our own row is committed.

use domain::ids::{OrderId, WorkspaceId};
use domain::order::Next;
use sea_orm::DbErr;
use tokio::time::timeout;

use super::look::PATIENCE;
use super::provider::{Fault, Provider, Wanted, return_url, webhook_url};
use super::{OrderError, Orders};
use crate::db::exec;

impl Orders {
    /// What the customer does to pay: asks the provider for its page, or says where to transfer money to. May be called
    /// again, for who comes back to an order that is not paid: it is the same payment.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Status`], [`OrderError::Provider`], [`OrderError::NoSuchMethod`].
    pub async fn begin(&self, workspace: WorkspaceId, id: OrderId) -> Result<Next, OrderError> {
        let view = self.find_written(id).await?;
        if view.workspace != workspace {
            return Err(OrderError::NotFound);
        }
        if !view.status.is_payable() {
            return Err(OrderError::Status(view.status));
        }
        let provider = self
            .0
            .registry
            .get(view.provider)
            .ok_or(OrderError::NoSuchMethod)?;
        let wanted = Wanted {
            order: id,
            reference: view.reference,
            paid: view.quote.paid,
            return_url: return_url(&self.0.public_url, id),
            webhook_url: webhook_url(&self.0.public_url, view.provider),
        };
        let opened = timeout(PATIENCE, provider.create(wanted)).await.map_err(|_| {
            tracing::warn!(order = %id, provider = %view.provider, "A provider of payments is slow; an order's page did not wait for it");
            OrderError::Provider
        })?;
        let opened = opened.map_err(|fault| {
            tracing::warn!(order = %id, provider = %view.provider, %fault, "A provider of payments did not open a payment");
            OrderError::Provider
        })?;
        if self.attach(id, opened.object.as_deref()).await? {
            return Ok(opened.next);
        }
        if let Some(object) = &opened.object
            && self.replace(id, provider.as_ref(), object).await?
        {
            return Ok(opened.next);
        }
        tracing::error!(order = %id, provider = %view.provider, "A provider of payments opened a second payment for an order; nobody is sent to it");
        Err(OrderError::Provider)
    }

    /// A provider that has forgotten the order's payment has made another one: that is the order's from now on. False when
    /// it still knows the old one, or cannot be asked.
    async fn replace(
        &self,
        id: OrderId,
        provider: &dyn Provider,
        object: &str,
    ) -> Result<bool, OrderError> {
        let Some(old) = self.find_written(id).await?.provider_ref else {
            return Ok(false);
        };
        let known = timeout(PATIENCE, provider.fetch(old.clone())).await;
        if !matches!(known, Ok(Err(Fault::Unknown))) {
            return Ok(false);
        }
        let sql = "UPDATE orders SET provider_ref = $3 WHERE id = $1 AND provider_ref = $2 AND settled_at IS NULL
               AND NOT EXISTS (SELECT 1 FROM orders x WHERE x.provider = orders.provider AND x.provider_ref = $3)";
        let values = [id.to_string().into(), old.into(), object.into()];
        let changed = exec(self.0.db.write(), sql, values).await?;
        Ok(changed.rows_affected() == 1)
    }

    /// Notes what the provider calls the order. A webhook may have been faster, so the order may be further already; false
    /// when the order has another payment, or the payment another order.
    async fn attach(&self, id: OrderId, object: Option<&str>) -> Result<bool, DbErr> {
        let sql = "UPDATE orders SET provider_ref = coalesce(provider_ref, $2),
                status = CASE WHEN status = 'created' THEN 'pending' ELSE status END
             WHERE id = $1 AND (provider_ref IS NULL OR CAST($2 AS TEXT) IS NULL OR provider_ref = $2)
               AND NOT EXISTS (SELECT 1 FROM orders x WHERE x.provider = orders.provider AND x.provider_ref = $2 AND x.id <> $1)";
        let object: Option<String> = object.map(str::to_owned);
        let values = [id.to_string().into(), object.into()];
        let changed = exec(self.0.db.write(), sql, values).await?;
        Ok(changed.rows_affected() == 1)
    }
}
