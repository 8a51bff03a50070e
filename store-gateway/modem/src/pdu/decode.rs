//! Decoding of SMS-DELIVER, SMS-STATUS-REPORT and SMS-SUBMIT (3GPP TS 23.040 §9.2.2).

use std::time::Duration;

use super::address::{self, Address};
use super::reader::{DecodeError, Reader, octets_of_hex};
use super::{Concat, Encoding, gsm7, time};
use crate::Private;

/// The most octets of user data (TS 23.040 §9.2.3.16).
const MAX_USER_DATA_OCTETS: usize = 140;

/// Who sent the PDU; the same first octet means different things either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The service centre: DELIVER and STATUS-REPORT.
    FromSc,
    /// A phone or modem: SUBMIT.
    FromMs,
}

/// A decoded PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message that came in.
    Deliver(Deliver),
    /// A message that goes out.
    Submit(Submit),
    /// What became of a message that went out.
    StatusReport(StatusReport),
}

/// SMS-DELIVER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// Who sent it.
    pub sender: Address,
    /// When the service centre took it: milliseconds since the Unix epoch.
    pub scts: i64,
    /// What it says.
    pub data: UserData,
}

/// SMS-SUBMIT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// TP-MR.
    pub reference: u8,
    /// For whom it is.
    pub recipient: Address,
    /// Whether a report is asked for.
    pub report: super::Report,
    /// Its relative validity period, when that is how it is given.
    pub validity: Option<Duration>,
    /// What it says.
    pub data: UserData,
}

/// SMS-STATUS-REPORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// TP-MR of the message reported on.
    pub reference: u8,
    /// For whom that message was.
    pub recipient: Address,
    /// When the service centre took that message: milliseconds since the Unix epoch.
    pub scts: i64,
    /// When this status came about: milliseconds since the Unix epoch.
    pub discharge: i64,
    /// TP-ST.
    pub status: u8,
}

/// User data with its header's concatenation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserData {
    /// Its alphabet.
    pub encoding: Encoding,
    /// Septets (one an octet), UTF-16 octets or octets, without the header. A long message is put together from
    /// these, because other senders do split escape pairs and surrogates.
    pub payload: Private<Vec<u8>>,
    /// The payload as text.
    pub text: Private<String>,
    /// Which part it is.
    pub concat: Option<Concat>,
}

