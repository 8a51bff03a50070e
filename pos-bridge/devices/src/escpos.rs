//! Documents in ESC/POS, the command language of receipt printers (Epson's "ESC/POS Command Reference"; the commands
//! are cited by their names there).
//!
//! [`encode`] turns the lines of a document into the octets for one model, as its [`Profile`] says. What the model
//! cannot print itself is drawn by the caller's [`Raster`] and sent as a picture: text with a character that none of
//! its code pages has (the whole line: one letter in another typeface looks torn), and codes that it does not know.

mod code128;
pub mod codepage;
mod picture;
pub mod profile;
mod qr;
pub mod status;
#[cfg(test)]
mod tests;

use shop_model::document::{Line, Picture};

use codepage::CodePage;
use profile::{Cutter, DrawerPin};
pub use profile::{PaperWidth, Profile};

/// Draws what a printer does not print itself.
pub trait Raster {
    /// One line of text, `indent` columns from the left edge; at most `paper.dots` wide.
    fn text(&self, text: &str, bold: bool, scale: u8, indent: u16, paper: PaperWidth) -> Picture;
    /// A Code 128 barcode with its text below, or what stands for it where it does not fit, at most `dots` wide; no rows
    /// where nothing can.
    fn barcode(&self, text: &str, dots: u16) -> Picture;
    /// A QR code, at most `dots` wide; no rows when it does not fit.
    fn qr(&self, text: &str, dots: u16) -> Picture;
}

/// A document's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What the printer gets, beginning with `ESC @`.
    pub octets: Vec<u8>,
    /// Lines of text, barcodes and QR codes that went as pictures.
    pub rastered_lines: usize,
}

/// Why a document cannot be encoded, and at which of its lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct EncodeError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text does not fit between its indent and the right edge.
    #[error("text of {needs} columns on paper of {has}")]
    TextTooWide {
        /// Columns that it takes, with its indent.
        needs: usize,
        /// Columns of the paper.
        has: u16,
    },
    /// Text is enlarged 1 to 8 times.
    #[error("text enlarged {0} times; 1 to 8 is possible")]
    Scale(u8),
    /// Code 128 here holds the printable characters of ASCII.
    #[error("a Code 128 barcode cannot hold {0:?}")]
    CodeCharacter(char),
    /// A code without text.
    #[error("a code without text")]
    CodeEmpty,
    /// A code with more text than its kind or `GS k` holds.
    #[error("a code of {octets} octets; {most} is the most")]
    CodeTooLong {
        /// Octets of the text.
        octets: usize,
        /// The most.
        most: usize,
    },
    /// The narrowest code that scanners read is wider than the paper.
    #[error("a code of {needs} dots with its quiet zone on paper of {has}")]
    CodeTooWide {
        /// Dots that it takes.
        needs: usize,
        /// Dots across.
        has: u16,
    },
    /// The raster gave no picture for this line.
    #[error("could not be drawn")]
    NotDrawn,
    /// A picture that is wider than the paper.
    #[error("a picture of {needs} dots on paper of {has}")]
    PictureTooWide {
        /// Dots of the picture.
        needs: u16,
        /// Dots across.
        has: u16,
    },
    /// A picture's row that has not the octets of its width.
    #[error("row {row} of a picture has {octets} octets instead of {wanted}")]
    PictureRow {
        /// The row, from 0.
        row: usize,
        /// Octets that it has.
        octets: usize,
        /// Octets that its width needs.
        wanted: usize,
    },
    /// The profile has no drawer socket.
    #[error("this printer has no drawer")]
    NoDrawer,
    /// The document so far is larger than a printer should get.
    #[error("the document exceeds {MOST_OCTETS} octets here")]
    TooLong,
}

/// One document's most octets: 1.8 m of picture on 80 mm paper.
pub const MOST_OCTETS: usize = 1 << 20;

const ESC: u8 = 0x1B;
const FS: u8 = 0x1C;
const GS: u8 = 0x1D;
const LF: u8 = 0x0A;
/// Characters are enlarged up to this (`GS !`).
const LARGEST: u8 = 8;
/// Pulse to the drawer, in units of 2 ms: 100 ms on, 200 ms off (`ESC p`).
const PULSE: [u8; 2] = [50, 100];

