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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

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
