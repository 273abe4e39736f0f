//! What does Farebox say, in which language, and how does it write numbers, money and dates?
//!
//! Native only: pages, mails, API errors and the command line share it; the browser gets finished strings.
//! [`Texts`] is the catalogue of `locales/*.json`, [`Locale`] names a language, [`negotiate`] chooses one,
//! [`format`] writes values, [`content`] has the long texts, [`check`] reads translators' files.

mod catalogue;
pub mod check;
pub mod content;
mod fill;
mod folder;
pub mod format;
mod locale;
mod lookup;
mod negotiate;
mod plural;
pub mod pseudo;
mod source;
mod texts;

#[cfg(test)]
mod tests;

pub use content::{ContentError, Document, Fact, Facts, Heading};
pub use folder::{FileProblem, FolderError};
pub use locale::Locale;
pub use negotiate::negotiate;
pub use texts::Texts;

// The library's own catalogue stays empty: reading `locales/` at compile time would let one broken file of a
// translator break the build. `lookup::Backend` answers from the catalogue of the `Texts` that asks.
rust_i18n::i18n!(
    "no-files-here",
    fallback = "en",
    backend = crate::lookup::Backend
);
