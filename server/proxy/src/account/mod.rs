//! What may a program ask about the account behind its key? The key itself, its workspace's usage, and single calls.
//!
//! All under the scope `billing:read`, and only about the key's own workspace: anything else is not there. A test key
//! sees the calls of test keys, a live key those of live keys. Each costs the database more than a call does, so all
//! count against the key's limits as calls do, and few run at once. The shapes are documented in `docs/api.md`.

mod call;
mod key;
mod legacy;
mod usage;

use axum::routing::get;
use domain::{Amount, Problem};
use serde::Serialize;
use texts::format::Zone;

use crate::Endpoint;

pub(crate) use call::{Part, parts};

/// The addresses below `/v1`.
pub(crate) fn endpoints() -> [Endpoint; 9] {
    [
        ("get", "/key", get(key::key)),
        ("get", "/usage/summary", get(usage::summary)),
        ("get", "/usage/recent", get(call::recent)),
        ("get", "/calls/{id}", get(call::one)),
        ("get", "/credits", get(legacy::credits)),
        ("get", "/auth/key", get(legacy::auth_key)),
        (
            "get",
            "/dashboard/billing/subscription",
            get(legacy::subscription),
        ),
        ("get", "/dashboard/billing/usage", get(legacy::usage)),
        (
            "get",
            "/dashboard/billing/credit_grants",
            get(legacy::credit_grants),
        ),
    ]
}

/// An amount, exactly: whole nano-dollars and decimal dollars, both as strings.
#[derive(Serialize)]
pub(crate) struct Money {
    nusd: Amount,
    usd: String,
}

impl From<Amount> for Money {
    fn from(amount: Amount) -> Self {
        Self {
            nusd: amount,
            usd: amount.to_usd_string(),
        }
    }
}

/// A moment, in UTC.
pub(crate) fn moment(at: i64) -> String {
    Zone::UTC.iso(at)
}

/// The database could not be read.
fn unreadable(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "an account could not be read");
    Problem::Unavailable
}

pub(crate) fn malformed(detail: &str, param: &'static str) -> Problem {
    Problem::InvalidBody {
        detail: detail.to_owned(),
        param: Some(param),
    }
}
