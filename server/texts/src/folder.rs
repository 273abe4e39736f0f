//! What lies in a folder of locale files, and has it changed?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use thiserror::Error;

use crate::catalogue::File;
use crate::content;

/// How often the folder is looked at; an edit shows within twice this.
const POLL: Duration = Duration::from_millis(400);

/// A locale file that could not be read; the texts of its language stay what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileProblem {
    /// The file's name, without its folder.
    pub file: String,
    /// From 1; 0 when the problem has no line.
    pub line: usize,
    pub message: String,
}

/// The folder named for texts cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    #[error("cannot read the locale folder {0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    #[error("the locale folder {0} holds no *.json file")]
    Empty(PathBuf),
}

/// What tells that a file changed: its time and size.
pub type Stamps = BTreeMap<PathBuf, (SystemTime, u64)>;

/// The locale files of the folder, and its long texts.
pub fn stamps(folder: &Path) -> std::io::Result<Stamps> {
    let mut found = Stamps::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            stamp(path, &mut found);
        }
    }
    // A folder of long texts alone is no locale folder.
    if !found.is_empty() {
        for (_, path) in content::in_folder(folder) {
            stamp(path, &mut found);
        }
    }
    Ok(found)
}

/// A file that vanished since it was listed is noticed at the next look.
fn stamp(path: PathBuf, found: &mut Stamps) {
    if let Ok(facts) = std::fs::metadata(&path) {
        let changed = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        found.insert(path, (changed, facts.len()));
    }
}

/// The long texts of the folder, named as within it, and those that cannot be read.
pub fn long_texts(folder: &Path) -> (Vec<(String, String)>, Vec<FileProblem>) {
    let (mut texts, mut problems) = (Vec::new(), Vec::new());
    for (file, path) in content::in_folder(folder) {
        match std::fs::read_to_string(path) {
            Ok(text) => texts.push((file, text)),
            Err(error) => problems.push(FileProblem {
                file,
                line: 0,
                message: error.to_string(),
            }),
        }
    }
    (texts, problems)
}

/// The locale files of the folder, and those that cannot be read.
pub fn files(folder: &Path) -> (Vec<File>, Vec<FileProblem>) {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    let json = |path: &PathBuf| path.extension().is_some_and(|name| name == "json");
    let paths = stamps(folder).unwrap_or_default().into_keys();
    for path in paths.filter(json) {
        let code = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match std::fs::read_to_string(&path) {
            Ok(content) => files.push(File { code, content }),
            Err(error) => problems.push(FileProblem {
                file: format!("{code}.json"),
                line: 0,
                message: error.to_string(),
            }),
        }
    }
    (files, problems)
}

/// Starts a thread that looks at the folder again and again. Each time it says whether something changed;
/// it ends when `looked` answers that nobody listens any more.
pub fn watch(folder: PathBuf, mut seen: Stamps, looked: impl Fn(bool) -> bool + Send + 'static) {
    let run = move || {
        loop {
            std::thread::sleep(POLL);
            // A folder that is gone for a moment (an editor's rename, a new mount) changes nothing.
            let now = stamps(&folder).unwrap_or_else(|_| seen.clone());
            let changed = now != seen;
            seen = now;
            if !looked(changed) {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("locales".to_owned())
        .spawn(run)
    {
        tracing::warn!(%error, "edits of locale files show only after a restart");
    }
}
