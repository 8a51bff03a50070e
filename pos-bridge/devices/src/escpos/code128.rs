//! Code 128 by `GS k` 73: the text in code sets B and C, as narrow as it gets (ISO/IEC 15417).

use super::{GS, Problem};

/// A barcode's data for `GS k`, and its width.
pub(super) struct Code {
    /// With its `{B` and `{C` selectors.
    data: Vec<u8>,
    /// Without the quiet zones.
    modules: usize,
}

/// A symbol character is 11 modules wide; the stop character with its last bar 13.
const CHARACTER_MODULES: usize = 11;
const STOP_MODULES: usize = 13;
/// Left and right of the code (ISO/IEC 15417: 10 modules each).
const QUIET_MODULES: usize = 20;
/// `GS k` counts its data in one octet.
const MOST_DATA: usize = 255;
/// `GS w`: 2 dots are 0.25 mm at 203 dpi, which every scanner reads; wider than 3 is wasted paper.
const MODULE_DOTS: [u8; 2] = [3, 2];
/// `GS h`, in dots: 10 mm at 203 dpi.
const HEIGHT: u8 = 80;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    B,
    C,
}

/// # Errors
/// A text that is empty, too long or not printable ASCII.
pub(super) fn code(text: &str) -> Result<Code, Problem> {
    if text.is_empty() {
        return Err(Problem::CodeEmpty);
    }
    if let Some(character) = text.chars().find(|c| !matches!(c, ' '..='~')) {
        return Err(Problem::CodeCharacter(character));
    }
    let sets = sets(text.as_bytes());
    // The start and the check character.
    let mut characters = 2;
    let (mut data, mut now, mut rest) = (Vec::new(), None, text.as_bytes());
    while let Some(&octet) = rest.first() {
        let set = sets[text.len() - rest.len()];
        if now != Some(set) {
            characters += usize::from(now.is_some());
            data.extend(if set == Set::B { b"{B" } else { b"{C" });
            now = Some(set);
        }
        characters += 1;
        rest = match (set, rest) {
            (Set::C, [tens, ones, rest @ ..]) => {
                data.push((tens - b'0') * 10 + (ones - b'0'));
                rest
            }
            _ => {
                data.extend(if octet == b'{' { &b"{{"[..] } else { &rest[..1] });
                &rest[1..]
            }
        };
    }
    if data.len() > MOST_DATA {
        return Err(Problem::CodeTooLong { octets: data.len(), most: MOST_DATA });
    }
    Ok(Code { data, modules: characters * CHARACTER_MODULES + STOP_MODULES })
}

/// The code set of each place in the shortest code: two digits are one character in C, a change of set is one more.
fn sets(text: &[u8]) -> Vec<Set> {
    let pair = |i: usize| matches!(text.get(i..i + 2), Some([b'0'..=b'9', b'0'..=b'9']));
    // Characters from each place to the end, begun in B and in C; the place behind the end costs nothing.
    let mut costs = vec![(0, 0); text.len() + 1];
    for i in (0..text.len()).rev() {
        let in_b = 1 + costs[i + 1].0;
        let in_c = if pair(i) { 1 + costs[i + 2].1 } else { text.len() * 2 };
        costs[i] = (in_b.min(in_c + 1), in_c.min(in_b + 1));
    }
    let (mut sets, mut now) = (Vec::with_capacity(text.len()), None);
    while sets.len() < text.len() {
        let i = sets.len();
        let in_b = 1 + costs[i + 1].0 + usize::from(now == Some(Set::C));
        let in_c = if pair(i) { 1 + costs[i + 2].1 + usize::from(now == Some(Set::B)) } else { usize::MAX };
        let set = if in_c < in_b { Set::C } else { Set::B };
        sets.extend(vec![set; if set == Set::C { 2 } else { 1 }]);
        now = Some(set);
    }
    sets
}

