//! What does the provider say when it refuses? A status, a code for programs and a sentence for whoever reads the log.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    message: &'static str,
}

impl Problem {
    const fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
        }
    }

    /// The request is not what the protocol asks for.
    pub const fn invalid(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", message)
    }

    pub const fn wrong_secret() -> Self {
        let message = "Authorization: Bearer must carry the secret of this provider.";
        Self::new(StatusCode::UNAUTHORIZED, "wrong_secret", message)
    }

    pub const fn unknown_payment() -> Self {
        let message = "There is no such payment. They are kept in memory: a restart forgets them.";
        Self::new(StatusCode::NOT_FOUND, "unknown_payment", message)
    }

    pub const fn unknown_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_path",
            "This address does not exist.",
        )
    }

    pub const fn wrong_method() -> Self {
        let message = "This address exists, but not for this method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
    }

    /// The same idempotency key came with another request.
    pub const fn other_request() -> Self {
        let message = "This Idempotency-Key was used for a different request.";
        Self::new(StatusCode::CONFLICT, "idempotency_mismatch", message)
    }

    pub const fn not_paid() -> Self {
        let message = "Only a paid payment can be given back.";
        Self::new(StatusCode::CONFLICT, "not_paid", message)
    }

    pub const fn too_much() -> Self {
        let message = "More cannot go back than was paid.";
        Self::new(StatusCode::CONFLICT, "refund_too_large", message)
    }

    /// The fault that was asked for.
    pub const fn on_purpose() -> Self {
        let message = "This fails because it was told to.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "on_purpose", message)
    }

    pub const fn no_randomness() -> Self {
        let message = "The system has no randomness to name a payment with.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "no_randomness", message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({"error": {"code": self.code, "message": self.message}});
        (self.status, Json(body)).into_response()
    }
}
