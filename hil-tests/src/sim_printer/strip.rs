//! The paper from the cutter to the print head, and what was printed on it since the last cut.

use super::slip::{Code, CutKind, Slip, TextLine};

/// Dots from the print head up to the cutter: 15 mm at 203 dots an inch, as on TM-T20 and TM-T88.
pub(super) const CUTTER_DOTS: usize = 120;
/// Longest strip without a cut, about two metres; a longer one falls off by itself.
const ROWS_MAX: usize = 16_000;
/// Lines and codes that a strip's record keeps; a strip of [`ROWS_MAX`] rows can hold no more lines of text.
const RECORDS_MAX: usize = 2_000;

/// A black-and-white picture, one row after the other, the highest bit leftmost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    /// Dots across.
    pub width: usize,
    /// Octets of all rows, `width.div_ceil(8)` each; 1 is black.
    pub octets: Vec<u8>,
}

impl Bitmap {
    /// Makes white paper.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, octets: vec![0; width.div_ceil(8) * height] }
    }

    fn stride(&self) -> usize {
        self.width.div_ceil(8).max(1)
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.octets.len() / self.stride()
    }

    /// Blackens a dot; one outside of the picture is left out.
    pub fn set(&mut self, x: usize, y: usize) {
        let at = y * self.stride() + x / 8;
        if x < self.width
            && let Some(octet) = self.octets.get_mut(at)
        {
            *octet |= 0x80 >> (x % 8);
        }
    }

    /// Tells whether a dot is black; none is outside of the picture.
    pub fn dot(&self, x: usize, y: usize) -> bool {
        let at = y * self.stride() + x / 8;
        x < self.width && self.octets.get(at).is_some_and(|octet| octet & (0x80 >> (x % 8)) != 0)
    }

    /// Blackens a rectangle.
    pub fn fill(&mut self, left: usize, top: usize, width: usize, height: usize) {
        for y in top..top + height {
            for x in left..left + width {
                self.set(x, y);
            }
        }
    }
}

/// Paper that has passed the cutter or lies between it and the head.
#[derive(Debug)]
pub(super) struct Strip {
    paper: Bitmap,
    lines: Vec<TextLine>,
    codes: Vec<Code>,
    /// Where a cut was ordered that the paper has not reached yet (`GS V`, function C).
    ordered: Vec<(usize, CutKind)>,
    finished: Vec<Slip>,
}

impl Strip {
    /// Puts paper in; between cutter and head it is white.
    pub fn new(dots: usize) -> Self {
        let paper = Bitmap::new(dots, CUTTER_DOTS);
        Self { paper, lines: Vec::new(), codes: Vec::new(), ordered: Vec::new(), finished: Vec::new() }
    }

    /// Row of the print head, counted from the last cut.
    pub fn head(&self) -> usize {
        self.paper.height()
    }

    /// Dots across.
    pub fn dots(&self) -> usize {
        self.paper.width
    }

    /// Tells whether nothing was printed since the last cut.
    pub fn is_blank(&self) -> bool {
        self.paper.octets.iter().all(|&octet| octet == 0)
    }

    /// Prints a picture as wide as the paper and feeds its height, and at least `feed` rows.
    pub fn print(&mut self, picture: &Bitmap, feed: usize) {
        self.paper.octets.extend_from_slice(&picture.octets);
        self.feed(feed.saturating_sub(picture.height()));
    }

    /// Feeds white paper.
    pub fn feed(&mut self, rows: usize) {
        self.paper.octets.resize(self.paper.octets.len() + rows * self.paper.stride(), 0);
        self.cut_where_ordered();
        if self.head() > ROWS_MAX {
            self.cut_at(self.head() - CUTTER_DOTS, CutKind::TooLong);
        }
    }

    /// Notes a line of text that begins at row `line.y` of this strip.
    pub fn note_line(&mut self, line: TextLine) {
        if self.lines.len() < RECORDS_MAX {
            self.lines.push(line);
        }
    }

    /// Notes a printed code.
    pub fn note_code(&mut self, code: Code) {
        if self.codes.len() < RECORDS_MAX {
            self.codes.push(code);
        }
    }

