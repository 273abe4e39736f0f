//! Which upstream keeps a stored response? A call that goes on from one may only go there, and a call whose answer is
//! stored notes where, before its caller hears the end of it.

use std::sync::Arc;

use domain::ids::UpstreamId;
use domain::{Dialect, Problem};
use server::keys::KeyRecord;
use server::pins::NewPin;
use wire::request::{BadRequest, Request};
use wire::responses::request::stateful;

use crate::attempt::{Place, Reply};
use crate::meter::Meter;
use crate::serve::malformed;
use crate::state::ProxyState;

/// What a call of OpenAI's responses is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Goal {
    /// An answer, in any dialect.
    #[default]
    Answer,
    /// A shorter form of a conversation: `/responses/compact`.
    Compact,
}

impl Goal {
    /// Where it is asked for, below the base address of an upstream that is asked in this dialect.
    pub(crate) const fn path(self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Self::Compact, _) => "responses/compact",
            (Self::Answer, Dialect::Chat | Dialect::Gemini) => "chat/completions",
            (Self::Answer, Dialect::Responses) => "responses",
            (Self::Answer, Dialect::Messages) => "messages",
        }
    }
}

/// The places where a call can be served, with what it goes on from in mind, and how many tokens of that are its prompt
/// again, beside what it brings.
///
/// # Errors
/// [`Problem::PreviousResponseNotFound`] when it goes on from a response that this workspace did not store with this kind
/// of key, whose upstream is gone, or that nobody who serves the model can have kept: which of these is not told, and
/// clients send the whole conversation then. [`Problem::InvalidBody`] when nobody who serves the model can compact.
pub(crate) async fn places(
    state: &ProxyState,
    key: &KeyRecord,
    goal: Goal,
    request: &Request,
    mut places: Vec<Place>,
) -> Result<(Vec<Place>, u64), Problem> {
    if request.dialect != Dialect::Responses {
        return Ok((places, 0));
    }
    let native = |place: &Place| place.dialect(request) == Dialect::Responses;
    if goal == Goal::Compact {
        if request.stream {
            return Err(malformed(BadRequest {
                detail: "a shorter conversation comes as a whole: leave out `stream`".to_owned(),
                param: Some("stream"),
            }));
        }
        places.retain(native);
        if places.is_empty() {
            return Err(malformed(BadRequest {
                detail: "this model's provider cannot compact a conversation".to_owned(),
                param: Some("model"),
            }));
        }
    }
    let Some(previous) = stateful(request).previous else {
        return Ok((places, 0));
    };
    let pin = state
        .pins
        .find(key.workspace, key.test, &previous)
        .await
        .map_err(|_| Problem::Unavailable)?
        // A key for some models goes on from nothing of the others.
        .filter(|pin| key.limits.allows_model(&pin.model))
        .ok_or(Problem::PreviousResponseNotFound)?;
    places.retain(|place| place.upstream.id == pin.upstream && native(place));
    match places.is_empty() {
        true => Err(Problem::PreviousResponseNotFound),
        false => Ok((places, pin.tokens)),
    }
}

/// Notes a stored response while it passes.
pub(crate) struct Keep {
    key: Arc<KeyRecord>,
    upstream: UpstreamId,
    model: String,
    id: Option<String>,
}

impl Keep {
    /// `None` for an answer that its upstream does not keep: the common case, which costs nothing more.
    pub(crate) fn of(meter: &Meter, reply: &Reply) -> Option<Self> {
        let is_kept = meter.goal == Goal::Answer
            && meter.request.dialect == Dialect::Responses
            && reply.dialect == Dialect::Responses
            && stateful(&meter.request).stores;
        is_kept.then(|| Self {
            key: meter.key.clone(),
            upstream: reply.upstream,
            model: meter.request.model.clone(),
            id: None,
        })
    }

    /// An event came from the upstream. The first ones name the response.
    pub(crate) fn event(&mut self, data: &[u8]) {
        if self.id.is_none() {
            self.id = wire::conversation::id_in_event(data);
        }
    }

    /// The whole answer came.
    pub(crate) fn answer(mut self, body: &[u8]) -> Self {
        self.id = wire::conversation::id_in_answer(body);
        self
    }

    /// Writes down where it is, when it is paid for. `tokens` is what was charged for. When that fails the answer is still the caller's; it cannot be gone on from.
    pub(crate) async fn write(self, state: &ProxyState, tokens: u64) {
        let Some(id) = self.id else { return };
        let pin = NewPin {
            id,
            workspace: self.key.workspace,
            test: self.key.test,
            upstream: self.upstream,
            model: self.model,
            tokens,
        };
        if let Err(error) = state.pins.keep(pin).await {
            tracing::error!(%error, "Where a stored response is kept was not written down: nobody can go on from it");
        }
    }
}
