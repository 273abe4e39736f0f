//! OpenAI's endpoints that are no conversation: read for what they cost, and passed on as they came. They are asked of
//! OpenAI's kind of upstream only; nothing is translated but a text to be continued ([`legacy`]).

mod answer;
mod form;
pub mod legacy;
mod request;
mod usage;

use std::ops::Range;

use bytes::Bytes;

use crate::request::Request;

pub use request::read;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// The former way to have text continued.
    Completions,
    Embeddings,
    Images,
    Speech,
    Transcriptions,
    Moderations,
}

impl Endpoint {
    pub const ALL: [Self; 6] = [
        Self::Completions,
        Self::Embeddings,
        Self::Images,
        Self::Speech,
        Self::Transcriptions,
        Self::Moderations,
    ];

    /// Below `/v1`, here and at every upstream.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Images => "images/generations",
            Self::Speech => "audio/speech",
            Self::Transcriptions => "audio/transcriptions",
            Self::Moderations => "moderations",
        }
    }
}

/// A request as it was read: what it has in common with a conversation, and what it has not.
pub struct Asked {
    pub request: Request,
    pub media: Media,
}

/// What is particular to such a request. Its words are in the [`Request`].
#[derive(Debug, Clone)]
pub struct Media {
    pub endpoint: Endpoint,
    /// With which type the body goes on: that of a form says where its parts end.
    pub content_type: String,
    /// Tokens that the caller counted itself: it sent their numbers instead of text.
    pub numbers: u64,
    /// What is counted where the upstream reports nothing: characters to speak, or milliseconds to listen to. Images are
    /// counted when they are there.
    pub units: u64,
    /// The same, as much as it can be: for the hold.
    pub units_max: u64,
    /// The answer is JSON; otherwise it is a file or bare text.
    json: bool,
    /// Where the model's name stands in a form.
    model: Option<Range<usize>>,
}

impl Media {
    /// The answer is text that is streamed or counted like a chat's.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.endpoint == Endpoint::Completions
    }

    /// The body with the model's name at the upstream, and otherwise as it came. `lowered_max_tokens` is for
    /// [`Self::is_text`] alone.
    ///
    /// # Errors
    /// Never for a request that was read together with this.
    pub fn for_upstream(
        &self,
        request: &Request,
        model: &str,
        lowered_max_tokens: Option<u64>,
    ) -> Result<crate::segments::Segments, crate::request::BadRequest> {
        use crate::segments::{Edit, Segments};
        if let Some(at) = &self.model {
            // A value of a form is bare, and ends with its line.
            let bare: String = model.chars().filter(|c| !c.is_control()).collect();
            let edit = Edit {
                at: at.clone(),
                with: Bytes::from(bare),
            };
            return Ok(Segments::edited(&request.body, vec![edit]));
        }
        if request.places.model.is_none() {
            let brace = request.body.iter().position(|byte| *byte == b'{');
            let at = brace.map_or(0, |at| at + 1);
            let name = serde_json::Value::from(model);
            let edit = Edit {
                at: at..at,
                with: Bytes::from(format!(r#""model":{name},"#)),
            };
            return Ok(Segments::edited(&request.body, vec![edit]));
        }
        let lowered = lowered_max_tokens.filter(|_| self.is_text());
        request.for_upstream(request.dialect, model, lowered)
    }
}
