//! `GET /v1/responses`: OpenAI's responses over a WebSocket, which Codex opens first. Each `response.create` on it is a
//! metered call like any other: its own id, price, hold, charge and row, and the key is looked at anew.
//!
//! Answers of one connection come one after the other, as OpenAI's do within one `stream_id`; what is asked for meanwhile
//! waits. What was said is remembered while the connection is open, so that the next turn brings only what is new, and
//! nowhere else.

mod connection;
mod memory;
mod turn;
mod waiting;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderValue;
use axum::http::header::UPGRADE;
use axum::http::request::Parts;
use axum::response::Response;
use domain::ids::WorkspaceId;
use domain::{Problem, Scope};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::at_once::{AtOnce, Place};
use crate::state::ProxyState;
use crate::{admit, refuse};

use connection::Connection;

/// Connections of one workspace at the same time: each remembers a conversation.
const AT_ONCE: u32 = 100;
/// A rate that is used up is told to be so for this long at most; the calls themselves know better.
const RATE_WAIT_MAX: Duration = Duration::from_secs(60);

/// What all open connections share.
#[derive(Default)]
pub(crate) struct Sockets {
    open: AtOnce<WorkspaceId>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// Bytes remembered by all of them.
    remembered: Arc<AtomicUsize>,
    /// Bytes of the messages that wait on all of them.
    waiting: Arc<Mutex<waiting::Load>>,
}

impl Sockets {
    /// Lets running answers end, and nothing else begin.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// Waits until every connection is closed.
    pub(crate) async fn drain(&self) {
        self.stop();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

pub(crate) async fn open(State(state): State<ProxyState>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &state).await else {
        let mut response = refuse::answer(&state, &Problem::UpgradeRequired);
        let websocket = HeaderValue::from_static("websocket");
        response.headers_mut().insert(UPGRADE, websocket);
        return response;
    };
    let (workspace, place) = match admit(&state, &parts).await {
        Ok(admitted) => admitted,
        Err(problem) => return refuse::answer(&state, &problem),
    };
    // Counted from here on, so that a stop between the answer and the upgrade waits for it.
    let counted = state.sockets.tasks.token();
    let max = state.config.body_max;
    upgrade
        .max_message_size(max)
        .max_frame_size(max)
        .on_upgrade(move |socket| async move {
            let connection = Connection::new(state, workspace, parts, socket);
            connection.run().await;
            drop((place, counted));
        })
}

/// Whether somebody may open a connection. A call is counted when it is made, not here; but a key that may make none now
/// is told so, in an answer that every client understands.
async fn admit(
    state: &ProxyState,
    parts: &Parts,
) -> Result<(WorkspaceId, Place<WorkspaceId>), Problem> {
    let key = admit::caller(state, parts, Scope::ResponsesWrite).await?;
    if state.sockets.stopping.is_cancelled() {
        return Err(Problem::Unavailable);
    }
    if let Some((Some(rate), _)) = state.rates.of(&key)
        && rate.standing.remaining == 0
    {
        let retry_after = rate.standing.reset.min(RATE_WAIT_MAX);
        return Err(Problem::RateLimited { retry_after });
    }
    let place = state.sockets.open.enter(key.workspace, AT_ONCE);
    let place = place.ok_or(Problem::TooManyAtOnce { max: AT_ONCE })?;
    Ok((key.workspace, place))
}
