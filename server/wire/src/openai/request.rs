//! What does a chat request ask for? Read from the caller's bytes, which go upstream as they are but for three
//! fields: the model's name, the request for usage, and a lowered `max_tokens`.

use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::fields::{Fields, TWICE, WRONG_CASE, given};
use crate::segments::{Edit, Segments};
use crate::text::{Size, each_text, measure};

/// A chat request. No `Debug`: it carries the caller's words.
pub struct ChatRequest {
    body: Bytes,
    /// As the caller named it.
    pub model: String,
    pub stream: bool,
    /// Did the caller ask for the usage chunk of a stream?
    pub wants_usage: bool,
    /// How many tokens the answer may have, if the caller said so.
    pub max_tokens: Option<u64>,
    /// How many answers.
    pub choices: u64,
    pub size: Size,
    places: Places,
}

/// Where in the body the fields are that may be changed.
struct Places {
    model: Range<usize>,
    stream_options: Option<Range<usize>>,
    /// Under either name, `null` included.
    max_tokens: Vec<Range<usize>>,
    /// Behind the opening brace: where a new field can go.
    first_field: usize,
}

/// What is wrong with a body: the place and the rule, never the content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct BadRequest {
    pub detail: String,
    pub param: Option<&'static str>,
}

impl BadRequest {
    fn new(param: &'static str, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            param: Some(param),
        }
    }
}

/// More answers than any provider gives in one call.
const CHOICES_MAX: u64 = 128;
/// The largest count that every provider reads (a signed 32-bit number).
const TOKENS_MAX: u64 = i32::MAX as u64;

impl ChatRequest {
    /// Reads the body of `POST /v1/chat/completions`.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no JSON object with a model and messages, or a number is out of range.
    pub fn read(body: Bytes) -> Result<Self, BadRequest> {
        let fields: Fields<'_> = serde_json::from_slice(&body).map_err(|error| not_json(&error))?;
        let raw_model =
            given(fields.model).ok_or_else(|| BadRequest::new("model", "`model` is missing"))?;
        let model: String = serde_json::from_str(raw_model.get())
            .map_err(|_| BadRequest::new("model", "`model` must be a string"))?;
        let messages = given(fields.messages)
            .ok_or_else(|| BadRequest::new("messages", "`messages` is missing"))?;
        let count = array_length(messages)
            .ok_or_else(|| BadRequest::new("messages", "`messages` must be an array"))?;
        if count == 0 {
            return Err(BadRequest::new(
                "messages",
                "`messages` must hold at least one message",
            ));
        }
        let stream = flag(fields.stream, "stream")?;
        let wants_usage = match given(fields.stream_options) {
            Some(raw) => {
                let options: StreamOptions = serde_json::from_str(raw.get()).map_err(|_| {
                    BadRequest::new("stream_options", "`stream_options` must be an object")
                })?;
                options.include_usage.unwrap_or(false)
            }
            None => false,
        };
        // An upstream may know only one of the two names, so the larger one counts, and both are lowered.
        let max_tokens = number(fields.max_tokens, "max_tokens", 1, TOKENS_MAX)?.max(number(
            fields.max_completion_tokens,
            "max_completion_tokens",
            1,
            TOKENS_MAX,
        )?);
        let choices = number(fields.n, "n", 1, CHOICES_MAX)?.unwrap_or(1);
        let mut size = measure(messages.get().as_bytes()).map_err(|error| not_json(&error))?;
        for raw in extras(&fields) {
            size.text_bytes += raw.get().len() as u64;
        }
        let places = Places {
            model: place(&body, raw_model),
            stream_options: fields.stream_options.map(|raw| place(&body, raw)),
            max_tokens: [fields.max_tokens, fields.max_completion_tokens]
                .into_iter()
                .flatten()
                .map(|raw| place(&body, raw))
                .collect(),
            first_field: body
                .iter()
                .position(|byte| *byte == b'{')
                .map_or(0, |at| at + 1),
        };
        Ok(Self {
            model,
            stream,
            wants_usage,
            max_tokens,
            choices,
            size,
            places,
            body,
        })
    }

