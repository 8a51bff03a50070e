//! Draws what a printer does not print itself, over `store-paper`.

use shop_model::document::{Line, Picture};
use store_paper::bitmap::Bitmap;
use store_paper::paint::{self, Paper};
use till_devices::escpos::Raster;
use till_devices::escpos::profile::PaperWidth;

/// The drawing hand of all printers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawn;

impl Raster for Drawn {
    fn text(&self, text: &str, bold: bool, scale: u8, indent: u16, paper: PaperWidth) -> Picture {
        let line = Line::Text { text: text.to_owned(), bold, scale, indent };
        let mut roll = Paper::MM80;
        (roll.dots, roll.columns) = (paper.dots.into(), paper.columns);
        paint::text_line(&line, roll).map(picture).unwrap_or_default()
    }

    fn barcode(&self, text: &str, dots: u16) -> Picture {
        paint::barcode(text, dots.into()).map(picture).unwrap_or_default()
    }

    fn qr(&self, text: &str, dots: u16) -> Picture {
        paint::qr_picture(text, dots.into()).map(picture).unwrap_or_default()
    }
}

fn picture(bitmap: Bitmap) -> Picture {
    Picture::from(&bitmap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(picture: &Picture) -> u32 {
        picture.rows.iter().flatten().map(|octet| octet.count_ones()).sum()
    }

    #[test]
    fn a_line_is_as_wide_as_the_roll_and_begins_behind_its_indent() {
        // 42 columns of 12 dots on the 512 dots of a 180 dpi printer.
        let paper = PaperWidth { columns: 42, dots: 512 };
        let line = Drawn.text("Їжак", false, 2, 10, paper);
        assert_eq!((line.width, line.rows[0].len()), (512, 64));
        assert!(ink(&line) > 0);
        let left: u32 = line.rows.iter().flat_map(|row| &row[..15]).map(|octet| octet.count_ones()).sum();
        assert_eq!(left, 0, "ten columns are 120 dots, which are 15 octets");
    }

    #[test]
    fn codes_are_drawn_and_what_can_t_be_has_no_rows() {
        assert!(ink(&Drawn.qr("https://sklep.example", 384)) > 0);
        assert!(ink(&Drawn.barcode("5901234123457", 384)) > 0);
        assert!(Drawn.qr("", 384).rows.is_empty());
        assert!(Drawn.barcode("", 384).rows.is_empty());
    }
}
