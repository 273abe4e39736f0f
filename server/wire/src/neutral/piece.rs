//! How does an answer come in pieces? One block after the other, each opened, filled and closed; then why it stopped.

use std::collections::VecDeque;

use domain::Usage;

use super::prompt::ToolKind;
use crate::error::Said;

/// One step of a streamed answer.
///
/// A reader gives them in this order, and [`Sequence`] sees to it: `Began`, then for each block `Opened`, any number of
/// its pieces, `Closed`; then `Stopped`; `Used` anywhere, each a running total that replaces the one before; `Ended` last.
/// A stream without `Ended` broke off.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub enum Piece {
    /// The provider's own name of the answer and of the model.
    Began {
        id: Option<String>,
        model: Option<String>,
    },
    Opened(Block),
    /// A piece of a text, a refusal, reasoning or a tool's arguments, whichever block is open.
    Text(String),
    /// What the provider wants back to believe a block of reasoning, marked by [`super::seal`] as its own. At most once a
    /// block.
    Seal(String),
    Closed,
    Stopped(Stop),
    Used(Usage),
    Ended,
    /// The provider broke off with an error of its own.
    Failed(Said),
}

/// What a block of an answer is.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Block {
    Text,
    Refusal,
    Reasoning,
    Tool {
        /// What the tool's result will name.
        id: String,
        name: String,
        kind: ToolKind,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It was finished.
    End,
    /// Its length is used up.
    Length,
    /// It waits for tools.
    Tools,
    /// This sequence came up.
    Sequence(Option<String>),
    /// The provider filtered it.
    Filtered,
    /// The model refuses.
    Refused,
}

/// Puts blocks that come interleaved one after the other: what comes for a later block waits until the earlier is closed.
/// Dialects that number their blocks (chat's tool calls) may mix them; the others may not be written so.
#[derive(Default)]
pub struct Sequence {
    /// The block that is open, by the reader's number.
    open: Option<u64>,
    /// Blocks that wait for it, in the order in which they began.
    waiting: VecDeque<(u64, Vec<Piece>)>,
}

impl Sequence {
    /// A piece of the block with this number, which is opened by `block` if it is new. `out` gets what may go on now.
    pub fn piece(
        &mut self,
        number: u64,
        block: impl FnOnce() -> Block,
        piece: Option<Piece>,
        out: &mut Vec<Piece>,
    ) {
        if self.open == Some(number) {
            out.extend(piece);
        } else if let Some((_, kept)) = self.waiting.iter_mut().find(|(n, _)| *n == number) {
            kept.extend(piece);
        } else if self.open.is_none() {
            self.open = Some(number);
            out.push(Piece::Opened(block()));
            out.extend(piece);
        } else {
            let mut kept = vec![Piece::Opened(block())];
            kept.extend(piece);
            self.waiting.push_back((number, kept));
        }
    }

    /// Whether a block of this number is open or waits.
    #[must_use]
    pub fn knows(&self, number: u64) -> bool {
        self.open == Some(number) || self.waiting.iter().any(|(n, _)| *n == number)
    }

    /// The number of the block that is open.
    #[must_use]
    pub const fn open(&self) -> Option<u64> {
        self.open
    }

    /// Whether this block is the one that may go on.
    #[must_use]
    pub fn is_open(&self, number: u64) -> bool {
        self.open == Some(number)
    }

    /// The block that is open is whole: the next one may go on.
    pub fn close(&mut self, out: &mut Vec<Piece>) {
        if self.open.take().is_some() {
            out.push(Piece::Closed);
        }
        if let Some((number, kept)) = self.waiting.pop_front() {
            self.open = Some(number);
            out.extend(kept);
        }
    }

    /// All blocks are whole.
    pub fn close_all(&mut self, out: &mut Vec<Piece>) {
        while self.open.is_some() {
            self.close(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mixed_comes_out_in_order() {
        let text = |text: &str| Some(Piece::Text(text.to_owned()));
        let mut sequence = Sequence::default();
        let mut out = Vec::new();
        for (number, piece) in [(0, "a"), (1, "x"), (0, "b"), (1, "y")] {
            sequence.piece(number, || Block::Text, text(piece), &mut out);
        }
        sequence.close_all(&mut out);
        let said: Vec<&str> = out
            .iter()
            .map(|piece| match piece {
                Piece::Opened(_) => "(",
                Piece::Closed => ")",
                Piece::Text(text) => text,
                _ => "?",
            })
            .collect();
        assert_eq!(said.concat(), "(ab)(xy)");
    }
}
