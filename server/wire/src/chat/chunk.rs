//! What does one chunk of a chat stream say? Read by peeking; the bytes themselves are passed on as they came.

use std::borrow::Cow;

use bytes::Bytes;
use domain::Usage;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::delta::Delta;
use super::usage::{Report, any_report, report};
use crate::sse;

/// The facts of one chunk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The answers (by index) that have ended in this chunk.
    pub ended: Vec<u64>,
    /// A chunk that reports usage and nothing else.
    pub usage_only: bool,
    /// A `usage` object stands in the chunk.
    pub has_usage: bool,
    /// What it reports, if that can be believed.
    pub usage: Option<Usage>,
    /// The upstream broke off with an error of its own.
    pub error: bool,
    /// A choice carries something of the answer.
    pub delivers: bool,
}

/// What the chunks of `/v1/completions` call themselves.
const TEXT: &[u8] = b"\"text_completion\"";

/// The end marker of the dialect.
pub const DONE: &[u8] = b"[DONE]";

#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    #[serde(default, deserialize_with = "any_report")]
    pub(super) usage: Option<Report>,
    #[serde(default)]
    pub(super) error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    /// A plain answer's is its `message`.
    #[serde(borrow, default, alias = "message")]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
    /// Of `/v1/completions`, whose chunks are like a chat's but for this.
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    /// vLLM's: the sequence that came up, or the number of a token.
    #[serde(default)]
    pub(super) stop_reason: Option<serde_json::Value>,
}

impl Choice<'_> {
    /// Why it ended; servers exist that send an empty word while it goes on.
    pub(super) fn finish_reason(&self) -> Option<&str> {
        self.finish_reason
            .as_deref()
            .filter(|reason| !reason.is_empty())
    }
}

/// Reads one chunk and hands the pieces of answer in it to `each`, for a tokenizer.
///
/// # Errors
/// When the data is no chunk of this dialect.
pub fn read(data: &[u8], each: &mut dyn FnMut(&str)) -> Result<Facts, serde_json::Error> {
    let chunk: Chunk<'_> = serde_json::from_slice(data)?;
    let mut facts = Facts {
        has_usage: chunk.usage.is_some(),
        usage: chunk.usage.and_then(|report| report.usage()),
        error: chunk.error.is_some(),
        ..Facts::default()
    };
    let choices = chunk.choices.unwrap_or_default();
    facts.usage_only = choices.is_empty() && facts.has_usage;
    for choice in choices {
        if choice.finish_reason().is_some() {
            facts.ended.push(choice.index.unwrap_or(0));
        }
        if let Some(text) = choice.text.as_deref().filter(|text| !text.is_empty()) {
            facts.delivers = true;
            each(text);
        }
        facts.delivers |= choice.delta.as_ref().is_some_and(Delta::has_media);
        choice.delta.unwrap_or_default().each_text(&mut |text| {
            if !text.is_empty() {
                facts.delivers = true;
                each(text);
            }
        });
    }
    Ok(facts)
}

/// The chunk without its usage, for a caller who did not ask; for upstreams that report it beside the last choice.
#[must_use]
pub fn without_usage(data: &[u8]) -> Option<Bytes> {
    let mut chunk =
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(data).ok()?;
    chunk.shift_remove("usage");
    Some(sse::data_event(
        &serde_json::Value::Object(chunk).to_string(),
    ))
}

/// A closing chunk like this one: the same answer, ended because its length is used up. `open` are the answers (by
/// index) that have no finish reason yet.
#[must_use]
pub fn ending_like(data: &[u8], open: impl Iterator<Item = u64>) -> Option<Bytes> {
    let is_chat = !data.windows(TEXT.len()).any(|some| some == TEXT);
    let ended: Vec<serde_json::Value> = open
        .map(|index| match is_chat {
            true => serde_json::json!({"index": index, "delta": {}, "finish_reason": "length"}),
            false => serde_json::json!({"index": index, "text": "", "finish_reason": "length"}),
        })
        .collect();
    like(data, ended.into(), None)
}

/// A chunk like this one that reports usage and nothing else, for a caller who asked for it.
#[must_use]
pub fn usage_like(data: &[u8], usage: &Usage) -> Option<Bytes> {
    like(data, serde_json::json!([]), Some(report(usage)))
}

