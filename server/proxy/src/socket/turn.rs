//! How does one `response.create` become a call, and the call's events messages?

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::ws::{Message, Utf8Bytes};
use axum::http::{HeaderMap, Response};
use domain::ids::CallId;
use domain::{Dialect, Problem, Scope};
use futures::StreamExt;
use server::ids::NewId;
use server::keys::KeyRecord;
use wire::conversation::{self, Create, Event, Heard as Listener, Remembered};
use wire::request::Request;
use wire::sse::{self, Parser};

use super::connection::{Connection, Left};
use crate::desk::Refusal;
use crate::pinned::Goal;
use crate::serve::{self, Inbound, is_offered, malformed};
use crate::voice::Voice;
use crate::{admit, forward, refuse};

/// What one turn is called and how it is spoken of.
struct Turn {
    call: CallId,
    began: Instant,
    lane: Option<String>,
    /// Once it is known.
    key: Option<Arc<KeyRecord>>,
    voice: Voice,
}

/// Why a turn did not go well.
enum Stop {
    Problem(Problem),
    Left(Left),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Left> for Stop {
    fn from(left: Left) -> Self {
        Self::Left(left)
    }
}

impl Connection {
    /// Answers one message, whatever comes of it.
    ///
    /// # Errors
    /// When the connection ends.
    pub(super) async fn answer(&mut self, message: Utf8Bytes) -> Result<(), Left> {
        let call = CallId::new();
        let mut turn = Turn {
            call,
            began: Instant::now(),
            lane: None,
            key: None,
            voice: self.voice(call.to_string()),
        };
        match self.turn(&mut turn, &message).await {
            Ok(()) => Ok(()),
            Err(Stop::Left(left)) => Err(left),
            Err(Stop::Problem(problem)) => {
                if let (Some(key), Some(refusal)) = (&turn.key, Refusal::of(&problem)) {
                    refusal.count(&self.state, key);
                }
                self.fail(&turn, &problem).await
            }
        }
    }

    async fn turn(&mut self, turn: &mut Turn, message: &Utf8Bytes) -> Result<(), Stop> {
        // The key may have been revoked since, or its limits changed. Every message counts, whatever it says.
        let key = admit::caller(&self.state, &self.parts, Scope::ResponsesWrite).await?;
        turn.voice = turn.voice.clone().to(&key, &self.state.texts);
        turn.key = Some(key.clone());
        let permit = admit::permit(&self.state, &key)?;
        let create = Create::read(message.as_bytes()).map_err(malformed)?;
        turn.lane.clone_from(&create.lane);
        let previous = create.previous.as_deref();
        let before = previous.and_then(|id| self.memory.find(id));
        if !create.generates {
            return self.warm_up(turn, &key, &create, before.as_ref()).await;
        }
        let body = create.body(before.as_ref());
        if body.len() > self.state.config.body_max {
            return Err(Stop::Problem(Problem::BodyTooLarge {
                max_mib: (self.state.config.body_max >> 20) as u64,
            }));
        }
        let inbound = Inbound {
            request: Request::read(Dialect::Responses, body).map_err(malformed)?,
            media: None,
            voice: turn.voice.clone(),
            forward: over_http(&self.parts.headers),
            goal: Goal::Answer,
        };
        let (state, call, began) = (self.state.clone(), turn.call, turn.began);
        let served = async move { serve::metered(&state, call, began, key, permit, inbound).await };
        tokio::pin!(served);
        let response = loop {
            // Leaving drops the call, which cancels the upstream and settles.
            let heard = tokio::select! {
                served = &mut served => break served?,
                heard = self.hear() => heard,
            };
            self.take(heard).await?;
        };
        self.relay(turn, &create, before.as_ref(), response).await
    }

    /// Passes the events of an answer on, each as a message, and remembers what was said.
    async fn relay(
        &mut self,
        turn: &Turn,
        create: &Create,
        before: Option<&Remembered>,
        response: Response<Body>,
    ) -> Result<(), Stop> {
        let mut pieces = response.into_body().into_data_stream();
        let mut parser = Parser::default();
        let mut listener = Listener::new(self.state.config.body_max);
        let mut has_ended = false;
        loop {
            let piece = tokio::select! {
                piece = pieces.next() => piece,
                heard = self.hear() => {
                    self.take(heard).await?;
                    continue;
                }
            };
            let Some(Ok(piece)) = piece else { break };
            parser.push(&piece).map_err(|_| Problem::UpstreamFailed)?;
            while let Some(event) = parser.next_event() {
                has_ended |= self.pass(turn, &mut listener, event).await?;
            }
        }
        if let Some(event) = parser.finish() {
            has_ended |= self.pass(turn, &mut listener, event).await?;
        }
        if !has_ended {
            // Every stream of ours ends with an event that says how.
            return Err(Stop::Problem(Problem::Internal));
        }
        if let Some(remembered) = listener.over(create, before) {
            self.memory.keep(create.lane.as_deref(), remembered);
        }
        Ok(())
    }

    /// One event as a message. Answers whether it was the last one.
    async fn pass(
        &mut self,
        turn: &Turn,
        listener: &mut Listener,
        event: sse::Event,
    ) -> Result<bool, Left> {
        let Some(data) = event.data.filter(|data| !data.is_empty()) else {
            return Ok(false);
        };
        let is_last = match listener.event(&data) {
            Event::Error(said) => {
                let frame = refuse::told_frame(&self.state, &turn.voice, said, turn.lane());
                self.send(Message::Text(frame.into())).await?;
                return Ok(true);
            }
            Event::Last => true,
            Event::Other => false,
        };
        // The reader of the upstream's dialect let only text through.
        let text = String::from_utf8_lossy(&data).into_owned();
        let text = conversation::in_lane(text, turn.lane());
        self.send(Message::Text(text.into())).await?;
        Ok(is_last)
    }

    /// Answers a warm-up here: no upstream is asked and nothing is charged. It counts as no request.
    async fn warm_up(
        &mut self,
        turn: &Turn,
        key: &KeyRecord,
        create: &Create,
        before: Option<&Remembered>,
    ) -> Result<(), Stop> {
        let model = create.model.as_deref().unwrap_or_default();
        is_offered(&self.state, key, model)?;
        let id = format!("resp_{}", turn.call.as_uuid().as_simple());
        let created = self.state.clock.now_ms().div_euclid(1_000);
        let (events, remembered) = conversation::warmed(create, before, &id, created);
        for event in events {
            let text = conversation::in_lane(event, turn.lane());
            self.send(Message::Text(text.into())).await?;
        }
        self.memory.keep(turn.lane(), remembered);
        Ok(())
    }

    async fn fail(&mut self, turn: &Turn, problem: &Problem) -> Result<(), Left> {
        let frame = refuse::frame(&self.state, &turn.voice, problem, turn.lane());
        self.send(Message::Text(frame.into())).await
    }
}

impl Turn {
    fn lane(&self) -> Option<&str> {
        self.lane.as_deref()
    }
}

/// The caller's headers for an upstream, without what is about this connection.
fn over_http(headers: &HeaderMap) -> HeaderMap {
    let mut forward = forward::headers(Dialect::Responses, headers);
    let of_socket = forward
        .get_all("openai-beta")
        .iter()
        .any(|value| value.as_bytes().starts_with(b"responses_websockets"));
    if of_socket {
        forward.remove("openai-beta");
    }
    forward
}
