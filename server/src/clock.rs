//! What time is it? Rules never ask the system: they are handed a clock, so that tests own time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::views::UnixMs;

/// Wall-clock time in milliseconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it; clones share the time.
    #[must_use]
    pub fn fixed(now: UnixMs) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(now))))
    }

    #[must_use]
    pub fn now_ms(&self) -> UnixMs {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }),
            Source::Fixed(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Moves a fixed clock; a system clock cannot be moved.
    pub fn advance(&self, by_ms: i64) {
        if let Source::Fixed(now) = &self.0 {
            now.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}
