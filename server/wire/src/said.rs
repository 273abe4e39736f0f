//! What does an upstream say about a call beside its counts: how was it served, and can the counts be believed?
//!
//! Every dialect says it in its own place, but under the same names; so this looks at the bytes that came, whichever
//! dialect they are of, and the readers of the dialects need not know of it. Only answers and events with a report are
//! looked at.

use domain::Usage;
use domain::price_rule::Tier;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// What a report says beside its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// How the call was served, if it says so.
    pub served: Option<Tier>,
    /// One of its counts is below zero, no whole number, or beyond reason.
    pub absurd: bool,
}

/// What of an object may say so; an answer may be large, and is not read further than this.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
    #[serde(borrow, default)]
    speed: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "usageMetadata")]
    usage: Option<&'a RawValue>,
    /// Responses wraps its last event in it.
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    /// Messages wraps its first.
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
}

/// Looks at a plain answer, or the data of an event.
#[must_use]
pub fn beside(json: &[u8]) -> Beside {
    let mut found = Beside::default();
    let Ok(whole) = serde_json::from_slice::<Fields<'_>>(json) else {
        return found;
    };
    let wrapped = [whole.response, whole.message];
    let wrapped = wrapped.into_iter().flatten().filter_map(fields);
    for object in std::iter::once(whole).chain(wrapped) {
        found.look_at(&object);
        if let Some(usage) = object.usage {
            if let Some(fields) = fields(usage) {
                found.look_at(&fields);
            }
            let report = serde_json::from_str::<Value>(usage.get());
            found.absurd |= report.is_ok_and(|report| has_absurd(&report));
        }
    }
    found
}

fn fields(object: &RawValue) -> Option<Fields<'_>> {
    serde_json::from_str(object.get()).ok()
}

impl Beside {
    fn look_at(&mut self, fields: &Fields<'_>) {
        let word = |raw: Option<&RawValue>| {
            raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
        };
        if let Some(tier) = word(fields.service_tier) {
            self.served = Some(Tier::read(Some(&tier)));
        }
        // `standard` says nothing that the tier does not say.
        if word(fields.speed).as_deref() == Some("fast") {
            self.served = Some(Tier::Fast);
        }
    }
}

/// Whether a number in it is no count. Providers that tell prices in their reports write them as fractions, under names
/// of their own: only counts are looked at.
fn has_absurd(report: &Value) -> bool {
    let Value::Object(fields) = report else {
        return false;
    };
    fields.iter().any(|(name, value)| match value {
        Value::Number(number) if is_count(name) => number
            .as_u64()
            .is_none_or(|count| count > Usage::TOKENS_MAX),
        Value::Object(_) => has_absurd(value),
        _ => false,
    })
}

fn is_count(name: &str) -> bool {
    name.ends_with("tokens") || name.ends_with("_requests") || name.ends_with("TokenCount")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_how_it_served() {
        for (json, served) in [
            (
                r#"{"service_tier":"priority","usage":{"prompt_tokens":1}}"#,
                Some(Tier::Priority),
            ),
            (
                r#"{"choices":[],"service_tier":"default","usage":null}"#,
                Some(Tier::Default),
            ),
            (
                r#"{"type":"response.completed","response":{"service_tier":"flex","usage":{}}}"#,
                Some(Tier::Flex),
            ),
            (
                r#"{"type":"message_start","message":{"usage":{"service_tier":"standard"}}}"#,
                Some(Tier::Default),
            ),
            (
                r#"{"usage":{"service_tier":"standard","speed":"fast"}}"#,
                Some(Tier::Fast),
            ),
            (r#"{"usage":{"service_tier":"batch"}}"#, Some(Tier::Flex)),
            (r#"{"usage":{"prompt_tokens":1},"service_tier":null}"#, None),
            ("[1]", None),
            ("nonsense", None),
        ] {
            assert_eq!(beside(json.as_bytes()).served, served, "{json}");
        }
    }

    #[test]
    fn what_is_no_count_is_noticed() {
        for (json, absurd) in [
            (
                r#"{"usage":{"prompt_tokens":-1,"completion_tokens":2}}"#,
                true,
            ),
            (r#"{"usage":{"output_tokens":1.5}}"#, true),
            (r#"{"usage":{"input_tokens":18446744073709551615}}"#, true),
            (
                r#"{"usage":{"input_tokens":1,"cache_creation":{"ephemeral_1h_input_tokens":-3}}}"#,
                true,
            ),
            (r#"{"response":{"usage":{"output_tokens":1e300}}}"#, true),
            (
                r#"{"usage":{"server_tool_use":{"web_search_requests":-2}}}"#,
                true,
            ),
            (r#"{"usageMetadata":{"promptTokenCount":-2}}"#, true),
            (
                r#"{"usage":{"prompt_tokens":1,"cost":0.00012,"prompt_tokens_details":null}}"#,
                false,
            ),
            (
                r#"{"usage":{"prompt_tokens":3,"completion_tokens":0}}"#,
                false,
            ),
            (r#"{"usage":null}"#, false),
        ] {
            assert_eq!(beside(json.as_bytes()).absurd, absurd, "{json}");
        }
    }
}
