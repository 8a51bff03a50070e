//! What commands set for what is printed later; `ESC @` brings the first values back.

use super::codepage::{Page, Variant};
use super::font::Font;
use super::line::{Align, Look};

/// Rows of a line after power on: 3.75 mm.
pub(super) const LINE_ROWS: usize = 30;
/// Columns between the first tab stops.
const TAB_COLUMNS: usize = 8;
/// Most tab stops of `ESC D`.
const TABS_MAX: usize = 32;

/// Settings of barcodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Barcodes {
    /// Rows.
    pub height: usize,
    /// Dots of a module.
    pub module: usize,
    pub text_above: bool,
    pub text_below: bool,
    pub text_font: Font,
}

/// Settings of QR codes, and the data that waits to be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Qr {
    /// Dots of a module.
    pub module: usize,
    pub level: qrcode::EcLevel,
    pub data: Vec<u8>,
}

/// All settings.
#[derive(Debug, Clone)]
pub(super) struct Format {
    pub page: Page,
    pub variant: Variant,
    pub font: Font,
    pub emphasis: bool,
    pub double_strike: bool,
    pub underline: u8,
    pub reverse: bool,
    /// Times as wide and as high.
    pub size: (usize, usize),
    pub right_space: usize,
    pub align: Align,
    pub line_rows: usize,
    pub left_margin: usize,
    pub area: Option<usize>,
    /// Dots from the beginning of the line.
    pub tabs: Vec<usize>,
    pub barcodes: Barcodes,
    pub qr: Qr,
}

impl Format {
    /// The settings after power on, for paper of so many dots.
    pub fn first(dots: usize) -> Self {
        let tab = TAB_COLUMNS * Font::A.size().0;
        let barcodes = Barcodes { height: 162, module: 3, text_above: false, text_below: false, text_font: Font::A };
        Self {
            page: Page::FIRST,
            variant: Variant::FIRST,
            font: Font::A,
            emphasis: false,
            double_strike: false,
            underline: 0,
            reverse: false,
            size: (1, 1),
            right_space: 0,
            align: Align::Left,
            line_rows: LINE_ROWS,
            left_margin: 0,
            area: None,
            tabs: (1..=dots / tab).map(|stop| stop * tab).collect(),
            barcodes,
            qr: Qr { module: 3, level: qrcode::EcLevel::L, data: Vec::new() },
        }
    }

    /// The look of the next letter.
    pub fn look(&self) -> Look {
        Look {
            bold: self.emphasis || self.double_strike,
            underline: self.underline,
            reverse: self.reverse,
            width: self.size.0,
            height: self.size.1,
        }
    }

    /// Dots across that may be printed on, of paper of `dots`.
    pub fn area(&self, dots: usize) -> usize {
        let room = dots.saturating_sub(self.left_margin);
        self.area.map_or(room, |area| area.min(room))
    }

    /// ESC ! n: font, emphasis, size and underline in one octet.
    pub fn set_print_mode(&mut self, n: u8) {
        self.font = if n & 0x01 == 0 { Font::A } else { Font::B };
        self.emphasis = n & 0x08 != 0;
        self.size = (if n & 0x20 == 0 { 1 } else { 2 }, if n & 0x10 == 0 { 1 } else { 2 });
        self.underline = u8::from(n & 0x80 != 0);
    }

    /// GS ! n: width in bits 4 to 6, height in bits 0 to 2; a number with other bits is out of range.
    pub fn set_size(&mut self, n: u8) -> bool {
        if n & 0x88 == 0 {
            self.size = (usize::from(n >> 4) + 1, usize::from(n & 0x07) + 1);
        }
        n & 0x88 == 0
    }

    /// ESC D: columns in ascending order; one that does not ascend ends the list.
    pub fn set_tabs(&mut self, columns: &[u8]) {
        let column = (self.font.size().0 + self.right_space) * self.size.0;
        let mut last = 0;
        let ascending = columns.iter().take(TABS_MAX).take_while(|&&stop| {
            let ascends = stop > last;
            last = stop;
            ascends
        });
        self.tabs = ascending.map(|&stop| usize::from(stop) * column).collect();
    }
}

/// ESC M n and GS f n: 0 or 48, 1 or 49.
pub(super) fn font(n: u8) -> Option<Font> {
    match n {
        0 | 48 => Some(Font::A),
        1 | 49 => Some(Font::B),
        _ => None,
    }
}

/// ESC a n.
pub(super) fn align(n: u8) -> Option<Align> {
    match n {
        0 | 48 => Some(Align::Left),
        1 | 49 => Some(Align::Centre),
        2 | 50 => Some(Align::Right),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_and_print_mode_take_their_bits_apart() {
        let mut format = Format::first(576);
        assert!(format.set_size(0x71));
        assert_eq!(format.size, (8, 2));
        assert!(!format.set_size(0x08));
        assert_eq!(format.size, (8, 2));
        format.set_print_mode(0x39);
        assert_eq!((format.font, format.emphasis, format.size, format.underline), (Font::B, true, (2, 2), 0));
        format.set_print_mode(0x80);
        assert_eq!((format.font, format.emphasis, format.size, format.underline), (Font::A, false, (1, 1), 1));
    }

    #[test]
    fn tabs_ascend() {
        let mut format = Format::first(384);
        assert_eq!(format.tabs, [96, 192, 288, 384]);
        format.set_tabs(&[10, 20, 15, 30]);
        assert_eq!(format.tabs, [120, 240]);
    }
}
