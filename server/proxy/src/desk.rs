//! Who was it? On the way in a request gets a card that admission writes the caller on; on the way out a limited key
//! is told how its rates stand, and a call that was turned away is counted.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use domain::views::UnixMs;
use domain::{Dialect, Problem};
use server::keys::KeyRecord;

use crate::account::moment;
use crate::rates::Rate;
use crate::state::ProxyState;
use crate::voice::dialect_of;

/// The card of one request: its caller, once recognised, whether or not let in.
#[derive(Clone, Default)]
pub(crate) struct Card(Arc<OnceLock<Arc<KeyRecord>>>);

impl Card {
    pub(crate) fn write(&self, key: &Arc<KeyRecord>) {
        self.0.get_or_init(|| key.clone());
    }

    /// The caller, if it was recognised.
    pub(crate) fn key(&self) -> Option<&Arc<KeyRecord>> {
        self.0.get()
    }
}

/// Why a request was turned away; left on the answer for the desk to find.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal(&'static str);

impl Refusal {
    /// `None` for what is no refusal: a call that reached its upstream has a row of its own, trouble of ours is ours.
    pub(crate) fn of(problem: &Problem) -> Option<Self> {
        match problem {
            Problem::UpstreamRefused { .. }
            | Problem::UpstreamBusy { .. }
            | Problem::UpstreamFailed
            | Problem::UpstreamTimeout
            | Problem::SettlementFailed
            | Problem::CallerLeft
            | Problem::Unavailable
            | Problem::Internal => None,
            refused => Some(Self(refused.code())),
        }
    }

    pub(crate) fn count(self, state: &ProxyState, key: &KeyRecord) {
        state.keys.refused(key.workspace, key.id, self.0);
    }
}

pub(crate) async fn stand(
    State(state): State<ProxyState>,
    mut request: Request,
    next: Next,
) -> Response {
    let card = Card::default();
    request.extensions_mut().insert(card.clone());
    let path = request.uri().path();
    // An estimate is a question: nothing was going to be served.
    let is_question = [
        "/v1/estimate",
        "/count_tokens",
        ":countTokens",
        "/input_tokens",
        "/cancel",
    ]
    .iter()
    .any(|end| path.ends_with(end));
    let is_call = request.method() == Method::POST && !is_question;
    let dialect = dialect_of(path, request.headers());
    let mut response = next.run(request).await;
    let Some(key) = card.key() else {
        return response;
    };
    if let Some(refusal) = response.extensions().get::<Refusal>()
        && is_call
    {
        refusal.count(&state, key);
    }
    if let Some((requests, tokens)) = state.rates.of(key) {
        let headers = response.headers_mut();
        if dialect == Dialect::Messages {
            let now = state.clock.now_ms();
            tell_anthropic(headers, ANTHROPIC_REQUESTS, requests, now);
            tell_anthropic(headers, ANTHROPIC_TOKENS, tokens, now);
        }
        tell(
            headers,
            [
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ],
            requests,
        );
        tell(
            headers,
            [
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
            ],
            tokens,
        );
    }
    response
}

fn tell(headers: &mut HeaderMap, [limit, remaining, reset]: [&'static str; 3], rate: Option<Rate>) {
    let Some(rate) = rate else { return };
    headers.insert(limit, HeaderValue::from(rate.limit));
    headers.insert(remaining, HeaderValue::from(rate.standing.remaining));
    if let Ok(value) = HeaderValue::from_str(&span(rate.standing.reset)) {
        headers.insert(reset, value);
    }
}

const ANTHROPIC_REQUESTS: [&str; 3] = [
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
];
const ANTHROPIC_TOKENS: [&str; 3] = [
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
];

/// The same for Anthropic's SDKs, which read the moment of the reset.
fn tell_anthropic(
    headers: &mut HeaderMap,
    [limit, remaining, reset]: [&'static str; 3],
    rate: Option<Rate>,
    now: UnixMs,
) {
    let Some(rate) = rate else { return };
    headers.insert(limit, HeaderValue::from(rate.limit));
    headers.insert(remaining, HeaderValue::from(rate.standing.remaining));
    let wait = i64::try_from(rate.standing.reset.as_millis()).unwrap_or(i64::MAX);
    // Upwards to whole seconds: a caller must not come too early.
    let at = now.saturating_add(wait).saturating_add(999);
    if let Ok(value) = HeaderValue::from_str(&moment(at)) {
        headers.insert(reset, value);
    }
}

/// `0s`, `1s`, `6m0s`, `1h0m0s`: whole seconds upwards, as OpenAI writes them.
fn span(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_openai_writes_them() {
        for (millis, text) in [
            (0, "0s"),
            (1, "1s"),
            (1_000, "1s"),
            (59_001, "1m0s"),
            (360_000, "6m0s"),
            (3_600_000, "1h0m0s"),
            (90_061_000, "25h1m1s"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_reached_an_upstream_is_no_refusal() {
        assert!(Refusal::of(&Problem::UpstreamFailed).is_none());
        assert!(
            Refusal::of(&Problem::KeyDisabled)
                .is_some_and(|refusal| refusal.0 == "api_key_disabled")
        );
    }
}
