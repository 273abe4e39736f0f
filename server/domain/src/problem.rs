//! What went wrong for the person? The closed list; every answer that is not a success is one of these.
//!
//! A problem has a stable code for programs, an HTTP status, and a sentence in `locales/` under
//! `problems.<code>` (with `problems.<code>_action` saying what to do). Texts never carry prompt or answer.

use std::time::Duration;

use crate::dialect::Dialect;
use crate::period::Period;
use crate::scope::Scope;

/// One entry of the closed list, with the values its sentence needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// No key was sent in any of the four headers.
    MissingKey,
    /// A key was sent in the query, where it ends up in logs: it is not read.
    KeyInQuery,
    /// The key is unknown, malformed or revoked: which one is not told.
    InvalidKey,
    /// The key's own end date has passed.
    KeyExpired,
    /// The key is switched off.
    KeyDisabled,
    /// All keys of the workspace are stopped.
    KeysFrozen,
    /// The operator shut the account.
    AccountBlocked,
    /// The key may call some models, and this is none of them.
    ModelNotAllowed { model: String },
    /// The key may not be used for this.
    ScopeMissing { scope: Scope },
    /// The key works from some networks, and the caller is in none of them.
    AddressNotAllowed,
    /// The key has spent what it may in this period.
    KeyLimitReached { period: Period },
    /// The catalogue has no such model.
    ModelNotFound { model: String },
    /// The request goes on from a response that this workspace did not store, or that is kept no more.
    PreviousResponseNotFound,
    /// This workspace stored no such response, or it is kept no more.
    ResponseNotFound,
    /// The request offers a tool that the provider runs and charges for, and the model has no price for its uses.
    ToolNotPriced { tool: &'static str, model: String },
    /// The body is not what the endpoint takes; `detail` names the place, never the content.
    InvalidBody {
        detail: String,
        param: Option<&'static str>,
    },
    /// The decoded body is above the limit.
    BodyTooLarge { max_mib: u64 },
    /// `content-encoding` is neither gzip, zstd nor identity.
    UnsupportedEncoding,
    /// The wallet cannot cover the call.
    OutOfCredit,
    /// The wallet could cover the call, but another node holds the credit for a moment.
    CreditBusy,
    /// Too many requests; try again after the time given.
    RateLimited { retry_after: Duration },
    /// Too many tokens; try again after the time given.
    TokensLimited { retry_after: Duration },
    /// Too many calls of this workspace at the same time.
    TooManyAtOnce { max: u32 },
    /// The upstream refused the content of the request; its own words are passed on.
    UpstreamRefused {
        status: u16,
        message: String,
        kind: Option<String>,
        param: Option<String>,
        code: Option<String>,
    },
    /// The upstream is limiting this installation.
    UpstreamBusy { retry_after: Option<Duration> },
    /// The upstream failed or gave a broken answer.
    UpstreamFailed,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The charge could not be recorded, so the answer's ending is withheld; nothing was charged.
    SettlementFailed,
    /// The caller left before there was an answer. Nobody reads it; it stands on the call's row.
    CallerLeft,
    /// No such address.
    PathNotFound,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// The address is that of a WebSocket, and the request did not ask for one.
    UpgradeRequired,
    /// Trouble of ours: the database, a start or a stop.
    Unavailable,
    /// A defect of ours.
    Internal,
}

impl Problem {
    /// Every code, for the tests that demand a sentence in every locale.
    pub const CODES: [&'static str; 32] = [
        "missing_api_key",
        "invalid_api_key",
        "api_key_expired",
        "api_key_disabled",
        "keys_frozen",
        "account_blocked",
        "model_not_allowed",
        "scope_missing",
        "address_not_allowed",
        "key_limit_reached",
        "model_not_found",
        "previous_response_not_found",
        "response_not_found",
        "tool_not_priced",
        "invalid_request",
        "request_too_large",
        "unsupported_encoding",
        "insufficient_quota",
        "credit_busy",
        "rate_limit_exceeded",
        "too_many_concurrent_calls",
        "upstream_refused",
        "upstream_busy",
        "upstream_error",
        "upstream_timeout",
        "settlement_failed",
        "caller_left",
        "path_not_found",
        "method_not_allowed",
        "upgrade_required",
        "service_unavailable",
        "internal_error",
    ];

