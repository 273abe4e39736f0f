//! Does every key that the code names exist in English?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{Locale, Texts};

/// Folders whose code says something to people, from this package's folder.
const SPEAKERS: [&str; 4] = [
    "../../app/src",
    "../../src",
    "../proxy/src",
    "../sandbox/src",
];

/// Every string literal in the Rust files below `folder`, comments and all: what is no key is sorted out later.
fn literals(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("src/config") {
            // Names of settings look like keys (`keys.reveal`), and are none.
        } else if path.is_dir() {
            literals(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = fs::read_to_string(path).unwrap();
            found.extend(code.split('"').map(str::to_owned));
        }
    }
}

#[test]
fn every_key_in_the_code_has_an_english_text() {
    let texts = Texts::embedded();
    let english = texts.keys(Locale::EN);
    let areas: BTreeSet<_> = english
        .iter()
        .filter_map(|key| key.split('.').next())
        .collect();
    let mut found = BTreeSet::new();
    for folder in SPEAKERS {
        literals(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut found,
        );
    }
    let is_key = |text: &str| {
        let mut parts = text.split('.');
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        parts.next().is_some_and(|area| areas.contains(area))
            && text.contains('.')
            && parts.all(word)
    };
    let named: Vec<_> = found.iter().filter(|text| is_key(text)).collect();
    let known = |key: &str| english.contains(key) || english.contains(&format!("{key}_other"));
    let unknown: Vec<_> = named.iter().filter(|key| !known(key)).collect();
    assert!(
        named.len() > 50,
        "only {} keys were found: did the code move?",
        named.len()
    );
    assert!(
        unknown.is_empty(),
        "the code names texts that locales/en.json does not have: {unknown:?}"
    );
}
