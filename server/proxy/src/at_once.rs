//! How many calls run at once? Counted per workspace and per key; who leaves makes room.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Running calls by whom they count for.
pub(crate) struct AtOnce<K: Eq + Hash + Copy>(Arc<Mutex<HashMap<K, u32>>>);

/// One running call; dropping it makes room.
pub(crate) struct Place<K: Eq + Hash + Copy> {
    whose: K,
    counts: Arc<Mutex<HashMap<K, u32>>>,
}

impl<K: Eq + Hash + Copy> Default for AtOnce<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Copy> AtOnce<K> {
    /// A place, unless `max` are taken.
    pub(crate) fn enter(&self, whose: K, max: u32) -> Option<Place<K>> {
        let mut counts = self.0.lock();
        let count = counts.entry(whose).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Place {
            whose,
            counts: self.0.clone(),
        })
    }

    /// All calls that run.
    pub(crate) fn count(&self) -> usize {
        self.0.lock().values().map(|count| *count as usize).sum()
    }
}

impl<K: Eq + Hash + Copy> Drop for Place<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.whose) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn only_so_many_run_at_once() {
        let running = AtOnce::default();
        let place = running.enter("one", 1).unwrap();
        assert!(running.enter("one", 1).is_none());
        let other = running.enter("other", 1).unwrap();
        assert_eq!(running.count(), 2);
        drop((place, other));
        assert_eq!(running.count(), 0);
        assert!(running.0.lock().is_empty(), "who is gone leaves nothing");
        assert!(running.enter("one", 1).is_some());
    }
}
