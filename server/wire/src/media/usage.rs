//! Where do these endpoints report what they used, and what did they use where they report nothing?

use domain::{Bucket, Usage};
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::{Endpoint, Media};
use crate::request::Request;

/// Audio tokens in a second of speech that is listened to, and that is spoken: about what OpenAI's models make of it.
const HEARD_PER_SECOND: u64 = 10;
const SPOKEN_PER_SECOND: u64 = 20;
/// Characters that are spoken in a second.
const CHARACTERS_PER_SECOND: u64 = 15;

/// The reports of all of them: no two use a name for different things.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report<'a> {
    prompt_tokens: Count,
    input_tokens: Count,
    output_tokens: Count,
    #[serde(alias = "input_token_details")]
    input_tokens_details: Option<Details>,
    output_tokens_details: Option<Details>,
    #[serde(borrow)]
    seconds: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    text_tokens: Count,
    audio_tokens: Count,
    image_tokens: Count,
    cached_tokens: Count,
}

/// A count that may be missing, null, negative or nonsense: only a whole number from zero up is one.
#[derive(Debug, Clone, Copy, Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde_json::Value::deserialize(deserializer).map(|value| Self(value.as_u64()))
    }
}

impl Count {
    fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }
}

/// Our buckets; `None` when the report says nothing that can be believed.
pub(super) fn read(endpoint: Endpoint, report: &RawValue) -> Option<Usage> {
    // A list would be read by position.
    let object = report.get().starts_with('{').then_some(report.get())?;
    let report: Report<'_> = serde_json::from_str(object).ok()?;
    let usage = report.usage(endpoint)?.clamped();
    (!usage.is_zero()).then_some(usage)
}

impl Report<'_> {
    fn usage(&self, endpoint: Endpoint) -> Option<Usage> {
        if let Some(seconds) = self.seconds {
            return Some(Usage {
                units: milliseconds(seconds.get())?,
                ..Usage::ZERO
            });
        }
        let prompt = self.input_tokens.0.or(self.prompt_tokens.0)?;
        let answer = self.output_tokens.or_zero();
        let details = self.input_tokens_details.as_ref();
        let part = |count: fn(&Details) -> Count| details.map_or(0, |all| count(all).or_zero());
        // Parts of the prompt are within it, whatever they claim; text is what is left.
        let image_input = part(|all| all.image_tokens).min(prompt);
        let audio_input = part(|all| all.audio_tokens).min(prompt - image_input);
        let text = prompt - image_input - audio_input;
        let cached_input = part(|all| all.cached_tokens).min(text);
        let mut usage = Usage {
            input: text - cached_input,
            cached_input,
            audio_input,
            image_input,
            ..Usage::ZERO
        };
        match endpoint {
            Endpoint::Images => {
                let details = self.output_tokens_details.as_ref();
                let text = details
                    .map_or(0, |all| all.text_tokens.or_zero())
                    .min(answer);
                (usage.output, usage.image_output) = (text, answer - text);
            }
            Endpoint::Speech => usage.audio_output = answer,
            _ => usage.output = answer,
        }
        Some(usage)
    }
}

/// Milliseconds of a decimal number of seconds, upwards; it may stand in quotes.
pub(super) fn milliseconds(seconds: &str) -> Option<u64> {
    let text = seconds.trim_matches('"');
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut millis = whole.parse::<u64>().ok()?.checked_mul(1_000)?;
    for (place, digit) in part.bytes().take(3).zip([100, 10, 1]).map(|(d, p)| (p, d)) {
        millis = millis.checked_add(place * u64::from(digit - b'0'))?;
    }
    let rest = part.bytes().skip(3).any(|digit| digit != b'0');
    millis.checked_add(u64::from(rest))
}

impl Media {
    /// What was used, where the upstream does not say: counted here. A model has a price for tokens or for what is
    /// counted in units, so what is told of both is charged once.
    ///
    /// `answer` is the answer's body, `heard` the milliseconds of speech that the upstream reported, `count` a tokenizer.
    #[must_use]
    pub fn estimate(
        &self,
        request: &Request,
        answer: Option<&[u8]>,
        heard: Option<u64>,
        count: &dyn Fn(&str) -> u64,
    ) -> Usage {
        let mut input = self.numbers;
        request.each_text(&mut |text| input += count(text));
        let mut output = 0;
        let mut units = self.units_of(answer);
        let usage = match self.endpoint {
            Endpoint::Completions | Endpoint::Moderations | Endpoint::Embeddings => Usage::ZERO,
            Endpoint::Images => Usage::ZERO,
            Endpoint::Speech => Usage {
                audio_output: (self.units * SPOKEN_PER_SECOND).div_ceil(CHARACTERS_PER_SECOND),
                ..Usage::ZERO
            },
            Endpoint::Transcriptions => {
                let words = answer.map(|body| super::answer::words(body, self.json));
                output = words.map_or(0, |words| count(&words));
                units = heard.filter(|millis| *millis > 0).unwrap_or(units);
                Usage {
                    audio_input: units.saturating_mul(HEARD_PER_SECOND).div_ceil(1_000),
                    ..Usage::ZERO
                }
            }
        };
        Usage {
            input,
            output,
            units,
            ..usage
        }
        .clamped()
    }

    /// What was made that is not counted in tokens: images that came, characters that were spoken, milliseconds that were
    /// listened to. `answer` is the answer's body.
    #[must_use]
    pub fn units_of(&self, answer: Option<&[u8]>) -> u64 {
        match self.endpoint {
            Endpoint::Completions | Endpoint::Moderations | Endpoint::Embeddings => 0,
            Endpoint::Images => answer.map_or(0, super::answer::images),
            Endpoint::Speech => self.units,
            Endpoint::Transcriptions => answer
                .and_then(super::answer::duration)
                .unwrap_or(self.units),
        }
    }

