//! Commands on paper: letters, lines, barcodes, pictures, cuts.

use ab_glyph::InvalidFont;

use super::codepage::{Page, Variant};
use super::command::{Body, Command};
use super::font::Letters;
use super::format::{Format, LINE_ROWS, align, font};
use super::line::PrintLine;
use super::picture::{self, Zoom};
use super::slip::{CutKind, Slip, TextLine};
use super::strip::{Bitmap, CUTTER_DOTS, Strip};

/// Longest feed of one command: 1016 mm.
const FEED_ROWS_MAX: usize = 8_128;
/// Different remarks that are kept; later ones are left out.
const REMARKS_MAX: usize = 100;

/// Mechanism, print buffer and settings.
#[derive(Debug)]
pub(super) struct Printing {
    pub(super) letters: Letters,
    pub(super) strip: Strip,
    pub(super) line: PrintLine,
    pub(super) format: Format,
    /// The picture of GS ( L, function 112, until function 50 prints it.
    pub(super) stored: Option<Bitmap>,
    /// Lines fed since the last [`Printing::take_lines`].
    lines: u32,
    remarks: Vec<String>,
}

impl Printing {
    /// Puts paper of so many dots in.
    pub fn new(dots: usize) -> Result<Self, InvalidFont> {
        Ok(Self {
            letters: Letters::load()?,
            strip: Strip::new(dots),
            line: PrintLine::new(dots),
            format: Format::first(dots),
            stored: None,
            lines: 0,
            remarks: Vec::new(),
        })
    }

    /// What the reference does not allow, in words.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// Lines fed since the last call; a picture counts by its height.
    pub fn take_lines(&mut self) -> u32 {
        std::mem::take(&mut self.lines)
    }

    /// Slips cut off since the last call.
    pub fn take_slips(&mut self) -> Vec<Slip> {
        self.strip.take_finished()
    }

    /// Tells whether the print buffer is empty.
    pub fn line_is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// ESC @ and power on: print buffer and settings, not what is on paper.
    pub fn initialize(&mut self) {
        let dots = self.strip.dots();
        self.line = PrintLine::new(dots);
        self.format = Format::first(dots);
        self.stored = None;
        self.strip.forget_orders();
    }

    /// Throws the print buffer away.
    pub fn clear_line(&mut self) {
        self.line = PrintLine::new(self.strip.dots());
    }

    /// Feeds to the cutter and tears the paper off; blank paper stays.
    pub fn tear(&mut self) {
        if !self.strip.is_blank() {
            self.strip.feed(CUTTER_DOTS);
            self.strip.cut(CutKind::Torn);
        }
    }

    pub(super) fn remark(&mut self, words: String) {
        if self.remarks.len() < REMARKS_MAX && !self.remarks.contains(&words) {
            self.remarks.push(words);
        }
    }

    /// Carries out a command; those that answer or give a pulse belong to the interpreter.
    pub fn command(&mut self, command: Command) {
        match command {
            Command::Letter(octet) => self.letter(octet),
            Command::LineFeed => self.print_line(self.format.line_rows, 1),
            Command::FeedLines(n) => self.print_line(usize::from(n) * self.format.line_rows, n.into()),
            Command::FeedDots(n) => self.print_line(n.into(), 1),
            Command::Tab => self.tab(),
            Command::Initialize => self.initialize(),
            Command::Cut(mode, n) => self.cut(mode, n.into()),
            Command::Position(dots) => self.line.set_position(dots.into()),
            Command::Move(by) => {
                let at = i32::try_from(self.line.position()).unwrap_or(0) + i32::from(by.cast_signed());
                self.line.set_position(usize::try_from(at).unwrap_or(0));
            }
            Command::Align(_) | Command::LeftMargin(_) | Command::AreaWidth(_) => self.set_area(command),
            other => {
                if !self.set(other) {
                    self.remark(format!("{other:?} is out of range"));
                }
            }
        }
    }

    /// Settings of the line's place: allowed at the beginning of a line alone.
    fn set_area(&mut self, command: Command) {
        if !self.line.is_empty() {
            self.remark(format!("{command:?} in the middle of a line was ignored"));
            return;
        }
        match command {
            Command::Align(n) => match align(n) {
                Some(align) => self.format.align = align,
                None => self.remark(format!("{command:?} is out of range")),
            },
            Command::LeftMargin(dots) => self.format.left_margin = usize::from(dots).min(self.strip.dots()),
            Command::AreaWidth(dots) => self.format.area = Some(dots.into()),
            _ => {}
        }
    }

