//! Who is asking, and may they? The key, its end date, and how much at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use domain::Problem;
use domain::ids::WorkspaceId;
use governor::clock::{Clock as _, DefaultClock};
use parking_lot::Mutex;
use server::keys::{AuthError, KeyRecord};

use crate::state::ProxyState;

/// Finds the caller by the key in one of the four headers that SDKs use; never in the query, which ends up in logs.
///
/// # Errors
/// [`Problem::MissingKey`], [`Problem::InvalidKey`], [`Problem::KeyExpired`], or [`Problem::Unavailable`] when the key
/// could not be looked up: trouble of ours is never a 401.
pub(crate) async fn caller(
    state: &ProxyState,
    headers: &HeaderMap,
) -> Result<Arc<KeyRecord>, Problem> {
    let presented = presented_key(headers).ok_or(Problem::MissingKey)?;
    let key = state
        .keys
        .authenticate(presented)
        .await
        .map_err(|error| match error {
            AuthError::Invalid => Problem::InvalidKey,
            AuthError::Unavailable => Problem::Unavailable,
        })?;
    if key
        .expires_at
        .is_some_and(|end| end <= state.clock.now_ms())
    {
        return Err(Problem::KeyExpired);
    }
    state.keys.touch(key.id);
    Ok(key)
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let bearer = text("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer
        .or_else(|| {
            ["x-api-key", "api-key", "x-goog-api-key"]
                .into_iter()
                .find_map(text)
        })
        .filter(|key| !key.is_empty())
}

/// Lets the call in, if the key's rate and the workspace's number of running calls allow it.
///
/// # Errors
/// [`Problem::RateLimited`] or [`Problem::TooManyAtOnce`].
pub(crate) fn permit(state: &ProxyState, key: &KeyRecord) -> Result<Permit, Problem> {
    if let Some(rate) = &state.rate
        && let Err(not_until) = rate.check_key(&key.id)
    {
        let wait = not_until.wait_time_from(DefaultClock::default().now());
        // Whole seconds, upwards: `Retry-After` knows no parts.
        return Err(Problem::RateLimited {
            retry_after: Duration::from_secs(wait.as_secs() + 1),
        });
    }
    state
        .running
        .enter(key.workspace)
        .ok_or(Problem::TooManyAtOnce {
            max: state.config.concurrent_calls,
        })
}

/// Counts running calls per workspace.
pub(crate) struct Running {
    max: u32,
    counts: Arc<Mutex<HashMap<WorkspaceId, u32>>>,
}

/// One running call; dropping it makes room.
pub(crate) struct Permit {
    workspace: WorkspaceId,
    counts: Arc<Mutex<HashMap<WorkspaceId, u32>>>,
}

impl Running {
    pub(crate) fn new(max: u32) -> Self {
        Self {
            max,
            counts: Arc::default(),
        }
    }

    fn enter(&self, workspace: WorkspaceId) -> Option<Permit> {
        let mut counts = self.counts.lock();
        let count = counts.entry(workspace).or_insert(0);
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Permit {
            workspace,
            counts: self.counts.clone(),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.counts
            .lock()
            .values()
            .map(|count| *count as usize)
            .sum()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.workspace) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.workspace);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_key_is_found_in_each_of_the_four_headers() {
        for (name, value) in [
            ("authorization", "Bearer k"),
            ("authorization", "bearer  k"),
            ("x-api-key", "k"),
            ("api-key", "k"),
            ("x-goog-api-key", "k"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(presented_key(&headers), Some("k"), "{name}: {value}");
        }
        let mut basic = HeaderMap::new();
        basic.insert("authorization", "Basic azpr".parse().unwrap());
        assert_eq!(presented_key(&basic), None);
    }

    #[test]
    fn only_so_many_run_at_once() {
        let (running, workspace) = (Running::new(1), WorkspaceId::from_uuid(Uuid::nil()));
        let permit = running.enter(workspace).unwrap();
        assert!(running.enter(workspace).is_none());
        assert!(running.enter(WorkspaceId::from_uuid(Uuid::max())).is_some());
        drop(permit);
        assert_eq!(running.count(), 0);
        assert!(running.enter(workspace).is_some());
    }
}
