//! How does Farebox write on paper? PDF files: A4, headings, pairs, tables, page numbers; the same bytes for the same
//! input.
//!
//! A [`Paper`] is filled from top to bottom and starts new pages by itself. Its fonts are embedded and cover what
//! `fonts/README.md` says; [`writes`] tells whether a text can be written at all. Lengths are whole thousandths of a
//! point ([`Mpt`]), so that no layout depends on how floats are rounded.

mod face;
mod flow;
mod page;
mod table;
#[cfg(test)]
mod tests;
mod wrap;
mod write;

use domain::views::UnixMs;
use thiserror::Error;

pub use face::writes;
pub use flow::{Block, Sum};
pub use table::{Align, Column, Table};

use page::Page;

/// A thousandth of a point; a point is 1/72 inch.
type Mpt = i64;

/// What is true for the whole file.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// Shown by readers of the file, and at the foot of every page.
    pub title: &'a str,
    pub author: &'a str,
    /// A code like `en`, for readers that speak.
    pub language: &'a str,
    /// Whether lines begin on the right.
    pub rtl: bool,
}

/// A file being written.
pub struct Paper {
    title: String,
    author: String,
    language: String,
    rtl: bool,
    dated: Option<UnixMs>,
    pages: Vec<Page>,
    /// Where the next line begins, from the top of the last page.
    y: Mpt,
}

/// The file could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the PDF file cannot be written: {0}")]
pub struct PaperError(String);

impl Paper {
    /// An empty first page.
    #[must_use]
    pub fn new(style: &Style<'_>) -> Self {
        let mut paper = Self {
            title: style.title.to_owned(),
            author: style.author.to_owned(),
            language: style.language.to_owned(),
            rtl: style.rtl,
            dated: None,
            pages: Vec::new(),
            y: 0,
        };
        paper.new_page();
        paper
    }

    /// Dates the document, which makes it one for archives: PDF/A-2u, for readers of decades to come.
    pub const fn date(&mut self, at: UnixMs) {
        self.dated = Some(at);
    }

    /// The file, with the number of every page at its foot.
    ///
    /// # Errors
    /// When it would break a limit of the format, such as millions of objects.
    pub fn finish(mut self) -> Result<Vec<u8>, PaperError> {
        self.number_pages();
        write::write(&self)
    }
}
