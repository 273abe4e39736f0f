//! `GET /metrics`: who may read the figures? This machine when the installation is local; elsewhere the token's bearer.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use server::secrets::Secret;

use crate::listen::Peer;
use crate::router::Front;

/// The form that `prometheus_client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn show(
    State(front): State<Arc<Front>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
) -> Response {
    // Behind a proxy on this machine every peer is loopback, so being loopback proves something only when nobody else
    // can reach us at all.
    let here = front.site.local && peer.ip().is_loopback();
    let known = front
        .config
        .metrics_token
        .as_ref()
        .is_some_and(|token| bears(&headers, token));
    if !here && !known {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    front.metrics.set_connections(front.counts.open());
    front.metrics.set_mails(front.mail.figures());
    front.metrics.set_orders(front.orders.figures());
    front.metrics.set_night(front.handles.night.seen());
    let now = front.handles.clock.now_ms();
    front.metrics.set_rates(&front.handles.rates.table(), now);
    (
        [
            (header::CONTENT_TYPE, OPEN_METRICS),
            (header::CACHE_CONTROL, "no-store"),
        ],
        front.metrics.text(),
    )
        .into_response()
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let given = given
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    given.is_some_and(|(_, given)| same(given.trim().as_bytes(), token.expose().as_bytes()))
}

/// Compares without telling by its time how much of it was right.
fn same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len()
        && given
            .iter()
            .zip(token)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_opens() {
        for (header, opens) in [
            ("Bearer figures", true),
            ("bearer figures", true),
            ("Bearer figure", false),
            ("figures", false),
            ("Basic figures", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(
                http::header::AUTHORIZATION,
                http::HeaderValue::from_static(header),
            );
            assert_eq!(
                bears(&headers, &Secret::new("figures".to_owned())),
                opens,
                "{header}"
            );
        }
    }
}
