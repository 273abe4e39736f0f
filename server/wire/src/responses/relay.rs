//! How does a stream of responses reach a caller who speaks the same? As it came.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde_json::{Value, json};

use super::blocks::{called, each_word};
use super::item::Item;
use super::object::{Ending, Log, Object, bare, said, tier};
pub use super::reader::Reader;
use super::step::{self, Items, Step};
use super::usage;
pub use super::writer::Writer;
use crate::error::Fault;
use crate::relay::{Broken, Facts, Relay};
use crate::request::Request;
use crate::sse::Event;

/// The event that ends a stream of which nothing has begun.
#[must_use]
pub fn first_fault(fault: &Fault) -> Bytes {
    Log::default().failed(None, fault)
}

/// Responses to responses.
pub struct Own {
    model: String,
    read: Read,
    items: Items,
    /// The response as it began, to end in its likeness if Farebox must end the stream.
    created: Option<Object>,
    /// The items that are not finished, by their place in the output.
    open: BTreeMap<u64, Open>,
    done: BTreeMap<u64, Value>,
    log: Log,
    /// The event that ends the stream was passed.
    has_ended: bool,
}

struct Open {
    item: Item,
    /// Its words came in pieces: what repeats them is not counted.
    has_deltas: bool,
}

/// What was read and not passed yet.
#[derive(Default)]
struct Read {
    out: Option<Bytes>,
    sequence: Option<u64>,
    step: Option<Step>,
}

impl Own {
    #[must_use]
    pub fn new(request: &Request) -> Self {
        Self {
            model: request.model.clone(),
            read: Read::default(),
            items: Items::default(),
            created: None,
            open: BTreeMap::new(),
            done: BTreeMap::new(),
            log: Log::default(),
            has_ended: false,
        }
    }

    fn facts(&self, step: &Step, each: &mut dyn FnMut(&str)) -> Facts {
        let mut facts = Facts::default();
        match step {
            Step::Delta { text, .. } => {
                facts.delivers = !text.is_empty();
                each(text);
            }
            Step::Media => facts.delivers = true,
            Step::Added { item, .. } => {
                if let Some(name) = called(item) {
                    facts.delivers = true;
                    each(name);
                }
            }
            Step::Done { index, item } => facts.delivers = self.late(*index, item, each),
            Step::Ended(response) => {
                for (index, item) in self.items.of_response(response) {
                    if !self.done.contains_key(&index) {
                        facts.delivers |= self.late(index, item, each);
                    }
                }
                facts.usage = usage::read(response);
                facts.tier = tier(response);
                facts.sealed = true;
                facts.over = true;
            }
            Step::Failed(response) => {
                facts.usage = usage::read(response);
                facts.tier = tier(response);
                facts.sealed = true;
                facts.over = true;
                facts.failed = Some(said(response.get("error")));
            }
            Step::Error(said) => {
                facts.sealed = true;
                facts.over = true;
                facts.failed = Some(said.clone());
            }
            Step::Created(_) | Step::Part { .. } | Step::PartDone { .. } | Step::Other => {}
        }
        facts
    }

    /// Counts what of a finished item was not counted yet. Answers whether there was anything.
    fn late(&self, index: u64, item: &Object, each: &mut dyn FnMut(&str)) -> bool {
        match self.open.get(&index) {
            Some(open) if open.has_deltas => false,
            Some(_) => each_word(item, each),
            None => {
                called(item).into_iter().for_each(&mut *each);
                each_word(item, each)
            }
        }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Created(response) => self.created = Some(response),
            Step::Added { index, item } => {
                let item = Item::new(index, item);
                let has_deltas = false;
                self.open.insert(index, Open { item, has_deltas });
            }
            Step::Part { index, place, part } => {
                if let Some(open) = self.open.get_mut(&index) {
                    open.item.put(place, part);
                }
            }
            Step::Delta { index, place, text } => {
                // An upstream that does not say that an item begins still fills it.
                let open = self.open.entry(index).or_insert_with(|| Open {
                    item: Item::new(index, Object::new()),
                    has_deltas: true,
                });
                open.has_deltas = true;
                open.item.append(place, &text);
            }
            Step::PartDone { index, place, part } => {
                if let Some(open) = self.open.get_mut(&index) {
                    open.item.part_done(place, part);
                }
            }
            Step::Done { index, item } => {
                self.open.remove(&index);
                self.done.insert(index, item.into());
            }
            Step::Ended(_) | Step::Failed(_) | Step::Error(_) => self.has_ended = true,
            Step::Media | Step::Other => {}
        }
    }

    fn output(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.done).into_values().collect()
    }
}

impl Relay for Own {
    fn read(&mut self, event: Event, each: &mut dyn FnMut(&str)) -> Result<Facts, Broken> {
        self.read = Read::default();
        let Some(data) = event.data.clone().filter(|data| !data.is_empty()) else {
            // A comment: the upstream is still there. Its own bytes are never passed on unread.
            self.read.out = (!self.has_ended).then(|| self.keep_alive());
            return Ok(Facts::default());
        };
        // The dialect has no such marker, but some servers send it all the same. It ends nothing: only the response's own
        // last event tells that no item was to come, and what it cost. Without it clients take the stream for broken too.
        if self.has_ended || data.as_ref() == b"[DONE]" {
            return Ok(Facts {
                sealed: self.has_ended,
                ..Facts::default()
            });
        }
        let (sequence, step) = step::read(&mut self.items, &event, &data)?;
        let facts = self.facts(&step, each);
        self.read = Read {
            out: Some(event.raw),
            sequence,
            step: Some(step),
        };
        Ok(facts)
    }

    fn pass(&mut self, out: &mut Vec<Bytes>) {
        let read = std::mem::take(&mut self.read);
        if let Some(number) = read.sequence {
            self.log.passed(number);
        }
        if let Some(step) = read.step {
            self.apply(step);
        }
        out.extend(read.out);
    }

    fn is_whole(&self) -> bool {
        self.has_ended
    }

    /// The dialect's last event carries everything, so there is nothing left to say.
    fn finish(&mut self, _: &Usage, _: &mut Vec<Bytes>) {}

    fn cut(&mut self, usage: &Usage, out: &mut Vec<Bytes>) {
        self.read = Read::default();
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        for (index, open) in std::mem::take(&mut self.open) {
            // Of one that never said what it is nothing was shown.
            if open.item.has_type() {
                let item = open.item.close("incomplete", &mut self.log, out);
                self.done.insert(index, item);
            }
        }
        let output = self.output();
        let created = self.created.take();
        let mut response = created.unwrap_or_else(|| bare("resp_none", &self.model));
        Ending::Length.end(&mut response, output, usage);
        let fields = json!({ "response": response });
        out.push(self.log.event(Ending::Length.event(), fields));
    }

    fn fail(&mut self, fault: &Fault) -> Bytes {
        self.has_ended = true;
        let output = self.output();
        let mut response = self.created.take();
        if let Some(response) = &mut response {
            response.insert("output".to_owned(), output.into());
        }
        self.log.failed(response, fault)
    }

    fn keep_alive(&self) -> Bytes {
        crate::relay::keep_alive(Dialect::Responses)
    }
}
