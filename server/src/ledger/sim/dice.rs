//! Where does chance come from? One seed: the same seed throws the same dice, on every machine.

use std::time::Duration;

/// SplitMix64: small, quick, and good enough to choose what goes wrong.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Dice of their own for one part of a run, so that one more throw there moves nothing elsewhere.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next())
    }

    /// From 0 to one less than `end`; 0 when that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.next() % end }
    }

    /// From `low` to `high`, both possible.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// An index into something of that length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// So many nano-dollars, from `low` to `high`.
    pub(super) fn nanos(&mut self, low: i64, high: i64) -> i64 {
        let range = u64::try_from(high - low).unwrap_or(0);
        low + i64::try_from(self.between(0, range)).unwrap_or(0)
    }

    pub(super) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// True in so many of a thousand throws.
    pub(super) fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }
}
