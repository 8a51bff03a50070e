//! Transfer-layer PDUs as the network and the service centre see them (3GPP TS 23.040 §9.2): SMS-SUBMIT is read,
//! SMS-DELIVER and SMS-STATUS-REPORT are made. It is the simulator's own and shares nothing with the product's codec.

use serde::{Deserialize, Serialize};

use super::alphabet;

/// Octets of user data in one short message (TS 23.040 §9.2.3.24).
const USER_DATA_OCTETS: usize = 140;
/// Septets of user data in one short message.
const USER_DATA_SEPTETS: usize = 160;

/// Why a PDU is no SMS-SUBMIT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PduError {
    /// It ended within a field.
    #[error("the PDU ends within {0}")]
    Short(&'static str),
    /// Octets are left over behind the user data.
    #[error("{0} octets behind the user data")]
    Long(usize),
    /// The message type indicator names another type (§9.2.3.1).
    #[error("message type {0} is not SMS-SUBMIT")]
    NotSubmit(u8),
    /// The coding scheme is compressed or reserved (TS 23.038 §4).
    #[error("data coding scheme {0:#04x} is not supported")]
    Coding(u8),
    /// The user data header is longer than the user data.
    #[error("the user data header does not fit")]
    Header,
}

/// How the user data are coded (TS 23.038 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// GSM 7-bit default alphabet.
    Gsm7,
    /// UCS-2, in practice UTF-16 with surrogates.
    Ucs2,
    /// Octets without an alphabet.
    #[serde(rename = "8bit")]
    Octets,
}

/// Place of a part in a concatenated message (TS 23.040 §9.2.3.24.1 and .8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concat {
    /// Reference number, 8 or 16 bits.
    pub reference: u16,
    /// This part, from 1.
    pub part: u8,
    /// Parts in all.
    pub parts: u8,
}

/// A date and time with its zone, as in TP-SCTS (§9.2.3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Year within the century, month, day, hour, minute, second, in that order.
    pub fields: [u8; 6],
    /// Zone in quarters of an hour east of UTC.
    pub quarters: i8,
}

/// An SMS-SUBMIT as a modem got it from its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// TP-MR as the host wrote it; the modem puts its own in.
    pub reference: u8,
    /// TP-SRR: the host asks for a status report.
    pub report: bool,
    /// TP-DA with a leading `+` for an international number.
    pub number: String,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub coding: u8,
    /// What the coding scheme says.
    pub encoding: Encoding,
    /// Validity in minutes when it is relative (§9.2.3.12.1).
    pub validity_minutes: Option<u32>,
    /// The user data header without its length octet, empty when there is none.
    pub header: Vec<u8>,
    /// Its concatenation element.
    pub concat: Option<Concat>,
    /// The text, or hexadecimal for octets.
    pub text: String,
    /// What the text is made of: one septet an octet for GSM-7, else the octets. A part's text may end within a pair.
    pub units: Vec<u8>,
}

/// Turns units of one or more parts into text.
pub fn units_text(encoding: Encoding, units: &[u8]) -> String {
    match encoding {
        Encoding::Gsm7 => alphabet::text_of(units),
        Encoding::Ucs2 => ucs2_text(units),
        Encoding::Octets => hex(units),
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], PduError> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(PduError::Short(field))?;
        self.0 = tail;
        Ok(head)
    }

    fn octet(&mut self, field: &'static str) -> Result<u8, PduError> {
        Ok(self.take(1, field)?[0])
    }
}

