//! Which fields of a chat request matter here, and where do they lie? The others are passed over without being built.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields as they stand in the body; one that is `null` is there.
pub(super) struct Fields<'a> {
    pub(super) model: Option<&'a RawValue>,
    pub(super) messages: Option<&'a RawValue>,
    pub(super) stream: Option<&'a RawValue>,
    pub(super) stream_options: Option<&'a RawValue>,
    pub(super) max_tokens: Option<&'a RawValue>,
    pub(super) max_completion_tokens: Option<&'a RawValue>,
    pub(super) n: Option<&'a RawValue>,
    pub(super) tools: Option<&'a RawValue>,
    pub(super) functions: Option<&'a RawValue>,
    pub(super) response_format: Option<&'a RawValue>,
}

const NAMES: [&str; 10] = [
    "model",
    "messages",
    "stream",
    "stream_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "tools",
    "functions",
    "response_format",
];

/// The beginnings of what is said when a name is not right.
pub(super) const TWICE: &str = "duplicate field";
pub(super) const WRONG_CASE: &str = "field in another case";

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let [
            model,
            messages,
            stream,
            stream_options,
            max_tokens,
            max_completion_tokens,
            n,
            tools,
            functions,
            response_format,
        ] = deserializer.deserialize_map(Reader)?;
        Ok(Self {
            model,
            messages,
            stream,
            stream_options,
            max_tokens,
            max_completion_tokens,
            n,
            tools,
            functions,
            response_format,
        })
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = [Option<&'de RawValue>; NAMES.len()];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; NAMES.len()];
        while let Some(name) = map.next_key::<String>()? {
            match NAMES.iter().position(|known| *known == name) {
                Some(at) if found[at].is_some() => return Err(de::Error::custom(TWICE)),
                Some(at) => found[at] = Some(map.next_value::<&RawValue>()?),
                // Some servers read `Stream` as `stream`, the last one winning: what we metered would not be what ran.
                None if NAMES.iter().any(|known| known.eq_ignore_ascii_case(&name)) => {
                    return Err(de::Error::custom(WRONG_CASE));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// A field that is there and not `null`.
pub(super) fn given(field: Option<&RawValue>) -> Option<&RawValue> {
    field.filter(|raw| raw.get() != "null")
}
