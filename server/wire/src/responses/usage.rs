//! Where does the dialect hide its token counts?
//!
//! `input_tokens` includes those that a cache answered for and those that were written into it, and `output_tokens` the
//! reasoning ones (<https://platform.openai.com/docs/api-reference/responses/object>); our buckets are disjoint.

use domain::Usage;
use serde_json::{Value, json};

use super::object::Object;

/// Our buckets of a response's `usage`, with the tools that the provider ran among its `output`; `None` when the report
/// says nothing that can be believed.
///
/// A report of nothing at all is none: some servers send zeros for answers that they streamed.
#[must_use]
pub fn read(response: &Object) -> Option<Usage> {
    let report = response.get("usage")?;
    let count = |path: &str| report.pointer(path).and_then(Value::as_u64);
    let prompt = count("/input_tokens")?;
    let mut output = count("/output_tokens").unwrap_or(0);
    let cached = count("/input_tokens_details/cached_tokens")
        .unwrap_or(0)
        .min(prompt);
    let written = count("/input_tokens_details/cache_write_tokens")
        .unwrap_or(0)
        .min(prompt - cached);
    let reasoning = count("/output_tokens_details/reasoning_tokens").unwrap_or(0);
    // Some providers count reasoning beside the output; their total, or the impossible part, gives it away.
    let beside = prompt.saturating_add(output).saturating_add(reasoning);
    if reasoning > output || (reasoning > 0 && count("/total_tokens") == Some(beside)) {
        output = output.saturating_add(reasoning);
    }
    let usage = Usage {
        input: prompt - cached - written,
        cached_input: cached,
        cache_write: written,
        output,
        reasoning,
        ..Usage::default()
    };
    let usage = Usage {
        tool_calls: tool_calls(response),
        ..usage
    }
    .clamped();
    (usage.total() > 0).then_some(usage)
}

/// How often the provider ran a tool that it charges for each time.
fn tool_calls(response: &Object) -> u64 {
    let mut searches = 0_u64;
    let mut others = 0_u64;
    let items = response.get("output").and_then(Value::as_array);
    for item in items.into_iter().flatten() {
        match item.get("type").and_then(Value::as_str) {
            _ if !is_charged(item) => {}
            Some("web_search_call") => searches += 1,
            _ => others += 1,
        }
    }
    // The provider's own count leaves out those that it does not charge for.
    let billed = response
        .get("tool_usage")
        .and_then(|used| used.pointer("/web_search/num_requests"))
        .and_then(Value::as_u64);
    billed.unwrap_or(searches).saturating_add(others)
}

/// Whether an item is a use of a tool that the provider charges for.
pub(crate) fn is_charged(item: &Value) -> bool {
    match item.get("type").and_then(Value::as_str) {
        Some("web_search_call") => is_search(item),
        Some("file_search_call" | "code_interpreter_call" | "image_generation_call") => true,
        _ => false,
    }
}

/// Opening a page that was found costs nothing.
fn is_search(item: &Value) -> bool {
    !matches!(
        item.pointer("/action/type").and_then(Value::as_str),
        Some("open_page" | "find" | "find_in_page")
    )
}

/// The report for a caller: what was charged, in the dialect's own sums. The SDKs want all of its fields.
#[must_use]
pub fn write(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": {
            "cached_tokens": usage.cached_input,
            "cache_write_tokens": usage.cache_write.saturating_add(usage.cache_write_1h),
        },
        "output_tokens": usage.answer(),
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn of(response: &Value) -> Option<Usage> {
        read(response.as_object().unwrap())
    }

    #[test]
    fn buckets_are_disjoint_and_add_up_to_the_total() {
        let usage = of(&json!({"usage": {
            "input_tokens": 100, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
            "output_tokens": 20, "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 120,
        }}))
        .unwrap();
        let wanted = Usage {
            input: 10,
            cached_input: 60,
            cache_write: 30,
            output: 20,
            reasoning: 5,
            ..Usage::default()
        };
        assert_eq!((usage, usage.total()), (wanted, 120));
        assert_eq!(of(&json!({"usage": write(&wanted)})), Some(wanted));
    }

    #[test]
    fn reasoning_that_is_counted_beside_the_output_is_charged_too() {
        let usage = of(
            &json!({"usage": {"input_tokens": 37, "output_tokens": 530, "total_tokens": 800,
            "output_tokens_details": {"reasoning_tokens": 233}}}),
        );
        assert_eq!(usage.unwrap().output, 763);
    }

    #[test]
    fn nonsense_is_no_report_and_never_more_than_was_sent() {
        for report in [
            json!({}),
            json!("many"),
            json!([7, 7]),
            json!(null),
            json!({"input_tokens": -5, "output_tokens": 3}),
            json!({"input_tokens": "many"}),
            json!({"input_tokens": 0, "output_tokens": 0}),
        ] {
            assert_eq!(of(&json!({ "usage": report })), None, "{report}");
        }
        let much = json!({"cached_tokens": 99, "cache_write_tokens": 99});
        let usage = of(&json!({"usage": {"input_tokens": 10, "output_tokens": u64::MAX, "input_tokens_details": much}})).unwrap();
        assert_eq!(
            (
                usage.input,
                usage.cached_input,
                usage.cache_write,
                usage.output
            ),
            (0, 10, 0, Usage::TOKENS_MAX)
        );
    }

    #[test]
    fn tools_that_the_provider_ran_are_counted_each() {
        let report = json!({"input_tokens": 1, "output_tokens": 1});
        let output = json!([
            {"type": "web_search_call", "action": {"type": "search"}},
            {"type": "web_search_call", "action": {"type": "open_page"}},
            {"type": "file_search_call"}, {"type": "code_interpreter_call"}, {"type": "image_generation_call"},
            {"type": "function_call"}, {"type": "message"}, "odd",
        ]);
        let counted = of(&json!({"usage": report, "output": output}));
        assert_eq!(counted.unwrap().tool_calls, 4);
        let billed = json!({"web_search": {"num_requests": 7}});
        let billed = of(&json!({"usage": report, "output": output, "tool_usage": billed}));
        assert_eq!(
            billed.unwrap().tool_calls,
            10,
            "the provider's own count of searches goes first"
        );
    }
}
