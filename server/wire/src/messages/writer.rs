//! How does an answer that came in another dialect reach a caller who speaks messages?
//!
//! In each state there is only what may be said in it: no stop reason while a block is open, nothing after the end.

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::json;

use super::event::{self, PING};
use super::stop;
use crate::error::Fault;
use crate::neutral::{Block, Piece, Stop, ToolKind};
use crate::relay;
use crate::request::Caller;

/// Writes a stream of messages.
pub struct Writer {
    caller: Caller,
    at: At,
    /// Of the block that is open, or comes next.
    index: u64,
    has_tools: bool,
    usage: Usage,
}

enum At {
    Before,
    Between,
    Open(Kind),
    Stopped(Stop),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Function,
    /// Its free text is written into the field of a function.
    Custom,
}

/// The answer's name, made from the call's.
pub(super) fn answer_id(caller: &Caller) -> String {
    let call = caller.call.as_str();
    format!("msg_{}", call.strip_prefix("call_").unwrap_or(call))
}

impl Writer {
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            at: At::Before,
            index: 0,
            has_tools: false,
            usage: Usage::default(),
        }
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) {
        if matches!(self.at, At::Before) {
            let id = answer_id(&self.caller);
            out.push(event::start(&id, &self.caller.model, &self.usage));
            self.at = At::Between;
        }
    }

    fn open(&mut self, block: &Block, out: &mut Vec<Bytes>) {
        self.begin(out);
        self.close(out);
        if !matches!(self.at, At::Between) {
            return;
        }
        let (kind, written) = match block {
            Block::Text | Block::Refusal => (Kind::Text, json!({"type": "text", "text": ""})),
            Block::Reasoning => (
                Kind::Thinking,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            Block::Tool { id, name, kind } => {
                self.has_tools = true;
                let kind = match kind {
                    ToolKind::Function => Kind::Function,
                    ToolKind::Custom => Kind::Custom,
                };
                (
                    kind,
                    json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
                )
            }
        };
        out.push(event::open(self.index, written));
        self.at = At::Open(kind);
        if kind == Kind::Custom {
            self.input(r#"{"input":""#, out);
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Bytes>) {
        if text.is_empty() {
            return;
        }
        if matches!(self.at, At::Before | At::Between) {
            self.open(&Block::Text, out);
        }
        let At::Open(kind) = self.at else { return };
        let delta = match kind {
            Kind::Text => json!({"type": "text_delta", "text": text}),
            Kind::Thinking => json!({"type": "thinking_delta", "thinking": text}),
            Kind::Function => return self.input(text, out),
            Kind::Custom => {
                let quoted = json!(text).to_string();
                return self.input(&quoted[1..quoted.len() - 1], out);
            }
        };
        out.push(event::delta(self.index, delta));
    }

    fn input(&self, json: &str, out: &mut Vec<Bytes>) {
        let delta = json!({"type": "input_json_delta", "partial_json": json});
        out.push(event::delta(self.index, delta));
    }

    fn seal(&self, seal: &str, out: &mut Vec<Bytes>) {
        if matches!(self.at, At::Open(Kind::Thinking)) {
            let delta = json!({"type": "signature_delta", "signature": seal});
            out.push(event::delta(self.index, delta));
        }
    }

    fn close(&mut self, out: &mut Vec<Bytes>) {
        if let At::Open(kind) = self.at {
            if kind == Kind::Custom {
                self.input("\"}", out);
            }
            out.push(event::close(self.index));
            self.index += 1;
            self.at = At::Between;
        }
    }

    fn stop(&mut self, reason: Stop, out: &mut Vec<Bytes>) {
        self.begin(out);
        self.close(out);
        if matches!(self.at, At::Between) {
            self.at = At::Stopped(reason);
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        self.stop(Stop::End, out);
        if let At::Stopped(reason) = std::mem::replace(&mut self.at, At::Ended) {
            let reason = stop::write(&reason, self.has_tools);
            out.push(event::stopped(reason, &self.usage));
            out.push(event::ended());
        }
    }
}

impl relay::Writer for Writer {
    fn piece(&mut self, piece: Piece, out: &mut Vec<Bytes>) {
        match piece {
            Piece::Began { .. } => self.begin(out),
            Piece::Opened(block) => self.open(&block, out),
            Piece::Text(text) => self.text(&text, out),
            Piece::Seal(seal) => self.seal(&seal, out),
            Piece::Closed => self.close(out),
            Piece::Stopped(reason) => self.stop(reason, out),
            Piece::Used(usage) => self.usage = usage,
            Piece::Ended => self.end(out),
            // `fail` tells it.
            Piece::Failed(_) => {}
        }
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        self.at = At::Ended;
        event::failed(&fault.json(Dialect::Messages))
    }

    fn keep_alive(&self) -> Bytes {
        Bytes::from_static(PING)
    }
}
