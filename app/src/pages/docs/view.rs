//! How does a page of the documentation look? The menu at the start, the text, what is on the page at the end.

use leptos::prelude::*;
use texts::{Document, Facts};

use super::tree::{self, Part, TREE};
use crate::reader::Ui;
use crate::shell::icon;

pub fn page(ui: &Ui, path: &'static str, document: &Document, facts: &Facts) -> AnyView {
    let markdown = format!("{}.md", ui.link(&tree::address(path)));
    let (lang, dir) = match ui
        .locales()
        .into_iter()
        .find(|locale| locale.code() == document.locale)
    {
        Some(locale) if locale != ui.locale() => (Some(locale.code()), Some(locale.dir())),
        _ => (None, None),
    };
    view! {
        <div class="docs">
            {menu(ui, path, facts)}
            <article class="docs-page" aria-labelledby="title">
                <div class="head">
                    <h1 id="title" lang=lang dir=dir>{document.title.clone()}</h1>
                    <a class="quiet" href=markdown type="text/markdown">{icon(ui, "download", "")}{t!(ui, "docs.markdown")}</a>
                </div>
                <div class="docs-text" lang=lang dir=dir inner_html=document.html.clone()></div>
                {neighbours(ui, path, facts)}
            </article>
            {contents(ui, document)}
        </div>
    }
    .into_any()
}

fn title(ui: &Ui, page: &str, facts: &Facts) -> String {
    ui.front_matter(page, facts)
        .and_then(|mut meta| meta.remove("title"))
        .unwrap_or_else(|| page.to_owned())
}

/// Opens by a click where it stands above the text, and is always open where it stands beside it.
fn menu(ui: &Ui, path: &str, facts: &Facts) -> AnyView {
    let parts: Vec<_> = TREE
        .into_iter()
        .map(|(part, pages)| {
            let words = match part {
                Part::Start => t!(ui, "docs.menu.start"),
                Part::Tools => t!(ui, "docs.menu.tools"),
                Part::Rules => t!(ui, "docs.menu.rules"),
                Part::Reference => t!(ui, "docs.menu.reference"),
            };
            let entries: Vec<_> = pages
                .iter()
                .map(|page| {
                    let here = (*page == path).then_some("page");
                    let href = ui.link(&tree::address(page));
                    view! { <li><a href=href aria-current=here>{title(ui, page, facts)}</a></li> }
                })
                .collect();
            view! { <li><p class="part">{words}</p><ul>{entries}</ul></li> }
        })
        .collect();
    view! {
        <details class="docs-menu">
            <summary>{icon(ui, "chevron-down", "")}{t!(ui, "docs.menu.open")}</summary>
            <nav aria-label=t!(ui, "docs.menu.label")><ul>{parts}</ul></nav>
        </details>
    }
    .into_any()
}

/// The headings of the page, where there is room for them.
fn contents(ui: &Ui, document: &Document) -> Option<AnyView> {
    let entries: Vec<_> = document
        .headings
        .iter()
        .filter(|heading| heading.level == 2)
        .map(|heading| {
            view! { <li><a href=format!("#{}", heading.id)>{heading.text.clone()}</a></li> }
        })
        .collect();
    (entries.len() > 1).then(|| {
        view! {
            <nav class="docs-contents" aria-labelledby="contents">
                <p class="part" id="contents">{t!(ui, "docs.contents")}</p>
                <ul>{entries}</ul>
            </nav>
        }
        .into_any()
    })
}

fn neighbours(ui: &Ui, path: &str, facts: &Facts) -> AnyView {
    let (before, after) = tree::neighbours(path);
    let before = before.map(|page| {
        view! {
            <a class="before" rel="prev" href=ui.link(&tree::address(page))>
                <span class="hint">{t!(ui, "docs.before")}</span>
                <span>{icon(ui, "arrow-left", "flip")}{title(ui, page, facts)}</span>
            </a>
        }
    });
    let after = after.map(|page| {
        view! {
            <a class="after" rel="next" href=ui.link(&tree::address(page))>
                <span class="hint">{t!(ui, "docs.after")}</span>
                <span>{title(ui, page, facts)}{icon(ui, "arrow-right", "flip")}</span>
            </a>
        }
    });
    view! { <nav class="docs-ways" aria-label=t!(ui, "docs.ways")>{before}{after}</nav> }.into_any()
}
