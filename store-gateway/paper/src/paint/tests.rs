use shop_model::document::{Document, Picture, Size, Style, lay_out};

use super::*;
use crate::code::code128;

fn text(text: &str, scale: u8, indent: u16) -> Line {
    Line::Text { text: text.into(), bold: false, scale, indent }
}

/// The columns of the first and the last black dot of a row.
fn extent(bitmap: &Bitmap, y: u32) -> Option<(u32, u32)> {
    let first = (0..bitmap.width()).find(|x| bitmap.get(*x, y))?;
    let last = (0..bitmap.width()).rev().find(|x| bitmap.get(*x, y))?;
    Some((first, last))
}

#[test]
fn a_document_is_as_high_as_its_lines() {
    let lines = [text("Łódź", 1, 0), text("B4", 8, 0), Line::Rule, Line::Feed(2), Line::Cut, Line::Drawer];
    let bitmap = paint(&lines, Paper::MM58).unwrap();
    // 24 + 6, 8 · 24 + 6, 20, 2 · 30, 28 + 2 + 30 and nothing.
    assert_eq!((bitmap.width(), bitmap.height()), (384, 30 + 198 + 20 + 60 + 60));
    assert_eq!(paint(&[], Paper::MM80).unwrap().height(), 0);
}

#[test]
fn text_stands_in_its_cells() {
    let bitmap = text_line(&text("■", 2, 3), Paper::MM58).unwrap();
    // Three columns of 12 dots are free, then a cell of 24 × 48 below 3 dots of white.
    assert_eq!((bitmap.width(), bitmap.height()), (384, 54));
    let black: Vec<u32> = (0..54).filter(|y| extent(&bitmap, *y).is_some()).collect();
    assert!(black.first() >= Some(&3) && black.last() < Some(&51), "{bitmap}");
    for y in black {
        let (first, last) = extent(&bitmap, y).unwrap();
        assert!(first >= 36 && last < 60, "{first} to {last} in row {y}");
    }
    assert_eq!(text_line(&Line::Rule, Paper::MM58), None);
}

#[test]
fn the_lines_of_a_printer_are_those_of_the_whole_picture() {
    let line = text("Їжак, żółw", 2, 5);
    let whole = paint(&[Line::Rule, line.clone()], Paper::MM80).unwrap();
    assert_eq!(whole.band(20, whole.height()), text_line(&line, Paper::MM80).unwrap());
}

#[test]
fn a_line_from_elsewhere_is_cut_off_at_the_edge() {
    let long = Line::Text { text: "W".repeat(500), bold: true, scale: 255, indent: 31 };
    assert_eq!(text_line(&long, Paper::MM58).unwrap().height(), 8 * 24 + 6);
    let outside = Line::Text { text: "W".into(), bold: true, scale: 1, indent: u16::MAX };
    assert!(text_line(&outside, Paper::MM58).unwrap().octets().iter().all(|octet| *octet == 0));
}

#[test]
fn a_barcode_has_ten_modules_of_white_and_its_text_below() {
    // "SB4": start, 3, check, stop: 5 · 11 + 13 = 68 modules; (68 + 20) · 3 = 264 dots fit into 384.
    let bitmap = barcode("SB4", 384).unwrap();
    assert_eq!(bitmap.height(), 16 + 80 + 16 + 30);
    assert_eq!(extent(&bitmap, 16), Some((90, 90 + 68 * 3 - 1)));
    assert!(extent(&bitmap, 15).is_none() && extent(&bitmap, 96).is_none());
    let modules = code128("SB4").unwrap();
    let read: Vec<bool> = (0..68).map(|module| bitmap.get(90 + module * 3 + 1, 50)).collect();
    assert_eq!(read, modules);
    let text = text_line(&text("SB4", 1, 0), Paper::MM58).unwrap();
    let below: Vec<bool> = (0..36 * 20).map(|i| bitmap.get((384 - 36) / 2 + i % 36, 112 + i / 36)).collect();
    let wanted: Vec<bool> = (0..36 * 20).map(|i| text.get(i % 36, 3 + i / 36)).collect();
    assert_eq!(below, wanted);
}

#[test]
fn modules_narrow_before_the_white_beside_them_does() {
    // "SB4" has 68 modules: (68 + 2 · 10) · 3 = 264 dots, · 2 = 176 dots.
    assert_eq!(extent(&barcode("SB4", 264).unwrap(), 50), Some((30, 30 + 204 - 1)));
    assert_eq!(extent(&barcode("SB4", 263).unwrap(), 50), Some((63, 63 + 136 - 1)));
    assert_eq!(extent(&barcode("SB4", 176).unwrap(), 50), Some((20, 20 + 136 - 1)));
    // Then a QR code of version 1: 29 modules of 5 dots.
    assert_eq!(barcode("SB4", 175).unwrap().height(), 29 * 5 + 30);
}

