//! How is an answer written as a stream of responses? Created, its items one after the other, and the event that ends it.
//!
//! The states make it impossible to end while an item is open, or to write anything after the end.

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::{Value, json};

use super::foreign::OURS;
use super::item::{Item, Place, part};
use super::object::{Ending, Log, Object, begun};
use super::tools::Names;
use crate::error::Fault;
use crate::neutral::{Block, Piece, Stop, ToolKind, custom};
use crate::request::Caller;

/// Writes the stream of a caller who speaks responses.
pub struct Writer {
    caller: Caller,
    names: Names,
    log: Log,
    /// The items that are finished.
    output: Vec<Value>,
    usage: Usage,
    has_refused: bool,
    state: State,
}

enum State {
    Fresh,
    /// Between two items.
    Between,
    Open(Open),
    Stopped(Ending),
    Over,
}

/// An item that is being written.
struct Open {
    item: Item,
    fill: Fill,
}

/// How the pieces of an item are written.
enum Fill {
    Text,
    Refusal,
    /// A paragraph of summary, once there is anything to put into it.
    Summary {
        has_begun: bool,
    },
    Arguments,
    Input,
    /// The free text of a custom tool comes in a function's arguments: it can be written when they are whole.
    Wrapped(String),
}

impl Writer {
    #[must_use]
    pub fn new(mut caller: Caller) -> Self {
        // Each id has a prefix of its own.
        if let Some(bare) = caller.call.strip_prefix("call_") {
            caller.call = bare.to_owned();
        }
        Self {
            names: Names::of(&caller),
            caller,
            log: Log::default(),
            output: Vec::new(),
            usage: Usage::default(),
            has_refused: false,
            state: State::Fresh,
        }
    }

    fn begin(&mut self, out: &mut Vec<Bytes>) {
        for kind in ["response.created", "response.in_progress"] {
            let response = begun(&self.caller);
            out.push(self.log.event(kind, json!({ "response": response })));
        }
    }

