//! How do the events of an upstream reach a caller? As they came, where both speak the same dialect; read and written
//! anew, where they do not.
//!
//! Two steps for each event: [`Relay::read`] tells what it brings, so that money can be held for it; [`Relay::pass`]
//! gives the bytes for the caller. What was read and not passed never happened.

use std::fmt;

use bytes::Bytes;
use domain::price_rule::Tier;
use domain::{Dialect, Usage};

use crate::error::{Fault, Said};
use crate::neutral::names::Names;
use crate::neutral::{Answer, Block, Piece, Stop};
use crate::request::Caller;
use crate::sse::{self, Event};
use crate::{chat, gemini, messages, responses};

/// What came is not of the dialect. It tells nothing: what came could be the caller's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not of its dialect")
    }
}

impl std::error::Error for Broken {}

impl From<serde_json::Error> for Broken {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// What one event brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What it reports, if that can be believed: a running total.
    pub usage: Option<Usage>,
    /// What it reports of the prompt alone, before the answer is counted: what a call is charged for its prompt by when the
    /// rest of the report never comes.
    pub prompt: Option<Usage>,
    /// How soon the upstream says that it served, which is what is charged; `None` when it does not say.
    pub tier: Option<Tier>,
    /// It carries something of the answer.
    pub delivers: bool,
    /// It ends the answer or comes after its end: it goes out when the charge is committed.
    pub sealed: bool,
    /// Nothing more is to be read.
    pub over: bool,
    /// The upstream broke off with an error of its own.
    pub failed: Option<Said>,
}

/// Between one upstream's stream and one caller.
pub trait Relay: Send + Sync {
    /// Looks at an event, and hands the pieces of answer in it to `each`, for a tokenizer. An event that was read before
    /// and not passed is dropped.
    ///
    /// # Errors
    /// [`Broken`] when it is no event of the dialect.
    fn read(&mut self, event: Event, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken>;

    /// What the caller gets of the event that was read last; nothing, for one that is not for it.
    fn pass(&mut self, out: &mut Vec<Bytes>);

    /// The whole answer was passed: an upstream that says no more takes nothing away.
    fn is_whole(&self) -> bool;

    /// What the caller still waits for when the whole answer was passed and charged.
    fn finish(&mut self, usage: &Usage, out: &mut Vec<Bytes>);

    /// Ends the answer properly where it is, as one whose length is used up.
    fn cut(&mut self, usage: &Usage, out: &mut Vec<Bytes>);

    /// The event that ends a stream which cannot end well. It is the last one.
    fn fail(&mut self, fault: &Fault) -> Bytes;

    /// Shows that somebody is still there, and means nothing.
    fn keep_alive(&self) -> Bytes;
}

/// Shows a caller that somebody is still there, before or inside its answer.
#[must_use]
pub fn keep_alive(dialect: Dialect) -> Bytes {
    Bytes::from_static(match dialect {
        Dialect::Chat | Dialect::Responses => b": keep-alive\n\n",
        // Google's SDKs take a comment for a broken response.
        Dialect::Gemini => b"\n",
        Dialect::Messages => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
    })
}

/// The event that ends a stream of which nothing has begun.
#[must_use]
pub fn first_fault(dialect: Dialect, fault: &Fault) -> Bytes {
    match dialect {
        Dialect::Chat | Dialect::Gemini => sse::data_event(&fault.json(dialect)),
        Dialect::Messages => sse::named_event("error", &fault.json(dialect)),
        Dialect::Responses => responses::relay::first_fault(fault),
    }
}

/// Reads the stream of an upstream.
pub trait Reader: Send + Sync {
    /// # Errors
    /// [`Broken`] when it is no event of the dialect.
    fn event(&mut self, event: &Event, out: &mut Vec<Piece>) -> Result<(), Broken>;

    /// What was reported of the prompt alone, if it was by now.
    fn prompt(&self) -> Option<Usage> {
        None
    }

    /// How soon the answer is served, if it was said by now.
    fn tier(&self) -> Option<Tier> {
        None
    }
}

/// Writes a stream for a caller. Its pieces come in the order that [`Piece`] promises, `Used` before `Ended` and only
/// there; it cannot write a stop reason while a block is open, nor anything after its last event.
pub trait Writer: Send + Sync {
    fn piece(&mut self, piece: Piece, out: &mut Vec<Bytes>);

    /// The event that ends a stream which cannot end well.
    fn fail(&mut self, fault: &Fault) -> Bytes;

    fn keep_alive(&self) -> Bytes;
}

/// A stream that is read in one dialect and written in another.
pub struct Translate {
    reader: Box<dyn Reader>,
    writer: Box<dyn Writer>,
    names: Names,
    read: Vec<Piece>,
    is_open: bool,
    has_begun: bool,
    has_stopped: bool,
    has_ended: bool,
}

impl Translate {
    #[must_use]
    pub fn new(reader: Box<dyn Reader>, writer: Box<dyn Writer>, names: Names) -> Self {
        Self {
            reader,
            writer,
            names,
            read: Vec::new(),
            is_open: false,
            has_begun: false,
            has_stopped: false,
            has_ended: false,
        }
    }