    /// The buckets that a report of tokens counts the same work in as [`Self::units_of`] does: one of the two is charged.
    #[must_use]
    pub const fn work(&self) -> &'static [Bucket] {
        match self.endpoint {
            Endpoint::Completions | Endpoint::Moderations | Endpoint::Embeddings => &[],
            Endpoint::Images => &[Bucket::Output, Bucket::ImageOutput],
            Endpoint::Speech => &[Bucket::AudioOutput],
            Endpoint::Transcriptions => &[Bucket::AudioInput],
        }
    }

    /// The most prompt tokens, answer tokens and units that are held for, for an answer that is no text. What is above
    /// is covered when it settles.
    #[must_use]
    pub fn at_most(&self) -> (u64, u64, u64) {
        /// An image of the highest usual quality and size, with what is sketched on the way.
        const PER_IMAGE: u64 = 8_192;
        let units = self.units_max;
        match self.endpoint {
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => (0, 0, 0),
            Endpoint::Images => (0, units.saturating_mul(PER_IMAGE), units),
            // Twice what it is expected to be: people speak slowly, too.
            Endpoint::Speech => {
                let tokens = units.saturating_mul(2 * SPOKEN_PER_SECOND);
                (0, tokens.div_ceil(CHARACTERS_PER_SECOND), units)
            }
            Endpoint::Transcriptions => {
                let tokens = units.saturating_mul(HEARD_PER_SECOND).div_ceil(1_000);
                (tokens, tokens, units)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use bytes::Bytes;

    #[test]
    fn reports_fall_into_disjoint_buckets_that_add_up() {
        let zero = Usage::ZERO;
        for (endpoint, report, usage) in [
            (
                Endpoint::Embeddings,
                r#"{"prompt_tokens":8,"total_tokens":8}"#,
                Usage { input: 8, ..zero },
            ),
            (
                Endpoint::Images,
                r#"{"input_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40},"output_tokens":272,"total_tokens":322}"#,
                Usage {
                    input: 10,
                    image_input: 40,
                    image_output: 272,
                    ..zero
                },
            ),
            (
                Endpoint::Images,
                r#"{"input_tokens":5,"output_tokens":100,"output_tokens_details":{"text_tokens":30,"image_tokens":70}}"#,
                Usage {
                    input: 5,
                    output: 30,
                    image_output: 70,
                    ..zero
                },
            ),
            (
                Endpoint::Transcriptions,
                r#"{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":45}"#,
                Usage {
                    input: 4,
                    audio_input: 10,
                    output: 45,
                    ..zero
                },
            ),
            (
                Endpoint::Transcriptions,
                r#"{"type":"duration","seconds":3}"#,
                Usage {
                    units: 3_000,
                    ..zero
                },
            ),
            // More of a part than of the whole.
            (
                Endpoint::Images,
                r#"{"input_tokens":5,"input_tokens_details":{"image_tokens":99},"output_tokens":1}"#,
                Usage {
                    image_input: 5,
                    image_output: 1,
                    ..zero
                },
            ),
        ] {
            let raw = RawValue::from_string(report.to_owned()).unwrap();
            assert_eq!(read(endpoint, &raw), Some(usage), "{report}");
        }
        for nonsense in [
            "null",
            "[1,2]",
            "{}",
            r#""many""#,
            r#"{"input_tokens":-5}"#,
            r#"{"seconds":"x"}"#,
            r#"{"input_tokens":0}"#,
        ] {
            let raw = RawValue::from_string(nonsense.to_owned()).unwrap();
            assert_eq!(read(Endpoint::Images, &raw), None, "{nonsense}");
        }
    }

    #[test]
    fn seconds_are_read_to_the_last_digit() {
        for (text, millis) in [
            ("3", Some(3_000)),
            ("8.47", Some(8_470)),
            ("\"8.470000267028809\"", Some(8_471)),
            ("0.0001", Some(1)),
            ("1e3", None),
            ("-1", None),
            ("1.-5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(milliseconds(text), millis, "{text}");
        }
    }

    #[test]
    fn what_is_not_reported_is_counted() {
        let letters = |text: &str| text.len() as u64;
        let asked = |endpoint, json: &'static str| {
            let read = super::super::read(endpoint, None, Bytes::from_static(json.as_bytes()));
            read.map_err(|bad| bad.detail).unwrap()
        };
        let embeddings = asked(
            Endpoint::Embeddings,
            r#"{"model":"m","input":[[1,2,3],"abcd"]}"#,
        );
        let usage = embeddings
            .media
            .estimate(&embeddings.request, Some(b"{}"), None, &letters);
        assert_eq!(
            usage,
            Usage {
                input: 7,
                ..Usage::ZERO
            }
        );
        let speech = asked(Endpoint::Speech, r#"{"model":"m","input":"abc"}"#);
        let usage = speech
            .media
            .estimate(&speech.request, None, Some(9), &letters);
        assert_eq!((usage.input, usage.units, usage.audio_output), (3, 3, 4));
        let images = asked(Endpoint::Images, r#"{"model":"m","prompt":"ab","n":3}"#);
        let usage = images.media.estimate(
            &images.request,
            Some(br#"{"data":[{},{}]}"#),
            None,
            &letters,
        );
        assert_eq!((usage.input, usage.units, usage.image_output), (2, 2, 0));
        let (prompt, answer, units) = images.media.at_most();
        assert!((prompt, units) == (0, 3) && answer > 3 * 6_208);
    }
}
