//! Is what came an answer, and what does it report? A 200 with something else must never reach a caller: SDKs would not
//! repeat it but fail with a bare parser error.

use std::borrow::Cow;

use bytes::Bytes;
use domain::{Dialect, Usage};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::usage::{milliseconds, read};
use super::{Endpoint, Media};
use crate::relay::{Broken, Whole};

/// What answers have in common: each has one of the lists, or text.
#[derive(Deserialize)]
struct Answer<'a> {
    data: Option<Vec<IgnoredAny>>,
    results: Option<Vec<IgnoredAny>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    /// Seconds that were listened to, where the caller asked for more than the text.
    #[serde(borrow)]
    duration: Option<&'a RawValue>,
}

impl Answer<'_> {
    fn milliseconds(&self) -> Option<u64> {
        milliseconds(self.duration?.get()).filter(|millis| *millis > 0)
    }
}

impl Media {
    /// The whole answer. `content_type` is what the upstream says that it is.
    ///
    /// # Errors
    /// [`Broken`] when it is none.
    pub fn whole(&self, content_type: Option<&str>, body: Bytes) -> Result<Whole, Broken> {
        if self.endpoint == Endpoint::Completions {
            return crate::chat::answer::own(body);
        }
        let usage = if self.json {
            self.of_json(&body)?
        } else {
            self.of_file(content_type, &body)?
        };
        Ok(Whole::own(Dialect::Chat, body, usage, true))
    }

    /// As which type an answer goes on.
    #[must_use]
    pub fn answers_as<'a>(&self, content_type: Option<&'a str>) -> &'a str {
        match content_type {
            Some(kind) if !self.json => kind,
            _ => "application/json",
        }
    }

    fn of_json(&self, body: &[u8]) -> Result<Option<Usage>, Broken> {
        let answer: Answer<'_> = serde_json::from_slice(body)?;
        let is_full =
            |list: &Option<Vec<IgnoredAny>>| list.as_ref().is_some_and(|list| !list.is_empty());
        let is_answer = match self.endpoint {
            Endpoint::Embeddings | Endpoint::Images => is_full(&answer.data),
            Endpoint::Moderations => is_full(&answer.results),
            _ => answer.text.is_some(),
        };
        if !is_answer {
            return Err(Broken);
        }
        if self.endpoint == Endpoint::Moderations {
            // Free of tokens, whatever is said.
            return Ok(Some(Usage::ZERO));
        }
        let reported = answer.usage.and_then(|raw| read(self.endpoint, raw));
        Ok(reported.or_else(|| {
            let usage = Usage {
                units: answer.milliseconds()?,
                ..Usage::ZERO
            };
            (self.endpoint == Endpoint::Transcriptions).then(|| usage.clamped())
        }))
    }

    /// A file of audio, or bare text. What it cost stands nowhere in it.
    fn of_file(&self, content_type: Option<&str>, body: &[u8]) -> Result<Option<Usage>, Broken> {
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        let is_file = match self.endpoint {
            Endpoint::Speech => {
                let audio =
                    kind.starts_with("audio/") || kind.starts_with("application/octet-stream");
                audio && !body.is_empty()
            }
            // A page, or an error that calls itself a success, is no transcript.
            _ => {
                let text = std::str::from_utf8(body).map_err(|_| Broken)?;
                let text = text.trim_start();
                !(kind.contains("html") || kind.contains("json") || text.starts_with("<!"))
            }
        };
        is_file.then_some(None).ok_or(Broken)
    }
}

/// How many images an answer has.
pub(super) fn images(body: &[u8]) -> u64 {
    let answer = serde_json::from_slice::<Answer<'_>>(body).ok();
    let data = answer.and_then(|answer| answer.data);
    data.map_or(0, |data| data.len() as u64)
}

/// How many milliseconds a transcript says that it is of.
pub(super) fn duration(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Answer<'_>>(body)
        .ok()?
        .milliseconds()
}

/// The words of a transcript.
pub(super) fn words(body: &[u8], json: bool) -> String {
    if json {
        let answer = serde_json::from_slice::<Answer<'_>>(body).ok();
        let text = answer.and_then(|answer| answer.text.map(Cow::into_owned));
        return text.unwrap_or_default();
    }
    String::from_utf8_lossy(body).into_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::super::request::media;
    use super::*;

    fn whole(media: &Media, kind: &str, body: &str) -> Option<Option<Usage>> {
        let whole = media.whole(Some(kind), Bytes::from(body.to_owned()));
        whole.ok().map(|whole| {
            assert!(whole.delivers);
            whole.usage
        })
    }

    #[test]
    fn only_an_answer_of_the_endpoint_is_one() {
        const JSON: &str = "application/json";
        for (endpoint, good) in [
            (
                Endpoint::Completions,
                r#"{"choices":[{"text":"hi","index":0}]}"#,
            ),
            (
                Endpoint::Embeddings,
                r#"{"object":"list","data":[{"embedding":[0.5]}]}"#,
            ),
            (
                Endpoint::Images,
                r#"{"created":1,"data":[{"b64_json":"AAAA"}]}"#,
            ),
            (Endpoint::Transcriptions, r#"{"text":"hi"}"#),
            (Endpoint::Moderations, r#"{"results":[{"flagged":false}]}"#),
        ] {
            assert!(whole(&media(endpoint), JSON, good).is_some(), "{good}");
            for bad in [
                "",
                "{}",
                "<html>",
                r#"{"data":[]}"#,
                r#"{"error":{"message":"x"}}"#,
                &good[..good.len() - 2],
            ] {
                assert!(
                    whole(&media(endpoint), JSON, bad).is_none(),
                    "{endpoint:?} {bad}"
                );
            }
        }
    }

    #[test]
    fn files_are_what_they_say() {
        let speech = Media {
            json: false,
            ..media(Endpoint::Speech)
        };
        assert_eq!(whole(&speech, "audio/mpeg", "ID3"), Some(None));
        assert_eq!(speech.answers_as(Some("audio/mpeg")), "audio/mpeg");
        for (kind, body) in [
            ("audio/mpeg", ""),
            ("application/json", "{}"),
            ("text/html", "<p>"),
        ] {
            assert_eq!(whole(&speech, kind, body), None, "{kind}");
        }
        let words = Media {
            json: false,
            ..media(Endpoint::Transcriptions)
        };
        assert_eq!(whole(&words, "text/plain; charset=utf-8", "hi"), Some(None));
        for (kind, body) in [
            ("text/html", "hi"),
            ("text/plain", "<!doctype html>"),
            ("application/json", "{}"),
        ] {
            assert_eq!(whole(&words, kind, body), None, "{kind}");
        }
    }

    #[test]
    fn a_transcript_tells_its_length_one_way_or_the_other() {
        let media = media(Endpoint::Transcriptions);
        for (body, units) in [
            (
                r#"{"text":"","usage":{"type":"duration","seconds":3}}"#,
                3_000,
            ),
            (r#"{"text":"","duration":8.47,"segments":[]}"#, 8_470),
        ] {
            let usage = whole(&media, "application/json", body).unwrap().unwrap();
            assert_eq!(
                usage,
                Usage {
                    units,
                    ..Usage::ZERO
                }
            );
        }
        assert_eq!(
            whole(&media, "application/json", r#"{"text":"hi"}"#),
            Some(None)
        );
        let moderation = whole(
            &super::super::request::media(Endpoint::Moderations),
            "application/json",
            r#"{"results":[{}],"usage":{"input_tokens":9}}"#,
        );
        assert_eq!(moderation, Some(Some(Usage::ZERO)));
    }
}