/// Reads an SMS-SUBMIT (§9.2.2.2), without the service-centre address before it.
///
/// # Errors
/// Everything that a network would refuse.
pub fn parse_submit(tpdu: &[u8]) -> Result<Submit, PduError> {
    let mut reader = Reader(tpdu);
    let first = reader.octet("the first octet")?;
    if first & 0x03 != 0x01 {
        return Err(PduError::NotSubmit(first & 0x03));
    }
    let reference = reader.octet("TP-MR")?;
    let digits = usize::from(reader.octet("TP-DA")?);
    let kind = reader.octet("TP-DA")?;
    let number = address_text(kind, digits, reader.take(digits.div_ceil(2), "TP-DA")?);
    let protocol = reader.octet("TP-PID")?;
    let coding = reader.octet("TP-DCS")?;
    let encoding = encoding_of(coding)?;
    let validity_minutes = match first >> 3 & 0x03 {
        0 => None,
        2 => Some(relative_minutes(reader.octet("TP-VP")?)),
        _ => reader.take(7, "TP-VP").map(|_| None)?,
    };
    let length = usize::from(reader.octet("TP-UDL")?);
    let octets = if encoding == Encoding::Gsm7 { (length * 7).div_ceil(8) } else { length };
    let user_data = reader.take(octets, "TP-UD")?;
    if !reader.0.is_empty() {
        return Err(PduError::Long(reader.0.len()));
    }
    let (header, units) = user_data_of(user_data, length, encoding, first & 0x40 != 0)?;
    Ok(Submit {
        reference,
        report: first & 0x20 != 0,
        number,
        protocol,
        coding,
        encoding,
        validity_minutes,
        concat: concat_of(&header),
        header,
        text: units_text(encoding, &units),
        units,
    })
}

/// Puts the modem's own TP-MR into an SMS-SUBMIT.
pub fn with_reference(tpdu: &[u8], reference: u8) -> Vec<u8> {
    let mut changed = tpdu.to_vec();
    if let Some(octet) = changed.get_mut(1) {
        *octet = reference;
    }
    changed
}

fn encoding_of(coding: u8) -> Result<Encoding, PduError> {
    match (coding >> 4, coding >> 2 & 0x03) {
        (0..=1 | 4..=5, 0) | (0x0C..=0x0D, _) => Ok(Encoding::Gsm7),
        (0..=1 | 4..=5, 1) => Ok(Encoding::Octets),
        (0..=1 | 4..=5, 2) | (0x0E, _) => Ok(Encoding::Ucs2),
        (0x0F, group) if group & 1 == 0 => Ok(Encoding::Gsm7),
        (0x0F, _) => Ok(Encoding::Octets),
        _ => Err(PduError::Coding(coding)),
    }
}

/// TP-VP in the relative format (§9.2.3.12.1).
fn relative_minutes(period: u8) -> u32 {
    let period = u32::from(period);
    match period {
        0..=143 => (period + 1) * 5,
        144..=167 => 12 * 60 + (period - 143) * 30,
        168..=196 => (period - 166) * 24 * 60,
        _ => (period - 192) * 7 * 24 * 60,
    }
}

fn user_data_of(
    data: &[u8],
    length: usize,
    encoding: Encoding,
    has_header: bool,
) -> Result<(Vec<u8>, Vec<u8>), PduError> {
    let header_octets = if has_header { 1 + usize::from(*data.first().ok_or(PduError::Header)?) } else { 0 };
    if header_octets > data.len() {
        return Err(PduError::Header);
    }
    let header = data.get(1..header_octets).unwrap_or_default().to_vec();
    if encoding != Encoding::Gsm7 {
        return Ok((header, data[header_octets..].to_vec()));
    }
    let header_septets = (header_octets * 8).div_ceil(7);
    let count = length.checked_sub(header_septets).ok_or(PduError::Header)?;
    Ok((header, alphabet::unpack(data, count, header_septets * 7)))
}

