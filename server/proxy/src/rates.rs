//! How fast may a key call? Requests and tokens a minute, its own limit or the operator's, whichever is lower.
//!
//! On several nodes each admits its share of the limit, rounded up: live nodes are counted every few seconds, so for
//! that long after a node joins the installation may admit more than the limit, and a balancer that prefers one node
//! makes a key meet its limit early.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::Problem;
use domain::ids::{CallId, KeyId};
use parking_lot::Mutex;
use server::keys::KeyRecord;
use server::nodes::Nodes;

use crate::limits::{Cell, Standing};

/// A limit as people set it: units a minute, `None` for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PerMinute {
    pub(crate) requests: Option<u32>,
    pub(crate) tokens: Option<u32>,
}

impl PerMinute {
    const fn is_none(self) -> bool {
        self.requests.is_none() && self.tokens.is_none()
    }
}

/// The rates of all keys that have a limit.
pub(crate) struct Rates {
    /// The operator's, for every key.
    all: PerMinute,
    nodes: Nodes,
    began: Instant,
    keys: Mutex<HashMap<KeyId, Counted>>,
    /// Calls in all `running`: with none, the end of a call needs no look.
    running: AtomicUsize,
}

#[derive(Default)]
struct Counted {
    requests: Cell,
    tokens: Cell,
    /// What was taken for calls that have not ended.
    running: HashMap<CallId, Running>,
    /// When both cells are as if never used; a changed limit does not change it.
    fresh_at: u64,
}

#[derive(Clone, Copy)]
struct Running {
    taken: u64,
    /// The limit that applied when it began.
    share: u32,
}

/// How the rates of a key stand, for its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// The whole limit, whatever the number of nodes.
    pub(crate) limit: u32,
    pub(crate) standing: Standing,
}

impl Rates {
    pub(crate) fn new(all: PerMinute, nodes: Nodes) -> Arc<Self> {
        Arc::new(Self {
            all,
            nodes,
            began: Instant::now(),
            keys: Mutex::default(),
            running: AtomicUsize::new(0),
        })
    }

    /// Counts one request.
    ///
    /// # Errors
    /// [`Problem::RateLimited`].
    pub(crate) fn request(&self, key: &KeyRecord) -> Result<(), Problem> {
        let Some(limit) = self.limit_of(key).requests else {
            return Ok(());
        };
        let (now, share) = (self.now(), self.share(limit));
        let mut keys = self.keys.lock();
        let counted = keys.entry(key.id).or_default();
        let taken = counted.requests.take(now, share, 1);
        let reset = counted.requests.standing(now, share).reset;
        counted.note(now, reset);
        taken.map(|_| ()).map_err(|wait| Problem::RateLimited {
            retry_after: whole_seconds(wait),
        })
    }

    /// Takes the tokens that a call is expected to use at first; dropping the answer without [`Rates::used`] gives them
    /// back. `None` when the key's tokens are not limited.
    ///
    /// # Errors
    /// [`Problem::TokensLimited`].
    pub(crate) fn tokens(
        self: &Arc<Self>,
        key: &KeyRecord,
        call: CallId,
        expected: u64,
    ) -> Result<Option<Taken>, Problem> {
        let Some(limit) = self.limit_of(key).tokens else {
            return Ok(None);
        };
        let (now, share) = (self.now(), self.share(limit));
        let mut keys = self.keys.lock();
        let counted = keys.entry(key.id).or_default();
        let taken = counted.tokens.take(now, share, expected);
        let reset = counted.tokens.standing(now, share).reset;
        counted.note(now, reset);
        let taken = taken.map_err(|wait| Problem::TokensLimited {
            retry_after: whole_seconds(wait),
        })?;
        counted.running.insert(call, Running { taken, share });
        self.running.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Taken {
            rates: self.clone(),
            key: key.id,
            call,
        }))
    }

    /// Replaces what was taken for a call by what it used. Calls of keys without a limit are not known here.
    pub(crate) fn used(&self, key: KeyId, call: CallId, tokens: u64) {
        if self.running.load(Ordering::Relaxed) == 0 {
            return;
        }
        let now = self.now();
        let mut keys = self.keys.lock();
        if let Some(counted) = keys.get_mut(&key)
            && let Some(Running { taken, share }) = counted.running.remove(&call)
        {
            self.running.fetch_sub(1, Ordering::Relaxed);
            counted.tokens.correct(now, share, taken, tokens);
            let reset = counted.tokens.standing(now, share).reset;
            counted.note(now, reset);
        }
    }

    /// Requests and tokens of a limited key; `None` for others.
    pub(crate) fn of(&self, key: &KeyRecord) -> Option<(Option<Rate>, Option<Rate>)> {
        let limits = self.limit_of(key);
        if limits.is_none() {
            return None;
        }
        let (now, nodes) = (self.now(), u64::from(self.nodes.live()));
        let mut keys = self.keys.lock();
        let mut fresh = Counted::default();
        let counted = keys.get_mut(&key.id).unwrap_or(&mut fresh);
        let rate = |cell: &mut Cell, limit: u32| {
            let mut standing = cell.standing(now, self.share(limit));
            // What the other nodes have left is not known here: taken to be as much.
            standing.remaining = (standing.remaining * nodes).min(u64::from(limit));
            Rate { limit, standing }
        };
        Some((
            limits
                .requests
                .map(|limit| rate(&mut counted.requests, limit)),
            limits.tokens.map(|limit| rate(&mut counted.tokens, limit)),
        ))
    }

    /// Forgets keys whose cells are as if never used.
    pub(crate) fn tidy(&self) {
        let now = self.now();
        self.keys
            .lock()
            .retain(|_, counted| counted.fresh_at > now || !counted.running.is_empty());
    }

    /// This node's part of a limit.
    pub(crate) fn share(&self, limit: u32) -> u32 {
        limit.div_ceil(self.nodes.live().max(1))
    }

    fn limit_of(&self, key: &KeyRecord) -> PerMinute {
        let lower = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        PerMinute {
            requests: lower(key.limits.requests_per_minute, self.all.requests),
            tokens: lower(key.limits.tokens_per_minute, self.all.tokens),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Counted {
    fn note(&mut self, now: u64, reset: Duration) {
        let reset = u64::try_from(reset.as_millis()).unwrap_or(u64::MAX);
        self.fresh_at = self.fresh_at.max(now.saturating_add(reset));
    }
}

/// Tokens taken for a running call.
pub(crate) struct Taken {
    rates: Arc<Rates>,
    key: KeyId,
    call: CallId,
}

impl Drop for Taken {
    fn drop(&mut self) {
        // A call that was settled is not known any more: then this does nothing.
        self.rates.used(self.key, self.call, 0);
    }
}

/// `Retry-After` knows no parts of a second: upwards.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(
        wait.as_millis()
            .div_ceil(1_000)
            .try_into()
            .unwrap_or(u64::MAX),
    )
}
