//! What does a plain answer say? Checked to be one, and read for its usage; or read whole, or written.

use std::borrow::Cow;

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer_id;
use super::chunk::Chunk;
use super::delta::Delta;
use super::reader::Reader;
use super::reasoning::Detail;
use super::stop::{self, Held};
use super::usage::{Report, any_report, report};
use crate::neutral::{self, Block, ToolKind, custom};
use crate::relay::{Broken, Whole};
use crate::request::Caller;
use crate::text::each_text;

/// What a plain answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it reports, if that can be believed.
    pub usage: Option<Usage>,
    /// A choice carries something of an answer.
    pub delivers: bool,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(default, deserialize_with = "any_report")]
    usage: Option<Report>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, default, rename = "finish_reason")]
    _finish_reason: Option<Cow<'a, str>>,
    /// Of `/v1/completions`, whose answers are like a chat's but for this.
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// Looks at an answer.
///
/// # Errors
/// When the body is no chat completion with at least one choice: SDKs would not repeat such an answer but fail
/// with a bare parser error, so it must never reach a caller.
pub fn facts(body: &[u8]) -> Result<Facts, serde_json::Error> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    if answer.choices.is_empty() {
        return Err(serde::de::Error::custom("no choices"));
    }
    let delivers = answer.choices.iter().any(|choice| {
        let says = choice.text.as_ref().is_some_and(|text| !text.is_empty());
        says || choice
            .message
            .is_some_and(|message| of_message(message, &mut |_| {}))
    });
    Ok(Facts {
        usage: answer.usage.and_then(|report| report.usage()),
        delivers,
    })
}

/// The answer as it came.
///
/// # Errors
/// See [`facts`].
pub(crate) fn own(body: Bytes) -> Result<Whole, Broken> {
    let facts = facts(&body)?;
    Ok(Whole::own(Dialect::Chat, body, facts.usage, facts.delivers))
}

/// The whole answer, of its first choice. `model` is as the caller named it.
///
/// # Errors
/// [`Broken`] when the body is no chat completion, or its provider broke off.
pub fn read(body: &[u8], model: &str) -> Result<neutral::Answer, Broken> {
    let completion: Chunk<'_> = serde_json::from_slice(body)?;
    let is_answer = completion.error.is_none()
        && (completion.choices.iter().flatten()).any(|choice| choice.delta.is_some());
    if !is_answer {
        return Err(Broken);
    }
    let mut pieces = Vec::new();
    let mut reader = Reader::of(model);
    reader.chunk(completion, &mut pieces)?;
    reader.end_whole(&mut pieces);
    neutral::Answer::of_pieces(pieces).ok_or(Broken)
}

/// The answer for a caller who speaks chat. Its words stand together, whatever stood between them.
#[must_use]
pub fn write(answer: &neutral::Answer, caller: &Caller, usage: &Usage) -> Bytes {
    let mut held = Held::default();
    let (mut text, mut refusal, mut thoughts) = (None, None, None);
    let (mut details, mut calls) = (Vec::new(), Vec::new());
    for content in &answer.blocks {
        let content = custom::restored(content.clone(), &caller.tools);
        let add = |to: &mut Option<String>| {
            to.get_or_insert_default().push_str(&content.text);
        };
        match &content.block {
            Block::Text => add(&mut text),
            Block::Refusal => {
                held.refusal = true;
                add(&mut refusal);
            }
            Block::Reasoning => {
                if !content.text.is_empty() {
                    add(&mut thoughts);
                }
                if let Some(seal) = &content.seal {
                    let index = details.len() as u64;
                    details.push(json!(Detail::of_block(index, &content.text, seal)));
                }
            }
            Block::Tool { id, name, kind } => {
                held.calls = true;
                calls.push(match kind {
                    ToolKind::Function => json!({
                        "id": id, "type": "function",
                        "function": {"name": name, "arguments": content.text},
                    }),
                    ToolKind::Custom => json!({
                        "id": id, "type": "custom",
                        "custom": {"name": name, "input": content.text},
                    }),
                });
            }
        }
    }
    let mut message = json!({"role": "assistant", "content": text, "refusal": refusal});
    if let Some(thoughts) = thoughts {
        message["reasoning_content"] = thoughts.into();
    }
    for (name, list) in [("reasoning_details", details), ("tool_calls", calls)] {
        if !list.is_empty() {
            message[name] = Value::Array(list);
        }
    }
    let completion = json!({
        "id": answer_id(caller),
        "object": "chat.completion",
        "created": caller.created,
        "model": caller.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": stop::write(&answer.stop, held),
        }],
        "usage": report(usage),
    });
    Bytes::from(completion.to_string())
}

