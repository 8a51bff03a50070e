//! The GSM 7 bit default alphabet with its extension table, and the packing of septets (3GPP TS 23.038 §6.1.2, §6.2.1).

/// Announces a character of the extension table.
pub(super) const ESCAPE: u8 = 0x1B;

/// The default alphabet by code; the escape's own place holds U+001B and is never matched by a character of a text.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω',
    'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+',
    ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', '¡', 'A', 'B',
    'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
    'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension table: code after the escape, character.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// The septets of one character: one, or the escape and one; `None` when the alphabet lacks it.
pub(super) fn septets_of(c: char) -> Option<(Option<u8>, u8)> {
    if c == '\u{1B}' {
        return None;
    }
    if let Some(code) = BASIC.iter().position(|&b| b == c) {
        return u8::try_from(code).ok().map(|code| (None, code));
    }
    EXTENSION.iter().find(|(_, e)| *e == c).map(|(code, _)| (Some(ESCAPE), *code))
}

/// Whether the alphabet, with its extension table, has the character.
pub fn is_gsm7(c: char) -> bool {
    septets_of(c).is_some()
}

/// Text of septets (one an octet). After an escape a code without extension character shows the default table's
/// character, two escapes a space, and an escape at the end nothing (TS 23.038 §6.2.1.1).
pub(super) fn text_of(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut codes = septets.iter().map(|s| s & 0x7F);
    while let Some(code) = codes.next() {
        if code != ESCAPE {
            text.push(BASIC[usize::from(code)]);
            continue;
        }
        match codes.next() {
            None => {}
            Some(ESCAPE) => text.push(' '),
            Some(code) => {
                let extended = EXTENSION.iter().find(|(e, _)| *e == code).map(|(_, c)| *c);
                text.push(extended.unwrap_or(BASIC[usize::from(code)]));
            }
        }
    }
    text
}

/// Packs septets behind `fill` zero bits (which align them after a user data header).
pub(super) fn pack(septets: &[u8], fill: usize) -> Vec<u8> {
    let mut octets = vec![0_u8; (fill + septets.len() * 7).div_ceil(8)];
    for (i, septet) in septets.iter().enumerate() {
        let bit = fill + i * 7;
        let wide = u16::from(septet & 0x7F) << (bit % 8);
        octets[bit / 8] |= (wide & 0xFF) as u8;
        if bit % 8 > 1 {
            octets[bit / 8 + 1] |= (wide >> 8) as u8;
        }
    }
    octets
}

/// Unpacks `count` septets that stand behind `fill` bits. `octets` must hold them all.
pub(super) fn unpack(octets: &[u8], fill: usize, count: usize) -> Vec<u8> {
    (0..count)
        .map(|i| {
            let bit = fill + i * 7;
            let low = u16::from(octets[bit / 8]);
            let high = octets.get(bit / 8 + 1).map_or(0, |o| u16::from(*o));
            (((high << 8 | low) >> (bit % 8)) & 0x7F) as u8
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packs_seven_characters_as_the_standard_draws_them() {
        // TS 23.038 §6.1.2.1.1: bit 0 of the second character is bit 7 of the first octet, and so on. By hand for
        // "12" = 0110001 0110010: octet 0 = 0 0110001, octet 1 = 00 011001.
        assert_eq!(pack(b"12", 0), [0x31, 0x19]);
    }

    #[test]
    fn the_tables_do_not_overlap() {
        for (_, c) in EXTENSION {
            assert!(!BASIC.contains(&c), "{c} stands in both tables");
        }
        assert_eq!(septets_of('\u{1B}'), None);
        assert_eq!(septets_of('ą'), None);
    }

    #[test]
    fn escape_rules_of_the_standard() {
        assert_eq!(text_of(&[0x1B, 0x65]), "€");
        assert_eq!(text_of(&[0x1B, 0x41]), "A", "no extension character: the default table's");
        assert_eq!(text_of(&[0x1B, 0x1B, 0x41]), " A");
        assert_eq!(text_of(&[0x41, 0x1B]), "A");
    }

    proptest! {
        #[test]
        fn unpack_undoes_pack(septets in proptest::collection::vec(0_u8..128, 0..170), fill in 0_usize..7) {
            prop_assert_eq!(unpack(&pack(&septets, fill), fill, septets.len()), septets);
        }
    }
}