    /// An id for the item that is written next.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.caller.call, self.output.len())
    }

    fn open(&mut self, block: Block, out: &mut Vec<Bytes>) -> Open {
        let (json, fill) = match block {
            Block::Text => (self.message(), Fill::Text),
            Block::Refusal => {
                self.has_refused = true;
                (self.message(), Fill::Refusal)
            }
            Block::Reasoning => {
                let id = format!("{OURS}{}_{}", self.caller.call, self.output.len());
                (
                    json!({"id": id, "type": "reasoning", "summary": []}),
                    Fill::Summary { has_begun: false },
                )
            }
            Block::Tool { id, name, kind } => self.tool(id, name, kind),
        };
        let json = match json {
            Value::Object(json) => json,
            _ => Object::new(),
        };
        let mut item = Item::new(self.output.len() as u64, json);
        out.push(item.added(&mut self.log));
        let begun = match fill {
            Fill::Text => Some((Place::Text(0), part("output_text", ""))),
            Fill::Refusal => Some((Place::Refusal(0), part("refusal", ""))),
            _ => None,
        };
        if let Some((place, Value::Object(part))) = begun {
            let fields = item.fields(json!({"content_index": 0, "part": part}));
            out.push(self.log.event("response.content_part.added", fields));
            item.put(place, part);
        }
        Open { item, fill }
    }

    fn message(&self) -> Value {
        json!({"id": self.id("msg"), "type": "message", "status": "in_progress", "role": "assistant", "content": []})
    }

    fn tool(&self, id: String, name: String, kind: ToolKind) -> (Value, Fill) {
        let given = self.names.given(&name);
        let offered_as = given.map_or(kind, |given| given.tool.kind);
        let (own, namespace) = match given {
            Some(given) => (given.name.clone(), given.namespace.clone()),
            None => (name, None),
        };
        let call_id = Some(id)
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| self.id("call"));
        let (prefix, item, field, fill) = match (offered_as, kind) {
            (ToolKind::Custom, ToolKind::Custom) => {
                ("ctc", "custom_tool_call", "input", Fill::Input)
            }
            (ToolKind::Custom, ToolKind::Function) => (
                "ctc",
                "custom_tool_call",
                "input",
                Fill::Wrapped(String::new()),
            ),
            (ToolKind::Function, ToolKind::Function) => {
                ("fc", "function_call", "arguments", Fill::Arguments)
            }
            // No upstream makes free text of a function.
            (ToolKind::Function, ToolKind::Custom) => {
                ("ctc", "custom_tool_call", "input", Fill::Input)
            }
        };
        let mut json = json!({
            "id": self.id(prefix), "type": item, "status": "in_progress", "call_id": call_id, "name": own,
        });
        if let Some(namespace) = namespace {
            json["namespace"] = namespace.into();
        }
        json[field] = "".into();
        (json, fill)
    }

    fn text(&mut self, open: &mut Open, text: &str, out: &mut Vec<Bytes>) {
        if text.is_empty() {
            return;
        }
        let (kind, place, mut fields) = match &mut open.fill {
            Fill::Text => (
                "response.output_text.delta",
                Place::Text(0),
                json!({"content_index": 0, "delta": text, "logprobs": []}),
            ),
            Fill::Refusal => (
                "response.refusal.delta",
                Place::Refusal(0),
                json!({"content_index": 0, "delta": text}),
            ),
            Fill::Summary { has_begun } => {
                if !std::mem::replace(has_begun, true) {
                    let part = part("summary_text", "");
                    let fields = open.item.fields(json!({"summary_index": 0, "part": part}));
                    let kind = "response.reasoning_summary_part.added";
                    out.push(self.log.event(kind, fields));
                }
                (
                    "response.reasoning_summary_text.delta",
                    Place::Summary(0),
                    json!({"summary_index": 0, "delta": text}),
                )
            }
            Fill::Arguments => (
                "response.function_call_arguments.delta",
                Place::Field("arguments"),
                json!({"delta": text}),
            ),
            Fill::Input => (
                "response.custom_tool_call_input.delta",
                Place::Field("input"),
                json!({"delta": text}),
            ),
            Fill::Wrapped(arguments) => return arguments.push_str(text),
        };
        open.item.append(place, text);
        fields = open.item.fields(fields);
        out.push(self.log.event(kind, fields));
    }

    fn close(&mut self, mut open: Open, out: &mut Vec<Bytes>) {
        match &open.fill {
            Fill::Wrapped(arguments) => {
                let input = custom::input(arguments);
                open.fill = Fill::Input;
                self.text(&mut open, &input, out);
            }
            // A function without arguments: clients parse what they get.
            Fill::Arguments if open.item.text("arguments").is_empty() => {
                self.text(&mut open, "{}", out);
            }
            _ => {}
        }
        let item = open.item.close("completed", &mut self.log, out);
        self.output.push(item);
    }

    fn ending(&self, stop: &Stop) -> Ending {
        match stop {
            Stop::End | Stop::Tools | Stop::Sequence(_) => Ending::Completed,
            Stop::Refused if self.has_refused => Ending::Completed,
            Stop::Length => Ending::Length,
            // Refused without a word: the dialect has no other way to say it.
            Stop::Filtered | Stop::Refused => Ending::Filtered,
        }
    }

    /// The response as it is in the end.
    fn response(&mut self, ending: Ending) -> Object {
        let mut response = begun(&self.caller);
        ending.end(&mut response, std::mem::take(&mut self.output), &self.usage);
        response
    }

    /// The response of the pieces that were written, without an event around it; `None` when they did not stop.
    pub(super) fn whole(mut self, usage: &Usage) -> Option<Object> {
        self.usage = *usage;
        match self.state {
            State::Stopped(ending) => Some(self.response(ending)),
            _ => None,
        }
    }
}

impl crate::relay::Writer for Writer {
    fn piece(&mut self, piece: Piece, out: &mut Vec<Bytes>) {
        let state = std::mem::replace(&mut self.state, State::Over);
        self.state = match (state, piece) {
            (State::Fresh, Piece::Began { .. }) => {
                self.begin(out);
                State::Between
            }
            (State::Between, Piece::Opened(block)) => State::Open(self.open(block, out)),
            (State::Open(mut open), Piece::Text(text)) => {
                self.text(&mut open, &text, out);
                State::Open(open)
            }
            (State::Open(mut open), Piece::Seal(seal)) => {
                if let Fill::Summary { .. } = open.fill {
                    open.item.set("encrypted_content", seal.into());
                }
                State::Open(open)
            }
            (State::Open(open), Piece::Closed) => {
                self.close(open, out);
                State::Between
            }
            (State::Between, Piece::Stopped(stop)) => State::Stopped(self.ending(&stop)),
            (State::Stopped(ending), Piece::Used(usage)) => {
                self.usage = usage;
                State::Stopped(ending)
            }
            (State::Stopped(ending), Piece::Ended) => {
                let response = self.response(ending);
                let fields = json!({ "response": response });
                out.push(self.log.event(ending.event(), fields));
                State::Over
            }
            // Out of order: nothing is written that clients could not read.
            (state, _) => state,
        };
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        let state = std::mem::replace(&mut self.state, State::Over);
        let response = match state {
            State::Fresh => None,
            _ => {
                let mut response = begun(&self.caller);
                let output = std::mem::take(&mut self.output);
                response.insert("output".to_owned(), output.into());
                Some(response)
            }
        };
        self.log.failed(response, fault)
    }

    fn keep_alive(&self) -> Bytes {
        crate::relay::keep_alive(Dialect::Responses)
    }
}