/// Encodes a document that was laid out for the profile's columns.
///
/// # Errors
/// The first line that cannot be encoded, and why.
pub fn encode(lines: &[Line], profile: &Profile, raster: &dyn Raster) -> Result<Encoded, EncodeError> {
    let mut writer = Writer::new(profile, raster);
    writer.begin();
    for (i, line) in lines.iter().enumerate() {
        let at = |problem| EncodeError { line: i + 1, problem };
        writer.line(line).map_err(at)?;
        if writer.octets.len() > MOST_OCTETS {
            return Err(at(Problem::TooLong));
        }
    }
    Ok(Encoded { octets: writer.octets, rastered_lines: writer.rastered_lines })
}

/// The octets so far, and the modes that they left the printer in: each is sent again only when it changes.
struct Writer<'a> {
    profile: &'a Profile,
    raster: &'a dyn Raster,
    paper: PaperWidth,
    octets: Vec<u8>,
    page: Option<CodePage>,
    bold: bool,
    scale: u8,
    centred: bool,
    rastered_lines: usize,
}

impl<'a> Writer<'a> {
    fn new(profile: &'a Profile, raster: &'a dyn Raster) -> Self {
        let paper = profile.paper_width();
        let (octets, page) = (Vec::new(), None);
        Self { profile, raster, paper, octets, page, bold: false, scale: 1, centred: false, rastered_lines: 0 }
    }

