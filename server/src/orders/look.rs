//! How did it go? The page that people come back to asks, and what it learns is settled as a webhook's news would be.

use std::time::Duration;

use domain::ids::{OrderId, WorkspaceId};
use domain::order::OrderView;
use sea_orm::DbErr;
use tokio::time::timeout;

use super::settle::News;
use super::{OrderError, Orders};
use crate::db::exec;

/// How long somebody who looks at a page waits for the provider.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// Pages that reload themselves do not make a provider's day longer.
const ONCE_MS: i64 = 1_000;

impl Orders {
    /// Asks the provider how an order is, settles it when it is paid, and answers how it is now. For the page that people
    /// come back to: at most one question a second reaches the provider, and a provider that does not answer is no error.
    ///
    /// # Errors
    /// [`OrderError::NotFound`], [`OrderError::Database`].
    pub async fn look(&self, workspace: WorkspaceId, id: OrderId) -> Result<OrderView, OrderError> {
        let view = self
            .find(workspace, id)
            .await?
            .ok_or(OrderError::NotFound)?;
        let (Some(object), false) = (&view.provider_ref, view.status.was_credited()) else {
            return Ok(view);
        };
        let Some(provider) = self.0.registry.get(view.provider) else {
            return Ok(view);
        };
        if !provider.caps().online || !self.may_look(id).await? {
            return Ok(view);
        }
        // A page does not wait as long as a worker may.
        match timeout(PATIENCE, provider.fetch(object.clone())).await {
            Err(_) => {
                tracing::info!(order = %id, provider = %view.provider, "A provider of payments is slow; an order's page did not wait for it");
            }
            Ok(Ok(observed)) => {
                let news = News {
                    provider: view.provider,
                    observed: &observed,
                    event: None,
                };
                self.settle(&news).await?;
            }
            Ok(Err(fault)) => {
                tracing::info!(order = %id, provider = %view.provider, %fault, "A provider of payments was asked about an order in vain; asked again later");
            }
        }
        self.find_written(id).await
    }

    /// One question a second, whoever asks, on whatever node.
    async fn may_look(&self, id: OrderId) -> Result<bool, DbErr> {
        let now = self.0.clock.now_ms();
        let sql = "UPDATE orders SET looked_at = $2 WHERE id = $1 AND (looked_at <= $3 OR looked_at > $2)";
        let values = [id.to_string().into(), now.into(), (now - ONCE_MS).into()];
        Ok(exec(self.0.db.write(), sql, values).await?.rows_affected() == 1)
    }
}
