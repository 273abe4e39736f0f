//! What is asked for, at an endpoint that is no conversation?

use std::fmt;

use bytes::Bytes;
use domain::Dialect;
use domain::price_rule::Asked as AskedPrice;
use serde::de::{
    self, DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::{Asked, Endpoint, Media, form};
use crate::fields::{flag, given, not_json, number, pick, place, text};
use crate::request::{BadRequest, Places, Request, TOKENS_MAX, places};
use crate::text::measure;

/// More answers than any provider gives in one call.
const CHOICES_MAX: u64 = 128;

/// Reads the body of a request. `content_type` is the header's; only forms need one.
///
/// A moderation may name no model: then `Request::model` is empty, and whoever asks chooses one.
///
/// # Errors
/// [`BadRequest`] when it is no request of the endpoint, or asks for what cannot be metered as it comes.
pub fn read(
    endpoint: Endpoint,
    content_type: Option<&str>,
    body: Bytes,
) -> Result<Asked, BadRequest> {
    match endpoint {
        Endpoint::Completions => completions(body),
        Endpoint::Embeddings => embeddings(body),
        Endpoint::Images => images(body),
        Endpoint::Speech => speech(body),
        Endpoint::Transcriptions => form::read(content_type, body),
        Endpoint::Moderations => moderations(body),
    }
}

/// A request with this model that asks for nothing more.
pub(super) fn plain(model: String, body: Bytes, places: Places) -> Request {
    Request {
        dialect: Dialect::Chat,
        model,
        stream: false,
        array: false,
        wants_usage: false,
        // The answer is no text that a maximum could shorten.
        max_tokens: Some(0),
        choices: 1,
        size: crate::text::Size::default(),
        asked: AskedPrice::default(),
        // Only of a conversation does anybody ask which tools its provider runs.
        hosted: None,
        places,
        body,
    }
}

pub(super) fn media(endpoint: Endpoint) -> Media {
    Media {
        endpoint,
        content_type: "application/json".to_owned(),
        numbers: 0,
        units: 0,
        units_max: 0,
        json: true,
        model: None,
    }
}

fn places_of(body: &Bytes, model: Option<&RawValue>, read_by_model: Option<&RawValue>) -> Places {
    Places {
        model: given(model).map(|raw| place(body, raw)),
        stream_options: None,
        max_tokens: Vec::new(),
        max_tokens_name: "max_tokens",
        read_by_model: places(body, [read_by_model]),
    }
}

fn completions(body: Bytes) -> Result<Asked, BadRequest> {
    let [
        raw_model,
        prompt,
        stream,
        stream_options,
        max_tokens,
        n,
        best_of,
    ] = pick(
        &body,
        [
            "model",
            "prompt",
            "stream",
            "stream_options",
            "max_tokens",
            "n",
            "best_of",
        ],
    )?;
    let model = text(raw_model, "model")?;
    let prompt = given(prompt).ok_or_else(|| BadRequest::new("prompt", "`prompt` is missing"))?;
    let shape = Shape::of(prompt)?;
    let stream = flag(stream, "stream")?;
    let wants_usage = match given(stream_options) {
        Some(raw) => {
            let [include] = pick(raw.get().as_bytes(), ["include_usage"]).map_err(|_| {
                BadRequest::new("stream_options", "`stream_options` must be an object")
            })?;
            flag(include, "include_usage")?
        }
        None => false,
    };
    let max = number(max_tokens, "max_tokens", 1, TOKENS_MAX)?;
    let n = number(n, "n", 1, CHOICES_MAX)?.unwrap_or(1);
    // Every one is written and charged, whichever is shown.
    let best_of = number(best_of, "best_of", 1, CHOICES_MAX)?.unwrap_or(1);
    let mut size = measure(prompt.get().as_bytes()).map_err(|error| not_json(&error))?;
    size.text_bytes += shape.text_bytes_of_numbers();
    let request = Request {
        stream,
        wants_usage,
        max_tokens: max,
        choices: n.max(best_of).saturating_mul(shape.items()),
        size,
        places: Places {
            stream_options: stream_options.map(|raw| place(&body, raw)),
            max_tokens: max_tokens
                .map(|raw| place(&body, raw))
                .into_iter()
                .collect(),
            ..places_of(&body, raw_model, Some(prompt))
        },
        ..plain(model, body, places_of(&Bytes::new(), None, None))
    };
    let media = Media {
        numbers: shape.numbers,
        ..media(Endpoint::Completions)
    };
    Ok(Asked { request, media })
}

fn embeddings(body: Bytes) -> Result<Asked, BadRequest> {
    let [raw_model, input] = pick(&body, ["model", "input"])?;
    let model = text(raw_model, "model")?;
    let input = given(input).ok_or_else(|| BadRequest::new("input", "`input` is missing"))?;
    let shape = Shape::of(input)?;
    let mut size = measure(input.get().as_bytes()).map_err(|error| not_json(&error))?;
    size.text_bytes += shape.text_bytes_of_numbers();
    let places = places_of(&body, raw_model, Some(input));
    let request = Request {
        size,
        ..plain(model, body, places)
    };
    let media = Media {
        numbers: shape.numbers,
        ..media(Endpoint::Embeddings)
    };
    Ok(Asked { request, media })
}

fn images(body: Bytes) -> Result<Asked, BadRequest> {
    let [raw_model, prompt, n, stream] = pick(&body, ["model", "prompt", "n", "stream"])?;
    let model = text(raw_model, "model")?;
    let words = text(prompt, "prompt")?;
    let n = number(n, "n", 1, CHOICES_MAX)?.unwrap_or(1);
    if flag(stream, "stream")? {
        return Err(BadRequest::new(
            "stream",
            "images are not streamed here; leave out `stream`",
        ));
    }
    let places = places_of(&body, raw_model, prompt);
    let mut request = plain(model, body, places);
    request.size.text_bytes = words.len() as u64;
    let media = Media {
        units_max: n,
        ..media(Endpoint::Images)
    };
    Ok(Asked { request, media })
}

fn speech(body: Bytes) -> Result<Asked, BadRequest> {
    let [raw_model, input, stream_format] = pick(&body, ["model", "input", "stream_format"])?;
    let model = text(raw_model, "model")?;
    let words = text(input, "input")?;
    if given(stream_format).is_some_and(|raw| raw.get() != r#""audio""#) {
        return Err(BadRequest::new(
            "stream_format",
            "speech comes as a file here; leave out `stream_format`",
        ));
    }
    let characters = words.chars().count() as u64;
    let places = places_of(&body, raw_model, input);
    let mut request = plain(model, body, places);
    request.size.text_bytes = words.len() as u64;
    let media = Media {
        units: characters,
        units_max: characters,
        json: false,
        ..media(Endpoint::Speech)
    };
    Ok(Asked { request, media })
}

fn moderations(body: Bytes) -> Result<Asked, BadRequest> {
    let [raw_model, input] = pick(&body, ["model", "input"])?;
    let model = match given(raw_model) {
        Some(raw) => Some(text(Some(raw), "model")?)
            .filter(|model| !model.is_empty())
            .ok_or_else(|| BadRequest::new("model", "`model` must not be empty"))?,
        // One that is `null` would stand beside the one that is chosen.
        None if raw_model.is_some() => {
            return Err(BadRequest::new("model", "`model` must be a string"));
        }
        None => String::new(),
    };
    given(input).ok_or_else(|| BadRequest::new("input", "`input` is missing"))?;
    let places = places_of(&body, raw_model, None);
    Ok(Asked {
        request: plain(model, body, places),
        media: media(Endpoint::Moderations),
    })
}

/// What an input is made of: one text, a list of them, the numbers of its tokens, or a list of such lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Shape {
    numbers: u64,
    /// Texts and lists of numbers in a list.
    listed: u64,
}

