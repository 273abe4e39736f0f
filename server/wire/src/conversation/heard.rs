//! What did the upstream answer? Listened to while it passes, so that the next turn can go on from it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::create::{Create, Remembered, fields, join};
use crate::error::Said;
use crate::request::json_string;

/// Listens to the events of one answer.
pub struct Heard {
    /// More than this is not remembered.
    max: usize,
    size: usize,
    items: Vec<Box<RawValue>>,
    /// The id and the output of the response that ended well.
    ended: Option<(String, Vec<Box<RawValue>>)>,
}

/// What an event is to whoever passes it on.
pub enum Event {
    /// Goes on as it is.
    Other,
    /// Goes on as it is, and nothing comes after it.
    Last,
    /// An `error` event: a connection has another form for it.
    Error(Said),
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    #[serde(default)]
    output: Option<Vec<Box<RawValue>>>,
}

/// What tells whether an item can be said again without the provider having kept it.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    encrypted_content: Option<&'a RawValue>,
}

impl Item<'_> {
    fn is_lost_thought(raw: &RawValue) -> bool {
        serde_json::from_str::<Item<'_>>(raw.get()).is_ok_and(|item| {
            item.kind.map(RawValue::get) == Some(r#""reasoning""#)
                && crate::fields::given(item.encrypted_content).is_none()
        })
    }
}

#[derive(Deserialize, Default)]
struct Words {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    param: Option<String>,
    code: Option<String>,
}

impl Heard {
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self {
            max,
            size: 0,
            items: Vec::new(),
            ended: None,
        }
    }

    /// Listens to an event.
    pub fn event(&mut self, data: &[u8]) -> Event {
        let Ok(event) = serde_json::from_slice::<Kind<'_>>(data) else {
            return Event::Other;
        };
        let kind = event.kind.map_or("", |kind| kind.get().trim_matches('"'));
        match kind {
            "response.output_item.done" => {
                if let Some(item) = event.item {
                    self.size = self.size.saturating_add(item.get().len());
                    if self.size <= self.max {
                        self.items.push(item.to_owned());
                    }
                }
                Event::Other
            }
            "response.completed" | "response.incomplete" => {
                let response = event
                    .response
                    .and_then(|raw| serde_json::from_str::<Response>(raw.get()).ok());
                self.ended = response
                    .and_then(|response| Some((response.id?, response.output.unwrap_or_default())));
                Event::Last
            }
            "response.failed" => Event::Last,
            "error" => {
                // Some servers put it into a field of its own.
                let words = event.error.map_or(data, |error| error.get().as_bytes());
                let words: Words = serde_json::from_slice(words).unwrap_or_default();
                Event::Error(Said {
                    message: words.message,
                    kind: words.kind.filter(|kind| kind != "error"),
                    param: words.param,
                    code: words.code,
                })
            }
            _ => Event::Other,
        }
    }

    /// What is to be remembered of the turn; `None` when it did not end well, or is too much.
    #[must_use]
    pub fn over(self, asked: &Create, before: Option<&Remembered>) -> Option<Remembered> {
        let (id, output) = self.ended?;
        // Some say all of it at the end, some only as it comes.
        let items = match self.items.is_empty() {
            true => output,
            false => self.items,
        };
        let mut said = Vec::new();
        let is_lost = |item: &RawValue| !asked.stores && Item::is_lost_thought(item);
        let has_lost = items.iter().any(|item| is_lost(item));
        for item in items.iter().filter(|item| !is_lost(item)) {
            match has_lost {
                // An id leads a provider to the thought that belongs to it, which is kept nowhere.
                true => join(&mut said, &without_id(item)),
                false => join(&mut said, item.get().as_bytes()),
            }
        }
        let remembered = asked.remembered(id, before, &said);
        (self.size <= self.max && remembered.size() <= self.max).then_some(remembered)
    }
}

fn without_id(item: &RawValue) -> Vec<u8> {
    let Ok(all) = fields(item.get().as_bytes()) else {
        return item.get().as_bytes().to_vec();
    };
    let mut out = vec![b'{'];
    for (name, raw) in all.iter().filter(|(name, _)| name != "id") {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(&json_string(name));
        out.push(b':');
        out.extend_from_slice(raw.get().as_bytes());
    }
    out.push(b'}');
    out
}
