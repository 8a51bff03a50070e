//! Documents without a device: what a slip, a label or a note says, in the order of the paper. Printers' drivers turn
//! them into ESC/POS, PDF or a page; nothing here knows which.

use crate::event::StagedBag;
use crate::ids::OrderNumber;
use crate::scan;

/// A document, top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A paragraph of text.
    Text {
        /// The words.
        text: String,
        /// How they look.
        style: Style,
    },
    /// A line across the paper.
    Rule,
    /// A Code 128 barcode.
    Barcode(String),
    /// A QR code.
    Qr(String),
    /// A picture by the hash of its content.
    Image(String),
    /// Cut the paper here.
    Cut,
    /// Open the drawer.
    Drawer,
}

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Weight.
    pub weight: Weight,
    /// Size.
    pub size: Size,
    /// Alignment.
    pub align: Align,
}

/// Weight of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    /// Ordinary.
    #[default]
    Regular,
    /// Bold.
    Bold,
}

/// Size of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// Ordinary.
    #[default]
    Normal,
    /// Twice as high and wide.
    Double,
    /// As large as the paper allows: a shelf's name.
    Huge,
}

/// Alignment of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// Left.
    #[default]
    Left,
    /// Middle.
    Centre,
    /// Right.
    Right,
}

impl Document {
    /// Adds a paragraph.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>, style: Style) -> Self {
        self.parts.push(Part::Text { text: text.into(), style });
        self
    }

    /// Adds any other part.
    #[must_use]
    pub fn with(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }
}

/// The label of a bag: shelf, order number, initials and barcode, never a full name (R18).
pub fn bag_label(order: &OrderNumber, bag: &StagedBag, initials: &str) -> Document {
    let huge = Style { weight: Weight::Bold, size: Size::Huge, align: Align::Centre };
    let plain = Style { align: Align::Centre, ..Style::default() };
    Document::default()
        .text(bag.shelf.as_str(), huge)
        .text(format!("{order} · {initials}"), plain)
        .with(Part::Barcode(scan::bag_label(order, &bag.bag)))
        .with(Part::Cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BagId, ShelfId};

    #[test]
    fn a_bag_label_holds_number_initials_and_a_barcode_that_scans_back() {
        let order = OrderNumber::parse("2026/11/00123").unwrap();
        let bag = StagedBag { bag: BagId::parse("1").unwrap(), shelf: ShelfId::parse("B4").unwrap() };
        let label = bag_label(&order, &bag, "J. K.");
        let Some(Part::Barcode(printed)) = label.parts.get(2) else { panic!("no barcode in {label:?}") };
        assert_eq!(scan::parse(printed, scan::Source::Scanned), scan::Scan::Bag(vec![(order, bag.bag)]));
        assert!(matches!(&label.parts[1], Part::Text { text, .. } if text == "2026/11/00123 · J. K."));
    }
}
