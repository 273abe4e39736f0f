//! How is something sealed, opened or hashed? Under the key of its purpose, bound to the row it belongs to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::files::{self, KeyBytes};
use super::{Given, Purpose, RandomnessFailed, SecretsError};
use crate::db::Db;

/// Which generation of the key sealed a text; its first byte. There is one generation until keys can be rotated.
const KID: u8 = 1;
const NONCE: usize = 24;

/// The sealed text was made under another key, for another row, or was changed. Which one cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "the encrypted text does not belong to this row, or its key file is not the one that sealed it"
)]
pub struct CannotOpen;

/// The keys of every purpose. Cheap to clone; wiped from memory when the last clone goes.
#[derive(Clone)]
pub struct KeyRing(Arc<BTreeMap<Purpose, KeyBytes>>);

impl KeyRing {
    /// Opens the keys of the data folder `data` (`<data>/keys/*.key`), or makes them when `first_start` says that the
    /// database holds nothing that needs them yet (see [`first_start`]). `given` ones win over files.
    ///
    /// # Errors
    /// A missing file when this is not the first start, one that others can read, one that is not a key.
    pub fn open(data: &Path, given: Given, first_start: bool) -> Result<Self, SecretsError> {
        files::load(data, given, first_start).map(|keys| Self(Arc::new(keys)))
    }

    /// A ring of fixed keys, without files.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let keys = Purpose::ALL
            .into_iter()
            .zip(1_u8..)
            .map(|(purpose, fill)| (purpose, Zeroizing::new([fill; 32])));
        Self(Arc::new(keys.collect()))
    }

    fn key(&self, purpose: Purpose) -> &KeyBytes {
        self.0
            .get(&purpose)
            .expect("a ring opens only with the key of every purpose")
    }

    /// Encrypts `plain` so that it opens only with the same `aad`: name the table and the row there, and moving the
    /// result to another row makes it unreadable. The result is generation byte, nonce, ciphertext and tag.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn seal(
        &self,
        purpose: Purpose,
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, RandomnessFailed> {
        let mut nonce = XNonce::default();
        getrandom::fill(nonce.as_mut_slice()).map_err(|_| RandomnessFailed)?;
        let cipher = XChaCha20Poly1305::new(
            self.key(purpose)
                .as_slice()
                .try_into()
                .expect("a key is 32 bytes"),
        );
        let body = cipher
            .encrypt(
                &nonce,
                Payload {
                    msg: plain,
                    aad: &bound(aad),
                },
            )
            .expect("only texts above 256 GiB are refused");
        let mut sealed = Vec::with_capacity(1 + NONCE + body.len());
        sealed.push(KID);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// What [`KeyRing::seal`] sealed under the same purpose and `aad`.
    ///
    /// # Errors
    /// When anything about it differs.
    pub fn unseal(
        &self,
        purpose: Purpose,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (&kid, rest) = sealed.split_first().ok_or(CannotOpen)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(CannotOpen)?;
        if kid != KID {
            return Err(CannotOpen);
        }
        let cipher = XChaCha20Poly1305::new(
            self.key(purpose)
                .as_slice()
                .try_into()
                .expect("a key is 32 bytes"),
        );
        let nonce = nonce.try_into().expect("split at its length");
        cipher
            .decrypt(
                nonce,
                Payload {
                    msg: body,
                    aad: &bound(aad),
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| CannotOpen)
    }

    /// HMAC-SHA256: a hash that nobody can compute, or check a guess against, without the key.
    #[must_use]
    pub fn hmac(&self, purpose: Purpose, bytes: &[u8]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key(purpose).as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// Never shows a key.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(***)")
    }
}

/// The key's generation is bound in too: a text cannot be passed off as one of another generation.
fn bound(aad: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(aad.len() + 1);
    all.extend_from_slice(aad);
    all.push(KID);
    all
}

/// Bytes in lower-case hexadecimal, the form in which hashes are stored.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Whether the (migrated) database holds nothing that needs key files: no account, no key, no upstream credential.
/// Only then may [`KeyRing::open`] make them.
///
/// # Errors
/// When the database cannot be read.
pub async fn first_start(db: &Db) -> Result<bool, DbErr> {
    let found = db
        .read()
        .query_one_raw(Statement::from_string(
            db.backend(),
            "SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM api_key)
                OR EXISTS (SELECT 1 FROM upstream WHERE sealed_key IS NOT NULL)",
        ))
        .await?;
    Ok(found.is_none())
}
