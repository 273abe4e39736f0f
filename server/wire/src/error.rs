//! What does an error look like to each dialect's SDKs, and what did an upstream's error say?

use domain::Dialect;
use serde::{Deserialize, Serialize};

/// What a caller is told when it is not given an answer. Each dialect writes it in its own envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// The HTTP status, which some envelopes repeat.
    pub status: u16,
    /// By which OpenAI's SDKs and people sort errors: `rate_limit_error` …
    pub openai_type: String,
    pub anthropic_type: String,
    pub param: Option<String>,
    pub code: Option<String>,
    /// Where people read what the code means. SDKs keep it in the error's body.
    pub docs_url: String,
    pub request_id: String,
}

#[derive(Serialize)]
struct OpenAi<'a> {
    error: OpenAiBody<'a>,
}

/// `{"error": {"message", "type", "param", "code"}}`, which the SDKs read into their typed exceptions.
#[derive(Serialize)]
struct OpenAiBody<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    param: Option<&'a str>,
    code: Option<&'a str>,
    docs_url: &'a str,
}

/// `{"type":"error","error":{"type","message"},"request_id"}`.
#[derive(Serialize)]
struct Anthropic<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: AnthropicBody<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct AnthropicBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
    details: Details<'a>,
}

/// The SDKs read `error_code` into an attribute of that name.
#[derive(Serialize)]
struct Details<'a> {
    error_code: Option<&'a str>,
    docs_url: &'a str,
}

/// `{"error":{"code","message","status"}}`: Google's.
#[derive(Serialize)]
struct Google<'a> {
    error: GoogleBody<'a>,
}

#[derive(Serialize)]
struct GoogleBody<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    details: [GoogleDetails<'a>; 1],
}

#[derive(Serialize)]
struct GoogleDetails<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    reason: Option<&'a str>,
    domain: &'static str,
    metadata: GoogleMetadata<'a>,
}

#[derive(Serialize)]
struct GoogleMetadata<'a> {
    docs_url: &'a str,
    request_id: &'a str,
}

impl Fault {
    /// The envelope of a dialect as JSON.
    #[must_use]
    pub fn json(&self, dialect: Dialect) -> String {
        let json = match dialect {
            Dialect::Chat | Dialect::Responses => serde_json::to_string(&OpenAi {
                error: OpenAiBody {
                    message: &self.message,
                    kind: &self.openai_type,
                    param: self.param.as_deref(),
                    code: self.code.as_deref(),
                    docs_url: &self.docs_url,
                },
            }),
            Dialect::Messages => serde_json::to_string(&Anthropic {
                kind: "error",
                error: AnthropicBody {
                    kind: &self.anthropic_type,
                    message: &self.message,
                    details: Details {
                        error_code: self.code.as_deref(),
                        docs_url: &self.docs_url,
                    },
                },
                request_id: &self.request_id,
            }),
            Dialect::Gemini => serde_json::to_string(&Google {
                error: GoogleBody {
                    code: self.status,
                    message: &self.message,
                    status: google_status(self.status),
                    details: [GoogleDetails {
                        kind: "type.googleapis.com/google.rpc.ErrorInfo",
                        reason: self.code.as_deref(),
                        domain: "farebox",
                        metadata: GoogleMetadata {
                            docs_url: &self.docs_url,
                            request_id: &self.request_id,
                        },
                    }],
                },
            }),
        };
        json.expect("strings and numbers always serialise")
    }
}

/// <https://cloud.google.com/apis/design/errors#handling_errors>
const fn google_status(status: u16) -> &'static str {
    match status {
        400 | 413 | 415 | 422 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 | 405 => "NOT_FOUND",
        402 | 429 => "RESOURCE_EXHAUSTED",
        502 | 503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
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

impl Said {
    /// Reads an upstream's error body as far as it follows one of the dialects (or the looser forms seen in the field).
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
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
            return Self::default();
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
            }) => Self {
                message,
                kind,
                param: text(param),
                code: text(code),
            },
            Some(Inner::Text(message)) => Self {
                message: Some(message),
                ..Self::default()
            },
            None => Self {
                message: outer.message.or_else(|| text(outer.detail)),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn fault() -> Fault {
        Fault {
            message: "m".to_owned(),
            status: 429,
            openai_type: "insufficient_quota".to_owned(),
            anthropic_type: "billing_error".to_owned(),
            param: None,
            code: Some("c".to_owned()),
            docs_url: "https://x/docs".to_owned(),
            request_id: "call_1".to_owned(),
        }
    }

    #[test]
    fn the_envelopes_are_what_the_sdks_read() {
        assert_eq!(
            fault().json(Dialect::Chat),
            r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"c","docs_url":"https://x/docs"}}"#
        );
        assert_eq!(
            fault().json(Dialect::Messages),
            r#"{"type":"error","error":{"type":"billing_error","message":"m","details":{"error_code":"c","docs_url":"https://x/docs"}},"request_id":"call_1"}"#
        );
        let google: serde_json::Value =
            serde_json::from_str(&fault().json(Dialect::Gemini)).unwrap();
        assert_eq!(google["error"]["status"], "RESOURCE_EXHAUSTED");
        assert_eq!(google["error"]["code"], 429);
    }

    #[test]
    fn upstreams_words_are_found_in_every_form_seen() {
        let said = Said::read(br#"{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":400}}"#);
        assert_eq!(said.code.as_deref(), Some("400"));
        for (body, wanted) in [
            (r#"{"error":"nope"}"#, "nope"),
            (r#"{"detail":"nope"}"#, "nope"),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"nope"}}"#,
                "nope",
            ),
        ] {
            assert_eq!(Said::read(body.as_bytes()).message.as_deref(), Some(wanted));
        }
        assert_eq!(Said::read(b"<html>"), Said::default());
    }
}
