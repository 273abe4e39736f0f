//! How does a stream reach Gemini's callers? As events with `?alt=sse`, and as one JSON array without.
//!
//! A function's call is one part with whole arguments, so it waits until they are there. What was used is told by the last
//! response, because nothing is known before.

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::Value;

use super::written::{call, response, sealed, signed, text, thought};
use crate::error::Fault;
use crate::neutral::{Block, Piece, Stop};
use crate::relay;
use crate::request::Caller;
use crate::sse::data_event;

/// Writes a stream of responses.
pub struct Writer {
    caller: Caller,
    /// One array of responses, not events.
    array: bool,
    open: Option<Block>,
    /// Of the function that is open.
    arguments: String,
    /// The thought that is open has words.
    has_words: bool,
    /// Of thoughts without words, for the call behind them.
    wordless: Option<String>,
    stop: Option<Stop>,
    usage: Usage,
    has_written: bool,
    has_ended: bool,
}

impl Writer {
    #[must_use]
    pub fn new(caller: Caller, array: bool) -> Self {
        Self {
            caller,
            array,
            open: None,
            arguments: String::new(),
            has_words: false,
            wordless: None,
            stop: None,
            usage: Usage::default(),
            has_written: false,
            has_ended: false,
        }
    }

    fn one(&mut self, json: &str) -> Bytes {
        let is_first = !std::mem::replace(&mut self.has_written, true);
        match self.array {
            false => data_event(json),
            true => Bytes::from(format!("{}{json}", if is_first { "[" } else { ",\r\n" })),
        }
    }

    fn part(&mut self, part: Value, out: &mut Vec<Bytes>) {
        self.end_wordless(out);
        let json = response(&self.caller, vec![part], None).to_string();
        out.push(self.one(&json));
    }

    fn end_wordless(&mut self, out: &mut Vec<Bytes>) {
        if let Some(seal) = self.wordless.take() {
            self.part(sealed("", &seal), out);
        }
    }

    fn seal(&mut self, seal: String, out: &mut Vec<Bytes>) {
        if self.has_words {
            self.part(sealed("", &seal), out);
        } else {
            self.end_wordless(out);
            self.wordless = Some(seal);
        }
    }

    fn text(&mut self, piece: &str, out: &mut Vec<Bytes>) {
        if piece.is_empty() {
            return;
        }
        match self.open {
            Some(Block::Reasoning) => {
                self.has_words = true;
                self.part(thought(piece), out);
            }
            Some(Block::Tool { .. }) => self.arguments.push_str(piece),
            Some(Block::Text | Block::Refusal) | None => self.part(text(piece), out),
        }
    }

    fn close(&mut self, out: &mut Vec<Bytes>) {
        if let Some(Block::Tool { id, name, kind }) = self.open.take() {
            let arguments = std::mem::take(&mut self.arguments);
            let seal = self.wordless.take();
            self.part(signed(call(&id, &name, &arguments, kind), seal), out);
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.close(out);
        self.end_wordless(out);
        let stop = self.stop.take().unwrap_or(Stop::End);
        let last = response(&self.caller, vec![text("")], Some((&stop, &self.usage)));
        out.push(self.one(&last.to_string()));
        if self.array {
            out.push(Bytes::from_static(b"]"));
        }
        self.has_ended = true;
    }
}

impl relay::Writer for Writer {
    fn piece(&mut self, piece: Piece, out: &mut Vec<Bytes>) {
        if self.has_ended {
            return;
        }
        match piece {
            Piece::Opened(block) if self.stop.is_none() => {
                self.close(out);
                self.open = Some(block);
                self.has_words = false;
            }
            Piece::Text(text) if self.stop.is_none() => self.text(&text, out),
            Piece::Seal(seal) if self.open == Some(Block::Reasoning) => self.seal(seal, out),
            Piece::Closed => self.close(out),
            Piece::Stopped(stop) => {
                self.close(out);
                self.stop.get_or_insert(stop);
            }
            Piece::Used(usage) => self.usage = usage,
            Piece::Ended => self.end(out),
            // The first response begins the answer; `fail` tells of an error; nothing follows a stop.
            Piece::Began { .. }
            | Piece::Opened(_)
            | Piece::Text(_)
            | Piece::Seal(_)
            | Piece::Failed(_) => {}
        }
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        self.has_ended = true;
        let mut json = fault.json(Dialect::Gemini);
        if self.array {
            json.push(']');
        }
        self.one(&json)
    }

    /// An empty line: Google's SDKs take a comment for a broken response.
    fn keep_alive(&self) -> Bytes {
        Bytes::from_static(b"\n")
    }
}