    /// The body for the upstream: its own model name, usage asked for when streaming, and `max_tokens` lowered if told so.
    #[must_use]
    pub fn for_upstream(&self, model: &str, lowered_max_tokens: Option<u64>) -> Segments {
        let mut edits = Vec::new();
        if model != self.model {
            edits.push(Edit {
                at: self.places.model.clone(),
                with: json_string(model),
            });
        }
        if self.stream && !self.wants_usage {
            edits.push(match &self.places.stream_options {
                Some(at) => Edit {
                    at: at.clone(),
                    with: with_usage(&self.body[at.clone()]),
                },
                None => self.new_field(r#""stream_options":{"include_usage":true},"#.to_owned()),
            });
        }
        if let Some(max) = lowered_max_tokens {
            let lowered = Bytes::from(max.to_string());
            edits.extend(self.places.max_tokens.iter().map(|at| Edit {
                at: at.clone(),
                with: lowered.clone(),
            }));
            if self.places.max_tokens.is_empty() {
                edits.push(self.new_field(format!(r#""max_tokens":{max},"#)));
            }
        }
        Segments::edited(&self.body, edits)
    }

    /// Hands every piece of prompt text to `each`, for a tokenizer.
    pub fn each_text(&self, each: &mut dyn FnMut(&str)) {
        // The body was read before, so it is JSON; a field of another type has no text.
        if let Ok(fields) = serde_json::from_slice::<Fields<'_>>(&self.body) {
            for raw in given(fields.messages).into_iter().chain(extras(&fields)) {
                let _ = each_text(raw.get().as_bytes(), each);
            }
        }
    }

    fn new_field(&self, text: String) -> Edit {
        Edit {
            at: self.places.first_field..self.places.first_field,
            with: Bytes::from(text),
        }
    }
}

/// What the model reads beside the messages.
fn extras<'a>(fields: &Fields<'a>) -> impl Iterator<Item = &'a RawValue> {
    [fields.tools, fields.functions, fields.response_format]
        .into_iter()
        .filter_map(given)
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// The caller's `stream_options` with usage asked for, whatever else it holds.
fn with_usage(options: &[u8]) -> Bytes {
    let mut map = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(options)
        .unwrap_or_default();
    map.insert("include_usage".to_owned(), true.into());
    Bytes::from(serde_json::Value::Object(map).to_string())
}

fn json_string(text: &str) -> Bytes {
    Bytes::from(serde_json::Value::from(text).to_string())
}

/// Where a value borrowed from the body lies in it.
fn place(body: &Bytes, raw: &RawValue) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    start..start + raw.get().len()
}

fn flag(raw: Option<&RawValue>, name: &'static str) -> Result<bool, BadRequest> {
    match raw.map(RawValue::get) {
        None | Some("null" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(BadRequest::new(
            name,
            format!("`{name}` must be true or false"),
        )),
    }
}

fn number(
    raw: Option<&RawValue>,
    name: &'static str,
    min: u64,
    max: u64,
) -> Result<Option<u64>, BadRequest> {
    match raw.map(RawValue::get) {
        None | Some("null") => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(count) if (min..=max).contains(&count) => Ok(Some(count)),
            _ => Err(BadRequest::new(
                name,
                format!("`{name}` must be a whole number from {min} to {max}"),
            )),
        },
    }
}

fn array_length(raw: &RawValue) -> Option<usize> {
    serde_json::from_str::<Vec<serde::de::IgnoredAny>>(raw.get())
        .ok()
        .map(|all| all.len())
}

/// serde's message without the part that could quote the body.
fn not_json(error: &serde_json::Error) -> BadRequest {
    let said = error.to_string();
    let detail = match error.classify() {
        serde_json::error::Category::Data if said.starts_with(TWICE) => {
            "a field is given twice".to_owned()
        }
        serde_json::error::Category::Data if said.starts_with(WRONG_CASE) => {
            "field names are written in lower case".to_owned()
        }
        serde_json::error::Category::Data => "the body must be a JSON object".to_owned(),
        _ => format!(
            "the body is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ),
    };
    BadRequest {
        detail,
        param: None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> ChatRequest {
        ChatRequest::read(Bytes::from(json.to_owned()))
            .map_err(|error| error.detail)
            .unwrap()
    }

    fn sent(request: &ChatRequest, model: &str, max: Option<u64>) -> String {
        String::from_utf8(request.for_upstream(model, max).into_pieces().concat()).unwrap()
    }

    #[test]
    fn an_unstreamed_request_goes_through_to_the_byte() {
        let json = "{ \"model\" : \"m\",\n \"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}], \"x\": 1e3 }";
        assert_eq!(sent(&read(json), "m", None), json);
    }

    #[test]
    fn only_the_named_fields_change() {
        let json = r#"{"messages":[{"content":"\"model\":\"m\""}],"model":"m","stream":true,"stream_options":{"a":1}}"#;
        let request = read(json);
        assert!(request.stream && !request.wants_usage);
        assert_eq!(
            sent(&request, "real/m", Some(7)),
            r#"{"max_tokens":7,"messages":[{"content":"\"model\":\"m\""}],"model":"real/m","stream":true,"stream_options":{"a":1,"include_usage":true}}"#
        );
    }

    #[test]
    fn a_lower_maximum_replaces_the_one_given() {
        let request = read(r#"{"model":"m","messages":[{}],"max_completion_tokens": 900 }"#);
        assert_eq!(request.max_tokens, Some(900));
        assert_eq!(
            sent(&request, "m", Some(5)),
            r#"{"model":"m","messages":[{}],"max_completion_tokens": 5 }"#
        );
    }

    #[test]
    fn a_null_is_a_field_like_any_other() {
        let request = read(
            r#"{"model":"m","messages":[{}],"stream":true,"stream_options":null,"max_tokens":null}"#,
        );
        assert_eq!((request.max_tokens, request.wants_usage), (None, false));
        assert_eq!(
            sent(&request, "m", Some(9)),
            r#"{"model":"m","messages":[{}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":9}"#
        );
    }

    #[test]
    fn the_larger_of_two_maxima_counts_and_both_are_lowered() {
        let request =
            read(r#"{"model":"m","messages":[{}],"max_completion_tokens":1,"max_tokens":100000}"#);
        assert_eq!(request.max_tokens, Some(100_000));
        assert_eq!(
            sent(&request, "m", Some(7)),
            r#"{"model":"m","messages":[{}],"max_completion_tokens":7,"max_tokens":7}"#
        );
    }

    #[test]
    fn bad_bodies_say_where_and_quote_nothing() {
        for (json, param, part) in [
            ("", None, "not valid JSON"),
            ("[]", None, "must be a JSON object"),
            (r#"{"model":"x", "#, None, "not valid JSON"),
            (r#"{"messages":[{}]}"#, Some("model"), "missing"),
            (r#"{"model":5,"messages":[{}]}"#, Some("model"), "string"),
            (
                r#"{"model":"m","messages":[]}"#,
                Some("messages"),
                "at least one",
            ),
            (
                r#"{"model":"m","messages":"hi"}"#,
                Some("messages"),
                "array",
            ),
            (
                r#"{"model":"m","messages":[{}],"n":0}"#,
                Some("n"),
                "from 1 to",
            ),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":-1}"#,
                Some("max_tokens"),
                "from 1 to",
            ),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":1.5}"#,
                Some("max_tokens"),
                "from 1 to",
            ),
            (
                r#"{"model":"m","messages":[{}],"stream":"yes"}"#,
                Some("stream"),
                "true or false",
            ),
            (
                r#"{"model":"m","model":"m","messages":[{}]}"#,
                None,
                "twice",
            ),
            (
                r#"{"model":"m","messages":[{}],"stream":true,"Stream":false}"#,
                None,
                "lower case",
            ),
        ] {
            let Err(error) = ChatRequest::read(Bytes::from(json)) else {
                panic!("{json} was accepted")
            };
            assert_eq!(error.param, param, "{json}");
            assert!(error.detail.contains(part), "{json}: {}", error.detail);
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ChatRequest::read(Bytes::from(bytes));
        }

        #[test]
        fn unknown_fields_survive(key in "[a-z]{8,12}", number in any::<i32>()) {
            let json = format!(r#"{{"model":"m","{key}":{number},"messages":[{{}}],"stream":true}}"#);
            let out: serde_json::Value = serde_json::from_str(&sent(&read(&json), "other", None)).unwrap();
            prop_assert_eq!(&out[&key], &serde_json::json!(number));
            prop_assert_eq!(&out["stream_options"]["include_usage"], &serde_json::json!(true));
        }
    }
}
