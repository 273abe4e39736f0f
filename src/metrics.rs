//! What can an operator measure? Counters and gauges in Prometheus' text form; none names a person, a key or a workspace.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::RwLock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// The registry that parts add themselves to, and the figures of the server itself. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: RwLock<Registry>,
    connections: Gauge,
    ready: Gauge,
    panics: Counter<u64, AtomicU64>,
}

impl Metrics {
    /// With `register`, the parts below add theirs.
    #[must_use]
    pub fn new(register: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        let (connections, ready, panics) = (Gauge::default(), Gauge::default(), Counter::default());
        registry.register(
            "farebox_build",
            "Which Farebox this is",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register(
            "farebox_connections_open",
            "Connections open now",
            connections.clone(),
        );
        registry.register(
            "farebox_ready",
            "1 when /readyz would say yes, as last asked",
            ready.clone(),
        );
        registry.register(
            "farebox_panics",
            "Defects of ours that ended a request with status 500",
            panics.clone(),
        );
        register(&mut registry);
        Self(Arc::new(Inner {
            registry: RwLock::new(registry),
            connections,
            ready,
            panics,
        }))
    }

    pub fn panicked(&self) {
        self.0.panics.inc();
    }

    pub fn set_ready(&self, ready: bool) {
        self.0.ready.set(i64::from(ready));
    }

    pub fn set_connections(&self, open: usize) {
        self.0
            .connections
            .set(i64::try_from(open).unwrap_or(i64::MAX));
    }

    /// Everything, in OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0.registry.read())
            .expect("writing to a string cannot fail");
        text
    }
}
