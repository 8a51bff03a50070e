//! AIM symbology identifiers (ISO/IEC 15424): `]`, a letter for the symbology, a modifier; and check digits of EANs.

use super::Aim;

/// What kind of code a scanner says that it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbology {
    /// `]A`: Code 39.
    Code39,
    /// `]C0`, `]C2`, `]C4`: Code 128.
    Code128,
    /// `]C1`: GS1-128.
    Gs1Code128,
    /// `]E0`: EAN-13, and UPC-A and UPC-E written as EAN-13.
    Ean13,
    /// `]E1`, `]E2`: the add-on of 2 or 5 digits alone.
    EanAddOn,
    /// `]E3`: EAN-13 with its add-on.
    Ean13WithAddOn,
    /// `]E4`: EAN-8.
    Ean8,
    /// `]F`: Codabar.
    Codabar,
    /// `]G`: Code 93.
    Code93,
    /// `]I`: Interleaved 2 of 5.
    Interleaved2Of5,
    /// `]L`: PDF417.
    Pdf417,
    /// `]Q`: QR code.
    Qr,
    /// `]d`: Data Matrix.
    DataMatrix,
    /// `]e`: GS1 DataBar.
    DataBar,
    /// `]z`: Aztec.
    Aztec,
    /// Another letter of the standard.
    Other(char),
}

/// Length of an identifier.
const IDENTIFIER: usize = 3;

/// Splits a read into what its identifier says and its text.
pub(super) fn split(text: &str, aim: Aim) -> (Option<Symbology>, &str) {
    let known = match (aim, text.as_bytes()) {
        (Aim::Off, _) => None,
        (_, [b']', letter, modifier, ..]) => symbology(*letter, *modifier),
        _ => None,
    };
    match (known, aim) {
        (Some(Symbology::Other(_)), Aim::Auto) | (None, _) => (None, text),
        // The identifier is three ASCII characters, so that its end is a character's end.
        (Some(symbology), _) => (Some(symbology), &text[IDENTIFIER..]),
    }
}

fn symbology(letter: u8, modifier: u8) -> Option<Symbology> {
    if !letter.is_ascii_alphabetic() || !modifier.is_ascii_alphanumeric() {
        return None;
    }
    let symbology = match (letter, modifier) {
        (b'A', _) => Symbology::Code39,
        (b'C', b'1') => Symbology::Gs1Code128,
        (b'C', _) => Symbology::Code128,
        (b'E', b'0') => Symbology::Ean13,
        (b'E', b'1' | b'2') => Symbology::EanAddOn,
        (b'E', b'3') => Symbology::Ean13WithAddOn,
        (b'E', b'4') => Symbology::Ean8,
        (b'F', _) => Symbology::Codabar,
        (b'G', _) => Symbology::Code93,
        (b'I', _) => Symbology::Interleaved2Of5,
        (b'L', _) => Symbology::Pdf417,
        (b'Q', _) => Symbology::Qr,
        (b'd', _) => Symbology::DataMatrix,
        (b'e', _) => Symbology::DataBar,
        (b'z', _) => Symbology::Aztec,
        _ => Symbology::Other(char::from(letter)),
    };
    Some(symbology)
}

/// Whether the text has the form and the check digit of its symbology. Without an identifier 13 digits are an EAN-13.
pub(super) fn proves(symbology: Option<Symbology>, text: &str) -> bool {
    let digits = text.as_bytes();
    let all_digits = digits.iter().all(u8::is_ascii_digit);
    match symbology {
        // Scanners that are set up so send UPC-A with its own 12 digits.
        Some(Symbology::Ean13) => all_digits && matches!(digits.len(), 12 | 13) && checks(digits),
        Some(Symbology::Ean13WithAddOn) => all_digits && matches!(digits.len(), 15 | 18) && checks(&digits[..13]),
        Some(Symbology::Ean8) => all_digits && digits.len() == 8 && checks(digits),
        None => !all_digits || digits.len() != 13 || checks(digits),
        Some(_) => true,
    }
}

/// Modulo 10 with the weights 1 and 3 from the right (GS1 General Specifications §7.9).
fn checks(digits: &[u8]) -> bool {
    let weighted = digits.iter().rev().zip([1, 3].into_iter().cycle());
    weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum::<u32>() % 10 == 0
}
