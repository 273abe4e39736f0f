//! How does one connection live? It waits for a message, answers it, and listens meanwhile: to who leaves, to what comes
//! next, and to silence.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use axum::http::request::Parts;
use bytes::Bytes;
use domain::ids::WorkspaceId;
use domain::{Dialect, Problem};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until, timeout};
use wire::request::BadRequest;

use super::memory::Memory;
use super::waiting::Waiting;
use crate::refuse;
use crate::serve::malformed;
use crate::state::ProxyState;
use crate::voice::Voice;

/// A connection on which nothing was asked for so long is closed.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// Somebody who answers no ping for so many of them is gone.
const PINGS: u32 = 3;
/// How long a goodbye may take.
const CLOSE_TIME: Duration = Duration::from_secs(2);

const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
const TOO_LARGE: u16 = 1009;

pub(super) struct Connection {
    pub(super) state: ProxyState,
    /// The request that opened it, with the key to be looked at again.
    pub(super) parts: Arc<Parts>,
    pub(super) memory: Memory,
    socket: WebSocket,
    /// Messages that came while an answer runs.
    waiting: Waiting,
    is_answering: bool,
    /// Pings since something was heard of the other end.
    unanswered: u32,
    ping: Interval,
}

/// Why a connection ends.
pub(super) enum Left {
    Gone,
    Close(u16, &'static str),
}

/// What comes from outside while something else is awaited.
pub(super) enum Heard {
    Message(Option<Result<Message, axum::Error>>),
    Tick,
}

impl Connection {
    pub(super) fn new(
        state: ProxyState,
        workspace: WorkspaceId,
        parts: Parts,
        socket: WebSocket,
    ) -> Self {
        // An interval of nothing would never end.
        let every = state.config.keep_alive.max(Duration::from_millis(1));
        let mut ping = interval_at(Instant::now() + every, every);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let memory = Memory::new(state.config.body_max, state.sockets.remembered.clone());
        let shared = state.sockets.waiting.clone();
        let waiting = Waiting::new(state.config.body_max, workspace, shared);
        Self {
            state,
            parts: Arc::new(parts),
            memory,
            socket,
            waiting,
            is_answering: false,
            unanswered: 0,
            ping,
        }
    }

    /// Lives until one side ends it.
    pub(super) async fn run(mut self) {
        if let Left::Close(code, reason) = self.live().await {
            let close = Message::Close(Some(CloseFrame {
                code,
                reason: Utf8Bytes::from_static(reason),
            }));
            let _ = timeout(CLOSE_TIME, self.socket.send(close)).await;
        }
        // The other side's goodbye is heard, or ours is sent.
        let _ = timeout(CLOSE_TIME, async {
            while let Some(Ok(_)) = self.socket.recv().await {}
        })
        .await;
    }

    async fn live(&mut self) -> Left {
        let state = self.state.clone();
        let mut idle_since = Instant::now();
        loop {
            if state.sockets.stopping.is_cancelled() {
                return Left::Close(GOING_AWAY, "the server is stopping");
            }
            if let Some(message) = self.waiting.pop() {
                self.is_answering = true;
                if let Err(left) = self.answer(message).await {
                    return left;
                }
                self.is_answering = false;
                idle_since = Instant::now();
                continue;
            }
            let heard = tokio::select! {
                heard = self.hear() => heard,
                () = state.sockets.stopping.cancelled() => continue,
                () = sleep_until(idle_since + IDLE) => {
                    return Left::Close(NORMAL, "nothing was asked for half an hour");
                }
            };
            if let Err(left) = self.take(heard).await {
                return left;
            }
        }
    }

    /// The next thing from outside. Dropping the future loses nothing.
    pub(super) async fn hear(&mut self) -> Heard {
        tokio::select! {
            message = self.socket.recv() => Heard::Message(message),
            _ = self.ping.tick() => Heard::Tick,
        }
    }

    /// Deals with what was heard; what asks for something waits for its turn.
    ///
    /// # Errors
    /// When the connection ends.
    pub(super) async fn take(&mut self, heard: Heard) -> Result<(), Left> {
        let message = match heard {
            Heard::Tick => {
                if self.unanswered >= PINGS {
                    return Err(Left::Gone);
                }
                self.unanswered += 1;
                return self.send(Message::Ping(Bytes::new())).await;
            }
            Heard::Message(None) => return Err(Left::Gone),
            // Too large, not of the protocol, or cut off; only the first of these still listens.
            Heard::Message(Some(Err(_))) => {
                return Err(Left::Close(TOO_LARGE, "a message is too large or broken"));
            }
            Heard::Message(Some(Ok(message))) => message,
        };
        self.unanswered = 0;
        match message {
            Message::Text(text) => match self.waiting.push(text, self.is_answering) {
                Ok(()) => Ok(()),
                Err(problem) => self.refuse(&problem).await,
            },
            Message::Binary(_) => {
                let problem = malformed(BadRequest {
                    detail: "a message must be text".to_owned(),
                    param: None,
                });
                self.refuse(&problem).await
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(Left::Gone),
        }
    }

    /// Says something to the other end, which must be reading.
    ///
    /// # Errors
    /// When it is not.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Left> {
        let stall = self.state.config.write_stall;
        match timeout(stall, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Left::Gone),
        }
    }

    /// Says what is wrong with a message that never became a call.
    async fn refuse(&mut self, problem: &Problem) -> Result<(), Left> {
        let voice = self.voice(String::new());
        let frame = refuse::frame(&self.state, &voice, problem, None);
        self.send(Message::Text(frame.into())).await
    }

    /// How this caller is spoken to, before it is known who it is.
    pub(super) fn voice(&self, request_id: String) -> Voice {
        Voice {
            dialect: Dialect::Responses,
            ..Voice::of_path(self.parts.uri.path(), &self.parts.headers, request_id)
        }
    }
}
