//! How does a command reach the sandbox payment provider that runs beside the server? A file in the data folder, for its
//! owner alone, says where it listens and what it wants to be shown. No money moves there.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use server::orders::SandboxConfig;
use server::secrets::Secret;

const FILE: &str = "sandbox-payments.json";

#[derive(Serialize, Deserialize)]
struct Note {
    address: SocketAddr,
    secret: String,
}

fn path(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// Leaves the note in the data folder, in place of an earlier one.
///
/// # Errors
/// When it cannot be written.
pub fn leave(data: &Path, address: SocketAddr, secret: &Secret) -> anyhow::Result<()> {
    let note = Note {
        address,
        secret: secret.expose().to_owned(),
    };
    // Beside it first: nobody reads half of one.
    let new = data.join(format!("{FILE}.new"));
    let text = serde_json::to_vec(&note).context("an address is always JSON")?;
    fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| file.write_all(&text))
        .and_then(|()| fs::rename(&new, path(data)))
        .with_context(|| format!("{} cannot be written", path(data).display()))
}

/// Where the provider of a running server is; `None` when none runs, as far as can be told.
#[must_use]
pub fn read(data: &Path) -> Option<SandboxConfig> {
    let note: Note = serde_json::from_slice(&fs::read(path(data)).ok()?).ok()?;
    Some(SandboxConfig {
        address: note.address,
        secret: Secret::new(note.secret),
    })
}

/// Takes the note away, if it is there.
pub fn remove(data: &Path) {
    // Whoever finds an old one asks an address where nobody answers.
    let _ = fs::remove_file(path(data));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_note_is_for_its_owner_alone_and_the_newest_counts() {
        let data = tempfile::tempdir().unwrap();
        assert!(read(data.path()).is_none());
        for port in [1, 2] {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            leave(data.path(), address, &Secret::new(format!("secret {port}"))).unwrap();
            let found = read(data.path()).unwrap();
            assert_eq!(found.address, address);
            assert_eq!(found.secret.expose(), format!("secret {port}"));
        }
        let mode = fs::metadata(path(data.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        remove(data.path());
        assert!(read(data.path()).is_none());
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    }
}
