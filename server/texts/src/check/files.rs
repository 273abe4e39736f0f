//! Which locale files does the folder hold, and is each one well-formed by itself?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::report::{Finding, Level, Rule};
use crate::catalogue;
use crate::source::{self, Value};

/// Languages that we answer for: a text missing in one of them is an error.
const ALWAYS_COMPLETE: [&str; 2] = ["en", "ru"];

/// One parsed locale file.
pub struct LocaleFile {
    pub code: String,
    pub complete: bool,
    /// By key: the text and its line.
    pub texts: BTreeMap<String, (String, usize)>,
}

impl LocaleFile {
    pub fn name(&self) -> String {
        format!("{}.json", self.code)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.texts.get(key).map(|(text, _)| text.as_str())
    }
}

/// An error that concerns a file as a whole.
pub fn error(file: &str, line: usize, rule: Rule, message: String) -> Finding {
    Finding {
        file: file.to_owned(),
        line,
        key: String::new(),
        level: Level::Error,
        rule,
        message,
    }
}

/// The locale files of the folder that can be read; what is wrong with the others is told.
pub fn read(folder: &Path, findings: &mut Vec<Finding>) -> Vec<LocaleFile> {
    let names: BTreeSet<String> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect(),
        Err(why) => {
            let message = format!("The folder cannot be read: {why}.");
            findings.push(error(
                &folder.display().to_string(),
                0,
                Rule::Unreadable,
                message,
            ));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for name in names {
        let Some(code) = name.strip_suffix(".json") else {
            continue;
        };
        if !catalogue::is_language_code(code) {
            let message =
                "The file’s name is no language code. Name it like de.json or pt-BR.json."
                    .to_owned();
            findings.push(error(&name, 0, Rule::FileName, message));
            continue;
        }
        let unreadable = |line, message: String| error(&name, line, Rule::Unreadable, message);
        match std::fs::read(folder.join(&name)).map(String::from_utf8) {
            Err(why) => findings.push(unreadable(0, format!("The file cannot be read: {why}."))),
            Ok(Err(_)) => {
                findings.push(unreadable(0, "The file is not saved as UTF-8.".to_owned()))
            }
            Ok(Ok(json)) => match source::read(&json) {
                Ok(entries) => files.push(sort_entries(code, entries, findings)),
                Err(broken) => {
                    let hint = "Often a comma or a quote is missing on the line above.";
                    findings.push(unreadable(
                        broken.line,
                        format!("This is no JSON: {}. {hint}", broken.message),
                    ));
                }
            },
        }
    }
    files
}

fn sort_entries(
    code: &str,
    entries: Vec<source::Entry>,
    findings: &mut Vec<Finding>,
) -> LocaleFile {
    let mut tell = |line, rule, key: &str, message: &str| {
        let (file, key, message) = (format!("{code}.json"), key.to_owned(), message.to_owned());
        findings.push(Finding {
            file,
            line,
            key,
            level: Level::Error,
            rule,
            message,
        });
    };
    let mut file = LocaleFile {
        code: code.to_owned(),
        complete: ALWAYS_COMPLETE.contains(&code),
        texts: BTreeMap::new(),
    };
    let mut autonym = false;
    for source::Entry { key, value, line } in entries {
        match (key.as_str(), value) {
            ("_meta.autonym", Value::Text(name)) if !name.trim().is_empty() => autonym = true,
            ("_meta.complete", Value::True) => file.complete = true,
            ("_meta.complete", Value::False) => {}
            (meta, _) if meta.starts_with("_meta") => {
                tell(
                    line,
                    Rule::Meta,
                    &key,
                    "_meta has autonym (a text) and complete (true or false), nothing else.",
                );
            }
            (_, Value::Text(text)) => {
                if let Some((_, first)) = file.texts.insert(key.clone(), (text, line)) {
                    tell(
                        line,
                        Rule::Duplicate,
                        &key,
                        &format!("The key stands twice, first on line {first}. Keep one."),
                    );
                }
                if !is_key(&key) {
                    tell(
                        line,
                        Rule::KeyName,
                        &key,
                        "A key is written area.page.thing, in small Latin letters, digits and _.",
                    );
                }
            }
            _ => tell(
                line,
                Rule::NotText,
                &key,
                "This is not a text. Put it in \"quotes\".",
            ),
        }
    }
    if !autonym {
        tell(
            0,
            Rule::Meta,
            "_meta.autonym",
            "Add the language’s name in itself: \"_meta\": {\"autonym\": \"Deutsch\"}.",
        );
    }
    file
}

fn is_key(key: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    key.contains('.') && key.split('.').all(part)
}
