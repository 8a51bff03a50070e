//! Code 128 (ISO/IEC 15417) and QR codes (ISO/IEC 18004) as modules, without their quiet zones.

use barcoders::sym::code128::Code128;
use qrcode::bits::Bits;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode, QrResult, Version};

/// Characters of a Code 128 at most. More would fit on no paper of ours; longer scans are cut at the counter anyway.
pub const CODE128_LIMIT: usize = 80;

/// A text that cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Nothing to encode.
    #[error("there is nothing to encode")]
    Empty,
    /// A character that Code 128 has not in set B.
    #[error("Code 128 has no {found:?}, which is character {at}")]
    Character {
        /// The character.
        found: char,
        /// Its position, counted in characters from 0.
        at: usize,
    },
    /// Too many characters for Code 128, or octets for a QR code.
    #[error("the text has {length}, at most {limit} can be encoded")]
    TooLong {
        /// Characters or octets given.
        length: usize,
        /// Characters or octets that fit.
        limit: usize,
    },
    /// The modules do not fit into the width.
    #[error("the code is {modules} modules wide and does not fit into {dots} dots")]
    TooWide {
        /// Modules with the quiet zone.
        modules: u32,
        /// Dots of the paper.
        dots: u32,
    },
    /// A rule of ours and of the encoding library disagree.
    #[error("the encoder refused: {0}")]
    Encoder(String),
}

/// The modules of a Code 128 from its start to its stop pattern, `true` for a bar.
///
/// Characters U+0020 to U+007E go in set B; four digits or more in a row go in pairs in set C (GS1 General
/// Specifications, §5.4.7.7; ISO/IEC 15417, annex E).
///
/// # Errors
/// [`CodeError`] for an empty text, one of more than [`CODE128_LIMIT`] characters, or another character.
pub fn code128(text: &str) -> Result<Vec<bool>, CodeError> {
    if text.is_empty() {
        return Err(CodeError::Empty);
    }
    let length = text.chars().count();
    if length > CODE128_LIMIT {
        return Err(CodeError::TooLong { length, limit: CODE128_LIMIT });
    }
    if let Some((at, found)) = text.chars().enumerate().find(|(_, c)| !matches!(c, ' '..='~')) {
        return Err(CodeError::Character { found, at });
    }
    let code = Code128::new(with_sets(text)).map_err(|e| CodeError::Encoder(e.to_string()))?;
    Ok(code.encode().into_iter().map(|module| module == 1).collect())
}

/// The encoder's signs for a start in, or a change to, set B and set C.
const SET_B: char = '\u{181}';
const SET_C: char = '\u{106}';
/// Fewer digits in a row are no shorter in set C.
const PAIRED: usize = 4;

/// Puts the signs for the sets into a text of ASCII. An odd digit goes before the change to set C, but after the pairs
/// at the very start, which need no change.
fn with_sets(text: &str) -> String {
    let mut coded = String::new();
    let mut set = None;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (wanted, take) = match (digits, set) {
            (PAIRED.., _) if digits % 2 == 0 || set.is_none() => (SET_C, digits / 2 * 2),
            (1.., _) => (SET_B, if digits < PAIRED { digits } else { 1 }),
            _ => (SET_B, 1),
        };
        if set != Some(wanted) {
            coded.push(wanted);
            set = Some(wanted);
        }
        coded.push_str(&rest[..take]);
        rest = &rest[take..];
    }
    coded
}

/// A square of modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    side: u32,
    dark: Vec<bool>,
}

impl Matrix {
    /// Modules along a side, 21 to 177.
    pub const fn side(&self) -> u32 {
        self.side
    }

    /// Whether the module at column `x`, row `y` is dark; what lies outside is light.
    pub fn is_dark(&self, x: u32, y: u32) -> bool {
        x < self.side && y < self.side && self.dark[(y * self.side + x) as usize]
    }
}

/// Octets of ASCII that the largest QR code of level M holds (ISO/IEC 18004, table 7: version 40).
pub const QR_LIMIT: usize = 2_331;
/// Octets of UTF-8 beside the 12 bits that say that it is UTF-8.
const QR_UTF8_LIMIT: usize = 2_330;
/// UTF-8's number among the extended channel interpretations (AIM ITS/04-023).
const ECI_UTF8: u32 = 26;

/// A QR code of level M (15 % of it may be unreadable), of the smallest version that holds the text.
///
/// ASCII goes as it is. Other text goes as UTF-8 and says so: without that a QR code is in ISO/IEC 8859-1 or whatever
/// its reader guesses (ISO/IEC 18004 §7.3.2).
///
/// # Errors
/// [`CodeError::Empty`], or [`CodeError::TooLong`] beyond [`QR_LIMIT`] octets.
pub fn qr(text: &str) -> Result<Matrix, CodeError> {
    if text.is_empty() {
        return Err(CodeError::Empty);
    }
    let limit = if text.is_ascii() { QR_LIMIT } else { QR_UTF8_LIMIT };
    if text.len() > limit {
        return Err(CodeError::TooLong { length: text.len(), limit });
    }
    let code = if text.is_ascii() { QrCode::with_error_correction_level(text, EcLevel::M) } else { utf8(text) };
    let code = code.map_err(|e| CodeError::Encoder(e.to_string()))?;
    let dark = code.to_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect();
    // A side is 177 at most.
    Ok(Matrix { side: code.width() as u32, dark })
}

