//! Barcodes as rows of modules: Code 128 (ISO/IEC 15417) and EAN-13 (ISO/IEC 15420).

/// Widths of the bars and spaces of Code 128's symbol characters 0 to 105, bar first (ISO/IEC 15417, table 1).
const CODE128: [&str; 106] = [
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312",
    "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212",
    "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121",
    "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331",
    "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123",
    "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124",
    "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114",
    "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112",
    "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311",
    "113141", "114131", "311141", "411131", "211412", "211214", "211232",
];
/// The stop character with its last bar.
const STOP: &str = "2331112";
/// EAN-13's digits with odd parity as widths, space first (ISO/IEC 15420, number set A); set C is the same bar first,
/// set B is set C read backwards.
const EAN_DIGITS: [&str; 10] = ["3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112"];
/// Which of the six left digits are of set B, by the first digit.
const EAN_PARITY: [&str; 10] =
    ["AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA"];

/// A barcode's modules from the left, black ones true, and its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub kind: &'static str,
    pub modules: Vec<bool>,
    /// What a reader reads.
    pub text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    A,
    B,
    C,
}

impl Set {
    fn named(octet: u8) -> Option<Self> {
        match octet {
            b'A' => Some(Self::A),
            b'B' => Some(Self::B),
            b'C' => Some(Self::C),
            _ => None,
        }
    }

    /// Symbol characters that begin with a set and that switch to it.
    fn start(self) -> usize {
        match self {
            Self::A => 103,
            Self::B => 104,
            Self::C => 105,
        }
    }

    fn switch(self) -> usize {
        match self {
            Self::A => 101,
            Self::B => 100,
            Self::C => 99,
        }
    }

    /// Symbol character of a data octet; in set C an octet is a pair of digits, 0 to 99.
    fn value(self, octet: u8) -> Option<usize> {
        match (self, octet) {
            (Self::A, 0..=31) => Some(usize::from(octet) + 64),
            (Self::A, 32..=95) | (Self::B, 32..=127) => Some(usize::from(octet) - 32),
            (Self::C, 0..=99) => Some(usize::from(octet)),
            _ => None,
        }
    }
}

/// Puts Code 128 together from `GS k`'s data with its `{A`, `{B`, `{C`, `{S`, `{1` to `{4` and `{{`.
///
/// # Errors
/// The octet that stands where it may not, counted from the first one: the printer takes what follows for text.
pub(super) fn code128(data: &[u8]) -> Result<Symbol, usize> {
    let mut set = match data {
        [b'{', name, ..] => Set::named(*name).ok_or(1_usize)?,
        _ => return Err(0),
    };
    let (mut values, mut text, mut at) = (vec![set.start()], String::new(), 2);
    let mut shifted = false;
    while let Some(&octet) = data.get(at) {
        let special = if octet == b'{' { data.get(at + 1).copied() } else { None };
        at += 1;
        let now = if shifted { other(set) } else { set };
        let value = match special {
            None if octet == b'{' => return Err(at),
            None => {
                push_text(&mut text, now, octet);
                now.value(octet).ok_or(at - 1)?
            }
            Some(b'{') => {
                text.push('{');
                now.value(b'{').filter(|_| now != Set::C).ok_or(at - 1)?
            }
            Some(b'S') if set != Set::C && !shifted => 98,
            Some(name) => match Set::named(name) {
                Some(next) if next != set => {
                    set = next;
                    next.switch()
                }
                _ => function(set, name).ok_or(at)?,
            },
        };
        at += usize::from(special.is_some());
        shifted = special == Some(b'S');
        values.push(value);
    }
    if values.len() < 2 {
        return Err(at);
    }
    Ok(Symbol { kind: "code128", modules: modules128(&values), text })
}

fn other(set: Set) -> Set {
    if set == Set::A { Set::B } else { Set::A }
}

/// Symbol characters of the function characters FNC1 to FNC4.
fn function(set: Set, name: u8) -> Option<usize> {
    match (name, set) {
        (b'1', _) => Some(102),
        (b'2', Set::A | Set::B) => Some(97),
        (b'3', Set::A | Set::B) => Some(96),
        (b'4', Set::A) => Some(101),
        (b'4', Set::B) => Some(100),
        _ => None,
    }
}

fn push_text(text: &mut String, set: Set, octet: u8) {
    if set == Set::C {
        text.push_str(&format!("{octet:02}"));
    } else {
        text.push(char::from(octet));
    }
}