/// The text of a payload.
pub fn text_of(encoding: Encoding, payload: &[u8]) -> String {
    match encoding {
        Encoding::Gsm7 => gsm7::text_of(payload),
        Encoding::Ucs2 => {
            let units = payload.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Encoding::EightBit => payload.iter().map(|&o| char::from(o)).collect(),
    }
}

/// Decodes a PDU given in hexadecimal with the service centre's address in front.
///
/// # Errors
/// Names the octet, from 1, that is missing, surplus or wrong.
pub fn decode(hex: &str, direction: Direction) -> Result<Message, DecodeError> {
    let octets = octets_of_hex(hex)?;
    let mut reader = Reader::new(&octets);
    address::skip_service_centre(&mut reader)?;
    let first = reader.octet("first octet")?;
    let message = match (direction, first & 3) {
        (Direction::FromSc, 0) => Message::Deliver(deliver(&mut reader, first)?),
        (Direction::FromSc, 2) => return status_report(&mut reader).map(Message::StatusReport),
        (Direction::FromMs, 1) => Message::Submit(submit(&mut reader, first)?),
        (Direction::FromSc, _) => return Err(reader.invalid(1, "neither SMS-DELIVER nor SMS-STATUS-REPORT")),
        (Direction::FromMs, _) => return Err(reader.invalid(1, "not SMS-SUBMIT")),
    };
    reader.finish()?;
    Ok(message)
}

fn deliver(reader: &mut Reader<'_>, first: u8) -> Result<Deliver, DecodeError> {
    let sender = address::decode(reader, "sender")?;
    reader.octet("protocol identifier")?;
    let encoding = coding_scheme(reader)?;
    let scts = time::decode(reader, "service centre time stamp")?;
    Ok(Deliver { sender, scts, data: user_data(reader, encoding, first)? })
}

fn submit(reader: &mut Reader<'_>, first: u8) -> Result<Submit, DecodeError> {
    let reference = reader.octet("message reference")?;
    let recipient = address::decode(reader, "recipient")?;
    reader.octet("protocol identifier")?;
    let encoding = coding_scheme(reader)?;
    let validity = match (first >> 3) & 3 {
        0 => None,
        2 => Some(time::duration_of_validity(reader.octet("validity period")?)),
        _ => {
            reader.take(7, "validity period")?;
            None
        }
    };
    let report = if first & 0x20 == 0 { super::Report::None } else { super::Report::Request };
    Ok(Submit { reference, recipient, report, validity, data: user_data(reader, encoding, first)? })
}

/// A report may end after its status or go on with the fields that TP-PI announces, which nobody here needs.
fn status_report(reader: &mut Reader<'_>) -> Result<StatusReport, DecodeError> {
    let reference = reader.octet("message reference")?;
    let recipient = address::decode(reader, "recipient")?;
    let scts = time::decode(reader, "service centre time stamp")?;
    let discharge = time::decode(reader, "discharge time")?;
    let status = reader.octet("status")?;
    Ok(StatusReport { reference, recipient, scts, discharge, status })
}

/// The alphabet that TP-DCS announces (TS 23.038 §4).
fn coding_scheme(reader: &mut Reader<'_>) -> Result<Encoding, DecodeError> {
    let dcs = reader.octet("data coding scheme")?;
    match dcs >> 4 {
        0x0..=0x7 if dcs & 0x20 != 0 => Err(reader.invalid(1, "compressed text is not taken")),
        0x0..=0x7 => Ok(match (dcs >> 2) & 3 {
            1 => Encoding::EightBit,
            2 => Encoding::Ucs2,
            _ => Encoding::Gsm7,
        }),
        0xE => Ok(Encoding::Ucs2),
        0xF if dcs & 4 != 0 => Ok(Encoding::EightBit),
        _ => Ok(Encoding::Gsm7),
    }
}

fn user_data(reader: &mut Reader<'_>, encoding: Encoding, first: u8) -> Result<UserData, DecodeError> {
    let length = usize::from(reader.octet("user data length")?);
    let octet_count = match encoding {
        Encoding::Gsm7 => (length * 7).div_ceil(8),
        Encoding::Ucs2 | Encoding::EightBit => length,
    };
    if octet_count > MAX_USER_DATA_OCTETS {
        return Err(reader.invalid(1, "user data has at most 140 octets"));
    }
    let octets = reader.take(octet_count, "user data")?;
    let (concat, header_octets) = if first & 0x40 == 0 { (None, 0) } else { header(reader, octets)? };
    let payload = match encoding {
        Encoding::Gsm7 => {
            let header_septets = (header_octets * 8).div_ceil(7);
            let count = length.checked_sub(header_septets);
            let count = count.ok_or_else(|| reader.invalid(octets.len(), "the header is longer than the user data"))?;
            gsm7::unpack(octets, header_septets * 7, count)
        }
        Encoding::Ucs2 if (octets.len() - header_octets) % 2 == 1 => {
            return Err(reader.invalid(1, "half a UCS-2 character"));
        }
        Encoding::Ucs2 | Encoding::EightBit => octets[header_octets..].to_vec(),
    };
    let text = Private(text_of(encoding, &payload));
    Ok(UserData { encoding, payload: Private(payload), text, concat })
}

/// The concatenation of a user data header, and the header's size with its length octet. Other elements are passed
/// over; of several concatenations the last counts (TS 23.040 §9.2.3.24).
fn header(reader: &Reader<'_>, octets: &[u8]) -> Result<(Option<Concat>, usize), DecodeError> {
    let Some((&size, rest)) = octets.split_first() else {
        return Err(reader.invalid(1, "a header is announced and there is no user data"));
    };
    let Some(mut elements) = rest.get(..usize::from(size)) else {
        return Err(reader.invalid(octets.len(), "the header is longer than the user data"));
    };
    let mut concat = None;
    while let [identifier, length, rest @ ..] = elements {
        let Some(value) = rest.get(..usize::from(*length)) else {
            let back = octets.len() - 1 - usize::from(size) + elements.len();
            return Err(reader.invalid(back - 1, "a header's element is longer than the header"));
        };
        let found = match (identifier, value) {
            (0x00, &[reference, parts, part]) => Some((u16::from(reference), parts, part)),
            (0x08, &[high, low, parts, part]) => Some((u16::from_be_bytes([high, low]), parts, part)),
            _ => None,
        };
        // An element whose numbers make no sense is to be ignored (§9.2.3.24.1).
        if let Some((reference, parts, part)) = found.filter(|&(_, parts, part)| (1..=parts).contains(&part)) {
            concat = Some(Concat { reference, part, parts });
        }
        elements = &rest[value.len()..];
    }
    Ok((concat, usize::from(size) + 1))
}
