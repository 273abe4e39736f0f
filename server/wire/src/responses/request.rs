//! What does a request for a response ask for?

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::{Asked, Effort, Tier};
use serde_json::value::RawValue;

pub(crate) use super::prompt::read as prompt;
pub(crate) use super::upstream::write;
use crate::fields::{effort, flag, given, not_json, number, pick, place, text};
use crate::hosted::Hosted;
use crate::request::{BadRequest, Places, Request, TOKENS_MAX, places};
use crate::text::measure;

/// Reads the body of `POST /v1/responses`.
///
/// # Errors
/// [`BadRequest`] when it is no JSON object with a model and an input, when a number is out of range, or when it asks for
/// what is charged later than it is answered.
pub(crate) fn read(body: Bytes) -> Result<Request, BadRequest> {
    let [
        raw_model,
        input,
        instructions,
        stream,
        max_output_tokens,
        tools,
        format,
        service_tier,
        reasoning,
        background,
        conversation,
        store,
        previous_response_id,
        prompt,
        generate,
        max_tool_calls,
    ] = pick(
        &body,
        [
            "model",
            "input",
            "instructions",
            "stream",
            "max_output_tokens",
            "tools",
            "text",
            "service_tier",
            "reasoning",
            "background",
            "conversation",
            "store",
            "previous_response_id",
            "prompt",
            "generate",
            "max_tool_calls",
        ],
    )?;
    let model = text(raw_model, "model")?;
    let stream = flag(stream, "stream")?;
    if flag(background, "background")? {
        return Err(BadRequest::new(
            "background",
            "`background` is not offered: an answer is charged while it is given",
        ));
    }
    if given(conversation).is_some() {
        return Err(BadRequest::new(
            "conversation",
            "`conversation` is not offered: send the earlier turns in `input`, or use `previous_response_id`",
        ));
    }
    if given(prompt).is_some() {
        // It is kept in the operator's account with the provider: not the caller's to read, and of a size that nobody
        // knows before it is charged.
        return Err(BadRequest::new(
            "prompt",
            "`prompt` is not offered: send what the template says in `instructions` and `input`",
        ));
    }
    flag(store, "store")?;
    if given(previous_response_id).is_some() {
        text(previous_response_id, "previous_response_id")?;
    }
    // Over a socket Codex first asks for no answer at all.
    let warms_up = generate.map(RawValue::get) == Some("false");
    let goes_on = given(previous_response_id).is_some();
    check_input(input, goes_on || warms_up)?;
    let max = number(max_output_tokens, "max_output_tokens", 1, TOKENS_MAX)?;
    let mut size = match given(input) {
        Some(input) => measure(input.get().as_bytes()).map_err(|error| not_json(&error))?,
        None => crate::text::Size::default(),
    };
    let extras = [instructions, tools, format];
    for raw in extras.into_iter().filter_map(given) {
        size.text_bytes += raw.get().len() as u64;
    }
    let places = Places {
        model: raw_model.map(|raw| place(&body, raw)),
        stream_options: None,
        max_tokens: max_output_tokens
            .map(|raw| place(&body, raw))
            .into_iter()
            .collect(),
        max_tokens_name: "max_output_tokens",
        read_by_model: places(&body, [input, instructions, tools, format]),
    };
    let tier = given(service_tier).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    let asked = Asked {
        tier: Tier::read(tier.as_deref()),
        effort: effort(reasoning)?.as_deref().and_then(Effort::read),
    };
    Ok(Request {
        dialect: Dialect::Responses,
        model,
        stream,
        array: false,
        // The dialect always reports it.
        wants_usage: true,
        max_tokens: max,
        choices: 1,
        size,
        asked,
        hosted: Hosted::of_responses(tools, max_tool_calls),
        places,
        body,
    })
}

/// A text, or a list with something in it; it may be empty or missing where that makes sense.
fn check_input(input: Option<&RawValue>, may_be_empty: bool) -> Result<(), BadRequest> {
    let wrong = |rule: &str| Err(BadRequest::new("input", format!("`input` {rule}")));
    let Some(input) = given(input) else {
        return if may_be_empty {
            Ok(())
        } else {
            wrong("is missing")
        };
    };
    let is_text = input.get().starts_with('"');
    match crate::fields::array_length(input) {
        None if is_text => Ok(()),
        None => wrong("must be a string or an array"),
        Some(0) if !may_be_empty => wrong("must hold at least one item"),
        Some(_) => Ok(()),
    }
}

