//! How much of a rate is left? One cell per rate, in whole numbers: it fills by use and drains with time.
//!
//! This is GCRA written as a level instead of an arrival time: a cell of `limit` a minute admits a burst of `limit`, and
//! from then on as much as drains. The level is in sixty-thousandths of a unit, so that a millisecond drains exactly
//! `limit` of them: nothing is ever rounded away. Unlike an arrival time, a level can be corrected when a call has used
//! more or less than was taken. When the limit changes (a key is edited, a node joins) the level changes with it: what
//! stays is the part of the limit that was used, and so the time until it has drained.

use std::time::Duration;

/// Parts of one unit; also the milliseconds of a minute, which is no accident.
const PARTS: u64 = 60_000;

/// One rate. Times are milliseconds of any clock that never goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What was used and has not drained yet, in parts.
    level: u64,
    /// When that was so.
    at: u64,
    /// The limit that it is a level of; 0 when there was none yet.
    limit: u32,
}

/// How a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whole units that could be taken now.
    pub(crate) remaining: u64,
    /// Until the cell is as if never used.
    pub(crate) reset: Duration,
}

impl Cell {
    /// Takes so many units. Above the whole limit as many as the limit, so that a single large call waits for an empty
    /// cell instead of being refused for ever; its correction makes later ones wait.
    ///
    /// # Errors
    /// How long until it can be taken. Nothing was taken.
    pub(crate) fn take(&mut self, now: u64, limit: u32, units: u64) -> Result<u64, Duration> {
        self.drain(now, limit);
        let taken = units.min(u64::from(limit));
        let (wanted, most) = (self.level.saturating_add(taken * PARTS), full(limit));
        if wanted > most {
            // Rounded up: a caller who waits so long succeeds.
            let wait = (wanted - most).div_ceil(u64::from(limit.max(1)));
            return Err(Duration::from_millis(wait));
        }
        self.level = wanted;
        Ok(taken)
    }

    /// Replaces what was taken by what was used.
    pub(crate) fn correct(&mut self, now: u64, limit: u32, taken: u64, used: u64) {
        self.drain(now, limit);
        if used >= taken {
            let more = (used - taken).saturating_mul(PARTS);
            self.level = self.level.saturating_add(more);
        } else {
            // What has drained meanwhile cannot be given back a second time.
            self.level = self.level.saturating_sub((taken - used) * PARTS);
        }
    }

    /// How it stands now.
    pub(crate) fn standing(&mut self, now: u64, limit: u32) -> Standing {
        self.drain(now, limit);
        let reset = self.level.div_ceil(u64::from(limit.max(1)));
        Standing {
            remaining: full(limit).saturating_sub(self.level) / PARTS,
            reset: Duration::from_millis(reset),
        }
    }

    fn drain(&mut self, now: u64, limit: u32) {
        self.scale(limit);
        let drained = now.saturating_sub(self.at).saturating_mul(u64::from(limit));
        self.level = self.level.saturating_sub(drained);
        self.at = self.at.max(now);
    }

    /// Makes the level one of this limit: ten thousand used under a higher limit would take hours to drain at sixty a
    /// minute. Rounded up, so that changing a limit gives nothing away.
    fn scale(&mut self, limit: u32) {
        if limit == self.limit {
            return;
        }
        let (new, old) = (u128::from(limit.max(1)), u128::from(self.limit.max(1)));
        let scaled = (u128::from(self.level) * new).div_ceil(old);
        self.level = u64::try_from(scaled).unwrap_or(u64::MAX);
        self.limit = limit;
    }
}

