//! What does the data plane need? Exactly these handles.

use std::num::NonZeroU32;
use std::sync::Arc;

use domain::ids::KeyId;
use governor::clock::DefaultClock;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use server::catalog::Catalog;
use server::clock::Clock;
use server::keys::Keys;
use server::ledger::Ledger;
use server::upstreams::Upstreams;
use texts::Texts;
use tokio_util::task::TaskTracker;

use crate::admit::Running;
use crate::attempt::Health;
use crate::client::Client;
use crate::config::ProxyConfig;
use crate::metrics::Metrics;

pub(crate) type RateLimit = RateLimiter<KeyId, DashMapStateStore<KeyId>, DefaultClock>;

/// Cheap to clone.
#[derive(Clone)]
pub struct ProxyState(Arc<Inner>);

pub struct Inner {
    pub(crate) keys: Keys,
    pub(crate) ledger: Ledger,
    pub(crate) catalog: Catalog,
    pub(crate) upstreams: Upstreams,
    pub(crate) texts: Texts,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) config: ProxyConfig,
    pub(crate) client: Client,
    pub(crate) running: Running,
    pub(crate) rate: Option<RateLimit>,
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
        catalog: Catalog,
        upstreams: Upstreams,
        texts: Texts,
        clock: Clock,
        metrics: Metrics,
        config: ProxyConfig,
    ) -> Self {
        let client = Client::new(upstreams.rule().clone(), config.connect);
        let rate = config
            .requests_per_minute
            .and_then(NonZeroU32::new)
            .map(|per_minute| RateLimiter::keyed(Quota::per_minute(per_minute)));
        let running = Running::new(config.concurrent_calls);
        Self(Arc::new(Inner {
            keys,
            ledger,
            catalog,
            upstreams,
            texts,
            clock,
            metrics,
            config,
            client,
            running,
            rate,
            health: Health::default(),
            tasks: TaskTracker::new(),
        }))
    }

    /// How many calls are being served now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.running.count()
    }

    /// Waits until every stream has ended and every settlement is committed. Accept no call meanwhile.
    pub async fn drain(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// Forgets limits of keys that have not called for long; now and then, off the hot path.
    pub fn tidy(&self) {
        if let Some(rate) = &self.0.rate {
            rate.retain_recent();
        }
    }
}
