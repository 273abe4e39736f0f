//! Does a folder of texts behave while people edit it, and does one catalogue stay apart from another?

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Locale, Texts};

fn write(folder: &Path, name: &str, content: &str) {
    fs::write(folder.join(name), content).unwrap();
}

/// Waits until `done`, at most two seconds on a busy machine; an idle one needs less than one.
fn soon(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "not within two seconds: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_folder_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "en.json",
        r#"{"a": {"b": "Old", "c": "Only English %{n}"}}"#,
    );
    write(
        folder.path(),
        "de.json",
        r#"{"_meta": {"autonym": "Deutsch"}, "a": {"b": "Alt"}}"#,
    );
    let texts = Texts::folder(folder.path()).unwrap();
    let de = texts.locale("de").unwrap();
    assert_eq!(
        (de.autonym(), texts.t(de, "a.b", &[])),
        ("Deutsch", "Alt".to_owned())
    );
    assert_eq!(texts.t(de, "a.c", &[("n", "1")]), "Only English 1");
    assert_eq!(texts.t(de, "a.nothing", &[]), "a.nothing");
    assert_eq!(texts.locale("ru"), None, "the folder has no Russian");

    write(folder.path(), "de.json", r#"{"a": {"b": "Neu!"}}"#);
    soon("an edit shows", || texts.t(de, "a.b", &[]) == "Neu!");

    write(folder.path(), "de.json", "{\"a\": \n{\"b\": \"half");
    soon("a broken file is told", || {
        texts
            .problems()
            .iter()
            .any(|p| p.file == "de.json" && p.line == 2)
    });
    assert_eq!(
        texts.t(de, "a.b", &[]),
        "Neu!",
        "a broken file keeps the last good texts"
    );

    write(folder.path(), "pt-BR.json", r#"{"a": {"b": "Novo"}}"#);
    write(folder.path(), "notes.json.json", "{}");
    soon("a new language appears", || texts.locale("pt-br").is_some());
    assert!(texts.problems().iter().any(|p| p.file == "notes.json.json"));

    write(folder.path(), "de.json", r#"{"a": {"b": "Gut"}}"#);
    soon("a mended file is good again", || {
        texts.t(de, "a.b", &[]) == "Gut" && texts.problems().len() == 1
    });
    fs::remove_file(folder.path().join("de.json")).unwrap();
    soon("a removed file is gone", || texts.locale("de").is_none());
    assert_eq!(texts.t(de, "a.b", &[]), "Old");
}

#[test]
fn a_folder_without_texts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Texts::folder(folder.path()).is_err());
    assert!(Texts::folder(folder.path().join("missing")).is_err());
}

#[test]
fn threads_with_different_catalogues_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "en.json",
        r#"{"wallet": {"balance": "Mine"}}"#,
    );
    let (ours, theirs) = (Texts::embedded(), Texts::folder(folder.path()).unwrap());
    std::thread::scope(|scope| {
        for (texts, wanted) in [
            (&ours, "Balance"),
            (&theirs, "Mine"),
            (&ours, "Balance"),
            (&theirs, "Mine"),
        ] {
            scope.spawn(move || {
                for _ in 0..2_000 {
                    assert_eq!(texts.t(Locale::EN, "wallet.balance", &[]), wanted);
                }
            });
        }
    });
    for _ in 0..10 {
        assert_eq!(ours.t(Locale::EN, "wallet.balance", &[]), "Balance");
        assert_eq!(theirs.t(Locale::EN, "wallet.balance", &[]), "Mine");
    }
}
