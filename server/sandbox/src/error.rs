//! What can go wrong here, and what does OpenAI's error envelope for it look like?
//!
//! No message repeats the body: whoever logs an error must not log a prompt with it.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that is an error envelope.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
    /// Seconds, for the `retry-after` header.
    retry_after: Option<u16>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            message: message.into(),
            kind,
            code,
            param: None,
            retry_after: None,
        }
    }

    fn invalid(
        code: Option<&'static str>,
        param: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            param,
            ..Self::new(
                StatusCode::BAD_REQUEST,
                "invalid_request_error",
                code,
                message,
            )
        }
    }

    pub(crate) fn wrong_key() -> Self {
        let message = "The sandbox upstream was started with another key than this.";
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_request_error",
            Some("invalid_api_key"),
            message,
        )
    }

    pub(crate) fn unknown_path() -> Self {
        let message = "The sandbox upstream has GET /v1/models and POST /v1/chat/completions only.";
        Self::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            Some("unknown_url"),
            message,
        )
    }

    pub(crate) fn wrong_method() -> Self {
        let message = "This path exists, but not for this method.";
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "invalid_request_error",
            Some("method_not_allowed"),
            message,
        )
    }

    pub(crate) fn unknown_model(id: &str) -> Self {
        // A model name is short; whatever is longer is somebody's mistake and need not be repeated.
        let id: String = id.chars().take(80).collect();
        let message = format!("The model `{id}` does not exist or you do not have access to it.");
        Self {
            param: Some("model"),
            ..Self::new(
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                Some("model_not_found"),
                message,
            )
        }
    }

    pub(crate) fn body_too_large() -> Self {
        let message = format!("The body is larger than {} bytes.", crate::MAX_BODY_BYTES);
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request_error",
            Some("request_too_large"),
            message,
        )
    }

    pub(crate) fn unreadable_body() -> Self {
        Self::invalid(None, None, "The body could not be read to its end.")
    }

    /// The body is not JSON, or not of the right shape; says where, never what.
    pub(crate) fn bad_body(error: &serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Data => "The body is not a chat completion request",
            _ => "We could not parse the JSON body of your request",
        };
        Self::invalid(
            None,
            None,
            format!("{what} (line {}, column {}).", error.line(), error.column()),
        )
    }

    pub(crate) fn missing(param: &'static str) -> Self {
        let message = format!("Missing required parameter: '{param}'.");
        Self::invalid(Some("missing_required_parameter"), Some(param), message)
    }

    pub(crate) fn out_of_bounds(param: &'static str, bounds: &str) -> Self {
        Self::invalid(
            Some("invalid_value"),
            Some(param),
            format!("'{param}' must be {bounds}."),
        )
    }

    /// What `sandbox-429` answers.
    pub(crate) fn rate_limited() -> Self {
        let message = "Rate limit reached (sandbox-429 always says so). Try again in 1s.";
        Self {
            retry_after: Some(1),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "requests",
                Some("rate_limit_exceeded"),
                message,
            )
        }
    }

    /// What `sandbox-500` answers, and `sandbox-midstream-error` when there is no stream to break.
    pub(crate) fn broken() -> Self {
        let message = "The server had an error (the sandbox model you called always does).";
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            Some("server_error"),
            message,
        )
    }

    /// The envelope: the body of an answer, or the data of an error event in a stream.
    pub(crate) fn envelope(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.envelope())).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
