//! Documents without a device: what a slip, a label or a note says, in the order of the paper. Printers' drivers turn
//! them into ESC/POS, PDF or a page; nothing here knows which.

mod label;
mod slip;
mod words;

pub use label::{bag_label, door_qr, door_text, reprint, shelf_label, test_page};
pub use slip::{Shop, Slip, collection_slip, pick_slip};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// A document, top to bottom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A paragraph of text, broken at blanks where it is too wide.
    Text {
        /// The words.
        text: String,
        /// How they look.
        #[serde(default)]
        style: Style,
    },
    /// Words at the left and words at the right of the same line: a name and its price.
    Row {
        /// Broken at blanks where both do not fit into one line.
        left: String,
        /// Stands whole at the right of the last line.
        right: String,
        /// How they look; the alignment is the row's own.
        #[serde(default)]
        style: Style,
    },
    /// A line across the paper.
    Rule,
    /// A Code 128 barcode with its text below.
    Barcode(String),
    /// A QR code.
    Qr(String),
    /// A picture.
    Image(Picture),
    /// Empty lines.
    Feed(u8),
    /// Cut the paper here.
    Cut,
    /// Open the drawer.
    Drawer,
}

/// A picture in black and white.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Dots across.
    pub width: u16,
    /// Rows from the top, each of `width.div_ceil(8)` octets; the highest bit is the leftmost dot, 1 is black.
    pub rows: Vec<Vec<u8>>,
}

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Style {
    /// Weight.
    #[serde(default)]
    pub weight: Weight,
    /// Size.
    #[serde(default)]
    pub size: Size,
    /// Alignment.
    #[serde(default)]
    pub align: Align,
}

/// Weight of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Ordinary.
    #[default]
    Regular,
    /// Bold.
    Bold,
}

/// Size of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Align {
    /// Left.
    #[default]
    Left,
    /// Middle.
    Centre,
    /// Right.
    Right,
}

/// A document broken into lines for a width of paper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// One line of text, already padded at the left by its alignment: never wider than the paper.
    Text {
        /// The characters.
        text: String,
        /// Heavier.
        bold: bool,
        /// 1 to 8 times as wide and as high; a character takes `scale` columns.
        scale: u8,
        /// Columns of scale 1 left blank before it.
        indent: u16,
    },
    /// A line across the paper.
    Rule,
    /// A Code 128 barcode with its text below, in the middle.
    Barcode(String),
    /// A QR code, in the middle.
    Qr(String),
    /// A picture, in the middle.
    Image(Picture),
    /// Empty lines.
    Feed(u8),
    /// Cut the paper here.
    Cut,
    /// Open the drawer.
    Drawer,
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

/// Characters are enlarged up to this.
const LARGEST: usize = 8;

/// Breaks a document into lines for paper of `columns` characters of ordinary size (32 on 58 mm, 48 on 80 mm).
///
/// A word that is wider than the paper is cut where the paper ends. Characters count one column each: the documents are
/// in Latin and Cyrillic script. Letters are composed (NFC) so that this holds, and control characters are left out: a
/// product's name must not reach a printer as a command.
pub fn lay_out(document: &Document, columns: u16) -> Vec<Line> {
    let mut lines = Vec::new();
    for part in &document.parts {
        match part {
            Part::Text { text, style } => lines.extend(text_lines(text, *style, columns.into())),
            Part::Row { left, right, style } => lines.extend(row_lines(left, right, *style, columns.into())),
            Part::Rule => lines.push(Line::Rule),
            Part::Barcode(text) => lines.push(Line::Barcode(text.clone())),
            Part::Qr(text) => lines.push(Line::Qr(text.clone())),
            Part::Image(picture) => lines.push(Line::Image(picture.clone())),
            Part::Feed(count) => lines.push(Line::Feed(*count)),
            Part::Cut => lines.push(Line::Cut),
            Part::Drawer => lines.push(Line::Drawer),
        }
    }
    lines
}

fn text_lines(text: &str, style: Style, columns: usize) -> Vec<Line> {
    let scale = scale_of(text, style.size, columns);
    let broken = text.lines().flat_map(|line| wrap(line, columns / scale));
    broken.map(|line| placed(line, style, scale, columns)).collect()
}

fn scale_of(text: &str, size: Size, columns: usize) -> usize {
    let longest = text.lines().map(|line| printable(line).count()).max().unwrap_or(0).max(1);
    match size {
        Size::Normal => 1,
        Size::Double => 2.min(columns.max(1)),
        Size::Huge => (columns / longest).clamp(1, LARGEST),
    }
}

fn placed(text: String, style: Style, scale: usize, columns: usize) -> Line {
    let free = columns.saturating_sub(text.chars().count() * scale);
    let indent = match style.align {
        Align::Left => 0,
        Align::Centre => free / 2,
        Align::Right => free,
    };
    let (scale, indent) = (u8::try_from(scale).unwrap_or(1), u16::try_from(indent).unwrap_or(0));
    Line::Text { text, bold: style.weight == Weight::Bold, scale, indent }
}

