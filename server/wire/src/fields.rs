//! Which fields of a request matter here, and where do they lie? The others are passed over without being built.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::BadRequest;

/// The beginnings of what is said when a name is not right.
const TWICE: &str = "duplicate field";
const WRONG_CASE: &str = "field in another case";

/// The fields of these names as they stand in the body, in the order of the names; one that is `null` is there.
///
/// # Errors
/// When the body is no JSON object, or has one of the fields twice or in another case.
pub(crate) fn pick<'a, const N: usize>(
    body: &'a [u8],
    names: [&'static str; N],
) -> Result<[Option<&'a RawValue>; N], BadRequest> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let found = Pick(names)
        .deserialize(&mut deserializer)
        .map_err(|error| not_json(&error))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(found)
}

struct Pick<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Pick<N> {
    type Value = [Option<&'de RawValue>; N];

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Pick<N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(name) = map.next_key::<String>()? {
            match self.0.iter().position(|known| *known == name) {
                Some(at) if found[at].is_some() => return Err(de::Error::custom(TWICE)),
                Some(at) => found[at] = Some(map.next_value::<&RawValue>()?),
                // Some servers read `Stream` as `stream`, the last one winning: what we metered would not be what ran.
                None if self.0.iter().any(|known| known.eq_ignore_ascii_case(&name)) => {
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
pub(crate) fn given(field: Option<&RawValue>) -> Option<&RawValue> {
    field.filter(|raw| raw.get() != "null")
}

/// Where a value borrowed from the body lies in it.
pub(crate) fn place(body: &Bytes, raw: &RawValue) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + raw.get().len()
}

/// # Errors
/// When it is neither missing nor a truth value.
pub(crate) fn flag(raw: Option<&RawValue>, name: &'static str) -> Result<bool, BadRequest> {
    match raw.map(RawValue::get) {
        None | Some("null" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(BadRequest::new(
            name,
            format!("`{name}` must be true or false"),
        )),
    }
}

/// # Errors
/// When it is neither missing nor a whole number in the range.
pub(crate) fn number(
    raw: Option<&RawValue>,
    name: &'static str,
    min: u64,
    max: u64,
) -> Result<Option<u64>, BadRequest> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(count) if (min..=max).contains(&count) => Ok(Some(count)),
            _ => Err(BadRequest::new(
                name,
                format!("`{name}` must be a whole number from {min} to {max}"),
            )),
        },
    }
}

/// # Errors
/// When it is missing or no string.
pub(crate) fn text(raw: Option<&RawValue>, name: &'static str) -> Result<String, BadRequest> {
    let raw = given(raw).ok_or_else(|| BadRequest::new(name, format!("`{name}` is missing")))?;
    serde_json::from_str(raw.get())
        .map_err(|_| BadRequest::new(name, format!("`{name}` must be a string")))
}

/// The word for how hard to think in a `reasoning` object; `None` for anything else.
///
/// # Errors
/// When it is given twice or in another case: what is charged must be what runs.
pub(crate) fn effort(reasoning: Option<&RawValue>) -> Result<Option<String>, BadRequest> {
    let Some(raw) = given(reasoning).filter(|raw| raw.get().starts_with('{')) else {
        return Ok(None);
    };
    let [effort] = pick(raw.get().as_bytes(), ["effort"])?;
    Ok(given(effort).and_then(|raw| serde_json::from_str(raw.get()).ok()))
}

/// A list with something in it.
///
/// # Errors
/// When it is missing, no list, or empty. `of` is what it holds one of at least.
pub(crate) fn list<'a>(
    raw: Option<&'a RawValue>,
    name: &'static str,
    of: &str,
) -> Result<&'a RawValue, BadRequest> {
    let raw = given(raw).ok_or_else(|| BadRequest::new(name, format!("`{name}` is missing")))?;
    match array_length(raw) {
        None => Err(BadRequest::new(name, format!("`{name}` must be an array"))),
        Some(0) => Err(BadRequest::new(
            name,
            format!("`{name}` must hold at least one {of}"),
        )),
        Some(_) => Ok(raw),
    }
}

/// The values of a list as they stand in the body; none of what is missing or no list.
pub(crate) fn elements(raw: Option<&RawValue>) -> Vec<&RawValue> {
    given(raw)
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default()
}

pub(crate) fn array_length(raw: &RawValue) -> Option<usize> {
    serde_json::from_str::<Vec<IgnoredAny>>(raw.get())
        .ok()
        .map(|all| all.len())
}

/// serde's message without the part that could quote the body.
pub(crate) fn not_json(error: &serde_json::Error) -> BadRequest {
    let said = error.to_string();
    let detail = match error.classify() {
        serde_json::error::Category::Data if said.starts_with(TWICE) => {
            "a field is given twice".to_owned()
        }
        serde_json::error::Category::Data if said.starts_with(WRONG_CASE) => {
            "field names are written in lower case".to_owned()
        }
        serde_json::error::Category::Data => "the body must be a JSON object".to_owned(),
        _ => format!(
            "the body is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ),
    };
    BadRequest {
        detail,
        param: None,
    }
}