/// Reads UTF-16 big endian; a lone surrogate shows as U+FFFD.
pub fn ucs2_text(octets: &[u8]) -> String {
    let units: Vec<u16> = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Writes UTF-16 big endian.
pub fn ucs2_octets(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn concat_of(header: &[u8]) -> Option<Concat> {
    let mut rest = header;
    while let [kind, length, tail @ ..] = rest {
        let value = tail.get(..usize::from(*length))?;
        match (kind, value) {
            (0x00, [reference, parts, part]) => {
                return Some(Concat { reference: u16::from(*reference), part: *part, parts: *parts });
            }
            (0x08, [high, low, parts, part]) => {
                return Some(Concat { reference: u16::from_be_bytes([*high, *low]), part: *part, parts: *parts });
            }
            _ => rest = &tail[value.len()..],
        }
    }
    None
}

/// Reads an address's value (§9.1.2.5).
pub fn address_text(kind: u8, digits: usize, octets: &[u8]) -> String {
    if kind & 0x70 == 0x50 {
        return alphabet::text_of(&alphabet::unpack(octets, digits * 4 / 7, 0));
    }
    let nibbles = octets.iter().flat_map(|octet| [octet & 0x0F, octet >> 4]).take(digits);
    let plus = if kind & 0x70 == 0x10 { "+" } else { "" };
    let value: String = nibbles.map(|nibble| char::from(b"0123456789*#abc "[usize::from(nibble)])).collect();
    format!("{plus}{}", value.trim_end())
}

/// Writes an address (§9.1.2.5): length in semi-octets, type, value. `+48…` is international, digits alone unknown, anything
/// else alphanumeric (at most 11 septets are kept).
pub fn address(number: &str) -> Vec<u8> {
    let digits = number.strip_prefix('+').unwrap_or(number);
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
        let kind = if digits.len() < number.len() { 0x91 } else { 0x81 };
        let length = u8::try_from(digits.len()).unwrap_or(u8::MAX);
        return [vec![length, kind], semi_octets(digits)].concat();
    }
    let mut septets: Vec<u8> = number.chars().filter_map(alphabet::septets_of).flatten().collect();
    septets.truncate(11);
    let packed = alphabet::pack(&septets, 0);
    let length = u8::try_from((septets.len() * 7).div_ceil(4)).unwrap_or(u8::MAX);
    [vec![length, 0xD0], packed].concat()
}

/// The service centre's address as it stands before a TPDU on the AT interface (TS 27.005 §3.1): octets, type, digits.
pub fn service_centre(number: &str) -> Vec<u8> {
    let digits = number.trim_start_matches('+');
    let value = semi_octets(digits);
    let length = u8::try_from(value.len() + 1).unwrap_or(u8::MAX);
    [vec![length, if number.starts_with('+') { 0x91 } else { 0x81 }], value].concat()
}

fn semi_octets(digits: &str) -> Vec<u8> {
    let nibble = |c: u8| match c {
        b'*' => 0x0A,
        b'#' => 0x0B,
        digit => digit - b'0',
    };
    digits.as_bytes().chunks(2).map(|pair| nibble(pair[0]) | pair.get(1).map_or(0xF0, |c| nibble(*c) << 4)).collect()
}

impl Stamp {
    /// Writes the seven octets (§9.2.3.11): swapped digits, the zone's sign in bit 3 of its first digit.
    pub fn octets(self) -> [u8; 7] {
        let swapped = |n: u8| (n / 10) | ((n % 10) << 4);
        let zone = swapped(self.quarters.unsigned_abs()) | if self.quarters < 0 { 0x08 } else { 0 };
        let [year, month, day, hour, minute, second] = self.fields.map(swapped);
        [year, month, day, hour, minute, second, zone]
    }

    /// Writes it as the AT interface does: `yy/MM/dd,hh:mm:ss±zz` (TS 27.005 §3.1, `<scts>`).
    pub fn at_text(self) -> String {
        let [year, month, day, hour, minute, second] = self.fields;
        let sign = if self.quarters < 0 { '-' } else { '+' };
        let zone = self.quarters.unsigned_abs();
        format!("{year:02}/{month:02}/{day:02},{hour:02}:{minute:02}:{second:02}{sign}{zone:02}")
    }
}

/// One part of a text, coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// TP-DCS.
    pub coding: u8,
    /// TP-UDL: septets for GSM-7, else octets, the header included.
    pub length: u8,
    /// TP-UD with the header.
    pub data: Vec<u8>,
    /// Whether it begins with a header.
    pub has_header: bool,
    /// Its place.
    pub concat: Option<Concat>,
}

