//! Which package may name which? Compares `cargo metadata` with the drawing in `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

type Arrows = BTreeMap<String, BTreeSet<String>>;

const DOWN: &str = "─▶";

/// What the packages name for real; what only their tests name is left out.
fn real() -> Arrows {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let arrows = |package: &Value| {
        let named = package["dependencies"].as_array().unwrap();
        named
            .iter()
            .filter(|named| named["kind"].is_null())
            .map(name)
            .filter(|named| ours.contains(named))
            .collect()
    };
    packages
        .iter()
        .map(|package| (name(package), arrows(package)))
        .collect()
}

/// What the drawing shows. `a ─▶ b ─▶ c` are two arrows, `a, b ─▶ c` two more; a line that begins with a branch (`├`, `└`)
/// continues the package above it in the column of the branch.
fn drawn(document: &str) -> Arrows {
    let start = document
        .find("Arrows point down only")
        .expect("docs/architecture.md has the drawing");
    let drawing = document[start..]
        .split("```")
        .nth(1)
        .expect("the drawing is a code block");
    let mut arrows = Arrows::new();
    // The package that stands above each column, for branches.
    let mut above: Vec<(usize, String)> = Vec::new();
    for line in drawing.lines().filter(|line| line.contains('▶')) {
        for sentence in split_sentences(line) {
            let mut from: Vec<String> = Vec::new();
            for (column, part) in sentence {
                let names: Vec<String> = part
                    .split(',')
                    .map(package)
                    .filter(|name| !name.is_empty())
                    .collect();
                let branch = part.contains(['├', '└']);
                if branch {
                    let parent = above
                        .iter()
                        .rev()
                        .find(|(left, name)| *left <= column + 8 && !name.is_empty())
                        .expect("a branch hangs on something");
                    from = vec![parent.1.clone()];
                    continue;
                }
                for (source, target) in from
                    .iter()
                    .flat_map(|source| names.iter().map(move |target| (source, target)))
                {
                    arrows
                        .entry(source.clone())
                        .or_default()
                        .insert(target.clone());
                }
                if let Some(name) = names.first() {
                    above.push((column, name.clone()));
                }
                from = names;
            }
        }
    }
    arrows
}

/// Two drawings may share a line, side by side: they are apart by several spaces.
fn split_sentences(line: &str) -> Vec<Vec<(usize, String)>> {
    let mut sentences = Vec::new();
    let mut column = 0;
    for sentence in line.split("     ").filter(|part| !part.is_empty()) {
        let mut parts = Vec::new();
        for part in sentence.split('▶') {
            parts.push((column, part.to_owned()));
            column += part.chars().count() + 1;
        }
        if sentence.contains('▶') {
            sentences.push(parts);
        }
    }
    sentences
}

/// `farebox(bin) ─` names the package farebox, `app[ssr]` the package app.
fn package(text: &str) -> String {
    let text = text.trim_matches(|c: char| {
        !c.is_alphanumeric() && c != '(' && c != ')' && c != '[' && c != ']'
    });
    text.split(['(', '['])
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Everything that can be reached by arrows.
fn below(arrows: &Arrows, package: &str, found: &mut BTreeSet<String>) {
    for next in arrows.get(package).into_iter().flatten() {
        if found.insert(next.clone()) {
            below(arrows, next, found);
        }
    }
}

#[test]
fn packages_name_only_what_the_drawing_has_below_them() {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md"))
            .unwrap();
    let drawn = drawn(&document);
    // `bundle` is a program that makes files; it names none of ours and stands outside the picture.
    for (package, names) in real()
        .into_iter()
        .filter(|(package, _)| package != "bundle")
    {
        let mut allowed = BTreeSet::new();
        below(&drawn, &package, &mut allowed);
        let extra: Vec<_> = names.difference(&allowed).collect();
        assert!(
            extra.is_empty(),
            "{package} names {extra:?}; the drawing in docs/architecture.md allows {allowed:?}"
        );
    }
}

#[test]
fn the_drawing_is_read_as_it_is_meant() {
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md"))
            .unwrap();
    let drawn = drawn(&document);
    let has = |from: &str, to: &str| drawn.get(from).is_some_and(|names| names.contains(to));
    for (from, to) in [
        ("farebox", "app"),
        ("farebox", "proxy"),
        ("farebox", "sandbox"),
        ("farebox", "migrations"),
        ("app", "server"),
        ("proxy", "server"),
        ("proxy", "wire"),
        ("frontend", "app"),
        ("server", "texts"),
        ("texts", "domain"),
    ] {
        assert!(has(from, to), "{from} ─▶ {to} is missing in {drawn:?}");
    }
    for (from, to) in [
        ("proxy", "app"),
        ("app", "proxy"),
        ("server", "proxy"),
        ("domain", "server"),
        ("app", "wire"),
    ] {
        let mut allowed = BTreeSet::new();
        below(&drawn, from, &mut allowed);
        assert!(!allowed.contains(to), "{from} reaches {to} in {drawn:?}");
    }
    assert!(DOWN.ends_with('▶'));
}
