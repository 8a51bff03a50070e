//! Black and white pictures, one bit a dot.

use shop_model::document::Picture;

/// Dots across at most: the widest head in use, 104 mm at 8 dots/mm.
pub const WIDTH_LIMIT: u32 = 832;
/// Dots down at most: 2.5 m of paper at 8 dots/mm, 2 MB of memory. What is longer is refused.
pub const HEIGHT_LIMIT: u32 = 20_000;

/// A picture that cannot be held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BitmapError {
    /// Too many dots.
    #[error("a picture of {width} × {height} dots is larger than {WIDTH_LIMIT} × {HEIGHT_LIMIT}")]
    TooLarge {
        /// Dots across.
        width: u64,
        /// Dots down.
        height: u64,
    },
    /// Wider than the paper that it is to stand on.
    #[error("a picture {width} dots wide does not fit into {dots}")]
    TooWide {
        /// Dots across.
        width: u32,
        /// Dots of the paper.
        dots: u32,
    },
    /// A row of a [`Picture`] that has not `width.div_ceil(8)` octets.
    #[error("row {row} of the picture has {found} octets, not {wanted}")]
    Row {
        /// The row, from 0 at the top.
        row: usize,
        /// Octets that it has.
        found: usize,
        /// Octets that it should have.
        wanted: usize,
    },
}

/// A picture of at most [`WIDTH_LIMIT`] × [`HEIGHT_LIMIT`] dots; a new one is white. Drawing outside is clipped.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmap {
    width: u32,
    height: u32,
    /// Rows from the top, each of `width.div_ceil(8)` octets; bits right of the width stay 0.
    octets: Vec<u8>,
}

impl Bitmap {
    /// A white picture.
    ///
    /// # Errors
    /// [`BitmapError::TooLarge`] beyond the limits.
    pub fn new(width: u32, height: u32) -> Result<Self, BitmapError> {
        if width > WIDTH_LIMIT || height > HEIGHT_LIMIT {
            return Err(BitmapError::TooLarge { width: width.into(), height: height.into() });
        }
        Ok(Self::within_limits(width, height))
    }

    /// A white picture whose sides are cut at the limits.
    pub(crate) fn within_limits(width: u32, height: u32) -> Self {
        let (width, height) = (width.min(WIDTH_LIMIT), height.min(HEIGHT_LIMIT));
        Self { width, height, octets: vec![0; width.div_ceil(8) as usize * height as usize] }
    }

    /// Dots across.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Dots down.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Octets of a row: `width.div_ceil(8)`.
    pub const fn stride(&self) -> usize {
        self.width.div_ceil(8) as usize
    }

    /// Whether the dot is black; what lies outside is white.
    pub fn get(&self, x: u32, y: u32) -> bool {
        x < self.width && y < self.height && self.octets[self.at(x, y)] & bit(x) != 0
    }

    /// Makes a dot black or white.
    pub fn set(&mut self, x: u32, y: u32, black: bool) {
        if x >= self.width || y >= self.height {
            return;
        }
        let at = self.at(x, y);
        if black {
            self.octets[at] |= bit(x);
        } else {
            self.octets[at] &= !bit(x);
        }
    }

    /// Makes a rectangle black.
    pub fn fill_rect(&mut self, x: u32, y: u32, width: u32, height: u32) {
        for y in y..y.saturating_add(height).min(self.height) {
            for x in x..x.saturating_add(width).min(self.width) {
                self.set(x, y, true);
            }
        }
    }

    /// Adds the black dots of another picture with its top left corner at `x`, `y`.
    pub fn blit(&mut self, other: &Bitmap, x: u32, y: u32) {
        for from_y in 0..other.height.min(self.height.saturating_sub(y)) {
            for from_x in 0..other.width.min(self.width.saturating_sub(x)) {
                if other.get(from_x, from_y) {
                    self.set(x + from_x, y + from_y, true);
                }
            }
        }
    }

    /// The rows from the top, packed: the highest bit is the leftmost dot, 1 is black, bits right of the width are 0.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        // A picture without width has no octets, so any length of chunk serves.
        self.octets.chunks_exact(self.stride().max(1))
    }

    /// All rows in one, as [`rows`](Self::rows) packs them.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Rows `from` to `to` as a picture of their own, for devices that take a few rows at a time.
    #[must_use]
    pub fn band(&self, from: u32, to: u32) -> Self {
        let to = to.min(self.height);
        let from = from.min(to);
        let stride = self.stride();
        let octets = self.octets[from as usize * stride..to as usize * stride].to_vec();
        Self { width: self.width, height: to - from, octets }
    }

    const fn at(&self, x: u32, y: u32) -> usize {
        y as usize * self.stride() + x as usize / 8
    }
}

