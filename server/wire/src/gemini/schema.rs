//! How does Google's subset of OpenAPI become the JSON schema that all others read?

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// Counts that its JSON may hold as text.
const COUNTS: [&str; 6] = [
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
];

/// A schema of arguments or of an answer. `closed`: an object has no other fields than those that are named, as Gemini
/// answers; others want it said.
pub(super) fn json_schema(raw: &RawValue, closed: bool) -> Option<Box<RawValue>> {
    let schema: Map<String, Value> = serde_json::from_str(raw.get()).ok()?;
    to_raw_value(&converted(schema, closed)).ok()
}

fn converted(schema: Map<String, Value>, closed: bool) -> Value {
    let mut out = Map::new();
    let mut is_nullable = false;
    for (name, value) in schema {
        match (name.as_str(), value) {
            ("type", Value::String(kind)) => {
                out.insert(name, kind.to_ascii_lowercase().into());
            }
            ("nullable", value) => is_nullable = value == true,
            // Only for how a person sees it.
            ("propertyOrdering" | "property_ordering" | "example", _) => {}
            ("properties", Value::Object(fields)) => {
                let fields = fields
                    .into_iter()
                    .map(|(name, field)| (name, each(field, closed)));
                let fields: Map<String, Value> = fields.collect();
                out.insert(name, fields.into());
            }
            ("anyOf" | "any_of", Value::Array(all)) => {
                let all: Vec<Value> = all.into_iter().map(|one| each(one, closed)).collect();
                out.insert("anyOf".to_owned(), all.into());
            }
            ("items", value) => {
                out.insert(name, each(value, closed));
            }
            (count, Value::String(text)) if COUNTS.contains(&count) => {
                if let Ok(number) = text.parse::<u64>() {
                    out.insert(name, number.into());
                }
            }
            (_, value) => {
                out.insert(name, value);
            }
        }
    }
    if is_nullable && let Some(kind) = out.get_mut("type") {
        *kind = serde_json::json!([kind.take(), "null"]);
    }
    if closed && out.contains_key("properties") {
        out.entry("additionalProperties").or_insert(false.into());
    }
    out.into()
}

fn each(value: Value, closed: bool) -> Value {
    match value {
        Value::Object(schema) => converted(schema, closed),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn types_are_written_small_and_fields_of_such_names_stay() {
        let google = r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true,"maxLength":"9"},
            "all":{"type":"ARRAY","items":{"type":"OBJECT","properties":{}}}},"propertyOrdering":["type"],"required":["type"]}"#;
        let raw: Box<RawValue> = serde_json::from_str(google).unwrap();
        assert_eq!(
            json_schema(&raw, true).unwrap().get(),
            concat!(
                r#"{"type":"object","properties":{"type":{"type":["string","null"],"maxLength":9},"#,
                r#""all":{"type":"array","items":{"type":"object","properties":{},"additionalProperties":false}}},"#,
                r#""required":["type"],"additionalProperties":false}"#
            )
        );
    }
}
