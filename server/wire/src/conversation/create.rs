//! What does a `response.create` ask for, and what is the same call over HTTP?

use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::fields::{flag, given, not_json, text};
use crate::request::{BadRequest, json_string};

/// Longer than any name that a client gives a lane.
const LANE_MAX: usize = 256;

/// One `response.create`.
pub struct Create {
    /// The `stream_id`: which of the connection's conversations it belongs to.
    pub lane: Option<String>,
    /// The response that it goes on from.
    pub previous: Option<String>,
    /// `false` for a warm-up, which wants no answer.
    pub generates: bool,
    /// The model, where it is named as it should be.
    pub model: Option<String>,
    /// The provider keeps the answer.
    pub stores: bool,
    /// The fields that go on as they came: `"model":"m","tools":[…]`.
    fields: Vec<u8>,
    /// What is new of the input, without brackets.
    input: Option<Vec<u8>>,
}

/// What a response was, to go on from it.
#[derive(Clone)]
pub struct Remembered {
    pub id: String,
    /// The stored response that the items go on from, if there is one.
    pub(super) base: Option<String>,
    /// Everything that was said, without brackets.
    pub(super) items: Bytes,
}

impl Remembered {
    /// Bytes that it takes to remember this.
    #[must_use]
    pub fn size(&self) -> usize {
        self.items.len() + self.id.len() + self.base.as_ref().map_or(0, String::len)
    }
}

impl Create {
    /// Reads a message.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no `response.create`.
    pub fn read(message: &[u8]) -> Result<Self, BadRequest> {
        let all = fields(message)?;
        let mut create = Self {
            lane: None,
            previous: None,
            generates: true,
            model: None,
            stores: true,
            fields: Vec::new(),
            input: None,
        };
        let mut kind = None;
        for (name, raw) in &all {
            match name.as_str() {
                "type" => kind = serde_json::from_str::<String>(raw.get()).ok(),
                "generate" => {
                    create.generates = raw.get() == "null" || flag(Some(raw), "generate")?
                }
                "stream_id" => create.lane = lane(raw)?,
                "previous_response_id" => {
                    if given(Some(raw)).is_some() {
                        create.previous = Some(text(Some(raw), "previous_response_id")?);
                    }
                }
                "input" => create.input = given(Some(raw)).map(inner).transpose()?,
                // Always a stream here.
                "stream" => {}
                name => {
                    if name == "model" {
                        create.model = serde_json::from_str(raw.get()).ok();
                    }
                    if name == "store" {
                        create.stores = raw.get() != "false";
                    }
                    if !create.fields.is_empty() {
                        create.fields.push(b',');
                    }
                    create.fields.extend_from_slice(&json_string(name));
                    create.fields.push(b':');
                    create.fields.extend_from_slice(raw.get().as_bytes());
                }
            }
        }
        if kind.as_deref() != Some("response.create") {
            return Err(BadRequest::new(
                "type",
                "`type` must be `response.create`: nothing else is understood here",
            ));
        }
        Ok(create)
    }

    /// The body of the same call over HTTP, streamed. `before` is what the response that it goes on from was, if this
    /// connection remembers it; otherwise the upstream is asked to.
    #[must_use]
    pub fn body(&self, before: Option<&Remembered>) -> Bytes {
        let mut body = Vec::with_capacity(
            self.fields.len()
                + self.input.as_ref().map_or(0, Vec::len)
                + before.map_or(0, Remembered::size)
                + 100,
        );
        body.extend_from_slice(br#"{"stream":true"#);
        let previous = match before {
            Some(before) => before.base.as_deref(),
            None => self.previous.as_deref(),
        };
        if let Some(previous) = previous {
            body.extend_from_slice(br#","previous_response_id":"#);
            body.extend_from_slice(&json_string(previous));
        }
        if !self.fields.is_empty() {
            body.push(b',');
            body.extend_from_slice(&self.fields);
        }
        if self.input.is_some() || before.is_some() {
            body.extend_from_slice(br#","input":["#);
            body.extend_from_slice(&self.items(before));
            body.push(b']');
        }
        body.push(b'}');
        Bytes::from(body)
    }

    /// What was said up to here, to be remembered under an id.
    pub(super) fn remembered(
        &self,
        id: String,
        before: Option<&Remembered>,
        output: &[u8],
    ) -> Remembered {
        let mut items = self.items(before);
        join(&mut items, output);
        Remembered {
            id,
            base: match before {
                Some(before) => before.base.clone(),
                None => self.previous.clone(),
            },
            items: Bytes::from(items),
        }
    }

    fn items(&self, before: Option<&Remembered>) -> Vec<u8> {
        let mut items = before.map_or_else(Vec::new, |before| before.items.to_vec());
        join(&mut items, self.input.as_deref().unwrap_or_default());
        items
    }
}

/// Puts more items behind those that are there.
pub(super) fn join(items: &mut Vec<u8>, more: &[u8]) {
    if !items.is_empty() && !more.is_empty() {
        items.push(b',');
    }
    items.extend_from_slice(more);
}

/// The items of an input without their brackets; a text is what the user says.
fn inner(input: &RawValue) -> Result<Vec<u8>, BadRequest> {
    let text = input.get();
    if let Some(items) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return Ok(items.trim().as_bytes().to_vec());
    }
    if text.starts_with('"') {
        return Ok(format!(r#"{{"role":"user","content":{text}}}"#).into_bytes());
    }
    Err(BadRequest::new(
        "input",
        "`input` must be a string or an array",
    ))
}

fn lane(raw: &RawValue) -> Result<Option<String>, BadRequest> {
    let Some(raw) = given(Some(raw)) else {
        return Ok(None);
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    serde_json::from_str::<String>(raw.get())
        .ok()
        .filter(|name| (1..=LANE_MAX).contains(&name.len()) && name.bytes().all(plain))
        .map(Some)
        .ok_or_else(|| {
            BadRequest::new(
                "stream_id",
                "`stream_id` must be 1 to 256 letters, digits, underscores, hyphens and points",
            )
        })
}

type Fields<'a> = Vec<(String, &'a RawValue)>;

/// Every field as it stands, in its order.
///
/// # Errors
/// [`BadRequest`] when it is no JSON object, or has a field twice: what was metered would not be what ran.
pub(super) fn fields(json: &[u8]) -> Result<Fields<'_>, BadRequest> {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Fields<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Fields::new();
            while let Some(name) = map.next_key::<String>()? {
                all.push((name, map.next_value()?));
            }
            Ok(all)
        }
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let all = deserializer
        .deserialize_map(All)
        .map_err(|error| not_json(&error))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).any(|two| two[0] == two[1]) {
        true => Err(BadRequest {
            detail: "a field is given twice".to_owned(),
            param: None,
        }),
        false => Ok(all),
    }
}
