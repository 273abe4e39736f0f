//! What does a caller ask for? Read from its bytes, which go upstream as they are where the upstream speaks the same
//! dialect, but for the model's name, the request for usage, a lowered maximum of answer tokens, and thoughts that only
//! another provider believes.

use std::ops::Range;

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::Asked;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::fields::{given, pick, place};
use crate::hosted::Hosted;
use crate::neutral::names::{self, Names};
use crate::neutral::{Block, Prompt, Tool};
use crate::relay::{Broken, Reader, Relay, Translate, Whole, Writer};
use crate::segments::{Edit, Segments};
use crate::text::{Size, each_text};
use crate::{chat, gemini, messages, responses};

/// A request for an answer, in any dialect. No `Debug`: it carries the caller's words.
pub struct Request {
    pub dialect: Dialect,
    /// As the caller named it.
    pub model: String,
    pub stream: bool,
    /// A stream of Gemini's is one JSON array: it was not asked for with `alt=sse`.
    pub array: bool,
    /// Did the caller ask for the usage of a stream? Only chat has a choice.
    pub wants_usage: bool,
    /// How many tokens the answer may have, if the caller said so.
    pub max_tokens: Option<u64>,
    /// How many answers.
    pub choices: u64,
    pub size: Size,
    /// What of it changes the price.
    pub asked: Asked,
    /// The tools that an upstream which gets the caller's own bytes would run; `None` when none is offered, and for
    /// what is no conversation. No other dialect is told of them.
    pub hosted: Option<Hosted>,
    pub(crate) body: Bytes,
    pub(crate) places: Places,
}

/// Where in the body the fields are that may be changed, and those that the model reads.
pub(crate) struct Places {
    /// The model's name; a dialect that has it in the path has none.
    pub(crate) model: Option<Range<usize>>,
    pub(crate) stream_options: Option<Range<usize>>,
    /// Under each of its names, `null` included.
    pub(crate) max_tokens: Vec<Range<usize>>,
    /// The name that is added when there is none.
    pub(crate) max_tokens_name: &'static str,
    /// What the model reads: messages, tools …
    pub(crate) read_by_model: Vec<Range<usize>>,
}

/// What is wrong with a body: the place and the rule, never the content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct BadRequest {
    pub detail: String,
    pub param: Option<&'static str>,
}

impl BadRequest {
    pub(crate) fn new(param: &'static str, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            param: Some(param),
        }
    }
}

/// The largest count that every provider reads (a signed 32-bit number).
pub(crate) const TOKENS_MAX: u64 = i32::MAX as u64;

/// What a caller gets its answer by, when it is written anew for it.
#[derive(Clone)]
pub struct Caller {
    /// The call's id, from which the answer's own is made.
    pub call: String,
    /// As the caller named the model.
    pub model: String,
    /// Seconds since 1970 UTC.
    pub created: i64,
    pub wants_usage: bool,
    /// The tools it offered: their names and kinds.
    pub tools: Vec<Tool>,
    /// What a dialect repeats of the request in its answer, as it was written.
    pub echo: Vec<(&'static str, Box<RawValue>)>,
}

impl Request {
    /// Reads a body. Gemini's has its model and whether it is streamed in the path: `gemini::request::read` does that.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no request of the dialect.
    pub fn read(dialect: Dialect, body: Bytes) -> Result<Self, BadRequest> {
        match dialect {
            Dialect::Chat => chat::request::read(body),
            Dialect::Responses => responses::request::read(body),
            Dialect::Messages => messages::request::read(body),
            Dialect::Gemini => Err(BadRequest::new("model", "the model is named in the path")),
        }
    }

    /// The body for an upstream that speaks `to`: the caller's own with the model's name there, usage asked for, and the
    /// maximum lowered if told so; or the same request in the other dialect.
    ///
    /// # Errors
    /// [`BadRequest`] when the other dialect cannot say it.
    pub fn for_upstream(
        &self,
        to: Dialect,
        model: &str,
        lowered_max_tokens: Option<u64>,
    ) -> Result<Segments, BadRequest> {
        if to == self.dialect {
            return Ok(self.own(model, lowered_max_tokens));
        }
        let mut prompt = self.prompt()?;
        if !prompt.says_something() {
            // Every provider refuses it, each in words about fields that this caller never wrote.
            return Err(self.says_nothing());
        }
        names::fit(&mut prompt);
        prompt.max_tokens = lowered_max_tokens.or(prompt.max_tokens);
        let body = match to {
            Dialect::Chat | Dialect::Gemini => {
                chat::kept::keep_own(&mut prompt, &self.model);
                chat::request::write(&prompt, model)
            }
            Dialect::Responses => responses::request::write(&prompt, model),
            Dialect::Messages => messages::request::write(&prompt, model),
        }
        .map_err(|bad| self.in_own_words(bad))?;
        Ok(Segments::edited(&body, Vec::new()))
    }

