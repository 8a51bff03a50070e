//! QR codes by `GS ( k`: model 2, error correction M (ISO/IEC 18004).

use super::{ESC, GS, Problem};

/// Octets that versions 1 to 40 hold in byte mode with error correction M (ISO/IEC 18004, Table 7). Printers pack
/// digits tighter; byte mode is the widest that a text can get.
const CAPACITY: [u16; 40] = [
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666, 711, 779, 857, 911,
    997, 1059, 1125, 1190, 1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
];
/// Modules along the side of version 0, were there one; each version adds 4.
const BASE_MODULES: usize = 17;
/// Left and right of the code, 4 modules each.
const QUIET_MODULES: usize = 8;
/// Dots of a module: below 3 (0.38 mm) phones miss it, above 8 (1 mm) it only wastes paper.
const MODULE_DOTS: std::ops::RangeInclusive<u8> = 3..=8;

/// The version that a text needs.
///
/// # Errors
/// A text that is empty or longer than the largest code.
pub(super) fn version(text: &str) -> Result<usize, Problem> {
    if text.is_empty() {
        return Err(Problem::CodeEmpty);
    }
    let fits = CAPACITY.iter().position(|most| text.len() <= usize::from(*most));
    let most = usize::from(CAPACITY[CAPACITY.len() - 1]);
    fits.map(|place| place + 1).ok_or(Problem::CodeTooLong { octets: text.len(), most })
}

/// Functions 165 (model), 167 (size of a module), 169 (error correction), 180 (store) and 181 (print) of `GS ( k`; a
/// line is fed before and after (`ESC d`), because the printer adds no quiet zone.
///
/// # Errors
/// [`Problem::CodeTooWide`] where even the smallest modules do not fit.
pub(super) fn command(text: &str, version: usize, dots: u16) -> Result<Vec<u8>, Problem> {
    let modules = BASE_MODULES + 4 * version + QUIET_MODULES;
    let size = MODULE_DOTS.rev().find(|size| modules * usize::from(*size) <= dots.into());
    let needs = modules * usize::from(*MODULE_DOTS.start());
    let size = size.ok_or(Problem::CodeTooWide { needs, has: dots })?;
    let mut octets = vec![ESC, b'd', 1];
    function(65, &[50, 0], &mut octets);
    function(67, &[size], &mut octets);
    function(69, &[49], &mut octets);
    function(80, &[&[48], text.as_bytes()].concat(), &mut octets);
    function(81, &[48], &mut octets);
    octets.extend([ESC, b'd', 1]);
    Ok(octets)
}

/// `GS ( k pL pH 49 fn …`. A text is at most 2331 octets, so two octets hold the count.
fn function(number: u8, parameters: &[u8], octets: &mut Vec<u8>) {
    let [low, high, ..] = (parameters.len() + 2).to_le_bytes();
    octets.extend([GS, b'(', b'k', low, high, 49, number]);
    octets.extend(parameters);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_change_where_the_standard_s_table_does() {
        assert_eq!((version("12345678901234"), version("123456789012345")), (Ok(1), Ok(2)));
        assert_eq!((version(&"a".repeat(213)), version(&"a".repeat(214))), (Ok(10), Ok(11)));
        assert_eq!(version(&"a".repeat(2331)), Ok(40));
        assert_eq!(version(&"a".repeat(2332)), Err(Problem::CodeTooLong { octets: 2332, most: 2331 }));
        assert_eq!(version("żółć"), Ok(1), "8 octets");
        assert_eq!(version(""), Err(Problem::CodeEmpty));
    }

    #[test]
    fn a_code_is_written_with_the_functions_of_the_reference() {
        // Version 1: 21 modules and 8 of quiet zone, 232 dots at 8.
        let mut wanted = b"\x1Bd\x01\x1D(k\x04\x00\x31\x41\x32\x00\x1D(k\x03\x00\x31\x43\x08".to_vec();
        wanted.extend(b"\x1D(k\x03\x00\x31\x45\x31\x1D(k\x05\x00\x31\x50\x30O1\x1D(k\x03\x00\x31\x51\x30\x1Bd\x01");
        assert_eq!(command("O1", 1, 384), Ok(wanted));
    }

    #[test]
    fn modules_are_as_large_as_the_paper_allows() {
        // Version 10: 57 + 8 = 65 modules; 65 × 5 = 325, 65 × 3 = 195.
        let size = |dots| command(&"a".repeat(200), 10, dots).map(|octets| octets[19]);
        assert_eq!((size(576), size(384), size(195)), (Ok(8), Ok(5), Ok(3)));
        assert_eq!(size(194), Err(Problem::CodeTooWide { needs: 195, has: 194 }));
    }

    #[test]
    fn a_long_text_s_count_takes_two_octets() {
        let octets = command(&"a".repeat(300), 13, 576).unwrap();
        // 300 + 3 = 0x12F.
        assert_eq!(octets[28..36], [GS, b'(', b'k', 0x2F, 0x01, 49, 80, 48]);
    }
}
