//! The code pages of receipt printers (`ESC t`): which octet stands for which character.
//!
//! Octets 0x20 to 0x7E are ASCII on every page; the upper half differs. Control characters have no octet here, so that
//! no text can reach a printer as a command.

use serde::{Deserialize, Serialize};

/// A code page by the name that Epson's reference gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CodePage {
    /// USA, standard Europe.
    #[serde(rename = "PC437")]
    Pc437,
    /// Latin 2: Polish, Czech, Hungarian; no euro sign.
    #[serde(rename = "PC852")]
    Pc852,
    /// Latin 1 with the euro sign.
    #[serde(rename = "PC858")]
    Pc858,
    /// Cyrillic 2: Russian; lacks the Ukrainian І, і, Ґ and ґ.
    #[serde(rename = "PC866")]
    Pc866,
    /// Windows Latin 2: Polish with typographic quotes and the euro sign.
    #[serde(rename = "WPC1250")]
    Wpc1250,
    /// Windows Latin 1.
    #[serde(rename = "WPC1252")]
    Wpc1252,
}

/// The octets of a page's upper half start here.
const UPPER: u8 = 0x80;

impl CodePage {
    /// All pages.
    pub const ALL: [Self; 6] = [Self::Pc437, Self::Pc852, Self::Pc858, Self::Pc866, Self::Wpc1250, Self::Wpc1252];

    /// The name in profiles and in Epson's reference.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pc437 => "PC437",
            Self::Pc852 => "PC852",
            Self::Pc858 => "PC858",
            Self::Pc866 => "PC866",
            Self::Wpc1250 => "WPC1250",
            Self::Wpc1252 => "WPC1252",
        }
    }

    /// The characters of octets 0x80 to 0xFF in order; U+FFFD where the page has none.
    const fn upper_half(self) -> &'static str {
        match self {
            Self::Pc437 => PC437,
            Self::Pc852 => PC852,
            Self::Pc858 => PC858,
            Self::Pc866 => PC866,
            Self::Wpc1250 => WPC1250,
            Self::Wpc1252 => WPC1252,
        }
    }
}

/// The octet of a character on a page; `None` for control characters and for those that the page lacks.
pub fn encode(page: CodePage, character: char) -> Option<u8> {
    match character {
        ' '..='~' => u8::try_from(character).ok(),
        '\u{0}'..='\u{7F}' | char::REPLACEMENT_CHARACTER => None,
        _ => {
            let place = page.upper_half().chars().position(|c| c == character)?;
            u8::try_from(place).ok()?.checked_add(UPPER)
        }
    }
}

/// The character of an octet on a page; `None` for control octets and for those that the page leaves open.
pub fn decode(page: CodePage, octet: u8) -> Option<char> {
    match octet {
        0x20..=0x7E => Some(char::from(octet)),
        0x00..=0x7F => None,
        _ => {
            let place = usize::from(octet - UPPER);
            page.upper_half().chars().nth(place).filter(|c| *c != char::REPLACEMENT_CHARACTER)
        }
    }
}

/// A whole text on a page; `None` when a character is missing.
pub fn encode_text(page: CodePage, text: &str) -> Option<Vec<u8>> {
    text.chars().map(|character| encode(page, character)).collect()
}

const PC437: &str = "\
    ÇüéâäàåçêëèïîìÄÅ\
    ÉæÆôöòûùÿÖÜ¢£¥₧ƒ\
    áíóúñÑªº¿⌐¬½¼¡«»\
    ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧\
    ╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    αßΓπΣσµτΦΘΩδ∞φε∩\
    ≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

const PC852: &str = "\
    ÇüéâäůćçłëŐőîŹÄĆ\
    ÉĹĺôöĽľŚśÖÜŤťŁ×č\
    áíóúĄąŽžĘę¬źČş«»\
    ░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐\
    └┴┬├─┼Ăă╚╔╩╦╠═╬¤\
    đĐĎËďŇÍÎě┘┌█▄ŢŮ▀\
    ÓßÔŃńňŠšŔÚŕŰýÝţ´\
    \u{AD}˝˛ˇ˘§÷¸°¨˙űŘř■\u{A0}";