    /// One of each code, in the order of [`Problem::CODES`], with values that say nothing: what the documentation lists.
    #[must_use]
    pub fn one_of_each() -> Vec<Self> {
        let wait = Duration::from_secs(1);
        let model = || "…".to_owned();
        vec![
            Self::MissingKey,
            Self::InvalidKey,
            Self::KeyExpired,
            Self::KeyDisabled,
            Self::KeysFrozen,
            Self::AccountBlocked,
            Self::ModelNotAllowed { model: model() },
            Self::ScopeMissing {
                scope: Scope::ChatWrite,
            },
            Self::AddressNotAllowed,
            Self::KeyLimitReached {
                period: Period::Day,
            },
            Self::ModelNotFound { model: model() },
            Self::PreviousResponseNotFound,
            Self::ResponseNotFound,
            Self::ToolNotPriced {
                tool: "…",
                model: model(),
            },
            Self::InvalidBody {
                detail: "…".to_owned(),
                param: None,
            },
            Self::BodyTooLarge { max_mib: 0 },
            Self::UnsupportedEncoding,
            Self::OutOfCredit,
            Self::CreditBusy,
            Self::RateLimited { retry_after: wait },
            Self::TooManyAtOnce { max: 0 },
            Self::UpstreamRefused {
                status: 400,
                message: "…".to_owned(),
                kind: None,
                param: None,
                code: None,
            },
            Self::UpstreamBusy {
                retry_after: Some(wait),
            },
            Self::UpstreamFailed,
            Self::UpstreamTimeout,
            Self::SettlementFailed,
            Self::CallerLeft,
            Self::PathNotFound,
            Self::MethodNotAllowed,
            Self::UpgradeRequired,
            Self::Unavailable,
            Self::Internal,
        ]
    }

