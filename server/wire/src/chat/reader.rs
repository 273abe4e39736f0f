//! What does a chat stream bring? Its chunks as pieces, one block after the other.
//!
//! A chunk says what it adds to, not where that begins or ends: words end where something else begins. Tool calls are
//! numbered and may come mixed; one that is not whole yet keeps the others waiting.

use super::chunk::{Choice, Chunk, DONE};
use super::delta::{Delta, Function, ToolCall};
use super::json::Json;
use super::kept::Object;
use super::sealer::Sealer;
use super::stop::{self, Held};
use crate::error::Said;
use crate::neutral::{Block, Piece, Sequence, ToolKind};
use crate::relay::{self, Broken};
use crate::sse::Event;

/// Reads the chunks of one choice.
#[derive(Default)]
pub struct Reader {
    /// The provider's name of the answer, from the first chunk on.
    id: Option<String>,
    has_begun: bool,
    /// The block of words that began last, if nothing else began since.
    words: Option<(u64, Words)>,
    sealer: Sealer,
    calls: Vec<Call>,
    /// How many blocks have begun: the next one's number.
    blocks: u64,
    sequence: Sequence,
    held: Held,
    /// Something was said that is no reasoning.
    has_answered: bool,
    has_stopped: bool,
    is_over: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Words {
    Text,
    Refusal,
    Reasoning,
}

/// A tool call that has begun.
struct Call {
    /// The upstream's number of it, if it counts them.
    index: Option<u64>,
    id: Option<String>,
    /// Its block's.
    number: u64,
    /// Its arguments so far. Free text is whole when the answer is.
    json: Option<Json>,
}

impl relay::Reader for Reader {
    fn event(&mut self, event: &Event, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let Some(data) = event.data.as_ref().filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        if self.is_over {
            return Ok(());
        }
        if data.as_ref() == DONE {
            return self.end(out);
        }
        let chunk: Chunk<'_> = serde_json::from_slice(data)?;
        if chunk.error.is_some() {
            self.fail(Said::read(data), out);
            return Ok(());
        }
        self.chunk(chunk, out)
    }
}

impl Reader {
    /// Reads the answer of the model that the caller gave this name.
    #[must_use]
    pub fn of(model: &str) -> Self {
        Self {
            sealer: Sealer::of(model),
            ..Self::default()
        }
    }

    /// What one chunk brings, or a plain answer, which is written almost the same.
    pub(super) fn chunk(&mut self, chunk: Chunk<'_>, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let word = |text: Option<std::borrow::Cow<'_, str>>| {
            text.map(|text| text.into_owned())
                .filter(|text| !text.is_empty())
        };
        let choices = chunk.choices.unwrap_or_default();
        // Some begin with a chunk of their own that has no choice, nor a name.
        if !self.has_begun && !choices.is_empty() {
            self.has_begun = true;
            self.id = word(chunk.id);
            out.push(Piece::Began {
                id: self.id.clone(),
                model: word(chunk.model),
            });
        }
        for choice in choices {
            if choice.index.unwrap_or(0) == 0 && !self.has_stopped {
                self.choice(choice, out)?;
            }
        }
        out.extend(
            chunk
                .usage
                .and_then(|report| report.usage())
                .map(Piece::Used),
        );
        Ok(())
    }

    /// The marker. Servers exist that send no finish reason before it.
    pub(super) fn end(&mut self, out: &mut Vec<Piece>) -> Result<(), Broken> {
        if !self.has_stopped {
            if self.blocks == 0 {
                // The marker of an answer that never was.
                return Err(Broken);
            }
            self.stop("stop", None, out);
        }
        if !std::mem::replace(&mut self.is_over, true) {
            out.push(Piece::Ended);
        }
        Ok(())
    }

    /// A plain answer ends where it ends.
    pub(super) fn end_whole(&mut self, out: &mut Vec<Piece>) {
        if !self.has_stopped && !self.is_over {
            self.stop("stop", None, out);
        }
        out.push(Piece::Ended);
    }

    fn fail(&mut self, said: Said, out: &mut Vec<Piece>) {
        self.is_over = true;
        out.push(Piece::Failed(said));
    }

    fn choice(&mut self, choice: Choice<'_>, out: &mut Vec<Piece>) -> Result<(), Broken> {
        if let Some(delta) = &choice.delta {
            self.delta(delta, out)?;
        }
        if let Some(reason) = choice.finish_reason() {
            self.stop(reason, choice.stop_reason.as_ref(), out);
        }
        Ok(())
    }

    fn stop(&mut self, reason: &str, sequence: Option<&serde_json::Value>, out: &mut Vec<Piece>) {
        match stop::read(reason, sequence, self.held) {
            Ok(stop) => {
                self.has_stopped = true;
                // Thoughts that end an answer in words are of no use to what follows, and clients do not expect them.
                match self.has_answered && !self.held.calls {
                    true => self.end_words(out),
                    false => self.wordless(None, out),
                }
                self.sequence.close_all(out);
                out.push(Piece::Stopped(stop));
            }
            Err(said) => self.fail(said, out),
        }
    }

    fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<Piece>) -> Result<(), Broken> {
        self.sealer.read(delta);
        if let Some((text, field)) = delta.thoughts_in() {
            self.words(Words::Reasoning, text, out);
            self.sealer.said(text, field);
        }
        for (words, text) in [
            (Words::Text, delta.text()),
            (Words::Refusal, delta.refusal.as_deref()),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                self.words(words, text, out);
            }
        }
        for call in delta.tool_calls.iter().flatten() {
            self.call(call, out)?;
        }
        match &delta.function_call {
            Some(function) => self.legacy(function, out),
            None => Ok(()),
        }
    }

    fn words(&mut self, words: Words, text: &str, out: &mut Vec<Piece>) {
        self.held.refusal |= words == Words::Refusal;
        self.has_answered |= words != Words::Reasoning;
        let number = match self.words {
            Some((number, before)) if before == words => number,
            _ => {
                // Details that came without words came before these.
                if words != Words::Reasoning {
                    self.wordless(None, out);
                }
                let number = self.begin(out);
                self.words = Some((number, words));
                number
            }
        };
        let block = || match words {
            Words::Text => Block::Text,
            Words::Refusal => Block::Refusal,
            Words::Reasoning => Block::Reasoning,
        };
        let piece = Some(Piece::Text(text.to_owned()));
        self.sequence.piece(number, block, piece, out);
    }

    /// Reasoning that ends is sealed with what its provider wants back.
    fn end_words(&mut self, out: &mut Vec<Piece>) {
        if let Some((number, Words::Reasoning)) = self.words.take()
            && let Some(seal) = self.sealer.of_words()
        {
            let seal = Some(Piece::Seal(seal));
            self.sequence.piece(number, || Block::Reasoning, seal, out);
        }
    }

    /// Blocks of reasoning that are nothing but their seals.
    fn wordless(&mut self, extra: Option<Object>, out: &mut Vec<Piece>) {
        self.end_words(out);
        for seal in self.sealer.wordless(extra) {
            let number = self.begin(out);
            let seal = Some(Piece::Seal(seal));
            self.sequence.piece(number, || Block::Reasoning, seal, out);
        }
    }

    /// The number of a new block. What is whole by now makes way for it.
    fn begin(&mut self, out: &mut Vec<Piece>) -> u64 {
        self.end_words(out);
        while let Some(open) = self.sequence.open() {
            let call = self.calls.iter().find(|call| call.number == open);
            let is_whole = |call: &Call| call.json.as_ref().is_some_and(Json::is_whole);
            if call.is_some_and(|call| !is_whole(call)) {
                break;
            }
            self.sequence.close(out);
        }
        self.blocks += 1;
        self.blocks - 1
    }

    fn call(&mut self, call: &ToolCall<'_>, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let (name, text, kind) = match (&call.function, &call.custom) {
            (Some(function), _) => (
                function.name.as_deref(),
                function.arguments.as_deref(),
                ToolKind::Function,
            ),
            (None, Some(custom)) => (
                custom.name.as_deref(),
                custom.input.as_deref(),
                ToolKind::Custom,
            ),
            (None, None) => return Ok(()),
        };
        let id = call.id.as_deref().filter(|id| !id.is_empty());
        let name = name.filter(|name| !name.is_empty());
        let known = self.calls.iter().rposition(|known| match (id, call.index) {
            // Some repeat the id in each fragment, and some give every call the same index.
            (Some(id), index) => {
                known.id.as_deref() == Some(id) && (index.is_none() || known.index == index)
            }
            (None, Some(index)) => known.index == Some(index),
            // A name begins a call where nothing is counted.
            (None, None) => name.is_none(),
        });
        // Some give each fragment an id of its own: without a name it goes on with the call of its index, or the last one.
        let of_index = || {
            self.calls
                .iter()
                .rposition(|known| known.index == call.index)
        };
        let known = known.or_else(|| match name {
            Some(_) => None,
            None => of_index().or_else(|| self.calls.len().checked_sub(1)),
        });
        let at = match (known, name) {
            (Some(at), _) => at,
            (None, Some(name)) => {
                self.wordless(call.extra(), out);
                let (index, id) = (call.index, id.map(str::to_owned));
                self.open(index, id, name, kind, out)
            }
            (None, None) if id.is_none() && text.unwrap_or_default().is_empty() => return Ok(()),
            // A call of no tool.
            (None, None) => return Err(Broken),
        };
        self.arguments(at, text.unwrap_or_default(), out);
        Ok(())
    }

    /// The old way to call a single function.
    fn legacy(&mut self, function: &Function<'_>, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let call = ToolCall {
            index: Some(u64::MAX),
            function: Some(Function {
                name: function.name.clone(),
                arguments: function.arguments.clone(),
            }),
            ..ToolCall::default()
        };
        self.call(&call, out)
    }

    /// A call begins. Its place among the calls.
    fn open(
        &mut self,
        index: Option<u64>,
        id: Option<String>,
        name: &str,
        kind: ToolKind,
        out: &mut Vec<Piece>,
    ) -> usize {
        self.held.calls = true;
        let number = self.begin(out);
        let block = || Block::Tool {
            // Its result must name it. Servers exist that leave it to the order of the calls.
            id: id
                .clone()
                .unwrap_or_else(|| made_id(self.id.as_deref(), number)),
            name: name.to_owned(),
            kind,
        };
        self.sequence.piece(number, block, None, out);
        self.calls.push(Call {
            index,
            id,
            number,
            json: (kind == ToolKind::Function).then(Json::default),
        });
        self.calls.len() - 1
    }

    fn arguments(&mut self, at: usize, text: &str, out: &mut Vec<Piece>) {
        let call = &mut self.calls[at];
        // What comes for a call that was whole is white space.
        if text.is_empty() || !self.sequence.knows(call.number) {
            return;
        }
        if let Some(json) = &mut call.json {
            json.push(text);
        }
        let piece = Some(Piece::Text(text.to_owned()));
        // It is known, so no block is opened.
        self.sequence.piece(call.number, || Block::Text, piece, out);
    }
}

/// Unlike any other in its conversation.
fn made_id(answer: Option<&str>, number: u64) -> String {
    let answer: String = answer
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("call_{answer}{number}")
}
