//! Is a folder of locale files right? `farebox locales check` reads it as a translator's patient second pair of eyes.
//!
//! Nothing here can break a build or a server: a broken file keeps its last good texts. English and Russian must be
//! complete, and files that say `"complete": true`; in others a missing text is a warning, and English is shown.

mod content;
mod files;
mod policies;
mod report;
mod tables;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use report::{Finding, Level, Progress, Report, Rule};

use crate::{Locale, plural};
use files::LocaleFile;

/// Reads every file of the folder and reports what is to be mended.
#[must_use]
pub fn run(folder: &Path) -> Report {
    let mut findings = Vec::new();
    let files = files::read(folder, &mut findings);
    let notes = tables::notes(folder, &mut findings);
    let glossary = tables::glossary(folder, &mut findings);
    let mut languages = Vec::new();
    if let Some(english) = files.iter().find(|file| file.code == Locale::EN.code()) {
        let wanted = Wanted::of(english, &mut findings);
        for (key, note) in &notes {
            if !wanted.single.contains(key) && !wanted.families.contains(key) {
                let message =
                    "English has no such text any more. Remove or rename the note.".to_owned();
                let (file, key) = ("notes.csv".to_owned(), key.clone());
                findings.push(Finding {
                    file,
                    line: note.line,
                    key,
                    level: Level::Warning,
                    rule: Rule::Table,
                    message,
                });
            }
        }
        for file in &files {
            let check = Check {
                file,
                english,
                wanted: &wanted,
                notes: &notes,
                glossary: &glossary,
            };
            languages.push(check.run(&mut findings));
        }
        let complete: Vec<_> = files
            .iter()
            .map(|file| (file.code.as_str(), file.complete))
            .collect();
        content::check(folder, &complete, &mut findings);
        policies::check(folder, &mut findings);
    } else {
        let message = "There is no readable en.json, and every other language is compared with it."
            .to_owned();
        findings.push(files::error("en.json", 0, Rule::Unreadable, message));
    }
    languages.sort_by_key(|progress| {
        (
            progress.locale != Locale::EN.code(),
            progress.locale.clone(),
        )
    });
    Report::new(languages, findings)
}

/// What English has, and every language must.
struct Wanted {
    /// Keys of texts without plural forms.
    single: BTreeSet<String>,
    /// Keys of texts with plural forms, without the suffix.
    families: BTreeSet<String>,
}

impl Wanted {
    fn of(english: &LocaleFile, findings: &mut Vec<Finding>) -> Self {
        let mut wanted = Self {
            single: BTreeSet::new(),
            families: BTreeSet::new(),
        };
        for (key, (_, line)) in &english.texts {
            match plural::split(key) {
                Some((base, _)) if english.texts.contains_key(&format!("{base}_other")) => {
                    wanted.families.insert(base.to_owned());
                }
                Some((base, suffix)) => {
                    let message = format!(
                        "The key ends like a plural form, but {base}_other is missing. Add it, or do not end on _{suffix}."
                    );
                    let (file, key) = (english.name(), key.clone());
                    findings.push(Finding {
                        file,
                        line: *line,
                        key,
                        level: Level::Error,
                        rule: Rule::Plural,
                        message,
                    });
                }
                None => {
                    wanted.single.insert(key.clone());
                }
            }
        }
        wanted
    }
}

/// One file compared with English.
struct Check<'a> {
    file: &'a LocaleFile,
    english: &'a LocaleFile,
    wanted: &'a Wanted,
    notes: &'a BTreeMap<String, tables::Note>,
    glossary: &'a [tables::Term],
}

impl Check<'_> {
    fn run(&self, findings: &mut Vec<Finding>) -> Progress {
        let code = &self.file.code;
        let forms = plural::categories(code);
        let mut needed: BTreeSet<String> = self.wanted.single.clone();
        needed.extend(
            self.wanted
                .families
                .iter()
                .flat_map(|base| forms.iter().map(move |form| format!("{base}_{form}"))),
        );
        // What is not finished, or stays behind when English loses a text, is only an error where we promise completeness.
        let unfinished = if self.file.complete {
            Level::Error
        } else {
            Level::Warning
        };

        let missing = needed
            .iter()
            .filter(|key| !self.file.texts.contains_key(*key));
        for key in missing.clone() {
            let (rule, message) = match plural::split(key)
                .filter(|(base, _)| self.wanted.families.contains(*base))
            {
                Some((base, form)) => {
                    let english = self
                        .english
                        .text(&format!("{base}_other"))
                        .unwrap_or_default();
                    let numbers = plural::examples(code, form);
                    (
                        Rule::Plural,
                        format!(
                            "The plural form “{form}” (for {numbers}) is missing. English: “{english}”"
                        ),
                    )
                }
                None => (
                    Rule::Missing,
                    format!(
                        "The text is missing. English: “{}”",
                        self.english.text(key).unwrap_or_default()
                    ),
                ),
            };
            findings.push(self.finding(0, key, unfinished, rule, message));
        }
        let have = needed.len() - missing.count();

        for (key, (text, line)) in &self.file.texts {
            let family =
                plural::split(key).filter(|(base, _)| self.wanted.families.contains(*base));
            if !needed.contains(key) {
                let (level, rule, message) = match family {
                    Some((_, form)) => (
                        Level::Error,
                        Rule::Plural,
                        format!(
                            "This language has no plural form “{form}”; it has {}. Remove the line.",
                            forms.join(", ")
                        ),
                    ),
                    None if *code == self.english.code => continue,
                    None => (
                        unfinished,
                        Rule::Extra,
                        "English has no such text. Was the key renamed, or is it misspelt?"
                            .to_owned(),
                    ),
                };
                findings.push(self.finding(*line, key, level, rule, message));
                continue;
            }
            for (rule, message) in self.faults(key, family, text) {
                let hint = matches!(rule, Rule::Glossary | Rule::Typography);
                let level = if hint { Level::Warning } else { Level::Error };
                findings.push(self.finding(*line, key, level, rule, message));
            }
        }
        Progress {
            locale: code.clone(),
            have,
            need: needed.len(),
            complete: self.file.complete,
        }
    }

    fn faults(&self, key: &str, family: Option<(&str, &str)>, text: &str) -> Vec<text::Fault> {
        let code = self.file.code.as_str();
        let mut faults = text::alone(code, text);
        if text.trim().is_empty() {
            return faults;
        }
        let base = family.map_or(key, |(base, _)| base);
        let english_key =
            family.map_or_else(|| key.to_owned(), |(base, _)| format!("{base}_other"));
        if let Some(english) = self.english.text(&english_key) {
            let may_omit_count = family.is_some_and(|(_, form)| plural::is_one_number(code, form));
            faults.extend(text::against_english(text, english, may_omit_count));
            if code != self.english.code {
                let words = text::visible(english);
                let faulty = self
                    .glossary
                    .iter()
                    .filter_map(|term| term.fault(code, text, &words));
                faults.extend(faulty.map(|message| (Rule::Glossary, message)));
            }
        }
        let length = text::visible(text).chars().count();
        if let Some(max) = self.notes.get(base).and_then(|note| note.max_length)
            && length > max
        {
            faults.push((Rule::TooLong, format!("The text has {length} characters; its place takes {max} (placeholders not counted).")));
        }
        faults
    }

    fn finding(
        &self,
        line: usize,
        key: &str,
        level: Level,
        rule: Rule,
        message: String,
    ) -> Finding {
        Finding {
            file: self.file.name(),
            line,
            key: key.to_owned(),
            level,
            rule,
            message,
        }
    }
}