const fn bit(x: u32) -> u8 {
    0x80 >> (x % 8)
}

impl std::fmt::Debug for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bitmap({} × {})", self.width, self.height)
    }
}

/// Shows the picture with `#` and `.`, for tests' failures.
impl std::fmt::Display for Bitmap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for y in 0..self.height {
            let row: String = (0..self.width).map(|x| if self.get(x, y) { '#' } else { '.' }).collect();
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

impl From<&Bitmap> for Picture {
    fn from(bitmap: &Bitmap) -> Self {
        // The width is within WIDTH_LIMIT.
        Picture { width: bitmap.width as u16, rows: bitmap.rows().map(<[u8]>::to_vec).collect() }
    }
}

impl TryFrom<&Picture> for Bitmap {
    type Error = BitmapError;

    fn try_from(picture: &Picture) -> Result<Self, BitmapError> {
        let (width, height) = (u32::from(picture.width), picture.rows.len());
        let too_large = BitmapError::TooLarge { width: width.into(), height: height as u64 };
        let mut bitmap = Self::new(width, u32::try_from(height).map_err(|_| too_large)?)?;
        let stride = bitmap.stride();
        for (row, octets) in picture.rows.iter().enumerate() {
            if octets.len() != stride {
                return Err(BitmapError::Row { row, found: octets.len(), wanted: stride });
            }
            bitmap.octets[row * stride..(row + 1) * stride].copy_from_slice(octets);
            if let Some(last) = bitmap.octets[row * stride..(row + 1) * stride].last_mut()
                && !width.is_multiple_of(8)
            {
                *last &= !(0xff >> (width % 8));
            }
        }
        Ok(bitmap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bit_is_the_leftmost_dot_and_bits_beyond_the_width_stay_white() {
        let mut bitmap = Bitmap::new(10, 2).unwrap();
        bitmap.fill_rect(7, 0, 100, 1);
        bitmap.set(0, 1, true);
        assert_eq!(bitmap.rows().collect::<Vec<_>>(), [[0x01, 0xc0], [0x80, 0x00]]);
        bitmap.set(0, 1, false);
        assert_eq!(bitmap.octets(), [0x01, 0xc0, 0x00, 0x00]);
    }

    #[test]
    fn drawing_outside_is_clipped() {
        let mut bitmap = Bitmap::new(3, 3).unwrap();
        bitmap.set(3, 0, true);
        bitmap.set(0, u32::MAX, true);
        bitmap.fill_rect(2, 2, u32::MAX, u32::MAX);
        let dot = bitmap.band(2, 3);
        bitmap.blit(&dot, 0, 0);
        bitmap.blit(&dot, 1, 2);
        bitmap.blit(&dot, 9, 9);
        assert_eq!(bitmap.to_string(), "..#\n...\n..#\n");
        assert!(!bitmap.get(3, 0) && !bitmap.get(0, 3));
    }

    #[test]
    fn a_picture_comes_back_and_its_padding_is_cleared() {
        let picture = Picture { width: 3, rows: vec![vec![0xff], vec![0x40]] };
        let bitmap = Bitmap::try_from(&picture).unwrap();
        assert_eq!(bitmap.to_string(), "###\n.#.\n");
        assert_eq!(Picture::from(&bitmap).rows, [[0xe0], [0x40]]);
    }

    #[test]
    fn what_is_too_large_or_has_a_wrong_row_is_refused_by_name() {
        assert_eq!(Bitmap::new(833, 1).unwrap_err(), BitmapError::TooLarge { width: 833, height: 1 });
        assert!(Bitmap::new(832, 20_000).is_ok() && Bitmap::new(1, 20_001).is_err());
        let picture = Picture { width: 9, rows: vec![vec![0, 0], vec![0]] };
        let refused = Bitmap::try_from(&picture).unwrap_err();
        assert_eq!(refused.to_string(), "row 1 of the picture has 1 octets, not 2");
        assert_eq!(Bitmap::new(0, 7).unwrap().rows().len(), 0);
    }
}
