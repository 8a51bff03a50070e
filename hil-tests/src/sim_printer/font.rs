//! The printer's letters: 12 × 24 dots (font A) and 9 × 17 dots (font B), drawn from an embedded typeface.

use std::collections::HashMap;
use std::sync::Arc;

use ab_glyph::{Font as _, FontRef, InvalidFont, PxScale, ScaleFont as _, point};

/// DejaVu Sans Mono, cut down to the letters of the code pages; its licence lies beside it.
const TYPEFACE: &[u8] = include_bytes!("font.ttf");
/// Share of a dot that an outline must cover to be black: thin strokes stay whole.
const BLACK_FROM: f32 = 0.42;

/// One of the two fonts (`ESC M`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Font {
    /// 12 × 24 dots.
    A,
    /// 9 × 17 dots.
    B,
}

impl Font {
    /// Dots across and down of a letter.
    pub fn size(self) -> (usize, usize) {
        match self {
            Self::A => (12, 24),
            Self::B => (9, 17),
        }
    }
}

/// A letter's dots, row by row from the top left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Glyph {
    pub width: usize,
    pub height: usize,
    dots: Vec<bool>,
}

impl Glyph {
    fn empty(font: Font) -> Self {
        let (width, height) = font.size();
        Self { width, height, dots: vec![false; width * height] }
    }

    /// Tells whether a dot is black; outside of the letter none is.
    pub fn dot(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.dots[y * self.width + x]
    }

    fn set(&mut self, x: i64, y: i64) {
        if let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y))
            && x < self.width
            && y < self.height
        {
            self.dots[y * self.width + x] = true;
        }
    }

    /// A frame: what is printed for an octet without a letter.
    fn frame(font: Font) -> Self {
        let mut glyph = Self::empty(font);
        let (width, height) = (glyph.width, glyph.height);
        for y in 3..height - 3 {
            for x in 1..width - 1 {
                let edge = y == 3 || y == height - 4 || x == 1 || x == width - 2;
                glyph.dots[y * width + x] = edge;
            }
        }
        glyph
    }
}

/// The letters, each drawn once.
pub(super) struct Letters {
    typeface: FontRef<'static>,
    /// At most the letters of all pages, twice.
    drawn: HashMap<(char, Font), Arc<Glyph>>,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters").field("drawn", &self.drawn.len()).finish_non_exhaustive()
    }
}

impl Letters {
    /// Reads the embedded typeface.
    pub fn load() -> Result<Self, InvalidFont> {
        Ok(Self { typeface: FontRef::try_from_slice(TYPEFACE)?, drawn: HashMap::new() })
    }

    /// Draws a letter; one that the typeface lacks is a frame.
    pub fn draw(&mut self, letter: char, font: Font) -> Arc<Glyph> {
        let typeface = &self.typeface;
        Arc::clone(self.drawn.entry((letter, font)).or_insert_with(|| Arc::new(rasterize(typeface, letter, font))))
    }
}

fn rasterize(typeface: &FontRef<'_>, letter: char, font: Font) -> Glyph {
    let id = typeface.glyph_id(letter);
    if id.0 == 0 {
        return Glyph::frame(font);
    }
    let mut drawn = Glyph::empty(font);
    #[expect(clippy::cast_precision_loss, reason = "dots of a letter, below 25")]
    let (width, height) = (drawn.width as f32, drawn.height as f32);
    // The typeface is wider than high letters need: its advance is stretched to the width of the cell.
    let across = width * typeface.height_unscaled() / typeface.h_advance_unscaled(id).max(1.0);
    let scale = PxScale { x: across, y: height };
    let baseline = typeface.as_scaled(scale).ascent();
    let placed = id.with_scale_and_position(scale, point(0.0, baseline));
    if let Some(outline) = typeface.outline_glyph(placed) {
        let bounds = outline.px_bounds();
        #[expect(clippy::cast_possible_truncation, reason = "whole dots near the cell")]
        let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
        outline.draw(|x, y, coverage| {
            if coverage >= BLACK_FROM {
                drawn.set(left + i64::from(x), top + i64::from(y));
            }
        });
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_fill_their_cells_and_accents_are_seen() {
        let mut letters = Letters::load().unwrap();
        for font in [Font::A, Font::B] {
            let black = |glyph: &Glyph| glyph.dots.iter().filter(|&&dot| dot).count();
            let plain = letters.draw('l', font);
            let struck = letters.draw('ł', font);
            assert_eq!((plain.width, plain.height), font.size());
            assert!(black(&plain) > font.size().1 / 2, "{font:?}");
            assert!(black(&struck) > black(&plain), "{font:?}");
            assert_eq!(black(&letters.draw(' ', font)), 0);
        }
    }

    #[test]
    fn every_letter_of_the_pages_is_in_the_typeface() {
        let mut letters = Letters::load().unwrap();
        let frame = Glyph::frame(Font::A);
        for page in [0, 16, 17, 18, 19, 45] {
            let page = super::super::codepage::Page::numbered(page).unwrap();
            for octet in 0x20..=0xff {
                let letter = page.letter(super::super::codepage::Variant::FIRST, octet);
                // Windows pages have no letter in a few places; 0x7f is a control character.
                if letter != char::REPLACEMENT_CHARACTER && !letter.is_control() {
                    assert_ne!(*letters.draw(letter, Font::A), frame, "{letter:?}");
                }
            }
        }
    }
}
