//! What lies where on a page? Lines of text and bars, measured from the top left corner.

use super::face::Face;
use super::table::Align;
use super::{Mpt, Paper};

/// A4.
pub(super) const WIDTH: Mpt = 595_276;
pub(super) const HEIGHT: Mpt = 841_890;
/// Two centimetres.
pub(super) const MARGIN: Mpt = 56_693;
/// Width between the margins.
pub(super) const CONTENT: Mpt = WIDTH - 2 * MARGIN;
/// Where the text of a page ends: the foot is below.
pub(super) const BOTTOM: Mpt = HEIGHT - 70_000;
const FOOT: Mpt = HEIGHT - 40_000;
const FOOT_SIZE: Mpt = 8_000;
const ACCENT_HEIGHT: Mpt = 4_000;

/// Colours of print: the dark ones of the pages' light theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Muted,
    Line,
    Accent,
}

impl Ink {
    pub(super) const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x0f, 0x22, 0x24),
            Self::Muted => (0x59, 0x6d, 0x6e),
            Self::Line => (0xd6, 0xdf, 0xdc),
            Self::Accent => (0x00, 0x5a, 0x5f),
        }
    }
}

/// How a line of text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) size: Mpt,
    pub(super) bold: bool,
    pub(super) ink: Ink,
}

impl Look {
    pub(super) const fn plain(size: Mpt) -> Self {
        Self {
            size,
            bold: false,
            ink: Ink::Text,
        }
    }

    pub(super) const fn muted(size: Mpt) -> Self {
        Self {
            size,
            bold: false,
            ink: Ink::Muted,
        }
    }

    pub(super) const fn bold(size: Mpt) -> Self {
        Self {
            size,
            bold: true,
            ink: Ink::Text,
        }
    }

    pub(super) fn face(self) -> &'static Face {
        Face::get(self.bold)
    }

    /// From one baseline to the next.
    pub(super) const fn leading(self) -> Mpt {
        self.size * 7 / 5
    }
}

/// Something drawn.
pub(super) enum Mark {
    /// `y` is the baseline.
    Text {
        x: Mpt,
        y: Mpt,
        look: Look,
        text: String,
    },
    Bar {
        x: Mpt,
        y: Mpt,
        width: Mpt,
        height: Mpt,
        ink: Ink,
    },
}

pub(super) type Page = Vec<Mark>;

impl Paper {
    pub(super) fn new_page(&mut self) {
        self.pages.push(Page::new());
        self.y = MARGIN;
        self.bar(0, WIDTH, 0, ACCENT_HEIGHT, Ink::Accent);
    }

    /// Starts a new page unless so much still fits.
    pub(super) fn room(&mut self, height: Mpt) {
        if self.y + height > BOTTOM && self.y > MARGIN {
            self.new_page();
        }
    }

    /// One line of clean text within a column whose edge is `x`; `top` is where the line begins.
    pub(super) fn text(
        &mut self,
        (x, width): (Mpt, Mpt),
        top: Mpt,
        align: Align,
        look: Look,
        text: &str,
    ) {
        if text.is_empty() {
            return;
        }
        let wide = look.face().width(text, look.size);
        let x = match align {
            Align::Start => x,
            Align::End => x + width - wide,
        };
        let x = self.mirrored(x, wide);
        let mark = Mark::Text {
            x,
            y: top + look.size,
            look,
            text: text.to_owned(),
        };
        self.mark(mark);
    }

    pub(super) fn bar(&mut self, x: Mpt, width: Mpt, y: Mpt, height: Mpt, ink: Ink) {
        let x = self.mirrored(x, width);
        self.mark(Mark::Bar {
            x,
            y,
            width,
            height,
            ink,
        });
    }

    /// Where something lies whose lines begin on the right.
    const fn mirrored(&self, x: Mpt, width: Mpt) -> Mpt {
        if self.rtl { WIDTH - x - width } else { x }
    }

    fn mark(&mut self, mark: Mark) {
        let page = self.pages.last_mut();
        page.expect("a paper has a page from the beginning")
            .push(mark);
    }

    /// Title and number at the foot of every page, now that it is known how many there are.
    pub(super) fn number_pages(&mut self) {
        let all = std::mem::take(&mut self.pages);
        let count = all.len();
        let look = Look::muted(FOOT_SIZE);
        let place = (MARGIN, CONTENT);
        let title = super::face::clean(&self.title);
        let lines = super::wrap::wrap(&title, look.face(), look.size, CONTENT * 3 / 4);
        for (index, page) in all.into_iter().enumerate() {
            self.pages.push(page);
            let number = format!("{} / {count}", index + 1);
            self.text(place, FOOT, Align::Start, look, &lines[0]);
            self.text(place, FOOT, Align::End, look, &number);
        }
    }
}
