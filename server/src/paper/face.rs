//! Which letters can be written, and how wide are they? Two fonts, regular and bold, built in.

use std::collections::HashMap;
use std::sync::LazyLock;

use skrifa::raw::TableProvider;
use skrifa::{FontRef, MetadataProvider};

use super::Mpt;

/// What stands in for a character that the fonts do not have.
const STAND_IN: char = '?';

static REGULAR: LazyLock<Face> =
    LazyLock::new(|| Face::read(include_bytes!("fonts/paper-regular.ttf")));
static BOLD: LazyLock<Face> = LazyLock::new(|| Face::read(include_bytes!("fonts/paper-bold.ttf")));

/// A font's file and what is needed of it for layout.
pub(super) struct Face {
    pub(super) file: &'static [u8],
    glyphs: HashMap<char, Glyph>,
}

#[derive(Clone, Copy)]
pub(super) struct Glyph {
    pub(super) id: u32,
    /// Thousandths of the size of the text.
    pub(super) advance: i64,
}

impl Face {
    pub(super) fn get(bold: bool) -> &'static Self {
        if bold { &BOLD } else { &REGULAR }
    }

    fn read(file: &'static [u8]) -> Self {
        let font = FontRef::new(file).expect("the built-in font is a font");
        let advances = font.hmtx().expect("the built-in font has widths");
        let units = font.head().expect("the built-in font has a head");
        let units = i64::from(units.units_per_em());
        let glyphs = font
            .charmap()
            .mappings()
            .filter_map(|(code, id)| {
                let advance = i64::from(advances.advance(id)?) * 1_000 / units;
                let id = id.to_u32();
                Some((char::from_u32(code)?, Glyph { id, advance }))
            })
            .collect();
        Self { file, glyphs }
    }

    /// The glyph of a character of a [`clean`] text.
    pub(super) fn glyph(&self, character: char) -> Glyph {
        let found = self.glyphs.get(&character);
        *found
            .or_else(|| self.glyphs.get(&STAND_IN))
            .expect("the built-in font has a question mark")
    }

    /// How wide a clean text is at a size.
    pub(super) fn width(&self, text: &str, size: Mpt) -> Mpt {
        let advances = text.chars().map(|character| self.glyph(character).advance);
        advances.sum::<i64>() * size / 1_000
    }
}

/// Marks that steer readers' layout and have no shape of their own.
const fn unseen(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text as it can be written: what has no shape is left out, what the fonts lack becomes a question mark.
pub(super) fn clean(text: &str) -> String {
    let seen = text.chars().filter(|character| !unseen(*character));
    seen.map(|character| {
        if character == '\n' {
            character
        } else if character.is_control() {
            ' '
        } else if REGULAR.glyphs.contains_key(&character) {
            character
        } else {
            STAND_IN
        }
    })
    .collect()
}

/// Do the fonts have every letter of this text? Latin, Greek and Cyrillic ones, digits and signs of currencies they have.
#[must_use]
pub fn writes(text: &str) -> bool {
    text.chars().all(|character| {
        unseen(character) || character.is_control() || REGULAR.glyphs.contains_key(&character)
    })
}
