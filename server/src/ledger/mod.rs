//! Where does money move? Only here: books, transfers, lots and leases are private to this folder.
//!
//! A wallet is spent in memory, out of a **lease** that this node took from the database; a call **holds** a part of
//! the lease before it reaches an upstream, and settles or releases it afterwards. Settled calls are committed in
//! groups: one transfer per lease and flush, its usage rows in the same transaction.

mod batch;
mod bonus;
mod books;
mod credit;
mod expiry;
mod flush;
mod handle;
mod hold;
mod item;
mod keeper;
mod leases;
mod lines;
mod locked;
mod losses;
mod lots;
mod node;
pub(crate) mod payments;
mod reversal;
mod store;
mod verify;
mod verify_lots;
mod verify_orders;
mod wallet;
mod writer;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tests;

pub use bonus::Bonus;
pub(crate) use books::exclude_flushes;
pub use books::open_wallet;
pub(crate) use credit::give_bonus;
pub use credit::{GrantError, Granted};
pub use expiry::Expired;
pub use handle::{Ledger, LedgerConfig};
pub use hold::{Hold, HoldError, SettleError};
pub use lines::Line;
pub use verify::{Check, Report, verify};