    /// What asks for the shape of an answer is called otherwise in each dialect.
    fn in_own_words(&self, bad: BadRequest) -> BadRequest {
        if bad.param != Some(messages::request::FORMAT) {
            return bad;
        }
        let name = match self.dialect {
            Dialect::Chat => return bad,
            Dialect::Responses => "text",
            Dialect::Messages => "output_config",
            Dialect::Gemini => "generationConfig",
        };
        BadRequest::new(name, bad.detail)
    }

    fn says_nothing(&self) -> BadRequest {
        let name = match self.dialect {
            Dialect::Chat | Dialect::Messages => "messages",
            Dialect::Responses => "input",
            Dialect::Gemini => "contents",
        };
        let rule =
            "must say something beside instructions: this model's provider answers nothing else";
        BadRequest::new(name, format!("`{name}` {rule}"))
    }

    /// The request in the shape between the dialects.
    fn prompt(&self) -> Result<Prompt, BadRequest> {
        match self.dialect {
            Dialect::Responses => responses::request::prompt(self),
            Dialect::Messages => messages::request::prompt(self),
            Dialect::Gemini => gemini::request::prompt(self),
            Dialect::Chat => chat::request::prompt(self),
        }
    }

    /// Whether [`Self::for_upstream`] can say it there.
    ///
    /// # Errors
    /// [`BadRequest`] when it cannot.
    pub fn can_be_said(&self, to: Dialect) -> Result<(), BadRequest> {
        if to == self.dialect {
            return Ok(());
        }
        self.for_upstream(to, &self.model, None).map(|_| ())
    }

    /// How many answer tokens go into thought before anything is said, at least: a provider that is told to think with fewer
    /// refuses. It looks through the body, so it is asked only where the maximum must be lowered.
    #[must_use]
    pub fn thought_min(&self) -> u64 {
        match self.dialect {
            Dialect::Messages => messages::thinking::least(&self.body, self.max_tokens),
            Dialect::Chat | Dialect::Responses | Dialect::Gemini => 0,
        }
    }

    /// How the events of an upstream that speaks `from` reach this caller. `call` is the call's id, `created` when it came
    /// in, in seconds since 1970 UTC: for answers that are written anew.
    #[must_use]
    pub fn relay(&self, from: Dialect, call: &str, created: i64) -> Box<dyn Relay> {
        if from == self.dialect {
            return match from {
                Dialect::Responses => Box::new(responses::relay::Own::new(self)),
                Dialect::Messages => Box::new(messages::relay::Own::new(self)),
                Dialect::Chat | Dialect::Gemini => Box::new(chat::relay::Own::new(self)),
            };
        }
        let reader: Box<dyn Reader> = match from {
            Dialect::Responses => Box::new(responses::relay::Reader::default()),
            Dialect::Messages => Box::new(messages::relay::Reader::default()),
            Dialect::Chat | Dialect::Gemini => Box::new(chat::reader::Reader::of(&self.model)),
        };
        let caller = self.caller(call, created);
        let names = Names::of(&caller.tools);
        let writer: Box<dyn Writer> = match self.dialect {
            Dialect::Responses => Box::new(responses::relay::Writer::new(caller)),
            Dialect::Messages => Box::new(messages::relay::Writer::new(caller)),
            Dialect::Gemini => Box::new(gemini::relay::Writer::new(caller, self.array)),
            Dialect::Chat => Box::new(chat::writer::Writer::new(caller)),
        };
        Box::new(Translate::new(reader, writer, names))
    }

