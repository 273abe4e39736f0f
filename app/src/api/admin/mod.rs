//! What can an administrator do? One server function for each act. The table lets in only administrators whose session
//! proved a second factor; every act leaves a line in the audit log, written in the transaction that does it.

mod accounts;
#[cfg(feature = "ssr")]
mod desk;
mod keys;
mod models;
mod rates;
mod routes;
#[cfg(feature = "ssr")]
mod told;
mod upstreams;

pub use accounts::{admin_adjust_credit, admin_block_account, admin_unblock_account};
#[cfg(feature = "ssr")]
pub use desk::{Desk, Priced, read_price, read_start};
pub use keys::admin_revoke_key;
pub use models::{admin_create_model, admin_publish_price, admin_set_context, admin_switch_model};
pub use rates::{admin_clear_rate, admin_fetch_rates, admin_set_rate};
pub use routes::{admin_put_route, admin_remove_route};
#[cfg(feature = "ssr")]
pub use told::{AdminFault, AdminField, AdminNotice};
pub use upstreams::{admin_create_upstream, admin_edit_upstream, admin_switch_upstream};
