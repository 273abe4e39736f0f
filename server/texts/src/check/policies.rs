//! Are the policies numbered and dated, alike in every language, and has no published version other words than it had?
//!
//! The newest version of a policy is `policies/<name>.md`, older ones are `policies/history/<name>/<version>.md`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use super::files::error;
use super::report::{Finding, Level, Rule};
use crate::Locale;
use crate::content::{Library, Original, Source, in_folder};

/// One version as its file says.
struct Version {
    file: String,
    path: String,
    original: Original,
    number: u32,
    effective: Date,
}

/// By policy, the versions of one language.
type Policies = BTreeMap<String, Vec<Version>>;

/// Looks at the policies of a locale folder. Files that are broken as long texts are told elsewhere.
pub fn check(folder: &Path, findings: &mut Vec<Finding>) {
    let mut by_locale: BTreeMap<String, Policies> = BTreeMap::new();
    for (file, place) in in_folder(folder) {
        let mut parts = file.splitn(3, '/').skip(1);
        let (Some(locale), Some(rest)) = (parts.next(), parts.next()) else {
            continue;
        };
        let Some(path) = rest
            .strip_suffix(".md")
            .filter(|path| path.starts_with("policies/"))
        else {
            continue;
        };
        let Some(source) = std::fs::read_to_string(&place)
            .ok()
            .and_then(|text| Source::read(&file, locale, &text).ok())
        else {
            continue;
        };
        let original = Original::of(&source);
        match version(&file, path, original) {
            Ok((name, version)) => {
                let policies = by_locale.entry(locale.to_owned()).or_default();
                policies.entry(name).or_default().push(version);
            }
            Err(message) => findings.push(error(&file, 1, Rule::Document, message)),
        }
    }
    let english = by_locale.remove(Locale::EN.code()).unwrap_or_default();
    for versions in english.values() {
        numbered(versions, findings);
    }
    for policies in by_locale.values() {
        for version in policies.values().flatten() {
            same_day(version, &english, findings);
        }
    }
    let (built_in, _) = Library::embedded();
    let all = by_locale.iter().flat_map(|(code, policies)| {
        let versions = policies.values().flatten();
        versions.map(move |version| (code.as_str(), version))
    });
    let english = english.values().flatten();
    for (code, version) in all.chain(english.map(|version| (Locale::EN.code(), version))) {
        reworded(code, version, &built_in, findings);
    }
}

/// What the front matter says, and whether the file lies where such a version belongs.
fn version(file: &str, path: &str, original: Original) -> Result<(String, Version), String> {
    let said = |key: &str| original.meta.get(key).map(String::as_str);
    let number = said("version")
        .and_then(|text| text.parse().ok())
        .filter(|number: &u32| *number > 0)
        .ok_or("Add the number of this version to the front matter: version: 2")?;
    let effective = said("effective")
        .and_then(|text| text.parse().ok())
        .ok_or("Add the day from which this version counts: effective: 2027-01-31")?;
    if said("summary").is_none_or(|text| text.trim().is_empty()) {
        return Err("Say in a sentence what is new: summary: Refunds are quicker.".to_owned());
    }
    let below = path.trim_start_matches("policies/");
    let name = match below
        .strip_prefix("history/")
        .map(|rest| rest.split_once('/'))
    {
        None => below,
        Some(Some((name, of))) if of == number.to_string() => name,
        Some(_) => {
            return Err(format!(
                "The file says that it is version {number}: name it policies/history/NAME/{number}.md."
            ));
        }
    };
    let name = name.to_owned();
    let version = Version {
        file: file.to_owned(),
        path: path.to_owned(),
        original,
        number,
        effective,
    };
    Ok((name, version))
}

/// Versions are numbered from 1 without a gap, each counts no earlier than the one before, and the newest is no history.
fn numbered(versions: &[Version], findings: &mut Vec<Finding>) {
    let mut versions: Vec<_> = versions.iter().collect();
    versions.sort_by_key(|version| (version.number, !version.path.contains("/history/")));
    let mut tell = |version: &Version, message: String| {
        findings.push(error(&version.file, 1, Rule::Document, message));
    };
    let mut wanted = 1;
    for (at, version) in versions.iter().enumerate() {
        if version.number != wanted {
            tell(
                version,
                format!(
                    "This is version {}, but version {wanted} is missing: keep older versions as policies/history/NAME/{wanted}.md.",
                    version.number
                ),
            );
        }
        wanted = version.number + 1;
        if let Some(next) = versions.get(at + 1)
            && next.effective < version.effective
        {
            tell(
                next,
                format!(
                    "Version {} cannot count earlier than the version before it.",
                    next.number
                ),
            );
        }
    }
    if let Some(newest) = versions.last()
        && newest.path.contains("/history/")
    {
        tell(
            newest,
            "The newest version is no history: put it at policies/NAME.md.".to_owned(),
        );
    }
}

/// A translation is of the same version and counts from the same day as the English text at its place.
fn same_day(version: &Version, english: &Policies, findings: &mut Vec<Finding>) {
    let original = english
        .values()
        .flatten()
        .find(|original| original.path == version.path);
    if let Some(original) = original
        && (original.number, original.effective) != (version.number, version.effective)
    {
        let message = format!(
            "English is version {} of {}. Translate that version, with its number and day.",
            original.number, original.effective
        );
        findings.push(error(&version.file, 1, Rule::Document, message));
    }
}

/// A version that came with Farebox has the words it came with.
fn reworded(code: &str, version: &Version, built_in: &Library, findings: &mut Vec<Finding>) {
    let known = built_in
        .versions(code, &version.path)
        .iter()
        .map(Original::of)
        .find(|known| known.meta.get("version") == Some(&version.number.to_string()));
    if known.is_some_and(|known| known != version.original) {
        let message = format!(
            "Version {} came with other words. People may have accepted those: keep it as history, and give the new words a new version.",
            version.number
        );
        findings.push(Finding {
            level: Level::Warning,
            ..error(&version.file, 1, Rule::Document, message)
        });
    }
}
