//! What goes on without anybody asking? The inbox, the questions to providers, refunds that have no answer yet.

use std::time::Duration;

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use super::Orders;

/// How often the tables are asked, for what other nodes took in or what is due again.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Orders {
    /// Works until `stop`. Any number of nodes may do it on one database.
    pub async fn keep(self, stop: CancellationToken) {
        loop {
            match stop.run_until_cancelled(self.work()).await {
                None => return,
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::warn!(%error, "Orders could not be looked after; tried again in a second");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// One round of everything that is due; how many things this node had in hand. Each kind has its turn, also when
    /// another one failed.
    ///
    /// # Errors
    /// When the database refuses; what was done stays done.
    pub async fn work(&self) -> Result<usize, DbErr> {
        let rounds = [
            self.empty_inbox().await,
            self.poll().await,
            self.send_refunds().await,
        ];
        rounds.into_iter().sum()
    }
}
