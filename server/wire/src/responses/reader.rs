//! Which pieces of an answer does a stream of responses bring?

use std::collections::BTreeSet;

use domain::price_rule::Tier;

use super::blocks::{PARAGRAPH, blocks, of_item, of_part};
use super::item::Place;
use super::object::{Ending, Object, said, text, tier};
use super::step::{self, Items, Step};
use super::usage;
use crate::neutral::{Block, Content, Piece, Sequence, Stop};
use crate::relay::Broken;
use crate::sse::Event;

/// Reads the stream of an upstream that speaks responses.
#[derive(Default)]
pub struct Reader {
    has_begun: bool,
    has_ended: bool,
    items: Items,
    sequence: Sequence,
    /// The blocks of which something was handed on, and among them those whose words came in pieces.
    begun: BTreeSet<u64>,
    filled: BTreeSet<u64>,
    /// The blocks that are whole, and among them those that still wait for an earlier one.
    whole: BTreeSet<u64>,
    waiting: BTreeSet<u64>,
    /// The items that are whole.
    done: BTreeSet<u64>,
    /// The reasoning that was read last: its block, and which of its texts, at what part.
    thought: Option<(u64, Thought, usize)>,
    has_tools: bool,
    has_refused: bool,
    tier: Option<Tier>,
}

/// A provider may tell its thoughts twice: only the text that comes first is handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thought {
    Summary,
    Open,
}

impl Reader {
    fn begin(&mut self, response: &Object, out: &mut Vec<Piece>) {
        if !std::mem::replace(&mut self.has_begun, true) {
            out.push(Piece::Began {
                id: text(response, "id").map(str::to_owned),
                model: text(response, "model").map(str::to_owned),
            });
        }
    }

    /// A piece of a block.
    fn piece(&mut self, number: u64, block: Block, piece: Option<Piece>, out: &mut Vec<Piece>) {
        if self.whole.contains(&number) {
            return;
        }
        self.has_tools |= matches!(block, Block::Tool { .. });
        self.has_refused |= block == Block::Refusal;
        self.begun.insert(number);
        self.sequence.piece(number, || block, piece, out);
    }

    fn delta(&mut self, index: u64, place: Place, text: String, out: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        let (number, block) = match place {
            Place::Text(at) => (of_part(index, at), Block::Text),
            Place::Refusal(at) => (of_part(index, at), Block::Refusal),
            Place::Summary(at) => return self.think(index, Thought::Summary, at, text, out),
            Place::Thought(at) => return self.think(index, Thought::Open, at, text, out),
            Place::Field(_) if self.sequence.knows(of_item(index)) => {
                let number = of_item(index);
                self.filled.insert(number);
                // It is known, so its block was told already.
                self.sequence
                    .piece(number, || Block::Text, Some(Piece::Text(text)), out);
                return;
            }
            // Arguments of a call that nobody heard of come with the whole item.
            Place::Field(_) | Place::Elsewhere => return,
        };
        self.filled.insert(number);
        self.piece(number, block, Some(Piece::Text(text)), out);
    }

    fn think(&mut self, index: u64, which: Thought, at: usize, text: String, out: &mut Vec<Piece>) {
        let number = of_item(index);
        let last = self.thought.filter(|(of, ..)| *of == number);
        let text = match last {
            Some((_, other, _)) if other != which => return,
            Some((.., part)) if part != at => format!("{PARAGRAPH}{text}"),
            _ => text,
        };
        self.thought = Some((number, which, at));
        self.filled.insert(number);
        self.piece(number, Block::Reasoning, Some(Piece::Text(text)), out);
    }