const PC858: &str = "\
    ÇüéâäàåçêëèïîìÄÅ\
    ÉæÆôöòûùÿÖÜø£Ø×ƒ\
    áíóúñÑªº¿®¬½¼¡«»\
    ░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐\
    └┴┬├─┼ãÃ╚╔╩╦╠═╬¤\
    ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\
    \u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

const PC866: &str = "\
    АБВГДЕЖЗИЙКЛМНОП\
    РСТУФХЦЧШЩЪЫЬЭЮЯ\
    абвгдежзийклмноп\
    ░▒▓│┤╡╢╖╕╣║╗╝╜╛┐\
    └┴┬├─┼╞╟╚╔╩╦╠═╬╧\
    ╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
    рстуфхцчшщъыьэюя\
    ЁёЄєЇїЎў°∙·√№¤■\u{A0}";

const WPC1250: &str = "\
    €\u{FFFD}‚\u{FFFD}„…†‡\u{FFFD}‰Š‹ŚŤŽŹ\
    \u{FFFD}‘’“”•–—\u{FFFD}™š›śťžź\
    \u{A0}ˇ˘Ł¤Ą¦§¨©Ş«¬\u{AD}®Ż\
    °±˛ł´µ¶·¸ąş»Ľ˝ľż\
    ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎ\
    ĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß\
    ŕáâăäĺćçčéęëěíîď\
    đńňóôőö÷řůúűüýţ˙";

const WPC1252: &str = "\
    €\u{FFFD}‚ƒ„…†‡ˆ‰Š‹Œ\u{FFFD}Ž\u{FFFD}\
    \u{FFFD}‘’“”•–—˜™š›œ\u{FFFD}žŸ\
    \u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯\
    °±²³´µ¶·¸¹º»¼½¾¿\
    ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ\
    ÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß\
    àáâãäåæçèéêëìíîï\
    ðñòóôõö÷øùúûüýþÿ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_octet_of_every_page_is_what_python_s_codecs_say() {
        let data = include_str!("../../tests/data/codepages.txt");
        let mut seen = 0;
        for line in data.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split(' ');
            let mut next = || fields.next().unwrap();
            let name = next().to_uppercase();
            let (octet, wanted) = (u8::from_str_radix(next(), 16).unwrap(), u32::from_str_radix(next(), 16).unwrap());
            let page = CodePage::ALL.into_iter().find(|page| page.as_str().ends_with(&name[2..])).unwrap();
            let wanted = char::from_u32(wanted).filter(|c| *c != '\u{FFFD}');
            assert_eq!(decode(page, octet), wanted, "{name} {octet:02x}");
            if let Some(character) = wanted {
                assert_eq!(encode(page, character), Some(octet), "{name} {character}");
            }
            seen += 1;
        }
        assert_eq!(seen, 6 * 128);
    }

    #[test]
    fn the_lower_half_is_ascii_and_control_characters_have_no_octet() {
        for page in CodePage::ALL {
            for octet in 0x20..=0x7E_u8 {
                assert_eq!(decode(page, octet), Some(char::from(octet)));
                assert_eq!(encode(page, char::from(octet)), Some(octet));
            }
            for octet in (0..0x20_u8).chain([0x7F]) {
                assert_eq!((decode(page, octet), encode(page, char::from(octet))), (None, None));
            }
        }
    }

    #[test]
    fn a_text_with_one_character_too_many_has_no_octets() {
        assert_eq!(encode_text(CodePage::Pc852, "zażółć"), Some(vec![0x7A, 0x61, 0xBE, 0xA2, 0x88, 0x86]));
        assert_eq!(encode_text(CodePage::Pc852, "5 €"), None);
        assert_eq!(encode_text(CodePage::Pc866, "Львів"), None, "no і in PC866");
        assert_eq!(encode_text(CodePage::Wpc1250, "a\u{1B}@"), None);
    }
}