/// Cuts and codes a text as a phone does: one part when it fits, else parts with a concatenation header, never through an
/// escape pair or a surrogate pair. `None` for the encoding takes GSM-7 when the alphabet has every character.
///
/// Returns `None` when the text has a character that the asked alphabet lacks, or needs more than 255 parts.
pub fn split(text: &str, encoding: Option<Encoding>, reference: u16, wide_reference: Reference) -> Option<Vec<Part>> {
    let septets: Option<Vec<Vec<u8>>> = text.chars().map(alphabet::septets_of).collect();
    match (encoding, septets) {
        (Some(Encoding::Gsm7) | None, Some(units)) => pieces(&units, USER_DATA_SEPTETS, wide_reference.septets())
            .map(|cut| coded(cut, Encoding::Gsm7, reference, wide_reference)),
        (Some(Encoding::Gsm7), None) => None,
        (Some(Encoding::Ucs2) | None, _) => {
            let units: Vec<Vec<u8>> = text.chars().map(|c| ucs2_octets(c.encode_utf8(&mut [0; 4]))).collect();
            pieces(&units, USER_DATA_OCTETS, wide_reference.octets())
                .map(|cut| coded(cut, Encoding::Ucs2, reference, wide_reference))
        }
        (Some(Encoding::Octets), _) => {
            let units: Vec<Vec<u8>> = text.bytes().map(|octet| vec![octet]).collect();
            pieces(&units, USER_DATA_OCTETS, wide_reference.octets())
                .map(|cut| coded(cut, Encoding::Octets, reference, wide_reference))
        }
    }
}

/// Width of a concatenation reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    /// Information element 00 (§9.2.3.24.1).
    #[serde(rename = "8")]
    Octet,
    /// Information element 08 (§9.2.3.24.8).
    #[serde(rename = "16")]
    Word,
}

impl Reference {
    fn octets(self) -> usize {
        match self {
            Self::Octet => 6,
            Self::Word => 7,
        }
    }

    fn septets(self) -> usize {
        (self.octets() * 8).div_ceil(7)
    }
}

/// Groups units into pieces: all in one when they fit `whole`, else each at most `whole - header`.
fn pieces(units: &[Vec<u8>], whole: usize, header: usize) -> Option<Vec<Vec<u8>>> {
    if units.iter().map(Vec::len).sum::<usize>() <= whole {
        return Some(vec![units.concat()]);
    }
    let mut cut: Vec<Vec<u8>> = vec![Vec::new()];
    for unit in units {
        if cut.last().map_or(0, Vec::len) + unit.len() > whole - header {
            cut.push(Vec::new());
        }
        cut.last_mut().expect("one piece at least").extend(unit);
    }
    (cut.len() <= 255).then_some(cut)
}

fn coded(cut: Vec<Vec<u8>>, encoding: Encoding, reference: u16, width: Reference) -> Vec<Part> {
    let parts = u8::try_from(cut.len()).expect("at most 255 pieces");
    let coding = match encoding {
        Encoding::Gsm7 => 0x00,
        Encoding::Octets => 0x04,
        Encoding::Ucs2 => 0x08,
    };
    let reference = if width == Reference::Octet { reference & 0xFF } else { reference };
    let mut coded = Vec::new();
    for (n, units) in cut.iter().enumerate() {
        let concat =
            (parts > 1).then(|| Concat { reference, part: u8::try_from(n + 1).expect("at most 255 pieces"), parts });
        let header = concat.map_or_else(Vec::new, |concat| concat_header(concat, width));
        let (length, body) = match encoding {
            Encoding::Gsm7 => {
                let header_septets = (header.len() * 8).div_ceil(7);
                let fill = header_septets * 7 - header.len() * 8;
                (header_septets + units.len(), alphabet::pack(units, fill))
            }
            Encoding::Octets | Encoding::Ucs2 => (header.len() + units.len(), units.clone()),
        };
        let has_header = concat.is_some();
        let length = u8::try_from(length).expect("a part is at most 160 units");
        coded.push(Part { coding, length, data: [header, body].concat(), has_header, concat });
    }
    coded
}

fn concat_header(concat: Concat, width: Reference) -> Vec<u8> {
    let [high, low] = concat.reference.to_be_bytes();
    match width {
        Reference::Octet => vec![5, 0x00, 3, low, concat.parts, concat.part],
        Reference::Word => vec![6, 0x08, 4, high, low, concat.parts, concat.part],
    }
}

/// Makes an SMS-DELIVER (§9.2.2.1).
pub fn deliver(from: &str, part: &Part, stamp: Stamp) -> Vec<u8> {
    // TP-MMS set: no more messages are waiting.
    let first = 0x04 | if part.has_header { 0x40 } else { 0 };
    let mut tpdu = vec![first];
    tpdu.extend(address(from));
    tpdu.extend([0x00, part.coding]);
    tpdu.extend(stamp.octets());
    tpdu.push(part.length);
    tpdu.extend(&part.data);
    tpdu
}

