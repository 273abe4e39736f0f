//! What time is it? Rules never ask the system: they are handed a clock, so that tests own time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// A moment of [`Ticks`]. Only the distance of two moments of one node means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// So long after the clock's beginning, wherever that is.
    #[must_use]
    pub const fn after(beginning: Duration) -> Self {
        Self(beginning)
    }

    #[must_use]
    pub const fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    #[must_use]
    pub const fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }
}

/// Time that never goes back, and that goes on while the machine sleeps: a lease must not come out of a suspended laptop
/// or a paused virtual machine as if nothing had happened.
#[derive(Clone)]
pub struct Ticks(Option<Arc<dyn Fn() -> Moment + Send + Sync>>);

impl Ticks {
    /// The machine's own.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A test's.
    #[must_use]
    pub fn by(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(now)))
    }

    #[must_use]
    pub fn now(&self) -> Moment {
        self.0.as_ref().map_or_else(since_boot, |now| now())
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticks")
    }
}

/// `CLOCK_MONOTONIC`, which `Instant` reads, stands still on Linux while the machine is suspended.
#[cfg(target_os = "linux")]
fn since_boot() -> Moment {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Moment(Duration::new(seconds, nanos))
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Moment {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Moment(START.elapsed())
}
