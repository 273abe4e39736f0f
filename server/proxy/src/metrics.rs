//! What does the operator see of the data plane? Counts and times; no label names a person, a key or a model's caller.

use domain::Bucket;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    pub(crate) calls: Family<CallLabels, Counter>,
    pub(crate) problems: Family<ProblemLabels, Counter>,
    pub(crate) attempts: Family<AttemptLabels, Counter>,
    pub(crate) running: Gauge,
    pub(crate) first_byte: Histogram,
    pub(crate) usage: Family<BucketLabels, Counter>,
    pub(crate) commit_failures: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct CallLabels {
    pub(crate) ending: &'static str,
    pub(crate) rule: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ProblemLabels {
    pub(crate) code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AttemptLabels {
    pub(crate) outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct BucketLabels {
    pub(crate) bucket: &'static str,
}

impl Metrics {
    /// Makes the metrics and names them in the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            problems: Family::default(),
            attempts: Family::default(),
            running: Gauge::default(),
            first_byte: Histogram::new(exponential_buckets(0.005, 2.0, 16)),
            usage: Family::default(),
            commit_failures: Counter::default(),
        };
        registry.register(
            "farebox_calls",
            "Calls that were settled, by ending and rule",
            metrics.calls.clone(),
        );
        registry.register(
            "farebox_problems",
            "Requests that were refused, by code",
            metrics.problems.clone(),
        );
        registry.register(
            "farebox_attempts",
            "Tries at upstreams, by outcome",
            metrics.attempts.clone(),
        );
        registry.register(
            "farebox_calls_running",
            "Calls being served now",
            metrics.running.clone(),
        );
        registry.register_with_unit(
            "farebox_upstream_first_byte",
            "Time until an upstream's answer began",
            Unit::Seconds,
            metrics.first_byte.clone(),
        );
        registry.register(
            "farebox_usage",
            "What settled calls used, by bucket of their price",
            metrics.usage.clone(),
        );
        registry.register(
            "farebox_commit_failures",
            "Endings that were withheld because their charge was not committed",
            metrics.commit_failures.clone(),
        );
        // What was never used is zero, not missing.
        for bucket in Bucket::ALL {
            metrics.count(bucket, 0);
        }
        metrics
    }

    /// Counts what a settled call used of a bucket.
    pub(crate) fn count(&self, bucket: Bucket, count: u64) {
        let bucket = bucket.id();
        let counter = self.usage.get_or_create(&BucketLabels { bucket });
        counter.inc_by(count);
    }
}
