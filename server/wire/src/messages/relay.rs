//! How does a stream of messages reach a caller who speaks them too? As it came.

use bytes::Bytes;
use domain::{Dialect, Usage};

use super::block::{Delta, each_text};
use super::event::{self, PING, Said};
pub use super::reader::Reader;
use super::usage::Report;
pub use super::writer::Writer;
use crate::error::{self, Fault};
use crate::relay::{Broken, Facts, Relay};
use crate::request::Request;
use crate::sse::Event;

/// Messages to messages.
pub struct Own {
    /// To begin an answer in its name, if Farebox must end one that never began.
    model: String,
    passed: Passed,
    /// What [`Self::passed`] is when the event that was read last is passed.
    next: Passed,
    out: Option<Bytes>,
}

/// How far the stream is.
#[derive(Clone, Copy, Default)]
struct Passed {
    report: Report,
    has_begun: bool,
    open: Option<u64>,
    has_stopped: bool,
    has_ended: bool,
}

impl Own {
    #[must_use]
    pub fn new(request: &Request) -> Self {
        Self {
            model: request.model.clone(),
            passed: Passed::default(),
            next: Passed::default(),
            out: None,
        }
    }

    fn facts(&mut self, said: Said<'_>, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken> {
        let mut facts = Facts::default();
        match said {
            Said::Start { usage, .. } => {
                self.next.has_begun = true;
                self.next.report = self.passed.report.then(usage);
            }
            Said::Open { index, block } => {
                self.next.open = Some(index);
                facts.delivers = each_text(block, each);
            }
            Said::Delta { delta, .. } => facts.delivers = Delta::each_text(delta, each),
            Said::Close { .. } => self.next.open = None,
            Said::Stop { reason, usage, .. } => {
                self.next.has_stopped |= reason.is_some();
                self.next.report = self.passed.report.then(usage);
                if usage.counts_answer() {
                    facts.usage = self.next.report.usage();
                }
            }
            // The end of an answer that never was.
            Said::End if !self.passed.has_begun => return Err(Broken),
            Said::End => {
                (self.next.has_stopped, self.next.has_ended) = (true, true);
                facts.over = true;
            }
            Said::Error | Said::Other => {}
        }
        facts.tier = self.next.report.tier();
        facts.sealed = self.next.has_stopped;
        Ok(facts)
    }
}

impl Relay for Own {
    fn read(&mut self, event: Event, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken> {
        (self.next, self.out) = (self.passed, None);
        let is_sealed = self.passed.has_stopped;
        let Some(data) = event.data.clone().filter(|data| !data.is_empty()) else {
            // A comment: the upstream is still there. Its own bytes are never passed on unread.
            self.out = (!is_sealed).then(|| self.keep_alive());
            return Ok(Facts::default());
        };
        let facts = match event::read(&event, &data) {
            Ok(Said::Error) => {
                return Ok(Facts {
                    failed: Some(error::Said::read(&data)),
                    ..Facts::default()
                });
            }
            Ok(said) => self.facts(said, each)?,
            // After the end there is nothing more to understand.
            Err(_) if is_sealed => return Ok(Facts::default()),
            Err(broken) => return Err(broken),
        };
        self.out = Some(event.raw);
        Ok(facts)
    }

    fn pass(&mut self, out: &mut Vec<Bytes>) {
        self.passed = self.next;
        out.extend(self.out.take());
    }

    fn is_whole(&self) -> bool {
        self.passed.has_stopped
    }

    fn finish(&mut self, _: &Usage, out: &mut Vec<Bytes>) {
        // Upstreams exist that just stop after the stop reason; clients wait for the last event.
        if !std::mem::replace(&mut self.passed.has_ended, true) {
            out.push(event::ended());
        }
    }

    fn cut(&mut self, usage: &Usage, out: &mut Vec<Bytes>) {
        (self.next, self.out) = (self.passed, None);
        if !std::mem::replace(&mut self.passed.has_begun, true) {
            out.push(event::start("msg_0", &self.model, usage));
        }
        out.extend(self.passed.open.take().map(event::close));
        if !std::mem::replace(&mut self.passed.has_stopped, true) {
            out.push(event::stopped(("max_tokens", None), usage));
        }
        self.finish(usage, out);
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        event::failed(&fault.json(Dialect::Messages))
    }

    fn keep_alive(&self) -> Bytes {
        Bytes::from_static(PING)
    }
}
