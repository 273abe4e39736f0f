//! Are the long texts whole: every page in every language, with the same headings, known facts and links that lead
//! somewhere?

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::files::error;
use super::report::{Finding, Level, Rule};
use crate::Locale;
use crate::content::{FOLDER, Part, Source, in_folder, names, parts};

/// One page as far as it is compared.
struct Page {
    source: Source,
    facts: BTreeSet<String>,
    parts: Vec<Part>,
}

/// By path: `docs/limits`.
type Pages = BTreeMap<String, Page>;

/// Looks at `content/` of the folder. `languages` are the codes that have a file of texts, and whether they are complete.
pub fn check(folder: &Path, languages: &[(&str, bool)], findings: &mut Vec<Finding>) {
    let mut by_locale: BTreeMap<String, Pages> = BTreeMap::new();
    // Pages that are there but cannot be read; they are told once, not also as missing.
    let mut broken: BTreeSet<(String, String)> = BTreeSet::new();
    for (file, path) in in_folder(folder) {
        let Some((locale, page)) = place(&file) else {
            let message = format!("Put it where its language is: {FOLDER}/de/docs/name.md.");
            findings.push(error(&file, 0, Rule::FileName, message));
            continue;
        };
        if !languages.iter().any(|(code, _)| *code == locale) {
            let message = format!("There is no {locale}.json, so nobody can choose this language.");
            findings.push(error(&file, 0, Rule::FileName, message));
            continue;
        }
        let read = std::fs::read_to_string(&path)
            .map_err(|why| (0, format!("The file cannot be read as UTF-8: {why}.")))
            .and_then(|text| {
                Source::read(&file, locale, &text).map_err(|broken| (broken.line, broken.message))
            });
        match read {
            Ok(source) => {
                let page_of = Page {
                    facts: facts(&source),
                    parts: parts(&source.body, source.body_line),
                    source,
                };
                by_locale
                    .entry(locale.to_owned())
                    .or_default()
                    .insert(page.to_owned(), page_of);
            }
            Err((line, message)) => {
                broken.insert((locale.to_owned(), page.to_owned()));
                findings.push(error(&file, line, Rule::Document, message));
            }
        }
    }
    let none = Pages::new();
    let english = by_locale.get(Locale::EN.code()).unwrap_or(&none);
    for (code, complete) in languages {
        let pages = by_locale.get(*code).unwrap_or(&none);
        let unfinished = if *complete {
            Level::Error
        } else {
            Level::Warning
        };
        for (path, page) in pages {
            alone(page, english, findings);
            match english.get(path) {
                Some(original) => against(page, original, findings),
                None if broken.contains(&(Locale::EN.code().to_owned(), path.clone())) => {}
                None => {
                    let message = "English has no such page. Was it renamed?".to_owned();
                    findings.push(Finding {
                        level: unfinished,
                        ..error(&page.source.file, 0, Rule::Extra, message)
                    });
                }
            }
        }
        for path in english.keys() {
            let known = pages.contains_key(path);
            if !known && !broken.contains(&((*code).to_owned(), path.clone())) {
                let english = format!("{FOLDER}/en/{path}.md");
                let message =
                    format!("The page is missing. Copy {english} and translate its words.");
                let file = format!("{FOLDER}/{code}/{path}.md");
                findings.push(Finding {
                    level: unfinished,
                    ..error(&file, 0, Rule::Missing, message)
                });
            }
        }
    }
}

fn place(file: &str) -> Option<(&str, &str)> {
    let rest = file.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let (locale, page) = rest.strip_suffix(".md")?.split_once('/')?;
    page.contains('/').then_some((locale, page))
}

fn facts(source: &Source) -> BTreeSet<String> {
    let values = source.meta.iter().flat_map(|(_, value, _)| names(value));
    values.chain(names(&source.body)).collect()
}

/// What is wrong with a page whatever its language.
fn alone(page: &Page, english: &Pages, findings: &mut Vec<Finding>) {
    let file = &page.source.file;
    for part in &page.parts {
        match part {
            Part::Heading { level: 1, line, .. } => {
                let message =
                    "A page has one title, in its front matter. Begin headings with ##.".to_owned();
                findings.push(error(file, *line, Rule::Heading, message));
            }
            Part::Link { to, line } => {
                if let Some(message) = dead(to, page, english) {
                    findings.push(error(file, *line, Rule::Link, message));
                }
            }
            Part::Heading { .. } => {}
        }
    }
}

