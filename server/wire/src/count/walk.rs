//! What of a message is for the model? Its texts, what tools are given and give, and what is attached; told by the names
//! of the fields, which the dialects have in common. Nothing is built but what a tool is given.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::part::{Each, Part, inner};

/// JSON up to here is counted without its spaces; a definition of a tool is never longer.
const COMPACT_MAX: usize = 1 << 20;
/// Documents may stand in a result of a tool, and blocks of text in a document: deeper than this, providers read nothing.
const DEPTH: usize = 4;

/// Hands the pieces of a message, or of what the model is told beforehand, to `each`.
pub(super) fn message(raw: &RawValue, each: Each<'_>) {
    walk(raw, Kind::Text, DEPTH, each);
}

/// The same JSON without its spaces, and with its letters unescaped.
pub(super) fn compact(json: &str) -> Cow<'_, str> {
    if json.len() > COMPACT_MAX {
        return Cow::Borrowed(json);
    }
    serde_json::from_str::<Json>(json).map_or(Cow::Borrowed(json), |value| value.to_string().into())
}

fn walk(raw: &RawValue, kind: Kind, depth: usize, each: Each<'_>) {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    // The body was read before, so it is JSON.
    let _ = Walk { each, kind, depth }.deserialize(&mut json);
}

/// What a value is, by the name of the field it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Attached,
    CallId,
    /// What a tool is given, or gives: JSON of its own.
    Json,
    /// What is attached, or a text in its place.
    Source,
    /// Not for the model's eyes: marks, ids, and reasoning that is sealed.
    Unread,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "url" | "image_url" | "data" | "file_data" | "fileUri" | "file_uri" => Self::Attached,
            "id" | "call_id" | "tool_call_id" | "tool_use_id" => Self::CallId,
            "input" | "args" | "response" => Self::Json,
            "source" => Self::Source,
            "type" | "role" | "status" | "detail" | "cache_control" | "signature" | "phase"
            | "encrypted_content" | "thoughtSignature" | "thought_signature" | "media_type"
            | "mimeType" | "mime_type" | "format" => Self::Unread,
            _ => Self::Text,
        }
    }
}

struct Walk<'a> {
    each: Each<'a>,
    kind: Kind,
    /// How many sources may still stand in each other.
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        (self.each)(match self.kind {
            Kind::Attached => Part::Attached(text),
            Kind::CallId => Part::CallId,
            _ => Part::Text(text),
        });
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq
            .next_element_seed(Walk {
                each: self.each,
                kind: self.kind,
                depth: self.depth,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // Its `data` is no image. The type stands first wherever it matters.
        let mut is_sealed = false;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match Kind::of(&name) {
                Kind::Unread if name == "type" => {
                    let kind = map.next_value::<&RawValue>()?;
                    is_sealed = matches!(
                        kind.get(),
                        r#""redacted_thinking""# | r#""reasoning.encrypted""#
                    );
                }
                Kind::Attached if is_sealed => {
                    map.next_value::<IgnoredAny>()?;
                }
                Kind::Unread => {
                    map.next_value::<IgnoredAny>()?;
                }
                Kind::Json => json(map.next_value()?, self.depth, self.each),
                Kind::Source => source(map.next_value()?, self.depth, self.each),
                kind => map.next_value_seed(Walk {
                    each: self.each,
                    kind,
                    depth: self.depth,
                })?,
            }
        }
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

fn json(raw: &RawValue, depth: usize, each: Each<'_>) {
    if raw.get().starts_with(['{', '[']) {
        each(Part::Json(&compact(raw.get())));
    } else {
        walk(raw, Kind::Text, depth, each);
    }
}

/// A document may be plain text, or blocks of it, where others have their bytes.
fn source(raw: &RawValue, depth: usize, each: Each<'_>) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    let is_text = inner(raw, "type").is_some_and(|kind| kind.get() == "\"text\"");
    let sent = inner(raw, "data").or(inner(raw, "url"));
    match (inner(raw, "content"), sent) {
        (Some(content), _) => walk(content, Kind::Text, depth, each),
        (None, Some(text)) if is_text => walk(text, Kind::Text, depth, each),
        (None, Some(sent)) => walk(sent, Kind::Attached, depth, each),
        (None, None) => {}
    }
}