    /// The whole answer of an upstream that speaks `from`; `call` and `created` as for [`Self::relay`].
    ///
    /// # Errors
    /// [`Broken`] when it is no answer: SDKs would not repeat it but fail with a bare parser error, so it must never
    /// reach a caller.
    pub fn whole(
        &self,
        from: Dialect,
        body: Bytes,
        call: &str,
        created: i64,
    ) -> Result<Whole, Broken> {
        if from == self.dialect {
            return match from {
                Dialect::Responses => responses::answer::own(body),
                Dialect::Messages => messages::answer::own(body),
                Dialect::Chat | Dialect::Gemini => chat::answer::own(body),
            };
        }
        let mut answer = match from {
            Dialect::Responses => responses::answer::read(&body),
            Dialect::Messages => messages::answer::read(&body),
            Dialect::Chat | Dialect::Gemini => chat::answer::read(&body, &self.model),
        }?;
        let caller = self.caller(call, created);
        let names = Names::of(&caller.tools);
        for content in &mut answer.blocks {
            if let Block::Tool { name, .. } = &mut content.block {
                names.give_back(name);
            }
        }
        Ok(Whole::anew(answer, self.dialect, caller))
    }

    /// Whether the answer may have something in it that is no text: only chat's callers ask for that by a field.
    #[must_use]
    pub fn wants_media(&self) -> bool {
        match self.dialect {
            Dialect::Chat => {
                let [modalities, audio] =
                    pick(&self.body, ["modalities", "audio"]).unwrap_or_default();
                given(modalities).or(given(audio)).is_some()
            }
            Dialect::Gemini => true,
            Dialect::Responses | Dialect::Messages => false,
        }
    }

    /// Hands every piece of prompt text to `each`, for a tokenizer.
    pub fn each_text(&self, each: &mut dyn FnMut(&str)) {
        for at in &self.places.read_by_model {
            // The body was read before, so it is JSON.
            let _ = each_text(&self.body[at.clone()], each);
        }
    }

    /// What an answer that is written anew needs to know.
    fn caller(&self, call: &str, created: i64) -> Caller {
        Caller {
            call: call.to_owned(),
            model: self.model.clone(),
            created,
            wants_usage: self.wants_usage,
            tools: self.prompt().map(|prompt| prompt.tools).unwrap_or_default(),
            echo: match self.dialect {
                Dialect::Responses => responses::request::echo(self),
                _ => Vec::new(),
            },
        }
    }

    fn own(&self, model: &str, lowered_max_tokens: Option<u64>) -> Segments {
        let mut edits = Vec::new();
        if model != self.model
            && let Some(at) = &self.places.model
        {
            edits.push(Edit {
                at: at.clone(),
                with: json_string(model),
            });
        }
        if self.dialect == Dialect::Chat && self.stream && !self.wants_usage {
            edits.push(match &self.places.stream_options {
                Some(at) => Edit {
                    at: at.clone(),
                    with: chat::request::with_usage(&self.body[at.clone()]),
                },
                None => self.new_field(r#""stream_options":{"include_usage":true},"#.to_owned()),
            });
        }
        edits.extend(match self.dialect {
            Dialect::Messages => messages::foreign::edits(&self.body, &self.model, model),
            Dialect::Responses => responses::foreign::edits(&self.body),
            Dialect::Chat | Dialect::Gemini => Vec::new(),
        });
        if let Some(max) = lowered_max_tokens {
            let lowered = Bytes::from(max.to_string());
            edits.extend(self.places.max_tokens.iter().map(|at| Edit {
                at: at.clone(),
                with: lowered.clone(),
            }));
            if self.places.max_tokens.is_empty() {
                let name = self.places.max_tokens_name;
                edits.push(self.new_field(format!(r#""{name}":{max},"#)));
            }
            if self.dialect == Dialect::Messages {
                edits.extend(messages::thinking::lower(&self.body, self.max_tokens, max));
            }
        }
        Segments::edited(&self.body, edits)
    }

    /// Behind the opening brace.
    fn new_field(&self, text: String) -> Edit {
        let first = self.body.iter().position(|byte| *byte == b'{');
        let at = first.map_or(0, |at| at + 1);
        Edit {
            at: at..at,
            with: Bytes::from(text),
        }
    }
}

/// The places of the fields that are there and not `null`.
pub(crate) fn places<'a>(
    body: &Bytes,
    fields: impl IntoIterator<Item = Option<&'a RawValue>>,
) -> Vec<Range<usize>> {
    fields
        .into_iter()
        .filter_map(given)
        .map(|raw| place(body, raw))
        .collect()
}

pub(crate) fn json_string(text: &str) -> Bytes {
    Bytes::from(serde_json::Value::from(text).to_string())
}
