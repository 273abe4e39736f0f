//! What does an error look like to the OpenAI SDKs, and what did an upstream's error say?

use serde::{Deserialize, Serialize};

/// `{"error": {"message", "type", "param", "code"}}`, which the SDKs read into their typed exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Envelope<'a> {
    pub error: Body<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Body<'a> {
    pub message: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub param: Option<&'a str>,
    pub code: Option<&'a str>,
    /// Where people read what the code means. SDKs keep it in the error's body.
    pub docs_url: Option<&'a str>,
}

impl Envelope<'_> {
    /// The envelope as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("strings always serialise")
    }
}

/// What an upstream said about a refused request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    pub message: Option<String>,
    pub kind: Option<String>,
    pub param: Option<String>,
    pub code: Option<String>,
}

/// Reads an upstream's error body as far as it follows the dialect (or the looser forms seen in the field).
#[must_use]
pub fn read(body: &[u8]) -> Said {
    #[derive(Deserialize)]
    struct Outer {
        error: Option<Inner>,
        message: Option<String>,
        detail: Option<serde_json::Value>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Inner {
        Object {
            message: Option<String>,
            #[serde(rename = "type")]
            kind: Option<String>,
            param: Option<serde_json::Value>,
            code: Option<serde_json::Value>,
        },
        Text(String),
    }
    let Ok(outer) = serde_json::from_slice::<Outer>(body) else {
        return Said::default();
    };
    let text = |value: Option<serde_json::Value>| match value {
        Some(serde_json::Value::String(text)) => Some(text),
        Some(serde_json::Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    match outer.error {
        Some(Inner::Object {
            message,
            kind,
            param,
            code,
        }) => Said {
            message,
            kind,
            param: text(param),
            code: text(code),
        },
        Some(Inner::Text(message)) => Said {
            message: Some(message),
            ..Said::default()
        },
        None => Said {
            message: outer.message.or_else(|| text(outer.detail)),
            ..Said::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_is_what_the_sdks_read() {
        let json = Envelope {
            error: Body {
                message: "m",
                kind: "t",
                param: None,
                code: Some("c"),
                docs_url: Some("https://x/docs"),
            },
        }
        .json();
        assert_eq!(
            json,
            r#"{"error":{"message":"m","type":"t","param":null,"code":"c","docs_url":"https://x/docs"}}"#
        );
    }

    #[test]
    fn upstreams_words_are_found_in_every_form_seen() {
        let said = read(br#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":400}}"#);
        assert_eq!(said.code.as_deref(), Some("400"));
        assert_eq!(
            read(br#"{"error":"nope"}"#).message.as_deref(),
            Some("nope")
        );
        assert_eq!(
            read(br#"{"detail":"nope"}"#).message.as_deref(),
            Some("nope")
        );
        assert_eq!(read(b"<html>"), Said::default());
    }
}
