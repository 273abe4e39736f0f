//! Which texts exist, in which languages? The parsed files, never changed once built.

use std::collections::{BTreeMap, HashMap};

use rust_embed::RustEmbed;

use crate::Locale;
use crate::folder::FileProblem;
use crate::locale::{PSEUDO, PSEUDO_RTL};
use crate::pseudo;
use crate::source::{self, Value};

/// The folder as it is built into the binary; only the `*.json` are languages.
#[derive(RustEmbed)]
#[folder = "../../locales"]
struct Embedded;

/// The long texts that are built in: their names within the folder, and what is in them.
pub fn embedded_content() -> impl Iterator<Item = (String, String)> {
    Embedded::iter().filter_map(|name| {
        let named = name.starts_with(crate::content::FOLDER) && name.ends_with(".md");
        let file = named.then(|| Embedded::get(&name)).flatten()?;
        let text = String::from_utf8_lossy(&file.data).into_owned();
        Some((name.into_owned(), text))
    })
}

/// A file of a locale folder: its name without `.json`, and its content.
pub struct File {
    pub code: String,
    pub content: String,
}

/// Every language with its texts.
#[derive(Default, Clone)]
pub struct Catalogue {
    locales: BTreeMap<String, Language>,
}

#[derive(Clone)]
struct Language {
    locale: Locale,
    messages: HashMap<String, String>,
}

impl Catalogue {
    /// The languages that are built into the binary. A defect in one of them is reported, not fatal.
    pub fn embedded() -> (Self, Vec<FileProblem>) {
        let files = Embedded::iter().filter_map(|name| {
            let code = name.strip_suffix(".json")?.to_owned();
            let content = String::from_utf8_lossy(&Embedded::get(&name)?.data).into_owned();
            Some(File { code, content })
        });
        Self::default().updated(files)
    }

    /// This catalogue with the languages of `files` replaced; a language whose file is broken stays as it was.
    pub fn updated(&self, files: impl Iterator<Item = File>) -> (Self, Vec<FileProblem>) {
        let mut next = self.clone();
        let mut problems = Vec::new();
        for file in files {
            match read(&file) {
                Ok(language) => {
                    next.locales.insert(file.code, language);
                }
                Err(problem) => problems.push(problem),
            }
        }
        (next, problems)
    }

    /// Only the languages that `keep` wants, and English always.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.locales
            .retain(|code, _| code == Locale::EN.code() || keep(code));
    }

    /// Adds the two pseudo-locales, made from English.
    pub fn add_pseudo(&mut self) {
        let Some(english) = self.locales.get(Locale::EN.code()) else {
            return;
        };
        let messages: HashMap<_, _> = english
            .messages
            .iter()
            .map(|(key, text)| (key.clone(), pseudo::disguise(text)))
            .collect();
        for (code, autonym) in [(PSEUDO, "Pseudo"), (PSEUDO_RTL, "Pseudo, right to left")] {
            let locale = Locale::intern(code, autonym);
            self.locales.insert(
                code.to_owned(),
                Language {
                    locale,
                    messages: messages.clone(),
                },
            );
        }
    }

    pub fn locales(&self) -> impl Iterator<Item = Locale> + '_ {
        self.locales.values().map(|language| language.locale)
    }

    pub fn locale(&self, code: &str) -> Option<Locale> {
        self.locales.get(code).map(|language| language.locale)
    }

    pub fn messages(&self, code: &str) -> Option<&HashMap<String, String>> {
        self.locales.get(code).map(|language| &language.messages)
    }

    /// The text of exactly this language, without falling back.
    pub fn text(&self, code: &str, key: &str) -> Option<&str> {
        self.messages(code)?.get(key).map(String::as_str)
    }
}

/// The language's name as ICU knows it, or nothing when the file's name is no language code.
pub fn is_language_code(code: &str) -> bool {
    let parsed = code.parse::<icu_locale_core::LanguageIdentifier>();
    parsed.is_ok_and(|id| id.to_string() == code && !id.language.is_unknown())
        && !code.starts_with("qps")
}

fn read(file: &File) -> Result<Language, FileProblem> {
    let problem = |line, message: String| FileProblem {
        file: format!("{}.json", file.code),
        line,
        message,
    };
    if !is_language_code(&file.code) {
        return Err(problem(
            0,
            "the file's name is no language code such as de or pt-BR".to_owned(),
        ));
    }
    let entries =
        source::read(&file.content).map_err(|broken| problem(broken.line, broken.message))?;
    let mut messages = HashMap::new();
    let mut autonym = None;
    for entry in entries {
        let Value::Text(text) = entry.value else {
            continue;
        };
        if entry.key == "_meta.autonym" {
            autonym = Some(text);
        } else if !entry.key.starts_with("_meta.") {
            messages.insert(entry.key, text);
        }
    }
    let locale = Locale::intern(&file.code, autonym.as_deref().unwrap_or(&file.code));
    Ok(Language { locale, messages })
}
