//! What can an operator measure? Counters and gauges in Prometheus' text form; none names a person, a key or a workspace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Currency;
use domain::fx::Table;
use domain::views::UnixMs;
use parking_lot::RwLock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use server::mail::Figures;
use server::night::Seen;
use server::orders;

/// The registry that parts add themselves to, and the figures of the server itself. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: RwLock<Registry>,
    connections: Gauge,
    ready: Gauge,
    panics: Counter<u64, AtomicU64>,
    mails: Family<Outcome, Counter<u64, AtomicU64>>,
    orders: Family<Outcome, Counter<u64, AtomicU64>>,
    rate_ages: Family<OfCurrency, Gauge>,
    verify_ok: Family<Unmarked, Gauge>,
    verify_ended: Family<Unmarked, Gauge>,
    operator_loss: Counter<u64, AtomicU64>,
}

/// What became of mails: `sent`, `postponed`, `failed`.
type Outcome = [(&'static str, &'static str); 1];
/// Of which currency: `EUR`.
type OfCurrency = [(&'static str, &'static str); 1];
/// A figure that is not there until it is known: zero would be an alarm.
type Unmarked = [(&'static str, &'static str); 0];

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
        let mails = Family::<Outcome, Counter<u64, AtomicU64>>::default();
        registry.register(
            "farebox_mails",
            "Mails that the mail server took, tries that have to be repeated, mails given up",
            mails.clone(),
        );
        let orders = Family::<Outcome, Counter<u64, AtomicU64>>::default();
        registry.register(
            "farebox_orders",
            "Orders credited by this process, answers of payment providers that did not fit, webhooks that were not believed",
            orders.clone(),
        );
        let rate_ages = Family::<OfCurrency, Gauge>::default();
        registry.register(
            "farebox_fx_rate_age_seconds",
            "Since the beginning of the day, in UTC, that the rate in force is for",
            rate_ages.clone(),
        );
        let verify_ok = Family::<Unmarked, Gauge>::default();
        registry.register(
            "farebox_ledger_verify_ok",
            "1 when every invariant of the ledger held at the last nightly check, 0 when one did not",
            verify_ok.clone(),
        );
        let verify_ended = Family::<Unmarked, Gauge>::default();
        registry.register(
            "farebox_ledger_verify_timestamp_seconds",
            "When the last nightly check of the ledger ended, since 1970 UTC",
            verify_ended.clone(),
        );
        let operator_loss = Counter::<u64, AtomicU64>::default();
        registry.register(
            "farebox_operator_loss_nusd",
            "What was served and charged to nobody since the first day, by all nodes, in nano-dollars",
            operator_loss.clone(),
        );
        register(&mut registry);
        Self(Arc::new(Inner {
            registry: RwLock::new(registry),
            connections,
            ready,
            panics,
            mails,
            orders,
            rate_ages,
            verify_ok,
            verify_ended,
            operator_loss,
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

    pub fn set_mails(&self, figures: Figures) {
        for (outcome, count) in [
            ("sent", figures.sent),
            ("postponed", figures.postponed),
            ("failed", figures.failed),
        ] {
            let counter = self.0.mails.get_or_create(&[("outcome", outcome)]);
            counter.inner().store(count, Ordering::Relaxed);
        }
    }

    pub fn set_orders(&self, figures: orders::Figures) {
        for (outcome, count) in [
            ("credited", figures.credited),
            ("mismatched", figures.mismatched),
            ("rejected", figures.rejected),
        ] {
            let counter = self.0.orders.get_or_create(&[("outcome", outcome)]);
            counter.inner().store(count, Ordering::Relaxed);
        }
    }

    /// How old the rates in force are at `now`; the dollar has none.
    pub fn set_rates(&self, rates: &Table, now: UnixMs) {
        for currency in Currency::ALL {
            if currency != Currency::Usd {
                let age = (now - rates.known(currency).date) / 1_000;
                let gauge = self
                    .0
                    .rate_ages
                    .get_or_create(&[("currency", currency.code())]);
                gauge.set(age);
            }
        }
    }

    /// What the nightly check found, and what the operator lost; the same on every node.
    pub fn set_night(&self, seen: Seen) {
        if let Some(run) = seen.run {
            self.0
                .verify_ok
                .get_or_create(&[])
                .set(i64::from(run.holds));
            self.0
                .verify_ended
                .get_or_create(&[])
                .set(run.ended_at / 1_000);
        }
        let lost = u64::try_from(seen.operator_loss.nanos()).unwrap_or(0);
        self.0.operator_loss.inner().store(lost, Ordering::Relaxed);
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
