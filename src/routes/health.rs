//! Is it alive, and can it take calls? For load balancers and supervisors.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::json;

use crate::database::{self, Schema};
use crate::router::Front;

/// A probe must answer before its caller gives up.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process runs and answers. It says nothing about anything else, so that a database that is away
/// does not get the process killed.
pub async fn alive() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], "ok\n")
}

/// `GET /readyz`: 200 when calls can be served and charged; 503 with what is wrong otherwise.
pub async fn ready(State(front): State<Arc<Front>>) -> Response {
    let (database, schema) =
        match tokio::time::timeout(PATIENCE, database::schema(&front.handles.db)).await {
            Ok(Ok(Schema::Current)) => ("ok", "ok"),
            Ok(Ok(Schema::Older(_) | Schema::Newer)) => ("ok", "of another version"),
            Ok(Err(_)) => ("unreachable", "unknown"),
            Err(_) => ("silent", "unknown"),
        };
    let ledger = if front.handles.ledger.is_healthy() {
        "ok"
    } else {
        "charges cannot be written"
    };
    let server = if front.stopping.is_cancelled() {
        "stopping"
    } else {
        "ok"
    };
    let ready = [database, schema, ledger, server]
        .into_iter()
        .all(|part| part == "ok");
    front.metrics.set_ready(ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let parts = json!({"ready": ready, "database": database, "migrations": schema, "ledger": ledger, "server": server});
    (status, [(header::CACHE_CONTROL, "no-store")], Json(parts)).into_response()
}
