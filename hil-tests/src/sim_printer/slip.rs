//! A finished slip: its picture and what can be read off it.

use anyhow::{Context, Result};
use serde::Serialize;

use super::strip::Bitmap;

/// How a slip came off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CutKind {
    /// Cut through.
    #[default]
    Full,
    /// Cut but for one point.
    Partial,
    /// Torn off by hand.
    Torn,
    /// It fell off: two metres came without a cut.
    TooLong,
}

/// Letters of one look in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// The letters.
    pub text: String,
    /// Emphasized or double-strike.
    pub bold: bool,
    /// Times as wide, 1 to 8.
    pub width: u8,
    /// Times as high, 1 to 8.
    pub height: u8,
    /// Thickness of the line below, 0 to 2 dots.
    pub underline: u8,
    /// White on black.
    pub reverse: bool,
}

/// A printed line of text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TextLine {
    /// The letters of all runs; jumps of the print position are blanks.
    pub text: String,
    /// Dots from the left edge of the paper to the first letter.
    pub x: usize,
    /// Dots from the slip's upper edge.
    pub y: usize,
    /// Dots down.
    pub rows: usize,
    /// Letters by look.
    pub runs: Vec<Run>,
}

/// A printed barcode or QR code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Code {
    /// `code128`, `ean13` or `qr`.
    pub kind: &'static str,
    /// What it says.
    pub text: String,
    /// Times that its text stands beside it: 0 to 2.
    pub captions: u8,
    /// Dots from the left edge of the paper.
    pub x: usize,
    /// Dots from the slip's upper edge.
    pub y: usize,
    /// Dots across.
    pub width: usize,
    /// Dots down.
    pub height: usize,
}

/// A slip.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Slip {
    /// Its picture.
    #[serde(skip)]
    pub paper: Bitmap,
    /// Its lines from the top.
    pub lines: Vec<TextLine>,
    /// Its codes from the top.
    pub codes: Vec<Code>,
    /// Process ids that were answered since the slip before.
    pub process_ids: Vec<String>,
    /// Connectors (0 or 1) that got a pulse since the slip before.
    pub pulses: Vec<u8>,
    /// How it came off.
    pub cut: CutKind,
    /// The cut went through a line of text.
    pub through_text: bool,
}

impl Slip {
    /// Writes the picture as PNG, one bit a dot.
    ///
    /// # Errors
    /// When the encoder refuses the size: a slip without any row.
    pub fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = (u32::try_from(self.paper.width)?, u32::try_from(self.paper.height())?);
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().context("beginning a slip's picture")?;
        // PNG's 1 is white.
        let white: Vec<u8> = self.paper.octets.iter().map(|octet| !octet).collect();
        writer.write_image_data(&white).context("writing a slip's picture")?;
        writer.finish().context("ending a slip's picture")?;
        Ok(file)
    }

    /// The text of all lines, one a line, without blanks at their ends.
    pub fn text(&self) -> String {
        self.lines.iter().map(|line| line.text.trim_end()).collect::<Vec<_>>().join("\n")
    }
}
