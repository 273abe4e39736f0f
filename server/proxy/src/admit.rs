//! Who is asking, and may they? The key, its state, where it is used from and for what, and how much at once.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::ids::{CallId, KeyId, WorkspaceId};
use domain::{Dialect, Problem, Scope};
use server::client_ip::ClientIp;
use server::keys::{AuthError, KeyRecord};

use crate::at_once::Place;
use crate::desk::Card;
use crate::rates::Taken;
use crate::serve::shown;
use crate::state::ProxyState;
use crate::voice::dialect_of;

/// Readings about its account, and estimates, that a workspace may have running at once. Each holds a database
/// connection or a core, and a key without limits must not take all of them from everybody's calls.
pub const READINGS_AT_ONCE: u32 = 4;

/// Finds the caller by the key in one of the four headers that SDKs use (never in the query, which ends up in logs),
/// and checks that the key may be used now, from there, for this.
///
/// # Errors
/// [`Problem::MissingKey`], [`Problem::KeyInQuery`], [`Problem::InvalidKey`], what [`may`] says, or [`Problem::Unavailable`] when the key could
/// not be looked up: trouble of ours is never a 401.
pub(crate) async fn caller(
    state: &ProxyState,
    parts: &Parts,
    scope: Scope,
) -> Result<Arc<KeyRecord>, Problem> {
    let dialect = dialect_of(parts.uri.path(), &parts.headers);
    let presented = presented_key(&parts.headers, dialect).ok_or_else(|| {
        if has_key_in_query(parts.uri.query()) {
            Problem::KeyInQuery
        } else {
            Problem::MissingKey
        }
    })?;
    let key = state
        .keys
        .authenticate(presented)
        .await
        .map_err(|error| match error {
            AuthError::Invalid => Problem::InvalidKey,
            AuthError::Unavailable => Problem::Unavailable,
        })?;
    if let Some(card) = parts.extensions.get::<Card>() {
        card.write(&key);
    }
    let from = parts.extensions.get::<ClientIp>().map(|client| client.0);
    may(state, &key, scope, from)?;
    state.keys.touch(key.id);
    Ok(key)
}

/// Whether a key may be used now, from this address, for this.
///
/// # Errors
/// The first reason against it, the widest first: account, workspace, key, then what the key is limited to.
pub(crate) fn may(
    state: &ProxyState,
    key: &KeyRecord,
    scope: Scope,
    from: Option<IpAddr>,
) -> Result<(), Problem> {
    if key.blocked {
        return Err(Problem::AccountBlocked);
    }
    if key.frozen {
        return Err(Problem::KeysFrozen);
    }
    if key.disabled {
        return Err(Problem::KeyDisabled);
    }
    if key
        .expires_at
        .is_some_and(|end| end <= state.clock.now_ms())
    {
        return Err(Problem::KeyExpired);
    }
    if !key.ip_ranges.is_empty() {
        let from = from.ok_or(Problem::AddressNotAllowed)?.to_canonical();
        if !key.ip_ranges.iter().any(|range| range.contains(&from)) {
            return Err(Problem::AddressNotAllowed);
        }
    }
    if !key.limits.scopes.has(scope) {
        return Err(Problem::ScopeMissing { scope });
    }
    Ok(())
}

/// Where two different ones are sent, the one in the dialect's own header counts: the other is of another service.
fn presented_key(headers: &HeaderMap, dialect: Dialect) -> Option<&str> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
            .filter(|value| !value.is_empty())
    };
    let bearer = text("authorization").and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let bearer = bearer.filter(|key| !key.is_empty());
    let own = match dialect {
        Dialect::Chat | Dialect::Responses => bearer,
        Dialect::Messages => text("x-api-key"),
        Dialect::Gemini => text("x-goog-api-key"),
    };
    own.or(bearer).or_else(|| {
        ["x-api-key", "api-key", "x-goog-api-key"]
            .into_iter()
            .find_map(text)
    })
}

/// Whether somebody put a key where it is never read. Its value is not looked at.
fn has_key_in_query(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        matches!(name, "key" | "api_key" | "api-key" | "apikey")
    })
}

