//! Pictures out of commands' data: raster rows, columns, QR codes.

use qrcode::{Color, EcLevel, QrCode};

use super::strip::Bitmap;

/// Rows of a picture that are printed; the rest of a longer one is left out.
pub(super) const ROWS_MAX: usize = 16_000;

/// How large a dot of the data is on paper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zoom {
    pub across: usize,
    pub down: usize,
}

impl Zoom {
    /// The m of GS v 0: bit 0 doubles the width, bit 1 the height.
    pub fn of_raster(mode: u8) -> Self {
        Self { across: 1 + usize::from(mode & 1), down: 1 + usize::from(mode >> 1 & 1) }
    }
}

/// Draws rows of `row_octets` each, the highest bit leftmost, at most `dots` wide on paper.
pub(super) fn raster(data: &[u8], row_octets: usize, columns: usize, zoom: Zoom, dots: usize) -> Bitmap {
    if row_octets == 0 || columns == 0 {
        return Bitmap::default();
    }
    let width = (columns * zoom.across).min(dots);
    let rows = (data.len() / row_octets * zoom.down).min(ROWS_MAX);
    let mut picture = Bitmap::new(width, rows);
    for y in 0..rows {
        let row = &data[y / zoom.down * row_octets..][..row_octets];
        for x in 0..width {
            let column = x / zoom.across;
            if row[column / 8] & (0x80 >> (column % 8)) != 0 {
                picture.set(x, y);
            }
        }
    }
    picture
}

/// Draws the columns of `ESC *`: mode 0 and 1 have 8 dots down, three rows each; 32 and 33 have 24; 0 and 32 are
/// twice as wide.
pub(super) fn columns(data: &[u8], mode: u8, dots: usize) -> Bitmap {
    let (octets, down) = if mode < 32 { (1, 3) } else { (3, 1) };
    let across = if mode & 1 == 0 { 2 } else { 1 };
    let width = (data.len() / octets * across).min(dots);
    let mut picture = Bitmap::new(width, 24);
    for x in 0..width {
        let column = &data[x / across * octets..][..octets];
        for y in 0..24 {
            let dot = y / down;
            if column[dot / 8] & (0x80 >> (dot % 8)) != 0 {
                picture.set(x, y);
            }
        }
    }
    picture
}

/// Draws a QR code of `module` dots a module without a quiet zone; `None` where no size holds the data.
pub(super) fn qr(data: &[u8], level: EcLevel, module: usize) -> Option<Bitmap> {
    let code = QrCode::with_error_correction_level(data, level).ok()?;
    let modules = code.width();
    let mut picture = Bitmap::new(modules * module, modules * module);
    for (at, colour) in code.into_colors().into_iter().enumerate() {
        if colour == Color::Dark {
            picture.fill(at % modules * module, at / modules * module, module, module);
        }
    }
    Some(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(picture: &Bitmap) -> Vec<String> {
        let row = |y| (0..picture.width).map(|x| if picture.dot(x, y) { '#' } else { '.' }).collect();
        (0..picture.height()).map(row).collect()
    }

    #[test]
    fn raster_rows_are_drawn_at_their_size() {
        let once = Zoom { across: 1, down: 1 };
        assert_eq!(shown(&raster(&[0b1010_0000, 0b0110_0000], 1, 3, once, 384)), ["#.#", ".##"]);
        let doubled = raster(&[0b1010_0000], 1, 3, Zoom::of_raster(3), 384);
        assert_eq!(shown(&doubled), ["##..##", "##..##"]);
        let cut_off = raster(&[0xff, 0xff], 2, 16, once, 8);
        assert_eq!(shown(&cut_off), ["########"]);
    }

    #[test]
    fn columns_stand_from_their_top_bit_down() {
        let dense = columns(&[0x80, 0x01], 1, 384);
        assert_eq!(shown(&dense)[0..3], ["#.", "#.", "#."]);
        assert_eq!(shown(&dense)[21..24], [".#", ".#", ".#"]);
        let wide = columns(&[0x80, 0x00, 0x01], 32, 384);
        assert_eq!((shown(&wide)[0].as_str(), shown(&wide)[1].as_str(), shown(&wide)[23].as_str()), ("##", "..", "##"));
    }

    #[test]
    fn qr_codes_have_the_size_of_their_version() {
        // Five octets at level L are version 1, 21 modules (ISO/IEC 18004, table 7).
        assert_eq!(qr(b"hello", EcLevel::L, 4).unwrap().width, 84);
        assert!(qr(&[0; 3_000], EcLevel::L, 1).is_none());
    }
}
