//! Pictures by `GS v 0` or `GS ( L`, in bands: printers with a small buffer lose the end of a tall picture.

use shop_model::document::Picture;

use super::profile::RasterCommand;
use super::{GS, Problem};

/// # Errors
/// A picture that is wider than the paper, or a row that does not have the octets of its width.
pub(super) fn check(picture: &Picture, dots: u16) -> Result<(), Problem> {
    if picture.width > dots {
        return Err(Problem::PictureTooWide { needs: picture.width, has: dots });
    }
    let wanted = usize::from(picture.width.div_ceil(8));
    match picture.rows.iter().enumerate().find(|(_, row)| row.len() != wanted) {
        Some((row, found)) => Err(Problem::PictureRow { row, octets: found.len(), wanted }),
        None => Ok(()),
    }
}

/// Appends a picture that was checked, at most `band` rows a command.
pub(super) fn write(picture: &Picture, command: RasterCommand, band: usize, octets: &mut Vec<u8>) {
    if picture.width == 0 {
        return;
    }
    for rows in picture.rows.chunks(band.max(1)) {
        let [height_low, height_high, ..] = rows.len().to_le_bytes();
        match command {
            RasterCommand::GsV0 => {
                let [low, high] = picture.width.div_ceil(8).to_le_bytes();
                octets.extend([GS, b'v', b'0', 0, low, high, height_low, height_high]);
                rows.iter().for_each(|row| octets.extend(row));
            }
            RasterCommand::GsParenL => {
                // A band of 255 rows on the widest paper is 26 530 octets: two octets hold the count.
                let count = 10 + rows.len() * usize::from(picture.width.div_ceil(8));
                let [count_low, count_high, ..] = count.to_le_bytes();
                let [low, high] = picture.width.to_le_bytes();
                octets.extend([GS, b'(', b'L', count_low, count_high, 48, 112, 48, 1, 1, 49]);
                octets.extend([low, high, height_low, height_high]);
                rows.iter().for_each(|row| octets.extend(row));
                octets.extend([GS, b'(', b'L', 2, 0, 48, 50]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: usize) -> Picture {
        Picture { width: 12, rows: (0..rows).map(|i| vec![i as u8, 0xF0]).collect() }
    }

    fn written(rows: usize, command: RasterCommand) -> Vec<u8> {
        let mut octets = Vec::new();
        write(&picture(rows), command, 2, &mut octets);
        octets
    }

    #[test]
    fn a_tall_picture_goes_in_bands() {
        let wanted = b"\x1Dv0\x00\x02\x00\x02\x00\x00\xF0\x01\xF0\x1Dv0\x00\x02\x00\x01\x00\x02\xF0";
        assert_eq!(written(3, RasterCommand::GsV0), wanted);
    }

    #[test]
    fn the_newer_command_counts_dots_and_prints_each_band() {
        // Count: 10 and 2 octets of the row.
        let wanted = b"\x1D(L\x0C\x00\x30\x70\x30\x01\x01\x31\x0C\x00\x01\x00\x00\xF0\x1D(L\x02\x00\x30\x32";
        assert_eq!(written(1, RasterCommand::GsParenL), wanted);
    }

    #[test]
    fn a_picture_that_does_not_fit_or_hold_together_is_refused() {
        assert_eq!(check(&picture(2), 12), Ok(()));
        assert_eq!(check(&picture(2), 11), Err(Problem::PictureTooWide { needs: 12, has: 11 }));
        let mut torn = picture(3);
        torn.rows[1].pop();
        assert_eq!(check(&torn, 384), Err(Problem::PictureRow { row: 1, octets: 1, wanted: 2 }));
    }
}
