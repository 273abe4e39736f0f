//! What did the check find, said so that a translator can act on it, and so that a program can read it?

use std::fmt;

use serde::Serialize;

/// Everything `farebox locales check` has to say.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// No error was found; warnings may be there.
    pub ok: bool,
    pub errors: usize,
    pub warnings: usize,
    /// How far each language is, English first.
    pub languages: Vec<Progress>,
    /// By file, then line.
    pub findings: Vec<Finding>,
}

/// How many of the texts a language has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub locale: String,
    /// Texts that are there, each plural form counted.
    pub have: usize,
    /// Texts that this language needs.
    pub need: usize,
    /// Whether a missing text is an error: English, Russian, and files that say `"complete": true`.
    pub complete: bool,
}

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file's name within the folder.
    pub file: String,
    /// From 1; 0 when the finding has no line, such as a missing text.
    pub line: usize,
    /// The text's key; empty when the finding concerns the whole file.
    pub key: String,
    pub level: Level,
    pub rule: Rule,
    /// A sentence for people: what is wrong and what to do.
    pub message: String,
}

/// Errors make the check fail; warnings do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
}

/// What was checked; the stable name of a kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The folder or file cannot be read, or is no JSON.
    Unreadable,
    /// The file's name is no language code.
    FileName,
    /// `_meta` is incomplete or has an unknown entry.
    Meta,
    /// A value is not a text.
    NotText,
    /// The key is not written like `area.page.thing`.
    KeyName,
    /// The key stands twice in a file.
    Duplicate,
    Missing,
    /// English has no such key.
    Extra,
    /// A plural form that the language does not have, or that is lacking.
    Plural,
    Placeholder,
    /// `<0>…</0>` are not as in English, or not closed.
    Tag,
    TooLong,
    Spaces,
    /// Three points for `…`, straight quotes, a French space.
    Typography,
    /// HTML, script addresses, invisible characters.
    Forbidden,
    Glossary,
    /// `notes.csv` or `glossary.csv` itself.
    Table,
    /// Front matter or a tag of a long text.
    Document,
    /// A fact that the English text does not have.
    Fact,
    /// Headings that differ from the English ones, or a second title.
    Heading,
    /// A link that leads nowhere.
    Link,
}

impl Report {
    pub(super) fn new(languages: Vec<Progress>, mut findings: Vec<Finding>) -> Self {
        findings.sort();
        findings.dedup();
        let errors = findings
            .iter()
            .filter(|finding| finding.level == Level::Error)
            .count();
        let warnings = findings.len() - errors;
        Self {
            ok: errors == 0,
            errors,
            warnings,
            languages,
            findings,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, ": {level}: ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if !self.findings.is_empty() {
            writeln!(f)?;
        }
        for Progress {
            locale, have, need, ..
        } in &self.languages
        {
            let percent = (have * 100).checked_div(*need).unwrap_or(0);
            writeln!(f, "{locale:<8} {have} of {need} texts, {percent} %")?;
        }
        match (self.errors, self.warnings) {
            (0, 0) => write!(f, "No findings."),
            (errors, warnings) => write!(f, "Errors: {errors}. Warnings: {warnings}."),
        }
    }
}
