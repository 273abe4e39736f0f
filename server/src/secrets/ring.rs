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

use super::files::{self, Absent, KeyBytes};
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
    /// Opens the keys of the data folder `data` (`<data>/keys/*.key`). Of the missing ones those that `unused` names are
    /// made: the database holds nothing yet that needs them (see [`unused`]). `given` ones win over files.
    ///
    /// # Errors
    /// Another missing file, one that others can read, one that is not a key.
    pub fn open(data: &Path, given: Given, unused: &[Purpose]) -> Result<Self, SecretsError> {
        files::load(data, given, unused, Absent::Make).map(|keys| Self(Arc::new(keys)))
    }

    /// The same without making anything: keys that [`KeyRing::open`] would make are of this ring alone.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn look(data: &Path, given: Given, unused: &[Purpose]) -> Result<Self, SecretsError> {
        files::load(data, given, unused, Absent::StandIn).map(|keys| Self(Arc::new(keys)))
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

/// The purposes whose key nothing in the (migrated) database needs: only their files may be made by [`KeyRing::open`].
/// All of them at the first start; after an upgrade those that it brought.
///
/// # Errors
/// When the database cannot be read.
pub async fn unused(db: &Db) -> Result<Vec<Purpose>, DbErr> {
    let some = async |question: &str| {
        let sql = format!("SELECT 1 AS found WHERE {question}");
        let found = db
            .read()
            .query_one_raw(Statement::from_string(db.backend(), sql));
        found.await.map(|row| row.is_some())
    };
    let inhabited = some(
        "EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM api_key)
            OR EXISTS (SELECT 1 FROM upstream WHERE sealed_key IS NOT NULL)",
    );
    let inhabited = inhabited.await?;
    let mut unused = Vec::new();
    for purpose in Purpose::ALL {
        let used = match purpose {
            // Purposes that came later: installations of before have no file, and no row.
            Purpose::SecondFactor => some("EXISTS (SELECT 1 FROM second_factor)").await?,
            Purpose::Mail => some("EXISTS (SELECT 1 FROM mail WHERE sealed IS NOT NULL)").await?,
            _ => inhabited,
        };
        if !used {
            unused.push(purpose);
        }
    }
    Ok(unused)
}
