//! What follows what? Headings, paragraphs, pairs, sums: each below the last, on a new page where it does not fit.

use super::face::clean;
use super::page::{CONTENT, Ink, Look, MARGIN};
use super::table::Align;
use super::wrap::wrap;
use super::{Mpt, Paper};

const TITLE: Look = Look::bold(22_000);
const HEADING: Look = Look::bold(12_000);
const BODY: Look = Look::plain(10_000);
const LABEL: Look = Look::muted(10_000);
const SMALL: Look = Look::muted(8_500);
const STRONG: Look = Look::bold(10_000);
const TOTAL: Look = Look::bold(13_000);
const GAP: Mpt = 8_000;
const HAIR: Mpt = 500;

/// A few lines under a small title, such as an address.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    pub title: &'a str,
    /// The first one is printed bold.
    pub lines: &'a [String],
}

/// A line of a sum.
#[derive(Debug, Clone, Copy)]
pub struct Sum<'a> {
    pub label: &'a str,
    pub value: &'a str,
    /// What the lines above come to: larger, under a rule.
    pub total: bool,
}

impl Paper {
    /// What the document is, once at its top.
    pub fn title(&mut self, text: &str) {
        self.lines((MARGIN, CONTENT), TITLE, text);
        self.y += GAP;
    }

    /// Stays with the lines that follow it.
    pub fn heading(&mut self, text: &str) {
        self.room(GAP + HEADING.leading() + 3 * BODY.leading());
        if self.y > MARGIN {
            self.y += GAP * 2;
        }
        self.lines((MARGIN, CONTENT), HEADING, text);
        self.y += GAP / 2;
    }

    pub fn paragraph(&mut self, text: &str) {
        self.lines((MARGIN, CONTENT), BODY, text);
        self.y += GAP;
    }

    /// Smaller, for what is said beside the matter.
    pub fn note(&mut self, text: &str) {
        self.lines((MARGIN, CONTENT), SMALL, text);
        self.y += GAP / 2;
    }

    /// Labels with their values, one pair below the other.
    pub fn pairs(&mut self, pairs: &[(&str, &str)]) {
        let label = (MARGIN, CONTENT * 3 / 10 - GAP);
        let value = (MARGIN + CONTENT * 3 / 10, CONTENT * 7 / 10);
        for (name, text) in pairs {
            let names = wrapped(name, LABEL, label.1);
            let values = wrapped(text, BODY, value.1);
            self.beside(&[(label, LABEL, names), (value, BODY, values)]);
        }
        self.y += GAP;
    }

    /// Blocks side by side, of equal widths.
    pub fn sides(&mut self, blocks: &[Block<'_>]) {
        let count = i64::try_from(blocks.len()).unwrap_or(1).max(1);
        let whole = CONTENT / count;
        let places: Vec<_> = (0..count)
            .map(|index| (MARGIN + index * whole, whole - GAP))
            .collect();
        let titles = places.iter().zip(blocks);
        let titles: Vec<_> = titles
            .map(|(place, block)| (*place, SMALL, wrapped(block.title, SMALL, place.1)))
            .collect();
        self.beside(&titles);
        let rows = blocks.iter().map(|block| block.lines.len()).max();
        for row in 0..rows.unwrap_or_default() {
            let look = if row == 0 { STRONG } else { BODY };
            let cells: Vec<_> = places
                .iter()
                .zip(blocks)
                .filter_map(|(place, block)| {
                    let line = block.lines.get(row)?;
                    Some((*place, look, wrapped(line, look, place.1)))
                })
                .collect();
            self.beside(&cells);
        }
        self.y += GAP;
    }

    /// Labels with amounts at the end of the line.
    pub fn sums(&mut self, sums: &[Sum<'_>]) {
        for sum in sums {
            let (look, gap) = if sum.total {
                (TOTAL, GAP)
            } else {
                (BODY, GAP / 2)
            };
            let label = (MARGIN, CONTENT * 3 / 5 - GAP);
            let value = (MARGIN + CONTENT * 3 / 5, CONTENT * 2 / 5);
            let labels = wrapped(sum.label, look, label.1);
            let values = wrapped(sum.value, look, value.1);
            let height = look.leading() * count(labels.len().max(values.len()));
            self.room(height + gap);
            let ink = if sum.total { Ink::Accent } else { Ink::Line };
            self.bar(MARGIN, CONTENT, self.y, HAIR, ink);
            let top = self.y + gap / 2;
            for (index, line) in labels.iter().enumerate() {
                let at = top + look.leading() * count(index);
                self.text(label, at, Align::Start, look, line);
            }
            for (index, line) in values.iter().enumerate() {
                let at = top + look.leading() * count(index);
                self.text(value, at, Align::End, look, line);
            }
            self.y += height + gap;
        }
        self.y += GAP;
    }

    /// Texts in columns, beginning at one height.
    fn beside(&mut self, cells: &[((Mpt, Mpt), Look, Vec<String>)]) {
        let heights = cells
            .iter()
            .map(|(_, look, lines)| look.leading() * count(lines.len()));
        let height = heights.max().unwrap_or_default();
        self.room(height);
        for (place, look, lines) in cells {
            for (index, line) in lines.iter().enumerate() {
                let top = self.y + look.leading() * count(index);
                self.text(*place, top, Align::Start, *look, line);
            }
        }
        self.y += height + 2_000;
    }

    fn lines(&mut self, place: (Mpt, Mpt), look: Look, text: &str) {
        for line in wrapped(text, look, place.1) {
            self.room(look.leading());
            self.text(place, self.y, Align::Start, look, &line);
            self.y += look.leading();
        }
    }
}

pub(super) fn wrapped(text: &str, look: Look, width: Mpt) -> Vec<String> {
    wrap(&clean(text), look.face(), look.size, width)
}

/// A number of lines as a factor of lengths.
pub(super) fn count(lines: usize) -> Mpt {
    Mpt::try_from(lines).unwrap_or(Mpt::MAX)
}
