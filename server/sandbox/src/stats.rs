//! What did this sandbox do so far? Three numbers at `GET /sandbox/stats`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::Sandbox;

/// Counters of one router, shared by its handlers.
#[derive(Clone, Default)]
pub(crate) struct Stats(Arc<Counters>);

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    open_streams: AtomicI64,
    cancelled: AtomicU64,
}

impl Stats {
    /// A chat request arrived.
    pub(crate) fn request(&self) {
        self.0.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// An answer begins; the watch notices whether it ends or is dropped.
    pub(crate) fn watch(&self, stream: bool) -> Watch {
        if stream {
            self.0.open_streams.fetch_add(1, Ordering::Relaxed);
        }
        Watch {
            counters: self.0.clone(),
            stream,
            finished: false,
        }
    }
}

/// Lives as long as one answer. Dropped without [`Watch::finish`], the caller went away: hyper drops the handler or
/// the body stream then, which is what stops the generation.
pub(crate) struct Watch {
    counters: Arc<Counters>,
    stream: bool,
    finished: bool,
}

impl Watch {
    /// The answer ended as it was meant to (a scripted cut is meant).
    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.stream {
            self.counters.open_streams.fetch_sub(1, Ordering::Relaxed);
        }
        if !self.finished {
            self.counters.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// `GET /sandbox/stats`
pub(crate) async fn show(State(sandbox): State<Sandbox>) -> Json<Value> {
    let counters = &sandbox.stats.0;
    Json(json!({
        "requests": counters.requests.load(Ordering::Relaxed),
        "open_streams": counters.open_streams.load(Ordering::Relaxed),
        "cancelled": counters.cancelled.load(Ordering::Relaxed),
    }))
}
