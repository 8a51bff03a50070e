//! Where everything stands: each line of a document as rectangles, words and a picture, measured in dots. Pictures and
//! pages are drawn from the same blocks, so that they cannot differ.

use shop_model::document::Line;

use crate::bitmap::{Bitmap, BitmapError, HEIGHT_LIMIT};
use crate::code::{CodeError, Matrix, code128, qr};
use crate::paint::{PaintError, Paper};

/// A character of ordinary size, in dots: font A of receipt printers.
pub(crate) const CELL_WIDTH: u32 = 12;
pub(crate) const CELL_HEIGHT: u32 = 24;
/// Dots of white above and below a line of text, half on each side; with the cell the 30 dots of an ESC/POS line.
const LEADING: u32 = 6;
/// Text is enlarged up to this; the layout never asks for more.
const LARGEST_SCALE: u8 = 8;

const RULE_HEIGHT: u32 = 20;
const RULE_THICK: u32 = 2;

/// Bars are 10 mm high.
const BAR_HEIGHT: u32 = 80;
/// A module of Code 128 in dots, the widest first: 0.375 mm and 0.25 mm.
const BAR_MODULES: [u32; 2] = [3, 2];
/// White on either side of a Code 128, in modules (ISO/IEC 15417 §4.4.2).
const BAR_QUIET: u32 = 10;
/// White above the bars, and between them and their text: 2 mm.
const BAR_MARGIN: u32 = 16;

/// White on every side of a QR code, in modules (ISO/IEC 18004 §6.3.8).
const QR_QUIET: u32 = 4;
/// A module of a QR code in dots: 0.5 mm to 1 mm.
const QR_MODULE_LEAST: u32 = 4;
const QR_MODULE_MOST: u32 = 8;
/// The same where a QR code stands for a barcode: a label stays a label.
const QR_MODULE_LABEL: u32 = 5;

const CUT_ABOVE: u32 = 28;
const CUT_BELOW: u32 = 30;
const DASH: u32 = 16;
const DASH_GAP: u32 = 8;

/// A black rectangle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// Characters in cells of `scale` times the ordinary size; `x`, `y` is the first cell's top left corner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub text: String,
    pub x: u32,
    pub y: u32,
    pub bold: bool,
    pub scale: u32,
}

/// A strip of the paper. All `y` count from its top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub height: u32,
    pub rects: Vec<Rect>,
    pub words: Vec<Words>,
    pub picture: Option<(Bitmap, u32)>,
}

/// The strips of a document, in order. A picture that is higher than `tallest` comes in several.
pub(crate) fn blocks(lines: &[Line], paper: Paper, tallest: u32) -> Result<Vec<Block>, PaintError> {
    let mut blocks = Vec::new();
    let mut height = 0_u32;
    for (i, line) in lines.iter().enumerate() {
        let at = i + 1;
        let before = blocks.len();
        match line {
            Line::Text { text, bold, scale, indent } => blocks.push(text_block(text, *bold, *scale, *indent, paper)),
            Line::Rule => blocks.push(rule(paper)),
            Line::Barcode(text) => {
                blocks.push(barcode(text, paper.dots).map_err(|source| PaintError::Code { line: at, source })?);
            }
            Line::Qr(text) => {
                blocks.push(qr_code(text, paper.dots).map_err(|source| PaintError::Code { line: at, source })?);
            }
            Line::Image(picture) => {
                let bitmap = Bitmap::try_from(picture).and_then(|bitmap| fits(bitmap, paper));
                let bitmap = bitmap.map_err(|source| PaintError::Picture { line: at, source })?;
                blocks.extend(picture_blocks(&bitmap, paper, tallest));
            }
            Line::Feed(count) => blocks.push(blank(u32::from(*count) * (CELL_HEIGHT + LEADING))),
            Line::Cut => blocks.push(cut(paper)),
            Line::Drawer => {}
        }
        height += blocks[before..].iter().map(|block| block.height).sum::<u32>();
        if height > HEIGHT_LIMIT {
            return Err(PaintError::TooLong { line: at });
        }
    }
    Ok(blocks)
}

fn blank(height: u32) -> Block {
    Block { height, ..Block::default() }
}

/// What does not fit beside the indent is cut off at the paper's edge.
pub(crate) fn text_block(text: &str, bold: bool, scale: u8, indent: u16, paper: Paper) -> Block {
    let scale = u32::from(scale.clamp(1, LARGEST_SCALE));
    let room = u32::from(paper.columns.saturating_sub(indent)) / scale;
    let text: String = text.chars().take(room as usize).collect();
    let words = Words { text, x: u32::from(indent) * CELL_WIDTH, y: LEADING / 2, bold, scale };
    Block { height: CELL_HEIGHT * scale + LEADING, words: vec![words], ..Block::default() }
}

