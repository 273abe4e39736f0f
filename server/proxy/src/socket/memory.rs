//! What was said on this connection? Remembered until it closes, within bounds: a client whose conversation is forgotten
//! is told that its response is not found, and sends it whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use wire::conversation::Remembered;

/// Conversations of one connection, as many as OpenAI's has.
const LANES_MAX: usize = 32;
/// Bytes that all connections of this server may remember.
const ALL_MAX: usize = 512 << 20;

/// The last response of each conversation. No `Debug`: these are the caller's words.
pub(super) struct Memory {
    /// The one that was used last stands last.
    lanes: Vec<(Option<String>, Remembered)>,
    max: usize,
    /// What of `all` is ours.
    size: usize,
    all: Arc<AtomicUsize>,
}

impl Memory {
    /// For at most so many bytes.
    pub(super) const fn new(max: usize, all: Arc<AtomicUsize>) -> Self {
        Self {
            lanes: Vec::new(),
            max,
            size: 0,
            all,
        }
    }

    /// What a response was. Any conversation may go on from any other's.
    pub(super) fn find(&self, id: &str) -> Option<Remembered> {
        let mut newest_first = self.lanes.iter().rev();
        newest_first
            .find(|(_, remembered)| remembered.id == id)
            .map(|(_, remembered)| remembered.clone())
    }

    /// Remembers the last response of a conversation, in place of the one before it; where there is no room, the
    /// conversations that were left longest are forgotten.
    pub(super) fn keep(&mut self, lane: Option<&str>, remembered: Remembered) {
        self.lanes.retain(|(known, _)| known.as_deref() != lane);
        self.lanes.push((lane.map(ToOwned::to_owned), remembered));
        while self.sum() > self.max || self.lanes.len() > LANES_MAX {
            self.lanes.remove(0);
        }
        if !self.settle() {
            self.lanes.clear();
            self.settle();
        }
    }

    fn sum(&self) -> usize {
        self.lanes.iter().map(|(_, said)| said.size()).sum()
    }

    /// Makes what is counted for this connection what it is. Answers whether all of them have room for it.
    fn settle(&mut self) -> bool {
        let size = self.sum();
        let before = self.all.fetch_add(size, Ordering::Relaxed);
        self.all.fetch_sub(self.size, Ordering::Relaxed);
        let others = before.saturating_sub(self.size);
        self.size = size;
        others.saturating_add(size) <= ALL_MAX
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.all.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use wire::conversation::{Create, warmed};

    fn said(id: &str, bytes: usize) -> Remembered {
        let message = serde_json::json!({"type": "response.create", "input": "x".repeat(bytes)});
        let create = Create::read(message.to_string().as_bytes()).ok().unwrap();
        warmed(&create, None, id, 0).1
    }

    #[test]
    fn each_conversation_has_its_last_response_and_the_oldest_makes_room() {
        let all = Arc::new(AtomicUsize::new(0));
        let mut memory = Memory::new(1_000, all.clone());
        memory.keep(None, said("a", 100));
        memory.keep(None, said("b", 100));
        assert!(memory.find("a").is_none(), "only the last one");
        memory.keep(Some("side"), said("c", 100));
        assert!(memory.find("b").is_some() && memory.find("c").is_some());
        assert_eq!(all.load(Ordering::Relaxed), memory.sum());
        memory.keep(Some("side"), said("d", 850));
        assert!(memory.find("b").is_none(), "left longest");
        assert!(memory.find("d").is_some());
        memory.keep(None, said("e", 2_000));
        assert!(memory.find("e").is_none() && memory.find("d").is_none());
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_connections_share_one_bound_and_give_back_what_they_had() {
        let all = Arc::new(AtomicUsize::new(ALL_MAX - 50));
        let mut memory = Memory::new(1_000, all.clone());
        memory.keep(None, said("a", 100));
        assert!(memory.find("a").is_none());
        assert_eq!(all.load(Ordering::Relaxed), ALL_MAX - 50);
        all.store(0, Ordering::Relaxed);
        memory.keep(None, said("b", 100));
        assert!(all.load(Ordering::Relaxed) > 100);
        drop(memory);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
