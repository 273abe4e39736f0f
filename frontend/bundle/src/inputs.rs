//! What is a bundle made from, and has it been made already?

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::site::{self, hex};

/// All inputs, read once.
pub struct Inputs {
    wasm: Vec<u8>,
    /// Every file below the folder of styles, by its path there with `/` between the parts.
    style: BTreeMap<String, Vec<u8>>,
    /// This program is an input too: another version may write other bytes.
    program: Vec<u8>,
}

impl Inputs {
    /// Fails when the module, the folder or a file in it can't be read.
    pub fn read(wasm: &Path, style: &Path) -> Result<Self> {
        let program =
            std::env::current_exe().context("this program does not know where it lies")?;
        let mut files = BTreeMap::new();
        read_folder(style, "", &mut files)?;
        Ok(Self {
            wasm: read_file(wasm)?,
            style: files,
            program: read_file(&program)?,
        })
    }

    /// The module as cargo built it.
    pub fn wasm(&self) -> &[u8] {
        &self.wasm
    }

    /// What is served as it is: everything that is neither a style sheet nor a note for people.
    pub fn assets(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let served = |name: &str| !matches!(site::extension(name), "css" | "md" | "txt");
        self.style
            .iter()
            .filter(move |(name, _)| served(name))
            .map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// One line that differs when any input differs.
    pub fn digest(&self) -> String {
        let mut all = Sha256::new();
        for content in [&self.program, &self.wasm]
            .into_iter()
            .chain(self.style.values())
        {
            all.update(Sha256::digest(content));
        }
        for name in self.style.keys() {
            all.update(name.as_bytes());
            all.update([0]);
        }
        hex(&all.finalize())
    }

    /// Whether the folder holds what these inputs give: the stamp says so and no file has gone missing.
    pub fn made(&self, stamp: &Path, out: &Path) -> bool {
        fs::read_to_string(stamp).is_ok_and(|digest| digest == self.digest()) && site::is_whole(out)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} could not be read", path.display()))
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("the folder {} could not be read", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .context("a file name that is not UTF-8")?;
        if name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            read_folder(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, read_file(&entry.path())?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fonts")).unwrap();
        fs::write(folder.path().join("main.css"), "a{}").unwrap();
        fs::write(folder.path().join("icons.svg"), "<svg/>").unwrap();
        fs::write(folder.path().join("fonts/OFL.txt"), "licence").unwrap();
        fs::write(folder.path().join("fonts/x.woff2"), "font").unwrap();
        fs::write(folder.path().join("module.wasm"), "wasm").unwrap();
        folder
    }

    #[test]
    fn styles_and_notes_are_not_served_as_they_are() {
        let folder = folder();
        let inputs = Inputs::read(&folder.path().join("module.wasm"), folder.path()).unwrap();
        let names: Vec<&str> = inputs.assets().map(|(name, _)| name).collect();
        assert_eq!(names, ["fonts/x.woff2", "icons.svg", "module.wasm"]);
    }

    #[test]
    fn the_digest_follows_content_and_names() {
        let folder = folder();
        let wasm = folder.path().join("module.wasm");
        let before = Inputs::read(&wasm, folder.path()).unwrap().digest();
        assert_eq!(before, Inputs::read(&wasm, folder.path()).unwrap().digest());
        fs::rename(
            folder.path().join("icons.svg"),
            folder.path().join("icony.svg"),
        )
        .unwrap();
        let renamed = Inputs::read(&wasm, folder.path()).unwrap().digest();
        assert_ne!(before, renamed);
        fs::write(folder.path().join("main.css"), "b{}").unwrap();
        assert_ne!(
            renamed,
            Inputs::read(&wasm, folder.path()).unwrap().digest()
        );
    }

    #[test]
    fn a_stamp_counts_only_while_the_folder_is_whole() {
        let folder = folder();
        let inputs = Inputs::read(&folder.path().join("module.wasm"), folder.path()).unwrap();
        let out = folder.path().join("site");
        let stamp = folder.path().join("site.stamp");
        assert!(!inputs.made(&stamp, &out));
        let mut site = site::Site::default();
        site.add("assets", "a.css", b"a{}".to_vec()).unwrap();
        site.write(&out).unwrap();
        fs::write(&stamp, inputs.digest()).unwrap();
        assert!(inputs.made(&stamp, &out));
        fs::remove_file(out.join(site.path_of("a.css").unwrap())).unwrap();
        assert!(!inputs.made(&stamp, &out));
    }
}