impl Shape {
    fn of(raw: &RawValue) -> Result<Self, BadRequest> {
        let mut shape = Self::default();
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        deserializer
            .deserialize_any(Walk {
                shape: &mut shape,
                depth: 0,
            })
            .map_err(|error| not_json(&error))?;
        Ok(shape)
    }

    /// How many inputs.
    fn items(self) -> u64 {
        self.listed.max(1)
    }

    /// Two bytes a token is what a prompt is held for.
    fn text_bytes_of_numbers(self) -> u64 {
        self.numbers.saturating_mul(2)
    }
}

struct Walk<'a> {
    shape: &'a mut Shape,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an input")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        self.shape.listed += u64::from(self.depth == 1);
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        self.shape.numbers += 1;
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        self.shape.numbers += 1;
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        self.shape.numbers += 1;
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.shape.listed += u64::from(self.depth == 1);
        let depth = self.depth.saturating_add(1);
        while seq
            .next_element_seed(Walk {
                shape: self.shape,
                depth,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.shape.listed += u64::from(self.depth == 1);
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use proptest::prelude::*;

    fn read(endpoint: Endpoint, json: &str) -> Asked {
        super::read(endpoint, None, Bytes::from(json.to_owned()))
            .map_err(|bad| bad.detail)
            .unwrap()
    }

    fn sent(asked: &Asked, model: &str, lowered: Option<u64>) -> String {
        let body = asked.media.for_upstream(&asked.request, model, lowered);
        String::from_utf8(body.unwrap().into_pieces().concat()).unwrap()
    }

    #[test]
    fn what_is_not_the_models_name_goes_on_to_the_byte() {
        for (endpoint, json) in [
            (
                Endpoint::Completions,
                r#"{ "prompt":"a", "model" : "m", "x": 1e3}"#,
            ),
            (
                Endpoint::Embeddings,
                r#"{"model" : "m", "input":["a","b"],"encoding_format":"base64"}"#,
            ),
            (
                Endpoint::Images,
                r#"{"model" : "m","prompt":"p","n":2,"quality":"high"}"#,
            ),
            (
                Endpoint::Speech,
                r#"{"model" : "m","input":"p","voice":"alloy","stream_format":"audio"}"#,
            ),
            (Endpoint::Moderations, r#"{"model" : "m","input":["p"]}"#),
        ] {
            let asked = read(endpoint, json);
            assert_eq!(asked.request.model, "m");
            assert_eq!(
                sent(&asked, "m", Some(7)).contains("7"),
                endpoint == Endpoint::Completions
            );
            assert_eq!(sent(&asked, "m", None), json);
            let renamed = json.replace(r#""m""#, r#""real/m""#);
            assert_eq!(sent(&asked, "real/m", None), renamed);
        }
        let nameless = read(Endpoint::Moderations, r#" {"input":"x"}"#);
        assert_eq!(nameless.request.model, "");
        assert_eq!(
            sent(&nameless, "omni", None),
            r#" {"model":"omni","input":"x"}"#
        );
    }

    #[test]
    fn answers_and_tokens_are_counted_as_they_are_asked_for() {
        for (prompt, choices, numbers) in [
            (r#""a""#, 2, 0),
            (r#"["a","b","c"]"#, 6, 0),
            ("[1,2,3]", 2, 3),
            ("[[1,2],[3]]", 4, 3),
        ] {
            let json = format!(r#"{{"model":"m","prompt":{prompt},"n":2,"stream":true}}"#);
            let asked = read(Endpoint::Completions, &json);
            assert_eq!(asked.request.choices, choices, "{prompt}");
            assert_eq!(asked.media.numbers, numbers, "{prompt}");
            assert!(sent(&asked, "m", None).contains(r#""include_usage":true"#));
        }
        let speech = read(Endpoint::Speech, r#"{"model":"m","input":"héé"}"#);
        assert_eq!((speech.media.units, speech.request.size.text_bytes), (3, 5));
    }

    #[test]
    fn bad_bodies_say_where_and_quote_nothing() {
        for (endpoint, json, param) in [
            (Endpoint::Completions, r#"{"model":"m"}"#, Some("prompt")),
            (Endpoint::Embeddings, r#"{"input":"canary"}"#, Some("model")),
            (
                Endpoint::Embeddings,
                r#"{"model":"m","input":null}"#,
                Some("input"),
            ),
            (
                Endpoint::Images,
                r#"{"model":"m","prompt":["canary"]}"#,
                Some("prompt"),
            ),
            (
                Endpoint::Images,
                r#"{"model":"m","prompt":"canary","stream":true}"#,
                Some("stream"),
            ),
            (
                Endpoint::Images,
                r#"{"model":"m","prompt":"canary","n":0}"#,
                Some("n"),
            ),
            (
                Endpoint::Speech,
                r#"{"model":"m","input":"canary","stream_format":"sse"}"#,
                Some("stream_format"),
            ),
            (
                Endpoint::Moderations,
                r#"{"model":null,"input":"canary"}"#,
                Some("model"),
            ),
            (Endpoint::Moderations, r#"{"model":"m"}"#, Some("input")),
            (Endpoint::Moderations, "canary", None),
        ] {
            let bad = super::read(endpoint, None, Bytes::from(json))
                .err()
                .unwrap();
            assert_eq!(bad.param, param, "{json}");
            assert!(!bad.detail.contains("canary"), "{json}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..6) {
            let kind = Some("multipart/form-data; boundary=x");
            let _ = super::read(Endpoint::ALL[at], kind, Bytes::from(bytes));
        }
    }
}
