//! What keeps secrets secret? Separate keys, each for one purpose, and what is done with them.
//!
//! - [`Secret`]: text that is wiped from memory and prints as `***`.
//! - [`KeyRing`]: seals (encrypts), opens and hashes under the key of a [`Purpose`].
//! - `files`: the key files in the data folder, made while the database holds nothing that needs them, never after.
//!
//! Losing the key files means losing what they protect; a backup of the database needs them beside it, kept apart.

mod base62;
mod files;
mod purpose;
mod ring;
mod secret;
#[cfg(test)]
mod tests;

pub use base62::encode_u32 as base62_u32;
pub use files::{Given, SecretsError, key_file};
pub use purpose::Purpose;
pub use ring::{CannotOpen, KeyRing, hex, unused};
pub use secret::{RandomnessFailed, Secret};