fn full(limit: u32) -> u64 {
    u64::from(limit) * PARTS
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_of_the_limit_then_one_each_time_one_drained() {
        let mut cell = Cell::default();
        for _ in 0..60 {
            cell.take(1_000, 60, 1).unwrap();
        }
        assert_eq!(cell.take(1_000, 60, 1), Err(Duration::from_secs(1)));
        assert_eq!(cell.take(1_999, 60, 1), Err(Duration::from_millis(1)));
        assert_eq!(cell.take(2_000, 60, 1), Ok(1));
        let standing = cell.standing(2_000, 60);
        assert_eq!(
            (standing.remaining, standing.reset),
            (0, Duration::from_secs(60))
        );
        assert_eq!(cell.standing(62_000, 60).remaining, 60);
    }

    #[test]
    fn a_call_above_the_whole_limit_waits_for_an_empty_cell_and_is_paid_for_later() {
        let mut cell = Cell::default();
        assert_eq!(cell.take(0, 100, 250), Ok(100));
        cell.correct(0, 100, 100, 250);
        assert_eq!(
            cell.take(60_000, 100, 1),
            Err(Duration::from_millis(30_600))
        );
        assert_eq!(cell.take(90_600, 100, 1), Ok(1));
    }

    #[test]
    fn a_lowered_limit_is_drained_within_a_minute_and_a_raised_one_gives_nothing_away() {
        let mut cell = Cell::default();
        for _ in 0..10_000 {
            cell.take(0, 10_000, 1).unwrap();
        }
        let wait = cell.take(0, 60, 1).unwrap_err();
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
        assert_eq!(cell.standing(0, 60).reset, Duration::from_secs(60));
        assert!(cell.take(0, 10_000, 1).is_err());
        assert_eq!(cell.standing(0, 10_000).remaining, 0);
        assert_eq!(cell.standing(30_000, 10_000).remaining, 5_000);
    }

    #[test]
    fn half_and_twice_the_share_keep_the_part_that_was_used() {
        let mut cell = Cell::default();
        cell.take(0, 100, 40).unwrap();
        assert_eq!(cell.standing(0, 50).remaining, 30);
        assert_eq!(cell.standing(0, 200).remaining, 120);
        // The call began with the first share: it used only half of what was taken.
        cell.correct(0, 100, 40, 20);
        assert_eq!(cell.standing(0, 50).remaining, 40);
    }

    proptest! {
        /// The one promise: over any stretch of time no more than the limit and what drained in that stretch.
        #[test]
        fn never_more_than_the_limit_and_what_drained(
            limit in 1_u32..500,
            calls in proptest::collection::vec((0_u64..5_000, 1_u64..50), 1..200),
        ) {
            let mut cell = Cell::default();
            let (mut now, mut taken) = (0, Vec::new());
            for (pause, units) in calls {
                now += pause;
                if let Ok(units) = cell.take(now, limit, units) {
                    taken.push((now, units));
                }
            }
            for first in 0..taken.len() {
                let mut sum = 0;
                for (at, units) in &taken[first..] {
                    sum += units;
                    let drained = (at - taken[first].0) * u64::from(limit);
                    prop_assert!(sum * PARTS <= full(limit) + drained);
                }
            }
        }

        /// The wait that is named is exact: it works then, and not a millisecond sooner.
        #[test]
        fn the_wait_that_is_named_is_exact(
            limit in 1_u32..10_000,
            before in proptest::collection::vec((0_u64..1_000, 1_u64..2_000), 0..50),
            units in 1_u64..2_000,
        ) {
            let mut cell = Cell::default();
            let mut now = 0;
            for (pause, units) in before {
                now += pause;
                cell.take(now, limit, units).ok();
            }
            if let Err(wait) = cell.take(now, limit, units) {
                let wait = u64::try_from(wait.as_millis()).unwrap();
                prop_assert!(wait > 0);
                let (mut sooner, mut then) = (cell, cell);
                prop_assert!(sooner.take(now + wait - 1, limit, units).is_err());
                prop_assert!(then.take(now + wait, limit, units).is_ok());
            }
        }

        /// Looking more often drains no less: no fraction is lost between two looks.
        #[test]
        fn looking_often_changes_nothing(limit in 1_u32..1_000_000, looks in proptest::collection::vec(0_u64..50, 0..200)) {
            let mut often = Cell::default();
            often.take(0, limit, u64::from(limit)).unwrap();
            let mut once = often;
            let mut now = 0;
            for pause in looks {
                now += pause;
                often.standing(now, limit);
            }
            once.standing(now, limit);
            prop_assert_eq!(often, once);
        }

        /// Taking and correcting is as taking what was used in the first place, as long as time stands still.
        #[test]
        fn a_correction_leaves_what_was_used(limit in 1_u32..1_000, taken in 0_u64..1_000, used in 0_u64..5_000) {
            let mut cell = Cell::default();
            let taken = cell.take(0, limit, taken).unwrap();
            cell.correct(0, limit, taken, used);
            prop_assert_eq!(cell.level, used * PARTS);
        }

        /// However a limit changes, the cell is empty at the same moment: a key forgotten then had nothing left.
        #[test]
        fn another_limit_is_drained_at_the_same_moment(
            limits in proptest::collection::vec(1_u32..=u32::MAX, 1..20),
            units in 0_u64..10_000,
        ) {
            let mut cell = Cell::default();
            cell.take(0, limits[0], units).ok();
            let reset = cell.standing(0, limits[0]).reset;
            for limit in limits {
                prop_assert_eq!(cell.standing(0, limit).reset, reset);
            }
        }

        /// Whatever the numbers, nothing overflows and time does not run back.
        #[test]
        fn any_numbers_are_answered(limit: u32, now: u64, earlier: u64, units: u64, taken in 0_u64..1 << 40, used: u64) {
            let mut cell = Cell::default();
            cell.take(now, limit, units).ok();
            cell.correct(earlier, limit, taken, used);
            let standing = cell.standing(now, limit);
            prop_assert!(standing.remaining <= u64::from(limit));
            prop_assert!(cell.at >= now);
        }
    }
}