/// Lets the call in, if the key's rate and the numbers of running calls of key and workspace allow it.
///
/// # Errors
/// [`Problem::RateLimited`] or [`Problem::TooManyAtOnce`].
pub(crate) fn permit(state: &ProxyState, key: &KeyRecord) -> Result<Permit, Problem> {
    state.rates.request(key)?;
    let of_key = match key.limits.concurrency {
        Some(max) => {
            let place = state.running_keys.enter(key.id, state.rates.share(max));
            Some(place.ok_or(Problem::TooManyAtOnce { max })?)
        }
        None => None,
    };
    let max = state.config.concurrent_calls;
    let of_workspace = state
        .running
        .enter(key.workspace, max)
        .ok_or(Problem::TooManyAtOnce { max })?;
    Ok(Permit {
        _key: of_key,
        _workspace: of_workspace,
        _tokens: None,
    })
}

/// Lets a question in that costs us more than looking something up: it counts as a call does, and few of a workspace
/// run at once. `scope` is what the key must have for it.
///
/// # Errors
/// What [`caller`] and [`permit`] say, or [`Problem::TooManyAtOnce`].
pub(crate) async fn reading(
    state: &ProxyState,
    parts: &Parts,
    scope: Scope,
) -> Result<(Arc<KeyRecord>, Reading), Problem> {
    let key = caller(state, parts, scope).await?;
    let permit = permit(state, &key)?;
    let place = state
        .readings
        .enter(key.workspace, READINGS_AT_ONCE)
        .ok_or(Problem::TooManyAtOnce {
            max: READINGS_AT_ONCE,
        })?;
    let reading = Reading {
        _permit: permit,
        _place: place,
    };
    Ok((key, reading))
}

/// A reading that was let in; dropping it makes room for another.
pub(crate) struct Reading {
    _permit: Permit,
    _place: Place<WorkspaceId>,
}

/// A call that was let in; dropping it makes room for another.
pub(crate) struct Permit {
    _key: Option<Place<KeyId>>,
    _workspace: Place<WorkspaceId>,
    /// Given back by dropping it, unless the call was settled.
    _tokens: Option<Taken>,
}

impl Permit {
    /// Lets the call go on, if the key's rate of tokens allows what is expected at first. What it used is counted when
    /// it is settled.
    ///
    /// # Errors
    /// [`Problem::TokensLimited`].
    pub(crate) fn with_tokens(
        mut self,
        state: &ProxyState,
        key: &KeyRecord,
        call: CallId,
        expected: u64,
    ) -> Result<Self, Problem> {
        self._tokens = state.rates.tokens(key, call, expected)?;
        Ok(self)
    }
}

/// Whether the key may call this model; `model` is what the caller typed, made fit to be shown.
///
/// # Errors
/// [`Problem::ModelNotAllowed`].
pub(crate) fn may_call(key: &KeyRecord, model: &str) -> Result<(), Problem> {
    if key.limits.allows_model(model) {
        return Ok(());
    }
    Err(Problem::ModelNotAllowed {
        model: shown(model),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

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
            assert_eq!(
                presented_key(&headers, Dialect::Chat),
                Some("k"),
                "{name}: {value}"
            );
        }
        let mut basic = HeaderMap::new();
        basic.insert("authorization", "Basic azpr".parse().unwrap());
        assert_eq!(presented_key(&basic, Dialect::Chat), None);
    }

    #[test]
    fn of_two_different_keys_the_dialects_own_counts() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer openai"),
            ("x-api-key", "anthropic"),
            ("x-goog-api-key", "google"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        for (dialect, key) in [
            (Dialect::Chat, "openai"),
            (Dialect::Responses, "openai"),
            (Dialect::Messages, "anthropic"),
            (Dialect::Gemini, "google"),
        ] {
            assert_eq!(presented_key(&headers, dialect), Some(key));
        }
        headers.insert("x-api-key", "".parse().unwrap());
        assert_eq!(presented_key(&headers, Dialect::Messages), Some("openai"));
    }

    #[test]
    fn a_key_in_the_query_is_seen_and_not_read() {
        for (query, has) in [
            (Some("key=k"), true),
            (Some("alt=sse&api_key="), true),
            (Some("monkey=k"), false),
            (Some("a=key"), false),
            (None, false),
        ] {
            assert_eq!(has_key_in_query(query), has, "{query:?}");
        }
    }
}
