//! How is a text continued by a model that takes conversations only? The prompt is said to it as a user's message, in
//! chat, and what it answers is written as the former endpoint would have written it.
//!
//! <https://platform.openai.com/docs/api-reference/completions>

use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::chat::chunk::DONE;
use crate::fields::{given, pick};
use crate::request::{BadRequest, Request};
use crate::sse::{self, Parser, TooLarge};

/// As the endpoint has it when nothing is said.
const MAX_TOKENS: u64 = 16;

/// What both say under the same names.
const SHARED: [&str; 10] = [
    "model",
    "temperature",
    "top_p",
    "stop",
    "stream",
    "stream_options",
    "seed",
    "user",
    "presence_penalty",
    "frequency_penalty",
];

/// What a conversation cannot say.
const UNSAID: [&str; 6] = ["suffix", "echo", "logprobs", "logit_bias", "best_of", "n"];

/// The body of the same request as a conversation in chat.
///
/// # Errors
/// [`BadRequest`] when it asks for what a conversation cannot give: several prompts, the numbers of tokens, or one of
/// [`UNSAID`].
pub fn as_chat(request: &Request) -> Result<Bytes, BadRequest> {
    for (name, raw) in UNSAID.into_iter().zip(pick(&request.body, UNSAID)?) {
        let says_nothing = |raw: &RawValue| {
            matches!(
                (name, raw.get()),
                (_, "false" | "{}" | r#""""#) | ("n" | "best_of", "1")
            )
        };
        if given(raw).is_some_and(|raw| !says_nothing(raw)) {
            let detail =
                format!("`{name}` cannot be had of this model: it takes conversations only");
            return Err(BadRequest::new(name, detail));
        }
    }
    let [prompt, max_tokens] = pick(&request.body, ["prompt", "max_tokens"])?;
    let mut body = Map::new();
    for (name, raw) in SHARED.into_iter().zip(pick(&request.body, SHARED)?) {
        if let Some(value) = given(raw).and_then(|raw| serde_json::from_str(raw.get()).ok()) {
            body.insert(name.to_owned(), value);
        }
    }
    let max = given(max_tokens).and_then(|raw| raw.get().parse::<u64>().ok());
    body.insert("max_tokens".to_owned(), max.unwrap_or(MAX_TOKENS).into());
    let messages = json!([{"role": "user", "content": words(prompt)?}]);
    body.insert("messages".to_owned(), messages);
    Ok(Bytes::from(Value::Object(body).to_string()))
}

/// The one text that is to be continued.
fn words(prompt: Option<&RawValue>) -> Result<String, BadRequest> {
    let raw = given(prompt).map_or("null", RawValue::get);
    let one = serde_json::from_str::<String>(raw).ok();
    let listed = || serde_json::from_str::<[String; 1]>(raw).ok();
    one.or_else(|| listed().map(|[one]| one)).ok_or_else(|| {
        BadRequest::new(
            "prompt",
            "this model takes conversations only: `prompt` must be one text",
        )
    })
}

/// A plain answer in chat, or a chunk of one, as the former endpoint writes it. `None` for what is neither.
#[must_use]
pub fn from_chat(json: &[u8]) -> Option<String> {
    let mut answer: Map<String, Value> = serde_json::from_slice(json).ok()?;
    let choices = answer.get_mut("choices")?.as_array_mut()?;
    for choice in choices {
        let said = choice.get("message").or_else(|| choice.get("delta"))?;
        let text = said.get("content").and_then(Value::as_str).unwrap_or("");
        *choice = json!({
            "text": text,
            "index": choice.get("index"),
            "logprobs": null,
            "finish_reason": choice.get("finish_reason"),
        });
    }
    if let Some(Value::String(id)) = answer.get_mut("id") {
        *id = id.replacen("chatcmpl-", "cmpl-", 1);
    }
    answer.insert("object".to_owned(), "text_completion".into());
    Some(Value::Object(answer).to_string())
}

/// The same for a stream, however its bytes are cut.
#[derive(Default)]
pub struct Rewritten(Parser);

impl Rewritten {
    /// What the bytes that came bring.
    ///
    /// # Errors
    /// [`TooLarge`] for an event that is larger than any.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Bytes, TooLarge> {
        self.0.push(bytes)?;
        let mut out = Vec::new();
        while let Some(event) = self.0.next_event() {
            let data = event.data.as_deref().filter(|data| *data != DONE);
            match data.and_then(from_chat) {
                Some(json) => out.extend_from_slice(&sse::data_event(&json)),
                // A comment, the marker, or an error.
                None => out.extend_from_slice(&event.raw),
            }
        }
        Ok(Bytes::from(out))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::{Endpoint, read};
    use super::*;

    fn chat(json: &str) -> Result<Value, BadRequest> {
        let body = Bytes::from(json.to_owned());
        let asked = read(Endpoint::Completions, None, body)?;
        as_chat(&asked.request).map(|body| serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn a_prompt_is_said_as_a_message() {
        for prompt in [r#""6*7?""#, r#"["6*7?"]"#] {
            let json = format!(
                r#"{{"model":"m","prompt":{prompt},"stream":true,"n":1,"echo":false,"stop":["x"],"other":1}}"#
            );
            let wanted = json!({"model": "m", "stream": true, "stop": ["x"], "max_tokens": 16,
                "messages": [{"role": "user", "content": "6*7?"}]});
            assert_eq!(chat(&json).unwrap(), wanted);
        }
    }

    #[test]
    fn what_a_conversation_cannot_say_is_named() {
        for (more, name) in [
            (r#""prompt":["a","b"]"#, "prompt"),
            (r#""prompt":[1,2]"#, "prompt"),
            (r#""prompt":"a","n":2"#, "n"),
            (r#""prompt":"a","echo":true"#, "echo"),
            (r#""prompt":"a","suffix":"z""#, "suffix"),
            (r#""prompt":"a","logprobs":1"#, "logprobs"),
        ] {
            let bad = chat(&format!(r#"{{"model":"m",{more}}}"#)).unwrap_err();
            assert_eq!(bad.param, Some(name), "{more}");
        }
    }

    #[test]
    fn answers_are_written_as_they_were_whole_or_cut_anywhere() {
        let plain = br#"{"id":"chatcmpl-1","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"42"},"finish_reason":"stop"}],"usage":{"total_tokens":3}}"#;
        let answer: Value = serde_json::from_str(&from_chat(plain).unwrap()).unwrap();
        assert_eq!(answer["choices"][0]["text"], "42");
        assert_eq!(
            (
                &answer["id"],
                &answer["object"],
                &answer["usage"]["total_tokens"]
            ),
            (&json!("cmpl-1"), &json!("text_completion"), &json!(3))
        );
        let stream = concat!(
            ": keep-alive\n\n",
            "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"é\"},\"finish_reason\":null}]}\n\n",
            "data: {\"error\":{\"message\":\"m\"}}\n\n",
            "data: [DONE]\n\n"
        );
        let whole = Rewritten::default().push(stream.as_bytes()).unwrap();
        for size in 1..9 {
            let mut rewritten = Rewritten::default();
            let pieces = stream.as_bytes().chunks(size);
            let cut: Vec<Bytes> = pieces.map(|piece| rewritten.push(piece).unwrap()).collect();
            assert_eq!(cut.concat(), whole);
        }
        let text = String::from_utf8(whole.to_vec()).unwrap();
        assert!(text.starts_with(": keep-alive\n\ndata: {"));
        assert!(text.contains(r#""text":"é""#) && text.contains(r#"{"error":{"message":"m"}}"#));
        assert!(text.ends_with("data: [DONE]\n\n"));
    }
}