fn modules128(values: &[usize]) -> Vec<bool> {
    // The start character counts once, the others by their place from 1 (ISO/IEC 15417, annex A).
    let sum: usize = values[0] + values.iter().enumerate().map(|(place, value)| place * value).sum::<usize>();
    let check = sum % 103;
    let characters = values.iter().chain([&check]).map(|&value| CODE128[value]).chain([STOP]);
    characters.flat_map(|widths| bars(widths, true)).collect()
}

fn bars(widths: &str, mut black: bool) -> Vec<bool> {
    let mut modules = Vec::new();
    for width in widths.bytes().map(|digit| usize::from(digit - b'0')) {
        modules.extend(std::iter::repeat_n(black, width));
        black = !black;
    }
    modules
}

/// Puts EAN-13 together from 12 or 13 digits; the printer adds or corrects the check digit.
///
/// # Errors
/// The first octet that is no digit, or the end where there are too few or too many.
pub(super) fn ean13(data: &[u8]) -> Result<Symbol, usize> {
    if let Some(at) = data.iter().position(|octet| !octet.is_ascii_digit()) {
        return Err(at);
    }
    if !(12..=13).contains(&data.len()) {
        return Err(data.len());
    }
    let mut digits: Vec<usize> = data[..12].iter().map(|octet| usize::from(octet - b'0')).collect();
    let sum: usize = digits.iter().enumerate().map(|(place, digit)| digit * if place % 2 == 0 { 1 } else { 3 }).sum();
    digits.push((10 - sum % 10) % 10);
    let mut modules = bars("111", true);
    for (digit, set) in digits[1..7].iter().zip(EAN_PARITY[digits[0]].bytes()) {
        let widths = EAN_DIGITS[*digit];
        let widths: String = if set == b'A' { widths.into() } else { widths.chars().rev().collect() };
        modules.extend(bars(&widths, false));
    }
    modules.extend(bars("11111", false));
    modules.extend(digits[7..].iter().flat_map(|digit| bars(EAN_DIGITS[*digit], true)));
    modules.extend(bars("111", true));
    let text = digits.iter().map(|digit| char::from(b'0' + u8::try_from(*digit).unwrap_or(0))).collect();
    Ok(Symbol { kind: "ean13", modules, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widths(modules: &[bool]) -> String {
        let mut runs = String::new();
        for run in modules.chunk_by(|left, right| left == right) {
            runs.push_str(&run.len().to_string());
        }
        runs
    }

    #[test]
    fn the_reference_s_example_changes_from_set_b_to_set_c() {
        // GS k 73 10 {B N o . {C 12 34 56 of the reference's description of CODE128.
        let symbol = code128(&[123, 66, 78, 111, 46, 123, 67, 12, 34, 56]).unwrap();
        assert_eq!(symbol.text, "No.123456");
        // By hand: 104 N=46 o=79 .=14 C=99 12 34 56; (104 + 46 + 158 + 42 + 396 + 60 + 204 + 392) mod 103 = 1402 mod
        // 103 = 63.
        let characters = [104, 46, 79, 14, 99, 12, 34, 56, 63].map(|value: usize| CODE128[value]).concat();
        assert_eq!(widths(&symbol.modules), characters + STOP);
    }

    #[test]
    fn every_symbol_character_is_eleven_modules_wide_and_unlike_the_others() {
        let mut seen = std::collections::HashSet::new();
        for widths in CODE128 {
            assert_eq!(widths.bytes().map(|digit| u32::from(digit - b'0')).sum::<u32>(), 11, "{widths}");
            assert!(seen.insert(widths), "{widths} twice");
        }
    }

    #[test]
    fn wrong_data_is_told_with_its_place() {
        assert_eq!(code128(b"ABC"), Err(0));
        assert_eq!(code128(b"{X12"), Err(1));
        assert_eq!(code128(b"{Aab"), Err(2));
        assert_eq!(code128(&[b'{', b'C', 12, 100]), Err(3));
        assert_eq!(code128(b"{BA{"), Err(4));
        assert_eq!(code128(b"{B"), Err(2));
        assert_eq!(ean13(b"59012341X3457"), Err(8));
        assert_eq!(ean13(b"59012"), Err(5));
    }

    #[test]
    fn ean_13_gets_its_check_digit_and_95_modules() {
        // 5901234123457 is the common example of EAN-13; its check digit is 7.
        let symbol = ean13(b"590123412345").unwrap();
        assert_eq!((symbol.text.as_str(), symbol.modules.len()), ("5901234123457", 95));
        assert_eq!(ean13(b"5901234123457").unwrap().modules, symbol.modules);
    }
}
