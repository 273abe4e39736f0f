//! How does a running server see what a command or another node changed? It reads the change counters each second.

use std::time::Duration;

use server::changes::{Seen, Topic};
use tokio_util::sync::CancellationToken;

use crate::state::Handles;

/// How often the counters are read. A revoked key stops working within this and the time of one read.
const EVERY: Duration = Duration::from_secs(1);

/// Runs until cancelled. A database that is away for a moment is asked again; meanwhile what is known stays in use.
pub async fn run(handles: Handles, stop: CancellationToken) {
    let mut seen = Seen::default();
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut silent = false;
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        match once(&handles, &mut seen).await {
            Ok(()) if silent => {
                silent = false;
                tracing::info!("The database answers again");
            }
            Ok(()) => {}
            Err(error) if !silent => {
                silent = true;
                tracing::error!(%error, "The database does not answer; changes are not seen until it does");
            }
            Err(_) => {}
        }
    }
}

async fn once(handles: &Handles, seen: &mut Seen) -> anyhow::Result<()> {
    for topic in seen.changed(&handles.db).await? {
        match topic {
            Topic::Keys => handles.keys.forget_all(),
            Topic::Catalog => {
                handles.catalog.reload().await?;
                handles.upstreams.reload().await?;
            }
            Topic::Rates => handles.rates.reload().await?,
            // Sessions and accounts are read from the database whenever they are asked for.
            Topic::Accounts => {}
        }
    }
    Ok(())
}
