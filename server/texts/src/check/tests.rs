//! Does the check find each kind of mistake, and nothing in the shipped files?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use super::*;

const EN: &str = r#"{
  "_meta": {"autonym": "English"},
  "a": {
    "plain": "Your balance is low",
    "value": "Hello %{name}",
    "link": "Please <0>sign in</0> to Farebox",
    "keys_one": "%{count} key of %{name}",
    "keys_other": "%{count} keys of %{name}"
  }
}"#;

/// The German file with the texts of `EN`; each test breaks one of them.
const DE: &str = r#"{
  "_meta": {"autonym": "Deutsch", "complete": true},
  "a": {
    "plain": "Ihr Guthaben ist knapp",
    "value": "Hallo %{name}",
    "link": "Bitte bei Farebox <0>anmelden</0>",
    "keys_one": "ein Schlüssel von %{name}",
    "keys_other": "%{count} Schlüssel von %{name}"
  }
}"#;

const NOTES: &str = "key,note,example,max_length\na.plain,\"A line, above the meter\",,25\na.keys,In lists,3 keys,\n";
const GLOSSARY: &str = "term,en,de,translate\nbalance,balance,guthaben,yes\nFarebox,Farebox,,no\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("en.json", EN),
        ("notes.csv", NOTES),
        ("glossary.csv", GLOSSARY),
    ]
    .iter()
    .chain(files)
    {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn check(files: &[(&str, &str)]) -> Report {
    run(folder(files).path())
}

/// The findings about German when `from` is replaced by `to` in its file: rule and line; only hints are warnings.
fn german(from: &str, to: &str) -> Vec<(Rule, usize)> {
    assert!(DE.contains(from), "{from}");
    let report = check(&[("de.json", &DE.replacen(from, to, 1))]);
    for finding in &report.findings {
        let hint = matches!(finding.rule, Rule::Typography | Rule::Glossary);
        assert_eq!(finding.level == Level::Warning, hint, "{finding}");
    }
    report
        .findings
        .into_iter()
        .map(|f| (f.rule, f.line))
        .collect()
}

#[test]
fn shipped_files_are_clean() {
    let report = run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../locales"));
    assert_eq!(report.findings, [], "\n{report}");
    assert!(report.ok);
    for progress in report
        .languages
        .iter()
        .filter(|progress| ["en", "ru"].contains(&progress.locale.as_str()))
    {
        assert_eq!(progress.have, progress.need);
    }
}

#[test]
fn a_right_file_has_no_findings() {
    let report = check(&[("de.json", DE)]);
    assert_eq!(report.findings, [], "\n{report}");
    let german = Progress {
        locale: "de".into(),
        have: 5,
        need: 5,
        complete: true,
    };
    assert_eq!(report.languages[1], german);
}

#[test]
fn every_mistake_in_a_text_is_found() {
    use Rule::{Forbidden, Glossary, Missing, Placeholder, Spaces, Tag, TooLong, Typography};
    let table = [
        (Missing, 4, "Ihr Guthaben ist knapp", ""),
        (Spaces, 4, "Ihr Guthaben", " Ihr Guthaben"),
        (Spaces, 4, "Ihr Guthaben", "Ihr  Guthaben"),
        (Spaces, 4, "Ihr Guthaben", "Ihr\u{a0} Guthaben"),
        (TooLong, 4, "knapp", "knapp und bald leer"),
        (Typography, 4, "ist knapp", "..."),
        (Typography, 4, "ist knapp", "\\\"knapp\\\""),
        (Typography, 4, "ist knapp", "geht's"),
        (Glossary, 4, "Ihr Guthaben", "Ihr Geld"),
        (Glossary, 6, "Farebox", "Fahrkasse"),
        (Forbidden, 4, "ist knapp", "<b>!</b>"),
        (Forbidden, 4, "ist knapp", "<!-- -->"),
        (Forbidden, 4, "ist knapp", "&lt;"),
        (Forbidden, 4, "ist knapp", "JavaScript:x"),
        (Forbidden, 4, "ist knapp", "\u{202e}x"),
        (Forbidden, 4, "ist knapp", "\u{2066}x"),
        (Forbidden, 4, "ist knapp", "\u{200b}x"),
        (Forbidden, 4, "ist knapp", "x\\u0000x"),
        (Placeholder, 5, "Hallo %{name}", "Hallo"),
        (Placeholder, 5, "Hallo %{name}", "Hallo %{name} %{nme}"),
        (Placeholder, 5, "Hallo %{name}", "Hallo %{name"),
        (Placeholder, 5, "Hallo %{name}", "Hallo %{name} {{x}}"),
        (Placeholder, 5, "Hallo %{name}", "Hallo %{name} %{Name}"),
        (Tag, 6, "<0>anmelden</0>", "anmelden"),
        (Tag, 6, "<0>anmelden</0>", "<0>anmelden"),
        (Tag, 6, "<0>anmelden</0>", "anmelden</0>"),
        (Tag, 6, "<0>anmelden</0>", "<1>anmelden</1>"),
        (Tag, 6, "<0>anmelden</0>", "<0>an</0><0>melden</0>"),
        (Placeholder, 7, "ein Schlüssel von %{name}", "ein Schlüssel"),
        (Placeholder, 8, "%{count} Schlüssel", "Schlüssel"),
    ];
    for (rule, line, from, to) in table {
        let found = german(from, to);
        assert!(
            found.contains(&(rule, line)),
            "{from} -> {to} gave {found:?}"
        );
    }
}

#[test]
fn every_mistake_in_a_key_is_found() {
    use Rule::{Duplicate, Extra, KeyName, Meta, Missing, NotText, Plural, Unreadable};
    let table = [
        (Plural, 7, "keys_one", "keys_few"),
        (Plural, 0, "keys_one", "keys_few"),
        (Extra, 4, "\"plain\"", "\"plane\""),
        (Missing, 0, "\"plain\"", "\"plane\""),
        (KeyName, 4, "\"plain\"", "\"Plain\""),
        (NotText, 4, "\"Ihr Guthaben ist knapp\"", "[1]"),
        (Duplicate, 5, "\"value\"", "\"plain\""),
        (Meta, 2, "\"complete\"", "\"finished\""),
        (Meta, 2, "\"Deutsch\"", "\"\""),
        (Unreadable, 2, "\"Deutsch\",", "\"Deutsch\""),
    ];
    for (rule, line, from, to) in table {
        let found = german(from, to);
        assert!(
            found.contains(&(rule, line)),
            "{from} -> {to} gave {found:?}"
        );
    }
}

#[test]
fn unfinished_languages_only_warn_about_what_is_missing() {
    let started = r#"{"_meta": {"autonym": "Polski"}, "a": {"keys_one": "klucz od %{name}", "keys_few": "%{count} klucze od %{name}"}}"#;
    let report = check(&[("pl.json", started)]);
    assert!(report.ok && report.warnings == 5, "\n{report}");
    assert_eq!(
        report.languages[1],
        Progress {
            locale: "pl".into(),
            have: 2,
            need: 7,
            complete: false
        }
    );
    let many = report
        .findings
        .iter()
        .find(|finding| finding.key == "a.keys_many")
        .unwrap();
    assert!(many.message.contains("0, 5, 6"), "{many}");
}

#[test]
fn languages_whose_one_is_many_numbers_keep_the_count() {
    let ukrainian = |one: &str| {
        let forms = r#""keys_few": "%{count} ключі %{name}", "keys_many": "%{count} ключів %{name}", "keys_other": "%{count} ключа %{name}""#;
        let json = format!(
            r#"{{"_meta": {{"autonym": "Українська"}}, "a": {{"keys_one": "{one}", {forms}}}}}"#
        );
        check(&[("uk.json", &json)])
    };
    assert!(ukrainian("%{count} ключ %{name}").ok);
    assert!(!ukrainian("ключ %{name}").ok);
}

#[test]
fn arabic_needs_its_six_forms_and_keeps_its_direction_marks() {
    let forms: Vec<_> = plural::categories("ar")
        .into_iter()
        .map(|form| format!("\"keys_{form}\": \"\u{200f}%{{count}} %{{name}}\""))
        .collect();
    let report = check(&[(
        "ar.json",
        &format!(
            "{{\"_meta\": {{\"autonym\": \"العربية\"}}, \"a\": {{{}}}}}",
            forms.join(",")
        ),
    )]);
    assert!(report.ok, "\n{report}");
    assert_eq!(
        report.languages[1],
        Progress {
            locale: "ar".into(),
            have: 6,
            need: 9,
            complete: false
        }
    );
}

#[test]
fn french_spaces_are_looked_at() {
    let french = |text: &str| {
        let report = check(&[(
            "fr.json",
            &format!(r#"{{"_meta": {{"autonym": "Français"}}, "a": {{"value": "{text}"}}}}"#),
        )]);
        report
            .findings
            .iter()
            .any(|finding| finding.rule == Rule::Typography)
    };
    assert!(french("Bonjour %{name}!") && french("Bonjour %{name} !"));
    assert!(!french("Bonjour %{name}\u{a0}!") && !french("Bonjour %{name} à 15:04"));
}

#[test]
fn english_itself_is_checked() {
    let broken = |from: &str, to: &str| check(&[("en.json", &EN.replacen(from, to, 1))]);
    for (from, to, rule) in [
        ("keys_other", "keys_few", Rule::Plural),
        ("keys_one", "keys_many", Rule::Plural),
        ("%{count} key of %{name}", "%{count} key", Rule::Placeholder),
        ("Hello %{name}", "Hello %{ name }", Rule::Placeholder),
        ("\"a\": {", "\"a\": {\"b\": 1,", Rule::NotText),
    ] {
        let report = broken(from, to);
        assert!(
            !report.ok && report.findings.iter().any(|finding| finding.rule == rule),
            "{from} -> {to}\n{report}"
        );
    }
}

#[test]
fn broken_files_and_tables_are_told() {
    let table: [(&str, &[u8], Rule, usize); 9] = [
        ("de.json", b"{\n\"a\": 1,\n}", Rule::Unreadable, 3),
        ("de.json", b"\xff\xfe", Rule::Unreadable, 0),
        ("de_DE.json", b"{}", Rule::FileName, 0),
        ("qps-ploc.json", b"{}", Rule::FileName, 0),
        (
            "notes.csv",
            b"key,note,example,max_length\na.gone,x,,\n",
            Rule::Table,
            2,
        ),
        (
            "notes.csv",
            b"key,note,example,max_length\na.plain,x,,many\n",
            Rule::Table,
            2,
        ),
        ("notes.csv", b"key,note\n", Rule::Table, 1),
        (
            "notes.csv",
            b"key,note,example,max_length\na.plain,a, b, c, d\n",
            Rule::Table,
            2,
        ),
        (
            "glossary.csv",
            b"term,en,translate\nx,x,maybe\n",
            Rule::Table,
            2,
        ),
    ];
    for (name, content, rule, line) in table {
        let folder = folder(&[]);
        fs::write(folder.path().join(name), content).unwrap();
        let report = run(folder.path());
        let found = report
            .findings
            .iter()
            .any(|f| f.file == name && f.rule == rule && f.line == line);
        assert!(found, "{name}\n{report}");
    }
    let folder = folder(&[]);
    fs::remove_file(folder.path().join("en.json")).unwrap();
    assert!(!run(folder.path()).ok);
    assert!(!run(&folder.path().join("missing")).ok);
}

#[test]
fn the_report_reads_well_for_people_and_programs() {
    let report = check(&[("de.json", &DE.replacen("Hallo %{name}", "Hallo", 1))]);
    let printed = report.to_string();
    assert!(
        printed.contains("de.json:5: error: a.value: The placeholder %{name} is missing."),
        "{printed}"
    );
    assert!(
        printed.contains("de       5 of 5 texts, 100 %")
            && printed.ends_with("Errors: 1. Warnings: 0."),
        "{printed}"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["ok"], false);
    let finding = serde_json::json!({
        "file": "de.json", "line": 5, "key": "a.value", "level": "error", "rule": "placeholder",
        "message": "The placeholder %{name} is missing. English: “Hello %{name}”"
    });
    assert_eq!(json["findings"], serde_json::json!([finding]));
}

/// What is found in a folder with these long texts; German is complete.
fn long(pages: &[(&str, &str)]) -> Vec<(Rule, String, usize)> {
    let folder = folder(&[("de.json", DE)]);
    for (name, content) in pages {
        let path = folder.path().join("content").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let report = run(folder.path());
    report
        .findings
        .into_iter()
        .map(|found| (found.rule, found.file, found.line))
        .collect()
}

#[test]
fn long_texts_are_compared_with_english() {
    const ENGLISH: &str =
        "---\ntitle: T\n---\n## One {#one}\n\n{{ brand }} [a](#one) [b](/docs/y) [c](/keys)\n";
    let y = ("en/docs/y.md", "---\ntitle: Y\n---\nText\n");
    let y_de = ("de/docs/y.md", "---\ntitle: Y\n---\nText\n");
    let german = |from: &str, to: &str| {
        let page = ENGLISH.replacen(from, to, 1);
        long(&[("en/docs/x.md", ENGLISH), ("de/docs/x.md", &page), y, y_de])
            .into_iter()
            .map(|(rule, file, line)| {
                assert_eq!(file, "content/de/docs/x.md");
                (rule, line)
            })
            .collect::<Vec<_>>()
    };
    let table = [
        ("One {#one}", "Eins {#one}", vec![]),
        ("## One {#one}", "## One {#eins}", vec![(Rule::Heading, 4)]),
        ("## One", "### One", vec![(Rule::Heading, 4)]),
        ("[c](/keys)", "\n\n## Two", vec![(Rule::Heading, 8)]),
        ("brand", "marke", vec![(Rule::Fact, 0), (Rule::Fact, 6)]),
        ("/docs/y)", "/docs/z)", vec![(Rule::Link, 6)]),
        ("/docs/y)", "/docs/y#no)", vec![(Rule::Link, 6)]),
        ("/docs/y)", "docs/y)", vec![(Rule::Link, 6)]),
        ("title: T", "titel: T", vec![(Rule::Document, 1)]),
        ("title: T", "title: T\nmore: x", vec![(Rule::Document, 1)]),
        ("{{ brand }}", "{{ brand", vec![(Rule::Document, 6)]),
    ];
    for (from, to, wanted) in table {
        let mut found = german(from, to);
        // An anchor of the page's own heading goes with the heading.
        found.retain(|(rule, line)| to != "## One {#eins}" || (*rule, *line) != (Rule::Link, 6));
        assert_eq!(found, wanted, "{from} → {to}");
    }
    let missing = long(&[("en/docs/x.md", ENGLISH), y, y_de]);
    let file = "content/de/docs/x.md".to_owned();
    assert_eq!(missing, [(Rule::Missing, file, 0)]);
    let title = long(&[
        ("en/docs/y.md", "---\ntitle: Y\n---\n# Y\n"),
        ("de/docs/y.md", "---\ntitle: Y\n---\n# Y\n"),
        ("fr/docs/y.md", "---\ntitle: Y\n---\n"),
    ]);
    let rules: Vec<_> = title.iter().map(|(rule, ..)| *rule).collect();
    assert_eq!(rules, [Rule::Heading, Rule::Heading, Rule::FileName]);
}

#[test]
fn policies_are_numbered_dated_and_keep_their_words() {
    let page = |number: u32, day: &str| {
        format!(
            "---\ntitle: T\nversion: {number}\neffective: {day}\nsummary: S\n---\nWords {number}\n"
        )
    };
    let (one, two, day_off) = (
        page(1, "2026-01-01"),
        page(2, "2026-02-01"),
        page(2, "2025-01-01"),
    );
    let told = |newest: &str, older: Option<(&str, &str)>, german: &str| {
        let mut pages = vec![("en/policies/x.md", newest), ("de/policies/x.md", german)];
        if let Some((file, text)) = older {
            pages.push((file, text));
        }
        let found = long(&pages).into_iter();
        found
            .filter(|(rule, ..)| *rule == Rule::Document)
            .map(|(_, file, _)| file)
            .collect::<Vec<_>>()
    };
    let (en, de) = ("content/en/policies/x.md", "content/de/policies/x.md");
    let first = "en/policies/history/x/1.md";
    let none: [&str; 0] = [];
    assert_eq!(told(&one, None, &one), none);
    assert_eq!(told(&two, Some((first, &one)), &two), none);
    assert_eq!(told(&two, None, &two), [en], "where is version 1?");
    assert_eq!(told(&two, Some((first, &one)), &one), [de]);
    assert_eq!(told(&day_off, Some((first, &one)), &day_off), [en]);
    let misplaced = "content/en/policies/history/x/7.md";
    let at_seven = Some(("en/policies/history/x/7.md", one.as_str()));
    assert_eq!(told(&one, at_seven, &one), [misplaced]);
    for broken in ["version: 0", "effective: soon", "summary:"] {
        let key = broken.split(':').next().unwrap();
        let line = one.lines().find(|line| line.starts_with(key)).unwrap();
        let text = one.replace(line, broken);
        assert_eq!(told(&text, None, &one), [en], "{broken}");
    }

    let folder = folder(&[]);
    let policies = folder.path().join("content/en/policies");
    fs::create_dir_all(&policies).unwrap();
    let ours = format!(
        "{}/../../locales/content/en/policies/terms.md",
        env!("CARGO_MANIFEST_DIR")
    );
    let ours = fs::read_to_string(ours).unwrap();
    let warned = |text: &str| {
        fs::write(policies.join("terms.md"), text).unwrap();
        let warnings = run(folder.path()).findings.into_iter();
        warnings
            .filter(|found| found.message.contains("came with other words"))
            .count()
    };
    assert_eq!(
        (warned(&ours), warned(&ours.replace("agreement", "deal"))),
        (0, 1)
    );
}