    /// The code that an answer carries: SDKs know one name for every refused key.
    #[must_use]
    pub const fn sent_code(&self) -> &'static str {
        match self {
            Self::MissingKey | Self::KeyInQuery => Self::InvalidKey.code(),
            _ => self.code(),
        }
    }

    /// Where the documentation says what this means, below the site's address.
    #[must_use]
    pub fn docs_path(&self) -> String {
        format!("/docs/errors#{}", self.code())
    }

    /// The stable code for programs: also the anchor in the docs and the key in `locales/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingKey | Self::KeyInQuery => "missing_api_key",
            Self::InvalidKey => "invalid_api_key",
            Self::KeyExpired => "api_key_expired",
            Self::KeyDisabled => "api_key_disabled",
            Self::KeysFrozen => "keys_frozen",
            Self::AccountBlocked => "account_blocked",
            Self::ModelNotAllowed { .. } => "model_not_allowed",
            Self::ScopeMissing { .. } => "scope_missing",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::KeyLimitReached { .. } => "key_limit_reached",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::PreviousResponseNotFound => "previous_response_not_found",
            Self::ResponseNotFound => "response_not_found",
            Self::ToolNotPriced { .. } => "tool_not_priced",
            Self::InvalidBody { .. } => "invalid_request",
            Self::BodyTooLarge { .. } => "request_too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::OutOfCredit => "insufficient_quota",
            Self::CreditBusy => "credit_busy",
            Self::RateLimited { .. } | Self::TokensLimited { .. } => "rate_limit_exceeded",
            Self::TooManyAtOnce { .. } => "too_many_concurrent_calls",
            Self::UpstreamRefused { .. } => "upstream_refused",
            Self::UpstreamBusy { .. } => "upstream_busy",
            Self::UpstreamFailed => "upstream_error",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::SettlementFailed => "settlement_failed",
            Self::CallerLeft => "caller_left",
            Self::PathNotFound => "path_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::UpgradeRequired => "upgrade_required",
            Self::Unavailable => "service_unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// Which sentence says it: the code, or a more exact one of the same code.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::KeyInQuery => "key_in_query",
            Self::TokensLimited { .. } => "token_rate_exceeded",
            Self::KeyLimitReached { period } => match period {
                Period::Day => "key_limit_reached_day",
                Period::Week => "key_limit_reached_week",
                Period::Month => "key_limit_reached_month",
                Period::Total => "key_limit_reached_total",
            },
            _ => self.code(),
        }
    }

    /// The HTTP status on OpenAI paths.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::MissingKey
            | Self::KeyInQuery
            | Self::InvalidKey
            | Self::KeyExpired
            | Self::KeyDisabled => 401,
            Self::KeysFrozen
            | Self::AccountBlocked
            | Self::ModelNotAllowed { .. }
            | Self::ScopeMissing { .. }
            | Self::AddressNotAllowed => 403,
            Self::ModelNotFound { .. } | Self::ResponseNotFound | Self::PathNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::InvalidBody { .. }
            | Self::PreviousResponseNotFound
            | Self::ToolNotPriced { .. } => 400,
            Self::BodyTooLarge { .. } => 413,
            Self::UnsupportedEncoding => 415,
            // At which Codex asks again without a WebSocket.
            Self::UpgradeRequired => 426,
            Self::OutOfCredit
            | Self::KeyLimitReached { .. }
            | Self::RateLimited { .. }
            | Self::TokensLimited { .. }
            | Self::TooManyAtOnce { .. }
            | Self::UpstreamBusy { .. } => 429,
            Self::UpstreamRefused { status, .. } => *status,
            // nginx's number for it; no answer carries it.
            Self::CallerLeft => 499,
            Self::UpstreamFailed => 502,
            Self::UpstreamTimeout => 504,
            Self::CreditBusy | Self::SettlementFailed | Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }

    /// The HTTP status in a dialect: Anthropic's has one of its own for an empty wallet, at which its clients stop and
    /// show the message.
    #[must_use]
    pub const fn status_for(&self, dialect: Dialect) -> u16 {
        match (self, dialect) {
            (Self::OutOfCredit | Self::KeyLimitReached { .. }, Dialect::Messages) => 402,
            _ => self.status(),
        }
    }

    /// The `error.type` of the Anthropic envelope.
    #[must_use]
    pub const fn anthropic_type(&self) -> &'static str {
        match self.status_for(Dialect::Messages) {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            503 => "overloaded_error",
            500..=599 => "api_error",
            _ => "invalid_request_error",
        }
    }

    /// The `error.type` of the OpenAI envelope, by which its SDKs and people sort errors.
    #[must_use]
    pub const fn openai_type(&self) -> &'static str {
        match self {
            Self::MissingKey
            | Self::KeyInQuery
            | Self::InvalidKey
            | Self::KeyExpired
            | Self::KeyDisabled => "authentication_error",
            Self::KeysFrozen
            | Self::AccountBlocked
            | Self::ModelNotAllowed { .. }
            | Self::ScopeMissing { .. }
            | Self::AddressNotAllowed => "permission_error",
            Self::OutOfCredit | Self::KeyLimitReached { .. } => "insufficient_quota",
            Self::RateLimited { .. }
            | Self::TokensLimited { .. }
            | Self::TooManyAtOnce { .. }
            | Self::UpstreamBusy { .. } => "rate_limit_error",
            Self::CreditBusy
            | Self::UpstreamFailed
            | Self::UpstreamTimeout
            | Self::SettlementFailed
            | Self::Unavailable
            | Self::Internal => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// How long to wait before trying again, where waiting helps.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::TokensLimited { retry_after } => {
                Some(*retry_after)
            }
            Self::UpstreamBusy { retry_after } => *retry_after,
            Self::CreditBusy
            | Self::TooManyAtOnce { .. }
            | Self::Unavailable
            | Self::SettlementFailed => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// `Some(false)` tells the SDKs not to repeat a request that cannot succeed (measured: three requests become one).
    #[must_use]
    pub const fn should_retry(&self) -> Option<bool> {
        match self {
            Self::OutOfCredit | Self::KeyLimitReached { .. } => Some(false),
            _ => None,
        }
    }

    /// The values for the placeholders of the sentence.
    #[must_use]
    pub fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ModelNotFound { model } | Self::ModelNotAllowed { model } => {
                vec![("model", model.clone())]
            }
            Self::ToolNotPriced { tool, model } => {
                vec![("tool", (*tool).to_owned()), ("model", model.clone())]
            }
            Self::ScopeMissing { scope } => vec![("scope", scope.id().to_owned())],
            Self::InvalidBody { detail, .. } => vec![("detail", detail.clone())],
            Self::BodyTooLarge { max_mib } => vec![("max", max_mib.to_string())],
            Self::TooManyAtOnce { max } => vec![("max", max.to_string())],
            Self::RateLimited { retry_after } | Self::TokensLimited { retry_after } => {
                vec![("seconds", retry_after.as_secs().max(1).to_string())]
            }
            Self::UpstreamRefused { message, .. } => vec![("message", message.clone())],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_example_and_an_anchor() {
        let all = Problem::one_of_each();
        let codes: Vec<_> = all.iter().map(Problem::code).collect();
        assert_eq!(codes, Problem::CODES);
        for problem in all {
            assert!(Problem::CODES.contains(&problem.sent_code()));
            assert_eq!(
                problem.docs_path(),
                format!("/docs/errors#{}", problem.code())
            );
        }
    }
}