/// `GS w`, `GS h`, `GS H` (text below), `GS f` (in font A) and `GS k`.
///
/// # Errors
/// [`Problem::CodeTooWide`] where even the narrowest modules do not fit.
pub(super) fn command(code: &Code, dots: u16) -> Result<Vec<u8>, Problem> {
    let modules = code.modules + QUIET_MODULES;
    let fits = |width: &u8| modules * usize::from(*width) <= dots.into();
    let narrowest = usize::from(MODULE_DOTS[1]);
    let too_wide = || Problem::CodeTooWide { needs: modules * narrowest, has: dots };
    let width = MODULE_DOTS.into_iter().find(fits).ok_or_else(too_wide)?;
    let count = u8::try_from(code.data.len()).map_err(|_| too_wide())?;
    let mut octets = vec![GS, b'w', width, GS, b'h', HEIGHT, GS, b'H', 2, GS, b'f', 0, GS, b'k', 73, count];
    octets.extend(&code.data);
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> (Vec<u8>, usize) {
        let code = code(text).unwrap();
        (code.data, code.modules)
    }

    #[test]
    fn the_manual_s_example_comes_out() {
        // Epson's reference, GS k, the example of CODE128: 123 66 78 111 46 123 67 12 34 56, 10 octets.
        // Start, 3, change, 3, check: 9 characters.
        assert_eq!(data("No.123456"), (vec![123, 66, 78, 111, 46, 123, 67, 12, 34, 56], 9 * 11 + 13));
    }

    #[test]
    fn digits_go_in_pairs_only_where_that_is_shorter() {
        // Start, data and check by hand.
        assert_eq!(data("12"), (b"{C\x0C".to_vec(), 3 * 11 + 13));
        assert_eq!(data("1"), (b"{B1".to_vec(), 3 * 11 + 13));
        assert_eq!(data("A12B"), (b"{BA12B".to_vec(), 6 * 11 + 13), "two changes for two pairs save nothing");
        assert_eq!(data("A1234"), (b"{BA{C\x0C\x22".to_vec(), 6 * 11 + 13));
        assert_eq!(data("123456B"), (b"{C\x0C\x22\x38{BB".to_vec(), 7 * 11 + 13));
        assert_eq!(data("B2026/11/00123-1").1, 18 * 11 + 13);
    }

    #[test]
    fn the_sign_of_selectors_is_doubled() {
        assert_eq!(data("{C"), (b"{B{{C".to_vec(), 4 * 11 + 13));
    }

    #[test]
    fn what_no_barcode_can_hold_is_named() {
        assert_eq!(code("").err(), Some(Problem::CodeEmpty));
        assert_eq!(code("zł").err(), Some(Problem::CodeCharacter('ł')));
        assert_eq!(code("a\u{1B}").err(), Some(Problem::CodeCharacter('\u{1B}')));
        assert_eq!(code(&"A".repeat(254)).err(), Some(Problem::CodeTooLong { octets: 256, most: 255 }));
    }

    #[test]
    fn modules_are_as_wide_as_the_paper_allows() {
        // 6 characters and the stop are 79 modules, 99 with the quiet zones: 297 dots at 3, 198 at 2.
        let code = code("A1234").unwrap();
        let width = |dots| command(&code, dots).map(|octets| octets[2]);
        assert_eq!((width(384), width(297), width(296), width(198)), (Ok(3), Ok(3), Ok(2), Ok(2)));
        assert_eq!(width(197), Err(Problem::CodeTooWide { needs: 198, has: 197 }));
    }

    proptest::proptest! {
        #[test]
        fn the_data_reads_back(text in "[ -~]{1,40}|[0-9A-C]{1,40}") {
            let (data, modules) = data(&text);
            let (mut read, mut characters, mut set, mut i) = (String::new(), 1, 0, 0);
            while i < data.len() {
                match (data[i], data.get(i + 1), set) {
                    (b'{', Some(&selected @ (b'B' | b'C')), _) => {
                        (set, i) = (selected, i + 1);
                    }
                    (b'{', Some(b'{'), b'B') => {
                        read.push('{');
                        i += 1;
                    }
                    (octet, _, b'C') => read.push_str(&format!("{octet:02}")),
                    (octet, _, _) => read.push(char::from(octet)),
                }
                (characters, i) = (characters + 1, i + 1);
            }
            proptest::prop_assert_eq!(read, text);
            // The first selector stands for the start character, counted once; the check character was counted first.
            proptest::prop_assert_eq!(modules, characters * 11 + 13);
        }
    }
}
