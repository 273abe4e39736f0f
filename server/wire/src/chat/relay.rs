//! How does a chat stream reach a caller who speaks chat? As it came, but for a report of usage that it did not ask for.

use std::collections::BTreeSet;

use bytes::Bytes;
use domain::{Dialect, Usage};

use super::chunk;
use crate::error::{Fault, Said};
use crate::relay::{Broken, Facts, Relay, keep_alive};
use crate::request::Request;
use crate::sse::{self, Event};

/// Chat to chat.
pub struct Own {
    choices: u64,
    wants_usage: bool,
    read: Read,
    /// The answers that were passed with their finish reason. From the first on, everything is sealed.
    ended: BTreeSet<u64>,
    /// The data of the last chunk, to end in its likeness if Farebox must end the stream.
    last: Option<Bytes>,
    /// Something of an answer was passed.
    has_delivered: bool,
    /// The marker that ends the stream was passed.
    has_done: bool,
}

/// What was read and not passed yet.
#[derive(Default)]
struct Read {
    out: Option<Bytes>,
    ended: Vec<u64>,
    delivers: bool,
    done: bool,
}

impl Own {
    #[must_use]
    pub fn new(request: &Request) -> Self {
        Self {
            choices: request.choices,
            wants_usage: request.wants_usage,
            read: Read::default(),
            ended: BTreeSet::new(),
            last: None,
            has_delivered: false,
            has_done: false,
        }
    }

    fn marker(&mut self, event: Event) -> Result<Facts, Broken> {
        if self.ended.is_empty() && !self.has_delivered {
            // The marker of an answer that never was.
            return Err(Broken);
        }
        self.read.out = Some(event.raw);
        self.read.done = true;
        Ok(Facts {
            sealed: true,
            over: true,
            ..Facts::default()
        })
    }
}

impl Relay for Own {
    fn read(&mut self, event: Event, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken> {
        self.read = Read::default();
        let is_sealed = !self.ended.is_empty();
        let Some(data) = event.data.as_ref().filter(|data| !data.is_empty()) else {
            // A comment: the upstream is still there. Its own bytes are never passed on unread.
            self.read.out = (!is_sealed).then(|| self.keep_alive());
            return Ok(Facts::default());
        };
        if data.as_ref() == chunk::DONE {
            return self.marker(event);
        }
        let chunk = match chunk::read(data, each) {
            Ok(chunk) => chunk,
            // After the end there is nothing more to understand.
            Err(_) if self.is_whole() => return Ok(Facts::default()),
            Err(_) => return Err(Broken),
        };
        if chunk.error {
            return Ok(Facts {
                failed: Some(Said::read(data)),
                ..Facts::default()
            });
        }
        self.last = Some(data.clone());
        self.read.out = if chunk.has_usage && !self.wants_usage {
            // The report was our wish, not the caller's.
            match chunk.usage_only {
                true => None,
                false => Some(chunk::without_usage(data).unwrap_or(event.raw)),
            }
        } else {
            Some(event.raw)
        };
        self.read.delivers = chunk.delivers;
        let sealed = is_sealed || !chunk.ended.is_empty() || chunk.usage_only;
        self.read.ended = chunk.ended;
        Ok(Facts {
            usage: chunk.usage,
            delivers: chunk.delivers,
            sealed,
            ..Facts::default()
        })
    }

    fn pass(&mut self, out: &mut Vec<Bytes>) {
        let read = std::mem::take(&mut self.read);
        self.ended.extend(read.ended);
        self.has_delivered |= read.delivers;
        self.has_done |= read.done;
        out.extend(read.out);
    }

    fn is_whole(&self) -> bool {
        self.has_done || self.ended.len() as u64 >= self.choices
    }

    fn finish(&mut self, _: &Usage, out: &mut Vec<Bytes>) {
        // Upstreams exist that just stop after the finish reason; clients wait for the marker.
        if !std::mem::replace(&mut self.has_done, true) {
            out.push(sse::data_event("[DONE]"));
        }
    }

    fn cut(&mut self, usage: &Usage, out: &mut Vec<Bytes>) {
        if let Some(last) = &self.last {
            let open = (0..self.choices).filter(|index| !self.ended.contains(index));
            out.extend(chunk::ending_like(last, open));
            if self.wants_usage {
                out.extend(chunk::usage_like(last, usage));
            }
        }
        self.finish(usage, out);
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        sse::data_event(&fault.json(Dialect::Chat))
    }

    fn keep_alive(&self) -> Bytes {
        keep_alive(Dialect::Chat)
    }
}
