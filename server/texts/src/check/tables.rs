//! What do `notes.csv` and `glossary.csv` say? Help for translators, and the limits and terms that are checked.

use std::collections::BTreeMap;
use std::path::Path;

use super::report::{Finding, Level, Rule};

/// One row of `notes.csv`.
pub struct Note {
    pub line: usize,
    /// In visible characters.
    pub max_length: Option<usize>,
}

/// One row of `glossary.csv`.
pub struct Term {
    /// The English word, as texts have it.
    pub english: String,
    /// Whether it is translated at all; product names are not.
    pub translate: bool,
    /// Per language the beginnings of words that count as its translation.
    pub stems: BTreeMap<String, Vec<String>>,
}

/// The notes by key; the key of a plural family is that without its suffix.
pub fn notes(folder: &Path, findings: &mut Vec<Finding>) -> BTreeMap<String, Note> {
    let mut notes = BTreeMap::new();
    for row in rows(
        folder,
        "notes.csv",
        &["key", "note", "example", "max_length"],
        findings,
    ) {
        let key = row.field("key").to_owned();
        let max = row.field("max_length");
        let max_length = max.parse().ok();
        if !max.is_empty() && max_length.is_none() {
            findings.push(table(
                row.file,
                row.line,
                &key,
                format!("max_length is “{max}”, not a number."),
            ));
        }
        if notes
            .insert(
                key.clone(),
                Note {
                    line: row.line,
                    max_length,
                },
            )
            .is_some()
        {
            findings.push(table(
                row.file,
                row.line,
                &key,
                "This key has two notes. Keep one.".to_owned(),
            ));
        }
    }
    notes
}

/// The terms in the order of the file.
pub fn glossary(folder: &Path, findings: &mut Vec<Finding>) -> Vec<Term> {
    let mut terms = Vec::new();
    for row in rows(
        folder,
        "glossary.csv",
        &["term", "en", "translate"],
        findings,
    ) {
        let translate = match row.field("translate") {
            "yes" => true,
            "no" => false,
            other => {
                findings.push(table(
                    row.file,
                    row.line,
                    "",
                    format!("translate is “{other}”; write yes or no."),
                ));
                continue;
            }
        };
        let languages = row
            .values
            .iter()
            .filter(|(column, _)| !["term", "en", "translate"].contains(&column.as_str()));
        let stems = languages.filter(|(_, value)| !value.is_empty());
        let stems = stems.map(|(code, value)| {
            (
                code.clone(),
                value
                    .split('|')
                    .map(|stem| stem.trim().to_lowercase())
                    .collect(),
            )
        });
        terms.push(Term {
            english: row.field("en").to_owned(),
            translate,
            stems: stems.collect(),
        });
    }
    terms
}

impl Term {
    /// What a translation lacks, when its English uses this term.
    pub fn fault(&self, code: &str, text: &str, english: &str) -> Option<String> {
        if !uses(english, &self.english, self.translate) {
            return None;
        }
        let term = &self.english;
        if !self.translate {
            return (!text.contains(term))
                .then(|| format!("“{term}” is a name and stays as it is in every language."));
        }
        let stems = self.stems.get(code)?;
        let text = text.to_lowercase();
        let said = text
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| stems.iter().any(|stem| word.starts_with(stem)));
        (!said).then(|| {
            format!(
                "The glossary translates “{term}” with a word that begins with “{}”.",
                stems.join("” or “")
            )
        })
    }
}

/// Whether the English text has this word, as it stands or (`inflected`) in small letters with an s.
fn uses(english: &str, term: &str, inflected: bool) -> bool {
    let mut words = english.split(|c: char| !c.is_alphanumeric() && c != '_');
    if inflected {
        let term = term.to_lowercase();
        words.any(|word| {
            word.to_lowercase()
                .strip_prefix(&term)
                .is_some_and(|end| end.is_empty() || end == "s")
        })
    } else {
        words.any(|word| word == term)
    }
}

struct Row {
    file: &'static str,
    line: usize,
    values: BTreeMap<String, String>,
}

impl Row {
    fn field(&self, column: &str) -> &str {
        self.values
            .get(column)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

fn rows(
    folder: &Path,
    file: &'static str,
    needed: &[&str],
    findings: &mut Vec<Finding>,
) -> Vec<Row> {
    // Both tables are a help: a folder without them is checked without them.
    let Ok(content) = std::fs::read(folder.join(file)) else {
        return Vec::new();
    };
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(content.as_slice());
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            findings.push(table(
                file,
                1,
                "",
                format!("The table cannot be read: {error}."),
            ));
            return Vec::new();
        }
    };
    if let Some(missing) = needed
        .iter()
        .find(|column| !header.iter().any(|found| found == **column))
    {
        findings.push(table(
            file,
            1,
            "",
            format!("The column “{missing}” is missing in the first line."),
        ));
        return Vec::new();
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = record
                    .position()
                    .map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
                let values = header
                    .iter()
                    .zip(&record)
                    .map(|(column, value)| (column.to_owned(), value.to_owned()))
                    .collect();
                rows.push(Row { file, line, values });
            }
            Err(error) => {
                let line = error
                    .position()
                    .map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
                findings.push(table(
                    file,
                    line,
                    "",
                    format!(
                        "The line cannot be read: {error}. Put values with commas in \"quotes\"."
                    ),
                ));
            }
        }
    }
    rows
}

fn table(file: &str, line: usize, key: &str, message: String) -> Finding {
    Finding {
        file: file.to_owned(),
        line,
        key: key.to_owned(),
        level: Level::Error,
        rule: Rule::Table,
        message,
    }
}
