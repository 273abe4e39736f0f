//! What does a stream of messages say, piece by piece, for a caller of another dialect?

use domain::Dialect;
use domain::price_rule::Tier;
use serde_json::value::RawValue;

use super::block::{Delta, EMPTY, Known};
use super::event::{self, Said};
use super::stop;
use super::usage::Report;
use crate::error;
use crate::neutral::{Block, Content, Piece, seal};
use crate::relay::{self, Broken};
use crate::sse::Event;

/// Reads the stream of an upstream that speaks messages.
#[derive(Default)]
pub struct Reader {
    report: Report,
    open: Option<Open>,
    has_begun: bool,
    has_stopped: bool,
    has_ended: bool,
}

/// The block that is open.
struct Open {
    index: u64,
    /// No other dialect has a word for it.
    is_skipped: bool,
    /// A tool's input as the block began: it is the whole of it if nothing follows.
    input: Option<String>,
    has_text: bool,
    /// Marked, as the block began with it.
    seal: Option<String>,
    /// As it came since.
    signature: String,
}

impl Reader {
    fn open(&mut self, index: u64, block: &RawValue, out: &mut Vec<Piece>) {
        self.close(out);
        let content = Known::read(block).content();
        let mut open = Open {
            index,
            is_skipped: content.is_none(),
            input: None,
            has_text: false,
            seal: None,
            signature: String::new(),
        };
        if let Some(Content { block, text, seal }) = content {
            let is_tool = matches!(block, Block::Tool { .. });
            out.push(Piece::Opened(block));
            if is_tool {
                open.input = Some(text);
            } else if !text.is_empty() {
                out.push(Piece::Text(text));
            }
            open.seal = seal;
        }
        self.open = Some(open);
    }

    fn delta(&mut self, index: u64, raw: &RawValue, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let open = self.open.as_mut().filter(|open| open.index == index);
        let open = open.ok_or(Broken)?;
        if open.is_skipped {
            return Ok(());
        }
        match Delta::read(raw) {
            Delta::Text(text) | Delta::Thinking(text) | Delta::Input(text) => {
                if !text.is_empty() {
                    open.has_text = true;
                    out.push(Piece::Text(text.into_owned()));
                }
            }
            Delta::Signature(signature) => open.signature.push_str(&signature),
            Delta::Citation | Delta::Unknown => {}
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Piece>) {
        let Some(open) = self.open.take().filter(|open| !open.is_skipped) else {
            return;
        };
        if let Some(input) = open.input.filter(|_| !open.has_text) {
            let input = if input.is_empty() {
                EMPTY.to_owned()
            } else {
                input
            };
            out.push(Piece::Text(input));
        }
        let seal = match open.signature.is_empty() {
            true => open.seal,
            false => Some(seal::mark(Dialect::Messages, &open.signature)),
        };
        out.extend(seal.map(Piece::Seal));
        out.push(Piece::Closed);
    }

    fn report(&mut self, report: Report, out: &mut Vec<Piece>) {
        self.report = self.report.then(report);
        if report.counts_answer() {
            out.extend(self.report.usage().map(Piece::Used));
        }
    }
}

impl relay::Reader for Reader {
    fn event(&mut self, event: &Event, out: &mut Vec<Piece>) -> Result<(), Broken> {
        let Some(data) = event.data.as_ref().filter(|data| !data.is_empty()) else {
            return Ok(());
        };
        let said = event::read(event, data)?;
        match said {
            Said::Error => {
                out.push(Piece::Failed(error::Said::read(data)));
                return Ok(());
            }
            Said::Other => return Ok(()),
            // Whatever comes after the end means nothing.
            _ if self.has_ended => return Ok(()),
            Said::Start { .. } if self.has_begun => return Err(Broken),
            Said::Start { .. } => self.has_begun = true,
            _ if !self.has_begun => return Err(Broken),
            Said::Open { .. } | Said::Delta { .. } if self.has_stopped => return Err(Broken),
            _ => {}
        }
        match said {
            Said::Start { id, model, usage } => {
                let [id, model] = [id, model].map(|name| name.map(|name| name.into_owned()));
                out.push(Piece::Began { id, model });
                self.report = usage;
            }
            Said::Open { index, block } => self.open(index, block, out),
            Said::Delta { index, delta } => self.delta(index, delta, out)?,
            Said::Close { index } => {
                if self.open.as_ref().is_some_and(|open| open.index == index) {
                    self.close(out);
                }
            }
            Said::Stop {
                reason,
                sequence,
                usage,
            } => {
                if let Some(reason) = reason.filter(|_| !self.has_stopped) {
                    self.has_stopped = true;
                    self.close(out);
                    let sequence = sequence.map(|sequence| sequence.into_owned());
                    out.push(Piece::Stopped(stop::read(&reason, sequence)));
                }
                self.report(usage, out);
            }
            Said::End => {
                self.close(out);
                if !std::mem::replace(&mut self.has_stopped, true) {
                    out.push(Piece::Stopped(crate::neutral::Stop::End));
                }
                self.has_ended = true;
                out.push(Piece::Ended);
            }
            Said::Error | Said::Other => {}
        }
        Ok(())
    }

    fn tier(&self) -> Option<Tier> {
        self.report.tier()
    }
}
