//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1), and the packing of septets.
//! Written for the simulator alone: the product's codec must find an independent answer here, so nothing is shared.

/// The default table in code order; position 0x1B is the escape to the extension table.
const DEFAULT: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Escape to the extension table.
pub const ESCAPE: u8 = 0x1B;

/// The extension table (TS 23.038 §6.2.1.1) without the page break's twin and the second escape.
const EXTENSION: [(char, u8); 10] = [
    ('\u{0c}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

/// Returns the septets of one character: one, two (escape first), or none when the alphabet lacks it.
pub fn septets_of(c: char) -> Option<Vec<u8>> {
    if c != '\u{1b}'
        && let Some(code) = DEFAULT.chars().position(|d| d == c)
    {
        return Some(vec![u8::try_from(code).expect("the default table has 128 codes")]);
    }
    EXTENSION.iter().find(|(e, _)| *e == c).map(|(_, code)| vec![ESCAPE, *code])
}

/// Turns septets into text; an unknown extension code shows as the default table's character, as §6.2.1.1 asks,
/// and an escape at the very end as a space.
pub fn text_of(septets: &[u8]) -> String {
    let table: Vec<char> = DEFAULT.chars().collect();
    let mut text = String::new();
    let mut codes = septets.iter().copied();
    while let Some(code) = codes.next() {
        if code != ESCAPE {
            text.push(table[usize::from(code & 0x7F)]);
            continue;
        }
        let Some(next) = codes.next() else {
            text.push(' ');
            break;
        };
        let extended = EXTENSION.iter().find(|(_, code)| *code == next).map(|(c, _)| *c);
        let plain = if next == ESCAPE { ' ' } else { table[usize::from(next & 0x7F)] };
        text.push(extended.unwrap_or(plain));
    }
    text
}

/// Packs septets into octets, least significant bit first, after `fill_bits` zero bits (TS 23.038 §6.1.2.1).
pub fn pack(septets: &[u8], fill_bits: usize) -> Vec<u8> {
    let mut octets = vec![0u8; (fill_bits + septets.len() * 7).div_ceil(8)];
    for (n, septet) in septets.iter().enumerate() {
        for bit in 0..7 {
            if septet >> bit & 1 == 1 {
                let at = fill_bits + n * 7 + bit;
                octets[at / 8] |= 1 << (at % 8);
            }
        }
    }
    octets
}

/// Takes `count` septets out of packed octets after `fill_bits`; bits beyond the octets read as zero.
pub fn unpack(octets: &[u8], count: usize, fill_bits: usize) -> Vec<u8> {
    let bit_at = |at: usize| octets.get(at / 8).map_or(0, |octet| octet >> (at % 8) & 1);
    (0..count).map(|n| (0..7).map(|bit| bit_at(fill_bits + n * 7 + bit) << bit).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table_has_128_places() {
        assert_eq!(DEFAULT.chars().count(), 128);
    }

    /// The published packing of "hello" and "hellohello" (E8329BFD06, E8329BFD4697D9EC37).
    #[test]
    fn packing_agrees_with_the_published_examples() {
        let septets = |text: &str| text.chars().flat_map(|c| septets_of(c).unwrap()).collect::<Vec<_>>();
        assert_eq!(pack(&septets("hello"), 0), [0xE8, 0x32, 0x9B, 0xFD, 0x06]);
        assert_eq!(pack(&septets("hellohello"), 0), [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37]);
        assert_eq!(unpack(&[0xE8, 0x32, 0x9B, 0xFD, 0x06], 5, 0), septets("hello"));
    }

    #[test]
    fn the_euro_sign_takes_two_septets() {
        assert_eq!(septets_of('€'), Some(vec![0x1B, 0x65]));
        assert_eq!(septets_of('ł'), None);
        assert_eq!(text_of(&[0x1B, 0x65, 0x00]), "€@");
    }
}
