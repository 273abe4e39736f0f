//! What is to be counted? The body of Anthropic's `POST /v1/messages/count_tokens`: a request for messages without a
//! maximum of answer tokens.

use std::ops::Range;

use bytes::Bytes;

use crate::fields::{list, not_json, pick, text};
use crate::request::{BadRequest, places};
use crate::text::{Size, each_text, measure};

/// No `Debug`: it carries the caller's words.
pub struct CountRequest {
    /// As the caller named it.
    pub model: String,
    pub size: Size,
    body: Bytes,
    read_by_model: Vec<Range<usize>>,
}

impl CountRequest {
    /// # Errors
    /// [`BadRequest`] when it is no JSON object with a model and messages.
    pub fn read(body: Bytes) -> Result<Self, BadRequest> {
        let [model, messages, system, tools] =
            pick(&body, ["model", "messages", "system", "tools"])?;
        let model = text(model, "model")?;
        let messages = list(messages, "messages", "message")?;
        let size = measure(messages.get().as_bytes()).map_err(|error| not_json(&error))?;
        let read_by_model = places(&body, [Some(messages), system, tools]);
        Ok(Self {
            model,
            size,
            read_by_model,
            body,
        })
    }

    /// Hands every piece of prompt text to `each`, for a tokenizer.
    pub fn each_text(&self, each: &mut dyn FnMut(&str)) {
        for at in &self.read_by_model {
            // The body was read before, so it is JSON.
            let _ = each_text(&self.body[at.clone()], each);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn all_that_the_model_reads_is_handed_over_and_nothing_else() {
        let json = r#"{"model":"m","system":"S","metadata":{"user_id":"no"},"messages":[{"role":"user","content":"hi"}],
            "tools":[{"name":"f","input_schema":{"type":"object"}}]}"#;
        let request = CountRequest::read(Bytes::from_static(json.as_bytes()))
            .map_err(|bad| bad.detail)
            .unwrap();
        let mut words = Vec::new();
        request.each_text(&mut |text| words.push(text.to_owned()));
        assert_eq!(words, ["user", "hi", "S", "f", "object"]);
        for (json, param) in [
            (r#"{"messages":[{}]}"#, Some("model")),
            (r#"{"model":"m"}"#, Some("messages")),
            (r#"{"model":"m","messages":[]}"#, Some("messages")),
            ("canary", None),
        ] {
            let bad = CountRequest::read(Bytes::from_static(json.as_bytes()))
                .err()
                .unwrap();
            assert_eq!(bad.param, param, "{json}");
            assert!(!bad.detail.contains("canary"));
        }
    }
}
