//! Where does money move? Only here: books, transfers, lots and leases are private to this folder.
//!
//! A wallet is spent in memory, out of a **lease** that this node took from the database; a call **holds** a part of
//! the lease before it reaches an upstream, and settles or releases it afterwards. Settled calls are committed in
//! groups: one transfer per lease and flush, its usage rows in the same transaction.

mod books;
mod flush;
mod handle;
mod hold;
mod leases;
mod lots;
mod verify;
mod wallet;
mod writer;

#[cfg(test)]
mod tests;

pub use books::{GrantError, Granted, open_wallet};
pub use handle::{Ledger, LedgerConfig};
pub use hold::{Hold, HoldError, SettleError};
pub use verify::{Check, Report, verify};