    /// `ESC @` resets all modes; `FS .` leaves the Chinese mode; `ESC t` selects the first code page.
    fn begin(&mut self) {
        self.put(&[ESC, b'@']);
        if self.profile.cancel_kanji {
            self.put(&[FS, b'.']);
        }
        if let Some(&(page, _)) = self.profile.code_pages.first() {
            self.select_page(page);
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), Problem> {
        match line {
            Line::Text { text, bold, scale, indent } => self.text(text, *bold, *scale, *indent),
            Line::Rule => self.rule(),
            Line::Barcode(text) => self.barcode(text),
            Line::Qr(text) => self.qr(text),
            Line::Image(picture) => self.centred_picture(picture),
            Line::Feed(lines) => self.feed(*lines),
            Line::Cut => self.cut(),
            Line::Drawer => self.drawer(),
        }
    }

    fn text(&mut self, text: &str, bold: bool, scale: u8, indent: u16) -> Result<(), Problem> {
        if !(1..=LARGEST).contains(&scale) {
            return Err(Problem::Scale(scale));
        }
        let needs = text.chars().count() * usize::from(scale) + usize::from(indent);
        if needs > usize::from(self.paper.columns) {
            return Err(Problem::TextTooWide { needs, has: self.paper.columns });
        }
        let Some((page, octets)) = self.on_a_page(text) else {
            let picture = self.raster.text(text, bold, scale, indent, self.paper);
            self.align(Centred::No);
            return self.drawn(&picture);
        };
        if let Some(page) = page {
            self.select_page(page);
        }
        self.align(Centred::No);
        self.size(1);
        self.put(&vec![b' '; indent.into()]);
        self.emphasis(bold);
        self.size(scale);
        self.put(&octets);
        self.put(&[LF]);
        Ok(())
    }

    /// The first page with all characters of a text. A profile without pages still prints ASCII.
    fn on_a_page(&self, text: &str) -> Option<(Option<CodePage>, Vec<u8>)> {
        if self.profile.code_pages.is_empty() {
            let printable = text.bytes().all(|octet| matches!(octet, b' '..=b'~'));
            return printable.then(|| (None, text.as_bytes().to_vec()));
        }
        let mut pages = self.profile.code_pages.iter();
        pages.find_map(|&(page, _)| Some((Some(page), codepage::encode_text(page, text)?)))
    }

    /// A box-drawing line where the selected page has one; dashes otherwise.
    fn rule(&mut self) -> Result<(), Problem> {
        let octet = self.page.and_then(|page| codepage::encode(page, '─')).unwrap_or(b'-');
        self.align(Centred::No);
        self.emphasis(false);
        self.size(1);
        self.put(&vec![octet; self.paper.columns.into()]);
        self.put(&[LF]);
        Ok(())
    }

    /// The printer's own code where it has one and the code fits; else what the raster draws for it.
    fn barcode(&mut self, text: &str) -> Result<(), Problem> {
        let native = code128::code(text).and_then(|code| code128::command(&code, self.paper.dots));
        self.align(Centred::Yes);
        match native {
            Ok(command) if self.profile.native_code128 => {
                self.put(&command);
                Ok(())
            }
            native => {
                let picture = self.raster.barcode(text, self.paper.dots);
                self.drawn(&picture).map_err(|undrawn| native.err().unwrap_or(undrawn))
            }
        }
    }

    fn qr(&mut self, text: &str) -> Result<(), Problem> {
        let version = qr::version(text)?;
        if !self.profile.native_qr {
            let picture = self.raster.qr(text, self.paper.dots);
            self.align(Centred::Yes);
            return self.drawn(&picture);
        }
        let command = qr::command(text, version, self.paper.dots)?;
        self.align(Centred::Yes);
        self.put(&command);
        Ok(())
    }

    fn centred_picture(&mut self, picture: &Picture) -> Result<(), Problem> {
        self.align(Centred::Yes);
        self.picture(picture)
    }

    fn drawn(&mut self, picture: &Picture) -> Result<(), Problem> {
        if picture.rows.is_empty() || picture.width == 0 {
            return Err(Problem::NotDrawn);
        }
        self.rastered_lines += 1;
        self.picture(picture)
    }

    fn picture(&mut self, picture: &Picture) -> Result<(), Problem> {
        picture::check(picture, self.paper.dots)?;
        picture::write(picture, self.profile.raster, self.profile.image_band.into(), &mut self.octets);
        Ok(())
    }

    /// `ESC d`.
    fn feed(&mut self, lines: u8) -> Result<(), Problem> {
        if lines > 0 {
            self.put(&[ESC, b'd', lines]);
        }
        Ok(())
    }

    /// `GS V`.
    fn cut(&mut self) -> Result<(), Problem> {
        match self.profile.cutter {
            Cutter::FeedAndCut => self.put(&[GS, b'V', 66, 0]),
            Cutter::Cut => {
                self.feed(self.profile.lines_to_knife)?;
                self.put(&[GS, b'V', 1]);
            }
            Cutter::None => self.feed(self.profile.lines_to_knife)?,
        }
        Ok(())
    }

    /// `ESC p`.
    fn drawer(&mut self) -> Result<(), Problem> {
        let pin = match self.profile.drawer_pin.ok_or(Problem::NoDrawer)? {
            DrawerPin::Two => 0,
            DrawerPin::Five => 1,
        };
        self.put(&[ESC, b'p', pin, PULSE[0], PULSE[1]]);
        Ok(())
    }

    /// `ESC t`.
    fn select_page(&mut self, page: CodePage) {
        let number = self.profile.code_pages.iter().find(|(known, _)| *known == page).map(|(_, number)| *number);
        if let (Some(number), true) = (number, self.page != Some(page)) {
            self.put(&[ESC, b't', number]);
            self.page = Some(page);
        }
    }

    /// `ESC E`.
    fn emphasis(&mut self, bold: bool) {
        if self.bold != bold {
            self.put(&[ESC, b'E', u8::from(bold)]);
            self.bold = bold;
        }
    }

    /// `GS !`: the width in the upper four bits, the height in the lower, each less one.
    fn size(&mut self, scale: u8) {
        if self.scale != scale {
            self.put(&[GS, b'!', (scale - 1) << 4 | (scale - 1)]);
            self.scale = scale;
        }
    }

    /// `ESC a`.
    fn align(&mut self, centred: Centred) {
        let centred = centred == Centred::Yes;
        if self.centred != centred {
            self.put(&[ESC, b'a', u8::from(centred)]);
            self.centred = centred;
        }
    }

    fn put(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
    }
}

#[derive(PartialEq, Eq)]
enum Centred {
    Yes,
    No,
}
