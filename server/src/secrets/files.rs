//! Where do the encryption keys live? In `<data>/keys/<name>.key`, one line each, readable by their owner alone.
//!
//! A file is made while the database holds nothing that needs it (at the first start, or when an upgrade brings a new
//! purpose), and never again: a file that is missing later would be replaced by a key that opens nothing, and the mistake
//! would be found months later. So a missing file stops the start instead.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Purpose;

/// 32 random bytes.
pub(super) type KeyBytes = Zeroizing<[u8; 32]>;

/// A key file is one short line; more than this is not one.
const LONGEST_FILE: u64 = 1024;

/// Why the key ring could not be opened. Every sentence is for the operator and says what to do.
#[derive(Debug, Error)]
pub enum SecretsError {
    #[error(
        "the key file {} is missing, but the database holds data that needs it ({protects}). \
         Put the file back from your backup of the data folder (or give the key as {variable}). \
         Farebox does not make a new one: it could not open what the old one sealed",
        path.display()
    )]
    Missing {
        path: PathBuf,
        protects: &'static str,
        variable: &'static str,
    },
    #[error(
        "the key {} {} can be read or changed by others (mode {mode:03o}). Anybody who read it can act for your customers. \
         If you trust everybody on this machine, run: chmod {wanted:o} '{}'",
        if *.wanted == 0o700 { "folder" } else { "file" },
        path.display(),
        path.display()
    )]
    TooOpen {
        path: PathBuf,
        mode: u32,
        wanted: u32,
    },
    #[error(
        "{place} is not a key: expected 32 bytes in base64 or hexadecimal. Put it back from your backup of the data folder"
    )]
    Malformed { place: String },
    #[error("cannot use the key file {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Randomness(#[from] super::RandomnessFailed),
}

/// Keys that the operator gives from outside (environment, a secret store's files); they win over the key files.
#[derive(Default)]
pub struct Given(BTreeMap<Purpose, KeyBytes>);

impl Given {
    /// All keys come from the data folder.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Looks for [`Purpose::variable`], and for the same with `_FILE` appended, by the function given
    /// (`|name| std::env::var(name).ok()` in the binary).
    ///
    /// # Errors
    /// When a value is not 32 bytes, or a named file cannot be read or is open to others.
    pub fn from_variables(look_up: impl Fn(&str) -> Option<String>) -> Result<Self, SecretsError> {
        let mut given = BTreeMap::new();
        for purpose in Purpose::ALL {
            let variable = purpose.variable();
            let from_file = format!("{variable}_FILE");
            if let Some(text) = look_up(variable).map(Zeroizing::new) {
                let key = decode(&text).ok_or_else(|| SecretsError::Malformed {
                    place: variable.to_owned(),
                })?;
                given.insert(purpose, key);
            } else if let Some(path) = look_up(&from_file) {
                given.insert(purpose, read(Path::new(&path))?);
            }
        }
        Ok(Self(given))
    }

    /// Gives one key; tests and tools.
    #[must_use]
    pub fn with(mut self, purpose: Purpose, key: [u8; 32]) -> Self {
        self.0.insert(purpose, Zeroizing::new(key));
        self
    }
}

/// Where the key of `purpose` is kept in the data folder `data`.
#[must_use]
pub fn key_file(data: &Path, purpose: Purpose) -> PathBuf {
    data.join("keys").join(format!("{}.key", purpose.name()))
}

/// What to do about a file that is missing and whose key nothing needs yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Make,
    /// Leave the disk alone; a random key in memory stands in for it.
    StandIn,
}

/// Reads every key that is not given. A missing one is an error, but for those of an `unused` purpose.
pub(super) fn load(
    data: &Path,
    given: Given,
    unused: &[Purpose],
    absent: Absent,
) -> Result<BTreeMap<Purpose, KeyBytes>, SecretsError> {
    let mut keys = given.0;
    for purpose in Purpose::ALL {
        if keys.contains_key(&purpose) {
            continue;
        }
        let path = key_file(data, purpose);
        // "Cannot look" is not "is not there".
        let there = path.try_exists().map_err(|source| SecretsError::Io {
            path: path.clone(),
            source,
        })?;
        if !there {
            if !unused.contains(&purpose) {
                let (protects, variable) = (purpose.protects(), purpose.variable());
                return Err(SecretsError::Missing {
                    path,
                    protects,
                    variable,
                });
            }
            if absent == Absent::StandIn {
                keys.insert(purpose, random()?);
                continue;
            }
            make(&path)?;
        }
        keys.insert(purpose, read(&path)?);
    }
    Ok(keys)
}

/// Writes a new key. Two processes may do this at once (`serve` and a command): the file appears complete or not at
/// all, and the first one wins.
fn make(path: &Path) -> Result<(), SecretsError> {
    let failed = |source| SecretsError::Io {
        path: path.to_owned(),
        source,
    };
    let folder = path
        .parent()
        .ok_or_else(|| failed(io::Error::from(io::ErrorKind::InvalidInput)))?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;

    let key = random()?;
    let line = Zeroizing::new(format!(
        "{}\n",
        Zeroizing::new(STANDARD.encode(key.as_slice())).as_str()
    ));

    let draft = path.with_extension(format!("draft-{}", uuid::Uuid::now_v7().as_simple()));
    let written = (|| {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    })();
    // The draft is a key too: it goes in every case.
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(failed)?;
    // Without this a crash could keep rows of the database and lose the name of the file that opens them.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

fn random() -> Result<KeyBytes, SecretsError> {
    let mut key = Zeroizing::new([0_u8; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| super::RandomnessFailed)?;
    Ok(key)
}

/// Reads one key file, after checking that nobody else can.
fn read(path: &Path) -> Result<KeyBytes, SecretsError> {
    let failed = |source| SecretsError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    refuse_others(
        path,
        file.metadata().map_err(failed)?.permissions().mode(),
        0o600,
    )?;
    if let Some(folder) = path.parent().filter(|folder| folder.ends_with("keys")) {
        refuse_others(
            folder,
            fs::metadata(folder).map_err(failed)?.permissions().mode(),
            0o700,
        )?;
    }
    let mut text = Zeroizing::new(String::with_capacity(128));
    file.take(LONGEST_FILE)
        .read_to_string(&mut text)
        .map_err(failed)?;
    decode(&text).ok_or_else(|| SecretsError::Malformed {
        place: path.display().to_string(),
    })
}

fn refuse_others(path: &Path, mode: u32, wanted: u32) -> Result<(), SecretsError> {
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(SecretsError::TooOpen {
            path: path.to_owned(),
            mode: mode & 0o777,
            wanted,
        })
    }
}

/// 32 bytes in base64 or hexadecimal, whitespace around them ignored.
fn decode(text: &str) -> Option<KeyBytes> {
    let text = text.trim();
    let mut key = Zeroizing::new([0_u8; 32]);
    if text.len() == 64 && text.is_ascii() {
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(key);
    }
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    if bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(key)
}
