//! Where does Anthropic's dialect hide its token counts?
//!
//! `input_tokens` are only those that no cache had to do with; what was read from it and written into it stands beside
//! (<https://docs.claude.com/en/docs/build-with-claude/prompt-caching>). Thinking is inside `output_tokens`. A stream
//! reports twice: what comes later replaces what came before, field by field; nothing is ever added up.

use domain::Usage;
use domain::price_rule::Tier;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// A report as it is written. Any JSON can be read as one: what is no count is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    input: Option<u64>,
    read: Option<u64>,
    created: Option<u64>,
    created_5m: Option<u64>,
    created_1h: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
    fetches: Option<u64>,
    tier: Option<Tier>,
    is_fast: Option<bool>,
}

impl<'de> Deserialize<'de> for Report {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::of(&value))
    }
}

impl Report {
    fn of(value: &Value) -> Self {
        // Negative, broken or written as text: no count.
        let count = |of: &Value, name: &str| of.get(name).and_then(Value::as_u64);
        let word = |name: &str| value.get(name).and_then(Value::as_str);
        let (created, tools) = (&value["cache_creation"], &value["server_tool_use"]);
        Self {
            input: count(value, "input_tokens"),
            read: count(value, "cache_read_input_tokens"),
            created: count(value, "cache_creation_input_tokens"),
            created_5m: count(created, "ephemeral_5m_input_tokens"),
            created_1h: count(created, "ephemeral_1h_input_tokens"),
            output: count(value, "output_tokens"),
            thinking: count(&value["output_tokens_details"], "thinking_tokens"),
            searches: count(tools, "web_search_requests"),
            fetches: count(tools, "web_fetch_requests"),
            tier: word("service_tier").map(|tier| Tier::read(Some(tier))),
            is_fast: word("speed").map(|speed| speed == "fast"),
        }
    }

    /// What is known after a later report.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            input: later.input.or(self.input),
            read: later.read.or(self.read),
            created: later.created.or(self.created),
            created_5m: later.created_5m.or(self.created_5m),
            created_1h: later.created_1h.or(self.created_1h),
            output: later.output.or(self.output),
            thinking: later.thinking.or(self.thinking),
            searches: later.searches.or(self.searches),
            fetches: later.fetches.or(self.fetches),
            tier: later.tier.or(self.tier),
            is_fast: later.is_fast.or(self.is_fast),
        }
    }

    /// Whether it counts the answer. The first report of a stream does not, whatever it says: it is written before there
    /// is one, and a call that was charged by it would have its answer for nothing.
    #[must_use]
    pub const fn counts_answer(&self) -> bool {
        self.output.is_some()
    }

    /// Our buckets; `None` when the report says nothing that can be believed.
    ///
    /// A report of nothing at all is none: some servers send zeros for answers that they streamed.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let input = self.input?;
        let (five, hour) = (self.created_5m.unwrap_or(0), self.created_1h.unwrap_or(0));
        // The details may be older than the sum, or missing: what they do not explain was written for five minutes.
        let created = self.created.unwrap_or_else(|| five.saturating_add(hour));
        let hour = hour.min(created);
        let count = |count: Option<u64>| count.unwrap_or(0);
        let usage = Usage {
            input,
            cached_input: count(self.read),
            cache_write: created - hour,
            cache_write_1h: hour,
            output: count(self.output),
            reasoning: count(self.thinking),
            tool_calls: count(self.searches).saturating_add(count(self.fetches)),
            ..Usage::default()
        }
        .clamped();
        (!usage.is_zero()).then_some(usage)
    }

    /// How soon, and how fast, the answer was served, if it says so.
    #[must_use]
    pub fn tier(&self) -> Option<Tier> {
        match (self.is_fast, self.tier) {
            (Some(true), _) => Some(Tier::Fast),
            (_, Some(tier)) => Some(tier),
            (Some(false), None) => Some(Tier::Default),
            (None, None) => None,
        }
    }
}

