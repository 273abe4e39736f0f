//! What is a whole answer, whichever dialect it was written in? The same blocks as a stream brings in pieces.

use domain::Usage;

use super::piece::{Block, Piece, Stop};

/// An answer with one choice.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Answer {
    /// The provider's own name of it.
    pub id: Option<String>,
    pub model: Option<String>,
    pub blocks: Vec<Content>,
    pub stop: Stop,
    /// `None` when nothing that can be believed was reported.
    pub usage: Option<Usage>,
}

/// A block with what is in it.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub struct Content {
    pub block: Block,
    pub text: String,
    pub seal: Option<String>,
}

impl Answer {
    /// Hands every piece of the answer's text to `each`, for a tokenizer. Answers whether there was anything.
    pub fn each_text(&self, each: &mut dyn FnMut(&str)) -> bool {
        let mut delivers = false;
        for content in &self.blocks {
            if let Block::Tool { name, .. } = &content.block {
                delivers = true;
                each(name);
            }
            if !content.text.is_empty() {
                delivers = true;
                each(&content.text);
            }
            delivers |= content.seal.is_some();
        }
        delivers
    }

    /// The same answer in the pieces of a stream.
    #[must_use]
    pub fn into_pieces(self) -> Vec<Piece> {
        let mut pieces = vec![Piece::Began {
            id: self.id,
            model: self.model,
        }];
        for content in self.blocks {
            pieces.push(Piece::Opened(content.block));
            if !content.text.is_empty() {
                pieces.push(Piece::Text(content.text));
            }
            pieces.extend(content.seal.map(Piece::Seal));
            pieces.push(Piece::Closed);
        }
        pieces.push(Piece::Stopped(self.stop));
        pieces.extend(self.usage.map(Piece::Used));
        pieces.push(Piece::Ended);
        pieces
    }

    /// The answer that the pieces of a stream make; `None` when they are no whole one.
    #[must_use]
    pub fn of_pieces(pieces: impl IntoIterator<Item = Piece>) -> Option<Self> {
        let (mut id, mut model, mut blocks) = (None, None, Vec::<Content>::new());
        let (mut stop, mut usage, mut is_open, mut has_ended) = (None, None, false, false);
        for piece in pieces {
            match piece {
                Piece::Began { id: i, model: m } => (id, model) = (i, m),
                Piece::Opened(block) if !is_open && stop.is_none() => {
                    is_open = true;
                    blocks.push(Content {
                        block,
                        text: String::new(),
                        seal: None,
                    });
                }
                Piece::Text(text) if is_open => blocks.last_mut()?.text.push_str(&text),
                Piece::Seal(seal) if is_open => blocks.last_mut()?.seal = Some(seal),
                Piece::Closed if is_open => is_open = false,
                Piece::Stopped(reason) if !is_open => stop = Some(reason),
                Piece::Used(used) => usage = Some(used),
                Piece::Ended => has_ended = true,
                _ => return None,
            }
        }
        has_ended.then_some(Self {
            id,
            model,
            blocks,
            stop: stop?,
            usage,
        })
    }
}
