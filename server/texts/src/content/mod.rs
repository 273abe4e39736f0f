//! What do the long texts say: the documentation and the policies? Markdown files, one per language and page.
//!
//! `locales/content/<locale>/<folder>/<name>.md` begins with front matter (`key: value` lines between two `---`), then
//! comes Markdown. Facts about this installation stand in it as `{{ name }}`, `{% if name %}` and `{% for x in name %}`;
//! a fact that nobody gave is an error, never an empty place. HTML in a file is shown as text.

mod fill;
mod html;
mod library;
mod raw;
mod source;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{Locale, Texts, pseudo};

pub(crate) use fill::names;
pub use html::escaped;
pub(crate) use html::{Part, parts};
pub(crate) use library::{FOLDER, Library, in_folder};
pub use raw::Original;
pub(crate) use source::Source;

/// One page, ready to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The front matter, facts filled in.
    pub meta: BTreeMap<String, String>,
    /// `title` of the front matter: the page's `h1`, which is not in `html`. Give it the id `title`: tables and code
    /// before the first heading are named by it.
    pub title: String,
    /// The page without its title. Safe: what was no Markdown is text.
    pub html: String,
    /// In the order of the page.
    pub headings: Vec<Heading>,
    /// The Markdown itself with facts filled in, beginning with the title as `# …`.
    pub markdown: String,
    /// The language it is written in, which is English where a translation is missing.
    pub locale: String,
}

/// A heading that can be linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// 2 to 6.
    pub level: u8,
    /// `{#id}` of the heading, else made from its words.
    pub id: String,
    pub text: String,
}

/// What is known about this installation: what the names in a file stand for.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    values: BTreeMap<String, Fact>,
    translated: Option<fn(&str) -> bool>,
}

/// The value of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Inserted before Markdown is read, so it may hold Markdown.
    Text(String),
    /// Words that people chose: nothing in them is Markdown. Not for code, where backslashes would show.
    Plain(String),
    Flag(bool),
    List(Vec<String>),
}

impl Facts {
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, Fact::Text(value.into()))
    }

    #[must_use]
    pub fn plain(self, name: &str, value: impl Into<String>) -> Self {
        self.with(name, Fact::Plain(value.into()))
    }

    #[must_use]
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.with(name, Fact::Flag(value))
    }

    #[must_use]
    pub fn list(self, name: &str, values: Vec<String>) -> Self {
        self.with(name, Fact::List(values))
    }

    /// Which paths of this site have an address in every language; without this all have that name no file and are not
    /// of the API.
    #[must_use]
    pub fn translated(mut self, is: fn(&str) -> bool) -> Self {
        self.translated = Some(is);
        self
    }

    fn with(mut self, name: &str, value: Fact) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Whether a link to `path` gets the reader's language.
    fn is_translated(&self, path: &str) -> bool {
        match self.translated {
            Some(is) => is(path),
            None => {
                let file = path
                    .rsplit('/')
                    .next()
                    .is_some_and(|last| last.contains('.'));
                !file && path != "/v1" && !path.starts_with("/v1/")
            }
        }
    }
}

/// A text in which nothing is Markdown, for use outside of code.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '[' | ']' | '<' | '#' | '|' | '~' | '&' => {
                out.extend(['\\', c]);
            }
            c => out.push(c),
        }
    }
    out
}

/// A file that cannot be shown: which, where, and what its writer can do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct ContentError {
    /// Within the locale folder: `content/ru/docs/limits.md`.
    pub file: String,
    /// From 1; 0 when the mistake has no line.
    pub line: usize,
    pub message: String,
}

impl Texts {
    /// The page at `path` (`docs/limits`) in the language `locale`, with `facts` filled in. Where that language has no
    /// such page, or a broken one, English is shown; nothing when English has none either.
    ///
    /// # Errors
    /// [`ContentError`] when every version of the page is broken: a fact is missing, or a tag is not closed.
    pub fn document(
        &self,
        locale: &str,
        path: &str,
        facts: &Facts,
    ) -> Result<Option<Document>, ContentError> {
        let library = self.library();
        let english = Locale::EN.code();
        let versions = library
            .versions(locale, path)
            .iter()
            .chain(library.versions(english, path));
        let mut first = None;
        for source in versions {
            match made(source, locale, facts) {
                Ok(document) => return Ok(Some(document)),
                Err(error) => {
                    self.log_once(&error);
                    first.get_or_insert(error);
                }
            }
        }
        first.map_or(Ok(None), Err)
    }

    /// The front matter of a page alone, which is quicker than the whole: for lists and menus. Title and description are
    /// written as in [`Texts::document`].
    #[must_use]
    pub fn front_matter(
        &self,
        locale: &str,
        path: &str,
        facts: &Facts,
    ) -> Option<BTreeMap<String, String>> {
        let library = self.library();
        let versions = library.versions(locale, path).iter();
        versions
            .chain(library.versions(Locale::EN.code(), path))
            .find_map(|source| front_matter(source, locale, facts).ok())
    }

    /// The path of every page there is in English, in the order of the alphabet.
    #[must_use]
    pub fn documents(&self) -> Vec<String> {
        self.library().paths(Locale::EN.code())
    }
}

/// The pseudo-locales disguise what people read.
fn dressed(locale: &str, text: String) -> String {
    if locale.starts_with("qps") {
        pseudo::disguise(&text)
    } else {
        text
    }
}

fn front_matter(
    source: &Source,
    locale: &str,
    facts: &Facts,
) -> Result<BTreeMap<String, String>, ContentError> {
    let mut meta = BTreeMap::new();
    for (key, value, line) in &source.meta {
        // No Markdown here: what is plain needs no backslashes.
        let value = fill::fill(&source.file, value, *line, facts, false)?;
        let value = match key.as_str() {
            "title" | "description" => dressed(locale, value),
            _ => value,
        };
        meta.insert(key.clone(), value);
    }
    Ok(meta)
}

/// One version of a page as a document for readers of `locale`.
fn made(source: &Source, locale: &str, facts: &Facts) -> Result<Document, ContentError> {
    let dress = |text: String| dressed(locale, text);
    let meta = front_matter(source, locale, facts)?;
    let body = fill::fill(&source.file, &source.body, source.body_line, facts, true)?;
    let prefix = if locale == Locale::EN.code() {
        String::new()
    } else {
        format!("/{locale}")
    };
    let address = |path: &str| {
        if facts.is_translated(path) {
            format!("{prefix}{path}")
        } else {
            path.to_owned()
        }
    };
    let (html, headings) = html::html(&body, &address, &dress);
    let title = meta.get("title").cloned().unwrap_or_default();
    Ok(Document {
        markdown: format!("# {}\n\n{}\n", plain(&title), body.trim()),
        locale: if locale.starts_with("qps") {
            locale
        } else {
            &source.locale
        }
        .to_owned(),
        meta,
        title,
        html,
        headings,
    })
}
