//! Where does the OpenAI dialect hide its token counts?
//!
//! `prompt_tokens` includes those that a cache answered for, those written into it, and audio; `completion_tokens` those
//! of reasoning, audio and predictions (<https://platform.openai.com/docs/api-reference/chat/object>). Our buckets are
//! disjoint, and their sum is the provider's total. Providers that follow the dialect loosely are the tests' table.

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
    /// DeepSeek's name of the cached ones.
    prompt_cache_hit_tokens: Count,
    /// Moonshot's and Together's.
    cached_tokens: Count,
    /// Perplexity's, beside the completion.
    reasoning_tokens: Count,
    /// OpenRouter's: what it searched in the web.
    server_tool_use: Option<ServerTools>,
    /// xAI's, which charges for each.
    num_sources_used: Count,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
    cache_write_tokens: Count,
    /// LiteLLM's name of the same.
    cache_creation_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ServerTools {
    web_search_requests: Count,
}

/// A count that may be missing, null, negative or nonsense: only a whole number from zero up is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Self(value.as_u64()))
    }
}

impl Count {
    fn or_none(self) -> u64 {
        self.0.unwrap_or(0)
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

/// Takes up to `wanted` out of `rest`: a part is never more than the whole.
fn take(rest: &mut u64, wanted: u64) -> u64 {
    let taken = wanted.min(*rest);
    *rest -= taken;
    taken
}

impl Report {
    /// Our buckets; `None` when the report says nothing that can be believed.
    ///
    /// A report of nothing at all is none: some servers send zeros for answers that they streamed.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let prompt_details = self.prompt_tokens_details.unwrap_or_default();
        let mut input = self.prompt_tokens.0?;
        let (mut output, reasoning) = self.answer(input);
        let cached = prompt_details
            .cached_tokens
            .or_none()
            .max(self.prompt_cache_hit_tokens.or_none())
            .max(self.cached_tokens.or_none());
        let written = prompt_details
            .cache_write_tokens
            .or_none()
            .max(prompt_details.cache_creation_tokens.or_none());
        let cached_input = take(&mut input, cached);
        let cache_write = take(&mut input, written);
        let audio_input = take(&mut input, prompt_details.audio_tokens.or_none());
        let image_input = take(&mut input, prompt_details.image_tokens.or_none());
        let details = self.completion_tokens_details.unwrap_or_default();
        let audio_output = take(&mut output, details.audio_tokens.or_none());
        let image_output = take(&mut output, details.image_tokens.or_none());
        let searches = self.server_tool_use.unwrap_or_default();
        let usage = Usage {
            input,
            cached_input,
            cache_write,
            audio_input,
            image_input,
            output,
            reasoning,
            audio_output,
            image_output,
            tool_calls: searches
                .web_search_requests
                .or_none()
                .max(self.num_sources_used.or_none()),
            ..Usage::default()
        }
        .clamped();
        (!usage.is_zero()).then_some(usage)
    }

    /// All tokens of the answer, and how many of them were reasoning.
    ///
    /// Some providers count reasoning beside the completion (xAI, Google); their total, or a part that is larger than the
    /// whole, gives it away.
    fn answer(&self, prompt: u64) -> (u64, u64) {
        let output = self.completion_tokens.or_none();
        let reasoning = self
            .completion_tokens_details
            .unwrap_or_default()
            .reasoning_tokens
            .or_none()
            .max(self.reasoning_tokens.or_none());
        let beside = self
            .total_tokens
            .0
            .filter(|total| *total <= Usage::TOKENS_MAX)
            .map_or(0, |total| {
                total.saturating_sub(prompt).saturating_sub(output)
            });
        if reasoning > output {
            let all = output.saturating_add(reasoning.max(beside));
            (all, reasoning.max(beside))
        } else {
            (output.saturating_add(beside), reasoning.max(beside))
        }
    }
}

/// The report of a usage, with all the details that the SDKs know. The dialect has no word for an hour's cache.
#[must_use]
pub(super) fn report(usage: &Usage) -> serde_json::Value {
    let mut report = serde_json::json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.answer(),
        "total_tokens": usage.total(),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write.saturating_add(usage.cache_write_1h),
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    });
    // Only where providers say it: the SDKs have no such field.
    if usage.image_input > 0 {
        report["prompt_tokens_details"]["image_tokens"] = usage.image_input.into();
    }
    if usage.image_output > 0 {
        report["completion_tokens_details"]["image_tokens"] = usage.image_output.into();
    }
    if usage.tool_calls > 0 {
        report["server_tool_use"] = serde_json::json!({"web_search_requests": usage.tool_calls});
    }
    report
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;
    use crate::neutral::any::any_usage;

    fn read(json: &str) -> Option<Usage> {
        serde_json::from_str::<Report>(json).unwrap().usage()
    }

    /// Who reports, what, our buckets, and the provider's total.
    fn golden() -> Vec<(&'static str, &'static str, Usage, u64)> {
        vec![
            (
                "OpenAI, cached and reasoning",
                r#"{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":192,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#,
                Usage {
                    input: 86,
                    cached_input: 1920,
                    output: 300,
                    reasoning: 192,
                    ..Usage::default()
                },
                2306,
            ),
            (
                "OpenAI, cache writes",
                r#"{"prompt_tokens":5000,"completion_tokens":7,"total_tokens":5007,"prompt_tokens_details":{"cached_tokens":1024,"cache_write_tokens":3000}}"#,
                Usage {
                    input: 976,
                    cached_input: 1024,
                    cache_write: 3000,
                    output: 7,
                    ..Usage::default()
                },
                5007,
            ),
            (
                "OpenAI, audio in and out",
                r#"{"prompt_tokens":120,"completion_tokens":95,"total_tokens":215,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":102,"text_tokens":18},
                "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":70,"text_tokens":25}}"#,
                Usage {
                    input: 18,
                    audio_input: 102,
                    output: 25,
                    audio_output: 70,
                    ..Usage::default()
                },
                215,
            ),
            (
                "OpenAI, a predicted output: both parts are inside the completion",
                r#"{"prompt_tokens":180,"completion_tokens":224,"total_tokens":404,
                "completion_tokens_details":{"reasoning_tokens":0,"accepted_prediction_tokens":14,"rejected_prediction_tokens":50}}"#,
                Usage {
                    input: 180,
                    output: 224,
                    ..Usage::default()
                },
                404,
            ),
            (
                "DeepSeek",
                r#"{"prompt_tokens":1100,"completion_tokens":400,"total_tokens":1500,"prompt_tokens_details":{"cached_tokens":1024},
                "completion_tokens_details":{"reasoning_tokens":350},"prompt_cache_hit_tokens":1024,"prompt_cache_miss_tokens":76}"#,
                Usage {
                    input: 76,
                    cached_input: 1024,
                    output: 400,
                    reasoning: 350,
                    ..Usage::default()
                },
                1500,
            ),
            (
                "DeepSeek without details",
                r#"{"prompt_tokens":1100,"completion_tokens":4,"total_tokens":1104,"prompt_cache_hit_tokens":1024,"prompt_cache_miss_tokens":76}"#,
                Usage {
                    input: 76,
                    cached_input: 1024,
                    output: 4,
                    ..Usage::default()
                },
                1104,
            ),
            (
                "Moonshot",
                r#"{"prompt_tokens":19,"completion_tokens":21,"total_tokens":40,"cached_tokens":10}"#,
                Usage {
                    input: 9,
                    cached_input: 10,
                    output: 21,
                    ..Usage::default()
                },
                40,
            ),
            (
                "Mistral",
                r#"{"prompt_audio_seconds":null,"prompt_tokens":13,"total_tokens":34,"completion_tokens":21}"#,
                Usage {
                    input: 13,
                    output: 21,
                    ..Usage::default()
                },
                34,
            ),
            (
                "xAI: reasoning beside the completion, a source of the web",
                r#"{"prompt_tokens":37,"completion_tokens":530,"total_tokens":800,"prompt_tokens_details":{"text_tokens":37,"audio_tokens":0,"image_tokens":0,"cached_tokens":8},
                "completion_tokens_details":{"reasoning_tokens":233,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0},"num_sources_used":1}"#,
                Usage {
                    input: 29,
                    cached_input: 8,
                    output: 763,
                    reasoning: 233,
                    tool_calls: 1,
                    ..Usage::default()
                },
                800,
            ),
            (
                "Google: thoughts only in the total",
                r#"{"completion_tokens":35,"prompt_tokens":12,"total_tokens":1047}"#,
                Usage {
                    input: 12,
                    output: 1035,
                    reasoning: 1000,
                    ..Usage::default()
                },
                1047,
            ),
            (
                "Perplexity: reasoning beside it all",
                r#"{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":20016,"num_search_queries":18,"reasoning_tokens":73997}"#,
                Usage {
                    input: 33,
                    output: 7163 + 73_997,
                    reasoning: 73_997,
                    ..Usage::default()
                },
                7196 + 73_997,
            ),
            (
                "OpenRouter",
                r#"{"prompt_tokens":10339,"completion_tokens":60,"total_tokens":10399,"cost":0.0121,"is_byok":false,"cost_details":{"upstream_inference_cost":null},
                "prompt_tokens_details":{"cached_tokens":10318,"cache_write_tokens":0,"audio_tokens":0,"video_tokens":0},
                "completion_tokens_details":{"reasoning_tokens":24,"image_tokens":0},"server_tool_use":{"web_search_requests":2}}"#,
                Usage {
                    input: 21,
                    cached_input: 10318,
                    output: 60,
                    reasoning: 24,
                    tool_calls: 2,
                    ..Usage::default()
                },
                10399,
            ),
            (
                "OpenRouter, a model that draws",
                r#"{"prompt_tokens":9,"completion_tokens":1310,"total_tokens":1319,"completion_tokens_details":{"reasoning_tokens":0,"image_tokens":1290}}"#,
                Usage {
                    input: 9,
                    output: 20,
                    image_output: 1290,
                    ..Usage::default()
                },
                1319,
            ),
            (
                "vLLM",
                r#"{"prompt_tokens":26,"total_tokens":42,"completion_tokens":16,"prompt_tokens_details":null}"#,
                Usage {
                    input: 26,
                    output: 16,
                    ..Usage::default()
                },
                42,
            ),
            (
                "llama.cpp",
                r#"{"completion_tokens":5,"prompt_tokens":11,"total_tokens":16}"#,
                Usage {
                    input: 11,
                    output: 5,
                    ..Usage::default()
                },
                16,
            ),
        ]
    }

    #[test]
    fn buckets_are_disjoint_and_add_up_to_the_providers_total() {
        for (who, json, wanted, total) in golden() {
            assert_eq!(read(json), Some(wanted), "{who}");
            assert_eq!(wanted.total(), total, "{who}");
        }
    }

    #[test]
    fn nonsense_is_no_report() {
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"prompt_tokens":-5,"completion_tokens":3}"#), None);
        assert_eq!(read(r#"{"prompt_tokens":"many"}"#), None);
        assert_eq!(read(r#"{"prompt_tokens":0,"completion_tokens":0}"#), None);
    }

    #[test]
    fn a_part_is_never_more_than_the_whole() {
        let usage = read(
            r#"{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":7,"cache_write_tokens":99,"audio_tokens":99},
            "completion_tokens_details":{"audio_tokens":3,"image_tokens":99,"reasoning_tokens":-1}}"#,
        );
        assert_eq!(
            usage,
            Some(Usage {
                cached_input: 7,
                cache_write: 3,
                audio_output: 3,
                image_output: 1,
                ..Usage::default()
            })
        );
        let absurd =
            r#"{"prompt_tokens":1,"completion_tokens":2,"total_tokens":18446744073709551615}"#;
        assert_eq!(
            read(absurd).unwrap().total(),
            3,
            "a total is not believed alone"
        );
    }

    proptest! {
        #[test]
        fn what_is_reported_reads_back(usage in any_usage()) {
            let back: Report = serde_json::from_value(report(&usage)).unwrap();
            // The dialect has one word for both caches.
            let wanted = Usage {
                cache_write: usage.cache_write + usage.cache_write_1h,
                cache_write_1h: 0,
                ..usage
            };
            prop_assert_eq!(back.usage(), Some(wanted));
        }

        #[test]
        fn no_report_panics_or_counts_more_than_there_can_be(
            counts in prop::collection::vec(prop_oneof![any::<u64>(), 0..100_u64], 8),
        ) {
            let json = serde_json::json!({
                "prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": counts[2],
                "prompt_tokens_details": {"cached_tokens": counts[3], "cache_write_tokens": counts[4], "audio_tokens": counts[5]},
                "completion_tokens_details": {"reasoning_tokens": counts[6], "audio_tokens": counts[7]},
            });
            let report: Report = serde_json::from_value(json).unwrap();
            if let Some(usage) = report.usage() {
                prop_assert!(usage.prompt() <= counts[0]);
                prop_assert!(usage.total() <= 9 * Usage::TOKENS_MAX);
                prop_assert!(usage.reasoning <= usage.output);
            }
        }
    }
}
