//! What stands in the file of a long text, before facts are filled in? For whoever compares files, not for readers.

use std::collections::BTreeMap;

use super::Source;
use crate::Texts;

/// A file as its writer left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The front matter, facts not filled in.
    pub meta: BTreeMap<String, String>,
    /// All that decides what readers see: front matter and Markdown, spelt alike whatever the order and line ends were.
    pub text: String,
}

impl Original {
    pub(crate) fn of(source: &Source) -> Self {
        let entries = source.meta.iter();
        let meta: BTreeMap<_, _> = entries
            .map(|(key, value, _)| (key.clone(), value.clone()))
            .collect();
        let mut text: String = meta
            .iter()
            .map(|(key, value)| format!("{key}: {value}\n"))
            .collect();
        text.push_str(source.body.trim());
        Self { meta, text }
    }
}

impl Texts {
    /// The file at `path` (`policies/terms`) in exactly this language; a folder's before the one built in.
    #[must_use]
    pub fn original(&self, locale: &str, path: &str) -> Option<Original> {
        let library = self.library();
        library.versions(locale, path).first().map(Original::of)
    }
}
