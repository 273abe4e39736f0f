//! How is an answer streamed to a caller who speaks chat? The role first, then what each block adds, a finish reason,
//! the usage if it was asked for, and the marker.

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde::Serialize;
use serde_json::{Value, json};

use super::answer_id;
use super::reasoning::Detail;
use super::stop::{self, Held};
use super::usage::report;
use crate::error::Fault;
use crate::neutral::{Block, Piece, ToolKind, custom};
use crate::relay;
use crate::request::Caller;
use crate::sse;

/// Writes chunks.
pub struct Writer {
    caller: Caller,
    id: String,
    state: State,
    held: Held,
    /// How many tool calls were written.
    calls: u64,
    /// How many blocks of sealed reasoning were written.
    sealed: u64,
    usage: Option<Usage>,
}

/// How far the stream is. Each step leads only to those below it, but for the blocks, of which there may be many.
enum State {
    /// Nothing was written.
    New,
    /// No block is open.
    Between,
    In(Open),
    /// The finish reason was written.
    Stopped,
    /// The marker was written, or an error. Nothing may follow.
    Over,
}

/// The block that is open.
enum Open {
    Text,
    Refusal,
    Reasoning {
        text: String,
        seal: Option<String>,
    },
    Tool {
        index: u64,
        kind: ToolKind,
    },
    /// A function that the caller offered as a custom tool: its input is known when its arguments are whole.
    Wrapped {
        index: u64,
        arguments: String,
    },
}

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: Vec<Choice>,
    /// Those who asked for it find it in every chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Value>>,
}

#[derive(Serialize)]
struct Choice {
    index: u64,
    delta: Value,
    logprobs: (),
    finish_reason: Option<&'static str>,
}

impl Writer {
    #[must_use]
    pub fn new(caller: Caller) -> Self {
        Self {
            id: answer_id(&caller),
            caller,
            state: State::New,
            held: Held::default(),
            calls: 0,
            sealed: 0,
            usage: None,
        }
    }

    fn chunk(&self, choices: Vec<Choice>, usage: Option<Value>) -> Bytes {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.caller.created,
            model: &self.caller.model,
            choices,
            usage: self.caller.wants_usage.then_some(usage),
        };
        let json = serde_json::to_string(&chunk).expect("strings and numbers always serialise");
        sse::data_event(&json)
    }

    fn choice(&self, delta: Value, finish_reason: Option<&'static str>) -> Bytes {
        let choice = Choice {
            index: 0,
            delta,
            logprobs: (),
            finish_reason,
        };
        self.chunk(vec![choice], None)
    }

    fn delta(&self, delta: Value) -> Bytes {
        self.choice(delta, None)
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) {
        if matches!(self.state, State::New) {
            out.push(self.delta(json!({"role": "assistant", "content": ""})));
            self.state = State::Between;
        }
    }

    fn open(&mut self, block: Block, out: &mut Vec<Bytes>) {
        let is_wrapped = custom::was_custom(&block, &self.caller.tools);
        let open = match block {
            Block::Text => Open::Text,
            Block::Refusal => {
                self.held.refusal = true;
                Open::Refusal
            }
            Block::Reasoning => Open::Reasoning {
                text: String::new(),
                seal: None,
            },
            Block::Tool { id, name, kind } => {
                self.held.calls = true;
                let index = self.calls;
                self.calls += 1;
                let kind = if is_wrapped { ToolKind::Custom } else { kind };
                let call = match kind {
                    ToolKind::Function => json!({
                        "index": index, "id": id, "type": "function",
                        "function": {"name": name, "arguments": ""},
                    }),
                    ToolKind::Custom => json!({
                        "index": index, "id": id, "type": "custom",
                        "custom": {"name": name, "input": ""},
                    }),
                };
                out.push(self.delta(json!({"tool_calls": [call]})));
                match is_wrapped {
                    true => Open::Wrapped {
                        index,
                        arguments: String::new(),
                    },
                    false => Open::Tool { index, kind },
                }
            }
        };
        self.state = State::In(open);
    }

    fn text(&mut self, text: String, out: &mut Vec<Bytes>) {
        let State::In(open) = &mut self.state else {
            return;
        };
        let delta = match open {
            _ if text.is_empty() => return,
            Open::Text => json!({"content": text}),
            Open::Refusal => json!({"refusal": text}),
            Open::Reasoning { text: whole, .. } => {
                whole.push_str(&text);
                json!({"reasoning_content": text})
            }
            Open::Tool { index, kind } => added(*index, *kind, &text),
            Open::Wrapped { arguments, .. } => {
                arguments.push_str(&text);
                return;
            }
        };
        out.push(self.delta(delta));
    }

    fn close(&mut self, out: &mut Vec<Bytes>) {
        if !matches!(self.state, State::In(_)) {
            return;
        }
        match std::mem::replace(&mut self.state, State::Between) {
            State::In(Open::Reasoning {
                text,
                seal: Some(seal),
            }) => {
                let detail = Detail::of_block(self.sealed, &text, &seal);
                self.sealed += 1;
                out.push(self.delta(json!({"reasoning_details": [detail]})));
            }
            State::In(Open::Wrapped { index, arguments }) => {
                let input = custom::input(&arguments);
                if !input.is_empty() {
                    out.push(self.delta(added(index, ToolKind::Custom, &input)));
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, out: &mut Vec<Bytes>) {
        if self.caller.wants_usage {
            let usage = self.usage.unwrap_or_default();
            out.push(self.chunk(Vec::new(), Some(report(&usage))));
        }
        out.push(sse::data_event("[DONE]"));
        self.state = State::Over;
    }
}

/// A fragment of a tool call's arguments.
fn added(index: u64, kind: ToolKind, text: &str) -> Value {
    let call = match kind {
        ToolKind::Function => json!({"index": index, "function": {"arguments": text}}),
        ToolKind::Custom => json!({"index": index, "custom": {"input": text}}),
    };
    json!({"tool_calls": [call]})
}

impl relay::Writer for Writer {
    fn piece(&mut self, piece: Piece, out: &mut Vec<Bytes>) {
        match (&mut self.state, piece) {
            (State::Over, _) => {}
            (_, Piece::Used(usage)) => self.usage = Some(usage),
            (State::Stopped, Piece::Ended) => self.end(out),
            // Behind the finish reason nothing may be added; and an answer that did not stop cannot end.
            (State::Stopped, _) | (_, Piece::Ended | Piece::Failed(_)) => {}
            (_, Piece::Began { .. }) => self.begin(out),
            (_, Piece::Opened(block)) => {
                self.begin(out);
                self.close(out);
                self.open(block, out);
            }
            (_, Piece::Text(text)) => self.text(text, out),
            (State::In(Open::Reasoning { seal, .. }), Piece::Seal(said)) => *seal = Some(said),
            (_, Piece::Seal(_)) => {}
            (_, Piece::Closed) => self.close(out),
            (_, Piece::Stopped(stop)) => {
                self.begin(out);
                self.close(out);
                let reason = stop::write(&stop, self.held);
                out.push(self.choice(json!({}), Some(reason)));
                self.state = State::Stopped;
            }
        }
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Over => Bytes::new(),
            _ => sse::data_event(&fault.json(Dialect::Chat)),
        }
    }

    fn keep_alive(&self) -> Bytes {
        match self.state {
            State::Over => Bytes::new(),
            _ => relay::keep_alive(Dialect::Chat),
        }
    }
}