#[test]
fn a_long_barcode_has_narrow_modules_and_a_longer_one_is_a_qr_code() {
    // "B2026/11/00123-1" in sets: B C 20 26 B / 1 1 / 0 C 01 23 B - 1 with start and check 18 symbols.
    let modules = code128("B2026/11/00123-1").unwrap().len() as u32;
    assert_eq!(modules, 18 * 11 + 13);
    // (211 + 20) · 2 = 462 fits into 576, · 3 = 693 does not.
    let bitmap = barcode("B2026/11/00123-1", 576).unwrap();
    assert_eq!(extent(&bitmap, 50), Some(((576 - 422) / 2, (576 - 422) / 2 + 421)));
    // Into 384 it does not fit. Its letters are of the QR code's 45 alphanumeric ones, of which version 1 holds 20 at
    // level M (ISO/IEC 18004, table 7): 21 + 8 modules of 5 dots, and the text.
    let square = barcode("B2026/11/00123-1", 384).unwrap();
    assert_eq!(square.height(), 29 * 5 + 30);
    assert_eq!(extent(&square, 4 * 5), Some(((384 - 105) / 2, (384 - 105) / 2 + 104)));
    // So is a text that Code 128 cannot hold.
    assert_eq!(barcode("Sregał 4", 576).unwrap().height(), (21 + 8) * 5 + 30);
}

#[test]
fn a_qr_code_is_as_large_as_eight_dots_a_module_allow() {
    // Version 1: (21 + 8) · 8 = 232 dots.
    let bitmap = qr_picture("LADA", 384).unwrap();
    assert_eq!(bitmap.height(), 232);
    assert_eq!(extent(&bitmap, 32), Some(((384 - 168) / 2, (384 - 168) / 2 + 167)));
    assert!(extent(&bitmap, 31).is_none() && extent(&bitmap, 200).is_none());
    // Version 17 has 85 modules: 93 · 4 = 372; version 18 has 89: 97 · 4 = 388. Level M of version 17 holds 504 octets.
    assert_eq!(qr_picture(&"a".repeat(504), 384).unwrap().height(), 372);
    let refused = qr_picture(&"a".repeat(505), 384).unwrap_err();
    assert_eq!(refused, CodeError::TooWide { modules: 97, dots: 384 });
    assert_eq!(qr_picture("LADA", u32::MAX).unwrap().width(), 832);
    assert_eq!(qr_picture("LADA", 115).unwrap_err(), CodeError::TooWide { modules: 29, dots: 115 });
}

#[test]
fn a_picture_stands_in_the_middle() {
    let picture = Picture { width: 4, rows: vec![vec![0xf0]; 3] };
    let bitmap = paint(&[Line::Image(picture)], Paper::MM58).unwrap();
    assert_eq!(bitmap.height(), 3);
    assert_eq!(extent(&bitmap, 2), Some((190, 193)));
    let narrow = Line::Image(Picture { width: 0, rows: vec![vec![]; 7] });
    assert_eq!(paint(&[narrow], Paper::MM58).unwrap().height(), 7);
}

#[test]
fn what_cannot_be_drawn_is_named_by_its_line() {
    let lines = [Line::Rule, Line::Barcode(String::new())];
    assert_eq!(paint(&lines, Paper::MM58).unwrap_err(), PaintError::Code { line: 2, source: CodeError::Empty });
    let wide = Line::Image(Picture { width: 400, rows: vec![vec![0; 50]] });
    let source = BitmapError::TooWide { width: 400, dots: 384 };
    assert_eq!(paint(&[wide], Paper::MM58).unwrap_err(), PaintError::Picture { line: 1, source });
    let long = vec![Line::Feed(255); 3];
    // 255 lines of 30 dots are 7650; the third feed goes beyond 20 000.
    assert_eq!(paint(&long, Paper::MM58).unwrap_err(), PaintError::TooLong { line: 3 });
}

#[test]
fn huge_text_fills_the_paper() {
    let huge = Style { size: Size::Huge, ..Style::default() };
    let bitmap = paint(&lay_out(&Document::default().text("ЇЖАК", huge), 32), Paper::MM58).unwrap();
    assert_eq!(bitmap.height(), 8 * 24 + 6);
    let right = (0..bitmap.height()).filter_map(|y| extent(&bitmap, y)).map(|(_, last)| last).max();
    assert!(right > Some(384 - 96), "{right:?}");
}

proptest::proptest! {
    #[test]
    fn any_text_is_painted(words in ".{0,200}", columns in 1_u16..60) {
        let style = Style { size: Size::Double, ..Style::default() };
        let document = Document::default().text(words, style);
        let bitmap = paint(&lay_out(&document, columns), Paper::MM80).unwrap();
        proptest::prop_assert_eq!(bitmap.width(), 576);
    }

    #[test]
    fn any_text_is_a_code_or_refused(text in ".{0,90}", dots in 0_u32..900) {
        for drawn in [barcode(&text, dots), qr_picture(&text, dots)].into_iter().flatten() {
            proptest::prop_assert_eq!(drawn.width(), dots.min(832));
        }
    }
}