fn like(
    data: &[u8],
    choices: serde_json::Value,
    usage: Option<serde_json::Value>,
) -> Option<Bytes> {
    let mut chunk =
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(data).ok()?;
    chunk.shift_remove("usage");
    chunk.insert("choices".to_owned(), choices);
    if let Some(usage) = usage {
        chunk.insert("usage".to_owned(), usage);
    }
    Some(sse::data_event(
        &serde_json::Value::Object(chunk).to_string(),
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn facts(json: &str) -> (Facts, String) {
        let mut text = String::new();
        let facts = read(json.as_bytes(), &mut |piece| text.push_str(piece)).unwrap();
        (facts, text)
    }

    #[test]
    fn text_reasoning_and_tool_arguments_are_all_part_of_the_answer() {
        let (read, text) = facts(
            r#"{"choices":[{"index":0,"delta":{"content":"a","reasoning_content":"b","tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"c\""}}]},"finish_reason":null}],"usage":null}"#,
        );
        assert_eq!(text, "abf{\"c\"");
        assert_eq!(
            read,
            Facts {
                delivers: true,
                ..Facts::default()
            }
        );
    }

    #[test]
    fn a_finish_a_usage_and_an_error_are_told_apart() {
        let (both, _) = facts(
            r#"{"choices":[{"index":1,"delta":{},"finish_reason":"stop"},{"index":0,"delta":{"content":"x"}}]}"#,
        );
        assert_eq!((both.ended, both.delivers), (vec![1], true));
        let (usage, _) =
            facts(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#);
        assert!(usage.usage_only && usage.has_usage && usage.usage.unwrap().output == 2);
        assert!(facts(r#"{"error":{"message":"overloaded"}}"#).0.error);
    }

    #[test]
    fn what_servers_write_differently_is_read_all_the_same() {
        let (empty, _) = facts(r#"{"choices":[{"delta":{"content":"a"},"finish_reason":""}]}"#);
        assert_eq!(empty.ended, Vec::<u64>::new(), "an empty word ends nothing");
        let (parts, text) = facts(
            r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"b"}]},{"type":"text","text":"a"}]}}]}"#,
        );
        assert_eq!((text.as_str(), parts.delivers), ("ab", true), "Mistral's");
        let (_, text) = facts(
            r#"{"choices":[{"delta":{"reasoning":"b","reasoning_content":"b","tool_calls":[{"index":0,"custom":{"name":"f","input":"x"}}]}}]}"#,
        );
        assert_eq!(
            text, "bfx",
            "thoughts under two names are the same thoughts"
        );
    }

    #[test]
    fn a_report_of_another_shape_says_nothing_and_spoils_nothing() {
        for report in ["\"many\"", "[1]", "7", r#"{"prompt_tokens_details":"x"}"#] {
            let (read, text) = facts(&format!(
                r#"{{"choices":[{{"delta":{{"content":"a"}}}}],"usage":{report}}}"#
            ));
            assert_eq!(
                (text.as_str(), read.has_usage, read.usage),
                ("a", true, None),
                "{report}"
            );
        }
    }

    #[test]
    fn an_ending_of_ours_closes_the_open_answers_in_the_streams_own_likeness() {
        let last = br#"{"id":"x","choices":[{"index":1,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}}"#;
        assert_eq!(
            ending_like(last, [0, 2].into_iter()).unwrap(),
            concat!(
                r#"data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"length"},"#,
                r#"{"index":2,"delta":{},"finish_reason":"length"}]}"#,
                "\n\n"
            )
        );
        let usage = Usage {
            input: 6,
            cached_input: 4,
            output: 3,
            reasoning: 1,
            ..Usage::default()
        };
        let event = usage_like(last, &usage).unwrap();
        let json = event.strip_prefix(b"data: ").unwrap();
        let read = read(json, &mut |_| {}).unwrap();
        assert_eq!(
            (read.usage_only, read.usage),
            (true, Some(usage)),
            "what we report reads back"
        );
    }

    #[test]
    fn usage_can_be_taken_out_of_a_chunk() {
        let event = without_usage(
            br#"{"id":"x","usage":{"prompt_tokens":1},"choices":[{"finish_reason":"stop"}]}"#,
        )
        .unwrap();
        assert_eq!(
            event,
            r#"data: {"id":"x","choices":[{"finish_reason":"stop"}]}"#.to_owned() + "\n\n"
        );
    }
}