/// What ties a request to what a provider keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stateful {
    /// The provider keeps the answer, as it does unless told otherwise.
    pub stores: bool,
    /// The answer that the request goes on from: only the upstream that made it can.
    pub previous: Option<String>,
}

/// What ties this request, which was read before, to what a provider keeps.
#[must_use]
pub fn stateful(request: &Request) -> Stateful {
    let [store, previous] =
        pick(&request.body, ["store", "previous_response_id"]).unwrap_or_default();
    Stateful {
        stores: store.map(RawValue::get) != Some("false"),
        previous: given(previous).and_then(|raw| serde_json::from_str(raw.get()).ok()),
    }
}

/// What an answer that is written anew repeats of the request, for [`crate::request::Caller::echo`].
#[must_use]
pub fn echo(request: &Request) -> Vec<(&'static str, Box<RawValue>)> {
    const REPEATED: [&str; 14] = [
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning",
        "safety_identifier",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    ];
    let found = pick(&request.body, REPEATED).unwrap_or_default();
    let given = found.map(given);
    REPEATED
        .into_iter()
        .zip(given)
        .filter_map(|(name, raw)| Some((name, raw?.to_owned())))
        .collect()
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
        let body = request
            .for_upstream(Dialect::Responses, model, max)
            .unwrap();
        String::from_utf8(body.into_pieces().concat()).unwrap()
    }

    #[test]
    fn a_request_goes_through_to_the_byte_but_for_model_and_maximum() {
        let json = r#"{ "model" : "m", "stream":true, "input":"h\u00e9", "tools":[{"type":"namespace","x":1e3}], "include":["reasoning.encrypted_content"] }"#;
        assert_eq!(sent(&read(json), "m", None), json);
        let request = read(r#"{"model":"m","input":[{}],"max_output_tokens": 900 }"#);
        assert_eq!(request.max_tokens, Some(900));
        assert_eq!(
            sent(&request, "real/m", Some(7)),
            r#"{"model":"real/m","input":[{}],"max_output_tokens": 7 }"#
        );
        assert_eq!(
            sent(&read(r#"{"model":"m","input":"x"}"#), "m", Some(7)),
            r#"{"max_output_tokens":7,"model":"m","input":"x"}"#
        );
    }

    #[test]
    fn reasoning_that_openai_would_refuse_is_taken_out_and_all_else_stays() {
        let foreign = crate::neutral::seal::mark(Dialect::Messages, "c2ln");
        let own = r#"{"type":"reasoning","id":"rs_68","summary":[],"encrypted_content":"gAAA"}"#;
        let stored = r#"{"type":"reasoning","id":"rs_68","summary":[]}"#;
        let sealed = format!(
            r#"{{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"{foreign}"}}"#
        );
        let unsealed =
            r#"{"type":"reasoning","id":"rs_call_1_0","summary":[],"encrypted_content":null}"#;
        let said = format!(r#"{{ "role":"user","content":"{foreign} rs_call_1_0" }}"#);
        let body = |items: &[&str]| {
            let items = items.join(" , ");
            format!(r#"{{"model":"m","input":[ {items} ],"store":false}}"#)
        };
        assert_eq!(
            sent(
                &read(&body(&[&sealed, &said, own, unsealed, stored, &sealed])),
                "m",
                None
            ),
            body(&[&said, own, stored])
        );
        for kept in [
            body(&[own, stored, &said]),
            body(&["7", &said]),
            body(&[&sealed]),
        ] {
            assert_eq!(sent(&read(&kept), "m", None), kept);
        }
    }

    #[test]
    fn what_the_price_depends_on_is_read() {
        let request = read(
            r#"{"model":"m","input":"hello","instructions":"be","service_tier":"priority","reasoning":{"effort":"high","summary":"auto"}}"#,
        );
        assert_eq!(
            request.asked,
            Asked {
                tier: Tier::Priority,
                effort: Some(Effort::High)
            }
        );
        assert_eq!(request.size.text_bytes, 5 + r#""be""#.len() as u64);
        let mut text = String::new();
        request.each_text(&mut |piece| text.push_str(piece));
        assert_eq!(text, "hellobe");
        let image = r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]}]}"#;
        assert_eq!(read(image).size.attachments, 1);
    }

    #[test]
    fn what_a_provider_keeps_is_told() {
        for (fields, stores, previous) in [
            ("", true, None),
            (r#","store":null,"previous_response_id":null"#, true, None),
            (r#","store":false"#, false, None),
            (
                r#","store":true,"previous_response_id":"resp_1""#,
                true,
                Some("resp_1".to_owned()),
            ),
        ] {
            let request = read(&format!(r#"{{"model":"m","input":"x"{fields}}}"#));
            assert_eq!(
                stateful(&request),
                Stateful { stores, previous },
                "{fields}"
            );
        }
    }

    #[test]
    fn bad_bodies_say_where_and_quote_nothing() {
        for (json, param, part) in [
            ("[]", None, "must be a JSON object"),
            (r#"{"input":"x"}"#, Some("model"), "missing"),
            (r#"{"model":"m"}"#, Some("input"), "missing"),
            (r#"{"model":"m","input":[]}"#, Some("input"), "at least one"),
            (
                r#"{"model":"m","input":{}}"#,
                Some("input"),
                "string or an array",
            ),
            (
                r#"{"model":"m","input":"x","background":true}"#,
                Some("background"),
                "not offered",
            ),
            (
                r#"{"model":"m","input":"x","conversation":"conv_1"}"#,
                Some("conversation"),
                "not offered",
            ),
            (
                r#"{"model":"m","input":"x","prompt":{"id":"pmpt_1","variables":{}}}"#,
                Some("prompt"),
                "not offered",
            ),
            (
                r#"{"model":"m","input":"x","max_output_tokens":0}"#,
                Some("max_output_tokens"),
                "from 1 to",
            ),
            (
                r#"{"model":"m","input":"x","store":"no"}"#,
                Some("store"),
                "true or false",
            ),
            (
                r#"{"model":"m","input":"x","previous_response_id":7}"#,
                Some("previous_response_id"),
                "string",
            ),
            (r#"{"model":"m","input":"x","input":"y"}"#, None, "twice"),
        ] {
            let Err(error) = super::read(Bytes::from(json)) else {
                panic!("{json} was accepted")
            };
            assert_eq!(error.param, param, "{json}");
            assert!(error.detail.contains(part), "{json}: {}", error.detail);
        }
        for good in [
            r#"{"model":"m","previous_response_id":"resp_1"}"#,
            r#"{"model":"m","input":[],"previous_response_id":"resp_1"}"#,
            r#"{"type":"response.create","generate":false,"model":"m","input":[]}"#,
            r#"{"model":"m","input":"x","background":false,"conversation":null,"prompt":null}"#,
        ] {
            read(good);
        }
    }

    #[test]
    fn an_answer_repeats_what_the_request_said() {
        let request = read(
            r#"{"model":"m","input":"x","tools":[{"type":"web_search"}],"temperature":0.50,"user":null,"store":true}"#,
        );
        let echo: Vec<(&str, String)> = echo(&request)
            .into_iter()
            .map(|(name, raw)| (name, raw.get().to_owned()))
            .collect();
        assert_eq!(
            echo,
            [
                ("temperature", "0.50".to_owned()),
                ("tools", r#"[{"type":"web_search"}]"#.to_owned())
            ]
        );
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(request) = super::read(Bytes::from(bytes)) {
                let _ = prompt(&request);
            }
        }

        /// Bodies that nearly are requests.
        #[test]
        fn hostile_items_never_panic(items in prop::collection::vec((
            prop_oneof![Just("message"), Just("function_call"), Just("function_call_output"), Just("reasoning"), Just("x")],
            prop_oneof![Just("role"), Just("content"), Just("call_id"), Just("output"), Just("summary"), Just("encrypted_content")],
            prop_oneof![Just("null"), Just("7"), Just("\"user\""), Just("[]"), Just("[{}]"), Just("{\"type\":\"text\"}"), Just("[{\"type\":\"input_image\"}]")],
        ), 1..6)) {
            let items: Vec<String> = items.iter().map(|(kind, name, value)| format!(r#"{{"type":"{kind}","{name}":{value}}}"#)).collect();
            let json = format!(r#"{{"model":"m","input":[{}],"tools":[{{"type":"function"}}]}}"#, items.join(","));
            prop_assert!(prompt(&read(&json)).is_err(), "a function without a name");
            let json = json.replace(r#"{"type":"function"}"#, "");
            let _ = prompt(&read(&json));
        }
    }
}
