//! How are rows written? Under a head that every page repeats, numbers at the end of their column.

use super::flow::{count, wrapped};
use super::page::{BOTTOM, CONTENT, Ink, Look, MARGIN};
use super::{Mpt, Paper};

const HEAD: Look = Look {
    ink: Ink::Muted,
    ..Look::bold(8_500)
};
const CELL: Look = Look::plain(9_000);
/// Between columns, half of it on each side; and above and below the lines of a row.
const GUTTER: Mpt = 8_000;
const PAD: Mpt = 3_000;
const HAIR: Mpt = 500;
const HEAD_LINES: usize = 4;

/// Where the lines of a column begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Start,
    /// For numbers: their digits are of equal width.
    End,
}

#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    pub title: &'a str,
    pub align: Align,
    /// Of the width, in relation to the shares of the others; zero counts as one.
    pub share: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub columns: &'a [Column<'a>],
    /// Cells in the order of the columns.
    pub rows: &'a [Vec<String>],
}

/// A column's place on the page.
#[derive(Clone, Copy)]
struct Place {
    edges: (Mpt, Mpt),
    align: Align,
}

impl Paper {
    /// A row that does not fit begins on the next page; one that fits on no page goes on there.
    pub fn table(&mut self, table: &Table<'_>) {
        let places = places(table.columns);
        let titles = table.columns.iter().map(|column| column.title);
        let mut head = cells(titles, &places, HEAD);
        // Rows must have room below it.
        head.iter_mut().for_each(|lines| lines.truncate(HEAD_LINES));
        self.room(height(&head, HEAD) + 3 * CELL.leading());
        self.head(&head, &places);
        for row in table.rows {
            let cells = cells(row.iter().map(String::as_str), &places, CELL);
            self.row(&cells, &places, &head);
        }
        self.y += GUTTER;
    }

    fn head(&mut self, head: &[Vec<String>], places: &[Place]) {
        let rows = most(head);
        self.band(head, places, HEAD, (0, rows));
        self.bar(MARGIN, CONTENT, self.y, HAIR * 2, Ink::Accent);
        self.y += HAIR * 2;
    }

    fn row(&mut self, cells: &[Vec<String>], places: &[Place], head: &[Vec<String>]) {
        let rows = most(cells);
        let whole = height(cells, CELL);
        let full_page = BOTTOM - MARGIN - height(head, HEAD) - HAIR * 2;
        if self.y + whole > BOTTOM && whole <= full_page {
            self.next_page(head, places);
        }
        let mut from = 0;
        while from < rows {
            let fits = (BOTTOM - self.y - 2 * PAD) / CELL.leading();
            let Ok(fits) = usize::try_from(fits) else {
                self.next_page(head, places);
                continue;
            };
            if fits == 0 {
                self.next_page(head, places);
                continue;
            }
            let to = rows.min(from + fits);
            self.band(cells, places, CELL, (from, to));
            from = to;
        }
        self.bar(MARGIN, CONTENT, self.y, HAIR, Ink::Line);
        self.y += HAIR;
    }

    fn next_page(&mut self, head: &[Vec<String>], places: &[Place]) {
        self.new_page();
        self.head(head, places);
    }

    /// Lines `from..to` of every cell of a row.
    fn band(
        &mut self,
        cells: &[Vec<String>],
        places: &[Place],
        look: Look,
        (from, to): (usize, usize),
    ) {
        for (lines, place) in cells.iter().zip(places) {
            let lines = lines.iter().skip(from).take(to - from);
            for (index, line) in lines.enumerate() {
                let top = self.y + PAD + look.leading() * count(index);
                self.text(place.edges, top, place.align, look, line);
            }
        }
        self.y += look.leading() * count(to - from) + 2 * PAD;
    }
}

fn places(columns: &[Column<'_>]) -> Vec<Place> {
    let share = |column: &Column<'_>| Mpt::from(column.share.max(1));
    let all: Mpt = columns.iter().map(share).sum::<Mpt>().max(1);
    let mut done = 0;
    let place = |column: &Column<'_>| {
        let (from, to) = (CONTENT * done / all, CONTENT * (done + share(column)) / all);
        done += share(column);
        Place {
            edges: (MARGIN + from, (to - from - GUTTER).max(1)),
            align: column.align,
        }
    };
    let mut places: Vec<Place> = columns.iter().map(place).collect();
    // The last column ends where the lines do.
    if let Some(last) = places.last_mut() {
        last.edges.1 = MARGIN + CONTENT - last.edges.0;
    }
    places
}

fn cells<'a>(
    texts: impl Iterator<Item = &'a str>,
    places: &[Place],
    look: Look,
) -> Vec<Vec<String>> {
    texts
        .zip(places)
        .map(|(text, place)| wrapped(text, look, place.edges.1))
        .collect()
}

fn most(cells: &[Vec<String>]) -> usize {
    cells.iter().map(Vec::len).max().unwrap_or(1)
}

fn height(cells: &[Vec<String>], look: Look) -> Mpt {
    look.leading() * count(most(cells)) + 2 * PAD
}