fn rule(paper: Paper) -> Block {
    let line = Rect { x: 0, y: (RULE_HEIGHT - RULE_THICK) / 2, width: paper.dots, height: RULE_THICK };
    Block { height: RULE_HEIGHT, rects: vec![line], ..Block::default() }
}

/// Where the paper is cut: a dashed line with white on both sides.
fn cut(paper: Paper) -> Block {
    let dash = |x: u32| Rect { x, y: CUT_ABOVE, width: DASH.min(paper.dots - x), height: RULE_THICK };
    let rects = (0..paper.dots).step_by((DASH + DASH_GAP) as usize).map(dash).collect();
    Block { height: CUT_ABOVE + RULE_THICK + CUT_BELOW, rects, ..Block::default() }
}

/// A Code 128 in the middle with its text below. A text that it cannot hold, or that is too long for the paper, is a
/// small QR code instead, which says the same to a scanner.
pub(crate) fn barcode(text: &str, dots: u32) -> Result<Block, CodeError> {
    let bars = match code128(text) {
        Ok(modules) => bars(&modules, dots),
        Err(CodeError::Character { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut block = match bars {
        Some(block) => block,
        None => square(&qr(text)?, dots, QR_MODULE_LABEL)?,
    };
    let columns = (dots / CELL_WIDTH).max(1) as usize;
    let characters: Vec<char> = text.chars().collect();
    for part in characters.chunks(columns) {
        let x = (dots - part.len() as u32 * CELL_WIDTH) / 2;
        block.words.push(Words { text: part.iter().collect(), x, y: block.height, bold: false, scale: 1 });
        block.height += CELL_HEIGHT + LEADING;
    }
    Ok(block)
}

/// `None` when they do not fit with the white that they need.
fn bars(modules: &[bool], dots: u32) -> Option<Block> {
    let wide = modules.len() as u32;
    let module = BAR_MODULES.into_iter().find(|module| (wide + 2 * BAR_QUIET) * module <= dots)?;
    let left = (dots - wide * module) / 2;
    let rects = runs(wide, |x| modules[x as usize]).map(|(from, to)| Rect {
        x: left + from * module,
        y: BAR_MARGIN,
        width: (to - from) * module,
        height: BAR_HEIGHT,
    });
    Some(Block { height: 2 * BAR_MARGIN + BAR_HEIGHT, rects: rects.collect(), ..Block::default() })
}

/// A QR code in the middle, as large as fits.
pub(crate) fn qr_code(text: &str, dots: u32) -> Result<Block, CodeError> {
    square(&qr(text)?, dots, QR_MODULE_MOST)
}

/// The height holds the white that the code needs above and below.
fn square(matrix: &Matrix, dots: u32, largest: u32) -> Result<Block, CodeError> {
    let modules = matrix.side() + 2 * QR_QUIET;
    let module = (dots / modules).min(largest);
    if module < QR_MODULE_LEAST {
        return Err(CodeError::TooWide { modules, dots });
    }
    let left = (dots - matrix.side() * module) / 2;
    let row = |y: u32| {
        runs(matrix.side(), move |x| matrix.is_dark(x, y)).map(move |(from, to)| Rect {
            x: left + from * module,
            y: (QR_QUIET + y) * module,
            width: (to - from) * module,
            height: module,
        })
    };
    let rects = (0..matrix.side()).flat_map(row).collect();
    Ok(Block { height: modules * module, rects, ..Block::default() })
}

/// The runs of black of a row as (first, one after the last).
fn runs(length: u32, black: impl Fn(u32) -> bool) -> impl Iterator<Item = (u32, u32)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = (at..length).find(|x| black(*x))?;
        at = (from..length).find(|x| !black(*x)).unwrap_or(length);
        Some((from, at))
    })
}

fn fits(bitmap: Bitmap, paper: Paper) -> Result<Bitmap, BitmapError> {
    if bitmap.width() > paper.dots {
        return Err(BitmapError::TooWide { width: bitmap.width(), dots: paper.dots });
    }
    Ok(bitmap)
}

fn picture_blocks(bitmap: &Bitmap, paper: Paper, tallest: u32) -> impl Iterator<Item = Block> {
    let x = (paper.dots - bitmap.width()) / 2;
    (0..bitmap.height()).step_by(tallest.max(1) as usize).map(move |from| {
        let band = bitmap.band(from, from.saturating_add(tallest));
        let height = band.height();
        Block { height, picture: (band.width() > 0).then_some((band, x)), ..Block::default() }
    })
}
