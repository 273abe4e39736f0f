//! Every URL that is not a page, on one screen; pages are listed in `app/src/router.rs`, the metered API in `server/proxy`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::routing::{get, post};
use proxy::ProxyState;
pub use proxy::is_api;
use server::mail::Mail;
use server::orders::Orders;
use texts::Texts;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::assets;
use crate::config::{Config, Site};
use crate::listen::Counts;
use crate::metrics::Metrics;
use crate::routes::{failure, health, hooks, metrics};
use crate::state::Handles;

/// How long a browser may pause in the middle of a form.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// What the endpoints below share.
pub struct Front {
    pub config: Config,
    pub site: Site,
    pub handles: Handles,
    pub texts: Texts,
    pub mail: Mail,
    pub orders: Orders,
    pub metrics: Metrics,
    pub counts: Counts,
    /// Cancelled when the server begins to stop.
    pub stopping: CancellationToken,
}

/// Everything that answers on our port.
pub fn router(front: Arc<Front>, proxy: ProxyState) -> Router {
    let pages = app::router(front.handles.services(
        &front.config,
        &front.site,
        front.texts.clone(),
        front.mail.clone(),
        front.orders.clone(),
        Arc::new(proxy.clone()),
    ));
    // The metered API has a patience of its own.
    let pages = pages.layer(RequestBodyTimeoutLayer::new(BODY_PAUSE));
    let api = proxy::router(proxy);
    Router::new()
        // Operators and their machines
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        // Providers of payments
        .route("/hooks/{provider}", post(hooks::take))
        // Files of the browser bundle
        .route("/assets/{*path}", get(assets::serve))
        .route("/pkg/{*path}", get(assets::serve))
        // Callers with a key (/v1/…), and everybody else: pages, forms, and what there is not
        .fallback(move |request: Request| {
            let router = if is_api(request.uri().path()) {
                api.clone()
            } else {
                pages.clone()
            };
            router.oneshot(request)
        })
        .layer(middleware::from_fn_with_state(
            front.clone(),
            failure::catch,
        ))
        .with_state(front)
}