/// At least one blank stands between a row's two sides.
fn row_lines(left: &str, right: &str, style: Style, columns: usize) -> Vec<Line> {
    let style = Style { align: Align::Left, ..style };
    let scale = scale_of(left, if style.size == Size::Huge { Size::Double } else { style.size }, columns);
    let width = columns / scale;
    let right: String = printable(right).take(width).collect();
    let right_width = right.chars().count();
    let room = if right_width == 0 { width } else { width.saturating_sub(right_width + 1) };
    let mut lines = wrap(left, width);
    if lines.last().is_none_or(|last| last.chars().count() > room) {
        lines = if room == 0 { lines } else { wrap(left, room) };
        if room == 0 {
            lines.push(String::new());
        }
    }
    if let Some(last) = lines.last_mut().filter(|_| right_width > 0) {
        let blanks = width.saturating_sub(last.chars().count() + right_width);
        last.push_str(&" ".repeat(blanks));
        last.push_str(&right);
    }
    lines.into_iter().map(|line| placed(line, style, scale, columns)).collect()
}

fn printable(text: &str) -> impl Iterator<Item = char> {
    text.nfc().filter(|c| !c.is_control())
}

/// Breaks a line at blanks; always gives at least one line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let mut word: Vec<char> = printable(word).collect();
        if word.is_empty() {
            continue;
        }
        if used > 0 && used + 1 + word.len() <= width {
            used += 1 + word.len();
            if let Some(line) = lines.last_mut() {
                line.push(' ');
                line.extend(word);
            }
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        while word.len() > width {
            let rest = word.split_off(width);
            if let Some(line) = lines.last_mut() {
                line.extend(word);
            }
            lines.push(String::new());
            word = rest;
        }
        used = word.len();
        if let Some(line) = lines.last_mut() {
            line.extend(word);
        }
    }
    lines
}

#[cfg(test)]
mod golden;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &Document, columns: u16) -> Vec<String> {
        let text = |line: &Line| match line {
            Line::Text { text, scale, indent, .. } => format!("{}{text}|{scale}", " ".repeat((*indent).into())),
            other => format!("{other:?}"),
        };
        lay_out(document, columns).iter().map(text).collect()
    }

    #[test]
    fn lines_break_at_blanks_and_a_row_s_right_side_stands_in_its_last_line() {
        let centre = Style { align: Align::Centre, ..Style::default() };
        let row =
            |left: &str, right: &str| Part::Row { left: left.into(), right: right.into(), style: Style::default() };
        let document = Document::default()
            .text("żółta łódź płynie", centre)
            .text("B4", Style { size: Size::Huge, ..centre })
            .text("tak", Style { size: Size::Double, align: Align::Right, ..Style::default() })
            .with(row("Karma", "4,00"))
            .with(row("Karma dla kota", "14,00"))
            .text("Konstantynopol", Style::default());
        let lines = shown(&document, 12);
        assert_eq!(
            lines,
            [
                " żółta łódź|1",
                "   płynie|1",
                "B4|6",
                "      tak|2",
                "Karma   4,00|1",
                "Karma dla|1",
                "kota   14,00|1",
                "Konstantynop|1",
                "ol|1"
            ]
        );
    }

    #[test]
    fn letters_are_composed_and_no_control_character_reaches_a_line() {
        let document = Document::default().text("Żo\u{301}łw\u{1b}@ \u{7} x", Style::default()).with(Part::Row {
            left: "a\tb\u{0}".into(),
            right: "1\n2".into(),
            style: Style::default(),
        });
        assert_eq!(shown(&document, 12), ["Żółw@ x|1", "a b       12|1"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_wider_than_the_paper_and_no_letter_is_lost(text in "[a-zążі ]{0,60}", right in "[0-9,]{0,9}", columns in 1_u16..50) {
            let document = Document::default()
                .text(&*text, Style { size: Size::Huge, ..Style::default() })
                .with(Part::Row { left: text.clone(), right: right.clone(), style: Style { size: Size::Double, ..Style::default() } });
            let mut letters = String::new();
            for line in lay_out(&document, columns) {
                let Line::Text { text, scale, indent, .. } = line else { unreachable!() };
                proptest::prop_assert!(usize::from(indent) + text.chars().count() * usize::from(scale) <= columns.into());
                letters.extend(text.chars().filter(|c| !c.is_whitespace()));
            }
            let width = usize::from(columns) / if columns > 1 { 2 } else { 1 };
            let kept: String = right.chars().take(width).collect();
            let wanted = format!("{text}{text}{kept}").replace(' ', "");
            proptest::prop_assert_eq!(letters, wanted);
        }
    }
}
