//! Do long texts become pages: facts filled in, HTML harmless, English where a translation is missing?
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

fn write(folder: &Path, name: &str, content: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A folder with English and Russian and these pages.
fn texts(pages: &[(&str, &str)]) -> (tempfile::TempDir, Texts) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "en.json", r#"{"a": {"b": "x"}}"#);
    write(folder.path(), "ru.json", r#"{"a": {"b": "x"}}"#);
    for (name, content) in pages {
        write(folder.path(), &format!("content/{name}"), content);
    }
    let texts = Texts::folder(folder.path()).unwrap();
    (folder, texts)
}

fn body(markdown: &str) -> Document {
    let page = format!("---\ntitle: T\n---\n{markdown}");
    let (_folder, texts) = texts(&[("en/t/x.md", &page)]);
    texts
        .document("ru", "t/x", &Facts::default())
        .unwrap()
        .unwrap()
}

#[test]
fn facts_fill_title_and_text() {
    let page = "---\ntitle: \"Terms of {{ brand }}\"\nversion: 3\n---\n{% if paid %}\nYou pay {{ brand }}.\n{% endif %}\n\n| a |\n|---|\n{% for x in rows %}\n| {{ x }} |\n{% endfor %}\n\nEnd {# of it\n";
    let (_folder, texts) = texts(&[("en/t/x.md", page)]);
    let facts = Facts::default()
        .plain("brand", "A*B")
        .flag("paid", true)
        .list("rows", vec!["1".to_owned(), "2".to_owned()]);
    let document = texts.document("en", "t/x", &facts).unwrap().unwrap();
    assert_eq!(
        (document.meta["version"].as_str(), document.title.as_str()),
        ("3", "Terms of A*B")
    );
    assert!(
        document.html.contains("<p>You pay A*B.</p>"),
        "{document:?}"
    );
    assert!(
        document.html.contains("<td>1</td></tr><tr><td>2</td>"),
        "{document:?}"
    );
    assert!(document.html.contains("End {# of it"), "{document:?}");
    assert!(document.markdown.starts_with("# Terms of A\\*B\n\nYou pay"));

    let error = texts
        .document("en", "t/x", &Facts::default().text("brand", "B"))
        .unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("content/en/t/x.md", 5));
    assert!(error.message.contains("no fact paid, rows"), "{error}");
}

#[test]
fn what_is_no_markdown_is_text_and_links_cannot_run_code() {
    let page = body(
        "<script>alert(1)</script>\n\nA <b onclick=x>b</b> [x](javascript:alert(1)) [y](//evil) ![alt](https://x/y.png) `<i>`\n",
    );
    assert!(
        !page.html.contains("<script") && !page.html.contains("<b"),
        "{}",
        page.html
    );
    assert!(
        !page.html.contains("javascript:") && !page.html.contains("evil"),
        "{}",
        page.html
    );
    assert!(
        !page.html.contains("<img") && page.html.contains("alt"),
        "{}",
        page.html
    );
    assert!(
        page.html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{}",
        page.html
    );
    assert!(
        page.html
            .contains("<code translate=\"no\">&lt;i&gt;</code>"),
        "{}",
        page.html
    );
}

#[test]
fn links_of_this_site_lead_to_the_readers_language() {
    let page = body(
        "[a](/docs/x#y) [b](/docs/x.md) [c](/v1/models) [d](https://e.org/a) [e](#f) [g](mailto:a@b.c)\n",
    );
    for href in [
        "/ru/docs/x#y",
        "/docs/x.md",
        "/v1/models",
        "https://e.org/a",
        "#f",
        "mailto:a@b.c",
    ] {
        assert!(
            page.html.contains(&format!("<a href=\"{href}\">")),
            "{href}: {}",
            page.html
        );
    }
    let source = "---\ntitle: T\n---\n[a](/keys) [b](/docs)\n";
    let (_folder, texts) = texts(&[("en/t/x.md", source)]);
    let facts = Facts::default().translated(|path| path == "/docs");
    let html = texts.document("ru", "t/x", &facts).unwrap().unwrap().html;
    assert!(
        html.contains("\"/keys\"") && html.contains("\"/ru/docs\""),
        "{html}"
    );
}

