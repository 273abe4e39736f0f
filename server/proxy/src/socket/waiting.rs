//! What was asked for while an answer runs, and waits for its turn: so many messages of a connection, so many bytes of it
//! and of all connections.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::Utf8Bytes;
use domain::Problem;

/// Messages of one connection.
const MESSAGES_MAX: usize = 16;
/// Bytes with which all connections of this server may wait.
const ALL_MAX: usize = 256 << 20;

/// The messages of one connection, oldest first. No `Debug`: these are the caller's words.
pub(super) struct Waiting {
    messages: VecDeque<Utf8Bytes>,
    /// Bytes of this connection, and the most of it.
    size: usize,
    max: usize,
    /// Bytes of all connections.
    all: Arc<AtomicUsize>,
}

impl Waiting {
    /// For at most so many bytes.
    pub(super) const fn new(max: usize, all: Arc<AtomicUsize>) -> Self {
        Self {
            messages: VecDeque::new(),
            size: 0,
            max,
            all,
        }
    }

    /// Lets a message wait.
    ///
    /// # Errors
    /// [`Problem::TooManyAtOnce`] when this connection waits with too much already, [`Problem::Unavailable`] when all of
    /// them do.
    pub(super) fn push(&mut self, message: Utf8Bytes) -> Result<(), Problem> {
        let length = message.len();
        if self.messages.len() >= MESSAGES_MAX || self.size.saturating_add(length) > self.max {
            let max = u32::try_from(MESSAGES_MAX).unwrap_or(u32::MAX);
            return Err(Problem::TooManyAtOnce { max });
        }
        let others = self.all.fetch_add(length, Ordering::Relaxed);
        if others.saturating_add(length) > ALL_MAX {
            self.all.fetch_sub(length, Ordering::Relaxed);
            return Err(Problem::Unavailable);
        }
        self.size += length;
        self.messages.push_back(message);
        Ok(())
    }

    /// The next one, which waits no more.
    pub(super) fn pop(&mut self) -> Option<Utf8Bytes> {
        let message = self.messages.pop_front()?;
        self.size -= message.len();
        self.all.fetch_sub(message.len(), Ordering::Relaxed);
        Some(message)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.all.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn message(bytes: usize) -> Utf8Bytes {
        "x".repeat(bytes).into()
    }

    #[test]
    fn a_connection_waits_with_so_much_and_no_more() {
        let all = Arc::new(AtomicUsize::new(0));
        let mut waiting = Waiting::new(100, all.clone());
        waiting.push(message(60)).unwrap();
        let refused = waiting.push(message(41));
        assert_eq!(refused, Err(Problem::TooManyAtOnce { max: 16 }));
        waiting.push(message(40)).unwrap();
        assert_eq!(waiting.pop().unwrap().len(), 60);
        assert_eq!(all.load(Ordering::Relaxed), 40);
        (1..MESSAGES_MAX).for_each(|_| waiting.push(message(1)).unwrap());
        let refused = waiting.push(message(0));
        assert_eq!(refused, Err(Problem::TooManyAtOnce { max: 16 }));
        drop(waiting);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_connections_share_one_bound_and_give_back_what_they_had() {
        let all = Arc::new(AtomicUsize::new(ALL_MAX - 50));
        let (mut one, mut other) = (
            Waiting::new(100, all.clone()),
            Waiting::new(100, all.clone()),
        );
        one.push(message(30)).unwrap();
        assert_eq!(other.push(message(30)), Err(Problem::Unavailable));
        assert_eq!(
            all.load(Ordering::Relaxed),
            ALL_MAX - 20,
            "what is refused is not counted"
        );
        drop(one);
        other.push(message(30)).unwrap();
        assert!(other.pop().is_some() && other.pop().is_none());
        assert_eq!(all.load(Ordering::Relaxed), ALL_MAX - 50);
    }
}
