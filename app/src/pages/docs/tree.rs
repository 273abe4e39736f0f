//! Which pages has the documentation, in which order, and where do they stand?

/// Where it begins.
pub const PATH: &str = "/docs";

/// A part of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Start,
    Tools,
    Rules,
    Reference,
}

/// The pages in the order of the menu, named as in `locales/content/<locale>`.
pub const TREE: [(Part, &[&str]); 4] = [
    (Part::Start, &["docs/index"]),
    (
        Part::Tools,
        &[
            "docs/quickstart/curl",
            "docs/quickstart/openai-python",
            "docs/quickstart/openai-node",
            "docs/quickstart/codex",
            "docs/quickstart/claude-code",
            "docs/quickstart/langchain",
            "docs/quickstart/vercel-ai-sdk",
            "docs/quickstart/aider",
            "docs/quickstart/cline",
            "docs/quickstart/continue",
        ],
    ),
    (
        Part::Rules,
        &["docs/billing", "docs/limits", "docs/privacy"],
    ),
    (Part::Reference, &["docs/api", "docs/errors"]),
];

/// Every page in order.
pub fn pages() -> impl Iterator<Item = &'static str> {
    TREE.into_iter()
        .flat_map(|(_, pages)| pages.iter().copied())
}

/// Where a page stands: `/docs/limits`, and the first one at `/docs`.
#[must_use]
pub fn address(page: &str) -> String {
    if page == "docs/index" {
        PATH.to_owned()
    } else {
        format!("/{page}")
    }
}

/// The page at a path without its language.
#[must_use]
pub fn document_of(path: &str) -> Option<&'static str> {
    pages().find(|page| address(page) == path)
}

/// Whether a path without its language is a page of the documentation.
#[must_use]
pub fn is_page(path: &str) -> bool {
    document_of(path).is_some()
}

/// The pages before and after this one.
#[must_use]
pub fn neighbours(page: &str) -> (Option<&'static str>, Option<&'static str>) {
    let all: Vec<_> = pages().collect();
    let Some(at) = all.iter().position(|other| *other == page) else {
        return (None, None);
    };
    let before = at
        .checked_sub(1)
        .and_then(|before| all.get(before).copied());
    (before, all.get(at + 1).copied())
}
