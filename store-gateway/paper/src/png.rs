//! Pictures as PNG (W3C PNG, third edition): one bit of grey a dot, 8 dots/mm.

use ::png::{BitDepth, ColorType, Encoder, EncodingError, PixelDimensions, Unit};

use crate::bitmap::Bitmap;

/// Dots in a metre: 8 dots/mm, which printers' makers call 203 dpi.
const DOTS_PER_METRE: u32 = 8_000;

/// Writes a picture as PNG. One without dots becomes one white dot, as PNG has no empty pictures.
///
/// # Panics
/// Never: the encoder only refuses sizes and octets that do not agree, and a bitmap's do.
pub fn png(bitmap: &Bitmap) -> Vec<u8> {
    let dot = Bitmap::within_limits(1, 1);
    let bitmap = if bitmap.octets().is_empty() { &dot } else { bitmap };
    encoded(bitmap).expect("a bitmap has the octets that its size asks for")
}

fn encoded(bitmap: &Bitmap) -> Result<Vec<u8>, EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, bitmap.width(), bitmap.height());
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let unit = Unit::Meter;
    encoder.set_pixel_dims(Some(PixelDimensions { xppu: DOTS_PER_METRE, yppu: DOTS_PER_METRE, unit }));
    let mut writer = encoder.write_header()?;
    // In greyscale 1 is white.
    let white_is_one: Vec<u8> = bitmap.octets().iter().map(|octet| !octet).collect();
    writer.write_image_data(&white_is_one)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_is_read_back_is_what_was_drawn() {
        let mut bitmap = Bitmap::new(19, 3).unwrap();
        bitmap.fill_rect(2, 1, 16, 1);
        let mut reader = ::png::Decoder::new(Cursor::new(png(&bitmap))).read_info().unwrap();
        let info = reader.info();
        assert_eq!(
            (info.width, info.height, info.color_type, info.bit_depth),
            (19, 3, ColorType::Grayscale, BitDepth::One)
        );
        let dims = info.pixel_dims.unwrap();
        // 203 dpi: 8000 dots/m · 0.0254 m = 203.2 dots.
        assert_eq!((dims.xppu, dims.yppu, dims.unit), (8_000, 8_000, Unit::Meter));
        let mut rows = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut rows).unwrap();
        let white = |x: usize, y: usize| rows[y * 3 + x / 8] & (0x80 >> (x % 8)) != 0;
        for (x, y) in (0..19).flat_map(|x| (0..3).map(move |y| (x, y))) {
            assert_eq!(white(x, y), !bitmap.get(x as u32, y as u32), "{x}, {y}");
        }
    }

    #[test]
    fn an_empty_picture_is_one_white_dot() {
        let file = png(&Bitmap::new(384, 0).unwrap());
        let reader = ::png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (1, 1));
    }
}