/// The report for a caller. The dialect has no word for audio and images: they are tokens like others.
#[must_use]
pub fn write(usage: &Usage) -> Value {
    let created = usage.cache_write.saturating_add(usage.cache_write_1h);
    let input = usage
        .prompt()
        .saturating_sub(created)
        .saturating_sub(usage.cached_input);
    let mut report = json!({
        "input_tokens": input,
        "cache_creation_input_tokens": created,
        "cache_read_input_tokens": usage.cached_input,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.answer(),
    });
    if usage.reasoning > 0 {
        report["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning});
    }
    if usage.tool_calls > 0 {
        report["server_tool_use"] =
            json!({"web_search_requests": usage.tool_calls, "web_fetch_requests": 0});
    }
    report
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::neutral::any::any_usage;
    use proptest::prelude::*;

    fn report(json: &str) -> Report {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn buckets_are_disjoint_and_add_up_to_the_four_counts() {
        for (json, wanted) in [
            (
                r#"{"input_tokens":25,"output_tokens":15,"service_tier":"standard","inference_geo":"global"}"#,
                Usage {
                    input: 25,
                    output: 15,
                    ..Usage::default()
                },
            ),
            (
                r#"{"input_tokens":21,"cache_creation_input_tokens":188086,"cache_read_input_tokens":0,"output_tokens":393,
                "cache_creation":{"ephemeral_5m_input_tokens":456,"ephemeral_1h_input_tokens":100}}"#,
                Usage {
                    input: 21,
                    cache_write: 187_986,
                    cache_write_1h: 100,
                    output: 393,
                    ..Usage::default()
                },
            ),
            (
                r#"{"input_tokens":10,"cache_read_input_tokens":2048,"cache_creation_input_tokens":248,"output_tokens":2820,
                "cache_creation":{"ephemeral_1h_input_tokens":248},"output_tokens_details":{"thinking_tokens":1240},
                "server_tool_use":{"web_search_requests":2,"web_fetch_requests":1}}"#,
                Usage {
                    input: 10,
                    cached_input: 2048,
                    cache_write_1h: 248,
                    output: 2820,
                    reasoning: 1240,
                    tool_calls: 3,
                    ..Usage::default()
                },
            ),
            (
                r#"{"input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":7,"ephemeral_1h_input_tokens":5},"output_tokens":0}"#,
                Usage {
                    cache_write: 7,
                    cache_write_1h: 5,
                    ..Usage::default()
                },
            ),
        ] {
            assert_eq!(report(json).usage(), Some(wanted), "{json}");
        }
        let cached = report(
            r#"{"input_tokens":1,"cache_read_input_tokens":2,"cache_creation_input_tokens":4,"output_tokens":8}"#,
        );
        assert_eq!(cached.usage().unwrap().total(), 15);
    }

    #[test]
    fn what_comes_later_replaces_and_keeps_what_it_does_not_name() {
        let start = report(
            r#"{"input_tokens":9,"cache_creation_input_tokens":40,"cache_creation":{"ephemeral_1h_input_tokens":40},"output_tokens":1,"service_tier":"priority"}"#,
        );
        let both = start.then(report(r#"{"output_tokens":12,"input_tokens":9}"#));
        let usage = both.usage().unwrap();
        assert_eq!(
            (usage.input, usage.cache_write_1h, usage.output),
            (9, 40, 12)
        );
        assert_eq!(both.tier(), Some(Tier::Priority));
    }

    #[test]
    fn nonsense_is_no_report_and_absurd_counts_are_capped() {
        for none in [
            "{}",
            "null",
            "[1,2]",
            r#""many""#,
            r#"{"input_tokens":-5,"output_tokens":3}"#,
            r#"{"input_tokens":0,"output_tokens":0}"#,
            r#"{"output_tokens":4}"#,
            r#"{"input_tokens":1.5,"cache_creation":7}"#,
        ] {
            assert_eq!(report(none).usage(), None, "{none}");
        }
        let absurd = report(
            r#"{"input_tokens":18446744073709551615,"output_tokens":2,"output_tokens_details":{"thinking_tokens":99},
            "cache_creation_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":18446744073709551615}}"#,
        )
        .usage()
        .unwrap();
        assert_eq!(
            (
                absurd.input,
                absurd.reasoning,
                absurd.cache_write,
                absurd.cache_write_1h
            ),
            (Usage::TOKENS_MAX, 2, 0, 3)
        );
    }

    #[test]
    fn the_answer_tells_its_tier() {
        for (json, tier) in [
            (r#"{"service_tier":"standard"}"#, Some(Tier::Default)),
            (r#"{"service_tier":"batch"}"#, Some(Tier::Flex)),
            (
                r#"{"service_tier":"standard","speed":"fast"}"#,
                Some(Tier::Fast),
            ),
            (r#"{"speed":"standard"}"#, Some(Tier::Default)),
            (r#"{"service_tier":7}"#, None),
        ] {
            assert_eq!(report(json).tier(), tier, "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_we_report_reads_back(usage in any_usage()) {
            let read = report(&write(&usage).to_string()).usage().unwrap();
            prop_assert_eq!(read.total(), usage.total());
            prop_assert_eq!(read.cached_input, usage.cached_input);
            prop_assert_eq!((read.cache_write, read.cache_write_1h), (usage.cache_write, usage.cache_write_1h));
            prop_assert_eq!((read.reasoning, read.tool_calls), (usage.reasoning, usage.tool_calls));
        }
    }
}
