//! What does a plain answer say? Checked to be one, and read for its usage.

use std::borrow::Cow;

use domain::Usage;
use serde::Deserialize;

use super::usage::Report;
use crate::text::each_text;

/// What a plain answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    usage: Option<Report>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow, default, rename = "finish_reason")]
    _finish_reason: Option<Cow<'a, str>>,
}

/// Reads an answer.
///
/// # Errors
/// When the body is no chat completion with at least one choice: SDKs would not repeat such an answer but fail
/// with a bare parser error, so it must never reach a caller.
pub fn read(body: &[u8]) -> Result<Facts, serde_json::Error> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    if answer.choices.is_empty() {
        return Err(serde::de::Error::custom("no choices"));
    }
    Ok(Facts {
        usage: answer.usage.and_then(|report| report.usage()),
    })
}

/// Hands every piece of the answer's text to `each`, for a tokenizer.
pub fn each_answer_text(body: &[u8], each: &mut dyn FnMut(&str)) {
    if let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) {
        for message in answer
            .choices
            .into_iter()
            .filter_map(|choice| choice.message)
        {
            let _ = each_text(message.get().as_bytes(), each);
        }
    }
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
    fn only_a_chat_completion_is_an_answer() {
        let good = br#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        assert_eq!(read(good).unwrap().usage.unwrap().total(), 2);
        for bad in [
            "",
            "{}",
            "<html>",
            r#"{"choices":[]}"#,
            r#"{"choices":[{"#,
            r#"{"error":{}}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