    fn write(&mut self, piece: Piece, out: &mut Vec<Bytes>) {
        match &piece {
            Piece::Began { .. } => self.has_begun = true,
            Piece::Opened(_) => self.is_open = true,
            Piece::Closed => self.is_open = false,
            Piece::Stopped(_) => self.has_stopped = true,
            _ => {}
        }
        self.writer.piece(piece, out);
    }
}

impl Relay for Translate {
    fn read(&mut self, event: Event, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken> {
        self.read.clear();
        let mut facts = Facts::default();
        match self.reader.event(&event, &mut self.read) {
            Ok(()) => {}
            // After the end there is nothing more to understand.
            Err(_) if self.has_stopped => self.read.clear(),
            Err(broken) => return Err(broken),
        }
        facts.sealed = self.has_stopped;
        facts.tier = self.reader.tier();
        facts.prompt = self.reader.prompt();
        for piece in &self.read {
            match piece {
                Piece::Opened(Block::Tool { name, .. }) => {
                    facts.delivers = true;
                    each(name);
                }
                Piece::Text(text) if !text.is_empty() => {
                    facts.delivers = true;
                    each(text);
                }
                Piece::Seal(_) => facts.delivers = true,
                Piece::Stopped(_) => facts.sealed = true,
                Piece::Used(usage) => facts.usage = Some(*usage),
                Piece::Ended => facts.over = true,
                Piece::Failed(said) => facts.failed = Some(said.clone()),
                Piece::Began { .. } | Piece::Opened(_) | Piece::Text(_) | Piece::Closed => {}
            }
        }
        Ok(facts)
    }

    fn pass(&mut self, out: &mut Vec<Bytes>) {
        for mut piece in std::mem::take(&mut self.read) {
            if let Piece::Opened(Block::Tool { name, .. }) = &mut piece {
                self.names.give_back(name);
            }
            // The ending is written by `finish`, with what was charged.
            if !matches!(piece, Piece::Used(_) | Piece::Ended | Piece::Failed(_)) {
                self.write(piece, out);
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.has_stopped
    }

    fn finish(&mut self, usage: &Usage, out: &mut Vec<Bytes>) {
        if !std::mem::replace(&mut self.has_ended, true) {
            self.write(Piece::Used(*usage), out);
            self.write(Piece::Ended, out);
        }
    }

    fn cut(&mut self, usage: &Usage, out: &mut Vec<Bytes>) {
        self.read.clear();
        if !self.has_begun {
            let (id, model) = (None, None);
            self.write(Piece::Began { id, model }, out);
        }
        if self.is_open {
            self.write(Piece::Closed, out);
        }
        if !self.has_stopped {
            self.write(Piece::Stopped(Stop::Length), out);
        }
        self.finish(usage, out);
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        self.writer.fail(fault)
    }

    fn keep_alive(&self) -> Bytes {
        self.writer.keep_alive()
    }
}

/// A whole answer, ready for its caller.
pub struct Whole {
    /// What it reports, if that can be believed.
    pub usage: Option<Usage>,
    /// How soon the upstream says that it served; `None` when it does not say.
    pub tier: Option<Tier>,
    /// It carries something of an answer.
    pub delivers: bool,
    told: Told,
}

enum Told {
    /// As it came.
    Own(Dialect, Bytes),
    /// Read in another dialect, to be written in this one.
    Anew(Box<Answer>, Dialect, Box<Caller>),
}

impl Whole {
    pub(crate) fn own(dialect: Dialect, body: Bytes, usage: Option<Usage>, delivers: bool) -> Self {
        Self {
            usage,
            tier: None,
            delivers,
            told: Told::Own(dialect, body),
        }
    }

    pub(crate) fn anew(answer: Answer, to: Dialect, caller: Caller) -> Self {
        Self {
            usage: answer.usage,
            tier: None,
            delivers: answer.each_text(&mut |_| {}),
            told: Told::Anew(Box::new(answer), to, Box::new(caller)),
        }
    }

    pub(crate) fn served(self, tier: Option<Tier>) -> Self {
        Self { tier, ..self }
    }

    /// Hands every piece of the answer's text to `each`, for a tokenizer.
    pub fn each_text(&self, each: &mut dyn FnMut(&str)) {
        match &self.told {
            Told::Own(Dialect::Responses, body) => responses::answer::each_answer_text(body, each),
            Told::Own(Dialect::Messages, body) => messages::answer::each_answer_text(body, each),
            Told::Own(_, body) => chat::answer::each_answer_text(body, each),
            Told::Anew(answer, ..) => {
                answer.each_text(each);
            }
        }
    }

    /// The body for the caller, which tells what was charged where it is written anew.
    #[must_use]
    pub fn body(&self, usage: &Usage) -> Bytes {
        match &self.told {
            Told::Own(_, body) => body.clone(),
            Told::Anew(answer, to, caller) => match to {
                Dialect::Responses => responses::answer::write(answer, caller, usage),
                Dialect::Messages => messages::answer::write(answer, caller, usage),
                Dialect::Gemini => gemini::answer::write(answer, caller, usage),
                Dialect::Chat => chat::answer::write(answer, caller, usage),
            },
        }
    }
}
