//! Code pages and national variants: which letter an octet stands for.
//!
//! The six upper halves are made from Python's codecs, one call a page:
//! `bytes([octet]).decode("cp852", "replace")` for octets 128 to 255. U+FFFD stands where a page has no letter.

/// Octets 128 to 255 of a page, sixteen a row.
type Upper = [&'static str; 8];

/// IBM437, United States (`ESC t 0`).
const CP437: Upper = [
    "ÇüéâäàåçêëèïîìÄÅ",
    "ÉæÆôöòûùÿÖÜ¢£¥₧ƒ",
    "áíóúñÑªº¿⌐¬½¼¡«»",
    "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧",
    "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩",
    "≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{00a0}",
];

/// IBM852, Latin 2 (`ESC t 18`).
const CP852: Upper = [
    "ÇüéâäůćçłëŐőîŹÄĆ",
    "ÉĹĺôöĽľŚśÖÜŤťŁ×č",
    "áíóúĄąŽžĘę¬źČş«»",
    "░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐",
    "└┴┬├─┼Ăă╚╔╩╦╠═╬¤",
    "đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
    "ÓßÔŃńňŠšŔÚŕŰýÝţ´",
    "\u{00ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{00a0}",
];

/// IBM858, Western with the euro sign (`ESC t 19`).
const CP858: Upper = [
    "ÇüéâäàåçêëèïîìÄÅ",
    "ÉæÆôöòûùÿÖÜø£Ø×ƒ",
    "áíóúñÑªº¿®¬½¼¡«»",
    "░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐",
    "└┴┬├─┼ãÃ╚╔╩╦╠═╬¤",
    "ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´",
    "\u{00ad}±‗¾¶§÷¸°¨·¹³²■\u{00a0}",
];

/// IBM866, Cyrillic (`ESC t 17`).
const CP866: Upper = [
    "АБВГДЕЖЗИЙКЛМНОП",
    "РСТУФХЦЧШЩЪЫЬЭЮЯ",
    "абвгдежзийклмноп",
    "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐",
    "└┴┬├─┼╞╟╚╔╩╦╠═╬╧",
    "╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "рстуфхцчшщъыьэюя",
    "ЁёЄєЇїЎў°∙·√№¤■\u{00a0}",
];

/// Windows-1250, Latin 2 (`ESC t 45`).
const WPC1250: Upper = [
    "€\u{fffd}‚\u{fffd}„…†‡\u{fffd}‰Š‹ŚŤŽŹ",
    "\u{fffd}‘’“”•–—\u{fffd}™š›śťžź",
    "\u{00a0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{00ad}®Ż",
    "°±˛ł´µ¶·¸ąş»Ľ˝ľż",
    "ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎ",
    "ĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß",
    "ŕáâăäĺćçčéęëěíîď",
    "đńňóôőö÷řůúűüýţ˙",
];

/// Windows-1252, Latin 1 (`ESC t 16`).
const WPC1252: Upper = [
    "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}",
    "\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ",
    "\u{00a0}¡¢£¤¥¦§¨©ª«¬\u{00ad}®¯",
    "°±²³´µ¶·¸¹º»¼½¾¿",
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ",
    "ÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß",
    "àáâãäåæçèéêëìíîï",
    "ðñòóôõö÷øùúûüýþÿ",
];

/// Octets that national variants replace, in the order of [`VARIANTS`]' letters (`ESC R`, table of international
/// character sets).
const REPLACED: [u8; 12] = [0x23, 0x24, 0x40, 0x5b, 0x5c, 0x5d, 0x5e, 0x60, 0x7b, 0x7c, 0x7d, 0x7e];

/// The international character sets 0 to 13: USA, France, Germany, U.K., Denmark I, Sweden, Italy, Spain I, Japan,
/// Norway, Denmark II, Spain II, Latin America, Korea.
const VARIANTS: [&str; 14] = [
    "#$@[\\]^`{|}~",
    "#$à°ç§^`éùè¨",
    "#$§ÄÖÜ^`äöüß",
    "£$@[\\]^`{|}~",
    "#$@ÆØÅ^`æøå~",
    "#¤ÉÄÖÅÜéäöåü",
    "#$@°\\é^ùàòèì",
    "₧$@¡Ñ¿^`¨ñ}~",
    "#$@[¥]^`{|}~",
    "#¤ÉÆØÅÜéæøåü",
    "#$ÉÆØÅÜéæøåü",
    "#$á¡Ñ¿é`íñóú",
    "#$á¡Ñ¿éüíñóú",
    "#$@[₩]^`{|}~",
];

/// A code page that the printer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page(&'static Upper);

impl Page {
    /// The page after power on.
    pub const FIRST: Self = Self(&CP437);

    /// Finds the page of `ESC t n`.
    pub fn numbered(n: u8) -> Option<Self> {
        let upper = match n {
            0 => &CP437,
            16 => &WPC1252,
            17 => &CP866,
            18 => &CP852,
            19 => &CP858,
            45 => &WPC1250,
            _ => return None,
        };
        Some(Self(upper))
    }

    /// Tells which letter an octet from 32 stands for under the international character set `variant`; U+FFFD where the
    /// page has none.
    pub fn letter(self, variant: Variant, octet: u8) -> char {
        if let Some(place) = REPLACED.iter().position(|&replaced| replaced == octet) {
            return variant.0.chars().nth(place).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let Some(upper) = octet.checked_sub(0x80) else { return char::from(octet) };
        let row = self.0[usize::from(upper / 16)];
        row.chars().nth(usize::from(upper % 16)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

/// An international character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant(&'static str);

impl Variant {
    /// The set after power on, USA.
    pub const FIRST: Self = Self(VARIANTS[0]);

    /// Finds the set of `ESC R n`.
    pub fn numbered(n: u8) -> Option<Self> {
        VARIANTS.get(usize::from(n)).copied().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(page: u8, octets: &[u8]) -> String {
        let page = Page::numbered(page).unwrap();
        octets.iter().map(|&octet| page.letter(Variant::FIRST, octet)).collect()
    }

    /// Octets by `"…".encode("cp852")` and so on in Python.
    #[test]
    fn every_page_gives_its_own_letters() {
        assert_eq!(read(18, &[0xa5, 0x86, 0xa9, 0x88, 0xe4, 0xa2, 0x98, 0xab, 0xbe]), "ąćęłńóśźż");
        assert_eq!(read(45, &[0xb9, 0xe6, 0xea, 0xb3, 0xf1, 0xf3, 0x9c, 0x9f, 0xbf, 0x80]), "ąćęłńóśźż€");
        assert_eq!(read(17, &[0x8f, 0xe0, 0xa8, 0xa2, 0xa5, 0xe2]), "Привет");
        assert_eq!(read(16, &[0x80, 0xfc, 0xdf]), "€üß");
        assert_eq!(read(19, &[0xd5, 0x81, 0xe1]), "€üß");
        assert_eq!(read(0, &[0x9e, 0x81, 0xe1]), "₧üß");
    }

    #[test]
    fn a_national_variant_replaces_twelve_letters_and_an_unknown_number_finds_nothing() {
        let german = Variant::numbered(2).unwrap();
        let text: String = b"A[\\]{|}~".iter().map(|&octet| Page::FIRST.letter(german, octet)).collect();
        assert_eq!(text, "AÄÖÜäöüß");
        assert_eq!((Page::numbered(1), Variant::numbered(14)), (None, None));
    }

    #[test]
    fn a_place_without_a_letter_is_told() {
        // Windows-1250 leaves 0x81 free.
        assert_eq!(read(45, &[0x81]), "\u{fffd}");
    }

    #[test]
    fn every_row_of_every_page_has_sixteen_letters_and_every_variant_twelve() {
        for page in [0, 16, 17, 18, 19, 45] {
            let rows = Page::numbered(page).unwrap().0;
            assert!(rows.iter().all(|row| row.chars().count() == 16), "{page}");
        }
        assert!(VARIANTS.iter().all(|letters| letters.chars().count() == REPLACED.len()));
    }
}
