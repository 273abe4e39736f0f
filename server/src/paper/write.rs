//! How do marks become a PDF file? The only place that knows krilla, and the only floats: PDF measures in them.

use domain::views::UnixMs;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata, TextDirection};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use krilla::{Document, SerializeSettings};
use time::OffsetDateTime;

use super::face::Face;
use super::page::{HEIGHT, Ink, Look, Mark, WIDTH};
use super::{Mpt, Paper, PaperError};

pub(super) fn write(paper: &Paper) -> Result<Vec<u8>, PaperError> {
    let fonts = [font(false)?, font(true)?];
    // No date but the given one, and identifiers that are hashes of the content: the same input makes the same bytes.
    let date = paper.dated.and_then(date);
    let mut document = Document::new_with(settings(date.is_some())?);
    let direction = if paper.rtl {
        TextDirection::RightToLeft
    } else {
        TextDirection::LeftToRight
    };
    let mut metadata = Metadata::new()
        .title(paper.title.clone())
        .authors(vec![paper.author.clone()])
        .creator("Farebox".to_owned())
        .language(paper.language.clone())
        .text_direction(direction);
    if let Some(date) = date {
        metadata = metadata.creation_date(date);
    }
    document.set_metadata(metadata);
    for marks in &paper.pages {
        let settings = PageSettings::from_wh(points(WIDTH), points(HEIGHT));
        let settings = settings.ok_or_else(|| PaperError("no such size of page".to_owned()))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for mark in marks {
            draw(&mut surface, mark, &fonts);
        }
        surface.finish();
        page.finish();
    }
    document
        .finish()
        .map_err(|error| PaperError(error.to_string()))
}

/// For archives krilla checks what PDF/A-2u demands, and fails rather than writing something else.
fn settings(for_archives: bool) -> Result<SerializeSettings, PaperError> {
    let mut settings = SerializeSettings::default();
    if for_archives {
        settings.configuration = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A2_U)
            .finish()
            .map_err(|error| PaperError(format!("{error:?}")))?;
    }
    Ok(settings)
}

fn date(at: UnixMs) -> Option<DateTime> {
    let at = OffsetDateTime::from_unix_timestamp(at.div_euclid(1_000)).ok()?;
    let date = DateTime::new(u16::try_from(at.year()).ok()?)
        .month(u8::from(at.month()))
        .day(at.day())
        .hour(at.hour())
        .minute(at.minute())
        .second(at.second());
    Some(date.utc_offset_hour(0).utc_offset_minute(0))
}

fn font(bold: bool) -> Result<Font, PaperError> {
    Font::new(Face::get(bold).file.into(), 0)
        .ok_or_else(|| PaperError("the built-in font cannot be read".to_owned()))
}

fn draw(surface: &mut Surface<'_>, mark: &Mark, fonts: &[Font; 2]) {
    match mark {
        Mark::Text { x, y, look, text } => {
            surface.set_fill(Some(fill(look.ink)));
            let start = Point::from_xy(points(*x), points(*y));
            let font = fonts[usize::from(look.bold)].clone();
            let size = points(look.size);
            surface.draw_glyphs(start, &glyphs(*look, text), font, text, size, false);
        }
        Mark::Bar {
            x,
            y,
            width,
            height,
            ink,
        } => {
            let rect = Rect::from_xywh(points(*x), points(*y), points(*width), points(*height));
            let mut path = PathBuilder::new();
            if let Some(rect) = rect {
                path.push_rect(rect);
            }
            if let Some(path) = path.finish() {
                surface.set_fill(Some(fill(*ink)));
                surface.draw_path(&path);
            }
        }
    }
}

/// One glyph for each character: the fonts have no ligatures and no kerning.
fn glyphs(look: Look, text: &str) -> Vec<KrillaGlyph> {
    let face = look.face();
    text.char_indices()
        .map(|(at, character)| {
            let glyph = face.glyph(character);
            let part = at..at + character.len_utf8();
            let advance = points(glyph.advance);
            KrillaGlyph::new(GlyphId::new(glyph.id), advance, 0.0, 0.0, 0.0, part, None)
        })
        .collect()
}

fn fill(ink: Ink) -> Fill {
    let (red, green, blue) = ink.rgb();
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        ..Fill::default()
    }
}

/// Thousandths as the whole they are parts of.
#[expect(
    clippy::float_arithmetic,
    reason = "lengths on paper, never money: krilla takes them as floats"
)]
fn points(thousandths: Mpt) -> f32 {
    thousandths as f32 / 1_000.0
}
