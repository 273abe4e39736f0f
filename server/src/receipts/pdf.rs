//! How does a receipt look on paper? The same lines as on its page, laid out for printing.

use texts::{Locale, Texts};

use super::printed::{Printed, Section};
use super::read::Receipt;
use crate::paper::{Block, Paper, PaperError, Style, Sum, writes};

impl Receipt {
    /// The receipt as a PDF file, the same every time: in a language, or without one as it was given to the customer. A
    /// language whose letters the fonts of files do not have becomes English.
    ///
    /// # Errors
    /// [`PaperError`], which no receipt is large enough for.
    pub fn pdf(&self, texts: &Texts, wanted: Option<Locale>) -> Result<Vec<u8>, PaperError> {
        let printed = wanted.map_or_else(
            || self.original.clone(),
            |locale| self.printed(texts, locale),
        );
        let locale = texts.locale(&printed.locale).unwrap_or(Locale::EN);
        if writable(&printed) {
            self.laid_out(&printed, locale)
        } else {
            self.laid_out(&self.printed(texts, Locale::EN), Locale::EN)
        }
    }

    fn laid_out(&self, printed: &Printed, locale: Locale) -> Result<Vec<u8>, PaperError> {
        let title = format!("{} {}", printed.title, self.number);
        let author = printed.seller.lines.first();
        let mut paper = Paper::new(&Style {
            title: &title,
            author: author.map_or("", String::as_str),
            language: &printed.locale,
            rtl: locale.dir() == "rtl",
        });
        paper.date(self.issued_at);
        paper.title(&printed.title);
        let about: Vec<(&str, &str)> = printed
            .about
            .iter()
            .map(|line| (line.label.as_str(), line.value.as_str()))
            .collect();
        paper.pairs(&about);
        paper.sides(&[&printed.seller, &printed.buyer].map(|party| Block {
            title: &party.title,
            lines: &party.lines,
        }));
        for section in &printed.sections {
            paper.heading(&section.title);
            paper.sums(&sums(section));
        }
        for note in &printed.notes {
            paper.note(note);
        }
        paper.finish()
    }
}

/// Do the fonts of files have the letters of this language? The names of people do not count: they are the same in
/// every language.
fn writable(printed: &Printed) -> bool {
    let sections = printed.sections.iter().flat_map(|section| {
        let labels = section.lines.iter().map(|line| &line.label);
        labels.chain([&section.title])
    });
    let labels = printed.about.iter().map(|line| &line.label);
    let titles = [&printed.title, &printed.seller.title, &printed.buyer.title];
    let mut words = sections.chain(labels).chain(titles);
    words.all(|text| writes(text))
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
