//! How long does an answer take? Always a whole number of beats, so that a stopwatch does not tell who has an account.
//!
//! A known address means other rows and another mail than an unknown one, an old hash is checked in another time than a
//! new one: a few milliseconds that many tries could measure. Answers that must not tell wait for the next beat.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than the differences, shorter than patience. Tests have no stopwatch.
const BEAT: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 250 });
/// For wrong passwords: longer than the dearest hash that can be moved in from another system takes (`importable`), so
/// that it does not tell who was.
const PASSWORD_BEAT: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1_000 });

/// Begins when the work does.
pub(super) struct Beat {
    begun: Instant,
    beat: Duration,
}

impl Beat {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            beat: BEAT,
        }
    }

    pub(super) fn for_passwords() -> Self {
        Self {
            begun: Instant::now(),
            beat: PASSWORD_BEAT,
        }
    }

    /// Waits until the next beat.
    pub(super) async fn rest(self) {
        sleep(left(self.begun.elapsed(), self.beat)).await;
    }
}

/// From now until the next beat.
fn left(spent: Duration, beat: Duration) -> Duration {
    let beat = beat.as_micros();
    let into = spent.as_micros() % beat;
    Duration::from_micros(u64::try_from(beat - into).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_different_length_ends_at_the_same_time() {
        for spent in [1, 20, BEAT.as_micros() - 1] {
            let spent = Duration::from_micros(u64::try_from(spent).unwrap_or(0));
            assert_eq!(spent + left(spent, BEAT), BEAT);
        }
        assert_eq!(left(BEAT, BEAT), BEAT);
    }
}