/// Hands every piece of the answer's text to `each`, for a tokenizer: what a stream of the same answer would hand it.
pub fn each_answer_text(body: &[u8], each: &mut dyn FnMut(&str)) {
    if let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) {
        for choice in answer.choices {
            if let Some(text) = &choice.text {
                each(text);
            }
            if let Some(message) = choice.message {
                of_message(message, each);
            }
        }
    }
}

/// The text of one message, and whether there is anything in it.
fn of_message(message: &serde_json::value::RawValue, each: &mut dyn FnMut(&str)) -> bool {
    let Ok(parts) = serde_json::from_str::<Delta<'_>>(message.get()) else {
        // A shape that we do not know: all of its text counts.
        let _ = each_text(message.get().as_bytes(), each);
        return true;
    };
    let mut delivers = parts.has_media();
    parts.each_text(&mut |text| {
        if !text.is_empty() {
            delivers = true;
            each(text);
        }
    });
    delivers
}

/// The words of the first choice, as a person reads them. Empty when it only calls tools.
#[must_use]
pub fn words(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Message {
        content: Option<String>,
    }
    let message = serde_json::from_slice::<Answer<'_>>(body)
        .ok()
        .and_then(|answer| answer.choices.into_iter().next()?.message)
        .and_then(|raw| serde_json::from_str::<Message>(raw.get()).ok());
    message
        .and_then(|message| message.content)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_persons_words_are_the_first_choices() {
        for (message, wanted) in [
            (r#"{"role":"assistant","content":"a \"b\"\n"}"#, "a \"b\"\n"),
            (r#"{"content":null,"tool_calls":[]}"#, ""),
            ("{}", ""),
        ] {
            let body = format!(
                r#"{{"choices":[{{"message":{message}}},{{"message":{{"content":"no"}}}}]}}"#
            );
            assert_eq!(words(body.as_bytes()), wanted, "{message}");
        }
        assert_eq!(words(b"<html>"), "");
    }

    #[test]
    fn a_plain_answer_is_counted_as_a_stream_of_it_would_be() {
        for (message, wanted, delivers) in [
            (r#"{"role":"assistant","content":"hi"}"#, "hi", true),
            (
                r#"{"role":"assistant","content":null,"refusal":"no"}"#,
                "no",
                true,
            ),
            (
                r#"{"content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
                "f{}",
                true,
            ),
            (
                r#"{"content":null,"audio":{"id":"a","data":"AAAA"}}"#,
                "",
                true,
            ),
            (r#"{"content":[{"type":"text","text":"hi"}]}"#, "hi", true),
            (r#"{"role":"assistant","content":""}"#, "", false),
            (r#"{"role":"assistant","content":null}"#, "", false),
        ] {
            let body = format!(r#"{{"choices":[{{"message":{message}}}]}}"#);
            let mut text = String::new();
            each_answer_text(body.as_bytes(), &mut |piece| text.push_str(piece));
            let delivered = facts(body.as_bytes()).unwrap().delivers;
            assert_eq!((text.as_str(), delivered), (wanted, delivers), "{message}");
        }
    }

    #[test]
    fn only_a_chat_completion_is_an_answer() {
        let good = br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        assert_eq!(facts(good).unwrap().usage.unwrap().total(), 2);
        assert!(facts(good).unwrap().delivers);
        let odd = br#"{"choices":[{"message":{"content":""}}],"usage":"many"}"#;
        let odd = facts(odd).unwrap();
        assert_eq!(
            (odd.usage, odd.delivers),
            (None, false),
            "an odd report spoils no answer"
        );
        for bad in [
            "",
            "{}",
            "<html>",
            r#"{"choices":[]}"#,
            r#"{"choices":[{"#,
            r#"{"error":{}}"#,
        ] {
            assert!(facts(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
