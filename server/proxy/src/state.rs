//! What does the data plane need? Exactly these handles.

use std::sync::Arc;

use domain::ids::{KeyId, WorkspaceId};
use server::budgets::Budgets;
use server::calls::Calls;
use server::catalog::Catalog;
use server::clock::Clock;
use server::keys::Keys;
use server::ledger::Ledger;
use server::nodes::Nodes;
use server::pins::Pins;
use server::upstreams::Upstreams;
use texts::Texts;
use tokio_util::task::TaskTracker;

use crate::at_once::AtOnce;
use crate::attempt::Health;
use crate::client::Client;
use crate::config::ProxyConfig;
use crate::metrics::Metrics;
use crate::rates::{PerMinute, Rates};
use crate::socket::Sockets;

/// Cheap to clone.
#[derive(Clone)]
pub struct ProxyState(Arc<Inner>);

pub struct Inner {
    pub(crate) keys: Keys,
    pub(crate) ledger: Ledger,
    pub(crate) budgets: Budgets,
    pub(crate) calls: Calls,
    pub(crate) catalog: Catalog,
    pub(crate) upstreams: Upstreams,
    pub(crate) pins: Pins,
    pub(crate) texts: Texts,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) config: ProxyConfig,
    pub(crate) client: Client,
    pub(crate) running: AtOnce<WorkspaceId>,
    /// Of keys that limit it; each also counts in `running`.
    pub(crate) running_keys: AtOnce<KeyId>,
    /// Readings about an account; each also counts in `running`.
    pub(crate) readings: AtOnce<WorkspaceId>,
    pub(crate) sockets: Sockets,
    pub(crate) rates: Arc<Rates>,
    pub(crate) health: Health,
    /// Pumps and settlements: what must finish even when its caller has left.
    pub(crate) tasks: TaskTracker,
}

impl std::ops::Deref for ProxyState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl ProxyState {
    #[expect(
        clippy::too_many_arguments,
        reason = "one argument per handle; only the binary calls it"
    )]
    #[must_use]
    pub fn new(
        keys: Keys,
        ledger: Ledger,
        budgets: Budgets,
        calls: Calls,
        catalog: Catalog,
        upstreams: Upstreams,
        pins: Pins,
        nodes: Nodes,
        texts: Texts,
        clock: Clock,
        metrics: Metrics,
        config: ProxyConfig,
    ) -> Self {
        let client = Client::new(upstreams.rule().clone(), config.connect);
        let all = PerMinute {
            requests: config.requests_per_minute.filter(|limit| *limit > 0),
            tokens: config.tokens_per_minute.filter(|limit| *limit > 0),
        };
        Self(Arc::new(Inner {
            keys,
            ledger,
            budgets,
            calls,
            catalog,
            upstreams,
            pins,
            texts,
            clock,
            metrics,
            config,
            client,
            running: AtOnce::default(),
            running_keys: AtOnce::default(),
            readings: AtOnce::default(),
            sockets: Sockets::default(),
            rates: Rates::new(all, nodes),
            health: Health::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// How many calls are being served now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.running.count()
    }

    /// How many calls are being served or settled now: the row of a call that cost nothing is written after its answer.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.0.tasks.len()
    }

    /// Begins no answer on an open WebSocket any more; each closes when its running one has ended.
    pub fn stop(&self) {
        self.0.sockets.stop();
    }

    /// Waits until every stream has ended and every settlement is committed. Accept no call meanwhile.
    pub async fn drain(&self) {
        self.0.sockets.drain().await;
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Forgets limits of keys that have not called for long; now and then, off the hot path.
    pub fn tidy(&self) {
        self.0.rates.tidy();
    }
}
