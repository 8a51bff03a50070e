//! Documents dot by dot, as a receipt printer of 8 dots/mm prints them.

use shop_model::document::Line;

use crate::bitmap::{Bitmap, BitmapError, HEIGHT_LIMIT, WIDTH_LIMIT};
use crate::block::{Block, CELL_HEIGHT, CELL_WIDTH, barcode as barcode_block, blocks, qr_code, text_block};
use crate::code::CodeError;
use crate::font::glyph;

/// A width of paper at 8 dots/mm: [`Paper::MM58`] or [`Paper::MM80`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Paper {
    /// Dots that are printed across.
    pub dots: u32,
    /// Characters of ordinary size in a line, for [`lay_out`](shop_model::document::lay_out).
    pub columns: u16,
}

impl Paper {
    /// Paper of 58 mm: 48 mm printed.
    pub const MM58: Paper = Paper { dots: 384, columns: 32 };
    /// Paper of 80 mm: 72 mm printed.
    pub const MM80: Paper = Paper { dots: 576, columns: 48 };
}

/// A document that cannot be drawn. Lines are counted from 1 as [`lay_out`](shop_model::document::lay_out) gave them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaintError {
    /// A code that cannot be made.
    #[error("the code in line {line} cannot be drawn")]
    Code {
        /// The line.
        line: usize,
        /// Why.
        source: CodeError,
    },
    /// A picture that is too large or broken.
    #[error("the picture in line {line} cannot be drawn")]
    Picture {
        /// The line.
        line: usize,
        /// Why.
        source: BitmapError,
    },
    /// Longer than [`HEIGHT_LIMIT`](crate::bitmap::HEIGHT_LIMIT).
    #[error("the document is too long from line {line} on")]
    TooLong {
        /// The first line that does not fit.
        line: usize,
    },
}

/// Draws a document. The picture is as wide as the paper and as high as the document; a cut is a dashed line, a drawer
/// is nothing. A barcode that is too long for the paper, or that Code 128 cannot hold, is drawn as a QR code.
///
/// # Errors
/// [`PaintError`], with the line that cannot be drawn.
pub fn paint(lines: &[Line], paper: Paper) -> Result<Bitmap, PaintError> {
    let blocks = blocks(lines, paper, HEIGHT_LIMIT)?;
    Ok(drawn(&blocks, paper.dots))
}

/// Draws one line of text alone, as wide as the paper and 24 dots × its scale and 6 dots high, for a printer whose code
/// page lacks its letters. `None` for a line of another kind.
pub fn text_line(line: &Line, paper: Paper) -> Option<Bitmap> {
    let Line::Text { text, bold, scale, indent } = line else { return None };
    Some(drawn(&[text_block(text, *bold, *scale, *indent, paper)], paper.dots))
}

/// Draws a Code 128 in the middle of `dots`, at most 832, with its text below. A text that Code 128 cannot hold, or whose bars do not
/// fit with 10 modules of white on either side, becomes a QR code with its text below.
///
/// # Errors
/// [`CodeError`] when it is empty, longer than [`CODE128_LIMIT`](crate::code::CODE128_LIMIT) characters, or too wide
/// even as a QR code.
pub fn barcode(text: &str, dots: u32) -> Result<Bitmap, CodeError> {
    let dots = dots.min(WIDTH_LIMIT);
    Ok(drawn(&[barcode_block(text, dots)?], dots))
}

/// Draws a QR code in the middle of `dots`, at most 832, each module 4 to 8 dots wide, with 4 modules of white on every side.
///
/// # Errors
/// [`CodeError`] when it is empty, or too long for a QR code or for the width.
pub fn qr_picture(text: &str, dots: u32) -> Result<Bitmap, CodeError> {
    let dots = dots.min(WIDTH_LIMIT);
    Ok(drawn(&[qr_code(text, dots)?], dots))
}

fn drawn(blocks: &[Block], dots: u32) -> Bitmap {
    let height = blocks.iter().map(|block| block.height).sum();
    let mut bitmap = Bitmap::within_limits(dots, height);
    let mut top = 0;
    for block in blocks {
        for rect in &block.rects {
            bitmap.fill_rect(rect.x, top + rect.y, rect.width, rect.height);
        }
        for words in &block.words {
            let (width, height) = (CELL_WIDTH * words.scale, CELL_HEIGHT * words.scale);
            for (ch, column) in words.text.chars().zip(0_u32..) {
                bitmap.blit(&glyph(ch, words.bold, width, height), words.x + column * width, top + words.y);
            }
        }
        if let Some((picture, x)) = &block.picture {
            bitmap.blit(picture, *x, top);
        }
        top += block.height;
    }
    bitmap
}

#[cfg(test)]
mod tests;
