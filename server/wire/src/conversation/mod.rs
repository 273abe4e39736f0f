//! How does a conversation over one connection become calls of their own? OpenAI's responses over a WebSocket: each
//! `response.create` brings only what is new, and what came before is put in front of it here, so that any upstream can
//! answer it over HTTP.
//!
//! What is remembered are the caller's words: no `Debug`, nothing stored, gone with the connection.

mod create;
mod frame;
mod heard;

pub use create::{Create, Remembered};
pub use frame::{error_frame, in_lane, warmed};
pub use heard::{Event, Heard};

use serde::Deserialize;

/// The id of the response that an event of a stream is about, if it says so.
#[must_use]
pub fn id_in_event(data: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        response: Option<Id>,
    }
    let named: Named = serde_json::from_slice(data).ok()?;
    named.response?.id
}

/// The id of a whole response.
#[must_use]
pub fn id_in_answer(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<Id>(body).ok()?.id
}

#[derive(Deserialize)]
struct Id {
    id: Option<String>,
}

#[cfg(test)]
mod tests;
