//! Who was this key a moment ago? Answers in memory for a few seconds, found by the whole hash of the key.
//!
//! Never by a part of it: a gateway that cached by the first twenty characters let one key use another's account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache as Moka;

use super::KeyRecord;

/// A revocation is noticed within five seconds even when every notice is lost: the age of an answer, plus a second
/// for the read that gave it.
const KNOWN_FOR: Duration = Duration::from_secs(4);
/// "No such key" is remembered more briefly: a key made a moment ago should work.
const UNKNOWN_FOR: Duration = Duration::from_secs(2);
const MOST_KNOWN: u64 = 50_000;
/// Bounded apart from the known ones, so that guessing cannot push real keys out.
const MOST_UNKNOWN: u64 = 10_000;

type Lookup = [u8; 32];

pub(super) struct Cache {
    known: Moka<Lookup, Arc<KeyRecord>>,
    unknown: Moka<Lookup, ()>,
    /// Counts [`Cache::forget_all`]: an answer asked for before it must not be remembered after it.
    forgotten: AtomicU64,
}

/// When a question to the database began.
#[derive(Clone, Copy)]
pub(super) struct Asked(u64);

impl Cache {
    pub(super) fn new() -> Self {
        let known = Moka::builder()
            .max_capacity(MOST_KNOWN)
            .time_to_live(KNOWN_FOR)
            .build();
        let unknown = Moka::builder()
            .max_capacity(MOST_UNKNOWN)
            .time_to_live(UNKNOWN_FOR)
            .build();
        Self {
            known,
            unknown,
            forgotten: AtomicU64::new(0),
        }
    }

    /// `Some(None)`: known to be no key of ours.
    pub(super) fn get(&self, lookup: &Lookup) -> Option<Option<Arc<KeyRecord>>> {
        if let Some(record) = self.known.get(lookup) {
            return Some(Some(record));
        }
        self.unknown.contains_key(lookup).then_some(None)
    }

    /// Take this before asking the database, and hand it to [`Cache::put`].
    pub(super) fn asking(&self) -> Asked {
        Asked(self.forgotten.load(Ordering::SeqCst))
    }

    pub(super) fn put(&self, lookup: Lookup, found: Option<Arc<KeyRecord>>, asked: Asked) {
        match found {
            Some(record) => self.known.insert(lookup, record),
            None => self.unknown.insert(lookup, ()),
        }
        // Looked at after the insertion: a `forget_all` before this line is seen here, a later one removes the entry.
        if self.forgotten.load(Ordering::SeqCst) != asked.0 {
            self.known.invalidate(&lookup);
            self.unknown.invalidate(&lookup);
        }
    }

    pub(super) fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate_all();
        self.unknown.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{KeyId, WorkspaceId};

    use super::*;
    use crate::ids::NewId;

    fn record() -> Arc<KeyRecord> {
        let (id, workspace) = (KeyId::new(), WorkspaceId::new());
        Arc::new(KeyRecord::for_tests(id, workspace))
    }

    #[test]
    fn an_answer_asked_for_before_a_revocation_is_not_remembered_after_it() {
        let cache = Cache::new();
        let asked = cache.asking();
        cache.forget_all();
        cache.put([1; 32], Some(record()), asked);
        assert_eq!(cache.get(&[1; 32]), None);
    }

    #[test]
    fn hashes_that_differ_in_the_last_byte_are_two_keys() {
        let cache = Cache::new();
        let (mut one, mut two) = ([7; 32], [7; 32]);
        (one[31], two[31]) = (1, 2);
        let mine = record();
        cache.put(one, Some(Arc::clone(&mine)), cache.asking());
        cache.put(two, None, cache.asking());
        assert_eq!(cache.get(&one), Some(Some(mine)));
        assert_eq!(cache.get(&two), Some(None));
        cache.forget_all();
        assert_eq!((cache.get(&one), cache.get(&two)), (None, None));
    }
}
