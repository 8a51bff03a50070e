//! The print buffer: one line that is put together before it is printed.

use std::sync::Arc;

use super::font::Glyph;
use super::slip::Run;
use super::strip::Bitmap;

/// Highest line: eight times the larger font.
const ROWS: usize = 8 * 24;
/// Letters of a line that are read off; a line of blanks and letters side by side holds at most 64.
const LETTERS_MAX: usize = 1_000;

/// How a letter looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub bold: bool,
    pub underline: u8,
    pub reverse: bool,
    /// Times as wide, 1 to 8.
    pub width: usize,
    /// Times as high, 1 to 8.
    pub height: usize,
}

/// Where lines begin in their area (`ESC a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

impl Align {
    /// Dots left free before something `width` wide in an area.
    pub fn offset(self, area: usize, width: usize) -> usize {
        let free = area.saturating_sub(width);
        match self {
            Self::Left => 0,
            Self::Centre => free / 2,
            Self::Right => free,
        }
    }
}

#[derive(Debug)]
struct Letter {
    x: usize,
    width: usize,
    letter: char,
    look: Look,
}

/// A line that has been put together.
#[derive(Debug)]
pub(super) struct Printed {
    /// As wide as the paper.
    pub picture: Bitmap,
    /// Dots before the first letter.
    pub x: usize,
    pub text: String,
    pub runs: Vec<Run>,
}

/// The line in the making. Letters of different heights stand on one baseline.
#[derive(Debug)]
pub(super) struct PrintLine {
    canvas: Bitmap,
    /// Rows that are used, counted from the bottom.
    rows: usize,
    /// Where the next letter begins.
    position: usize,
    /// Dots that are used from the left.
    width: usize,
    letters: Vec<Letter>,
}

impl PrintLine {
    /// Makes an empty line for paper of so many dots.
    pub fn new(dots: usize) -> Self {
        Self { canvas: Bitmap::new(dots, ROWS), rows: 0, position: 0, width: 0, letters: Vec::new() }
    }

    /// Tells whether the print position is at the beginning of the line with nothing before it.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.position == 0
    }

    /// Dots from the beginning of the line to the next letter.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Moves the print position.
    pub fn set_position(&mut self, dots: usize) {
        self.position = dots.min(self.canvas.width);
    }

    /// Sets a letter with `space` dots behind it.
    pub fn set_letter(&mut self, glyph: &Arc<Glyph>, letter: char, look: Look, space: usize) {
        let cell = (glyph.width + space) * look.width;
        let rows = glyph.height * look.height;
        let top = ROWS - rows;
        for y in 0..rows {
            for x in 0..cell {
                let black = letter_dot(glyph, look, x / look.width, y / look.height) || underlined(look, y, rows);
                if black != look.reverse {
                    self.canvas.set(self.position + x, top + y);
                }
            }
        }
        if self.letters.len() < LETTERS_MAX {
            self.letters.push(Letter { x: self.position, width: cell, letter, look });
        }
        self.advance(cell, rows);
    }

    /// Sets a picture of columns (`ESC *`).
    pub fn set_picture(&mut self, picture: &Bitmap) {
        let rows = picture.height().min(ROWS);
        for y in 0..rows {
            for x in (0..picture.width).filter(|&x| picture.dot(x, y)) {
                self.canvas.set(self.position + x, ROWS - rows + y);
            }
        }
        self.advance(picture.width, rows);
    }

    fn advance(&mut self, dots: usize, rows: usize) {
        self.position = (self.position + dots).min(self.canvas.width);
        self.width = self.width.max(self.position);
        self.rows = self.rows.max(rows);
    }

    /// Takes the line out of the buffer: placed in an area of `area` dots behind `margin`, with what can be read off
    /// it.
    pub fn take(&mut self, margin: usize, area: usize, align: Align) -> Option<Printed> {
        let dots = self.canvas.width;
        let line = std::mem::replace(self, Self::new(dots));
        if line.rows == 0 {
            return None;
        }
        let shift = margin + align.offset(area, line.width);
        let mut picture = Bitmap::new(dots, line.rows);
        for y in 0..line.rows {
            for x in (0..line.width).filter(|&x| line.canvas.dot(x, ROWS - line.rows + y)) {
                picture.set(x + shift, y);
            }
        }
        let first = line.letters.iter().map(|letter| letter.x).min().unwrap_or(0);
        let runs = read_off(line.letters);
        let text = runs.iter().map(|run| run.text.as_str()).collect();
        Some(Printed { picture, x: shift + first, text, runs })
    }
}

/// Emphasis widens every stroke by one dot.
fn letter_dot(glyph: &Glyph, look: Look, x: usize, y: usize) -> bool {
    glyph.dot(x, y) || (look.bold && x > 0 && glyph.dot(x - 1, y))
}

/// The underline is as thick as ordered, however large the letter; reversed letters have none.
fn underlined(look: Look, y: usize, rows: usize) -> bool {
    !look.reverse && y + usize::from(look.underline) >= rows
}

/// Letters from the left; a jump of more than half a letter reads as blanks of that letter's width.
fn read_off(mut letters: Vec<Letter>) -> Vec<Run> {
    letters.sort_by_key(|letter| letter.x);
    let mut runs: Vec<(Look, String)> = Vec::new();
    let mut end = letters.first().map_or(0, |letter| letter.x);
    for letter in letters {
        let blanks = (letter.x.saturating_sub(end) + letter.width / 2) / letter.width.max(1);
        end = letter.x + letter.width;
        if runs.last().is_none_or(|(look, _)| *look != letter.look) {
            runs.push((letter.look, String::new()));
        }
        if let Some((_, text)) = runs.last_mut() {
            text.extend(std::iter::repeat_n(' ', blanks));
            text.push(letter.letter);
        }
    }
    runs.into_iter().map(|(look, text)| run(look, text)).collect()
}

fn run(look: Look, text: String) -> Run {
    let times = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
    let (width, height) = (times(look.width), times(look.height));
    Run { text, bold: look.bold, width, height, underline: look.underline, reverse: look.reverse }
}
