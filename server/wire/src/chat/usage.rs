//! Where does the OpenAI dialect hide its token counts?
//!
//! `prompt_tokens` includes the cached ones and `completion_tokens` the reasoning ones
//! (<https://platform.openai.com/docs/api-reference/chat/object>); our buckets are disjoint.

use domain::Usage;
use serde::Deserialize;
use serde::de::Deserializer;

/// The report as it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Report {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
}

/// A count that may be missing, null, negative or nonsense: only a whole number from zero up is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Self(value.as_u64()))
    }
}

/// A report that may be anything: what is no report of this dialect says nothing, and spoils no answer.
///
/// # Errors
/// When it is no JSON.
pub(super) fn any_report<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Report>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.map(|value| match value {
        object @ serde_json::Value::Object(_) => serde_json::from_value(object).unwrap_or_default(),
        // A list would be read by position.
        _ => Report::default(),
    }))
}

impl Report {
    /// Our buckets; `None` when the report says nothing that can be believed.
    ///
    /// A report of nothing at all is none: some servers send zeros for answers that they streamed.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let (prompt, mut output) = (self.prompt_tokens.0?, self.completion_tokens.0.unwrap_or(0));
        let cached = self
            .prompt_tokens_details
            .and_then(|details| details.cached_tokens.0)
            .unwrap_or(0)
            .min(prompt);
        let reasoning = self
            .completion_tokens_details
            .and_then(|details| details.reasoning_tokens.0)
            .unwrap_or(0);
        // Some providers count reasoning beside the completion; their total, or the impossible part, gives it away.
        let beside = prompt.saturating_add(output).saturating_add(reasoning);
        if reasoning > output || (reasoning > 0 && self.total_tokens.0 == Some(beside)) {
            output = output.saturating_add(reasoning);
        }
        let usage = Usage {
            input: prompt - cached,
            cached_input: cached,
            output,
            reasoning,
            ..Usage::default()
        }
        .clamped();
        (!usage.is_zero()).then_some(usage)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn read(json: &str) -> Option<Usage> {
        serde_json::from_str::<Report>(json).unwrap().usage()
    }

    #[test]
    fn buckets_are_disjoint_and_add_up_to_the_total() {
        let usage = read(
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,
            "prompt_tokens_details":{"cached_tokens":60},"completion_tokens_details":{"reasoning_tokens":5}}"#,
        );
        assert_eq!(
            usage,
            Some(Usage {
                input: 40,
                cached_input: 60,
                output: 20,
                reasoning: 5,
                ..Usage::default()
            })
        );
        assert_eq!(usage.unwrap().total(), 120);
    }

    #[test]
    fn reasoning_that_is_counted_beside_the_completion_is_charged_too() {
        let usage = read(
            r#"{"prompt_tokens":37,"completion_tokens":530,"total_tokens":800,
            "completion_tokens_details":{"reasoning_tokens":233}}"#,
        );
        assert_eq!(usage.unwrap().output, 763);
    }

    #[test]
    fn nonsense_is_no_report() {
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"prompt_tokens":-5,"completion_tokens":3}"#), None);
        assert_eq!(read(r#"{"prompt_tokens":"many"}"#), None);
        assert_eq!(read(r#"{"prompt_tokens":0,"completion_tokens":0}"#), None);
    }

    #[test]
    fn more_cached_than_sent_is_clamped() {
        let usage = read(
            r#"{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":99}}"#,
        );
        assert_eq!(
            usage,
            Some(Usage {
                input: 0,
                cached_input: 10,
                output: 1,
                reasoning: 0,
                ..Usage::default()
            })
        );
    }
}
