//! What can a page ask the server to do? Every server function, and who may call it.
//!
//! Each is a plain address that a form posts to, without a script too. [`TABLE`] is not only a list: `call.rs` refuses
//! whoever it does not allow, and a test fails when a server function is missing from it.
//! No function may use the `GetUrl` encoding: a link must never change anything.

mod admin;
#[cfg(feature = "ssr")]
mod amount;
mod balance;
#[cfg(feature = "ssr")]
mod call;
mod claim;
#[cfg(feature = "ssr")]
mod faults;
mod first_call;
#[cfg(feature = "ssr")]
mod keep;
mod keys;
mod links;
mod low;
mod policies;
mod prefs;
#[cfg(feature = "ssr")]
mod reply;
mod security;
mod settings;
mod sign_in;
mod sign_out;
mod sign_up;
mod wallet;

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
pub use admin::{AdminFault, AdminField, AdminNotice, Priced, read_price};
pub use admin::{
    admin_adjust_credit, admin_block_account, admin_clear_rate, admin_create_model,
    admin_create_upstream, admin_edit_upstream, admin_fetch_rates, admin_publish_price,
    admin_put_route, admin_remove_route, admin_revoke_key, admin_set_context, admin_set_rate,
    admin_switch_model, admin_switch_upstream, admin_unblock_account,
};
#[cfg(feature = "ssr")]
pub use amount::typed_amount;
pub use balance::{Figures, balance};
#[cfg(feature = "ssr")]
pub use balance::{RULER_DAYS, days_left, filled, read as read_balance};
#[cfg(feature = "ssr")]
pub use call::call;
pub use claim::claim;
pub use first_call::{first_call, send_test};
#[cfg(feature = "ssr")]
pub use keep::CODES;
pub use keys::{
    KeyForm, create_key, disable_key, enable_key, end_key_overlap, freeze_keys, rename_key,
    reveal_key, revoke_key, roll_key, unfreeze_keys, update_key,
};
#[cfg(feature = "ssr")]
pub use keys::{TEST, shown};
pub use links::{ask_reset, confirm_email, reset, undo_email, verify};
pub use low::hide_low_balance;
pub use policies::accept_policies;
pub use prefs::set_prefs;
pub use security::{
    change_password, end_other_sessions, end_second_factor, end_session, finish_second_factor,
    new_recovery_codes,
};
pub use settings::{change_email, set_look, set_low_balance, set_name};
pub use sign_in::{confirm, second_step, sign_in};
pub use sign_out::sign_out;
pub use sign_up::{resend_verification, sign_up};
#[cfg(feature = "ssr")]
pub use wallet::{OrderFault, OrderField, WalletNotice, read_coins, top_up_path};
pub use wallet::{
    admin_confirm_order, admin_refund_order, admin_reject_order, admin_seen_order, cancel_order,
    create_order,
};

/// Who may call a server function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Anyone,
    SignedIn,
    /// Signed in, and the password typed again within the last ten minutes.
    Confirmed,
    /// An administrator whose session proved a second factor.
    Admin,
}

/// Every server function.
pub const TABLE: &[(&str, Who)] = &[
    ("/api/accept_policies", Who::SignedIn),
    ("/api/admin_adjust_credit", Who::Admin),
    ("/api/admin_block_account", Who::Admin),
    ("/api/admin_confirm_order", Who::Admin),
    ("/api/admin_clear_rate", Who::Admin),
    ("/api/admin_create_model", Who::Admin),
    ("/api/admin_create_upstream", Who::Admin),
    ("/api/admin_edit_upstream", Who::Admin),
    ("/api/admin_fetch_rates", Who::Admin),
    ("/api/admin_publish_price", Who::Admin),
    ("/api/admin_put_route", Who::Admin),
    ("/api/admin_refund_order", Who::Admin),
    ("/api/admin_reject_order", Who::Admin),
    ("/api/admin_remove_route", Who::Admin),
    ("/api/admin_revoke_key", Who::Admin),
    ("/api/admin_seen_order", Who::Admin),
    ("/api/admin_set_context", Who::Admin),
    ("/api/admin_set_rate", Who::Admin),
    ("/api/admin_switch_model", Who::Admin),
    ("/api/admin_switch_upstream", Who::Admin),
    ("/api/admin_unblock_account", Who::Admin),
    ("/api/ask_reset", Who::Anyone),
    ("/api/balance", Who::SignedIn),
    ("/api/cancel_order", Who::SignedIn),
    ("/api/change_email", Who::Confirmed),
    ("/api/change_password", Who::SignedIn),
    ("/api/claim", Who::Anyone),
    ("/api/confirm", Who::SignedIn),
    ("/api/confirm_email", Who::Anyone),
    ("/api/create_key", Who::SignedIn),
    ("/api/create_order", Who::SignedIn),
    ("/api/disable_key", Who::SignedIn),
    ("/api/enable_key", Who::SignedIn),
    ("/api/end_key_overlap", Who::SignedIn),
    ("/api/end_other_sessions", Who::Confirmed),
    ("/api/end_second_factor", Who::Confirmed),
    ("/api/end_session", Who::SignedIn),
    ("/api/finish_second_factor", Who::Confirmed),
    ("/api/first_call", Who::SignedIn),
    ("/api/freeze_keys", Who::SignedIn),
    ("/api/hide_low_balance", Who::SignedIn),
    ("/api/new_recovery_codes", Who::Confirmed),
    ("/api/rename_key", Who::SignedIn),
    ("/api/resend_verification", Who::Anyone),
    ("/api/reset", Who::Anyone),
    ("/api/reveal_key", Who::Confirmed),
    ("/api/revoke_key", Who::SignedIn),
    ("/api/roll_key", Who::SignedIn),
    ("/api/second_step", Who::Anyone),
    ("/api/send_test", Who::SignedIn),
    ("/api/set_look", Who::SignedIn),
    ("/api/set_low_balance", Who::SignedIn),
    ("/api/set_name", Who::SignedIn),
    ("/api/set_prefs", Who::Anyone),
    ("/api/sign_in", Who::Anyone),
    ("/api/sign_out", Who::Anyone),
    ("/api/sign_up", Who::Anyone),
    ("/api/undo_email", Who::Anyone),
    ("/api/unfreeze_keys", Who::SignedIn),
    ("/api/update_key", Who::SignedIn),
    ("/api/verify", Who::Anyone),
];

/// Why a server function did not do it. Only stable codes: what the database said is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The arguments are not those of the function.
    Invalid,
    SignedOut,
    /// The password has to be typed again first.
    Unconfirmed,
    /// The second factor has to be proved first.
    SecondFactor,
    /// There is no such thing, or it is somebody else's.
    NotFound,
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
