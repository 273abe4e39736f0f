//! How does a receipt look on paper? The same lines as on its page, laid out for printing.

use super::number::ReceiptNumber;
use super::printed::{Printed, Section};
use crate::paper::{Block, Paper, PaperError, Style, Sum, writes};

impl Printed {
    /// Do the fonts of files have the letters of this language? The names of people do not count: they are the same in
    /// every language.
    #[must_use]
    pub fn writable(&self) -> bool {
        let sections = self.sections.iter().flat_map(|section| {
            let labels = section.lines.iter().map(|line| &line.label);
            labels.chain([&section.title])
        });
        let labels = self.about.iter().map(|line| &line.label);
        let titles = [&self.title, &self.seller.title, &self.buyer.title];
        sections
            .chain(labels)
            .chain(titles)
            .all(|text| writes(text))
    }

    /// The receipt as a PDF file; the same every time.
    ///
    /// # Errors
    /// [`PaperError`], which no receipt is large enough for.
    pub fn pdf(&self, number: &ReceiptNumber, rtl: bool) -> Result<Vec<u8>, PaperError> {
        let title = format!("{} {number}", self.title);
        let author = self.seller.lines.first();
        let mut paper = Paper::new(&Style {
            title: &title,
            author: author.map_or("", String::as_str),
            language: &self.locale,
            rtl,
        });
        paper.title(&self.title);
        let about: Vec<(&str, &str)> = self
            .about
            .iter()
            .map(|line| (line.label.as_str(), line.value.as_str()))
            .collect();
        paper.pairs(&about);
        paper.sides(&[&self.seller, &self.buyer].map(|party| Block {
            title: &party.title,
            lines: &party.lines,
        }));
        for section in &self.sections {
            paper.heading(&section.title);
            paper.sums(&sums(section));
        }
        for note in &self.notes {
            paper.note(note);
        }
        paper.finish()
    }
}

fn sums(section: &Section) -> Vec<Sum<'_>> {
    section
        .lines
        .iter()
        .map(|line| Sum {
            label: &line.label,
            value: &line.value,
            total: line.total,
        })
        .collect()
}
