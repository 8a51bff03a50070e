//! Labels, the poster for the door, the test page, and what makes a document a re-print.

use super::words::Words;
use super::{Align, Document, Part, Size, Style, Weight};
use crate::event::StagedBag;
use crate::ids::{OrderNumber, ShelfId};
use crate::language::Language;
use crate::scan;

const HUGE: Style = Style { weight: Weight::Bold, size: Size::Huge, align: Align::Centre };
const MIDDLE: Style = Style { weight: Weight::Regular, size: Size::Normal, align: Align::Centre };
const TITLE: Style = Style { weight: Weight::Bold, size: Size::Double, align: Align::Centre };

/// The label of a bag: shelf, order number, initials and barcode, never a full name (R18).
pub fn bag_label(order: &OrderNumber, bag: &StagedBag, initials: &str) -> Document {
    Document::default()
        .text(bag.shelf.as_str(), HUGE)
        .text(format!("{order} · {initials}"), MIDDLE)
        .with(Part::Barcode(scan::bag_label(order, &bag.bag)))
        .with(Part::Cut)
}

/// The label of a shelf: its name and the barcode that means it.
pub fn shelf_label(shelf: &ShelfId) -> Document {
    Document::default().text(shelf.as_str(), HUGE).with(Part::Barcode(scan::shelf_label(shelf))).with(Part::Cut)
}

/// A poster for the door: the store's name, what can be done here, a QR code and what to do.
///
/// `text` are the instructions, [`door_text`] as a rule; `code` is what the QR code holds: an address or any text of at
/// most what a QR code takes.
pub fn door_qr(store: &str, text: &str, code: &str, language: Language) -> Document {
    Document::default()
        .text(store, TITLE)
        .text(Words::of(language).door, HUGE)
        .with(Part::Qr(code.to_owned()))
        .text(text, Style { weight: Weight::Bold, ..MIDDLE })
        .with(Part::Cut)
}

/// The instructions of the poster; `number` is the store's number for text messages as people write it.
pub fn door_text(number: &str, language: Language) -> String {
    Words::of(language).door_text.replace("{number}", number)
}

/// The same document with a first line that says that it is a re-print. A drawer is not opened a second time.
#[must_use]
pub fn reprint(mut document: Document, language: Language) -> Document {
    document.parts.retain(|part| *part != Part::Drawer);
    let style = Style { weight: Weight::Bold, ..MIDDLE };
    document.parts.insert(0, Part::Text { text: Words::of(language).copy.to_owned(), style });
    document
}

/// Shows what a printer can do: a ruler as wide as the paper, letters of the three languages, weights, sizes, a row, a
/// barcode and a QR code. `columns` as for [`lay_out`](super::lay_out).
pub fn test_page(language: Language, columns: u16) -> Document {
    let words = Words::of(language);
    let ruler: String = (1..=columns).map(|column| char::from(b'0' + (column % 10) as u8)).collect();
    let style = |weight, size| Style { weight, size, align: Align::Left };
    let mut page = Document::default().text(words.test_page, TITLE).text(ruler, Style::default()).with(Part::Rule);
    for language in Language::ALL {
        page = page.text(Words::of(language).regular, Style::default());
    }
    page.text("12,50 zł · 9,99 € · № 7 · „tak” – nie…", Style::default())
        .text(words.bold, style(Weight::Bold, Size::Normal))
        .text(words.double, style(Weight::Regular, Size::Double))
        .text(words.huge, HUGE)
        .with(Part::Row { left: words.left_right.0.into(), right: words.left_right.1.into(), style: Style::default() })
        .with(Part::Rule)
        .with(Part::Barcode("STORE-2026".to_owned()))
        .with(Part::Qr("STORE TEST 0123456789".to_owned()))
        .with(Part::Cut)
}