/// In the mode for octets alone: the library's own choice of modes takes some of UTF-8's for Shift JIS.
fn utf8(text: &str) -> QrResult<QrCode> {
    let of_version = |version| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_eci_designator(ECI_UTF8)?;
        bits.push_byte_data(text.as_bytes())?;
        bits.push_terminator(EcLevel::M)?;
        QrCode::with_bits(bits, EcLevel::M)
    };
    let fits = |code: &QrResult<QrCode>| !matches!(code, Err(QrError::DataTooLong));
    (1..=40).map(of_version).find(fits).unwrap_or(Err(QrError::DataTooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(text: &str) -> String {
        code128(text).unwrap().iter().map(|bar| if *bar { '1' } else { '0' }).collect()
    }

    #[test]
    fn a_text_is_start_characters_check_symbol_and_stop() {
        // The example that textbooks give for ISO/IEC 15417, "PJJ123C": P is 48, J 42, 1 17, 2 18, 3 19, C 35. From
        // start A (103): 103 + 48·1 + 42·2 + 42·3 + 17·4 + 18·5 + 19·6 + 35·7 = 878, which is 54 modulo 103. In set B
        // the start is 104 and the characters have the same values, so the check symbol is 55. Widths of bars and
        // spaces are from the standard's table 1.
        let widths = [
            "211214",  // start B
            "313121",  // 48 P
            "112133",  // 42 J
            "112133",  // 42 J
            "123221",  // 17 1
            "223211",  // 18 2
            "221132",  // 19 3
            "131321",  // 35 C
            "311321",  // 55
            "2331112", // stop
        ];
        let mut wanted = String::new();
        for (i, width) in widths.concat().bytes().enumerate() {
            let module = if i % 2 == 0 { "1" } else { "0" };
            wanted.push_str(&module.repeat(usize::from(width - b'0')));
        }
        assert_eq!(bars("PJJ123C"), wanted);
        assert_eq!(wanted.len(), 9 * 11 + 13);
    }

    #[test]
    fn four_digits_or_more_go_in_pairs() {
        let sets = |text| with_sets(text).replace(SET_B, "{B}").replace(SET_C, "{C}");
        assert_eq!(sets("SB4"), "{B}SB4");
        assert_eq!(sets("123"), "{B}123");
        assert_eq!(sets("1234"), "{C}1234");
        assert_eq!(sets("12345"), "{C}1234{B}5");
        assert_eq!(sets("12345A"), "{C}1234{B}5A");
        assert_eq!(sets("A1234"), "{B}A{C}1234");
        assert_eq!(sets("A12345"), "{B}A1{C}2345");
        assert_eq!(sets("B48213-1"), "{B}B4{C}8213{B}-1");
        assert_eq!(sets("B2026/11/00123-1"), "{B}B{C}2026{B}/11/0{C}0123{B}-1");
        // Start C, 12, 34, check, stop: 4 · 11 + 13 modules.
        assert_eq!(bars("1234").len(), 57);
        // 105 + 12·1 + 34·2 = 185, modulo 103: 82. Start C 211232, 12 112232, 34 131123, 82 121241, stop 2331112.
        assert!(bars("1234").starts_with("11010011100"));
        assert_eq!(&bars("1234")[33..44], "10010011110");
    }

    #[test]
    fn what_code_128_cannot_hold_is_named() {
        assert_eq!(code128("Bół-1").unwrap_err(), CodeError::Character { found: 'ó', at: 1 });
        assert_eq!(code128("a\tb").unwrap_err().to_string(), "Code 128 has no '\\t', which is character 1");
        assert_eq!(code128(""), Err(CodeError::Empty));
        assert_eq!(code128(&"1".repeat(81)), Err(CodeError::TooLong { length: 81, limit: 80 }));
        assert!(code128(&"~".repeat(80)).is_ok());
    }

    #[test]
    fn a_qr_code_is_as_large_as_its_text_needs() {
        // ISO/IEC 18004, table 7, level M: version 1 holds 14 octets, version 2 holds 26, version 40 holds 2331.
        assert_eq!(qr("https://lada.x").unwrap().side(), 21);
        assert_eq!(qr("https://lada.xy").unwrap().side(), 25);
        assert_eq!(qr(&"ż".repeat(1_165)).unwrap().side(), 177);
        assert_eq!(qr(&"ż".repeat(1_166)).unwrap_err(), CodeError::TooLong { length: 2_332, limit: 2_330 });
        assert!(qr(&"z".repeat(2_331)).is_ok() && qr(&"z".repeat(2_332)).is_err());
        // Version 1 has 128 bits: 4 + 8 for UTF-8, 4 + 8 for the mode and the count, 13 octets.
        assert_eq!((qr("żółw żów").unwrap().side(), qr("żółw żół").unwrap().side()), (21, 25));
        assert_eq!(qr("").unwrap_err(), CodeError::Empty);
    }

    #[test]
    fn a_qr_code_has_its_three_finders() {
        let matrix = qr("O1:wola:2026/11/00123:048211").unwrap();
        let last = matrix.side() - 7;
        for (left, top) in [(0, 0), (last, 0), (0, last)] {
            let ring = |i: u32| matrix.is_dark(left + i, top) && matrix.is_dark(left, top + i);
            assert!((0..7).all(ring) && matrix.is_dark(left + 3, top + 3) && !matrix.is_dark(left + 1, top + 1));
        }
        assert!(!matrix.is_dark(matrix.side(), 0));
    }

    proptest::proptest! {
        #[test]
        fn every_printable_text_is_encoded_and_no_text_panics(text in "[ -~]{1,80}", any in ".{0,90}") {
            let modules = code128(&text).unwrap();
            // Whole symbols of 11 modules, and the stop of 13.
            proptest::prop_assert_eq!(modules.len() % 11, 2);
            _ = code128(&any);
            _ = qr(&any);
        }
    }
}
