//! What was asked for while an answer runs, and waits for its turn: so many messages of a connection, so many bytes of it,
//! of its workspace and of all connections.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use domain::Problem;
use domain::ids::WorkspaceId;
use parking_lot::Mutex;

/// Messages of one connection.
const MESSAGES_MAX: usize = 16;
/// Bytes with which the connections of one workspace may wait: it leaves room for others.
const WORKSPACE_MAX: usize = 64 << 20;
/// Bytes with which all connections of this server may wait.
const ALL_MAX: usize = 256 << 20;

/// Bytes that wait on all connections of this server.
#[derive(Default)]
pub(super) struct Load {
    all: usize,
    /// Who waits with nothing is not in it.
    workspaces: HashMap<WorkspaceId, usize>,
}

impl Load {
    fn of(&self, workspace: WorkspaceId) -> usize {
        self.workspaces.get(&workspace).copied().unwrap_or(0)
    }

    fn add(&mut self, workspace: WorkspaceId, length: usize) {
        self.all = self.all.saturating_add(length);
        let bytes = self.workspaces.entry(workspace).or_insert(0);
        *bytes = bytes.saturating_add(length);
    }

    fn give_back(&mut self, workspace: WorkspaceId, length: usize) {
        self.all = self.all.saturating_sub(length);
        let left = self.of(workspace).saturating_sub(length);
        match left {
            0 => self.workspaces.remove(&workspace),
            left => self.workspaces.insert(workspace, left),
        };
    }
}

/// The messages of one connection, oldest first. No `Debug`: these are the caller's words.
pub(super) struct Waiting {
    messages: VecDeque<Utf8Bytes>,
    /// Bytes of this connection, and the most of it.
    size: usize,
    max: usize,
    workspace: WorkspaceId,
    shared: Arc<Mutex<Load>>,
}

impl Waiting {
    /// For at most so many bytes.
    pub(super) const fn new(max: usize, workspace: WorkspaceId, shared: Arc<Mutex<Load>>) -> Self {
        Self {
            messages: VecDeque::new(),
            size: 0,
            max,
            workspace,
            shared,
        }
    }

    /// Lets a message wait. Where nothing runs and nothing waits it is the next one, and waits for nobody: then what
    /// others wait with is no reason against it.
    ///
    /// # Errors
    /// [`Problem::TooManyAtOnce`] when this connection or its workspace waits with too much already,
    /// [`Problem::Unavailable`] when all of them do.
    pub(super) fn push(&mut self, message: Utf8Bytes, is_running: bool) -> Result<(), Problem> {
        let length = message.len();
        let too_many = || Problem::TooManyAtOnce {
            max: u32::try_from(MESSAGES_MAX).unwrap_or(u32::MAX),
        };
        if self.messages.len() >= MESSAGES_MAX || self.size.saturating_add(length) > self.max {
            return Err(too_many());
        }
        let mut shared = self.shared.lock();
        if is_running || !self.messages.is_empty() {
            if shared.of(self.workspace).saturating_add(length) > WORKSPACE_MAX {
                return Err(too_many());
            }
            if shared.all.saturating_add(length) > ALL_MAX {
                return Err(Problem::Unavailable);
            }
        }
        shared.add(self.workspace, length);
        drop(shared);
        self.size += length;
        self.messages.push_back(message);
        Ok(())
    }

    /// The next one, which waits no more.
    pub(super) fn pop(&mut self) -> Option<Utf8Bytes> {
        let message = self.messages.pop_front()?;
        self.size -= message.len();
        self.shared.lock().give_back(self.workspace, message.len());
        Some(message)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.lock().give_back(self.workspace, self.size);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use server::ids::NewId;

    use super::*;

    fn message(bytes: usize) -> Utf8Bytes {
        "x".repeat(bytes).into()
    }

    fn one_of(workspace: WorkspaceId, shared: &Arc<Mutex<Load>>) -> Waiting {
        Waiting::new(100, workspace, shared.clone())
    }

    #[test]
    fn a_connection_waits_with_so_much_and_no_more() {
        let shared = Arc::default();
        let mut waiting = one_of(WorkspaceId::new(), &shared);
        waiting.push(message(60), true).unwrap();
        let refused = waiting.push(message(41), true);
        assert_eq!(refused, Err(Problem::TooManyAtOnce { max: 16 }));
        waiting.push(message(40), true).unwrap();
        assert_eq!(waiting.pop().unwrap().len(), 60);
        assert_eq!(shared.lock().all, 40);
        (1..MESSAGES_MAX).for_each(|_| waiting.push(message(1), true).unwrap());
        let refused = waiting.push(message(0), true);
        assert_eq!(refused, Err(Problem::TooManyAtOnce { max: 16 }));
        drop(waiting);
        let shared = shared.lock();
        assert!(shared.all == 0 && shared.workspaces.is_empty());
    }

    #[test]
    fn what_is_shared_is_bounded_given_back_and_never_keeps_an_idle_connection_from_asking() {
        let (ours, crowd) = (WorkspaceId::new(), WorkspaceId::new());
        let too_many = Problem::TooManyAtOnce { max: 16 };
        // What others wait with, whose it is, and what becomes of one message too many.
        for (elsewhere, whose, refusal) in [
            (ALL_MAX - 50, crowd, Problem::Unavailable),
            (WORKSPACE_MAX - 50, ours, too_many),
        ] {
            let shared = Arc::<Mutex<Load>>::default();
            shared.lock().add(whose, elsewhere);
            let (mut one, mut other) = (one_of(ours, &shared), one_of(ours, &shared));
            one.push(message(30), true).unwrap();
            assert_eq!(other.push(message(30), true), Err(refusal.clone()));
            assert_eq!(shared.lock().all, elsewhere + 30, "a refused one counts");
            // Nothing runs: this is the next one. With another one behind it, it would be one of many.
            other.push(message(30), false).unwrap();
            assert_eq!(other.push(message(1), false), Err(refusal));
            assert_eq!(shared.lock().all, elsewhere + 60);
            drop(one);
            other.push(message(20), true).unwrap();
            assert!(other.pop().is_some() && other.pop().is_some() && other.pop().is_none());
            drop(other);
            let shared = shared.lock();
            assert_eq!((shared.all, shared.of(whose)), (elsewhere, elsewhere));
        }
    }
}
