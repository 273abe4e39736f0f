//! What does a chat request ask for?

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::{Asked, Effort, Tier};
use serde::Deserialize;

pub(crate) use super::body::write;
pub(crate) use super::prompt::prompt;
use crate::fields::{effort, flag, given, list, not_json, number, pick, place, text};
use crate::hosted::{Hosted, Searches};
use crate::request::{BadRequest, Places, Request, TOKENS_MAX, places};
use crate::text::measure;

/// More answers than any provider gives in one call.
const CHOICES_MAX: u64 = 128;

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// [`BadRequest`] when it is no JSON object with a model and messages, or a number is out of range.
pub(crate) fn read(body: Bytes) -> Result<Request, BadRequest> {
    let [
        raw_model,
        messages,
        stream,
        stream_options,
        max_tokens,
        max_completion_tokens,
        n,
        tools,
        functions,
        response_format,
        service_tier,
        reasoning_effort,
        reasoning,
        options,
        plugins,
        parameters,
        enabled,
    ] = pick(
        &body,
        [
            "model",
            "messages",
            "stream",
            "stream_options",
            "max_tokens",
            "max_completion_tokens",
            "n",
            "tools",
            "functions",
            "response_format",
            "service_tier",
            "reasoning_effort",
            "reasoning",
            "web_search_options",
            "plugins",
            "search_parameters",
            "enable_search",
        ],
    )?;
    let model = text(raw_model, "model")?;
    let messages = list(messages, "messages", "message")?;
    let stream = flag(stream, "stream")?;
    let wants_usage = match given(stream_options) {
        Some(raw) => {
            let options: StreamOptions = serde_json::from_str(raw.get()).map_err(|_| {
                BadRequest::new("stream_options", "`stream_options` must be an object")
            })?;
            options.include_usage.unwrap_or(false)
        }
        None => false,
    };
    // An upstream may know only one of the two names, so the larger one counts, and both are lowered.
    let max = number(max_tokens, "max_tokens", 1, TOKENS_MAX)?.max(number(
        max_completion_tokens,
        "max_completion_tokens",
        1,
        TOKENS_MAX,
    )?);
    let choices = number(n, "n", 1, CHOICES_MAX)?.unwrap_or(1);
    let mut size = measure(messages.get().as_bytes()).map_err(|error| not_json(&error))?;
    let extras = [tools, functions, response_format];
    for raw in extras.into_iter().filter_map(given) {
        size.text_bytes += raw.get().len() as u64;
    }
    let places = Places {
        model: raw_model.map(|raw| place(&body, raw)),
        stream_options: stream_options.map(|raw| place(&body, raw)),
        max_tokens: [max_tokens, max_completion_tokens]
            .into_iter()
            .flatten()
            .map(|raw| place(&body, raw))
            .collect(),
        // OpenAI's newer models know only the newer name, and most other servers only the older.
        max_tokens_name: match super::body::is_openais(&model) {
            true => "max_completion_tokens",
            false => "max_tokens",
        },
        read_by_model: places(&body, [Some(messages), tools, functions, response_format]),
    };
    let word = |raw: Option<&serde_json::value::RawValue>| {
        given(raw).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok())
    };
    let asked = Asked {
        tier: Tier::read(word(service_tier).as_deref()),
        effort: effort_of(word(reasoning_effort), effort(reasoning)?)?,
    };
    let searches = Searches {
        options,
        plugins,
        parameters,
        enabled,
    };
    Ok(Request {
        dialect: Dialect::Chat,
        model,
        stream,
        array: false,
        wants_usage,
        max_tokens: max,
        choices,
        size,
        asked,
        hosted: Hosted::of_chat(tools, &searches),
        places,
        body,
    })
}

/// OpenAI's word for how hard to think, or OpenRouter's.
///
/// # Errors
/// When both are given and say different things: either may be what runs, and one of them is charged.
fn effort_of(openai: Option<String>, router: Option<String>) -> Result<Option<Effort>, BadRequest> {
    match (openai.as_deref(), router.as_deref()) {
        (Some(one), Some(other)) if one != other => Err(BadRequest::new(
            "reasoning",
            "`reasoning.effort` must be the same as `reasoning_effort`: give one of them",
        )),
        (one, other) => Ok(one.or(other).and_then(Effort::read)),
    }
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

/// The caller's `stream_options` with usage asked for, whatever else it holds.
pub(crate) fn with_usage(options: &[u8]) -> Bytes {
    let mut map = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(options)
        .unwrap_or_default();
    map.insert("include_usage".to_owned(), true.into());
    Bytes::from(serde_json::Value::Object(map).to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn read(json: &str) -> Request {
        super::read(Bytes::from(json.to_owned()))
            .map_err(|error| error.detail)
            .unwrap()
    }

    fn sent(request: &Request, model: &str, max: Option<u64>) -> String {
        String::from_utf8(
            request
                .for_upstream(Dialect::Chat, model, max)
                .unwrap()
                .into_pieces()
                .concat(),
        )
        .unwrap()
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
    fn the_effort_is_read_in_either_form() {
        for (fields, wanted) in [
            (r#""reasoning_effort":"high""#, Some(Effort::High)),
            (
                r#""reasoning":{"effort":"high","exclude":true}"#,
                Some(Effort::High),
            ),
            (
                r#""reasoning_effort":"low","reasoning":{"effort":"low"}"#,
                Some(Effort::Low),
            ),
            (
                r#""reasoning_effort":null,"reasoning":{"max_tokens":9}"#,
                None,
            ),
            (r#""reasoning":"high""#, None),
        ] {
            let json = format!(r#"{{"model":"m","messages":[{{}}],{fields}}}"#);
            let request = read(&json);
            assert_eq!(request.asked.effort, wanted, "{fields}");
            assert_eq!(sent(&request, "m", None), json);
        }
        for (fields, param) in [
            (
                r#""reasoning_effort":"low","reasoning":{"effort":"high"}"#,
                Some("reasoning"),
            ),
            (r#""reasoning":{"effort":"low","effort":"high"}"#, None),
            (r#""reasoning":{"Effort":"high"}"#, None),
        ] {
            let json = format!(r#"{{"model":"m","messages":[{{}}],{fields}}}"#);
            let bad = super::read(Bytes::from(json)).err().unwrap();
            assert_eq!(bad.param, param, "{fields}");
        }
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
            let Err(error) = super::read(Bytes::from(json)) else {
                panic!("{json} was accepted")
            };
            assert_eq!(error.param, param, "{json}");
            assert!(error.detail.contains(part), "{json}: {}", error.detail);
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = super::read(Bytes::from(bytes));
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
