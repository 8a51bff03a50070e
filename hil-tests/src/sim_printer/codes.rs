//! Barcodes, QR codes and stored pictures on paper.

use super::barcode::{Symbol, code128, ean13};
use super::font::Font;
use super::picture::{self, Zoom};
use super::printing::Printing;
use super::slip::Code;
use super::strip::Bitmap;

impl Printing {
    /// GS k. Returns the octets that the printer takes for what follows the command: those from a wrong one on.
    pub(super) fn barcode(&mut self, system: u8, mut data: Vec<u8>) -> Vec<u8> {
        let symbol = match system {
            73 => code128(&data),
            2 | 67 => ean13(&data),
            _ => {
                self.remark(format!("GS k {system}: this printer has no such barcode"));
                return Vec::new();
            }
        };
        match symbol {
            Ok(symbol) => self.print_barcode(&symbol),
            Err(at) => {
                self.remark(format!("GS k {system}: octet {at} of the data can't stand there"));
                return data.split_off(at.min(data.len()));
            }
        }
        Vec::new()
    }

    fn print_barcode(&mut self, symbol: &Symbol) {
        let settings = self.format.barcodes;
        let width = symbol.modules.len() * settings.module;
        if width > self.area() {
            let words = format!("a barcode of {width} dots is wider than the printing area of {}", self.area());
            self.remark(words);
            self.feed_picture(settings.height);
            return;
        }
        let x = self.format.left_margin + self.format.align.offset(self.area(), width);
        let text_rows = settings.text_font.size().1;
        let top = if settings.text_above { text_rows } else { 0 };
        let captions = u8::from(settings.text_above) + u8::from(settings.text_below);
        let mut picture = Bitmap::new(self.strip.dots(), settings.height + usize::from(captions) * text_rows);
        for (at, _) in symbol.modules.iter().enumerate().filter(|(_, black)| **black) {
            picture.fill(x + at * settings.module, top, settings.module, settings.height);
        }
        if settings.text_above {
            self.caption(&mut picture, &symbol.text, (x, width), 0, settings.text_font);
        }
        if settings.text_below {
            self.caption(&mut picture, &symbol.text, (x, width), top + settings.height, settings.text_font);
        }
        let (y, height) = (self.strip.head() + top, settings.height);
        let text = symbol.text.clone();
        self.strip.note_code(Code { kind: symbol.kind, text, captions, x, y, width, height });
        self.print_whole(&picture);
    }

    /// Writes a barcode's text in the middle above or below its bars; control characters are blanks.
    fn caption(&mut self, picture: &mut Bitmap, text: &str, bars: (usize, usize), top: usize, font: Font) {
        let width = text.chars().count() * font.size().0;
        let left = bars.0 + bars.1.saturating_sub(width) / 2;
        for (place, letter) in text.chars().enumerate() {
            let letter = if letter.is_control() { ' ' } else { letter };
            let glyph = self.letters.draw(letter, font);
            for (x, y) in (0..glyph.height).flat_map(|y| (0..glyph.width).map(move |x| (x, y))) {
                if glyph.dot(x, y) {
                    picture.set(left + place * glyph.width + x, top + y);
                }
            }
        }
    }

    /// GS ( k for QR codes, without its cn; false when it is not known.
    pub fn qr(&mut self, data: &[u8]) -> bool {
        let format = &mut self.format;
        match *data {
            // Model 2 is what is printed always.
            [65, 50, 0] => {}
            [67, n @ 1..=16] => format.qr.module = n.into(),
            [69, n @ 48..=51] => {
                format.qr.level = [qrcode::EcLevel::L, qrcode::EcLevel::M, qrcode::EcLevel::Q, qrcode::EcLevel::H]
                    [usize::from(n - 48)];
            }
            [80, 48, ref text @ ..] => format.qr.data = text.to_vec(),
            [81, 48] => self.print_qr(),
            _ => return false,
        }
        true
    }

    fn print_qr(&mut self) {
        let qr = &self.format.qr;
        let text = String::from_utf8_lossy(&qr.data).into_owned();
        let drawn = if qr.data.is_empty() { None } else { picture::qr(&qr.data, qr.level, qr.module) };
        match drawn {
            Some(code) if !self.line.is_empty() => {
                self.remark(format!("a QR code of {} dots in the middle of a line was not printed", code.width));
            }
            Some(code) if code.width > self.area() => {
                let words =
                    format!("a QR code of {} dots is wider than the printing area of {}", code.width, self.area());
                self.remark(words);
            }
            Some(code) => {
                let x = self.format.left_margin + self.format.align.offset(self.area(), code.width);
                let (y, width, height) = (self.strip.head(), code.width, code.height());
                self.strip.note_code(Code { kind: "qr", text, captions: 0, x, y, width, height });
                self.print_picture(&code);
            }
            None => self.remark("a QR code without data, or with more than it can hold, was not printed".into()),
        }
    }

    /// GS ( L and GS 8 L from their m on; false when it is not known.
    pub fn graphics(&mut self, data: &[u8]) -> bool {
        match *data {
            [48, 112, 48, across @ 1..=2, down @ 1..=2, 49, xl, xh, yl, yh, ref rows @ ..] => {
                let (columns, high) = (u16::from_le_bytes([xl, xh]).into(), usize::from(u16::from_le_bytes([yl, yh])));
                let row_octets = usize::div_ceil(columns, 8);
                let rows = rows.get(..row_octets * high).unwrap_or(rows);
                let zoom = Zoom { across: across.into(), down: down.into() };
                self.stored = Some(picture::raster(rows, row_octets, columns, zoom, self.strip.dots()));
            }
            [48, 2 | 50] => {
                if let Some(picture) = self.stored.take() {
                    self.print_picture(&picture);
                } else {
                    self.remark("GS ( L, function 50, without a stored picture".into());
                }
            }
            _ => return false,
        }
        true
    }
}
