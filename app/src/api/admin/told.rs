//! What do administrators' forms hold, and what can be wrong there? Their part of the flash.

use domain::Amount;
use serde::{Deserialize, Serialize};

/// A place on an administrator's form; see `Field`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminField {
    Direction,
    BlockReason,
    Upstream,
    BaseUrl,
    Dialect,
    ApiKey,
    RemoveKey,
    ModelId,
    UpstreamModel,
    Context,
    CostInput,
    CostCached,
    CostOutput,
    Markup,
    StartsOn,
    Priority,
    Weight,
    PerUsd,
    RateDay,
    RateSure,
}

impl AdminField {
    /// Both `id` and `name` of the input.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Direction => "direction",
            Self::BlockReason => "block_reason",
            Self::Upstream => "upstream",
            Self::BaseUrl => "base_url",
            Self::Dialect => "dialect",
            Self::ApiKey => "api_key",
            Self::RemoveKey => "remove_key",
            Self::ModelId => "model",
            Self::UpstreamModel => "upstream_model",
            Self::Context => "context",
            Self::CostInput => "cost_input",
            Self::CostCached => "cost_cached",
            Self::CostOutput => "cost_output",
            Self::Markup => "markup",
            Self::StartsOn => "starts_on",
            Self::Priority => "priority",
            Self::Weight => "weight",
            Self::PerUsd => "per_usd",
            Self::RateDay => "rate_day",
            Self::RateSure => "sure",
        }
    }
}

/// What is wrong on an administrator's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminFault {
    ReasonTooLong,
    /// More than the wallet has free.
    TooMuchBack {
        available: Amount,
    },
    TooMuch,
    /// Nobody blocks the account they act with.
    Yourself,
    Name,
    NameTaken,
    Address,
    AddressExtras,
    PlainHttp,
    NotPublic,
    CredentialNeeded,
    NoUpstream,
    ModelId,
    ModelTaken,
    Context,
    Price,
    Percent,
    OutOfRange,
    Start,
    Past,
    Priority,
    Weight,
    LastRoute,
    Rate,
    RateDay,
    /// More than ten times as much as before: a mistake, or somebody says that it is none.
    RateFar,
}

/// What an administrator's form did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdminNotice {
    Credited {
        amount: Amount,
    },
    TakenBack {
        amount: Amount,
    },
    /// The same form was sent twice: money moved once.
    CreditedBefore,
    Blocked,
    Unblocked,
    KeyRevoked,
    UpstreamAdded,
    UpstreamSaved,
    UpstreamOff,
    UpstreamOn,
    ModelAdded,
    ModelOff,
    ModelOn,
    ContextSaved,
    PricePublished,
    RouteSaved,
    RouteRemoved,
    RateSet,
    RateCleared,
    /// There was none that was set by hand.
    RateNotSet,
    /// A source was asked.
    RatesFetched {
        stored: u64,
    },
    /// Some of its rates are too far from before to be believed.
    RatesKept {
        stored: u64,
    },
    /// It was asked, and did not answer or was not believed; its line says why.
    RatesRefused,
    /// Somebody else is asking it.
    RatesBusy,
}