/// Makes an SMS-STATUS-REPORT (§9.2.2.3) with TP-ST `status` (§9.2.3.15).
pub fn status_report(reference: u8, number: &str, sent: Stamp, done: Stamp, status: u8) -> Vec<u8> {
    let mut tpdu = vec![0x06, reference];
    tpdu.extend(address(number));
    tpdu.extend(sent.octets());
    tpdu.extend(done.octets());
    tpdu.push(status);
    tpdu
}

/// Makes an SMS-SUBMIT from text mode's parameters (§9.2.2.2), without the reference, which the modem puts in.
pub fn submit(number: &str, part: &Part, first_octet: u8, validity: u8, protocol: u8) -> Vec<u8> {
    let first = first_octet & !0x40 | if part.has_header { 0x40 } else { 0 };
    let mut tpdu = vec![first, 0];
    tpdu.extend(address(number));
    tpdu.extend([protocol, part.coding]);
    if first & 0x18 == 0x10 {
        tpdu.push(validity);
    }
    tpdu.push(part.length);
    tpdu.extend(&part.data);
    tpdu
}

/// Upper-case hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Reads hexadecimal of either case.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp { fields: [99, 3, 29, 15, 16, 59], quarters: 8 }
    }

    /// The example of dreamfabric.com's "SMS and the PDU format": to +46708251358, "hellohello", relative validity.
    #[test]
    fn reads_a_published_submit() {
        let got = parse_submit(&unhex("11000B916407281553F80000AA0AE8329BFD4697D9EC37").unwrap()).unwrap();
        assert_eq!((got.number.as_str(), got.text.as_str()), ("+46708251358", "hellohello"));
        assert_eq!(got.validity_minutes, Some(4 * 24 * 60));
        assert!(!got.report);
    }

    /// The same page's SMS-DELIVER: from 27838890001 in the old unknown-plan form, checked for the fields that we set.
    #[test]
    fn writes_the_published_stamp_and_body() {
        let part = &split("hellohello", None, 0, Reference::Octet).unwrap()[0];
        let stamp = Stamp { fields: [99, 3, 29, 15, 16, 59], quarters: 4 };
        let tpdu = hex(&deliver("+27838890001", part, stamp));
        assert_eq!(tpdu, "040B917238880900F10000993092516195400AE8329BFD4697D9EC37");
    }

    #[test]
    fn a_negative_zone_sets_the_sign_bit() {
        assert_eq!(Stamp { quarters: -14, ..stamp() }.octets()[6], 0x49);
        assert_eq!(stamp().octets()[6], 0x80);
    }

    #[test]
    fn relative_validity_follows_the_table() {
        let table = [(0, 5), (143, 720), (144, 750), (167, 1440), (168, 2880), (196, 43_200), (197, 50_400)];
        for (period, minutes) in table {
            assert_eq!(relative_minutes(period), minutes);
        }
    }

    #[test]
    fn a_cut_never_falls_into_an_escape_or_a_surrogate_pair() {
        let euros = split(&format!("{}€€", "a".repeat(152)).repeat(2), None, 7, Reference::Octet).unwrap();
        assert!(euros.iter().all(|part| usize::from(part.length) <= 160));
        let smiles = split(&"😀".repeat(71), None, 7, Reference::Word).unwrap();
        for part in &smiles {
            assert!(!ucs2_text(&part.data[7..]).contains('\u{FFFD}'));
        }
    }

    #[test]
    fn a_truncated_or_padded_submit_is_refused() {
        let good = unhex("11000B916407281553F80000AA0AE8329BFD4697D9EC37").unwrap();
        for cut in 0..good.len() {
            assert!(parse_submit(&good[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(parse_submit(&[good, vec![0]].concat()), Err(PduError::Long(1)));
    }

    #[test]
    fn an_alphanumeric_sender_keeps_its_letters() {
        let octets = address("InPost");
        assert_eq!((octets[0], octets[1]), (11, 0xD0));
        assert_eq!(address_text(octets[1], usize::from(octets[0]), &octets[2..]), "InPost");
    }
}
