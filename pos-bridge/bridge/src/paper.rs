//! From a document to the octets of one printer.

use shop_model::document::{Document, Part, lay_out};
use till_devices::escpos::{self, EncodeError};

use crate::config::Printer;
use crate::raster::Drawn;

/// Parts of the longest document: some metres of slip.
const MOST_PARTS: usize = 2_000;
/// Letters in all its texts together.
const MOST_LETTERS: usize = 50_000;

/// Why a document can't be printed here.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// It is longer than any slip.
    #[error(
        "the document has {parts} parts with {letters} letters; at most {MOST_PARTS} with {MOST_LETTERS} are printed"
    )]
    TooLong {
        /// Its parts.
        parts: usize,
        /// Letters of its texts.
        letters: usize,
    },
    /// It wants to open a drawer, and none hangs on this printer.
    #[error("no drawer hangs on this printer")]
    NoDrawer,
    /// A line that the printer can't have.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// The document's octets for this printer.
///
/// # Errors
/// [`PaperError`], without the document's words.
pub fn octets(document: &Document, printer: &Printer) -> Result<Vec<u8>, PaperError> {
    let (parts, letters) = (document.parts.len(), document.parts.iter().map(letters).sum());
    if parts > MOST_PARTS || letters > MOST_LETTERS {
        return Err(PaperError::TooLong { parts, letters });
    }
    if !printer.drawer && document.parts.contains(&Part::Drawer) {
        return Err(PaperError::NoDrawer);
    }
    let lines = lay_out(document, printer.profile.paper_width().columns);
    Ok(escpos::encode(&lines, &printer.profile, &Drawn)?.octets)
}

fn letters(part: &Part) -> usize {
    match part {
        Part::Text { text, .. } | Part::Barcode(text) | Part::Qr(text) => text.len(),
        Part::Row { left, right, .. } => left.len() + right.len(),
        Part::Rule | Part::Image(_) | Part::Feed(_) | Part::Cut | Part::Drawer => 0,
    }
}