    /// An item is whole: what of it did not come in pieces comes now.
    fn item(&mut self, index: u64, item: &Object, out: &mut Vec<Piece>) {
        if !self.done.insert(index) {
            return;
        }
        for (number, content) in blocks(index, item) {
            let Content { block, text, seal } = content;
            let late = !self.filled.contains(&number) && !text.is_empty();
            let text = late.then_some(Piece::Text(text));
            self.piece(number, block.clone(), text, out);
            if let Some(seal) = seal {
                self.piece(number, block, Some(Piece::Seal(seal)), out);
            }
        }
        let own = of_item(index)..of_item(index.saturating_add(1));
        for number in self.begun.range(own) {
            if self.whole.insert(*number) {
                self.waiting.insert(*number);
            }
        }
        self.close(out);
    }

    /// Closes every block that is whole and whose turn it is.
    fn close(&mut self, out: &mut Vec<Piece>) {
        let is_open = |sequence: &Sequence, waiting: &BTreeSet<u64>| {
            let mut waiting = waiting.iter().copied();
            waiting.find(|number| sequence.is_open(*number))
        };
        while let Some(number) = is_open(&self.sequence, &self.waiting) {
            self.waiting.remove(&number);
            self.sequence.close(out);
        }
    }

    fn end(&mut self, response: &Object, out: &mut Vec<Piece>) {
        self.begin(response, out);
        for (index, item) in self.items.of_response(response) {
            self.item(index, item, out);
        }
        self.sequence.close_all(out);
        self.has_ended = true;
        self.tier = tier(response);
        out.push(Piece::Stopped(stop(
            Ending::read(response),
            self.has_tools,
            self.has_refused,
        )));
        out.extend(usage::read(response).map(Piece::Used));
        out.push(Piece::Ended);
    }
}

/// Why an answer ended. The dialect says no more than whether it is complete; the rest is in what the answer holds.
pub(super) fn stop(ending: Ending, has_tools: bool, has_refused: bool) -> Stop {
    match ending {
        Ending::Length => Stop::Length,
        Ending::Filtered => Stop::Filtered,
        Ending::Completed if has_tools => Stop::Tools,
        Ending::Completed if has_refused => Stop::Refused,
        Ending::Completed => Stop::End,
    }
}

impl crate::relay::Reader for Reader {
    fn event(&mut self, event: &Event, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let Some(data) = event.data.as_ref().filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        if self.has_ended || data.as_ref() == b"[DONE]" {
            return Ok(());
        }
        let (_, step) = step::read(&mut self.items, event, data)?;
        match step {
            Step::Created(response) => self.begin(&response, out),
            Step::Other | Step::Media | Step::Part { .. } => {}
            Step::Failed(response) => {
                self.has_ended = true;
                self.tier = tier(&response);
                out.extend(usage::read(&response).map(Piece::Used));
                out.push(Piece::Failed(said(response.get("error"))));
            }
            Step::Error(said) => {
                self.has_ended = true;
                out.push(Piece::Failed(said));
            }
            Step::Ended(response) => self.end(&response, out),
            step => {
                // An upstream that does not say that the response begins still writes one.
                self.begin(&Object::new(), out);
                self.content(step, out);
            }
        }
        Ok(())
    }

    fn tier(&self) -> Option<Tier> {
        self.tier
    }
}

impl Reader {
    fn content(&mut self, step: Step, out: &mut Vec<Piece>) {
        match step {
            Step::Added { index, item } => {
                // A tool's name is known from here on; the other blocks begin with their first words.
                for (number, content) in blocks(index, &item) {
                    if let Block::Tool { .. } = content.block {
                        self.piece(number, content.block, None, out);
                    }
                }
            }
            Step::Delta { index, place, text } => self.delta(index, place, text, out),
            Step::PartDone {
                index,
                place: Place::Text(at) | Place::Refusal(at),
                ..
            } => {
                let number = of_part(index, at);
                // What was not filled yet is filled when the item is whole.
                if self.filled.contains(&number) && self.whole.insert(number) {
                    self.waiting.insert(number);
                    self.close(out);
                }
            }
            Step::Done { index, item } => self.item(index, &item, out),
            _ => {}
        }
    }
}
