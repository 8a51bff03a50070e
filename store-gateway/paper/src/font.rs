//! The letters: DejaVu Sans Mono in two weights, embedded, drawn into cells of one size.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, GlyphId, PxScale, point};

use crate::bitmap::Bitmap;

/// The font files, for embedding in documents.
pub(crate) const REGULAR: &[u8] = include_bytes!("../font/DejaVuSansMono.ttf");
pub(crate) const BOLD: &[u8] = include_bytes!("../font/DejaVuSansMono-Bold.ttf");

/// The part of a dot that a letter must cover to make it black. Less than a half, so that strokes thinner than a dot
/// stay whole wherever they fall.
const COVERED: f32 = 0.42;

/// Where letters stand, as a part of the cell's height from its top: an ascent of 1901 units over a line of 2384.
pub(crate) const BASELINE: f32 = 1_901.0 / 2_384.0;

static FACES: LazyLock<[FontRef<'static>; 2]> = LazyLock::new(|| {
    [REGULAR, BOLD]
        .map(|file| FontRef::try_from_slice(file).expect("the embedded fonts are fonts: the tests draw both"))
});

pub(crate) fn face(bold: bool) -> &'static FontRef<'static> {
    &FACES[usize::from(bold)]
}

/// The glyph of a character; `None` where the font lacks it.
pub(crate) fn glyph_id(ch: char, bold: bool) -> Option<GlyphId> {
    Some(face(bold).glyph_id(ch)).filter(|id| id.0 != 0)
}

/// Whether the font has the character, in both weights.
pub fn has(ch: char) -> bool {
    glyph_id(ch, false).is_some() && glyph_id(ch, true).is_some()
}

/// Draws a character into a cell of `cell_width` × `cell_height` dots, each at most 832; what reaches out of the cell is
/// cut off. A character that the font lacks is drawn as an empty box.
pub fn glyph(ch: char, bold: bool, cell_width: u32, cell_height: u32) -> Bitmap {
    let mut cell = Bitmap::within_limits(cell_width, cell_height.min(crate::bitmap::WIDTH_LIMIT));
    match glyph_id(ch, bold) {
        Some(id) => draw(&mut cell, id, bold),
        None => draw_box(&mut cell),
    }
    cell
}

/// The font's advance is made the cell's width and its line the cell's height.
fn draw(cell: &mut Bitmap, id: GlyphId, bold: bool) {
    let face = face(bold);
    let per_advance = face.height_unscaled() / face.h_advance_unscaled(id).max(1.0);
    let scale = PxScale { x: cell.width() as f32 * per_advance, y: cell.height() as f32 };
    let baseline = (scale.y * BASELINE).round();
    let Some(outline) = face.outline_glyph(id.with_scale_and_position(scale, point(0.0, baseline))) else { return };
    let corner = outline.px_bounds().min;
    outline.draw(|x, y, covered| {
        let (x, y) = (f64::from(corner.x) + f64::from(x), f64::from(corner.y) + f64::from(y));
        if covered >= COVERED && x >= 0.0 && y >= 0.0 {
            cell.set(x as u32, y as u32, true);
        }
    });
}

fn draw_box(cell: &mut Bitmap) {
    let line = (cell.width() / 12).max(1);
    let (left, top) = (cell.width() / 6, cell.height() / 6);
    let (width, height) = (cell.width().saturating_sub(2 * left), cell.height().saturating_sub(2 * top));
    cell.fill_rect(left, top, width, line);
    cell.fill_rect(left, (top + height).saturating_sub(line), width, line);
    cell.fill_rect(left, top, line, height);
    cell.fill_rect((left + width).saturating_sub(line), top, line, height);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn black(bitmap: &Bitmap) -> u32 {
        bitmap.octets().iter().map(|octet| octet.count_ones()).sum()
    }

    #[test]
    fn the_letters_of_the_three_languages_and_the_signs_are_there() {
        let letters = "ĄĆĘŁŃÓŚŹŻąćęłńóśźżҐґЄєІіЇїЩщЮюЯя'’–—‘“”„…•€№→✓□×·";
        let ascii: String = (' '..='~').collect();
        for ch in letters.chars().chain(ascii.chars()) {
            assert!(has(ch), "{ch:?} is missing");
            assert!(ch == ' ' || black(&glyph(ch, false, 12, 24)) > 0, "{ch:?} is blank");
            assert!(ch == ' ' || black(&glyph(ch, true, 12, 24)) > 0, "{ch:?} is blank in bold");
        }
        assert!(!has('漢') && !has('🙂') && !has('\u{7}'));
    }

    #[test]
    fn bold_is_darker_and_a_double_cell_has_about_four_times_the_black() {
        for ch in "AnżЩ8".chars() {
            let (regular, bold) = (black(&glyph(ch, false, 12, 24)), black(&glyph(ch, true, 12, 24)));
            assert!(bold > regular, "{ch}: {bold} and {regular}");
            let double = black(&glyph(ch, false, 24, 48));
            assert!((3 * regular..=5 * regular).contains(&double), "{ch}: {double} and {regular}");
        }
    }

    #[test]
    fn accents_stand_within_the_cell() {
        let dots_above =
            |ch| (0..6).map(|y| (0..12).filter(|x| glyph(ch, false, 12, 24).get(*x, y)).count()).sum::<usize>();
        assert!(dots_above('Ż') > dots_above('Z'));
        assert!(dots_above('Ї') > dots_above('І'));
    }

    #[test]
    fn a_character_that_is_missing_is_a_box() {
        let cell = glyph('漢', false, 12, 24);
        // 12/6 = 2 dots free at the sides, 24/6 = 4 above and below, one dot thick: 2·8 + 2·(16 − 2) dots.
        assert_eq!(black(&cell), 44);
        assert!(cell.get(2, 4) && cell.get(9, 19) && !cell.get(5, 10));
        assert_eq!(glyph('漢', true, 0, 0).width(), 0);
    }

    proptest::proptest! {
        #[test]
        fn no_character_and_no_cell_panics(ch: char, bold: bool, width in 0_u32..900, height in 0_u32..900) {
            let cell = glyph(ch, bold, width, height);
            proptest::prop_assert_eq!((cell.width(), cell.height()), (width.min(832), height.min(832)));
        }
    }
}