    /// Settings of letters and codes; false when the number is out of range and nothing changes.
    fn set(&mut self, command: Command) -> bool {
        let format = &mut self.format;
        match command {
            Command::CodePage(n) => return Page::numbered(n).map(|page| format.page = page).is_some(),
            Command::Variant(n) => return Variant::numbered(n).map(|variant| format.variant = variant).is_some(),
            Command::Font(n) => return font(n).map(|font| format.font = font).is_some(),
            Command::Emphasis(n) => format.emphasis = n & 1 != 0,
            Command::DoubleStrike(n) => format.double_strike = n & 1 != 0,
            Command::Underline(n @ (0..=2 | 48..=50)) => format.underline = n & 0x03,
            Command::PrintMode(n) => format.set_print_mode(n),
            Command::Size(n) => return format.set_size(n),
            Command::Reverse(n) => format.reverse = n & 1 != 0,
            Command::RightSpace(n) => format.right_space = n.into(),
            Command::LineSpacing(rows) => format.line_rows = rows.map_or(LINE_ROWS, usize::from),
            Command::BarcodeHeight(n @ 1..) => format.barcodes.height = n.into(),
            Command::BarcodeModule(n @ 2..=6) => format.barcodes.module = n.into(),
            Command::TextPlace(n @ (0..=3 | 48..=51)) => {
                format.barcodes.text_above = n & 1 != 0;
                format.barcodes.text_below = n & 2 != 0;
            }
            Command::TextFont(n) => return font(n).map(|font| format.barcodes.text_font = font).is_some(),
            Command::Nothing => {}
            _ => return false,
        }
        true
    }

    pub(super) fn area(&self) -> usize {
        self.format.area(self.strip.dots())
    }

    /// A letter that finds no room goes to the next line.
    fn letter(&mut self, octet: u8) {
        let letter = self.format.page.letter(self.format.variant, octet);
        let glyph = self.letters.draw(letter, self.format.font);
        let look = self.format.look();
        let cell = (glyph.width + self.format.right_space) * look.width;
        if !self.line.is_empty() && self.line.position() + cell > self.area() {
            self.print_line(self.format.line_rows, 1);
        }
        self.line.set_letter(&glyph, letter, look, self.format.right_space);
    }

    fn tab(&mut self) {
        let (position, area) = (self.line.position(), self.area());
        if let Some(stop) = self.format.tabs.iter().find(|&&stop| stop > position && stop < area) {
            self.line.set_position(*stop);
        }
    }

    /// Prints what is in the buffer and feeds at least `rows`.
    fn print_line(&mut self, rows: usize, lines: u32) {
        let rows = rows.min(FEED_ROWS_MAX);
        self.lines = self.lines.saturating_add(lines);
        let Some(printed) = self.line.take(self.format.left_margin, self.area(), self.format.align) else {
            self.strip.feed(rows);
            return;
        };
        let (y, high) = (self.strip.head(), printed.picture.height());
        self.strip.note_line(TextLine { text: printed.text, x: printed.x, y, rows: high, runs: printed.runs });
        self.strip.print(&printed.picture, rows);
    }

    fn cut(&mut self, mode: u8, n: usize) {
        if !self.line.is_empty() {
            self.remark(format!("GS V {mode} in the middle of a line was ignored"));
            return;
        }
        let kind = if matches!(mode, 0 | 48 | 65 | 97 | 103) { CutKind::Full } else { CutKind::Partial };
        match mode {
            65 | 66 => {
                self.strip.feed(CUTTER_DOTS + n);
                self.strip.cut(kind);
            }
            97 | 98 => self.strip.order_cut(n, kind),
            103 | 104 => {
                self.strip.feed(CUTTER_DOTS + n);
                self.strip.cut(kind);
                self.strip.pull_back();
            }
            _ => self.strip.cut(kind),
        }
    }

    /// Carries out a command with its data. Returns the octets that the printer takes for what follows the command.
    pub fn body(&mut self, body: Body, data: Vec<u8>) -> Vec<u8> {
        match body {
            Body::Barcode(system) | Body::BarcodeToNul(system) => return self.barcode(system, data),
            Body::Tabs => self.format.set_tabs(&data),
            Body::Raster { mode, row_octets } => {
                let row_octets = usize::from(row_octets);
                let dots = self.strip.dots();
                self.print_picture(&picture::raster(&data, row_octets, row_octets * 8, Zoom::of_raster(mode), dots));
            }
            Body::Columns(mode) => {
                self.line.set_picture(&picture::columns(&data, mode, self.strip.dots()));
            }
            Body::Function(_) | Body::Graphics | Body::Skipped(_) => {}
        }
        Vec::new()
    }

    /// Prints a picture by alignment and margin; it needs an empty print buffer.
    pub(super) fn print_picture(&mut self, picture: &Bitmap) {
        if !self.line.is_empty() {
            self.remark("a picture in the middle of a line was not printed".into());
            return;
        }
        let area = self.area();
        let x = self.format.left_margin + self.format.align.offset(area, picture.width);
        let mut placed = Bitmap::new(self.strip.dots(), picture.height());
        for y in 0..picture.height() {
            for column in (0..picture.width.min(area)).filter(|&column| picture.dot(column, y)) {
                placed.set(x + column, y);
            }
        }
        self.print_whole(&placed);
    }

    pub(super) fn print_whole(&mut self, picture: &Bitmap) {
        self.count_rows(picture.height());
        self.strip.print(picture, 0);
    }

    pub(super) fn feed_picture(&mut self, rows: usize) {
        self.count_rows(rows);
        self.strip.feed(rows);
    }

    fn count_rows(&mut self, rows: usize) {
        self.lines = self.lines.saturating_add(u32::try_from(rows.div_ceil(LINE_ROWS)).unwrap_or(u32::MAX));
    }
}