/// Why a link leads nowhere, as far as these files tell: to a page that is none, or to a heading it does not have.
fn dead(to: &str, page: &Page, english: &Pages) -> Option<String> {
    if to.contains("{{") {
        return None;
    }
    let (path, anchor) = to.split_once('#').unwrap_or((to, ""));
    let target = if path.is_empty() {
        page
    } else {
        let scheme = ["https://", "http://", "mailto:"]
            .iter()
            .any(|start| path.starts_with(start));
        if scheme {
            return None;
        }
        let Some(name) = path.strip_prefix('/') else {
            return Some(format!(
                "The link {to} leads nowhere. Write https://…, mailto:…, #heading or a path of this site such as /docs/limits."
            ));
        };
        // Folders of ours hold documents only; other paths are pages of the program, which its own tests follow.
        let name = name.strip_suffix(".md").unwrap_or(name);
        let ours = name
            .split_once('/')
            .is_some_and(|(folder, _)| english.keys().any(|path| in_it(path, folder)));
        match english.get(name) {
            Some(target) => target,
            None if ours => return Some(format!("There is no page {path}.")),
            None => return None,
        }
    };
    let generated = target
        .source
        .body
        .lines()
        .any(|line| line.trim().starts_with("{{"));
    let known = target
        .parts
        .iter()
        .any(|part| matches!(part, Part::Heading { id: Some(id), .. } if id == anchor));
    (!anchor.is_empty() && !generated && !known).then(|| {
        format!(
            "No heading there has the id “{anchor}”. Give it one: ## Its words {{#{anchor}}}, alike in every language."
        )
    })
}

fn in_it(path: &str, folder: &str) -> bool {
    path.split_once('/')
        .is_some_and(|(found, _)| found == folder)
}

/// What a translation has otherwise than its English.
fn against(page: &Page, english: &Page, findings: &mut Vec<Finding>) {
    let file = &page.source.file;
    for fact in page.facts.difference(&english.facts) {
        let line = 1 + line_of(&page.source, fact);
        let known: Vec<_> = english.facts.iter().map(String::as_str).collect();
        let message = format!(
            "The fact “{fact}” is unknown here. The English page has: {}.",
            known.join(", ")
        );
        findings.push(error(file, line, Rule::Fact, message));
    }
    for fact in english.facts.difference(&page.facts) {
        let message = format!("The English page says the fact {{{{ {fact} }}}}; say it here too.");
        findings.push(error(file, 0, Rule::Fact, message));
    }
    let keys = |page: &Page| -> BTreeSet<String> {
        page.source
            .meta
            .iter()
            .map(|(key, ..)| key.clone())
            .collect()
    };
    for key in keys(english).symmetric_difference(&keys(page)) {
        let message = format!("The front matter differs from the English one in “{key}”.");
        findings.push(error(file, 1, Rule::Document, message));
    }
    let headings = |page: &Page| -> Vec<(u8, Option<String>, usize)> {
        page.parts
            .iter()
            .filter_map(|part| match part {
                Part::Heading { level, id, line } => Some((*level, id.clone(), *line)),
                Part::Link { .. } => None,
            })
            .collect()
    };
    let (ours, theirs) = (headings(page), headings(english));
    let differs = ours
        .iter()
        .zip(&theirs)
        .find(|(a, b)| (a.0, &a.1) != (b.0, &b.1))
        .map(|(a, b)| (a.2, b.2));
    let differs = differs.or_else(|| {
        let longer = if ours.len() > theirs.len() {
            ours.get(theirs.len())
        } else {
            None
        };
        (ours.len() != theirs.len()).then(|| (longer.map_or(0, |heading| heading.2), 0))
    });
    if let Some((line, original)) = differs {
        let at = if original == 0 {
            String::new()
        } else {
            format!(" (line {original} there)")
        };
        let message = format!(
            "The headings differ from the English ones{at}. Keep their order, their number of # and what stands in {{#…}}."
        );
        findings.push(error(file, line, Rule::Heading, message));
    }
}

/// Lines before the first one that has the fact, from the beginning of the file.
fn line_of(source: &Source, fact: &str) -> usize {
    let in_body = source
        .body
        .lines()
        .position(|line| line.contains(fact) && line.contains('{'));
    in_body.map_or(0, |at| source.body_line + at - 1)
}
