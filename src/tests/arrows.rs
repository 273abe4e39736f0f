//! Which package may name which? Compares `cargo metadata` with the drawing in `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

type Arrows = BTreeMap<String, BTreeSet<String>>;

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

/// What the drawing shows. `a ─▶ b ─▶ c` are two arrows, `a, b ─▶ c` are two more; a branch (`├`, `└`) hangs on the name
/// above it.
fn drawn(document: &str) -> Arrows {
    let start = document
        .find("Arrows point down only")
        .expect("docs/architecture.md has the drawing");
    let drawing = document[start..]
        .split("```")
        .nth(1)
        .expect("the drawing is a code block");
    let mut arrows = Arrows::new();
    // Every name of the lines above, with its columns.
    let mut above: Vec<Name> = Vec::new();
    for line in drawing.lines() {
        let line: Vec<char> = line.chars().collect();
        let names = names(&line);
        let mut from: Vec<String> = Vec::new();
        let mut group: Vec<String> = Vec::new();
        let mut end = 0;
        for name in &names {
            let between = &line[end..name.columns.start];
            if between.contains(&'▶') {
                let branch = between
                    .iter()
                    .rposition(|c| matches!(c, '├' | '└'))
                    .map(|at| end + at);
                from = match branch {
                    Some(column) => {
                        let parent = above
                            .iter()
                            .rev()
                            .find(|name| name.columns.contains(&column));
                        vec![parent.expect("a branch hangs on a name").text.clone()]
                    }
                    None => std::mem::take(&mut group),
                };
                group.clear();
            } else if !between.contains(&',') {
                // Another drawing beside this one.
                (from, group) = (Vec::new(), Vec::new());
            }
            for source in &from {
                arrows
                    .entry(source.clone())
                    .or_default()
                    .insert(name.text.clone());
            }
            group.push(name.text.clone());
            end = name.columns.end;
        }
        above.extend(names);
    }
    arrows
}

#[derive(Debug)]
struct Name {
    text: String,
    /// With what stands in brackets behind it.
    columns: std::ops::Range<usize>,
}

/// The names on a line: `app[ssr]` is the package app, `farebox(bin)` the package farebox.
fn names(line: &[char]) -> Vec<Name> {
    let mut names = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let length = |from: usize, belongs: fn(&char) -> bool| {
            line[from..].iter().take_while(|c| belongs(c)).count()
        };
        let letters = length(at, |c| c.is_ascii_alphanumeric());
        let suffix = length(at + letters, |c| {
            c.is_ascii_alphanumeric() || "[]()".contains(*c)
        });
        if letters > 0 {
            names.push(Name {
                text: line[at..at + letters].iter().collect(),
                columns: at..at + letters + suffix,
            });
        }
        at += (letters + suffix).max(1);
    }
    names
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
    // `bundle` and `fuzz` are programs that make and test: nobody names them, and they stand outside the picture.
    for (package, names) in real()
        .into_iter()
        .filter(|(package, _)| !matches!(package.as_str(), "bundle" | "fuzz"))
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
}