    /// Cuts where the cutter is.
    pub fn cut(&mut self, kind: CutKind) {
        self.ordered.clear();
        self.cut_at(self.head().saturating_sub(CUTTER_DOTS), kind);
    }

    /// Orders a cut `rows` behind the head; it is made when the paper gets there.
    pub fn order_cut(&mut self, rows: usize, kind: CutKind) {
        if self.ordered.len() < RECORDS_MAX {
            self.ordered.push((self.head() + rows, kind));
        }
        self.cut_where_ordered();
    }

    /// Takes the orders back.
    pub fn forget_orders(&mut self) {
        self.ordered.clear();
    }

    /// Pulls white paper back behind a cut, so that the next slip begins at the head (`GS V`, function D).
    pub fn pull_back(&mut self) {
        if self.is_blank() {
            self.paper.octets.clear();
        }
    }

    /// Slips that were cut off since the last call.
    pub fn take_finished(&mut self) -> Vec<Slip> {
        std::mem::take(&mut self.finished)
    }

    fn cut_where_ordered(&mut self) {
        while let Some(&(row, kind)) = self.ordered.first() {
            if self.head() < row + CUTTER_DOTS {
                return;
            }
            self.ordered.remove(0);
            self.cut_at(row, kind);
        }
    }

    /// A cut in the edge itself cuts nothing off.
    fn cut_at(&mut self, row: usize, kind: CutKind) {
        if row == 0 {
            return;
        }
        let rest = self.paper.octets.split_off(row * self.paper.stride());
        let rest = Bitmap { width: self.paper.width, octets: rest };
        let paper = std::mem::replace(&mut self.paper, rest);
        let through = self.lines.iter().any(|line| line.y < row && line.y + line.rows > row);
        let (lines, mut later) = self.lines.drain(..).partition::<Vec<_>, _>(|line| line.y < row);
        later.iter_mut().for_each(|line| line.y -= row);
        let (codes, mut later_codes) = self.codes.drain(..).partition::<Vec<_>, _>(|code| code.y < row);
        later_codes.iter_mut().for_each(|code| code.y -= row);
        (self.lines, self.codes) = (later, later_codes);
        self.ordered.iter_mut().for_each(|order| order.0 = order.0.saturating_sub(row));
        self.finished.push(Slip { paper, lines, codes, cut: kind, through_text: through, ..Slip::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(y: usize) -> TextLine {
        TextLine { y, rows: 24, ..TextLine::default() }
    }

    #[test]
    fn what_lies_between_cutter_and_head_stays_for_the_next_slip() {
        let mut strip = Strip::new(384);
        strip.note_line(line(strip.head()));
        strip.feed(30);
        strip.cut(CutKind::Full);
        let first = strip.take_finished();
        assert_eq!((first[0].paper.height(), first[0].lines.len()), (30, 0));
        strip.feed(CUTTER_DOTS);
        strip.cut(CutKind::Partial);
        let second = strip.take_finished();
        // The line began 120 rows below the edge of the paper and 30 were cut off before it.
        assert_eq!((second[0].lines[0].y, second[0].cut), (90, CutKind::Partial));
    }

    #[test]
    fn a_cut_through_a_line_is_told() {
        let mut strip = Strip::new(384);
        strip.note_line(line(strip.head()));
        strip.feed(CUTTER_DOTS + 10);
        strip.cut(CutKind::Full);
        assert!(strip.take_finished()[0].through_text);
    }

    #[test]
    fn an_ordered_cut_is_made_when_the_paper_gets_there() {
        let mut strip = Strip::new(384);
        strip.order_cut(10, CutKind::Full);
        strip.feed(CUTTER_DOTS + 9);
        assert!(strip.take_finished().is_empty());
        strip.feed(1);
        assert_eq!(strip.take_finished()[0].paper.height(), CUTTER_DOTS + 10);
    }

    #[test]
    fn a_strip_without_cuts_falls_off_instead_of_growing() {
        let mut strip = Strip::new(384);
        for _ in 0..1_000 {
            strip.feed(255);
            assert!(strip.head() <= ROWS_MAX);
        }
        assert_eq!(strip.take_finished()[0].cut, CutKind::TooLong);
    }
}
