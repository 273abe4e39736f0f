//! What can a page ask the server to do? Every server function, and who may call it.
//!
//! Each is a plain address that a form posts to, without a script too. [`TABLE`] is not only a list: `call.rs` refuses
//! whoever it does not allow, and a test fails when a server function is missing from it.
//! No function may use the `GetUrl` encoding: a link must never change anything.

mod balance;
#[cfg(feature = "ssr")]
mod call;
mod claim;
mod prefs;
#[cfg(feature = "ssr")]
mod reply;
mod sign_in;
mod sign_out;

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

pub use balance::{Figures, balance};
#[cfg(feature = "ssr")]
pub use balance::{RULER_DAYS, days_left, filled, read as read_balance};
#[cfg(feature = "ssr")]
pub use call::call;
pub use claim::claim;
pub use prefs::set_prefs;
pub use sign_in::sign_in;
pub use sign_out::sign_out;

/// Who may call a server function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    SignedIn,
    Admin,
}

/// Every server function.
pub const TABLE: &[(&str, Who)] = &[
    ("/api/balance", Who::SignedIn),
    ("/api/claim", Who::Anyone),
    ("/api/set_prefs", Who::Anyone),
    ("/api/sign_in", Who::Anyone),
    ("/api/sign_out", Who::Anyone),
];

/// Why a server function did not do it. Only stable codes: what the database said is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The arguments are not those of the function.
    Invalid,
    SignedOut,
    Forbidden,
    Unavailable,
}

impl FromServerFnError for Refusal {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_)
            | ServerFnErrorErr::MissingArg(_)
            | ServerFnErrorErr::Deserialization(_) => Self::Invalid,
            _ => Self::Unavailable,
        }
    }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn every_server_function_says_who_may_call_it() {
        for (path, method) in leptos::server_fn::axum::server_fn_paths() {
            assert!(
                TABLE.iter().any(|(known, _)| *known == path),
                "{path} is not in TABLE: add it to app/src/api/mod.rs with who may call it"
            );
            assert_eq!(
                method,
                http::Method::POST,
                "{path}: a server function must not be a GET, links must not change anything"
            );
        }
    }

    #[test]
    fn the_table_lists_nothing_that_is_gone() {
        for (path, _) in TABLE.iter().copied() {
            assert!(
                leptos::server_fn::axum::server_fn_paths().any(|(known, _)| known == path),
                "{path} is in TABLE, but no server function has this address"
            );
        }
    }
}