#[test]
fn headings_have_addresses_and_tables_names() {
    let page = body(
        "| n |\n|--:|\n| 1 |\n\n## How it `works` {#how}\n\n### Привет, мир\n\n### Привет, мир\n\n# Second title\n\n```sh\necho \"<a>\"\n```\n",
    );
    let found: Vec<_> = page
        .headings
        .iter()
        .map(|h| (h.level, h.id.as_str(), h.text.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (2, "how", "How it works"),
            (3, "привет-мир", "Привет, мир"),
            (3, "привет-мир-2", "Привет, мир"),
            (2, "second-title", "Second title"),
        ]
    );
    assert!(
        page.html
            .contains("<h2 id=\"how\">How it <code translate=\"no\">works</code></h2>"),
        "{}",
        page.html
    );
    assert!(
        page.html.contains(
            "<table aria-labelledby=\"title\"><thead><tr><th scope=\"col\" class=\"n\">n</th>"
        ),
        "{}",
        page.html
    );
    assert!(
        page.html
            .contains("data-language=\"sh\"><code>echo \"&lt;a&gt;\""),
        "{}",
        page.html
    );
}

#[test]
fn a_missing_or_broken_translation_shows_english() {
    let (folder, texts) = texts(&[("en/t/x.md", "---\ntitle: T\n---\nEnglish {{ n }}\n")]);
    let facts = Facts::default().text("n", "1");
    let shown = || {
        let page = texts.document("ru", "t/x", &facts).unwrap().unwrap();
        (page.locale, page.html)
    };
    let soon = |wanted: (&str, &str)| {
        let start = Instant::now();
        while (shown().0.as_str(), shown().1.as_str()) != wanted {
            assert!(
                start.elapsed() < Duration::from_secs(2),
                "{wanted:?} {:?}",
                shown()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    assert_eq!(shown(), ("en".to_owned(), "<p>English 1</p>\n".to_owned()));
    assert_eq!(texts.document("ru", "t/y", &facts), Ok(None));

    write(
        folder.path(),
        "content/ru/t/x.md",
        "---\ntitle: T\n---\nПо-русски {{ n }}\n",
    );
    soon(("ru", "<p>По-русски 1</p>\n"));
    // An unknown fact cannot be known before it is asked for; the English page takes its place.
    write(
        folder.path(),
        "content/ru/t/x.md",
        "---\ntitle: T\n---\nПо-русски {{ nn }}\n",
    );
    soon(("en", "<p>English 1</p>\n"));
    write(
        folder.path(),
        "content/ru/t/x.md",
        "---\ntitle: T\n---\nСнова {{ n }}\n",
    );
    soon(("ru", "<p>Снова 1</p>\n"));
    // A file that cannot be read at all keeps its last good text, and is told.
    write(
        folder.path(),
        "content/ru/t/x.md",
        "---\ntitle: T\n---\n{% if n %}open\n",
    );
    let start = Instant::now();
    while texts.problems().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "the broken file is not told"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(texts.problems()[0].file, "content/ru/t/x.md");
    assert_eq!(shown().1, "<p>Снова 1</p>\n");
}

#[test]
fn mistakes_are_told_with_their_line() {
    let table = [
        ("no front matter", 1),
        ("---\ntitle: T\nno colon\n---\n", 3),
        ("---\ntitle: T\ntitle: U\n---\n", 3),
        ("---\ntitle: T\n", 2),
        ("---\ndescription: T\n---\n", 1),
        ("---\ntitle: T\n---\na\n{% if x %}\n", 5),
        ("---\ntitle: {{ x\n---\n", 2),
    ];
    for (text, line) in table {
        let error = Source::read("f.md", "en", text).unwrap_err();
        assert_eq!(error.line, line, "{text:?}: {error}");
        assert!(!error.message.is_empty());
    }
}

#[test]
fn pseudo_locales_disguise_the_words_and_keep_the_code() {
    let page =
        "---\ntitle: Words\n---\n## Heading {#h}\n\nSome words, `code`.\n\n```\nlines\n```\n";
    let (_folder, texts) = texts(&[("en/t/x.md", page)]);
    let texts = texts.with_pseudo(true);
    let page = texts
        .document("qps-ploc", "t/x", &Facts::default())
        .unwrap()
        .unwrap();
    let visible: String = page
        .html
        .split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect();
    let mut plain = pseudo::plain_words(&visible);
    plain.sort_unstable();
    assert_eq!(plain, ["code", "lines"]);
    assert_eq!(
        (page.headings[0].id.as_str(), page.locale.as_str()),
        ("h", "qps-ploc")
    );
}
