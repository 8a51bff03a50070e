//! Encoding of SMS-SUBMIT (3GPP TS 23.040 §9.2.2.2).

use std::fmt;
use std::time::Duration;

use super::address::{self, NumberError};
use super::reader::hex_of_octets;
use super::segment::{EncodingChoice, MAX_PARTS, Segment, SegmentError, segment};
use super::{Concat, Encoding, fold, gsm7, time};
use crate::Private;

/// Whether letters that the GSM alphabet lacks are replaced by plain ones before encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folding {
    /// The text goes out as it is.
    #[default]
    Keep,
    /// [`fold`] first.
    Fold,
}

/// Whether the service centre is asked for a delivery report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Report {
    /// No report.
    #[default]
    None,
    /// One for each part.
    Request,
}

/// What the recipient's phone does with the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Keeps it as its owner likes.
    #[default]
    Ordinary,
    /// Shows it at once and need not keep it (class 0, "flash").
    Flash,
}

/// A text to be sent.
#[derive(Clone)]
pub struct SubmitRequest {
    /// Digits, with `+` in front when international.
    pub number: String,
    /// The text.
    pub text: String,
    /// Folding before encoding.
    pub fold: Folding,
    /// Delivery report.
    pub report: Report,
    /// How long the service centre keeps trying; rounded down to what the standard can say. `None` leaves it to the
    /// service centre.
    pub validity: Option<Duration>,
    /// The reference of the concatenation, and TP-MR of the first part; the following parts count on. Most modems put
    /// their own TP-MR in its place.
    pub reference: u8,
    /// The alphabet.
    pub encoding: EncodingChoice,
    /// The most parts allowed.
    pub max_parts: u8,
    /// Ordinary or flash.
    pub class: Class,
}

impl SubmitRequest {
    /// A plain request: no folding, no report, no validity period, reference 0, any alphabet, up to 255 parts.
    pub fn new(number: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            number: number.into(),
            text: text.into(),
            fold: Folding::Keep,
            report: Report::None,
            validity: None,
            reference: 0,
            encoding: EncodingChoice::Auto,
            max_parts: MAX_PARTS,
            class: Class::Ordinary,
        }
    }
}

impl fmt::Debug for SubmitRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitRequest")
            .field("fold", &self.fold)
            .field("report", &self.report)
            .field("validity", &self.validity)
            .field("reference", &self.reference)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// One part, ready for `AT+CMGS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitPdu {
    /// Octets without the service centre's, as `AT+CMGS=<length>` wants it.
    pub length: usize,
    /// Hexadecimal with the service centre's octet `00`, which takes the SIM's own.
    pub hex: Private<String>,
    /// Its TP-MR.
    pub reference: u8,
    /// From 1.
    pub part: u8,
    /// How many.
    pub parts: u8,
}

/// Why a text can't be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The number is none.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The text doesn't fit.
    #[error(transparent)]
    Text(#[from] SegmentError),
}

/// Encodes a text as one SMS-SUBMIT a part.
///
/// # Errors
/// When the number has something else than digits, or the text needs more parts than allowed or characters that the
/// chosen alphabet lacks.
pub fn encode_submit(request: &SubmitRequest) -> Result<Vec<SubmitPdu>, EncodeError> {
    let folded;
    let text = match request.fold {
        Folding::Keep => &request.text,
        Folding::Fold => {
            folded = fold(&request.text);
            &folded
        }
    };
    let cut = segment(text, request.encoding, request.max_parts)?;
    let parts = u8::try_from(cut.parts.len()).expect("segment() keeps to a limit of parts that fits an octet");
    (1..=parts)
        .zip(&cut.parts)
        .map(|(part, of)| {
            let concat = (parts > 1).then_some(Concat { reference: u16::from(request.reference), part, parts });
            let reference = request.reference.wrapping_add(part - 1);
            let octets = encode_part(request, cut.encoding, of, concat, reference)?;
            Ok(SubmitPdu { length: octets.len() - 1, hex: Private(hex_of_octets(&octets)), reference, part, parts })
        })
        .collect()
}

fn encode_part(
    request: &SubmitRequest,
    encoding: Encoding,
    segment: &Segment,
    concat: Option<Concat>,
    reference: u8,
) -> Result<Vec<u8>, NumberError> {
    let mut first = 0x01;
    if request.validity.is_some() {
        first |= 0x10;
    }
    if request.report == Report::Request {
        first |= 0x20;
    }
    if concat.is_some() {
        first |= 0x40;
    }
    let mut pdu = vec![0x00, first, reference];
    address::encode(&request.number, &mut pdu)?;
    pdu.push(0x00);
    pdu.push(coding_scheme(encoding, request.class));
    if let Some(validity) = request.validity {
        pdu.push(time::relative_validity(validity));
    }
    user_data(encoding, &segment.text, concat, &mut pdu);
    Ok(pdu)
}

/// TP-DCS of the general group (TS 23.038 §4).
fn coding_scheme(encoding: Encoding, class: Class) -> u8 {
    let alphabet = match encoding {
        Encoding::Gsm7 => 0x00,
        Encoding::EightBit => 0x04,
        Encoding::Ucs2 => 0x08,
    };
    match class {
        Class::Ordinary => alphabet,
        Class::Flash => alphabet | 0x10,
    }
}

/// TP-UDL and TP-UD, with the concatenation header when there is one.
fn user_data(encoding: Encoding, text: &str, concat: Option<Concat>, pdu: &mut Vec<u8>) {
    let header = concat.map_or_else(Vec::new, |c| vec![0x05, 0x00, 0x03, c.reference as u8, c.parts, c.part]);
    match encoding {
        Encoding::Gsm7 => {
            let septets: Vec<u8> = text
                .chars()
                .filter_map(gsm7::septets_of)
                .flat_map(|(escape, code)| escape.into_iter().chain([code]))
                .collect();
            let header_septets = (header.len() * 8).div_ceil(7);
            let fill = header_septets * 7 - header.len() * 8;
            pdu.push((header_septets + septets.len()) as u8);
            pdu.extend_from_slice(&header);
            pdu.extend(gsm7::pack(&septets, fill));
        }
        Encoding::Ucs2 => {
            let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            pdu.push((header.len() + octets.len()) as u8);
            pdu.extend_from_slice(&header);
            pdu.extend(octets);
        }
        Encoding::EightBit => {
            let octets: Vec<u8> = text.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
            pdu.push((header.len() + octets.len()) as u8);
            pdu.extend_from_slice(&header);
            pdu.extend(octets);
        }
    }
}
