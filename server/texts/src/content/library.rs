//! Which pages are there? Those built in, over which lie those of the folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Source;
use crate::catalogue;
use crate::folder::FileProblem;

/// The folder of long texts within the locale folder.
pub const FOLDER: &str = "content";
/// `content/<locale>/docs/quickstart/name.md` and one more.
const DEPTH: usize = 5;

/// Every page in every language, the best version first: the folder's, then the one built in.
#[derive(Debug, Default, Clone)]
pub struct Library {
    /// By language and path.
    pages: BTreeMap<(String, String), Vec<Source>>,
}

impl Library {
    /// The pages that are built into the binary. A defect in one of them is reported, not fatal.
    pub fn embedded() -> (Self, Vec<FileProblem>) {
        Self::default().over(catalogue::embedded_content(), None)
    }

    /// This library with the pages of a folder before its own. A page that is broken keeps what `last` had of it.
    pub fn over(
        mut self,
        files: impl IntoIterator<Item = (String, String)>,
        last: Option<&Self>,
    ) -> (Self, Vec<FileProblem>) {
        let mut problems = Vec::new();
        for (file, text) in files {
            let Some((locale, path)) = named(&file) else {
                continue;
            };
            let key = (locale.to_owned(), path.to_owned());
            match Source::read(&file, locale, &text) {
                Ok(source) => {
                    let versions = self.pages.entry(key).or_default();
                    if versions.first() != Some(&source) {
                        versions.insert(0, source);
                    }
                }
                Err(broken) => {
                    if let Some(versions) = last.and_then(|last| last.pages.get(&key)) {
                        self.pages.insert(key, versions.clone());
                    }
                    problems.push(FileProblem {
                        file: broken.file,
                        line: broken.line,
                        message: broken.message,
                    });
                }
            }
        }
        (self, problems)
    }

    pub fn versions(&self, locale: &str, path: &str) -> &[Source] {
        self.pages
            .get(&(locale.to_owned(), path.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    pub fn paths(&self, locale: &str) -> Vec<String> {
        let keys = self.pages.keys();
        keys.filter(|(code, _)| code == locale)
            .map(|(_, path)| path.clone())
            .collect()
    }
}

/// Language and path of `content/ru/docs/limits.md`; nothing for a file that is no page.
fn named(file: &str) -> Option<(&str, &str)> {
    let rest = file.strip_prefix(FOLDER)?.strip_prefix('/')?;
    rest.strip_suffix(".md")?.split_once('/')
}

/// The Markdown files of a locale folder, named as within it (`content/ru/docs/limits.md`).
pub fn in_folder(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    walk(&folder.join(FOLDER), FOLDER, DEPTH, &mut found);
    found.sort();
    found
}

fn walk(folder: &Path, name: &str, depth: usize, found: &mut Vec<(String, PathBuf)>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            if depth > 0 {
                walk(&path, &name, depth - 1, found);
            }
        } else if name.ends_with(".md") {
            found.push((name, path));
        }
    }
}
